"""What a run has to show: its page, section by section, from the files of its directory."""

import dataclasses
import shlex
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from arzhang import recipes
from arzhang.report import analysis, figures
from arzhang.report.blocks import (
    Block,
    Cell,
    Commands,
    Details,
    Drawing,
    Drawings,
    Facts,
    Key,
    Missing,
    Picture,
    Pictures,
    Section,
    Table,
    Text,
    Unreadable,
    picture,
)
from arzhang.report.page import Say, page_name, slug, write_page
from arzhang.report.results import Metric, Results, number, read

PREVIEWS = 6
"""Strips of a page at most: the first, the last, and some between."""
IN_NATS = ("loss", "reconstruction", "kl", "negative_elbo")


def write(run: Path | str, out: Path | None = None, language: str = "en") -> Path:
    """The page of one run, `report.html` (`report.fa.html`) in it unless `out` says otherwise; returns where it is."""
    results, say = read(Path(run)), Say(language)
    title = say("run.title", system=_system(results, say), dataset=_dataset(results))
    out = out or Path(run) / page_name("report", language)
    return write_page(out, title, sections(Path(run), language), language)


def sections(run: Path | str, language: str = "en") -> list[Section]:
    """What a run directory has to show, section by section. What is missing is named, with the command that makes it.

    Raises UsageError where `run` is no run, ArzhangError naming the file where one cannot be made sense of.
    """
    results, say = read(Path(run)), Say(language)
    name = Path(run).resolve().name
    prefix = slug(name)
    return [
        Section(f"{prefix}-{part}", say(f"run.{part}"), make(results, say, prefix), name, assignment)
        for part, assignment, make in parts_of(results.system)
    ]


def _system(results: Results, say: Say) -> str:
    name = "cs_vae" if results.recipe.get("divergence") == "cauchy-schwarz" else results.system
    return say.label(name, "system")


def _dataset(results: Results) -> str:
    folder = results.recipe.get("data")
    return Path(str(folder)).name if folder else str(results.recipe.get("dataset"))


def _run(results: Results) -> str:
    """The run as one types it beside its folder: no path of this machine goes into a page."""
    return shlex.quote(results.path.resolve().name)


def _setup(results: Results, say: Say, prefix: str) -> list[Block]:
    recipe, data = results.recipe, results.data
    sentences, images, shape = [], data.get("images"), data.get("shape")
    parts = images if isinstance(images, dict) else {}
    whole = {"train", "validation", "test"} <= parts.keys()
    if whole and isinstance(shape, list) and len(shape) == 3:
        channels, height, width = shape
        colour = say(f"run.channels_{channels}") if channels in (1, 3) else say("run.channels", n=channels)
        sizes = {"width": width, "height": height, "channels": colour}
        sentences.append(
            say("run.setup_images", system=_system(results, say), dataset=_dataset(results), **parts, **sizes)
        )
    if results.epochs_done and {"batch_size", "lr", "schedule"} <= recipe.keys():
        last = results.validation[-1]
        course = {"epochs": results.epochs_done, "steps": last["step"], "duration": _duration(last.get("seconds"), say)}
        sentences.append(say("run.setup_course", **{k: recipe[k] for k in ("batch_size", "lr", "schedule")}, **course))
    if {"beta", "latent_dim", "likelihood"} <= recipe.keys():
        plain = recipe.get("prior", "normal") == "normal" and recipe.get("divergence", "kl") == "kl"
        keys = ("beta", "latent_dim", "likelihood", *(() if plain else ("components", "divergence")))
        sentences.append(say("run.setup_vae" if plain else "run.setup_prior", **{k: recipe[k] for k in keys}))
    if recipe.get("divergence") == "cauchy-schwarz":
        sentences.append(say("run.not_a_bound"))
    if {"adversarial", "latent_dim"} <= recipe.keys():
        keys = ("adversarial", "latent_dim", "width", "norm")
        sentences.append(say("run.setup_gan", **{k: recipe.get(k) for k in keys}))
    if {"adversarial", "l1_weight"} <= recipe.keys():
        alone = "l1" if recipe["adversarial"] == "none" else "gan" if not recipe["l1_weight"] else "both"
        keys = ("adversarial", "l1_weight", "width", "receptive_field", "dropout")
        sentences.append(say(f"run.setup_game_{alone}", **{k: recipe.get(k) for k in keys}))
    if {"adversarial", "cycle_weight"} <= recipe.keys():
        keys = ("adversarial", "cycle_weight", "identity_weight", "width", "receptive_field", "pool")
        sentences.append(say("run.setup_cyclegan", **{k: recipe.get(k) for k in keys}))
    if bound := results.evaluation.get("negative_elbo"):
        sentences.append(say("run.setup_result", n=bound.n or 0, value=number(bound)))
    blocks: list[Block] = [Text(" ".join(sentences))] if sentences else []
    if not results.finished:
        known = results.epochs_done > 0
        text = say("run.setup_unfinished", done=results.epochs_done, epochs=recipe.get("epochs"))
        blocks.append(Missing(text if known else say("run.setup_not_begun"), f"arzhang resume {_run(results)}"))
    if results.unreadable:
        blocks.append(Text(say("run.setup_unreadable", n=results.unreadable)))
    facts = {say("run.folder"): results.path.resolve().name}
    facts |= {say("run.data"): say.named(str(data["description"]))} if data.get("description") else {}
    facts |= {say("run.parts"): say("run.part_sizes", **parts)} if whole else {}
    reach = data.get("range")
    if isinstance(reach, list) and len(reach) == 2:
        kind = "levels" if data.get("levels") else "fractions"
        text = say(f"run.pixels_{kind}", levels=data.get("levels"), low=reach[0], high=reach[1])
        facts[say("run.pixels")] = text
    facts |= {say("run.checksum"): str(data["sha256"])} if data.get("sha256") else {}
    facts |= {say("run.machine"): str(results.versions["platform"])} if "platform" in results.versions else {}
    rest = [f"{name} {version}" for name, version in results.versions.items() if name != "platform"]
    facts |= {say("run.versions"): ", ".join(rest)} if rest else {}
    return [*blocks, Facts(facts)]


