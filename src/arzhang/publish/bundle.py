"""What every bundle is held to: a folder of its own, nothing of this machine in it, and the licence of its data."""

import contextlib
import getpass
import os
import re
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from arzhang.errors import ArzhangError, UsageError
from arzhang.files import flush, flush_all

MARK = ".arzhang-bundle"
"""A file in every bundle: a folder that holds it may be written anew."""
TOKENS = re.compile(rb"hf_[A-Za-z0-9]{30,}|KGAT_[A-Za-z0-9]{16,}|gh[pousr]_[A-Za-z0-9]{30,}|sk-[A-Za-z0-9_-]{30,}")
SECRET = re.compile(r"TOKEN|KEY|SECRET|PASSWORD|PASSWD|CREDENTIAL", re.IGNORECASE)
"""Names of environment variables whose values are nobody's business."""
WRITTEN_ONCE = (".safetensors", ".png", ".jpg", ".jpeg")


@contextlib.contextmanager
def fresh(out: Path) -> Iterator[Path]:
    """A folder to fill, which takes the place of `out` once it is whole and holds nothing of this machine.

    Raises UsageError where `out` holds what is no bundle, ArzhangError that names the file where something would leak.
    """
    if out.exists() and not (out.is_dir() and ((out / MARK).is_file() or not any(out.iterdir()))):
        raise UsageError(f"{out}: exists and is no bundle of Arzhang; choose another --out")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as beside:
        folder = Path(beside) / "bundle"
        folder.mkdir()
        yield folder
        refuse_leaks(folder)
        (folder / MARK).write_text("made by `arzhang publish`, which may write it anew\n", encoding="utf-8")
        flush_all(folder)
        shutil.rmtree(out, ignore_errors=True)
        folder.replace(out)
        flush(out.parent)


def linked(source: str, target: str) -> None:
    """A copy; of what is never written to again, weights and pictures, the same file under another name where the disk
    can."""
    if source.endswith(WRITTEN_ONCE):
        with contextlib.suppress(OSError):
            return os.link(source, target)
    shutil.copyfile(source, target)
    return None


def listing(folder: Path) -> list[str]:
    """One line a file: its name and size."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != MARK)
    return [f"  {path.relative_to(folder).as_posix():44} {path.stat().st_size:>12,} bytes" for path in files]


# ------------------------------------------------------------------------------------------------------------ leaks


def refuse_leaks(folder: Path) -> None:
    """Raise ArzhangError for the first file that holds a path, the user's name or a secret of this machine."""
    forbidden = _private()
    for path in sorted(folder.rglob("*")):
        for name, content in _contents(path, folder) if path.is_file() else ():
            for what, needles in forbidden.items():
                if found := next((needle for needle in needles if needle in content), None):
                    shown = "" if what == "a secret" else f" ({found.decode(errors='replace')})"
                    raise ArzhangError(f"{name}: holds {what} of this machine{shown}, so nothing was written")
            if TOKENS.search(content):
                raise ArzhangError(f"{name}: holds what looks like an access token, so nothing was written")


def _contents(path: Path, folder: Path) -> Iterator[tuple[str, bytes]]:
    """A file's bytes, and those of an archive's members, each under its name."""
    name = path.relative_to(folder).as_posix()
    yield name, path.read_bytes()
    if path.suffix in (".whl", ".zip"):
        with zipfile.ZipFile(path) as archive:
            for member in archive.namelist():
                yield f"{name}: {member}", archive.read(member)


def _private() -> dict[str, list[bytes]]:
    """What may stand in no bundle. A user's name counts where it is part of a path: many are common words."""
    paths = {Path.home(), Path.cwd(), Path(tempfile.gettempdir())}
    if sys.prefix != sys.base_prefix:
        paths.add(Path(sys.prefix))
    paths = {path for path in {*paths, *(path.resolve() for path in paths)} if len(path.parts) > 1}
    folders = {f"{path}{end}" for path in paths for end in ("/", "\\", '"', "'", "\n", " ")}
    try:
        user = getpass.getuser()
    except (OSError, KeyError, ImportError):
        user = ""
    names = (
        {f"{before}{user}{after}" for before in ("home/", "Users/", "Users\\") for after in "/\\"} if user else set()
    )
    secrets = {value for name, value in os.environ.items() if SECRET.search(name) and len(value) >= 12}
    found = {"a path": folders, "the user's name": names, "a secret": secrets}
    return {what: sorted(map(os.fsencode, needles)) for what, needles in found.items()}


# ---------------------------------------------------------------------------------------------------------- licences


@dataclass(frozen=True)
class Licence:
    """What the licence of a data set says of publishing pictures of it, and of what was trained on it."""

    name: str
    id: str
    """As the Hugging Face Hub writes it, of weights trained on the data."""
    warning: str = ""
    """What the user must have read before a push; none where the data are free."""
    link: str = ""


FREE = Licence("made by Arzhang from a seed", "mit")
LICENCES = {
    "streets": FREE,
    "sprites": FREE,
    "fashion-mnist": Licence("MIT", "mit"),
    "edges2fashion": Licence("MIT (made from Fashion-MNIST)", "mit"),
    "mnist": Licence("CC BY-SA 3.0", "cc-by-sa-3.0"),
    "kmnist": Licence("CC BY-SA 4.0", "cc-by-sa-4.0"),
    "cityscapes": Licence(
        "Cityscapes licence",
        "other",
        "the Cityscapes licence allows research alone and forbids redistribution: the bundle holds no data set, but "
        "its pictures show photographs of it",
        "https://www.cityscapes-dataset.com/license/",
    ),
}
OWN = Licence("the data owner's", "other", "the data are a folder of your own: publish only what you may")


def licence(recipe: Mapping[str, Any], description: str = "") -> Licence:
    """The licence of the data that a recipe was trained on, by its name or by the folder's."""
    data = recipe.get("data")
    if data in LICENCES:
        return LICENCES[str(data)]
    if "cityscapes" in f"{'' if data else recipe.get('dataset')} {data or ''} {description}".lower():
        return LICENCES["cityscapes"]
    return OWN if data else LICENCES.get(str(recipe.get("dataset")), OWN)
