"""Results → one self-contained HTML page: reads a run directory's files, imports no model, asks nothing of the network."""

import base64
import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from arzhang import recipes
from arzhang.errors import ArzhangError, UsageError
from arzhang.report import figures
from arzhang.report.wording import ENGLISH, words

LINKED = ("step", "epoch", "split", "seconds", "lr")
"""What a line of the log holds besides the terms of the loss."""


@dataclass(frozen=True)
class Picture:
    """An image for the eye: a data URI, what it shows, and what stands under it."""

    source: str
    alt: str
    caption: str
    columns: int = 10


@dataclass(frozen=True)
class Section:
    """One part of a page; any of its contents may be empty."""

    id: str
    title: str
    paragraphs: list[str] = field(default_factory=list)
    charts: list[str] = field(default_factory=list)
    """Inline SVG."""
    pictures: list[Picture] = field(default_factory=list)
    head: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    details: list[tuple[str, str]] = field(default_factory=list)
    """(summary, text) pairs that fold."""
    commands: list[str] = field(default_factory=list)


def write(run: Path | str, out: Path | None = None) -> Path:
    """The page of one run, `report.html` in it unless `out` says otherwise."""
    run = Path(run)
    sections = run_sections(run)
    return write_page(out or run / "report.html", words("page.run", {"name": run.name}), sections)


