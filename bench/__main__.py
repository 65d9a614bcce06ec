"""`python -m bench`: measure every row that is not yet measured, and write docs/performance.md from what is known.

    python -m bench                      all rows; those already in docs/performance.json are kept
    python -m bench --only vae-128 fid   these rows, anew
    python -m bench --more --only fid    seven more rounds of this row beside those it has
    python -m bench --list               the rows, and how long each took
    python -m bench --page               the page again, from the JSON alone

Each row is written as soon as it is measured: stopped, the command goes on where it was.
"""

import argparse
import importlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[1] / "docs"
MODULES = {
    "vae": ("vae-",),
    "translation": ("pix2pix-", "cyclegan-"),
    "inputs": ("data",),
    "metrics": ("frechet", "fid", "kid", "prdc"),
    "mathematics": ("gradients", "divergence"),
    "running": ("checkpoint-", "start-", "sweep"),
    "scale": ("scale-",),
}
"""Each has `rows()`, whose names begin so."""
ALONE = ("blur", "demo", "parity", "profile", "scaling")
"""Comparisons that print and belong in no table: `python -m bench parity`."""


def rows(name: str | None = None) -> dict[str, Any]:
    """Every row by its name; or those of one row's module, so that its process imports nothing else."""
    chosen = [module for module, starts in MODULES.items() if name is None or name.startswith(starts)]
    return {key: row for module in chosen for key, row in importlib.import_module(f"bench.{module}").rows().items()}


def results() -> Path:
    """Where the numbers of this machine's kind stand."""
    from bench.timing import DEVICE

    return DOCS / ("performance.json" if DEVICE.type == "cpu" else f"performance-{DEVICE.type}.json")


def read() -> dict[str, Any]:
    """What was measured so far."""
    return json.loads(results().read_text(encoding="utf-8")) if results().exists() else {}


def write(name: str, found: dict[str, Any]) -> None:
    """Put one row among the others."""
    order = list(rows())
    known = {key: row for key, row in {**read(), name: found}.items() if key in order}
    known = {key: known[key] for key in sorted(known, key=order.index)}
    beside = results().with_suffix(".part")
    beside.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    beside.replace(results())


def alone(*words: str) -> str | None:
    """What this command prints last in a process of its own; nothing where it fails."""
    done = subprocess.run([sys.executable, "-m", "bench", *words], stdout=subprocess.PIPE, text=True, check=False)
    return done.stdout.strip().splitlines()[-1] if done.returncode == 0 and done.stdout.strip() else None


def main() -> None:
    """Measure, then write the page."""
    if sys.argv[1:2] and sys.argv[1] in ALONE:
        importlib.import_module(f"bench.{sys.argv[1]}").main()
        return
    parser = argparse.ArgumentParser(prog="python -m bench", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", nargs="+", metavar="ROW", help="these rows, anew")
    parser.add_argument("--rounds", type=int, help="rounds after the warm-up; without: as each row says, 7 or more")
    parser.add_argument("--more", action="store_true", help="keep the rounds that a row has, and add to them")
    parser.add_argument("--again", action="store_true", help="all rows anew")
    parser.add_argument("--no-memory", action="store_true", help="leave out the peak memory of each contender")
    parser.add_argument("--peaks", action="store_true", help="of rows that have their times, the peak memory alone")
    parser.add_argument("--list", action="store_true", help="the rows, and how long each took")
    parser.add_argument("--page", action="store_true", help="write the page from what is measured")
    parser.add_argument("--one", help=argparse.SUPPRESS)  # this row, in this process
    parser.add_argument("--peak", nargs=2, help=argparse.SUPPRESS)
    how = parser.parse_args()
    if how.one or how.peak:
        from bench import timing

        out, sys.stdout = sys.stdout, sys.stderr  # peers print
        if how.peak:
            line = json.dumps(timing.peak(rows(how.peak[0])[how.peak[0]], how.peak[1]))
        else:
            earlier = read().get(how.one) if how.more else None
            line = json.dumps(timing.measure(rows(how.one)[how.one], how.rounds, earlier))
        print(line, file=out, flush=True)
        os._exit(0)  # a peer's worker threads may hang at exit
    known, all_rows = read(), rows()
    if unknown := [name for name in how.only or () if name not in all_rows]:
        parser.error(f"no such row: {', '.join(unknown)}; there are: {', '.join(all_rows)}")
    if how.list:
        for name, row in all_rows.items():
            took = f"{known[name]['took']:6.0f} s" if name in known else "       –"
            print(f"{name:22} {took}  {row.title}{f' ({row.lacking})' if row.lacking else ''}")
        return
    wanted = how.only or [name for name in all_rows if how.again or name not in known]
    for name in [] if how.page else wanted:
        if all_rows[name].lacking:
            print(f"{name}: left out: {all_rows[name].lacking}", file=sys.stderr, flush=True)
            continue
        start = time.monotonic()
        words = [*(["--rounds", str(how.rounds)] if how.rounds else []), *(["--more"] if how.more else [])]
        timed = how.peaks and name in known
        line = json.dumps(known[name]) if timed else alone("--one", name, *words)
        if line is None:
            print(f"{name}: failed", file=sys.stderr, flush=True)
            continue
        found = json.loads(line)
        found["peak"] = {}
        for contender in [] if how.no_memory else found["seconds"]:
            if (held := alone("--peak", name, contender)) is not None:
                found["peak"][contender] = round(float(held))
        if not timed:
            found["took"] = round(time.monotonic() - start, 1)
        write(name, found)
        from bench.page import summary

        print(f"{name}: {summary(found)}", flush=True)
    from bench import page, timing

    page.write(read(), DOCS, timing.DEVICE.type)


if __name__ == "__main__":
    main()
