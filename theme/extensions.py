"""The documentation's Markdown beyond the usual: formulas as MathML, the examples of docstrings as code."""

import html
import re

from markdown import Markdown
from markdown.extensions import Extension
from markdown.postprocessors import Postprocessor
from markdown.preprocessors import Preprocessor

from arzhang.report.prose import formula

FORMULA = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', re.DOTALL)


class Formulas(Extension):
    """What `pymdownx.arithmatex` finds, set by the browser itself: no script, no font and no request."""

    def extendMarkdown(self, md: Markdown) -> None:
        md.postprocessors.register(_Set(md), "mathml", -10)  # when everything else is in its place


class _Set(Postprocessor):
    def run(self, text: str) -> str:
        return FORMULA.sub(lambda found: formula(html.unescape(found[2]).strip(), found[1] == "div"), text)


class Doctests(Extension):
    """Lines from `>>>` to the next empty one are a session of Python, not quotations within quotations."""

    def extendMarkdown(self, md: Markdown) -> None:
        md.preprocessors.register(_Session(md), "doctests", 40)  # before code blocks are looked for


class _Session(Preprocessor):
    def run(self, lines: list[str]) -> list[str]:
        found: list[str] = []
        inside = False
        for line in [*lines, ""]:
            if not inside and line.startswith(">>> "):
                found += ["", "```pycon"]
                inside = True
            elif inside and not line.strip():
                found.append("```")
                inside = False
            found.append(line)
        return found
