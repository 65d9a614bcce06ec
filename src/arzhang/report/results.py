"""Reads a run directory's files, by themselves: its configuration, log, evaluation and pictures."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from arzhang import recipes
from arzhang.errors import ArzhangError, UsageError

NOT_TERMS = ("step", "epoch", "seconds")
"""Numbers of a log line that are no terms of a loss."""
COLUMNS = 10
"""Images in a row of a sheet."""
GAP = 2
"""Pixels between two images of a sheet."""


@dataclass(frozen=True)
class Metric:
    """One number of eval.json, with how it came about."""

    value: float
    uncertainty: float | None
    n: int | None
    unit: str
    protocol: dict[str, Any]


def number(metric: Metric) -> str:
    r"""A value and its uncertainty, to two digits of the latter.

    >>> number(Metric(242.2069, 0.7581, 10_000, "nats per image", {})).replace("\xa0", " ")
    '242.21 ± 0.76'
    """
    value, error = metric.value, metric.uncertainty
    if not math.isfinite(value):
        return str(value)
    if error is not None and math.isfinite(error) and error > 0:
        places = max(0, 1 - math.floor(math.log10(error)))
        text = f"{value:,.{places}f}\xa0±\xa0{error:.{places}f}"  # not to be broken over lines
    else:
        text = f"{value:,}" if isinstance(value, int) else f"{value:,.5g}"
    return text.replace("-", "−")


@dataclass(frozen=True)
class Results:
    """What a run directory says."""

    path: Path
    system: str
    recipe: dict[str, Any]
    data: dict[str, Any]
    versions: dict[str, Any]
    train: list[dict[str, Any]]
    validation: list[dict[str, Any]]
    previews: list[dict[str, Any]]
    """Dearer terms of some validation images, each with its standard error under `NAME_error`."""
    unreadable: int
    """Lines of the log that are damaged, besides the last one, which a kill may cut."""
    evaluation: dict[str, Metric]
    """Empty where the run has not been evaluated."""

    @cached_property
    def terms(self) -> list[str]:
        """Every number that the log follows, in its order."""
        names: dict[str, None] = {}
        for entry in [*self.train[:1], *self.validation[:1], *self.train, *self.validation]:
            names |= {name: None for name in entry if name not in NOT_TERMS and _finite(entry[name])}
        return list(names)

    @cached_property
    def steps_an_epoch(self) -> float | None:
        """Steps of one epoch; none before the first has ended."""
        ends = [e["step"] / e["epoch"] for e in self.validation if e["epoch"] > 0]
        return ends[-1] if ends else None

    def course(self, entries: Sequence[dict[str, Any]], term: str) -> tuple[list[float], list[float]]:
        """(x, values) of a term, x in epochs once one has ended, else in steps."""
        scale = self.steps_an_epoch or 1.0
        found = [(entry["step"] / scale, float(entry[term])) for entry in entries if _finite(entry.get(term))]
        return [x for x, _ in found], [value for _, value in found]

    @property
    def epochs_done(self) -> int:
        return max((entry["epoch"] for entry in self.validation), default=0)

    @property
    def finished(self) -> bool:
        return self.epochs_done >= int(self.recipe.get("epochs") or 1)

    def sheet(self, name: str) -> np.ndarray | None:
        """The images of a sheet in figures/, (n, height, width, 3) in [0, 1]; none where it is not there or is laid
        out otherwise."""
        path, shape = self.path / "figures" / f"{name}.png", self.data.get("shape")
        if not path.is_file() or not isinstance(shape, list) or len(shape) != 3:
            return None
        from matplotlib import image

        try:
            pixels = image.imread(path)[..., :3]
        except (OSError, SyntaxError, ValueError):  # Pillow says SyntaxError of a broken PNG
            return None
        h, w = int(shape[1]), int(shape[2])
        rows, rest_h = divmod(pixels.shape[0] - GAP, h + GAP)
        columns, rest_w = divmod(pixels.shape[1] - GAP, w + GAP)
        if pixels.ndim != 3 or rest_h or rest_w or rows < 1 or columns < 1:
            return None
        cells = pixels[GAP:, GAP:].reshape(rows, h + GAP, columns, w + GAP, 3)[:, :h, :, :w].swapaxes(1, 2)
        return cells.reshape(-1, h, w, 3)[: self.shown(rows * columns)]

    def shown(self, cells: int = COLUMNS**2) -> int:
        """Images on a sheet: as many as the test part has, at most its cells; the others are blank."""
        images = self.data.get("images")
        test = images.get("test") if isinstance(images, dict) else None
        return min(cells, test) if isinstance(test, int) else cells


def read(path: Path) -> Results:
    """A run directory's results.

    Raises UsageError where `path` is no run, ArzhangError naming the file where one cannot be made sense of.
    """
    if not (path / "config.yaml").is_file():
        what = "no such folder" if not path.exists() else "not a run: it holds no config.yaml"
        raise UsageError(f"{path}: {what} (`arzhang train` makes runs)")
    config = recipes.read_yaml(path / "config.yaml")
    recipe = config.get("recipe")
    if not isinstance(recipe, dict):
        raise ArzhangError(f"{path / 'config.yaml'}: holds no recipe, so this is not a run's configuration")
    entries, unreadable = _log(path / "metrics.jsonl")
    recipe, data = told(recipe, _mapping(config.get("data")))
    return Results(
        path=path,
        system=str(config.get("system")),
        recipe=recipe,
        data=data,
        versions=_mapping(config.get("versions")),
        train=[entry for entry in entries if entry["split"] == "train"],
        validation=[entry for entry in entries if entry["split"] == "validation"],
        previews=[entry for entry in entries if entry["split"] == "preview"],
        unreadable=unreadable,
        evaluation=_evaluation(path / "eval.json", path),
    )


def told(recipe: Mapping[str, Any], data: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A recipe, and what is known of its data, as others may read them: no path of this machine goes into a page."""
    about = dict(data)
    if recipe.get("data") and "description" in about:
        folder = str(recipe["data"])
        about["description"] = str(about["description"]).replace(folder, named(folder))
    return {name: named(value) for name, value in recipe.items()}, about