def _duration(seconds: Any, say: Say) -> str:
    total = float(seconds) if isinstance(seconds, int | float) else 0.0
    minutes, rest = divmod(round(total), 60)
    if minutes < 1:
        return say("run.seconds", s=rest)
    if minutes < 60:
        return say("run.minutes", m=minutes, s=rest)
    return say("run.hours", h=minutes // 60, m=minutes % 60)


# --------------------------------------------------------------------------------------------------------------- curves


def _curves(results: Results, say: Say, prefix: str) -> list[Block]:
    panels = _panels(results)
    if not panels:
        return [Missing(say("run.curves_missing"), f"arzhang resume {_run(results)}")]
    axis = say("run.epoch" if results.steps_an_epoch else "run.step")
    drawings = []
    for terms in panels:
        term = terms[0]
        course = figures.Course(results.course(results.train, term), results.course(results.validation, term))
        title = say("language.comma").join(say.label(name) for name in terms)
        unit = say("run.nats") if term in IN_NATS and results.system == "vae" else ""
        alt = [say("run.curve_alt", term=title, axis=axis)]
        for id, (_, values) in (("training", course.line), ("validation", course.points)):
            if values:
                ends = {"first": values[0], "last": values[-1], "lowest": min(values)}
                alt.append(say(f"run.curve_alt_{id}", **ends))
        svg, note, reach = figures.course(course, f"{prefix}-{term}", title, axis, unit, " ".join(alt))
        said = [say("run.same_terms", terms=title)] if len(terms) > 1 else []
        said += [say(note, **reach)] if note else []
        kinds = (("training", course.line), ("validation", course.points))
        points = [(id, x, y) for id, (xs, ys) in kinds for x, y in zip(xs, ys, strict=True)]
        drawings.append(Drawing(svg, " ".join(said), figures.as_files(svg, ("series", axis, term), points)))
    legend = []
    if results.train:
        legend.append(Key(say("run.training", every=results.recipe.get("log_every", "?")), 0))
    if any(results.course(results.validation, terms[0])[1] for terms in panels):
        legend.append(Key(say("run.validation"), 1, "point"))
    found = [*analysis.course(results), *analysis.shares(results), *analysis.players(results)]
    tables = [*_validation_table(results, say, axis), *_previews_table(results, say)]
    return [*say.findings(found), Drawings(drawings, legend), *tables]


def _panels(results: Results) -> list[list[str]]:
    """The terms to draw, those with the same numbers throughout together (at β = 1 the loss is the negative ELBO); a
    learning rate that stands still is no curve."""
    groups: dict[tuple, list[str]] = {}
    for term in results.terms:
        line, points = results.course(results.train, term), results.course(results.validation, term)
        if term == "lr" and len(set(line[1])) < 2:
            continue
        key = (tuple(line[1]), tuple(points[1]))
        groups.setdefault(key, []).append(term)
    return list(groups.values())


def _validation_table(results: Results, say: Say, axis: str) -> list[Block]:
    names = [name for name in results.terms if any(name in entry for entry in results.validation)]
    if not names:
        return []
    rows = [
        [str(entry["epoch"]), *(f"{entry[name]:.5g}" if name in entry else "" for name in names)]
        for entry in results.validation
    ]
    heads = [say("run.epoch"), *map(say.label, names)]
    table = Table(say("run.curves_numbers"), heads, rows, numeric=range(len(heads)))
    return [Details(say("run.curves_numbers"), [table])]


def _previews_table(results: Results, say: Say) -> list[Block]:
    """The dearer terms at previews, such as those of 2c, each with its standard error."""
    names = [
        name for name in (results.previews[0] if results.previews else {}) if f"{name}_error" in results.previews[0]
    ]
    if not names:
        return []
    rows = []
    for entry in results.previews:
        terms = [Metric(entry[name], entry[f"{name}_error"], None, "", {}) for name in names if name in entry]
        rows.append([str(entry["epoch"]), *map(number, terms)])
    heads = [say("run.epoch"), *map(say.label, names)]
    kind = "variety_numbers" if "made_variety" in names else "terms_numbers"
    title = say(f"run.{kind}", n=results.previews[-1].get("n", 0))
    return [Details(title, [Table(title, heads, rows, numeric=range(len(heads)))])]


# ------------------------------------------------------------------------------------------------------------- pictures


def sheets(results: Results, say: Say, names: Sequence[str]) -> tuple[dict[str, Picture], list[Block]]:
    """Those of the run's figures that are there, and a block that names the others."""
    found: dict[str, Picture] = {}
    lacking: dict[str, list[str]] = {}
    for name in names:
        path = results.path / "figures" / f"{name}.png"
        alt, caption = (say(f"run.{name}_{part}", n=results.shown()) for part in ("alt", "caption"))
        title = say(f"run.{name}") if len(names) > 1 else ""
        try:
            found[name] = picture(path, alt, title, caption)
        except FileNotFoundError:
            lacking.setdefault("missing", []).append(f"figures/{path.name}")
        except Unreadable:
            lacking.setdefault("broken", []).append(f"figures/{path.name}")
    command = f"arzhang evaluate {_run(results)}"
    return found, [Missing(say(f"run.picture_{why}", file=", ".join(f)), command) for why, f in lacking.items()]


def _pictures(results: Results, say: Say, prefix: str) -> list[Block]:
    shown, missing = sheets(results, say, ("originals", "reconstructions", "samples"))
    if {"originals", "reconstructions"} <= shown.keys():
        below = shown["reconstructions"]
        caption = f"{below.caption} {say('run.reconstructions_over')}"
        shown["reconstructions"] = dataclasses.replace(below, caption=caption, over=shown["originals"])
    blocks: list[Block] = [Pictures(list(shown.values()))] if shown else []
    if results.recipe.get("prior") == "mixture":
        rows, lacking = sheets(results, say, ("components",))
        blocks += [Pictures(list(rows.values()))] if rows else lacking
    return [*blocks, *missing, *say.findings(analysis.pictures(results))]


def _sheet(name: str) -> Callable[[Results, Say, str], list[Block]]:
    """A section of one of the run's sheets."""

    def section(results: Results, say: Say, prefix: str) -> list[Block]:
        shown, missing = sheets(results, say, (name,))
        return [Pictures(list(shown.values()))] if shown else missing

    return section


def _cycle(results: Results, say: Say, prefix: str) -> list[Block]:
    """There and back; and triplets, which only data of pairs have."""
    known = (results.path / "figures" / "triplets.png").is_file()
    shown, missing = sheets(results, say, ("cycle", "triplets") if known else ("cycle",))
    return [*([Pictures(list(shown.values()))] if shown else []), *missing]


def _variety(results: Results, say: Say, prefix: str) -> list[Block]:
    shown, missing = sheets(results, say, ("variety",))
    blocks: list[Block] = [Pictures(list(shown.values()))] if shown else [*missing]
    return [*blocks, *say.findings(analysis.variety(results))]


def _traversal(results: Results, say: Say, prefix: str) -> list[Block]:
    blocks = say.findings(analysis.latent(results))
    units = analysis.units(results)
    if units is not None:
        kl, active = units
        numbers = {"n": len(kl), "top": kl[0], "bottom": kl[-1], "active": sum(active)}
        alt, axes = say("run.units_alt", **numbers), (say("run.units_x"), say("run.units_y"))
        svg = figures.ranked(kl, active, f"{prefix}-units", *axes, alt)
        legend = [Key(say("run.units_active"), 0, "point"), Key(say("run.units_idle"), 1, "point")]
        present = [key for key, there in zip(legend, (any(active), not all(active)), strict=True) if there]
        files = figures.as_files(
            svg, ("dimension", "kl", "active"), zip(range(1, len(kl) + 1), kl, active, strict=True)
        )
        blocks.append(Drawings([Drawing(svg, say("run.units_caption"), files)], present))
    shown, missing = sheets(results, say, ("traversal",))
    if shown:
        return [*blocks, Pictures(list(shown.values()))]
    if units is not None and not any(units[1]):
        return [*blocks, Text(say("run.traversal_none"))]
    return [*blocks, *missing]


def _previews(results: Results, say: Say, prefix: str) -> list[Block]:
    paths = sorted((results.path / "samples").glob("epoch_*.png"), key=lambda path: (len(path.name), path.name))
    if not paths and results.finished:
        return [Text(say("run.previews_none"))]
    if not paths:
        text = say("run.previews_missing", epoch=results.recipe.get("preview_every"))
        return [Missing(text, f"arzhang resume {_run(results)}")]
    count = min(PREVIEWS, len(paths))
    chosen = [paths[round(i * (len(paths) - 1) / max(1, count - 1))] for i in range(count)]
    strips, damaged = [], []
    for path in chosen:
        epoch = path.stem.removeprefix("epoch_").lstrip("0") or "0"
        alt, caption = say("run.previews_alt", epoch=epoch), say("run.previews_caption", epoch=epoch)
        try:
            strips.append(picture(path, alt, caption=caption))
        except Unreadable:
            damaged.append(Text(say("run.picture_broken", file=f"samples/{path.name}")))
    left = len(paths) - count
    rows = say(f"run.previews_rows_{results.system}")
    said = rows + (f" {say('run.previews_left_out', n=left)}" if left else "")
    return [Text(said), Pictures(strips, strip=results.system != "pix2pix"), *damaged]


# ------------------------------------------------------------------------------------------------- numbers and options


def _numbers(results: Results, say: Say, prefix: str) -> list[Block]:
    if not results.evaluation:
        return [Missing(say("run.evaluation_missing"), f"arzhang evaluate {_run(results)}")]
    table = measures(results, say, list(results.evaluation))
    return [Text(say("run.uncertainty")), table, *say.findings(analysis.numbers(results))]


def measures(results: Results, say: Say, names: Iterable[str]) -> Table:
    """Some of a run's numbers as a table, each with its protocol."""
    rows: list[list[str | Cell]] = []
    for name in names:
        metric = results.evaluation[name]
        facts = {say.label(key, "protocol"): _plain(value, say) for key, value in metric.protocol.items()}
        label = Cell(say.label(name), facts=facts)
        rows.append([label, number(metric), say.named(metric.unit), f"{metric.n:,}" if metric.n is not None else ""])
    heads = [say("run.metric"), say("run.value"), say("run.unit"), say("run.n")]
    return Table(say("run.numbers"), heads, rows, "measures", numeric=(1, 3))


def _plain(value: Any, say: Say) -> str:
    if value is None or isinstance(value, bool):
        return say(f"run.{str(value).lower()}")
    if isinstance(value, int | float):
        return say.numerals(f"{value:.4g}" if isinstance(value, float) else str(value))
    if isinstance(value, list):
        return say("language.comma").join(_plain(item, say) for item in value)
    return say.named(str(value))


def _hyperparameters(results: Results, say: Say, prefix: str) -> list[Block]:
    recipe = recipes.SYSTEMS.get(results.system)
    meaning = recipes.documentation(recipe) if recipe else {}
    defaults = {field.name: field.default for field in dataclasses.fields(recipe)} if recipe else {}
    rows: list[list[str | Cell]] = []
    changed = 0
    for name, value in results.recipe.items():
        differs = name in defaults and value != defaults[name]
        changed += differs
        default = _option(defaults[name], say) if name in defaults else ""
        shown = Cell(_option(value, say), mark=say("run.changed") if differs else "")
        rows.append([recipes.flag(name), shown, default, say.meaning(results.system, name, meaning.get(name, ""))])
    heads = [say("run.option"), say("run.value"), say("run.default"), say("run.meaning")]
    if recipe is None:
        said = say("run.changed_unknown", system=results.system)
    else:
        said = say("run.changed_some" if changed else "run.changed_none", n=len(rows), changed=changed)
    return [Text(said), Table(say("run.hyperparameters"), heads, rows, layout="options")]


def _option(value: Any, say: Say) -> str:
    """A value as one types it, except where that is a word of YAML."""
    return say(f"run.{str(value).lower()}") if value is None or isinstance(value, bool) else str(value)


def _train(results: Results) -> str:
    """The command that trains this run: flags for what differs from the defaults, or for all where they are unknown."""
    recipe = recipes.SYSTEMS.get(results.system)
    defaults = {field.name: field.default for field in dataclasses.fields(recipe)} if recipe else {}
    unlike = {name: value for name, value in results.recipe.items() if name not in defaults or value != defaults[name]}
    flags = [shlex.quote(word) for word in recipes.as_flags(unlike)]
    return " ".join(["arzhang train", shlex.quote(results.system), *flags, f"--out={_run(results)}"])


def _reproduce(results: Results, say: Say, prefix: str) -> list[Block]:
    lines = [_train(results), f"arzhang evaluate {_run(results)}", f"arzhang report {_run(results)}"]
    samples = next((m.protocol["samples"] for m in results.evaluation.values() if "samples" in m.protocol), None)
    if isinstance(samples, int):
        lines[1] += f" --samples={samples}"
    blocks: list[Block] = [Commands(lines)]
    if "seed" in results.recipe:
        blocks.append(Text(say("run.reproduce_seed", seed=results.recipe["seed"])))
    return blocks


Part = tuple[str, str, Callable[[Results, Say, str], list[Block]]]


END: list[Part] = [
    ("numbers", "", _numbers),
    ("hyperparameters", "5f", _hyperparameters),
    ("reproduce", "", _reproduce),
]
PREVIEWS_AND_CURVES: list[Part] = [("previews", "", _previews), ("curves", "", _curves)]
SECTIONS: dict[str, list[Part]] = {
    "vae": [
        ("setup", "", _setup),
        ("curves", "3d", _curves),
        ("pictures", "3e", _pictures),
        ("interpolation", "", _sheet("interpolation")),
        ("traversal", "", _traversal),
        ("previews", "", _previews),
        *END,
    ],
    "classifier": [("setup", "", _setup), ("curves", "", _curves), *END],
    "segmenter": [("setup", "", _setup), *PREVIEWS_AND_CURVES, *END],
    "gan": [("setup", "", _setup), ("samples", "", _sheet("samples")), *PREVIEWS_AND_CURVES, *END],
    "cgan": [("setup", "", _setup), ("classes", "", _sheet("classes")), *PREVIEWS_AND_CURVES, *END],
    "cyclegan": [("setup", "", _setup), ("cycle", "", _cycle), *PREVIEWS_AND_CURVES, *END],
    "pix2pix": [
        ("setup", "", _setup),
        ("triplets", "5d", _sheet("triplets")),
        ("previews", "5d", _previews),
        ("curves", "5e", _curves),
        ("variety", "4g", _variety),
        *END,
    ],
}
"""What a run of each system has to show, in order, with the assignment's ids."""


def parts_of(system: str) -> list[Part]:
    """What a run of a system has to show; of one that nobody has named yet, what every run has."""
    return SECTIONS.get(system, SECTIONS["classifier"])
