"""The page of the assignment, by id: what is asked, why it is so, the experiment, what its numbers say, the command."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape

from arzhang.report import page
from arzhang.report.blocks import Block, Commands, Details, Heading, Missing, Prose, Section, Table, Text
from arzhang.report.page import Say
from arzhang.report.prose import IDS, answer


@dataclass(frozen=True)
class Shown:
    """What one part has to show under one id."""

    experiment: Sequence[Block] = ()
    conclusion: Sequence[Block] = ()
    settings: Sequence[Block] = ()
    """Hyper-parameters and commands."""
    settings_at: str = ""
    """The id under which they stand, if not here."""


Show = Callable[[Path, str], Mapping[str, Shown]]
"""(folder of the parts' results, language) → what is shown under each id."""


@dataclass(frozen=True)
class Progress:
    """How far a part has come: `missing`, `running`, `done`, `failed` or `blocked`."""

    name: str
    ids: Sequence[str]
    share: float
    """Seconds that it has in the quick budget."""
    state: str = "missing"
    seconds: float = 0.0
    error: str = ""


def sections(
    shown: Mapping[str, Sequence[Shown]],
    parts: Sequence[Progress],
    command: Callable[[str], str],
    about: Mapping[str, Any],
    teach: bool = False,
    language: str = "en",
) -> list[Section]:
    """A section for each id, and one on the parts. `command` makes what an id lacks; `about` are the budget and the
    machine; `teach` folds every conclusion away until the reader has guessed."""
    say = Say(language)
    found = [_section(id, shown.get(id, ()), parts, command(id), teach, say) for id in IDS]
    return [*found, _parts(parts, about, say)]


def _section(
    id: str, shown: Sequence[Shown], parts: Sequence[Progress], command: str, teach: bool, say: Say
) -> Section:
    text = answer(id, say.language)
    waiting = [_waiting(part, command, say) for part in parts if id in part.ids and part.state != "done"]
    experiment = [block for piece in shown for block in piece.experiment]
    conclusion = [block for piece in shown for block in piece.conclusion]
    settings = [block for piece in shown for block in piece.settings]
    elsewhere = sorted({piece.settings_at for piece in shown if piece.settings_at})
    links = Markup(", ").join(Markup('<a href="#{0}">{0}</a>').format(other) for other in elsewhere)
    if teach and conclusion:
        conclusion = [Details(say("assignment.guess"), conclusion)]
    if not conclusion:
        known = any(id in part.ids for part in parts)
        conclusion = [Text(say("assignment.no_conclusion" if known else "assignment.no_part"))]
    if links:
        settings.append(Prose(Markup("<p>{}</p>").format(_html(say, "assignment.settings_elsewhere", ids=links))))
    blocks: list[Block] = [
        Heading(say("assignment.question")), Prose(text.question),
        Heading(say("assignment.explanation")), Prose(text.explanation),
        Heading(say("assignment.experiment")), Prose(text.experiment), *experiment, *waiting,
        Heading(say("assignment.conclusion")), *conclusion,
        Heading(say("assignment.settings")), Commands([command]), *settings,
    ]  # fmt: skip
    return Section(id, Markup("<bdi>{}</bdi>. {}").format(id, text.title), blocks, say(f"assignment.problem_{id[0]}"))


def _html(say: Say, id: str, **values: Markup) -> Markup:
    """A sentence into which HTML goes."""
    return Markup(escape(say.known[id])).format(**values)


def _waiting(part: Progress, command: str, say: Say) -> Block:
    kind = {"running": "running", "failed": "failed"}.get(part.state, "nothing_yet")
    return Missing(say(f"assignment.{kind}", part=part.name, error=part.error), command)


def _parts(parts: Sequence[Progress], about: Mapping[str, Any], say: Say) -> Section:
    rows = [
        [
            part.name,
            " ".join(part.ids),
            f"{part.share:.0f}",
            f"{part.seconds:.0f}" if part.seconds else "",
            say(f"assignment.state_{part.state}"),
        ]
        for part in parts
    ]
    shares, taken = sum(part.share for part in parts), sum(part.seconds for part in parts)
    totals = [say("assignment.total"), "", f"{shares:.0f}", f"{taken:.0f}", ""]
    heads = [say(f"assignment.{name}") for name in ("part", "ids", "share", "taken", "state")]
    title = say("assignment.parts_title")
    table = Table(title, heads, [*rows, totals], numeric=(2, 3))
    return Section("parts", title, [Text(say("assignment.parts_about", **about)), table], say("assignment.about"))


def write(out: Path, found: Sequence[Section], languages: Sequence[str], language: str = "en") -> Path:
    """`out/index.html`, or `index.LANGUAGE.html` where it is not English, with links to the page in `languages`."""
    names = {code: page.page_name("index", code) for code in (*languages, language)}
    others = {code: (Say(code)("page.language"), names[code]) for code in languages if code != language}
    return page.write_page(out / names[language], Say(language)("assignment.title"), found, language, others)
