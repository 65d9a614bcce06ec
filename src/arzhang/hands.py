"""Several things at once: processes that do one job after another, each with its share of the cores.

A small network does not fill two cores, and drawing a figure fills one: two jobs at once take less time than one after
the other. A hand ends when whoever started it has, so that none goes on by itself.
"""

import contextlib
import importlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch

from arzhang.errors import ArzhangError
from arzhang.training.loop import signals

PATIENCE = 120.0
"""Seconds that a hand has to save what it is at."""
Job = Mapping[str, Any]
"""What JSON can write; under `name`, what it is called."""


class Stopped(ArzhangError):
    """A signal arrived, and what was being trained is saved."""

    def __init__(self, signum: int) -> None:
        super().__init__(f"stopped by {signal.Signals(signum).name}; the same command goes on")
        self.exit_code = 128 + signum


class Told(NamedTuple):
    """What a hand says of its job: a line, or that it is done, or why it failed."""

    name: str
    line: str = ""
    done: bool = False
    failed: str = ""


class Hands:
    """So many processes; a job is done by `function` ("module:name"), of it and of a function that says a line."""

    def __init__(self, function: str, count: int) -> None:
        self.function = function
        self.threads = max(1, torch.get_num_threads() // count)
        self.heard: queue.Queue[tuple[_Hand, dict[str, Any]]] = queue.Queue()
        self.all = [_Hand(self) for _ in range(count)]

    def __enter__(self) -> "Hands":
        return self

    def __exit__(self, *_: object) -> None:
        for hand in self.all:
            hand.end()

    def work(self, ready: Callable[[], Job | None], told: Callable[[Told], None]) -> None:
        """Give free hands what `ready` gives, and `told` what they say, until there is nothing more to give and nobody
        is at anything. Raises Stopped where a signal arrives, after every hand has saved what it was at."""
        with signals() as arrived:
            while True:
                while (hand := self._free()) is not None and (job := ready()) is not None:
                    hand.begin(job)
                if not any(hand.at for hand in self.all):
                    return
                try:
                    hand, said = self.heard.get(timeout=0.2)
                except queue.Empty:
                    hand = None
                if arrived:
                    self._stop()
                    raise Stopped(arrived[0])
                if hand is not None and hand.at:  # one that ended while it was at nothing is no loss
                    what = Told(hand.at, **said)
                    hand.at = "" if what.done or what.failed else hand.at
                    told(what)

    def _free(self) -> "_Hand | None":
        """One that is at nothing; in place of one that has ended another."""
        for i, hand in enumerate(self.all):
            if not hand.at:
                if hand.process.poll() is not None:
                    hand.end()
                    self.all[i] = _Hand(self)
                return self.all[i]
        return None

    def _stop(self) -> None:
        """Have every hand save what it is at, and wait for that."""
        for hand in self.all:
            hand.process.terminate()
        for hand in self.all:
            with contextlib.suppress(subprocess.TimeoutExpired):
                hand.process.wait(PATIENCE)


class _Hand:
    """One process, and the name of what it is at."""

    def __init__(self, hands: Hands) -> None:
        self.at, self.heard = "", hands.heard
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 (`end` closes it)
        code = "from arzhang import hands; hands.serve()"
        # In a session of its own: Ctrl+C is for whoever started it, who tells it in turn.
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, hands.function], text=True, start_new_session=True, stderr=self.errors,
            env=os.environ | {"OMP_NUM_THREADS": str(hands.threads)}, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        self.listener = threading.Thread(target=self._listen, daemon=True)
        self.listener.start()

    def begin(self, job: Job) -> None:
        self.at = job["name"]
        assert self.process.stdin is not None
        try:
            print(json.dumps(job), file=self.process.stdin, flush=True)
        except BrokenPipeError:
            self.heard.put((self, {"failed": "its process had ended"}))

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
            self.heard.put((self, json.loads(line)))
        code = self.process.wait()
        self.errors.seek(0)
        last = self.errors.read().strip().splitlines()[-1:] or [f"its process ended with {code}"]
        self.heard.put((self, {"failed": last[0]}))


def serve() -> None:
    """What a hand does: the jobs that come in, until nobody is there any more."""
    module, _, name = sys.argv[1].partition(":")
    answers, sys.stdout = sys.stdout, sys.stderr
    asked: queue.Queue[str] = queue.Queue()

    def listen() -> None:
        for line in sys.stdin:
            asked.put(line)
        os._exit(0)

    def say(**told: Any) -> None:
        print(json.dumps(told), file=answers, flush=True)

    threading.Thread(target=listen, daemon=True).start()
    function = getattr(importlib.import_module(module), name)
    while True:
        job = json.loads(asked.get())
        try:
            function(job, lambda line: say(line=line))
        except Exception as error:
            if hasattr(error, "exit_code"):  # a signal: what was trained is saved
                raise SystemExit(str(error)) from None
            say(failed=line_of(error))
        else:
            say(done=True)


def line_of(error: Exception) -> str:
    """One line of an error; its kind where Arzhang does not know it."""
    said = " ".join(str(error).split())
    return said if isinstance(error, ArzhangError | OSError) else f"{type(error).__name__}: {said}"
