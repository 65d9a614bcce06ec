"""What each part of `arzhang reproduce` has to show, from the files that it has left, by the ids that it answers.

Whatever is shown is shown once.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from markupsafe import Markup

from arzhang import recipes
from arzhang.errors import UsageError
from arzhang.report import analysis, beside, page, run_page, study_page
from arzhang.report.assignment import Show, Shown
from arzhang.report.blocks import PNG, Block, Commands, Details, Findings, Pictures, Prose, Table, Text, picture
from arzhang.report.page import Say
from arzhang.report.results import Metric, number, read
from arzhang.report.source import definition
from arzhang.report.study_page import Keep

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
    experiment, conclusion, settings = study_page.blocks(folder, language, folder.parent.parent, keep)
    return Shown(experiment if about else experiment[1:], conclusion, settings)


def study(name: str, id: str) -> Show:
    """A study that is shown whole under one id."""
    return lambda home, language: {id: _study(home / name, language)}


def _run(path: Path, language: str, *parts: str) -> Shown:
    """Some sections of a run. Its hyper-parameters stand under 5f."""
    say, results = Say(language), read(path)
    make = {name: make for name, _, make in run_page.parts_of(results.system)}
    prefix = page.slug(path.name)
    return replace(_sorted(block for part in parts for block in make[part](results, say, prefix)), settings_at="5f")


def _hyperparameters(path: Path, language: str) -> Shown:
    """Every option of a run and the commands that make it again, folded under its name."""
    say, results, shown = Say(language), read(path), _run(path, language, "hyperparameters", "reproduce")
    title = f"{path.name}: {say.label(results.system, 'system')}"
    counted = next(block.text for block in shown.experiment if isinstance(block, Text))
    return Shown((), [Findings([f"{title}. {counted}"])], [Details(title, shown.experiment)])


def _numbers(path: Path, language: str, starts: Sequence[str], said: Sequence[str] = ()) -> Shown:
    """Those of a run's numbers whose names begin so, and those of its conclusions."""
    say, results = Say(language), read(path)
    names = [name for name in results.evaluation if name.startswith(tuple(starts))]
    conclusions = [found for found in analysis.numbers(results) if found["id"].removeprefix("run.") in said]
    table: list[Block] = [run_page.measures(results, say, names)] if names else []
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
            [say.label(name), number(Metric(mean, (spread / len(values)) ** 0.5, None, unit, {})), say.named(unit)]
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


def source(module: str, *names: str, language: str = "en") -> list[Block]:
    """Classes, functions and methods as they stand in a module of the package, each folded under its name."""
    title = Say(language)
    return [
        Details(title("assignment.source", name=f"{module}.{name}"), [Commands(definition(module, name))])
        for name in names
    ]


# ----------------------------------------------------------------------------------------------------- part by part

ESTIMATORS = {"1a": "pathwise", "1b": "score-function", "1c": "measure-valued"}
CLASSES = {"1a": "Pathwise", "1b": "ScoreFunction", "1c": "MeasureValued"}
SINGLE = ("gradients.cost", "gradients.zero", "gradients.diverges", "gradients.astray")
"""Conclusions about one estimator."""


def gradients(home: Path, language: str) -> dict[str, Shown]:
    """Each estimator alone under its id, the comparison under 1d."""

    def alone(estimator: str) -> Keep:
        def keep(kind: str, piece: Any) -> Any:
            if kind == "conclusion":
                return piece if piece["id"] in SINGLE and piece["values"].get("estimator") == estimator else None
            if kind != "table":
                return None
            column = piece["columns"].index("estimator")
            return piece | {"rows": [row for row in piece["rows"] if row[column] == estimator]}

        return keep

    def together(kind: str, piece: Any) -> Any:
        return None if kind == "table" or (kind == "conclusion" and piece["id"] in SINGLE) else piece

    folder, found = home / "gradients", {}
    for id, estimator in ESTIMATORS.items():
        shown = _study(folder, language, alone(estimator), about=False)
        tables = [inner for block in shown.experiment if isinstance(block, Details) for inner in block.blocks]
        code = source("gradients.estimators", CLASSES[id], language=language)
        found[id] = Shown([*tables, *code], shown.conclusion, settings_at="1d")
    return found | {"1d": _study(folder, language, together)}


TERMS = ("log_likelihood", "posterior_gap", "kl", "cauchy_schwarz", "reconstruction")
"""Of the decomposition of 2c."""


def mixture(home: Path, language: str) -> dict[str, Shown]:
    """2b: the Cauchy–Schwarz VAE, and what it has over the plain one. 2c: its four terms over training."""
    runs = _seeds(home, "mixture")
    compared = beside.section(home / runs[0].name.replace("mixture", "vae"), runs[0], language)
    parts = [_run(runs[0], language, "setup"), _sorted(compared.blocks), _components(runs[0], language)]
    seeds = _over_seeds(runs, language, ("component_", "components_", "fd_samples"))
    code = Shown(source("divergences", "log_overlap", "cauchy_schwarz", language=language))
    return {
        "2b": _joined(*parts, seeds, code),
        "2c": _joined(_run(runs[0], language, "curves"), _numbers(runs[0], language, TERMS)),
        "5f": _joined(*(_hyperparameters(run, language) for run in runs)),
    }


def _components(path: Path, language: str) -> Shown:
    say = Say(language)
    found, missing = run_page.sheets(read(path), say, ("components",))
    return Shown([Pictures(list(found.values()))] if found else missing)


LIKELIHOODS = ("negative_elbo", "reconstruction", "kl", "log_likelihood", "active_units", "pixel_")
SETS = ("kid_", "precision_", "recall_", "density_", "coverage_", "sliced_wasserstein_")


