"""Where a built-in data set comes from, the checksums of its content, and how it is fetched."""

import gzip
import hashlib
import os
import shutil
import socket
import subprocess
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.request import urlopen

import numpy as np
from filelock import FileLock
from jaxtyping import UInt8
from platformdirs import user_cache_path
from rich.progress import DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from arzhang.errors import ArzhangError, UsageError
from arzhang.terminal import console

Notify = Callable[[str], None]
FILES = {
    "train images": "train-images-idx3-ubyte",
    "train labels": "train-labels-idx1-ubyte",
    "test images": "t10k-images-idx3-ubyte",
    "test labels": "t10k-labels-idx1-ubyte",
}
LARGEST = 1 << 28
"""No built-in file is larger: more is not unpacked, whatever a file says."""
SILENCE = 10.0
"""Seconds that a mirror may be silent before the next way is tried."""


@dataclass(frozen=True)
class Source:
    """A built-in data set: four IDX files, each known by the hashes that its true content may have."""

    name: str
    title: str
    torchvision: str
    """Its class there, which knows the public mirrors."""
    classes: tuple[str, ...]
    sha256: dict[str, str]
    """Part → sha256 of the uncompressed file."""
    debian: str | None = None
    """Debian package that carries it."""

    def folders(self, data_root: str | None) -> list[Path]:
        """Where its files may already lie, in the order in which they are looked for."""
        found = [Path(data_root)] if data_root else []
        found += [root / self.torchvision / "raw" for root in found]
        found.append(cache_dir() / self.name)
        if self.debian:
            found.append(Path("/usr/share/datasets") / self.name)
        return found


SOURCES = {
    source.name: source
    for source in (
        Source(
            "fashion-mnist",
            "Fashion-MNIST",
            "FashionMNIST",
            ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
            {
                "train images": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
                "train labels": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
                "test images": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
                "test labels": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
            },
            debian="dataset-fashion-mnist",
        ),
        Source(
            "mnist",
            "MNIST",
            "MNIST",
            tuple("0123456789"),
            {
                "train images": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
                "train labels": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
                "test images": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
                "test labels": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
            },
        ),
        # The hashes of its content are published nowhere; the .gz files' own are.
        Source("kmnist", "Kuzushiji-MNIST", "KMNIST", tuple("おきすつなはまやれを"), {}),
    )
}
GZIPPED_MD5 = {
    "kmnist": {
        "train images": "bdb82020997e1d708af4cf47b453dcf7",
        "train labels": "e144d726b3acfaa3e44228e80efcd344",
        "test images": "5c965bf0a639b31b8f53240b1b52f4d7",
        "test labels": "7320c461ea6c1c855c0b718fb2a4b134",
    }
}


def cache_dir() -> Path:
    """Where Arzhang keeps what it fetched and decoded: $ARZHANG_CACHE, else the user's cache folder."""
    return Path(os.environ.get("ARZHANG_CACHE") or user_cache_path("arzhang"))


def source(name: str) -> Source:
    """A built-in data set by its name."""
    if name not in SOURCES:
        raise UsageError(f"data set '{name}': there are {', '.join(SOURCES)}; for your own images give --data DIR")
    return SOURCES[name]


# ---------------------------------------------------------------------------------------------------- what is here


def locate(name: str, data_root: str | None = None) -> dict[str, Path] | None:
    """The four files of a data set where all are here and sound, else None. Looks, fetches nothing."""
    for folder in source(name).folders(data_root):
        found = {part: path for part, stem in FILES.items() if (path := _present(folder, stem)) is not None}
        if len(found) == len(FILES) and all(_sound(name, part, path) for part, path in found.items()):
            return found
    return None


def _present(folder: Path, stem: str) -> Path | None:
    candidates = [folder / name for name in (stem, f"{stem}.gz", stem.replace("-idx", ".idx"))]
    return next((path for path in candidates if path.is_file()), None)


def _sound(name: str, part: str, path: Path) -> bool:
    """Whether a file's content is the true one, by its published hash."""
    try:
        if expected := SOURCES[name].sha256.get(part):
            seen = path.stat()
            return _hash(path, seen.st_size, seen.st_mtime_ns) == expected
        return path.suffix == ".gz" and hashlib.md5(path.read_bytes()).hexdigest() == GZIPPED_MD5[name][part]
    except (ArzhangError, OSError):
        return False


@lru_cache
def _hash(path: Path, size: int, time: int) -> str:
    """sha256 of a file's content, once for a file that did not change."""
    return hashlib.sha256(_content(path)).hexdigest()


