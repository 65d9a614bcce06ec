"""Where a step's time goes: its operations by torch's profiler, and its speed beside one large product of matrices.

python -m bench profile
"""

import contextlib
import statistics
import time
from collections.abc import Callable

import torch
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from bench import translation, vae
from bench.timing import Steady, Work, machine

SIDE = 2048
"""Of the matrices: large enough that nothing but arithmetic counts."""
ROUNDS, SHOWN = 7, 10


def steps() -> dict[str, tuple[Callable[[], Work], int]]:
    """The steps that goals speak of, and their textbooks: what prepares a round, and how many steps it has."""
    return {
        "vae-128, bare step": (lambda: vae.bare(128), vae.steps(128)),
        "pix2pix-256, bare step": (lambda: translation.bare("pix2pix", 256, 1), 1),
        "pix2pix-256, textbook": (lambda: translation.textbook(256, 1), 1),
        "cyclegan-128, bare step": (lambda: translation.bare("cyclegan", 128, 1), 1),
        "cyclegan-128, textbook": (lambda: translation.cycle_textbook(128, 1), 1),
    }


def seconds(work: Callable[[], object]) -> float:
    """Median of some rounds after one that warms up."""
    found = []
    for _ in range(ROUNDS + 1):
        start = time.perf_counter()
        work()
        found.append(time.perf_counter() - start)
    return statistics.median(found[1:])


def main() -> None:
    """Print, for each step, its operations, its speed, and the shares of its time."""
    a, b = torch.randn(2, SIDE, SIDE)
    print(machine())
    speed = 2 * SIDE**3 / seconds(lambda: a @ b) / 1e9
    print(f"a product of {SIDE:,}×{SIDE:,} matrices: {speed:.0f} GFLOP/s")
    for name, (prepare, n) in steps().items():
        work = prepare()
        with FlopCounterMode(display=False) as counted:
            work()
        with work.around() if isinstance(work, Steady) else contextlib.nullcontext():
            took = seconds(work) / n
        operations = counted.get_total_flops() / n / 1e9
        print(
            f"{name}: {took * 1e3:.1f} ms, {operations:.2f} GFLOP: {operations / took:.0f} GFLOP/s; "
            f"at the speed of that product {operations / speed * 1e3:.1f} ms"
        )
        with profile(activities=[ProfilerActivity.CPU]) as seen:
            work()
        rows = sorted(seen.key_averages(), key=lambda row: -row.self_cpu_time_total)
        whole = sum(row.self_cpu_time_total for row in rows)
        print("   " + ", ".join(f"{row.key} {row.self_cpu_time_total / whole:.1%}" for row in rows[:SHOWN]), flush=True)
