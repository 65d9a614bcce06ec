"""Runs against runs: for each metric whether one recipe is better than another, by how much, and how sure that is."""

import dataclasses
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from arzhang import evaluation
from arzhang.errors import UsageError
from arzhang.metrics.scores import Metric, unlike
from arzhang.metrics.verdict import CONFIDENCE, OF_THE_DATA, Scores, Verdict, direction, floor_of, verdict
from arzhang.report import beside
from arzhang.report.blocks import Block, Section, Table, Text
from arzhang.report.page import Say, slug
from arzhang.training.run import CONFIG, Run
from arzhang.wording import speaking, words

OF_THE_MACHINE = (
    "seed", "data_root", "log_every", "preview_every", "tensorboard", "accelerator", "devices", "nodes", "strategy",
    "compile", "deterministic", "memory_share",
)  # fmt: skip
"""Options in which runs of one recipe may differ: which draw it is, and where and how it was computed."""


@dataclasses.dataclass(frozen=True)
class Group:
    """Runs of one recipe, a run a seed."""

    name: str
    runs: tuple[Path, ...]
    seeds: tuple[int, ...]
    found: tuple[Mapping[str, Metric], ...]
    """The numbers of each run."""


@dataclasses.dataclass(frozen=True)
class Line:
    """What is said of one metric."""

    metric: str
    unit: str
    first: float
    second: float
    floor: float | None
    """What real images get for the metric."""
    n: int
    verdict: Verdict


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Two groups, and what is said of each metric that all of their runs have."""

    first: Group
    second: Group
    lines: tuple[Line, ...]
    refused: Mapping[str, str]
    """Metrics whose numbers were measured by different protocols, so that their difference says nothing; and by
    which."""


def groups(paths: Sequence[Path | str], against: Sequence[Path | str] = ()) -> list[Group]:
    """Runs as the groups that are compared: `paths` and `against`, or where that is empty, `paths` by equal recipes
    apart from the seed. A folder that holds runs stands for them. Raises UsageError where that makes less than two."""
    if against:
        return [_group(_runs(paths)), _group(_runs(against))]
    by_recipe: dict[str, list[Run]] = {}
    for run in _runs(paths):
        recipe = {key: value for key, value in dataclasses.asdict(run.recipe).items() if key not in OF_THE_MACHINE}
        recipe["init_from"] = recipe["init_from"] is not None  # each seed may begin from another run
        by_recipe.setdefault(json.dumps([run.recipe.system, recipe], sort_keys=True), []).append(run)
    if len(by_recipe) < 2:
        (one,) = by_recipe.values()
        what = "one run" if len(one) == 1 else f"{len(one)} runs of one recipe, but for the seed"
        raise UsageError(f"compare: {what}; give runs of two recipes, or say which stand against which: A … --with B …")
    return [_group(runs) for runs in by_recipe.values()]


def _runs(paths: Iterable[Path | str]) -> list[Run]:
    found: dict[Path, Run] = {}
    for path in map(Path, paths):
        inner = sorted(p.parent for p in path.glob(f"*/{CONFIG}")) if not (path / CONFIG).is_file() else []
        for one in inner or [path]:
            if one.resolve() in found:
                raise UsageError(f"{one}: named twice; a run counts once")
            found[one.resolve()] = Run(one)
    return list(found.values())


def _group(runs: Sequence[Run]) -> Group:
    for run in runs:
        if not (run.path / evaluation.EVALUATION).is_file():
            raise UsageError(f"{run.path}: not evaluated yet: `arzhang evaluate {run.path}`")
    seeds = [run.recipe.seed for run in runs]
    for run, seed in zip(runs, seeds, strict=True):
        if seeds.count(seed) > 1:
            raise UsageError(f"{run.path}: a second run of seed {seed} in its group; each seed counts once")
    name = ", ".join(run.path.name for run in runs) if len(runs) < 3 else f"{runs[0].path.name} … {runs[-1].path.name}"
    return Group(name, tuple(run.path for run in runs), tuple(seeds), tuple(evaluation.read(r.path) for r in runs))


def compare(first: Group, second: Group, worth: float | None = None) -> Comparison:
    """The verdict on each metric that every run of both groups has.

    `worth` is the least difference that counts, as a share of the mean. Raises UsageError where no metric is shared, or
    none that was measured by one protocol.
    """
    every, paths = [*first.found, *second.found], [*first.runs, *second.runs]
    shared = [name for name in every[0] if all(name in found for found in every)]
    shared = [name for name in shared if name.rpartition("_")[2] not in OF_THE_DATA]
    if not shared:
        raise UsageError(f"{paths[0]} and {second.runs[0]}: no number that all of these runs have")
    each = [evaluation.each_image(path) for path in paths] if len(paths) == 2 else [{}, {}]
    lines, refused = [], {}
    for name in shared:
        differing = ((path, unlike(every[0][name], found[name])) for path, found in zip(paths, every, strict=True))
        if other := next(((path, reasons) for path, reasons in differing if reasons), None):
            refused[name] = f"another protocol in {other[0]} than in {paths[0]}: {'; '.join(other[1])}"
            continue
        sides = []
        for group, rows in zip((first, second), each, strict=True):
            values = [float(found[name]["value"]) for found in group.found]
            one, kept = group.found[0][name], rows.get(name)
            error = one["uncertainty"] if len(values) == 1 else None
            sides.append(Scores(values, group.seeds, error, int(one["n"]), None if kept is None else kept.numpy()))
        means = [sum(side.values) / len(side.values) for side in sides]
        if not all(map(math.isfinite, means)):
            refused[name] = "a number that is not finite"
            continue
        least = None if worth is None else worth * abs(sum(means)) / 2
        floor = every[0].get(floor_of(name) or "")
        told, unit = verdict(sides[0], sides[1], direction(name), least), str(every[0][name].get("unit", ""))
        lines.append(Line(name, unit, means[0], means[1], floor["value"] if floor else None, sides[0].n, told))
    if not lines:
        name, why = next(iter(refused.items()))
        raise UsageError(f"{name}: {why}; only runs that were evaluated alike, on the same data, can be compared")
    return Comparison(first, second, tuple(lines), refused)


# ------------------------------------------------------------------------------------------------------ as words


def sentence(line: Line) -> str:
    """What the numbers say, in words.

    >>> v = Verdict(-1.25, -2.0, -0.5, 3, "seed pairs", "first", 2.4, None)
    >>> sentence(Line("negative_elbo", "nats per image", 240.0, 241.25, None, 10_000, v))
    'A is better'
    """
    found = line.verdict
    if found.says != "undecided":
        return words(f"compare.{found.says}", {"within": found.within})
    if found.needed is None or found.by == "nothing":
        return words("compare.undecided_seeds_unknown")
    return words("compare.undecided_images" if "image" in found.by else "compare.undecided_seeds",
                 {"needed": found.needed})  # fmt: skip


def interval(found: Verdict) -> str:
    """The interval of the difference, in as many digits as it is wide.

    >>> interval(Verdict(-1.25, -2.0, -0.5, 3, "seed pairs", "first", 2.4, None))
    '−2.0 to −0.5'
    """
    if found.low is None or found.high is None:
        return "?"
    return words("compare.range", {"low": _digits(found.low, found), "high": _digits(found.high, found)})


def _digits(value: float, found: Verdict) -> str:
    width = (found.high - found.low) if found.low is not None and found.high is not None else abs(found.difference)
    places = min(8, max(0, 1 - math.floor(math.log10(width)))) if width > 0 else 4
    return f"{value:,.{places}f}".replace("-", "−")


def text(found: Comparison) -> list[str]:
    """The comparison as lines of a terminal."""
    rows = [["", "A", "B", "A − B", f"{CONFIDENCE:.0%} interval", "floor", ""]]
    rows += [[line.metric.replace("_", " "), *_numbers(line), sentence(line)] for line in found.lines]
    widths = [max(len(row[column]) for row in rows) for column in range(6)]
    padded = [[cell.rjust(width) for cell, width in zip(row, [*widths, 0], strict=True)] for row in rows]
    table = ["  ".join(row).rstrip() for row in padded]
    refused = [words("compare.refused", {"metric": name, "why": why}) for name, why in found.refused.items()]
    return [f"A = {found.first.name}", f"B = {found.second.name}", _how(found), *table, *refused]


def _numbers(line: Line) -> list[str]:
    told = line.verdict
    numbers = [_digits(value, told) for value in (line.first, line.second, told.difference)]
    return [*numbers, interval(told), "" if line.floor is None else _digits(line.floor, told)]


def _how(found: Comparison) -> str:
    """What stands against what: seeds, or images."""
    first, second = found.first, found.second
    counts = {"first": len(first.runs), "second": len(second.runs), "seeds": ", ".join(map(str, first.seeds))}
    ways = {line.verdict.by for line in found.lines}
    by = next(way for way in ("seed pairs", "seeds", "image pairs", "images", "nothing") if way in ways)
    return words(f"compare.by_{by.replace(' ', '_')}", counts)


def as_json(found: Comparison) -> dict[str, Any]:
    """The comparison as plain values."""
    told = {
        line.metric: {
            "first": line.first, "second": line.second, "unit": line.unit, "n": line.n, "floor": line.floor,
            "better": {1: "higher", -1: "lower", 0: None}[direction(line.metric)], **line.verdict._asdict(),
            "sentence": sentence(line),
        }
        for line in found.lines
    }  # fmt: skip
    first, second = (
        {"name": group.name, "runs": [str(path) for path in group.runs], "seeds": list(group.seeds)}
        for group in (found.first, found.second)
    )
    return {
        "first": first, "second": second, "confidence": CONFIDENCE, "metrics": told, "refused": dict(found.refused)
    }  # fmt: skip


def section(found: Comparison, language: str = "en") -> Section:
    """The comparison as a part of a page: verdicts, and pictures of the first run of each group side by side."""
    say, names = Say(language), {"first": found.first.name, "second": found.second.name}
    heads = [say(f"compare.{name}") for name in ("verdict", "a", "b", "apart", "interval", "floor")]
    with speaking(language):
        how, verdicts = _how(found), [(line, _numbers(line), sentence(line)) for line in found.lines]
    rows = [[say.label(line.metric), said, *map(say.numerals, numbers)] for line, numbers, said in verdicts]
    blocks: list[Block] = [
        Text(say("compare.which", **names)),
        Text(how),
        Table(say("compare.table"), [say("run.metric"), *heads], rows, "verdicts", numeric=(2, 3, 4, 5, 6)),
        *(Text(say("compare.refused", metric=say.label(name), why=why)) for name, why in found.refused.items()),
        *beside.pictures(found.first.runs[0], found.second.runs[0], say),
    ]
    title = say("compare.title", **names)
    return Section(f"{slug(names['first'])}-{slug(names['second'])}-compared", title, blocks)
