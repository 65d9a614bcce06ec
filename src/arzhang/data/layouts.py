"""Where the pairs of a folder or a zip lie: which file is which side, and which part a set keeps for itself."""

import re
import shutil
import stat
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from arzhang.data import cache, images
from arzhang.data.decode import SUFFIXES, Header, Unreadable, header
from arzhang.errors import ArzhangError, UsageError

LARGEST_FILE = 1 << 30
LARGEST_ZIP = 1 << 36
"""Bytes that one file, or all files, of a zip may unpack to."""
MOST_FILES = 1_000_000
BOMB = 200
"""No image is compressed further than so many times by a zip: what claims it is not unpacked."""
PARTS = {"train": "train", "training": "train", "val": "validation", "valid": "validation", "validation": "validation",
         "test": "test", "testing": "test"}  # fmt: skip
ASKED = (
    "pairs lie as side-by-side images (in the folder, or in its folders train and val), or in two folders of equal "
    "names (A and B, or train/A and train/B)"
)


class Sides(NamedTuple):
    """Files of one part, relative to the root; `right` is none where each file holds both sides."""

    left: list[str]
    right: list[str] | None


class Layout(NamedTuple):
    """Where pairs lie: under `root`, in the parts that the set itself makes, or all of them in a part named 'all'."""

    root: Path
    parts: dict[str, Sides]


def find(path: Path) -> Layout:
    """The layout of a folder or a zip. Raises UsageError where there is none of the known ones."""
    if path.is_file():
        path = unpacked(path)
    if not path.is_dir():
        raise UsageError(f"{path}: no such folder or zip (--data)")
    root = path
    while not _images(root) and len(inner := _folders(root)) == 1 and not _joint(inner[0]):
        root = inner[0]
    folders = _folders(root)
    joint = _joint_parts(root, folders)
    named = {PARTS[f.name.lower()]: f for f in folders if f.name.lower() in PARTS}
    if joint:
        parts = joint
    elif "train" in named:
        parts = {part: _sides(root, folder) for part, folder in named.items()}
    else:
        parts = {"all": _sides(root, root)}
    shapes = {sides.right is None for sides in parts.values()}
    if len(shapes) > 1:
        raise UsageError(f"{root}: some parts hold side-by-side images, others two folders")
    return Layout(root, parts)


def looks_paired(path: Path) -> bool:
    """Whether what lies there is more likely pairs than single images."""
    if path.is_file():
        return True
    try:
        found = find(path)
        first = next(iter(found.parts.values()))
        if first.right is not None:
            return equal_names(first)
    except ArzhangError:
        return False
    known = _first(found)
    return bool(known) and all(one.width == 2 * one.height for one in known)


def narrow(layout: Layout) -> tuple[int, int] | None:
    """Width and height of a file that is to hold two sides, where all of the first ones are hardly wider than high."""
    if any(sides.right is not None for sides in layout.parts.values()):
        return None
    known = _first(layout)
    return (known[0].width, known[0].height) if known and all(one.width < 1.5 * one.height for one in known) else None


def _first(layout: Layout) -> list[Header]:
    """What the first files of a layout's first part say of themselves."""
    first = next(iter(layout.parts.values()))
    seen = [images.attempt(header, layout.root / name) for name in first.left[:16]]
    return [one for one in seen if not isinstance(one, Unreadable)]


def equal_names(sides: Sides) -> bool:
    """Whether two folders hold files of the same names, but for their endings."""
    return set(map(_stem, sides.left)) == set(map(_stem, sides.right or ()))


def partners(layout: Layout, sides: Sides) -> list[tuple[str, str]]:
    """Files of two folders that belong together, by their names without endings. ArzhangError names those alone."""
    assert sides.right is not None
    left, right = ({_stem(name): name for name in names} for names in (sides.left, sides.right))
    for names, stems in ((sides.left, left), (sides.right, right)):
        twice = next((name for name in names if stems[_stem(name)] != name), None)
        if twice:
            raise ArzhangError(f"{layout.root / twice}: has the name of {Path(stems[_stem(twice)]).name} beside it")
    for own, other, there in ((left, right, sides.right[0]), (right, left, sides.left[0])):
        alone = sorted(set(own) - set(other))
        if alone:
            more = f" (nor have {len(alone) - 1:,} more)" if len(alone) > 1 else ""
            where = layout.root / PurePosixPath(there).parent
            raise ArzhangError(f"{layout.root / own[alone[0]]}: has no partner of its name in {where}{more}")
    return [(left[stem], right[stem]) for stem in sorted(left)]


def _stem(name: str) -> str:
    """The name within its side's folder, without ending: 'train/A//aachen/1.jpg' → 'aachen/1'."""
    return str(PurePosixPath(name.split("//")[-1]).with_suffix(""))


