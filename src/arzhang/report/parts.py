"""What each part of `arzhang reproduce` has to show, from the files that it has left, by the ids that it answers.

Whatever is shown is shown once.
"""

import ast
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

from markupsafe import Markup

from arzhang import recipes
from arzhang.errors import UsageError
from arzhang.report import analysis, page
from arzhang.report.assignment import Show, Shown
from arzhang.report.blocks import PNG, Block, Commands, Details, Findings, Pictures, Prose, Table, Text, picture
from arzhang.report.page import Keep, Say
from arzhang.report.results import Metric, read

PUBLICATIONS = "publications.yaml"
FORM = """\
# What was published of this. Each entry is shown under 5g; a screenshot is a PNG file in this folder.
# Take away the # and fill in:
# Kaggle notebook: {link: "https://www.kaggle.com/code/...", screenshot: kaggle.png}
# Hugging Face: {link: "https://huggingface.co/...", screenshot: huggingface.png}
# Article: {link: "https://medium.com/...", screenshot: article.png}
"""


def _sorted(blocks: Iterable[Block]) -> Shown:
    """Findings are what the numbers say, the rest is the experiment."""
    blocks = list(blocks)
    return Shown(
        [block for block in blocks if not isinstance(block, Findings)],
        [block for block in blocks if isinstance(block, Findings)],
    )


def _study(folder: Path, language: str, keep: Keep = lambda kind, piece: piece, about: bool = True) -> Shown:
    experiment, conclusion, settings = page.study_blocks(folder, language, folder.parent.parent, keep)
    return Shown(experiment if about else experiment[1:], conclusion, settings)


def study(name: str, id: str) -> Show:
    """A study that is shown whole under one id."""
    return lambda home, language: {id: _study(home / name, language)}


def _run(path: Path, language: str, *parts: str) -> Shown:
    """Some sections of a run. Its hyper-parameters stand under 5f."""
    say, results = Say(language), read(path)
    make = {name: make for name, _, make in page.SECTIONS.get(results.system, page.SECTIONS["vae"])}
    prefix = page.slug(path.name)
    return replace(_sorted(block for part in parts for block in make[part](results, say, prefix)), settings_at="5f")


def _hyperparameters(path: Path, language: str) -> Shown:
    """Every option of a run and the commands that make it again, folded under its name."""
    say, results, shown = Say(language), read(path), _run(path, language, "hyperparameters", "reproduce")
    title = f"{path.name}: {say.label(results.system, 'system')}"
    return Shown(settings=[Details(title, shown.experiment)])


def _numbers(path: Path, language: str, starts: Sequence[str], said: Sequence[str] = ()) -> Shown:
    """Those of a run's numbers whose names begin so, and those of its conclusions."""
    say, results = Say(language), read(path)
    names = [name for name in results.evaluation if name.startswith(tuple(starts))]
    conclusions = [found for found in analysis.numbers(results) if found["id"].removeprefix("run.") in said]
    table: list[Block] = [page.measures(results, say, names)] if names else []
    return Shown(table, say.findings(conclusions), settings_at="5f")


def _seeds(home: Path, name: str) -> list[Path]:
    """The runs `name-0`, `name-1`, … of a part."""
    return sorted(home.glob(f"{name}-[0-9]*"), key=lambda path: int(path.name.rpartition("-")[2]))


def _over_seeds(runs: Sequence[Path], language: str, starts: Sequence[str]) -> Shown:
    """The means of some numbers over the seeds, with their standard errors; nothing of a single seed."""
    if len(runs) < 2:
        return Shown()
    say, all_of = Say(language), [read(run).evaluation for run in runs]
    names = [name for name in all_of[0] if name.startswith(tuple(starts)) and all(name in one for one in all_of)]
    rows: list[list[Any]] = []
    for name in names:
        values = [one[name].value for one in all_of]
        mean = sum(values) / len(values)
        spread = sum((value - mean) ** 2 for value in values) / (len(values) - 1)
        unit = all_of[0][name].unit
        rows.append(
            [say.label(name), page.number(Metric(mean, (spread / len(values)) ** 0.5, None, unit, {})), say.named(unit)]
        )
    title = say("assignment.seeds", n=len(runs))
    return Shown([Table(title, [say("run.metric"), title, say("run.unit")], rows, numeric=(1,))] if rows else ())


def _joined(*shown: Shown) -> Shown:
    where = next((one.settings_at for one in shown if one.settings_at), "")
    return Shown(
        [block for one in shown for block in one.experiment],
        [block for one in shown for block in one.conclusion],
        [block for one in shown for block in one.settings],
        where,
    )


