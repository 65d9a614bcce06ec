"""Disks that fail: one that loses what was not flushed, one that is full from its k-th write on.

Both lie over the functions by which Python writes, within one folder and one process. What compiled code writes by
itself (safetensors) is seen by the first at the next call, and refused by the second at its door.
"""

import builtins
import contextlib
import errno
import io
import os
import random
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from typing import Any, NoReturn

CUT = 86
"""Exit code of a process whose power was cut."""
CALLS = ("fsync", "rename", "replace", "unlink", "remove", "mkdir", "rmdir", "link")


class Disk:
    """A folder whose writing calls go through `call(name, path, do)`, by which a disk does or refuses them."""

    def __init__(self, root: Path) -> None:
        self.root = os.fspath(root.resolve())

    def call(self, name: str, do: Callable[[], Any]) -> Any:
        return do()

    def within(self, path: Any) -> bool:
        if isinstance(path, int):
            with contextlib.suppress(OSError):
                return os.readlink(f"/proc/self/fd/{path}").startswith(self.root)
            return False
        return os.path.abspath(os.fspath(path)).startswith(self.root)

    def install(self) -> None:
        """Stand between this process and its folder, to its end."""
        for name in CALLS:
            setattr(os, name, self._wrapped(name, getattr(os, name)))
        os.open = self._created(os.open)
        self._open = io.open
        io.open = builtins.open = self._opened
        import safetensors.torch

        written = safetensors.torch.serialize_file

        @wraps(written)
        def serialize_file(tensors: Any, filename: Any, metadata: Any = None) -> None:
            if self.within(filename):
                self.call("safetensors", lambda: None)
            written(tensors, filename, metadata)

        safetensors.torch.serialize_file = serialize_file

    def _wrapped(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(real)
        def call(path: Any, *others: Any, **how: Any) -> Any:
            if how.get("dir_fd") is not None or how.get("src_dir_fd") is not None or self.within(path):
                return self.call(name, lambda: real(path, *others, **how))
            return real(path, *others, **how)

        return call

    def _created(self, real: Callable[..., int]) -> Callable[..., int]:
        @wraps(real)
        def opened(path: Any, flags: int, *others: Any, **how: Any) -> int:
            if flags & os.O_CREAT and how.get("dir_fd") is None and self.within(path):
                return self.call("open", lambda: real(path, flags, *others, **how))
            return real(path, flags, *others, **how)

        return opened

    def _opened(
        self, file: Any, mode: str = "r", buffering: int = -1, encoding: Any = None, errors: Any = None,
        newline: Any = None, closefd: bool = True, opener: Any = None,
    ) -> Any:  # fmt: skip
        writes = any(letter in mode for letter in "wax+")
        if not writes or not self.within(file):
            return self._open(file, mode, buffering, encoding, errors, newline, closefd, opener)
        letters = mode.replace("b", "").replace("t", "")
        raw = self.call("open", lambda: _Raw(file, letters, closefd, opener))
        raw.disk = self
        if buffering == 0:
            return raw
        size = buffering if buffering > 1 else io.DEFAULT_BUFFER_SIZE
        binary = io.BufferedRandom(raw, size) if "+" in mode else io.BufferedWriter(raw, size)
        return binary if "b" in mode else io.TextIOWrapper(binary, encoding, errors, newline, buffering == 1)


class _Raw(io.FileIO):
    """A file whose writes its disk may refuse halfway."""

    disk: Disk

    def write(self, data: Any) -> int:
        whole = memoryview(data).cast("B")
        done = super().write

        def refused() -> None:
            done(whole[: len(whole) // 2])

        return self.disk.call("write", lambda half=False: refused() if half else done(whole))

    def truncate(self, size: int | None = None) -> int:
        return self.disk.call("truncate", lambda: super(_Raw, self).truncate(size))


class Full(Disk):
    """A disk on which the k-th writing call fails, and, if it is to stay full, every one after it."""

    def __init__(self, root: Path, k: int | None, error: int = errno.ENOSPC, stays: bool = True) -> None:
        super().__init__(root)
        self.k, self.error, self.stays, self.count = k, error, stays, 0

    def call(self, name: str, do: Callable[..., Any]) -> Any:
        frees = name in ("unlink", "remove", "rmdir")  # a full disk lets itself be emptied
        if not frees:
            self.count += 1
            if self.k is not None and (self.count >= self.k if self.stays else self.count == self.k):
                if name == "write":
                    do(half=True)
                if name == "safetensors":
                    from safetensors import SafetensorError

                    raise SafetensorError(f"Error while serializing: I/O error: {os.strerror(self.error)}")
                raise OSError(self.error, os.strerror(self.error))
        return do()


class Power(Disk):
    """A disk of which a power cut at the k-th call leaves what POSIX promises, and of the rest what chance will.

    A file's content is that of its last fsync; where it was written since, it is empty, cut short, or whole. A folder
    has the entries of some moment since its own last fsync: names of one folder come and go in order, folders do not
    wait for one another. What stood there at the beginning is durable.
    """

    def __init__(self, root: Path, k: int | None, seed: int, into: Path | None = None) -> None:
        super().__init__(root)
        self.k, self.luck, self.into, self.count = k, random.Random(seed), into, 0
        self.held: dict[int, int] = {}  # inode → an open file, so that no number is given twice
        self.flushed: dict[int, bytes] = {}  # file → content at its last fsync
        self.entries: dict[int, list[tuple[int, dict[str, int]]]] = {}  # folder → [(moment, name → inode)]
        self.durable: dict[int, int] = {}  # folder → moment of its last fsync
        self.moment, self.promised = 0, -1
        self._look()
        for inode, handle in self.held.items():
            if inode in self.entries:
                self.durable[inode] = 0
            else:
                self.flushed[inode] = _content(handle)

    def call(self, name: str, do: Callable[..., Any]) -> Any:
        self.count += 1
        self._look()
        if self.k is not None and self.count >= self.k:
            self._cut()
        result = do()
        self._look()
        return result

    def _wrapped(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        if name != "fsync":
            return super()._wrapped(name, real)

        def fsync(handle: int) -> None:
            if not self.within(handle):
                return real(handle)
            return self.call(name, lambda: self._fsync(handle))

        return fsync

    def _fsync(self, handle: int) -> None:
        inode = os.fstat(handle).st_ino
        if inode in self.entries:
            self.durable[inode] = self.moment
            at = os.readlink(f"/proc/self/fd/{handle}")
            if at.endswith("/checkpoints"):
                steps = [int(name[5:]) for name in self.entries[inode][-1][1] if name.startswith("step_")]
                self.promised = max([self.promised, *steps])
        elif inode in self.held:
            self.flushed[inode] = _content(self.held[inode])

    def _look(self) -> None:
        self.moment += 1
        self._scan(self.root, self._hold(self.root))

    def _hold(self, path: str) -> int:
        inode = os.lstat(path).st_ino
        if inode not in self.held:
            self.held[inode] = os.open(path, os.O_RDONLY)
        return inode

    def _scan(self, path: str, own: int) -> None:
        found: dict[str, int] = {}
        with os.scandir(path) as entries:
            for entry in list(entries):
                if entry.is_symlink():
                    continue
                with contextlib.suppress(FileNotFoundError):  # another thread's
                    found[entry.name] = self._hold(entry.path)
                    if entry.is_dir(follow_symlinks=False):
                        self._scan(entry.path, found[entry.name])
        history = self.entries.setdefault(own, [])
        if not history or history[-1][1] != found:
            history.append((self.moment, found))

    def _cut(self) -> NoReturn:
        """Leave what such a disk would hold in `into`, and end at once."""
        assert self.into is not None
        self._rise(os.stat(self.root).st_ino, os.fspath(self.into))
        with self._open(f"{self.into}.promised", "w") as file:
            file.write(str(self.promised))
        os._exit(CUT)

    def _rise(self, inode: int, path: str) -> None:
        _MKDIR(path)
        history = self.entries[inode]
        first = self.durable.get(inode, history[0][0])
        at = self.luck.randint(first, self.moment)
        at = self.luck.choice((first, at, self.moment))  # the ends are where faults are
        for name, one in [entries for moment, entries in history if moment <= max(at, history[0][0])][-1].items():
            if one in self.entries:
                self._rise(one, f"{path}/{name}")
            else:
                with self._open(f"{path}/{name}", "wb") as file:
                    file.write(self._left(one))

    def _left(self, inode: int) -> bytes:
        now, flushed = _content(self.held[inode]), self.flushed.get(inode)
        if now == flushed:
            return now
        if flushed is not None and now.startswith(flushed):  # appended to: the flushed part stays
            return now[: self.luck.choice((len(flushed), self.luck.randint(len(flushed), len(now)), len(now)))]
        return self.luck.choice((flushed or b"", b"", now[: self.luck.randint(0, len(now))], now))


_MKDIR = os.mkdir


def _content(handle: int) -> bytes:
    return os.pread(handle, os.fstat(handle).st_size, 0)


def tree(root: Path) -> Iterator[Path]:
    """Every file under a folder but what is hidden: what is being written has a name that begins with a dot."""
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(folder, name) for name in sorted(names) if not name.startswith("."))