def write_page(path: Path, title: str, sections: list[Section], language: str = "en") -> Path:
    """A page of sections, with a table of contents, whole in one file."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("arzhang.report", "."),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.globals["svg"] = Markup
    text = environment.get_template("template.html.j2").render(
        title=title, sections=sections, language=language, direction="ltr", words=words
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.part")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    return path


def run_sections(run: Path) -> list[Section]:
    """What a run directory has to show, section by section; what it lacks is named with the command that makes it."""
    if not (run / "config.yaml").is_file():
        raise UsageError(f"{run}: not a run: it holds no config.yaml (`arzhang train` makes runs)")
    config = recipes.read_yaml(run / "config.yaml")
    entries, evaluation = _log(run), _evaluation(run)
    prefix = run.name
    makers = [_what, _curves, _images, _walks, _numbers, _units, _previews, _hyperparameters, _commands]
    sections = [make(run, prefix, config, entries, evaluation) for make in makers]
    return [section for section in sections if section is not None]


# ------------------------------------------------------------------------------------------------------- reading


def _log(run: Path) -> list[dict[str, Any]]:
    path, entries = run / "metrics.jsonl", []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            entry = json.loads(line)
        except json.JSONDecodeError:
            continue  # cut by a kill
        if isinstance(entry, dict) and {"step", "epoch", "split"} <= entry.keys():
            entries.append(entry)
    return entries


def _evaluation(run: Path) -> dict[str, Any]:
    path = run / "eval.json"
    if not path.exists():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        for metric in found.values():
            float(metric["value"]), dict(metric["protocol"]), int(metric["n"]), str(metric["unit"])
            metric["uncertainty"]
        return dict(found)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ArzhangError(f"{path}: not an evaluation ({error!r}); `arzhang evaluate {run}` makes it anew") from None


def label_of(name: str) -> str:
    """What a term or metric is called; its own name where the wording has none."""
    return words(f"label.{name}") if f"label.{name}" in ENGLISH else name.replace("_", " ")


def _png(path: Path) -> str:
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()


# ------------------------------------------------------------------------------------------------------ sections


def _what(run: Path, prefix: str, config: Any, entries: Any, evaluation: Any) -> Section:
    recipe, data, versions = config.get("recipe", {}), config.get("data", {}), config.get("versions", {})
    last = [entry for entry in entries if entry["split"] == "validation"]
    values = {
        "system": str(config.get("system", "")).upper(),
        "data": data.get("description", recipe.get("data") or recipe.get("dataset")),
        "epochs": last[-1]["epoch"] if last else 0,
        "planned": recipe.get("epochs"),
        "minutes": last[-1].get("seconds", 0.0) / 60 if last else 0.0,
        "batch": recipe.get("batch_size"),
    }
    paragraphs = [words("run.trained" if last else "run.untrained", values)]
    paragraphs.append("; ".join(f"{name} {version}" for name, version in versions.items()))
    return Section(f"{prefix}-what", words("page.what", {"name": run.name}), paragraphs)


def _curves(run: Path, prefix: str, config: Any, entries: Any, evaluation: Any) -> Section:
    terms = list(dict.fromkeys(n for e in entries for n, v in e.items() if n not in LINKED and isinstance(v, float)))
    if not terms:
        return Section(f"{prefix}-curves", words("page.curves"), [words("missing.curves", {"run": str(run)})])
    chart = figures.curves(entries, terms, label_of, f"{prefix}-losses", words("page.curves_alt"))
    validation = [entry for entry in entries if entry["split"] == "validation" and "loss" in entry]
    said = []
    if len(validation) >= 4:
        quarter = max(1, len(validation) // 4)
        before = sum(e["loss"] for e in validation[-2 * quarter : -quarter]) / quarter
        after = sum(e["loss"] for e in validation[-quarter:]) / quarter
        values = {"before": before, "after": after, "change": before - after, "epochs": quarter}
        said.append(words("run.still_falling" if before > after else "run.no_longer_falling", values))
    train = [entry for entry in entries if entry["split"] == "train" and "loss" in entry]
    if train and validation:
        tail = [e["loss"] for e in train if e["epoch"] == validation[-1]["epoch"]]
        if tail:
            values = {"train": sum(tail) / len(tail), "validation": validation[-1]["loss"]}
            said.append(words("run.gap", values | {"gap": values["validation"] - values["train"]}))
    return Section(f"{prefix}-curves", words("page.curves"), said, charts=[chart])


def _images(run: Path, prefix: str, config: Any, entries: Any, evaluation: Any) -> Section:
    names = ("originals", "reconstructions", "samples")
    found = [n for n in names if (run / "figures" / f"{n}.png").is_file()]
    pictures = [
        Picture(_png(run / "figures" / f"{n}.png"), words(f"label.{n}_alt"), words(f"label.{n}")) for n in found
    ]
    said = [] if len(found) == len(names) else [words("missing.figures", {"run": str(run)})]
    if error := evaluation.get("pixel_mse"):
        said.append(words("run.pixel_error", {"mse": error["value"], "n": error["n"]}))
    return Section(f"{prefix}-images", words("page.images"), said, pictures=pictures)


def _walks(run: Path, prefix: str, config: Any, entries: Any, evaluation: Any) -> Section:
    names = [n for n in ("interpolation", "traversal") if (run / "figures" / f"{n}.png").is_file()]
    pictures = [
        Picture(_png(run / "figures" / f"{n}.png"), words(f"label.{n}_alt"), words(f"label.{n}")) for n in names
    ]
    said = [] if names else [words("missing.figures", {"run": str(run)})]
    return Section(f"{prefix}-latent", words("page.latent"), said, pictures=pictures)


def _numbers(run: Path, prefix: str, config: Any, entries: Any, evaluation: Any) -> Section:
    if not evaluation:
        return Section(f"{prefix}-numbers", words("page.numbers"), [words("missing.evaluation", {"run": str(run)})])
    rows, details = [], []
    for name, metric in evaluation.items():
        spread = "" if metric["uncertainty"] is None else f" ± {metric['uncertainty']:.2g}"
        label = label_of(name)
        rows.append([label, f"{metric['value']:.6g}{spread}", metric["unit"], f"{metric['n']:,}"])
        plain = {key: value for key, value in metric["protocol"].items() if not isinstance(value, list)}
        details.append((label, "; ".join(f"{key.replace('_', ' ')}: {value}" for key, value in plain.items())))
    said = []
    if {"reconstruction", "kl"} <= evaluation.keys():
        values = {name: evaluation[name]["value"] for name in ("reconstruction", "kl")}
        said.append(words("run.shares", values | {"share": values["kl"] / (values["kl"] + values["reconstruction"])}))
    if likelihood := evaluation.get("log_likelihood"):
        bound, protocol = evaluation["negative_elbo"]["value"], likelihood["protocol"]
        values = {"elbo": bound, "likelihood": -likelihood["value"], "gap": bound + likelihood["value"], **protocol}
        said.append(words("run.likelihood", values))
        if not protocol.get("normalised_density", True):
            said.append(words("run.not_normalised", {}))
    head = [words("page.metric"), words("page.value"), words("page.unit"), "n"]
    return Section(f"{prefix}-numbers", words("page.numbers"), said, head=head, rows=rows, details=details)


def _units(run: Path, prefix: str, config: Any, entries: Any, evaluation: Any) -> Section | None:
    metric = evaluation.get("active_units")
    if not metric or "variances" not in metric["protocol"]:
        return None
    variances, threshold = metric["protocol"]["variances"], metric["protocol"]["threshold"]
    active = [v for v in variances if v > threshold]
    values = {"active": len(active), "total": len(variances), "threshold": threshold}
    chart = figures.bars(variances, threshold, label_of, f"{prefix}-units", words("page.units_alt", values))
    which = "all" if len(active) == len(variances) else "some" if active else "none"
    return Section(f"{prefix}-units", words("page.units"), [words(f"run.{which}_active", values)], charts=[chart])


def _previews(run: Path, prefix: str, config: Any, entries: Any, evaluation: Any) -> Section:
    paths = sorted((run / "samples").glob("epoch_*.png"))
    if len(paths) > 8:  # the first, the last, and six between
        paths = [paths[round(i * (len(paths) - 1) / 7)] for i in range(8)]
    pictures = []
    for path in paths:
        epoch = int(path.stem.removeprefix("epoch_"))
        alt, caption = (words(f"page.{id}", {"epoch": epoch}) for id in ("previews_alt", "epoch"))
        pictures.append(Picture(_png(path), alt, caption, columns=32))
    said = [words("page.previews_text")] if paths else [words("missing.previews", {"run": str(run)})]
    return Section(f"{prefix}-previews", words("page.previews"), said, pictures=pictures)


def _hyperparameters(run: Path, prefix: str, config: Any, entries: Any, evaluation: Any) -> Section:
    kind = recipes.SYSTEMS.get(str(config.get("system")))
    meanings = recipes.documentation(kind) if kind else {}
    defaults = {f.name: f.default for f in dataclasses.fields(kind)} if kind else {}
    rows = []
    for name, value in config.get("recipe", {}).items():
        changed = name in defaults and value != defaults[name]
        rows.append([recipes.flag(name), f"{value}{' *' if changed else ''}", meanings.get(name, "")])
    said = [words("page.changed")] if any(row[1].endswith(" *") for row in rows) else [words("page.unchanged")]
    head = [words("page.option"), words("page.value"), words("page.meaning")]
    return Section(f"{prefix}-hyperparameters", words("page.hyperparameters"), said, head=head, rows=rows)


def _commands(run: Path, prefix: str, config: Any, entries: Any, evaluation: Any) -> Section:
    system = config.get("system", "vae")
    lines = [
        f"arzhang train {system} --config {run.name}/config.yaml --out {run.name}",
        f"arzhang evaluate {run.name}",
        f"arzhang report {run.name}",
    ]
    return Section(f"{prefix}-commands", words("page.again"), [words("page.again_text")], commands=lines)
