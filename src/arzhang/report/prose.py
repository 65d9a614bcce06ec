"""The assignment's texts: Markdown with LaTeX in `texts/LANGUAGE/ID.md` → HTML with MathML. One folder a language.

A text is a title, then what is asked, the derivation or explanation, and how the experiment is done, with a line `---`
between them (the last may be missing). It holds no measured numbers: these come from the results, in the conclusions.
"""

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources

from latex2mathml.converter import convert
from markdown_it import MarkdownIt
from markupsafe import Markup
from mdit_py_plugins.dollarmath import dollarmath_plugin

PROBLEMS = {"1": "abcd", "2": "abc", "3": "abcdefgh", "4": "abcdefgh", "5": "abcdefg"}
IDS = tuple(problem + letter for problem, letters in PROBLEMS.items() for letter in letters)
"""What the assignment asks for, in its order: 1a … 5g."""


SPACING = {
    # else log p is "logp"; what has an index stays whole, since a third part would be no formula
    r"(?<!<msub>)(?<!<msup>)(<mi>(?:log|exp|sin|cos)</mi>)(?!<mo)": r'\1<mspace width="0.167em"/>',
    r"(<mo[^>]*>(?:\(|\[|,|=|&#x00028;|&#x0005B;|&#x0002C;|&#x0003D;)</mo>)<mo>&#x02212;</mo>": (
        r'\1<mo form="prefix">&#x02212;</mo>'  # a sign, not a difference
    ),
    r"<mo>(&#x0002F;|/)</mo>": r'<mo lspace="0" rspace="0">\1</mo>',
    r"<mo>(&#x02032;|&#x2032;|′)</mo>": r"<mi>\1</mi>",
}
"""Where MathML that was made of LaTeX stands too far apart, or too near."""


@dataclass(frozen=True)
class Answer:
    """The text of one id."""

    title: Markup
    question: Markup
    explanation: Markup
    experiment: Markup
    """How what follows was made; empty where there is nothing to say."""


@cache
def answer(id: str, language: str = "en") -> Answer:
    """The text of an id, in English where the language does not have it yet."""
    title, *parts = written(id, language)
    question, explanation, experiment = map(rendered, parts)
    return Answer(Markup(_MARKDOWN.renderInline(title)), question, explanation, experiment)


def written(id: str, language: str = "en") -> tuple[str, str, str, str]:
    """Title, question, explanation and experiment of an id as they were written: Markdown with LaTeX."""
    source = next(path for known in (language, "en") if (path := _folder(known) / f"{id}.md").is_file())
    title, _, rest = source.read_text(encoding="utf-8").partition("\n")
    parts = re.split(r"^---\n", rest, flags=re.MULTILINE)
    if not title.startswith("# ") or not 2 <= len(parts) <= 3:
        raise ValueError(f"{source}: a title, a question, an explanation and at most an experiment, `---` between them")
    question, explanation, experiment = (*parts, "", "")[:3]
    return title.removeprefix("# "), question.strip(), explanation.strip(), experiment.strip()


def known(language: str) -> tuple[str, ...]:
    """The ids that have a text in a language."""
    return tuple(id for id in IDS if (_folder(language) / f"{id}.md").is_file())


def rendered(markdown: str) -> Markup:
    """Markdown with $…$ and $$…$$ as HTML with MathML."""
    return Markup(_MARKDOWN.render(markdown).strip())


def _folder(language: str):  # type: ignore[no-untyped-def]  # importlib's Traversable moved between Pythons
    return resources.files("arzhang.report") / "texts" / language


def formula(tex: str, display: bool = False) -> str:
    """One formula as MathML. A wide one (`display`) stands alone and scrolls in a box of its own."""
    shown = convert(tex, display="block" if display else "inline")
    for wrong, right in SPACING.items():
        shown = re.sub(wrong, right, shown)
    return f'<div class="formula" tabindex="0">{shown}</div>' if display else shown


def _rendered(tex: str, options: dict) -> str:
    return formula(tex, options["display_mode"])


_MARKDOWN = (
    MarkdownIt("commonmark", {"html": False})
    .enable("table")
    .use(dollarmath_plugin, allow_labels=False, allow_digits=False, renderer=_rendered)
)
