"""Work that ranks share (torch.distributed), where there are several: each does its own part, all know the whole."""

from typing import TypeVar

import torch

T = TypeVar("T")


def place() -> tuple[int, int]:
    """The number of this rank, and how many there are; 0 of 1 in a process by itself."""
    together = torch.distributed.is_available() and torch.distributed.is_initialized()
    return (torch.distributed.get_rank(), torch.distributed.get_world_size()) if together else (0, 1)


def first() -> bool:
    """Whether this rank is the one that writes and speaks."""
    return place()[0] == 0


def each(own: T) -> list[T]:
    """What each rank has, in their order."""
    _, ranks = place()
    if ranks == 1:
        return [own]
    found: list[T] = [own] * ranks
    torch.distributed.all_gather_object(found, own)
    return found


def dealt(own: list[T]) -> list[T]:
    """What ranks made of things that were dealt out in turn, in the order of the things.

    >>> dealt(["a", "b"])
    ['a', 'b']
    """
    hands = each(own)
    return [hands[i % len(hands)][i // len(hands)] for i in range(sum(map(len, hands)))]