def source(room: str, *names: str, language: str = "en") -> list[Block]:
    """Classes and functions as they stand in the package's file `room`, each folded under its name. Nothing is
    imported."""
    text = resources.files("arzhang").joinpath(*room.split("/")).read_text(encoding="utf-8")
    lines, blocks = text.splitlines(), list[Block]()
    for name in names:
        owner, _, method = name.rpartition(".")
        within: Any = ast.parse(text)
        if owner:
            within = next(node for node in within.body if getattr(node, "name", "") == owner)
        node = next(node for node in within.body if getattr(node, "name", "") == method)
        first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
        title = Say(language)("assignment.source", name=f"{room.removesuffix('.py').replace('/', '.')}.{name}")
        blocks.append(Details(title, [Commands(lines[first - 1 : node.end_lineno])]))
    return blocks


# ----------------------------------------------------------------------------------------------------- part by part

ESTIMATORS = {"1a": "pathwise", "1b": "score-function", "1c": "measure-valued"}
CLASSES = {"1a": "Pathwise", "1b": "ScoreFunction", "1c": "MeasureValued"}
SINGLE = ("gradients.cost", "gradients.zero", "gradients.diverges", "gradients.astray")
"""Conclusions about one estimator."""


def gradients(home: Path, language: str) -> dict[str, Shown]:
    """Each estimator alone under its id, the comparison under 1d."""

    TABLES = {"objectives": "4e", "generators": "4g", "patches": "4f", "cyclegan": "4c"}


"""The study of translation's tables, by the id that each answers."""


def translation(home: Path, language: str) -> dict[str, Shown]:
    """4c and 4e to 4g: each table of the study, with its figure, pictures and comparisons."""
    folder = home / "translation"

    def of(table: str) -> Keep:
        return lambda kind, piece: piece if _table_of(kind, piece) == table else None

    found = {}
    for table in json.loads((folder / "translation.json").read_text(encoding="utf-8"))["plan"]:
        first = table == "objectives"
        shown = _study(folder, language, of(table), about=first)
        found[TABLES[table]] = shown if first else replace(shown, settings=(), settings_at="4e")
    trained = sorted(path.parent for path in folder.glob("runs/*/config.yaml"))
    return found | {"5f": _joined(*(_hyperparameters(path, language) for path in trained))}


def _table_of(kind: str, piece: Any) -> str:
    """The table that a piece belongs to."""
    if kind == "figure":
        return str(piece)
    if kind == "picture":
        return str(piece["file"].removesuffix("_images.png"))
    name = piece["id"].partition(".")[2]
    arms = [str(piece.get("values", {}).get(place, "")) for place in ("first", "second")]
    if name == "cost" or "cyclegan" in arms:
        return "cyclegan"
    if kind == "table":
        return str(name)
    if any(arm.startswith("patch_") for arm in arms):
        return "patches"
    return "generators" if any(arm.startswith(("unet_", "decoder_")) for arm in arms) else "objectives"


def pairs(home: Path, language: str) -> dict[str, Shown]:
    """5a: three pairs of the training set. 4b: three of another translation."""
    say, folder = Say(language), home / "pairs"
    found: dict[str, Shown] = {}
    for id, told in json.loads((folder / "pairs.json").read_text(encoding="utf-8")).items():
        sheet = picture(
            folder / f"{id}.png", say("assignment.pairs_alt"), caption=say(f"assignment.pairs_caption_{id}")
        )
        found[id] = Shown([Pictures([sheet])], [Findings([say(f"assignment.pairs_{id}", **told)])])
    return found


def publications(home: Path, language: str) -> dict[str, Shown]:
    """5g: the links that the user has entered, each with its screenshot, if there is one."""
    say, file = Say(language), home.parent / PUBLICATIONS
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    entered = (
        recipes.read_yaml(file) if any(line.strip() and not line.lstrip().startswith("#") for line in lines) else {}
    )
    blocks: list[Block] = []
    for name, entry in entered.items():
        entry = {"link": entry} if isinstance(entry, str) else entry
        if not isinstance(entry, dict) or not str(entry.get("link", "")).startswith(("https://", "http://")):
            raise UsageError(f'{file}: {name}: give it as {{link: "https://…", screenshot: FILE.png}}')
        blocks.append(Prose(Markup('<p>{}: <a href="{}">{}</a></p>').format(name, entry["link"], entry["link"])))
        if shot := entry.get("screenshot"):
            path = file.parent / str(shot)
            good = path.is_file() and path.read_bytes()[: len(PNG)] == PNG
            lacking = Text(say("assignment.publish_no_picture", name=name, file=str(shot)))
            blocks.append(Pictures([picture(path, str(name), str(name))]) if good else lacking)
    told = say("assignment.published", n=len(entered)) if entered else say("assignment.publish_how", file=PUBLICATIONS)
    return {"5g": Shown(blocks, [Findings([told])])}
