"""Fair timing on a noisy machine: contenders take turns, several rounds after a warm-up; medians of ratios."""

import gc
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch


@dataclass(frozen=True)
class Row:
    """One contender's seconds a round, and its ratio to the reference of the same round."""

    name: str
    seconds: list[float]
    ratios: list[float]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def ratio(self) -> float:
        return statistics.median(self.ratios)


def compare(contenders: Mapping[str, Callable[[], object]], rounds: int = 7, warmup: int = 1) -> list[Row]:
    """Time each contender once a round, in turn; ratios are taken within a round, against the first of them."""
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(warmup + rounds):
        for name, work in contenders.items():
            gc.collect()
            start = time.perf_counter()
            work()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            if turn >= warmup:
                seconds[name].append(time.perf_counter() - start)
    reference = next(iter(seconds.values()))
    return [
        Row(name, values, [one / other for one, other in zip(values, reference, strict=True)])
        for name, values in seconds.items()
    ]


def show(title: str, rows: list[Row], unit: float = 1.0, per: str = "round") -> None:
    """A table: median seconds, and how many times the reference's time (smallest and largest round in brackets)."""
    print(f"\n{title}\n{machine()}")
    for row in rows:
        low, high = min(row.ratios), max(row.ratios)
        print(
            f"  {row.name:42} {row.median / unit * 1e3:10.3f} ms a {per}   {row.ratio:7.3f} × ({low:.3f} to {high:.3f})"
        )


def machine() -> str:
    """What the numbers were measured on."""
    model = platform.processor() or platform.machine()
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8") as file:
            model = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), model)
    except OSError:
        pass
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    return f"  {model}, {os.cpu_count()} cores, {torch.get_num_threads()} threads, {device}, torch {torch.__version__}"