def vae(home: Path, language: str) -> dict[str, Shown]:
    """The β-VAE of problem 3: the first seed's pictures, every seed's numbers."""
    runs = _seeds(home, "vae")
    first = runs[0]
    classes = source("networks.vae", "Encoder", "Decoder", language=language)
    trick = source("networks.vae", "reparameterise", "VAE", language=language)
    say = ("tightness", "tightness_one", "not_normalised")
    weights = [Findings([_said(home, "weights", name, language) for name in ("encoder", "decoder")])]
    return {
        "3a": _joined(Shown(classes, weights), _run(first, language, "setup")),
        "3b": Shown(trick),
        "3d": _joined(_run(first, language, "curves"), _numbers(first, language, LIKELIHOODS, say),
                      _over_seeds(runs, language, ("negative_elbo", "log_likelihood"))),
        "3e": _run(first, language, "pictures", "interpolation", "traversal"),
        "3g": _joined(_numbers(first, language, ("fd_",), ("fd",)), _over_seeds(runs, language, ("fd_",))),
        "3h": _joined(_numbers(first, language, SETS), _over_seeds(runs, language, SETS)),
        "5f": _joined(*(_hyperparameters(run, language) for run in runs)),
    }  # fmt: skip


def fid(home: Path, language: str) -> dict[str, Shown]:
    """3g on the real Inception network."""
    runs = _seeds(home, "vae")
    return {"3g": _joined(_numbers(runs[0], language, ("fid_",), ("fid",)), _over_seeds(runs, language, ("fid_",)))}


def metrics(home: Path, language: str) -> dict[str, Shown]:
    """3f: what FID sees of the VAE, its bias and its protocols. 3h: every metric."""
    of_fid = ("metrics.bias", "metrics.like_blur", "metrics.beyond_blur", "metrics.protocols")

    def keep(wanted: bool) -> Keep:
        def chosen(kind: str, piece: Any) -> Any:
            about_fid = kind == "picture" or (kind != "figure" and piece["id"] in of_fid)
            return piece if about_fid == wanted else None

        return chosen

    shown = {
        "3f": _study(home / "metrics", language, keep(True)),
        "3h": _study(home / "metrics", language, keep(False), False),
    }
    return shown | {"3f": _joined(shown["3f"], Shown(source("metrics.frechet", "frechet", language=language)))}


def networks(home: Path, language: str) -> dict[str, Shown]:
    """4f, 4g, 5b, 5c: the discriminator and the generator, block by block and as they stand in the package."""

    def said(what: str, *names: str) -> list[Block]:
        return [Findings([_said(home, what, name, language) for name in names])]

    own = source("networks.pix2pix", "DownSample", "UpSample", "Generator", "Discriminator", language=language)
    losses = [
        *source("tasks.adversarial", "AdversarialLoss", language=language),
        *source("tasks.pix2pix", "Pix2PixTask.judge", "Pix2PixTask.make", language=language),
    ]
    return {
        "4f": Shown(
            [
                *_drawn(home, "discriminator", language),
                *_drawn(home, "ordinary", language),
                _layers(home, "discriminator", language),
            ],
            said("patches", "discriminator"),
        ),
        "4g": Shown(
            [*_drawn(home, "generator", language), _layers(home, "generator", language)], said("blocks", "generator")
        ),
        "5b": Shown(own, said("weights", "generator", "discriminator")),
        "5c": Shown(losses),
    }


def _drawn(home: Path, name: str, language: str) -> list[Block]:
    say = Say(language)
    title = say("assignment.layers", name=say(f"assignment.{name}"))
    return [Text(title), study_page.drawings(home / "networks", name, f"n-{name}", title, say, home.parent)]


def _layers(home: Path, name: str, language: str) -> Table:
    say, found = Say(language), _network(home, name)
    heads, *rows = found["rows"][language]
    return Table(say("assignment.layers", name=say(f"assignment.{name}")), heads, rows)


def _network(home: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((home / "networks" / "networks.json").read_text(encoding="utf-8"))[name]
    return found


def _said(home: Path, what: str, name: str, language: str) -> str:
    say = Say(language)
    return say(f"assignment.{what}", name=say(f"assignment.{name}"), **_network(home, name)["said"])


def one_run(name: str, id: str, *parts: str) -> Show:
    """Some sections of a run, under one id."""
    return lambda home, language: {
        id: _run(home / name, language, *parts),
        "5f": _hyperparameters(home / name, language),
    }


def runs(pattern: str) -> Show:
    """Runs that others rest on: their hyper-parameters alone."""
    return lambda home, language: {
        "5f": _joined(*(_hyperparameters(path, language) for path in sorted(home.glob(pattern))))
    }


def streets(home: Path, language: str) -> dict[str, Shown]:
    """Problem 5: pix2pix from segmentations to photos, at every size that was trained."""
    found: dict[str, list[Shown]] = {}
    for path in sorted(home.glob("pix2pix-[0-9]*")):
        for id, shown in {
            "5c": _first_loss(path, language),
            "5d": _run(path, language, "setup", "previews", "triplets", "numbers"),
            "5e": _run(path, language, "curves"),
            "5f": _hyperparameters(path, language),
        }.items():
            found.setdefault(id, []).append(shown)
    return {id: _joined(*shown) for id, shown in found.items()}


def _first_loss(path: Path, language: str) -> Shown:
    """5c: where the discriminator's loss begins, beside log 2."""
    say, train = Say(language), read(path).train
    first = next((entry for entry in train if {"d_real", "d_fake"} <= entry.keys()), None)
    if first is None:
        return Shown()
    loss = (first["d_real"] + first["d_fake"]) / 2
    return Shown(
        (),
        [Findings([say("assignment.first_loss", loss=loss, coin=analysis.COIN, step=first["step"])])],
        settings_at="5f",
    )


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
