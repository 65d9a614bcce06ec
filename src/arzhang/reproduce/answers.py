"""The assignment in a notebook: an id's results and what they say, made first where they are missing."""

import json
from pathlib import Path

from arzhang.errors import ArzhangError
from arzhang.report import markdown
from arzhang.report.blocks import Block, Commands, Details, Heading
from arzhang.report.page import Say
from arzhang.reproduce import PARTS, RECORD, reproduce


def answer(id: str, budget: str = "quick", out: Path | str = "reproduce", language: str = "en") -> None:
    """Show the figures, tables and conclusions of an id as a cell's output; what it lacks is made before.

    What fails is named, and what there is is shown all the same.
    """
    home, failed = Path(out) / budget, ""
    if not _made(id, home):
        try:
            reproduce(budget, Path(out), only=[id], language=language)
        except ArzhangError as error:
            failed = str(error)
    done = _done(home)
    blocks: list[Block] = []
    for part in PARTS:
        if part.name in done and id in part.ids.split() and (shown := part.show(home, language).get(id)):
            said = [Heading(Say(language)("assignment.conclusion")), *shown.conclusion] if shown.conclusion else []
            blocks += [block for block in (*shown.experiment, *said, *shown.settings) if not _source(block)]
    markdown.display([*markdown.pieces(blocks), *([markdown.escaped(failed)] if failed else [])])


def _source(block: Block) -> bool:
    """Whether a block is the package's source, which stands in cells of its own here."""
    inner = block.blocks[0] if isinstance(block, Details) and len(block.blocks) == 1 else None
    if not isinstance(inner, Commands) or not inner.lines:
        return False
    return inner.lines[0].lstrip().startswith(("class ", "def ", "@"))


def _made(id: str, home: Path) -> bool:
    """Whether every part that answers an id has been made: those that a budget leaves out are not in its record."""
    states = _states(home)
    return bool(states) and all(state == "done" for ids, state in states.values() if id in ids)


def _done(home: Path) -> set[str]:
    return {name for name, (_, state) in _states(home).items() if state == "done"}


def _states(home: Path) -> dict[str, tuple[list[str], str]]:
    """Each part's ids and state, as `reproduce` left them."""
    try:
        record = json.loads((home / RECORD).read_text(encoding="utf-8"))
        return {part["name"]: (list(part["ids"]), str(part["state"])) for part in record["parts"]}
    except (OSError, ValueError, LookupError, TypeError):
        return {}
