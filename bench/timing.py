"""Fair timing on a noisy machine: contenders take turns, several rounds after a warm-up; ratios within a round.

A row is measured in a process of its own, and each of its contenders once more in another, for its peak memory.
"""

import contextlib
import gc
import os
import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

Work = Callable[[], float | None]
"""One round of a contender; what it returns is how well it did: a loss, a distance."""
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
"""Where contenders train and look at images: a machine with a GPU measures that one."""
PEERS = ("torch", "torchvision", "pythae", "torchmetrics", "torch-fidelity", "pytorch-fid")


@dataclass(frozen=True)
class Steady:
    """A round of a contender that keeps something from one step to the next for as long as it works: it is timed within
    that, and after steps that are not."""

    work: Work
    around: Callable[[], AbstractContextManager[None]]

    def __call__(self) -> float | None:
        with self.around():
            return self.work()


@dataclass(frozen=True)
class Row:
    """Contenders that do the same work; the first is ours. Each is a function that prepares it and returns its round.

    A contender whose package is not installed (ImportError) is left out.
    """

    title: str
    contenders: Mapping[str, Callable[[], Work]]
    per: int = 1
    """Units of work in a round."""
    unit: str = "call"
    limit: str | None = None
    """The contender that does only what nothing can leave out: ours reaches a share of its speed."""
    goals: Mapping[str, float] = field(default_factory=dict)
    """How many times as fast as each contender ours should be at least; of the limit, the share."""
    most: float | None = None
    """Seconds that a unit of ours may take, where the goal is a time."""
    shares: Mapping[str, float] = field(default_factory=dict)
    """Which part of the work a contender did that is too slow for all of it; the whole is reckoned from that."""
    rounds: int = 7
    warmup: int = 1
    quality: str = ""
    """What the number is that a contender returns, where it returns one."""
    bfloat16: bool = False
    """Computed in bfloat16: a processor without instructions for that is not asked."""

    @property
    def lacking(self) -> str:
        """Why it cannot be measured on this machine, if it cannot."""
        able = DEVICE.type == "cuda" or torch.ops.mkldnn._is_mkldnn_bf16_supported()
        return "this processor has no instructions for bfloat16" if self.bfloat16 and not able else ""


def measure(row: Row, rounds: int | None = None, earlier: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Time the contenders in turn, and return the row as plain values: seconds of each round, by the clock and by the
    processor. Rounds of an `earlier` measurement of the same row are kept before the new ones."""
    ready: dict[str, Work] = {}
    for name, prepare in row.contenders.items():
        with contextlib.suppress(ImportError):
            ready[name] = prepare()
    found: dict[str, Any] = {"seconds": {n: [] for n in ready}, "processor": {n: [] for n in ready}, "values": {}}
    before, began = os.getloadavg()[0], time.perf_counter()
    for turn in range(row.warmup + (rounds or row.rounds)):
        for name, work in ready.items():
            gc.collect()
            with work.around() if isinstance(work, Steady) else contextlib.nullcontext():
                if isinstance(work, Steady):
                    work.work()
                clock, processor = time.perf_counter(), time.process_time()
                value = work()
                if DEVICE.type == "cuda":
                    torch.cuda.synchronize()
                spent = time.perf_counter() - clock, time.process_time() - processor
            if turn >= row.warmup:
                found["seconds"][name].append(spent[0])
                found["processor"][name].append(spent[1])
                if value is not None:
                    found["values"].setdefault(name, []).append(value)
    for kind in ("seconds", "processor", "values"):
        kept = (earlier or {}).get(kind, {})
        found[kind] = {name: kept.get(name, []) + values for name, values in found[kind].items()}
    took = time.perf_counter() - began
    return {
        "title": row.title,
        "per": row.per,
        "unit": row.unit,
        "limit": row.limit,
        "goals": dict(row.goals),
        "most": row.most,
        "shares": dict(row.shares),
        "quality": row.quality,
        **found,
        "machine": machine() | {"load": [round(before, 1), round(os.getloadavg()[0], 1)]},
        "took": round(took, 1),
    }


def peak(row: Row, name: str) -> float:
    """Megabytes that this process has held at most, on a GPU those of its tensors there, once a contender has done one
    round."""
    row.contenders[name]()()
    if DEVICE.type == "cuda":
        return torch.cuda.max_memory_allocated() / (1 << 20)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1 << 20)


def ratios(row: Mapping[str, Any], name: str) -> list[float]:
    """How many times a contender's time ours goes into, in each round; of the limit, which share of it ours reaches."""
    own, *_ = row["seconds"]
    share = row["shares"].get(name, 1.0)
    pairs = zip(row["seconds"][name], row["seconds"][own], strict=True)
    return [other / share / ours for other, ours in pairs]


def spread(values: list[float]) -> tuple[float, float, float]:
    """Median, and the quartiles: what a shared machine does now and then is not in them."""
    if len(values) == 1:
        return values[0], values[0], values[0]
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return statistics.median(values), low, high


def machine() -> dict[str, Any]:
    """What the numbers were measured on, and with which versions."""
    model = platform.processor() or platform.machine()
    with contextlib.suppress(OSError), Path("/proc/cpuinfo").open(encoding="utf-8") as file:
        model = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), model)
    versions = {}
    for package in PEERS:
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions[package] = metadata.version(package)
    return {
        "processor": model,
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "python": platform.python_version(),
        "versions": versions,
        "date": time.strftime("%Y-%m-%d"),
    }


@dataclass(frozen=True)
class Timed:
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


def compare(contenders: Mapping[str, Callable[[], object]], rounds: int = 7, warmup: int = 1) -> list[Timed]:
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
        Timed(name, values, [one / other for one, other in zip(values, reference, strict=True)])
        for name, values in seconds.items()
    ]


def show(title: str, rows: list[Timed], unit: float = 1.0, per: str = "round") -> None:
    """A table: median seconds, and how many times the reference's time (smallest and largest round in brackets)."""
    print(f"\n{title}\n  {machine()}")
    for row in rows:
        low, high = min(row.ratios), max(row.ratios)
        print(
            f"  {row.name:42} {row.median / unit * 1e3:10.3f} ms a {per}   {row.ratio:7.3f} × ({low:.3f} to {high:.3f})"
        )
