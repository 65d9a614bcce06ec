"""`python -m torture`: everything, or some of it, with its counts in a table.

    python -m torture [--only NAME …] [--inputs 100000] [--times 40] [--seed 0] [--write docs/reliability.md]

`--short` does a little of each, as `make test` does. `--write` puts the counts into the tables of a page: rows of what
was not done this time stay. The exit code is 1 where anything failed.
"""

import argparse
import os
import re
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from torture import forks, fuzz, kills, parsers, verbs

ROOT = Path(__file__).parents[2]
KILLED = ("train", "evaluate", "cache", "zip", "reproduce", "publish", "report")
SHORT = ("train", "publish")
DEAR = {"reproduce": 4}
"""Times fewer that a verb is struck, for it takes so many times longer."""
CALLS = 160
"""Writing calls of a verb at most, at each of which the disk is full; one with more gets so many of them."""
NAMED = {signal.SIGKILL: "SIGKILL", signal.SIGTERM: "SIGTERM"}


class Row(NamedTuple):
    """One line of a table of the page: what was done, and how often; `table` is where it stands."""

    table: str
    what: str
    cells: tuple[str, ...]


def struck(what: str, tally: kills.Tally) -> tuple[Row, list[str]]:
    row = Row("kills", what, (f"{tally.done:,}", f"{tally.struck:,}", f"{len(tally.failures):,}"))
    return row, tally.failures


def disturbances(
    world: Path, at: Path, seed: int, times: int, short: bool
) -> Iterator[tuple[str, Callable[[], kills.Tally]]]:
    """Everything that is done to verbs, by name."""
    made: dict[str, kills.Torture] = {}

    def of(name: str) -> kills.Torture:
        if name not in made:
            made[name] = kills.Torture(verbs.VERBS[name], world, at, seed)
        return made[name]

    for name in SHORT if short else KILLED:
        n = max(2, times // DEAR.get(name, 1))
        for signum, called in NAMED.items():
            yield f"{name}: {called}", lambda name=name, signum=signum, n=n: of(name).killed(signum, n)
        yield f"{name}: power cut", lambda name=name, n=n: of(name).cut_off(n)
        some = n if name in DEAR or times < 40 else CALLS
        yield f"{name}: disk full from a call on", lambda name=name, some=some: of(name).filled(some)
        yield f"{name}: one call that fails", lambda name=name, some=some: of(name).filled(some, stays=False)
    if short:
        return
    if os.getuid() == 0 and sys.platform == "linux":
        yield "a small disk of its own", lambda: kills.small_disks(world, at, seed, times // 2)
        yield "folders forbidden or vanished", lambda: kills.forbidden(world, at)
    yield "two at once", lambda: kills.rivals(world, at, seed, max(1, times // 8))
    yield "memory runs out", lambda: kills.starved(world, at, seed, times)


def broken(name: str, inputs: int, seed: int, place: Path) -> tuple[Row, list[str]]:
    """One parser's inputs."""
    parser = parsers.parsers()[name]
    place.mkdir(parents=True, exist_ok=True)
    found = fuzz.fuzz(parser, inputs, seed, place)
    many = len(parser.planted) + inputs
    cells = (f"{many:,}", f"{found.read:,}", f"{found.refused:,}", f"{len(found.faults):,}", f"{found.slowest:.1f}")
    return Row("files", name, cells), _told(found.faults)


def _told(faults: list[fuzz.Fault]) -> list[str]:
    """Faults of a kind are told once, with their number and where they came from."""
    kinds: dict[str, list[fuzz.Fault]] = {}
    for fault in faults:
        last = [line.strip() for line in fault.trace.splitlines() if line.strip().startswith("File ")][-1:]
        kinds.setdefault(f"{fault.what.splitlines()[0][:60]} {last}", []).append(fault)
    return [f"{str(same[0]).splitlines()[0][:300]} {kind[-120:]} ({len(same)} such)" for kind, same in kinds.items()]


def write(page: Path, rows: list[Row], seed: int) -> None:
    """Put rows into the page's tables, between `<!-- NAME -->` and the next empty line; others stay."""
    text = page.read_text(encoding="utf-8")
    for table in {row.table for row in rows}:
        begin = text.index(f"<!-- {table} -->")
        end = text.find("\n\n", text.index("|", begin))
        head, rule, *lines = [line for line in text[begin:end].splitlines()[1:] if line.strip()]
        kept = {line.split("|")[1].strip(): line for line in lines}
        for row in rows:
            if row.table == table:
                kept[row.what] = "| " + " | ".join((row.what, str(seed), *row.cells)) + " |"
        order = [name for name in (*_order(), *kept) if name in kept]
        whole = "\n".join([f"<!-- {table} -->\n", head, rule, *(kept[name] for name in dict.fromkeys(order))])
        text = text[:begin] + whole + (text[end:] if end >= 0 else "\n")
    page.write_text(text, encoding="utf-8")


def _order() -> list[str]:
    return [*(name for name, _ in disturbances(Path(), Path(), 0, 40, False)), *parsers.parsers()]


def main() -> int:
    """Do it, say how it went, and write the counts."""
    options = argparse.ArgumentParser(prog="python -m torture", description="Kills, failing disks, and broken files.")
    options.add_argument(
        "--only", nargs="+", default=[], help="names, or their beginnings: 'train', 'png', 'zip: power'"
    )
    options.add_argument("--inputs", type=int, default=100_000, help="broken files for each parser")
    options.add_argument("--times", type=int, default=40, help="kills of each verb by each means")
    options.add_argument("--seconds", type=float, default=float("inf"), help="begin nothing new after so long")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--short", action="store_true", help="a little of each")
    options.add_argument("--write", type=Path, help="the page whose tables get the counts")
    how = options.parse_args()
    inputs, times = (min(how.inputs, 300), min(how.times, 3)) if how.short else (how.inputs, how.times)
    if not hasattr(os, "fork"):
        print("torture: needs os.fork, which this system has not")
        return 0
    began, failures = time.monotonic(), 0
    forks.warm()
    shared = Path("/dev/shm") if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(prefix="torture-", dir=shared) as folder:
        at = Path(folder)
        steps: list[tuple[str, Callable[[], tuple[Row, list[str]]]]] = []
        world: list[Path] = []

        def lazily(name: str, n: int) -> Callable[[], tuple[Row, list[str]]]:
            def do() -> tuple[Row, list[str]]:
                if not world:
                    world.append(verbs.world(at / "world"))
                return struck(name, dict(disturbances(world[0], at, how.seed, times, how.short))[name]())

            return do

        for name, _ in disturbances(at, at, how.seed, times, how.short):
            steps.append((name, lazily(name, times)))
        for name in parsers.parsers():
            steps.append((name, lambda name=name: broken(name, inputs, how.seed, at / re.sub(r"\W", "-", name))))
        for name, do in steps:
            if how.only and not any(name == one or name.startswith(f"{one}:") for one in how.only):
                continue
            if time.monotonic() - began > how.seconds:
                print(f"{name}: left out, for the time is over", flush=True)
                continue
            started = time.monotonic()
            row, found = do()
            failures += int(row.cells[3 if row.table == "files" else 2].replace(",", ""))
            print(f"{name}: {' '.join(row.cells)} ({time.monotonic() - started:.0f} s)", flush=True)
            for one in found:
                print(f"  FAILED {one}", flush=True)
            if how.write:
                write(how.write, [row], how.seed)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"{failures} failures; {used.ru_utime + used.ru_stime:.0f} s of the processor", flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
