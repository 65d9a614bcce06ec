"""Means over a test part, and the form in which a number is stored."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from rich.console import Console
from rich.progress import track
from torch import Tensor

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


class Moments:
    """Sums and sums of squares in float64: means and variances of any number of rows. Where a row is one number it is
    kept, four bytes each, by which two runs can be paired image by image."""

    def __init__(self) -> None:
        self.n = 0
        self.sums: dict[str, Tensor] = {}
        self.squares: dict[str, Tensor] = {}
        self.rows: dict[str, list[Tensor]] = {}

    def add(self, columns: Mapping[str, Tensor]) -> None:
        """Take in one block: columns of shape (rows, …)."""
        self.n += len(next(iter(columns.values())))
        for name, column in columns.items():
            values = column.cpu().double()
            self.sums[name] = self.sums.get(name, 0) + values.sum(0)
            self.squares[name] = self.squares.get(name, 0) + values.square().sum(0)
            if values.ndim == 1:
                self.rows.setdefault(name, []).append(values.float())

    def mean(self, name: str) -> Tensor:
        return self.sums[name] / self.n

    def variance(self, name: str) -> Tensor:
        """The unbiased one."""
        spread = (self.squares[name] - self.n * self.mean(name) ** 2) / max(1, self.n - 1)
        return spread.clamp_min(0)

    def metric(self, name: str, unit: str, protocol: dict[str, Any], scale: float = 1.0) -> Metric:
        """The mean of a column with its standard error; and under `EACH`, which is stored apart, its rows."""
        error = float((self.variance(name) / self.n).sqrt()) * scale if self.n > 1 else None
        value = float(self.mean(name)) * scale
        each = {EACH: torch.cat(self.rows[name]) * scale} if name in self.rows else {}
        return {"value": value, "uncertainty": error, "n": self.n, "unit": unit, "protocol": protocol} | each


def exact(value: float, n: int, unit: str, protocol: dict[str, Any]) -> Metric:
    """A number that is known without error."""
    return {"value": value, "uncertainty": None, "n": n, "unit": unit, "protocol": protocol}