def named(value: Any) -> Any:
    """Of an absolute path its last part, in a flag such as `--data=PATH` too; anything else as it is.

    >>> named("/home/me/runs/vae-1"), named("--data=/home/me/pictures"), named("runs/vae-1"), named(0.5)
    ('vae-1', '--data=pictures', 'runs/vae-1', 0.5)
    """
    if not isinstance(value, str):
        return value
    flag, equals, path = value.partition("=") if value.startswith("--") else ("", "", value)
    return f"{flag}{equals}{PurePath(path).name}" if PurePath(path).is_absolute() else value


def _mapping(found: Any) -> dict[str, Any]:
    return found if isinstance(found, dict) else {}


def _finite(value: Any) -> bool:
    if isinstance(value, int):
        return not isinstance(value, bool) and value.bit_length() < 1_024  # what a float can hold
    return isinstance(value, float) and math.isfinite(value)


def _log(path: Path) -> tuple[list[dict[str, Any]], int]:
    """The lines of metrics.jsonl, and how many before the last could not be read."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []
    entries, unreadable = [], 0
    for i, line in enumerate(lines):
        try:
            entry = json.loads(line)
            good = isinstance(entry, dict) and all(_finite(entry.get(key)) for key in ("step", "epoch"))
        except (json.JSONDecodeError, RecursionError):
            good = False
        if good and entry.get("split") in ("train", "validation", "preview"):
            entries.append(entry)
        elif i + 1 < len(lines) and not good:
            unreadable += 1
    return entries, unreadable


def _evaluation(path: Path, run: Path) -> dict[str, Metric]:
    if not path.is_file():
        return {}
    again = f"`arzhang evaluate {run}` writes it anew"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ArzhangError(f"{path}: not JSON ({error}); {again}") from None
    if not isinstance(found, dict):
        raise ArzhangError(f"{path}: must hold a mapping from metrics to numbers; {again}")
    return {name: _metric(value, f"{path}: '{name}'", again) for name, value in found.items()}


def _metric(found: Any, where: str, again: str) -> Metric:
    if not isinstance(found, dict) or not isinstance(found.get("value"), int | float) or found["value"] is True:
        raise ArzhangError(f"{where} has no number under 'value'; {again}")
    uncertainty, n, protocol = found.get("uncertainty"), found.get("n"), found.get("protocol", {})
    if uncertainty is not None and not isinstance(uncertainty, int | float):
        raise ArzhangError(f"{where} has an 'uncertainty' that is no number; {again}")
    if n is not None and not isinstance(n, int):
        raise ArzhangError(f"{where} has an 'n' that is no whole number; {again}")
    if not isinstance(protocol, dict):
        raise ArzhangError(f"{where} has a 'protocol' that is no mapping; {again}")
    return Metric(found["value"], uncertainty, n, str(found.get("unit", "")), protocol)


def read_study(folder: Path) -> dict[str, Any]:
    """What a study has written: the one JSON file in its folder that names a study.

    Raises UsageError where there is none, ArzhangError naming the file where it cannot be made sense of.
    """
    for path in sorted(folder.glob("*.json")):
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ArzhangError(f"{path}: not JSON ({error}); run the study again") from None
        if isinstance(found, dict) and found.get("study") == path.stem:
            if not {"options", "conclusions", "figures"} <= found.keys():
                raise ArzhangError(f"{path}: its options, conclusions or figures are missing; run the study again")
            if not isinstance(found["options"], dict):
                raise ArzhangError(f"{path}: its options are no mapping; run the study again")
            words = found.get("command")
            return {**found, **({"command": [named(word) for word in words]} if isinstance(words, list) else {}),
                    "options": {name: named(value) for name, value in found["options"].items()}}  # fmt: skip
    raise UsageError(f"{folder}: no study has written here (`arzhang study NAME --out {folder}`)")
