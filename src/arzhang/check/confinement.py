"""What is taken from a process before a user's code runs in it: memory, time, and writing outside its own folder.

No jail: code that means harm finds a way, above all on systems other than Linux. It keeps mistakes from doing damage.
Nothing here can be undone by the process itself.
"""

import contextlib
import ctypes
import faulthandler
import os
import sys
from pathlib import Path
from typing import IO, Any

WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGES = {
    "os.remove": 1, "os.rename": 2, "os.mkdir": 1, "os.rmdir": 1, "os.link": 2, "os.symlink": 2, "os.truncate": 1,
    "os.chmod": 1, "os.chown": 1, "os.utime": 1, "os.setxattr": 1, "os.removexattr": 1,
}  # fmt: skip
"""Events of Python that change files, and how many paths each names."""
RELATIVE = (
    "os.remove",
    "os.rename",
    "os.mkdir",
    "os.rmdir",
    "os.link",
    "os.symlink",
    "os.chmod",
    "os.chown",
    "os.utime",
)
"""Those whose last arguments are the open directories that their paths are relative to, or −1."""
STARTS = (
    "subprocess.Popen",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.spawn",
    "os.fork",
    "os.forkpty",
    "pty.spawn",
)
LARGEST_FILE = 64 << 20
REFUSED = "check"
"""First argument of the error that says what was refused."""


def confine(folder: Path, seconds: float, memory: int, stuck: IO[str]) -> None:
    """From now on: writing in `folder` alone, `memory` MiB more than now, no network, no other programs; and an end
    after `seconds`, with the line that was running then in `stuck`."""
    faulthandler.dump_traceback_later(seconds, exit=True, file=stuck)
    _limit(seconds, memory)
    _landlock(folder)
    _audit(folder.resolve())


def _limit(seconds: float, memory: int) -> None:
    try:
        import resource
    except ImportError:  # Windows: the parent watches time and memory
        return
    import psutil

    taken = psutil.Process().memory_info().vms
    for what, value in (
        (resource.RLIMIT_AS, taken + (memory << 20)),
        (resource.RLIMIT_CPU, int(seconds * 8) + 60),  # of all threads together; the clock is the watchdog's
        (resource.RLIMIT_FSIZE, LARGEST_FILE),
        (resource.RLIMIT_CORE, 0),
    ):
        with contextlib.suppress(ValueError, OSError):  # a limit that is lower already, or that the system lacks
            hard = resource.getrlimit(what)[1]
            resource.setrlimit(what, (value if hard < 0 else min(value, hard), hard))


def _audit(folder: Path) -> None:
    """Python tells before it opens, moves, starts or connects: what goes outside is refused, with a clear error."""

    def refuse(kind: str, what: object) -> None:
        raise PermissionError(REFUSED, kind, str(what))

    def inside(path: Any, directory: Any = None) -> bool:
        if isinstance(path, int):
            return True
        base = f"/proc/self/fd/{directory}" if isinstance(directory, int) and directory >= 0 else "."
        at = Path(os.path.realpath(base), os.fsdecode(path))
        return at == Path(os.devnull) or at.resolve().is_relative_to(folder)

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, flags = args
            writes = any(c in (mode or "") for c in "wax+") or (isinstance(flags, int) and flags & WRITES)
            if writes and path is not None and not inside(path):
                refuse("writes", path)
        elif event in CHANGES:
            count = CHANGES[event]
            for path, directory in zip(
                args[:count], (args[-count:] if event in RELATIVE else [None] * count), strict=True
            ):
                if path is not None and not inside(path, directory):
                    refuse("writes", path)
        elif event in STARTS:
            refuse("starts", args[0] if args else event)
        elif event == "socket.connect":
            refuse("connects", args[1])
        elif event == "os.kill" and args[0] != os.getpid():
            refuse("kills", args[0])

    sys.addaudithook(hook)


# ------------------------------------------------------------------------------------------------------- Linux

# linux/landlock.h: what a process may ask the kernel to refuse it, and every process it starts, for good.
CREATE, ADD, RESTRICT = 444, 445, 446  # system calls, the same on every architecture
WRITE_FILE, MAKE_AND_REMOVE, REFER, TRUNCATE = 1 << 1, 0b1111111110000, 1 << 13, 1 << 14
NO_NEW_PRIVILEGES = 38
CONNECT_TCP = 1 << 1 | 1 << 0


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def _landlock(folder: Path) -> bool:
    """Ask Linux's kernel to refuse writing elsewhere and the network: it holds for compiled code, too. False where it
    cannot."""
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(CREATE, None, ctypes.c_size_t(0), 1)
    if version < 1:
        return False
    files = WRITE_FILE | MAKE_AND_REMOVE | (REFER if version >= 2 else 0) | (TRUNCATE if version >= 3 else 0)
    rules = _Ruleset(files, CONNECT_TCP if version >= 4 else 0)
    size = ctypes.sizeof(rules) if version >= 4 else 8
    ruleset = libc.syscall(CREATE, ctypes.byref(rules), ctypes.c_size_t(size), 0)
    if ruleset < 0:
        return False
    for path, allowed in ((folder, files), (Path(os.devnull), WRITE_FILE)):
        parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
        libc.syscall(ADD, ruleset, 1, ctypes.byref(_Beneath(allowed, parent)), 0)
        os.close(parent)
    libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    done = libc.syscall(RESTRICT, ruleset, 0) == 0
    os.close(ruleset)
    return done
