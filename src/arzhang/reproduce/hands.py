"""Several parts at once: processes that make one part after another, each with its share of the cores.

A small network does not fill two cores, and drawing a figure fills one: two parts at once take less time than one after
the other. A hand ends when whoever started it has, so that none goes on by itself.
"""

import contextlib
import functools
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any, NamedTuple

import torch

from arzhang import assembly

MOST = 4
"""Hands; further cores are threads of theirs."""
PATIENCE = 120.0
"""Seconds that a hand has to save what it is at."""


def at_once() -> int:
    """How many hands there are: one for a GPU, which takes one thing at a time; else one a core, up to some."""
    return 1 if assembly.device("auto").type != "cpu" else min(MOST, torch.get_num_threads())


class Told(NamedTuple):
    """What a hand says of the part that it makes: a line, or that it is done, or why it failed."""

    part: str
    line: str = ""
    done: bool = False
    failed: str = ""


class Hands:
    """So many processes for the parts of a budget; `heard` gives what they say."""

    def __init__(self, budget: str, home: Path, count: int) -> None:
        self.heard: queue.Queue[Told] = queue.Queue()
        threads = {"OMP_NUM_THREADS": str(max(1, torch.get_num_threads() // count))}
        self._one = functools.partial(_Hand, budget, home, os.environ | threads, self.heard)
        self.all = [self._one() for _ in range(count)]

    def __enter__(self) -> "Hands":
        return self

    def __exit__(self, *_: object) -> None:
        for hand in self.all:
            hand.end()

    def free(self) -> "_Hand | None":
        """One that makes nothing now; in place of one that has ended another."""
        for i, hand in enumerate(self.all):
            if not hand.part:
                if hand.process.poll() is not None:
                    hand.end()
                    self.all[i] = self._one()
                return self.all[i]
        return None

    def stop(self) -> None:
        """Have every hand save what it is at, and wait for that."""
        for hand in self.all:
            hand.process.terminate()
        for hand in self.all:
            try:
                hand.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                hand.process.kill()


class _Hand:
    """One process, and the part that it is at."""

    def __init__(self, budget: str, home: Path, environment: dict[str, str], heard: queue.Queue[Told]) -> None:
        self.part, self.heard = "", heard
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 (`end` closes it)
        code = "from arzhang.reproduce import hands; hands.serve()"
        # In a session of its own: Ctrl+C is for whoever started it, who tells it in turn.
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, budget, str(home)], env=environment, text=True, start_new_session=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors,
        )  # fmt: skip
        self.listener = threading.Thread(target=self._listen, daemon=True)
        self.listener.start()

    def make(self, part: str) -> None:
        self.part = part
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # `_listen` tells of its end
            print(part, file=self.process.stdin, flush=True)

    def end(self) -> None:
        """Kill it, if it is still there."""
        self.process.kill()
        self.process.wait()
        self.listener.join()
        for pipe in (self.process.stdin, self.process.stdout, self.errors):
            assert pipe is not None
            with contextlib.suppress(BrokenPipeError):
                pipe.close()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            told = Told(self.part, **json.loads(line))
            if told.done or told.failed:
                self.part = ""
            self.heard.put(told)
        code, part = self.process.wait(), self.part
        self.part = ""
        if part:
            self.errors.seek(0)
            last = self.errors.read().strip().splitlines()[-1:] or [f"its process ended with {code}"]
            self.heard.put(Told(part, failed=last[0]))


def serve() -> None:
    """What a hand does: the parts whose names come in, until nobody is there any more."""
    from arzhang import reproduce
    from arzhang.reproduce.budgets import BUDGETS
    from arzhang.reproduce.making import Work

    budget, home = sys.argv[1:]
    answers, sys.stdout = sys.stdout, sys.stderr
    asked: queue.Queue[str] = queue.Queue()

    def listen() -> None:
        for line in sys.stdin:
            asked.put(line.strip())
        os._exit(0)

    def say(**told: Any) -> None:
        print(json.dumps(told), file=answers, flush=True)

    threading.Thread(target=listen, daemon=True).start()
    work = Work(BUDGETS[budget], Path(home), lambda line: say(line=line))
    parts = {part.name: part for part in reproduce.PARTS}
    while True:
        part = parts[asked.get()]
        try:
            part.make(work)
        except Exception as error:
            if hasattr(error, "exit_code"):  # a signal: what was trained is saved
                raise SystemExit(str(error)) from None
            say(failed=reproduce.line_of(error))
        else:
            say(done=True)
