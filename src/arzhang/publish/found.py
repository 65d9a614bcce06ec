"""What a folder holds that can be told of: runs and studies, in it or below it."""

from pathlib import Path

from arzhang import recipes
from arzhang.errors import ArzhangError
from arzhang.report.results import read_study

DEPTH = 3
"""Folders below which nothing is looked for."""


def runs_in(path: Path) -> dict[str, Path]:
    """Of each system the run to tell of: that of the largest images, then of the most epochs, then the first."""
    found: dict[str, list[tuple[int, int, Path]]] = {}
    for folder in _folders(path):
        if not (folder / "config.yaml").is_file():
            continue
        config = recipes.read_yaml(folder / "config.yaml")
        recipe, data = config.get("recipe"), config.get("data")
        if not isinstance(recipe, dict) or not isinstance(data, dict):
            continue
        if recipe.get("divergence") == "cauchy-schwarz" or recipe.get("adversarial") == "none":
            continue  # told of beside the plain one
        shape = data.get("shape") or [0]
        entry = (-int(shape[-1]), -int(recipe.get("epochs") or 0), folder)
        found.setdefault(str(config.get("system")), []).append(entry)
    return {system: min(entries)[2] for system, entries in found.items()}


def studies_in(path: Path) -> dict[str, Path]:
    """Each study by its name, the first by its folder's."""
    found: dict[str, Path] = {}
    for folder in _folders(path):
        try:
            found.setdefault(read_study(folder)["study"], folder)
        except ArzhangError:
            continue
    return found


def _folders(path: Path) -> list[Path]:
    """A folder and those below it, in order, but not those within a run."""
    layer, found = [path], []
    for _ in range(DEPTH + 1):
        found += layer
        outside = [folder for folder in layer if not (folder / "config.yaml").is_file()]
        layer = [inner for folder in outside for inner in sorted(folder.iterdir()) if inner.is_dir()]
    return found
