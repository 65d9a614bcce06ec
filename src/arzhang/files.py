"""Files that are whole or not there, whatever ends the process or the power."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write beside, flush, rename: whoever reads `path` finds the old content or the new, whole."""
    data = content.encode() if isinstance(content, str) else content
    handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(beside).chmod(0o666 & ~umask())  # mkstemp's files are their owner's alone
        Path(beside).replace(path)
        flush(path.parent)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise


def write_tensors(path: Path, tensors: Mapping[str, Any], metadata: dict[str, str] | None = None) -> None:
    """Tensors as a safetensors file, straight to its place. Raises OSError where there is no room for it, as other
    writers do: safetensors has an error of its own."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file  # brings torch, which not every command needs

    try:
        save_file({name: tensor.detach().contiguous() for name, tensor in tensors.items()}, path, metadata)
    except SafetensorError as error:
        raise OSError(f"{path}: could not be written ({error})") from None


def flush(path: Path) -> None:
    """Make a file, or a folder's names, durable. (Windows cannot open folders; its rename is durable by itself.)"""
    if os.name == "nt" and path.is_dir():
        return
    handle = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def flush_all(folder: Path) -> None:
    """Make a folder durable, and all that is in it."""
    for path in (*folder.rglob("*"), folder):
        flush(path)


def umask() -> int:
    """The rights that the user withholds from new files, for those that came without asking."""
    current = os.umask(0o022)
    os.umask(current)
    return current