def _images(folder: Path) -> list[Path]:
    return [f for f in folder.iterdir() if f.suffix.lower() in SUFFIXES and not f.name.startswith(".") and f.is_file()]


def _folders(folder: Path) -> list[Path]:
    inner = (f for f in folder.iterdir() if f.is_dir() and not f.is_symlink())
    return sorted(f for f in inner if not f.name.startswith((".", "__")))


def _relative(root: Path, folder: Path) -> list[str]:
    """Image files in a folder and below it: 'FOLDER//NAME', so that the side's folder can be told from the name."""
    front = folder.relative_to(root).as_posix()
    return [f"{front}//{PurePosixPath(*Path(name).parts)}" for name in images.files(folder)]


def _sides(root: Path, folder: Path) -> Sides:
    """One part: images that hold both sides, or two folders."""
    inner = [f for f in _folders(folder) if f.name.lower() not in PARTS]
    if _images(folder):
        return Sides(_relative(root, folder), None)
    if len(inner) == 2:
        return Sides(_relative(root, inner[0]), _relative(root, inner[1]))
    found = f"holds {len(inner)} folders and no images" if inner else "holds no images"
    raise UsageError(f"{folder}: {found}; {ASKED}")


def _joint(folder: Path) -> tuple[str, str] | None:
    """Part and side that a folder's name says: trainA → train, a."""
    match = re.fullmatch(r"([a-z]+?)[_-]?([ab])", folder.name.lower())
    return (PARTS[match[1]], match[2]) if match and match[1] in PARTS else None


def _joint_parts(root: Path, folders: Sequence[Path]) -> dict[str, Sides]:
    """trainA, trainB, testA, testB: the layout of unpaired sets."""
    found: dict[str, dict[str, Path]] = {}
    for folder in folders:
        if side := _joint(folder):
            found.setdefault(side[0], {})[side[1]] = folder
    if "train" not in found:
        return {}
    for part, sides in found.items():
        if len(sides) != 2:
            alone = next(iter(sides.values()))
            raise UsageError(f"{alone}: the other side of {part} is missing; {ASKED}")
    return {part: Sides(_relative(root, s["a"]), _relative(root, s["b"])) for part, s in found.items()}


# ------------------------------------------------------------------------------------------------------------ zips


def unpacked(path: Path) -> Path:
    """The images of a zip in the cache, unpacked once for its content; refused is what is no plain file within."""
    if not zipfile.is_zipfile(path):
        raise UsageError(f"{path}: neither a folder nor a zip")
    return cache.entry("zips", ["zip", 1, images.sha256(path)], lambda folder: _unpack(path, folder))


def _unpack(path: Path, folder: Path) -> None:
    total = 0
    try:
        with zipfile.ZipFile(path) as file:
            members = file.infolist()
            if len(members) > MOST_FILES:
                raise ArzhangError(f"{path}: {len(members):,} files: more than {MOST_FILES:,} are not unpacked")
            for member in members:
                _check(path, member)
                total += member.file_size
            if total > min(LARGEST_ZIP, shutil.disk_usage(folder).free):
                raise ArzhangError(f"{path}: unpacks to {total / 1e9:.1f} GB, for which there is no room")
            for member in members:
                name = PurePosixPath(member.filename)
                if member.is_dir() or name.suffix.lower() not in SUFFIXES or name.parts[0] == "__MACOSX":
                    continue
                target = folder / Path(*name.parts)
                target.parent.mkdir(parents=True, exist_ok=True)
                with file.open(member) as source, target.open("wb") as made:
                    shutil.copyfileobj(source, made, 1 << 20)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, UnicodeDecodeError, zlib.error) as error:
        raise ArzhangError(f"{path}: a damaged zip ({error})") from None
    cache.write_index(folder, [], "uint8", [], [], {})


def _check(path: Path, member: zipfile.ZipInfo) -> None:
    """Refuse a path that climbs out, a link, a lock, a bomb."""
    name, mode = member.filename, member.external_attr >> 16
    parts = PurePosixPath(name).parts
    why = None
    if "\\" in name or "\0" in name or re.match(r"/|[a-zA-Z]:", name) or ".." in parts or not parts:
        why = "its path leads out of the zip"
    elif mode and not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_IFMT(mode) == 0):
        why = "is a link or a device"
    elif member.flag_bits & 1:
        why = "is locked with a password"
    elif member.file_size > LARGEST_FILE or member.file_size > BOMB * max(member.compress_size, 1 << 16):
        why = f"unpacks from {member.compress_size:,} to {member.file_size:,} bytes"
    if why:
        raise ArzhangError(f"{path}: refused: {name!r} {why}")
