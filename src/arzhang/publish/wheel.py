"""The wheel of this very package, packed anew from where it is installed: it needs neither its source nor the index."""

import base64
import hashlib
import zipfile
from importlib import metadata, resources
from importlib.resources.abc import Traversable
from pathlib import Path

from arzhang.errors import ArzhangError

NAME = "arzhang"
WHEEL = "Wheel-Version: 1.0\nGenerator: arzhang\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
DESCRIBED = ("METADATA", "entry_points.txt", "licenses/LICENSE")
"""What of the installed description belongs into a wheel; the rest says where and how it was installed here."""
EPOCH = (1980, 1, 1, 0, 0, 0)
"""Times in the archive: the same package gives the same bytes, wherever it is packed."""


def pack(folder: Path) -> Path:
    """Write the wheel into a folder, and return where it is. (Binary distribution format, PyPA specifications.)"""
    distribution = metadata.distribution(NAME)
    version = distribution.version
    described = f"{NAME}-{version}.dist-info"
    files = {f"{NAME}/{name}": content for name, content in _files(resources.files(NAME)).items()}
    for name in DESCRIBED:
        text = distribution.read_text(name)
        if text is None:
            raise ArzhangError(f"the installed package says nothing in {described}/{name}; install Arzhang anew")
        files[f"{described}/{name}"] = text.encode()
    files[f"{described}/WHEEL"] = WHEEL.encode()
    lines = [f"{name},sha256={_digest(content)},{len(content)}" for name, content in files.items()]
    record = f"{described}/RECORD"
    files[record] = "".join(f"{line}\n" for line in [*lines, f"{record},,"]).encode()
    path = folder / f"{NAME}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            member = zipfile.ZipInfo(name, EPOCH)
            member.external_attr = 0o644 << 16
            archive.writestr(member, content, zipfile.ZIP_DEFLATED)
    return path


def _files(folder: Traversable, front: str = "") -> dict[str, bytes]:
    """The package's files by name, in order; nothing that Python or an editor left beside them."""
    found: dict[str, bytes] = {}
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.name.startswith((".", "__pycache__")) or entry.name.endswith(("~", ".pyc")):
            continue
        if entry.is_dir():
            found |= _files(entry, f"{front}{entry.name}/")
        else:
            found[front + entry.name] = entry.read_bytes()
    return found


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
