"""Every random number in Arzhang comes from a generator keyed by what it is for: (seed, purpose, step, …).

A key needs no saved state: the same key gives the same numbers after a resume, on one rank or many.
"""

import hashlib

import torch
from jaxtyping import Int64
from torch import Tensor


def mix(*key: int | str) -> int:
    """A 63-bit seed from a key of integers and words: equal for equal keys, unrelated for different ones.

    >>> mix(0, "order", 3) == mix(0, "order", 3), mix(0, "order", 3) == mix(0, "order", 4)
    (True, False)
    """
    digest = hashlib.blake2b(repr(key).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def generator(*key: int | str, device: torch.device | str = "cpu") -> torch.Generator:
    """A fresh generator on `device`, seeded by `mix(*key)`."""
    return torch.Generator(device).manual_seed(mix(*key))


def reseed(*key: int | str, device: torch.device) -> None:
    """Seed torch's own generators, of the CPU and of `device`, for what draws inside a network.

    `torch.manual_seed` at each step would keep a stack trace for every kind of device that is not in use, for ever.
    """
    torch.default_generator.manual_seed(mix(*key))
    if device.type in ("cuda", "mps"):
        torch.get_device_module(device).manual_seed(mix(*key))


def permutation(n: int, seed: int, epoch: int) -> Int64[Tensor, " n"]:
    """The order in which n images are taken in an epoch: a function of (seed, epoch), so that it needs no saving."""
    return torch.randperm(n, generator=generator(seed, "order", epoch))
