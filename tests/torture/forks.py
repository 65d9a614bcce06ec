"""Children of a process that has imported everything: a kill then costs what the verb does, not four seconds more."""

import codecs
import importlib
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, NoReturn

LONGEST = 120.0
"""Seconds that no child may take: what hangs is a failure too."""
ODD = 70
"""Exit code of a child that ended in a traceback."""
LIBC = "cannot allocate memory for thread-local data: ABORT"
"""What the C library says, and ends the process, where a thread's first use of a library finds no memory."""
ON = "the same command goes on: arzhang "
MODULES = ("arzhang.cli", "arzhang.assembly", "arzhang.evaluation", "arzhang.report.run_page", "arzhang.publish",
           "arzhang.report.study_page", "arzhang.reproduce", "arzhang.studies.gradients", "arzhang.data.pairs",
           "torch._dynamo")  # fmt: skip


class Ended(NamedTuple):
    """How a child ended: its exit code, negative where a signal ended it, and what it said."""

    code: int
    said: str
    seconds: float

    @property
    def clear(self) -> bool:
        """Whether it ended well, by the signal that was sent, or with one line for the user and no traceback. What has
        many parts may say one of each that failed, and last the command that goes on."""
        lines = [line for line in self.said.splitlines() if line.startswith(("arzhang: ", LIBC))]
        told = len(lines) == 1 or (lines and lines == self.said.splitlines()[-len(lines) :] and ON in lines[-1])
        return self.code == 0 or ("Traceback" not in self.said and self.code != ODD and (self.code < 0 or bool(told)))


def warm() -> None:
    """Import what verbs import when they run; no thread may have been started, or a child could hang on its lock."""
    for name in MODULES:
        importlib.import_module(name)
    codecs.lookup("unicode-escape")  # of Python's own files, which nobody may read where they lie in a home
    import torch

    torch.set_num_threads(1)
    if sys.platform == "linux" and len(os.listdir("/proc/self/task")) > 1:
        raise SystemExit("torture: imports have started threads; set OMP_NUM_THREADS=1 and OPENBLAS_NUM_THREADS=1")


class Child:
    """A fork that does `work` in the folder `at`, with its output in a file there, or in the folder `said`."""

    def __init__(self, work: Callable[[], int | None], at: Path, said: Path | None = None) -> None:
        self.log, self.began = (said or at) / f"said-{time.monotonic_ns()}.txt", time.monotonic()
        self.log.touch()  # a child may be struck before it comes to its own first line
        sys.stdout.flush()
        sys.stderr.flush()
        self.pid = os.fork()
        if not self.pid:
            _be(work, at, self.log)

    def ended(self, within: float = LONGEST) -> Ended:
        """Wait for its end. Past `within` seconds it is killed, and that is told as a traceback is."""
        deadline, late = time.monotonic() + within, ""
        while True:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() > deadline:
                late = f"\nTraceback: still at work after {within:.0f} s"
                os.kill(self.pid, signal.SIGKILL)
                _, status = os.waitpid(self.pid, 0)
                break
            time.sleep(0.002)
        said = self.log.read_text(errors="replace") + late
        self.log.unlink()
        return Ended(os.waitstatus_to_exitcode(status), said, time.monotonic() - self.began)

    def strike(self, after: float, signum: int) -> Ended:
        """Send a signal `after` seconds, unless it has ended before, and wait for its end."""
        end = time.monotonic() + after
        while time.monotonic() < end:
            if os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                return self.ended()
            time.sleep(0.001)
        os.kill(self.pid, signum)
        return self.ended()


def _be(work: Callable[[], int | None], at: Path, log: Path) -> NoReturn:
    code = ODD
    try:
        handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        os.dup2(handle, 1)
        os.dup2(handle, 2)
        sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)  # noqa: SIM115
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.chdir(at)
        code = work() or 0
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        finally:  # whatever else: what the parent would tidy up at its end is not the child's
            os._exit(code)


def verb(words: Sequence[object], before: Callable[[], object] | None = None) -> Callable[[], int]:
    """The command with these words, as a child's work; `before` prepares the child."""

    def work() -> int:
        from arzhang import cli

        os.environ["ARZHANG_CACHE"] = "cache"
        if before is not None:
            before()
        return cli.main([str(word) for word in words])

    return work


@contextmanager
def nobody() -> Iterator[None]:
    """As a user who is not root, whom permissions bind."""
    if os.getuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