def _content(path: Path) -> bytes:
    """A file's bytes, unpacked where it is gzipped, and never more than a built-in file can have."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise ArzhangError(f"{path}: a damaged gzip file ({error})") from None
    if len(content) > LARGEST:
        raise ArzhangError(f"{path}: more than {LARGEST:,} bytes, which no file of these data sets has")
    return content


def read_idx(path: Path) -> UInt8[np.ndarray, "..."]:
    """The array in an IDX file of bytes, plain or gzipped; ArzhangError for anything else.

    Format: two zero bytes, the type (8: bytes), the number of axes, each axis as a big-endian 32-bit number, the data.
    """
    content = _content(Path(path))
    if len(content) < 4 or content[:3] != b"\0\0\x08" or not 1 <= content[3] <= 4:
        raise ArzhangError(f"{path}: not an IDX file of bytes")
    start = 4 + 4 * content[3]
    shape = tuple(np.frombuffer(content[4:start], ">u4").tolist()) if len(content) >= start else (0,)
    size = 1
    for side in shape:
        size *= side
    if len(content) - start != size:
        raise ArzhangError(f"{path}: damaged: its header says {'×'.join(map(str, shape))}, its length does not")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


# -------------------------------------------------------------------------------------------------------- fetching


def fetch(name: str, data_root: str | None = None, *, notify: Notify = print) -> dict[str, Path]:
    """The four files of a data set, fetched where they are not here: from the public mirrors, else from Debian.

    Whatever the way, the content is checked by its hash before it is kept. Raises ArzhangError with every way to get
    the data where none works here.
    """
    if data_root is not None and not Path(data_root).is_dir():
        raise UsageError(f"--data-root {data_root}: no such folder")
    if found := locate(name, data_root):
        return found
    one, folder = source(name), cache_dir() / name
    folder.mkdir(parents=True, exist_ok=True)
    failures: list[str] = []
    with FileLock(folder / ".lock"):
        if found := locate(name, data_root):  # another process was faster
            return found
        for way in (_from_mirrors, _from_debian):
            try:
                notify(f"{one.title}: fetching {way.__doc__}")
                with tempfile.TemporaryDirectory(dir=folder) as beside:
                    way(one, Path(beside))
                    _keep(one, Path(beside), folder)
            except (ArzhangError, OSError, subprocess.SubprocessError) as error:
                failures.append(f"{way.__doc__} ({str(error).strip().splitlines()[-1] if str(error) else 'failed'})")
            if found := locate(name, data_root):
                return found
    ways = [f"put the four files ({', '.join(FILES.values())}, plain or .gz) into a folder and give --data-root FOLDER"]
    ways.append(f"put them into {folder}")
    if one.debian:
        ways.append(f"as root: apt-get install {one.debian}")
    why = "; nor ".join(failures)
    raise ArzhangError(f"{one.title} is not here and could not be fetched {why}. Ways to get it: {'; or '.join(ways)}")


def _keep(one: Source, beside: Path, folder: Path) -> None:
    for part, stem in FILES.items():
        path = _present(beside, stem)
        if path is None or not _sound(one.name, part, path):
            raise ArzhangError(f"{stem}: missing, or its checksum is not the published one")
    for stem in FILES.values():
        path = _present(beside, stem)
        assert path is not None
        path.replace(folder / path.name)


def _from_mirrors(one: Source, beside: Path) -> None:
    """from the public mirrors"""
    import torchvision.datasets

    kind = getattr(torchvision.datasets, one.torchvision)
    mirrors: Iterable[str] = kind.mirrors
    failure: OSError | None = None
    for mirror in mirrors:
        try:
            for stem in FILES.values():
                _download(f"{mirror}{stem}.gz", beside / f"{stem}.gz")
            return
        except (OSError, TimeoutError, socket.gaierror) as error:
            failure = OSError(f"{mirror}: {error}")
    raise failure or OSError("no mirrors are known")


def _download(url: str, path: Path) -> None:
    columns = (TextColumn("{task.description}"), DownloadColumn(), TransferSpeedColumn())
    with (
        urlopen(url, timeout=SILENCE) as answer,
        path.open("wb") as file,
        Progress(*columns, console=console(), disable=not console().is_terminal) as bar,
    ):
        line = bar.add_task(path.name, total=int(answer.headers.get("Content-Length", 0)) or None)
        for block in _blocks(answer):
            file.write(block)
            bar.advance(line, len(block))
            if file.tell() > LARGEST:
                raise OSError("more bytes than any file of these data sets has")


def _blocks(answer: object) -> Iterator[bytes]:
    while block := answer.read(1 << 16):  # type: ignore[attr-defined]
        yield block


def _from_debian(one: Source, beside: Path) -> None:
    """from Debian's package"""
    if not one.debian:
        raise ArzhangError("Debian has no package of it")
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise ArzhangError("there is no apt-get here")
    # Lists and cache of its own: works without root, and where the machine's own lists are empty.
    state = beside / "apt"
    (state / "lists" / "partial").mkdir(parents=True)
    (state / "archives" / "partial").mkdir(parents=True)
    options = [
        f"Dir::State={state}",
        f"Dir::State::Lists={state / 'lists'}",
        f"Dir::Cache={state}",
        f"Dir::Cache::Archives={state / 'archives'}",
        "APT::Sandbox::User=",
        f"Acquire::http::Timeout={SILENCE:.0f}",
        "Acquire::Retries=0",
    ]
    apt = ["apt-get", "-qq", *(word for option in options for word in ("-o", option))]
    for words in ([*apt, "update"], [*apt, "download", one.debian]):
        done = subprocess.run(words, cwd=beside, capture_output=True, text=True, timeout=300, check=False)
        if done.returncode:
            raise ArzhangError((done.stderr or "apt-get failed").strip().splitlines()[-1])
    for package in beside.glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", package, beside / "unpacked"], check=True, capture_output=True, timeout=300)
    for stem in FILES.values():
        for path in (beside / "unpacked").rglob(f"{stem}.gz"):
            path.replace(beside / path.name)
