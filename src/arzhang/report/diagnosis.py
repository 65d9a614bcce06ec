"""A diagnosis as a page: what a distance is made of, its classes, the images farthest off, and what may be copied."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from arzhang.errors import UsageError
from arzhang.report.blocks import Block, Facts, Picture, Pictures, Section, Table, picture
from arzhang.report.page import Say, write_page

FILE = "diagnosis.json"


def write(folders: Sequence[Path], out: Path, language: str = "en") -> Path:
    """One page of the diagnoses in these folders; returns where it is."""
    return write_page(
        out, Say(language)("diagnosis.title"), [section(folder, language) for folder in folders], language
    )


def section(folder: Path, language: str = "en") -> Section:
    """Findings, classes, two sheets, and the protocol. Raises UsageError where there is no diagnosis."""
    say = Say(language)
    try:
        found = json.loads((folder / FILE).read_text(encoding="utf-8"))
        name = str(found["diagnosis"])
        blocks: list[Block] = say.findings(found["conclusions"])
        blocks.append(Pictures([_sheet(folder, which, sheet, say) for which, sheet in found["sheets"].items()]))
        if found["classes"]:
            blocks.append(_classes(found["classes"], say))
        protocol = {key: str(value) for key, value in found["protocol"].items()}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{folder}: holds no diagnosis (--diagnose makes one; {error})") from None
    blocks.append(Facts({say.label(key, "protocol"): value for key, value in protocol.items()}))
    title = say("diagnosis.of", name=Path(name).name)
    return Section(f"d-{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')}", title, blocks)


def _sheet(folder: Path, which: str, sheet: dict[str, Any], say: Say) -> Picture:
    distances = sheet["distances"]
    values = {"of": sheet["of"], "least": min(distances), "most": max(distances)}
    caption = say(f"diagnosis.{which}", **values)
    return picture(folder / f"{which}.png", caption, say(f"diagnosis.{which}_title"), caption)


def _classes(classes: Sequence[dict[str, Any]], say: Say) -> Table:
    heads = [say(f"diagnosis.column_{name}") for name in ("class", "real", "made", "distance")]
    ordered = sorted(classes, key=lambda one: -(one["distance"] or 0))
    rows = [
        [
            one["name"],
            f"{one['real']:,}",
            f"{one['made']:,}",
            "" if one["distance"] is None else f"{one['distance']:.1f}",
        ]
        for one in ordered
    ]
    return Table(say("diagnosis.by_class"), heads, rows, numeric=(1, 2, 3))
