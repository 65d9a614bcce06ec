"""Sections → one self-contained HTML page, in the words of one language. It asks nothing of the network."""

import re
from collections.abc import Iterable, Mapping, Sequence
from importlib import metadata
from itertools import groupby
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from arzhang.errors import UsageError
from arzhang.files import write_atomically
from arzhang.report import analysis, figures
from arzhang.report.blocks import Block, Findings, Section
from arzhang.wording import LANGUAGES, isolated, named, numerals, told, words


class Say:
    """The words of one language."""

    def __init__(self, language: str = "en") -> None:
        if language not in LANGUAGES:
            raise UsageError(f"--language {language}: known are {', '.join(LANGUAGES)}")
        self.language, self.known = language, LANGUAGES[language]

    def __call__(self, id: str, /, **values: Any) -> str:
        return self.minus(words(id, values, self.known))

    @staticmethod
    def minus(text: str) -> str:
        """With the sign of a negative number, where a keyboard has a hyphen."""
        return re.sub(r"(?<![\w-])-(?=[\d.])", "−", text)

    def numerals(self, text: str) -> str:
        """A cell of numbers, in this language's digits."""
        return numerals(text, self.known)

    def isolated(self, text: str) -> str:
        """A fact or a cell, in its own direction where it is none of this language's."""
        return isolated(text, self.known)

    def drawn(self, svg: Markup) -> figures.Sketch:
        """A figure whose axes are numbered in this language's digits."""
        sketch = figures.Sketch(re.sub(r">(\s*[−\d][\d.,]*%?\s*)<", lambda m: f">{self.numerals(m[1])}<", svg))
        sketch.png = getattr(svg, "png", None)
        return sketch

    def label(self, name: str, kind: str = "label") -> str:
        """The name of something that is logged or measured; a new system may log what nobody has named yet."""
        return self(f"{kind}.{name}") if f"{kind}.{name}" in self.known else self.named(name.replace("_", " "))

    def meaning(self, system: str, option: str, documented: str) -> str:
        """What an option is: in this language where it says so, else in its docstring's own words."""
        ids = (f"meaning.{system}.{option}", f"meaning.{option}")
        return next((self(id) for id in ids if id in self.known), documented)

    def named(self, text: str) -> str:
        """What the data call something, in this language where it has a word of its own for it."""
        return named(text, self.known)

    def findings(self, conclusions: Iterable[analysis.Conclusion]) -> list[Block]:
        """Conclusions in words, if there are any."""
        sentences = []
        for conclusion in conclusions:
            values = conclusion["values"]
            if "term" in values:
                known = f"term.{values['term']}" in self.known
                values = values | {"term": self.label(values["term"], "term" if known else "label")}
            sentences.append(self.minus(told(conclusion["id"], values, self.known)))
        return [Findings(sentences)] if sentences else []


def page_name(stem: str, language: str) -> str:
    """`report.html`; in another language `report.fa.html` beside it."""
    return f"{stem}.html" if language == "en" else f"{stem}.{language}.html"


def write_page(
    path: Path,
    title: str,
    sections: Sequence[Section],
    language: str = "en",
    languages: Mapping[str, tuple[str, str]] | None = None,
) -> Path:
    """A page of sections with a table of contents, whole in one file; returns where it is.

    Sections of several groups (runs) stand under a heading for each group. `languages` are the same page in others:
    each one's name of itself, and the address.
    """
    say = Say(language)
    ids = [section.id for section in sections]
    if twice := next((id for id in ids if ids.count(id) > 1), None):
        raise ValueError(f"two sections of one page have the id '{twice}'")
    groups = [(name, list(members)) for name, members in groupby(sections, key=lambda section: section.group)]
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("arzhang.report", "."),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    html = (
        environment.get_template("template.html.j2")
        .render(
            title=title,
            groups=groups,
            say=say,
            language=language,
            direction=say("language.direction"),
            languages=languages or {},
            version=metadata.version("arzhang"),
        )
        .lstrip()
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, html)
    return path


def slug(name: str) -> str:
    """A name as an id of HTML and CSS."""
    return "r-" + re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
