"""What looks wrong in a run: the rules of `health`, each with its evidence, the likely cause and the remedy."""

from pathlib import Path
from typing import Any, NamedTuple

from arzhang import evaluation
from arzhang.errors import ArzhangError
from arzhang.health import Finding, findings
from arzhang.training.run import METRICS, Run
from arzhang.wording import ENGLISH, words


class Diagnosis(NamedTuple):
    """One thing that looks wrong."""

    rule: str
    evidence: str
    cause: str
    remedy: str
    values: dict[str, Any]
    """The numbers of the evidence."""


def diagnose(path: Path | str) -> list[Diagnosis]:
    """Everything that a run's log, configuration and numbers say is wrong; empty for a healthy one.

    Raises UsageError where `path` is no run, ArzhangError where it has not logged anything yet.
    """
    run = Run(path)
    entries = run.metrics()
    if not any(entry.get("split") in ("train", "diverged") for entry in entries):
        raise ArzhangError(f"{run.path / METRICS}: nothing is logged yet; `arzhang resume {run.path}` goes on with it")
    numbers = evaluation.read(run.path) if (run.path / evaluation.EVALUATION).is_file() else {}
    return [diagnosis(found) for found in findings(entries, run.config, numbers)]


def diagnosis(found: Finding) -> Diagnosis:
    """A finding in words."""
    id, values = found["id"], found["values"]
    shown = values | ({"term": ENGLISH.get(f"label.{values['term']}", values["term"])} if "term" in values else {})
    evidence, cause, remedy = (words(part, shown) for part in (id, f"{id}.cause", f"{id}.remedy"))
    return Diagnosis(id.removeprefix("health."), evidence, cause, remedy, values)


def text(path: Path | str, found: list[Diagnosis]) -> list[str]:
    """What is wrong as lines of a terminal; that nothing is, where nothing is."""
    run = Run(path)
    done = max((int(e["epoch"]) for e in run.metrics() if e.get("split") == "validation"), default=0)
    so_far = "" if done >= run.recipe.epochs else f" so far ({done} of {run.recipe.epochs} epochs)"
    if not found:
        return [f"{run.path}: nothing looks wrong{so_far}"]
    lines = [f"{run.path}: {len(found)} {'thing looks' if len(found) == 1 else 'things look'} wrong{so_far}"]
    for one in found:
        lines += ["", f"{one.rule.replace('_', ' ')}: {one.evidence}", f"  {one.cause}", f"  {one.remedy}"]
    return lines
