"""Means over a test part, and the form in which a number is stored."""

import math
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

import torch
from rich.console import Console
from rich.progress import track
from torch import Tensor

from arzhang import sharing
from arzhang.training.loop import BLOCK

Metric = dict[str, Any]
"""{"value", "uncertainty", "n", "unit", "protocol"}: a number is never stored without how it came about."""
EACH = "each"
"""Key of the values of single test images."""


def blocks(n: int, title: str, size: int = BLOCK) -> Iterator[tuple[int, Tensor]]:
    """Consecutive blocks of indices, numbered, with a bar where there is a terminal to show it on."""
    console = Console(stderr=True)
    for block in track(range(math.ceil(n / size)), title, console=console, disable=not console.is_terminal):
        yield block, torch.arange(block * size, min(n, (block + 1) * size))


def own_blocks(n: int, title: str, size: int = BLOCK) -> Iterator[tuple[int, Tensor]]:
    """Those of the blocks that are this rank's: they are dealt out in turn."""
    rank, ranks = sharing.place()
    return islice(blocks(n, title, size), rank, None, ranks)


class _Part(NamedTuple):
    """Sums over one block, in float64; where a row is one number, the rows."""

    n: int
    sums: dict[str, Tensor]
    squares: dict[str, Tensor]
    rows: dict[str, Tensor]


class Moments:
    """Sums and sums of squares in float64: means and variances of any number of rows. Where a row is one number it is
    kept, four bytes each, by which two runs can be paired image by image."""

    def __init__(self) -> None:
        self.parts: list[_Part] = []

    def add(self, columns: Mapping[str, Tensor]) -> None:
        """Take in one block: columns of shape (rows, …)."""
        values = {name: column.cpu().double() for name, column in columns.items()}
        self.parts.append(
            _Part(
                len(next(iter(values.values()))),
                {name: column.sum(0) for name, column in values.items()},
                {name: column.square().sum(0) for name, column in values.items()},
                {name: column.float() for name, column in values.items() if column.ndim == 1},
            )
        )

    def of_all_ranks(self) -> "Moments":
        """Every rank's blocks, of `own_blocks`, in their order, so that their sums are those of one process."""
        self.parts = sharing.dealt(self.parts)
        return self

    @property
    def n(self) -> int:
        return sum(part.n for part in self.parts)

    @property
    def names(self) -> list[str]:
        return list(self.parts[0].sums)

    def _sum(self, name: str) -> Tensor:
        return sum((part.sums[name] for part in self.parts), torch.tensor(0.0, dtype=torch.float64))

    def mean(self, name: str) -> Tensor:
        return self._sum(name) / self.n

    def variance(self, name: str) -> Tensor:
        """The unbiased one."""
        squares = sum((part.squares[name] for part in self.parts), torch.tensor(0.0, dtype=torch.float64))
        spread = (squares - self.n * self.mean(name) ** 2) / max(1, self.n - 1)
        return spread.clamp_min(0)

    def metric(self, name: str, unit: str, protocol: dict[str, Any], scale: float = 1.0) -> Metric:
        """The mean of a column with its standard error; and under `EACH`, which is stored apart, its rows."""
        error = float((self.variance(name) / self.n).sqrt()) * scale if self.n > 1 else None
        value = float(self.mean(name)) * scale
        each = {EACH: torch.cat([part.rows[name] for part in self.parts]) * scale} if name in self.parts[0].rows else {}
        return {"value": value, "uncertainty": error, "n": self.n, "unit": unit, "protocol": protocol} | each


def exact(value: float, n: int, unit: str, protocol: dict[str, Any]) -> Metric:
    """A number that is known without error."""
    return {"value": value, "uncertainty": None, "n": n, "unit": unit, "protocol": protocol}
