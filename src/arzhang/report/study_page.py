"""What a study has to show: its page, from its JSON and the figures beside it."""

import os
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from arzhang import recipes
from arzhang.report import figures
from arzhang.report.blocks import (
    Block,
    Commands,
    Details,
    Drawing,
    Drawings,
    Missing,
    Pictures,
    Section,
    Table,
    Text,
    Unreadable,
    picture,
)
from arzhang.report.page import Say, page_name, write_page
from arzhang.report.results import read_study
from arzhang.wording import called

Keep = Callable[[str, Any], Any]
"""Which pieces of a study are shown: given a kind (conclusion, figure, picture, table) and the piece, it gives it back,
or another, or None."""


class StudyBlocks(NamedTuple):
    """A study on a page, by what its blocks are for."""

    experiment: list[Block]
    conclusion: list[Block]
    settings: list[Block]


def section(folder: Path | str, language: str = "en", assignment: str = "") -> Section:
    """What a study found, from its `NAME.json` and the figures beside it: findings, figures, tables, options.

    Raises UsageError where no study has written there, ArzhangError naming the file where one cannot be made sense of.
    """
    say, name = Say(language), read_study(Path(folder))["study"]
    (about, *shown), found, settings = blocks(Path(folder), language, base=Path(folder))
    title = say(f"study.{name}")
    return Section(f"s-{name}", title, [about, *found, *shown, *settings], title, assignment)


def blocks(
    folder: Path, language: str = "en", base: Path | None = None, keep: Keep = lambda kind, piece: piece
) -> StudyBlocks:
    """A study's pieces, those that `keep` keeps; `base` is the folder of the page, whose links lead to the figures'
    files."""
    say, study = Say(language), read_study(folder)
    name, options = study["study"], study["options"]
    counts = {key: len(value) if isinstance(value, list) else value for key, value in options.items()}
    study |= {kind: [found for piece in study.get(kind, ()) if (found := keep(kind.rstrip("s"), piece)) is not None]
              for kind in ("conclusions", "figures", "pictures", "tables")}  # fmt: skip
    shown: list[Block] = [Text(say(f"study.{name}_about", **counts))]
    for figure in study["figures"]:
        title = say.known.get(f"{name}.figure.{figure}", figure.replace("_", " "))
        title = title.replace("$", "").partition("{")[0].rstrip(" ,=،")
        shown.append(drawings(folder, figure, f"s-{name}-{figure.replace('_', '-')}", title, say, base))
    shown += _sheets_of(study, folder, say)
    for table in study["tables"]:
        heads = [say.label(c, "column" if f"column.{c}" in say.known else "label") for c in table["columns"]]
        rows = [[_entry(value, say) for value in row] for row in table["rows"]]
        numeric = [i for i in range(len(heads)) if any(isinstance(row[i], int | float) for row in table["rows"])]
        title = say.label(table["id"], "table")
        shown.append(Details(title, [Table(title, heads, rows, numeric=numeric)]))
    words = study.get("command") or ["study", name, *recipes.as_flags(options)]
    settings = Details(say("study.options"), [Commands([shlex.join(["arzhang", *words])])])
    return StudyBlocks(shown, say.findings(study["conclusions"]), [settings])


def drawings(folder: Path, figure: str, id: str, title: str, say: Say, base: Path | None = None) -> Block:
    """A figure that `figures.save` has left in a folder, in the page's language where it was drawn in it."""
    own = folder / f"{figure}.{say.language}.svg"
    path = own if own.is_file() else folder / f"{figure}.svg"
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Missing(say("run.picture_missing", file=path.name), f"arzhang study {folder.name}")
    alt = " ".join([title + ".", *figures.described(path.with_suffix(".csv"), say)])
    svg = figures.adopted(text, id, alt)
    svg.png = png.read_bytes if (png := path.with_suffix(".png")).is_file() else None
    return Drawings([Drawing(svg, files=_files(path, base))], wide=True)


def _files(drawn: Path, base: Path | None) -> dict[str, str]:
    """A figure's files beside `drawn`, as links from a page in `base`."""
    if base is None:
        return {}
    found = [drawn.with_suffix(kind) for kind in (".svg", ".csv") if drawn.with_suffix(kind).is_file()]
    return {path.suffix[1:].upper(): quote(Path(os.path.relpath(path, base)).as_posix()) for path in found}


def write(folder: Path, language: str = "en") -> Path:
    """The page of one study, `index.html` (in Persian `index.fa.html`) in its folder; returns where it is."""
    found = section(folder, language)
    return write_page(folder / page_name("index", language), found.title, [found], language)


def _sheets_of(study: dict[str, Any], folder: Path, say: Say) -> list[Block]:
    """A study's pictures: PNG files, each with the words that stand over it."""
    shown, lacking = [], []
    for sheet in study.get("pictures", ()):
        title = say(sheet["id"], **sheet["values"])
        try:
            shown.append(picture(folder / sheet["file"], title, title))
        except (FileNotFoundError, Unreadable) as error:
            why = "missing" if isinstance(error, FileNotFoundError) else "broken"
            text = say(f"run.picture_{why}", file=sheet["file"])
            lacking.append(Missing(text, f"arzhang study {study['study']}"))
    return [*([Pictures(shown)] if shown else []), *lacking]


def _entry(value: Any, say: Say) -> str:
    if isinstance(value, dict):
        return say(value["id"], **value.get("values", {}))
    if isinstance(value, str):
        return called(value, say.known)
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}".replace("-", "−")
