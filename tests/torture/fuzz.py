"""Broken files for every reader, in a child with limits, which says how each was taken.

A reader may refuse a file in the words of `arzhang.errors`, and do nothing else: raise anything other, end the process,
run code, reach out of its folder, or take more time or memory than it is given is a fault, told with what repeats it.
"""

import contextlib
import mmap
import os
import resource
import shutil
import signal
import struct
import sys
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any, NamedTuple

from torture.forks import Child
from torture.parsers import Parser

SECONDS = 10
"""Of the processor's time, for one input."""
MEMORY = 3 << 30
"""Bytes of address space above those of an idle process, for one input."""
STUCK = 120.0
"""Seconds in which a child must come to its next input."""
ACTS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty", "os.startfile", "pickle.find_class",
        "socket.connect", "socket.bind", "socket.getaddrinfo", "ctypes.dlopen", "os.symlink", "os.link", "os.kill")  # fmt: skip
"""What no file may bring about, by the names of Python's audit events."""
WRITES = (
    "open",
    "os.mkdir",
    "os.rename",
    "os.remove",
    "os.rmdir",
    "os.truncate",
    "os.chmod",
    "os.utime",
    "tempfile.mkstemp",
)
"""What may happen only within the reader's own folder."""


class Fault(NamedTuple):
    """What went wrong, and how to see it again."""

    parser: str
    seed: int
    index: int
    what: str
    trace: str = ""

    def __str__(self) -> str:
        return f"{self.parser}: input {self.index} of seed {self.seed}: {self.what}"


class Outcome(NamedTuple):
    """How one parser took its inputs."""

    read: int
    refused: int
    seconds: float
    """Of the processor's time."""
    slowest: float
    faults: list[Fault]


class Slow(BaseException):
    """An input took too long."""


class Watch:
    """An audit hook that remembers what must not happen while a file is read."""

    def __init__(self, place: Path) -> None:
        self.place, self.seen = os.fspath(place), list[str]()
        self.reading = False
        sys.addaudithook(self)

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        if not self.reading:
            return
        if event in ACTS:
            self.seen.append(f"{event} {args!r}"[:200])
        elif event in WRITES:
            if event == "open" and not (isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)):
                return
            for path in args[: 2 if event == "os.rename" else 1]:
                if isinstance(path, str | bytes | os.PathLike):
                    # Relative to an open folder, as shutil.rmtree goes down; the last argument says to which.
                    relative = event in ("os.remove", "os.rmdir", "os.mkdir") and args[-1] >= 0
                    at = os.readlink(f"/proc/self/fd/{args[-1]}") if relative else os.getcwd()  # noqa: PTH109
                    name = os.path.realpath(os.path.join(at, os.fsdecode(os.fspath(path))))  # noqa: PTH118
                    if not name.startswith(self.place) and name != os.devnull:
                        self.seen.append(f"{event} {name}")


def fuzz(parser: Parser, inputs: int, seed: int, place: Path) -> Outcome:
    """Give a parser its planted files and so many broken ones. A child that dies is told, and another goes on."""
    board = mmap.mmap(-1, 4096)
    faults: list[Fault] = []
    began, start, total = _children(), 0, len(parser.planted) + inputs
    reports = place / "faults.txt"
    reports.unlink(missing_ok=True)
    while start < total:
        child = Child(lambda first=start: _read(parser, first, total, seed, place, board, reports), place)
        before, moved = -1, time.monotonic()
        while not os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            (at,) = struct.unpack_from("<q", board, 0)
            if at != before:
                before, moved = at, time.monotonic()
            if time.monotonic() - moved > STUCK:
                os.kill(child.pid, signal.SIGKILL)
            time.sleep(0.02)
        ended = child.ended()
        (at,) = struct.unpack_from("<q", board, 0)
        if ended.code == 0:
            break
        faults.append(Fault(parser.name, seed, at, f"the process ended with {ended.code}", ended.said[-2000:]))
        start = at + 1
    _, read, refused, slowest = struct.unpack_from("<qqqd", board, 0)
    if reports.exists():
        for entry in reports.read_text(errors="replace").split("\0")[:-1]:
            index, what, trace = entry.split("\1")
            faults.append(Fault(parser.name, seed, int(index), what, trace))
    return Outcome(read, refused, _children() - began, slowest, faults)


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def inputs_of(parser: Parser, index: int, seed: int) -> Mapping[str, bytes]:
    """The files of one input, which depend on the seed and its number alone."""
    if index < len(parser.planted):
        return {**parser.corpus[0], **parser.planted[index]}
    return parser.broken(Random(f"{parser.name} {seed} {index}"))


def _read(parser: Parser, start: int, stop: int, seed: int, place: Path, board: mmap.mmap, reports: Path) -> int:
    """A child's work: one input after another, each in the same folder."""
    os.environ["ARZHANG_CACHE"] = os.fspath(place / "input" / "cache")
    sys.dont_write_bytecode = True
    folder = place / "input"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    written = _lay(folder, {}, parser.corpus[0])
    reader = parser.reader(folder)
    with contextlib.suppress(*parser.refusals):
        reader(folder)  # imports what it imports
    watch = Watch(folder)
    idle = int(Path("/proc/self/statm").read_text().split()[0]) * mmap.PAGESIZE
    resource.setrlimit(resource.RLIMIT_AS, (idle + MEMORY, idle + MEMORY))
    signal.signal(signal.SIGPROF, _too_slow)
    _, read, refused, slowest = struct.unpack_from("<qqqd", board, 0)
    for index in range(start, stop):
        struct.pack_into("<qqqd", board, 0, index, read, refused, slowest)
        written = _lay(folder, written, inputs_of(parser, index, seed))
        what, trace, began = "", "", time.process_time()
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        watch.reading = True
        try:
            reader(folder)
            read += 1
        except parser.refusals as error:
            refused += 1
            if "\n" in str(error).strip():
                what = f"refused in several lines: {error}"
        except Slow:
            what, trace = f"took over {SECONDS} s", traceback.format_exc()
        except BaseException as error:
            what, trace = f"{type(error).__name__}: {error}", traceback.format_exc()
        finally:
            watch.reading = False
            signal.setitimer(signal.ITIMER_PROF, 0)
        slowest = max(slowest, time.process_time() - began)
        if watch.seen:
            what, watch.seen = f"{what} did {'; '.join(watch.seen)}", []
        if what:
            with reports.open("a") as file:
                file.write(
                    "\1".join((str(index), what[:500].replace("\0", ""), trace[-1500:].replace("\0", ""))) + "\0"
                )
        if index % 256 == 0 and (folder / "cache").exists():
            shutil.rmtree(folder / "cache")
    struct.pack_into("<qqqd", board, 0, stop, read, refused, slowest)
    return 0


def _lay(folder: Path, before: Mapping[str, bytes], files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Write what differs from what lies there."""
    for name in before.keys() - files.keys():
        (folder / name).unlink()
    for name, content in files.items():
        if before.get(name) != content:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
    return dict(files)


def _too_slow(_: int, __: FrameType | None) -> None:
    raise Slow
