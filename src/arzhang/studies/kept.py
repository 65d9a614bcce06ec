"""What was measured of a run, kept beside it: a study that runs again measures only what is new."""

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from arzhang.evaluation.classifier import sound_digest
from arzhang.files import write_atomically
from arzhang.training.run import Run


def kept(
    path: Path, how: dict[str, Any], measured: Callable[[], dict[str, Any]], checkpoint: str = "best"
) -> dict[str, Any]:
    """What was measured of a run: found beside it where the same weights were measured in the same way before."""
    how = json.loads(json.dumps(how | {"weights": sound_digest(Run(path), checkpoint)}))
    place = path.parent / f"{path.name}.json"
    with contextlib.suppress(OSError, ValueError, LookupError, TypeError, RecursionError):  # then it is measured anew
        known = json.loads(place.read_text(encoding="utf-8"))
        if known["how"] == how:
            return {"metrics": known["metrics"]}
    found = measured()
    write_atomically(place, json.dumps({"how": how, "metrics": found}) + "\n")
    return {"metrics": found}
