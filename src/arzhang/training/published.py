"""A model as it is published: its weights and what they are of, in a folder here or on the Hugging Face Hub.

Two files: `model.safetensors`, and `config.json` with the recipe, what is known of the data, and the weights' hash.
"""

import contextlib
import json
import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from arzhang.errors import ArzhangError, UsageError
from arzhang.files import write_tensors
from arzhang.recipes import SYSTEMS, Training, from_mapping
from arzhang.training import checkpoint as checkpoints

WEIGHTS, CONFIG = "model.safetensors", "config.json"
HUB = "hf://"
LARGEST_CONFIG = 1 << 20


class Published(NamedTuple):
    """A published model, read and checked."""

    recipe: Training
    data: dict[str, Any]
    tensors: dict[str, Tensor]


def write(folder: Path, config: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
    """The two files. `config` has a run's `system`, `recipe`, `data` and `versions`."""
    write_tensors(folder / WEIGHTS, tensors, {"format": "pt"})
    told = {"library_name": "arzhang", **config, "sha256": checkpoints.sha256(folder / WEIGHTS)}
    (folder / CONFIG).write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def found(path: Path | str) -> Path | None:
    """The folder of a published model: where `path` is one, or an address of the hub; None for all else.

    Raises UsageError and ArzhangError as `fetch` does.
    """
    if str(path).startswith(HUB):
        return fetch(str(path))
    return Path(path) if (Path(path) / WEIGHTS).is_file() and (Path(path) / CONFIG).is_file() else None


def fetch(address: str) -> Path:
    """`hf://owner/name`, or `hf://owner/name@revision`: the folder of its two files, from the hub or its cache.

    Nothing but these two is fetched, so no code and no pickle. Raises UsageError without the extra 'hub' or for a
    misspelt address, ArzhangError where the hub has no such model or cannot be reached.
    """
    match = re.fullmatch(r"hf://([\w.-]+/[\w.-]+?)(?:@([\w./-]+))?/?", address)
    if match is None:
        raise UsageError(f"{address}: an address is hf://owner/name, or hf://owner/name@revision")
    try:
        import huggingface_hub
    except ImportError:
        raise UsageError(f"{address}: needs the extra: pip install 'arzhang[hub]'") from None
    name, revision = match[1], match[2]
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    try:
        paths = [huggingface_hub.hf_hub_download(name, file, revision=revision) for file in (CONFIG, WEIGHTS)]
    except Exception as error:  # of the hub's client, of the network beneath it
        raise ArzhangError(f"{address}: {_why(error, name, revision)}") from None
    return Path(paths[0]).parent


def _why(error: Exception, name: str, revision: str | None) -> str:
    kind = type(error).__name__
    if kind in ("RepositoryNotFoundError", "GatedRepoError"):
        return f"the hub has no model {name} that you may read (`hf auth login` for a private one)"
    if kind == "RevisionNotFoundError":
        return f"the hub has no revision {revision} of it"
    if kind in ("EntryNotFoundError", "RemoteEntryNotFoundError"):
        return f"not a model of Arzhang: it holds no {WEIGHTS} with a {CONFIG}"
    return f"not in the hub's cache here, and the hub cannot be reached ({kind}); `hf download {name}` elsewhere"


def read(folder: Path) -> Published:
    """A published model, its weights compared with their hash. Raises ArzhangError where it makes no sense."""
    path = folder / CONFIG
    if path.stat().st_size > LARGEST_CONFIG:
        raise ArzhangError(f"{path}: larger than any configuration of a model")
    config: Any = None
    with contextlib.suppress(ValueError, RecursionError):
        config = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(config, dict) or config.get("library_name") != "arzhang":
        raise ArzhangError(f"{path}: not the configuration of a model that Arzhang has published")
    system, recipe, data = config.get("system"), config.get("recipe"), config.get("data")
    if (
        not isinstance(system, str)
        or system not in SYSTEMS
        or not isinstance(recipe, dict)
        or not isinstance(data, dict)
    ):
        raise ArzhangError(
            f"{path}: says system '{str(system)[:80]}', known are {', '.join(SYSTEMS)}; with a recipe and data"
        )
    if checkpoints.sha256(folder / WEIGHTS) != config.get("sha256"):
        raise ArzhangError(f"{folder / WEIGHTS}: damaged or exchanged (its sha256 is not that of {CONFIG})")
    tensors = checkpoints.read_tensors(folder / WEIGHTS)
    return Published(from_mapping(SYSTEMS[system], recipe, str(path)), data, tensors)
