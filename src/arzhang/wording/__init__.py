"""What conclusions and figures say, by id: studies hold data, the words stand here, one file a language.

Here, and only here, a number becomes text of a language: its digits and separators, and the direction it is read in.
"""

import re
import string
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from arzhang.wording.english import ENGLISH as ENGLISH
from arzhang.wording.persian import PERSIAN
from arzhang.wording.persian_names import NAMES
from arzhang.wording.persian_studies import STUDIES

LANGUAGES: dict[str, Mapping[str, str]] = {"en": ENGLISH, "fa": ENGLISH | PERSIAN | STUDIES | NAMES}
NBSP = "\xa0"
LTR, RTL, AUTO, END = "\u2066", "\u2067", "\u2068", "\u2069"
"""Isolates of Unicode's bidirectional algorithm: what stands between one of them and END has a direction of its own."""
ARABIC = "\u061c"
"""Where it precedes a number, a percent sign after it stands on its left."""
NUMBER = re.compile(r"(?<![\w.\-−])([-−+]?)(\d[\d,]*(?:\.\d+)?|\.\d+)(?:e([-−+]?\d+))?(%?)(?!\w|\.\d)")
SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

_spoken: ContextVar[str] = ContextVar("spoken", default="en")


@contextmanager
def speaking(code: str) -> Iterator[None]:
    """Within it, `words` are of this language where none is named: figures are drawn once in each."""
    token = _spoken.set(code)
    try:
        yield
    finally:
        _spoken.reset(token)


def spoken() -> str:
    """The code of the language that is spoken now."""
    return _spoken.get()


def words(id: str, values: Mapping[str, Any] | None = None, language: Mapping[str, str] | None = None) -> str:
    """The sentence of a conclusion, or a label; estimators and arms are called by their names in that language.

    A value may itself be `{id, values}`, or a list of them. What stands between two `$` is a formula: it is read from
    left to right in any language.

    >>> words("gradients.cost", {"estimator": "pathwise", "nanoseconds": 29.6, "evaluations": 1})
    'A single-sample gradient by pathwise (α) takes 30 ns and 1 evaluation(s) of f.'
    """
    language = LANGUAGES[spoken()] if language is None else language
    kinds = ("estimator", "arm") if id.startswith("translation.") else ("estimator",)
    said = {key: _said(value, language, kinds) for key, value in (values or {}).items()}
    return _Formatter(language).vformat(_isolated(language[id]), (), said)


def _said(value: Any, language: Mapping[str, str], kinds: Sequence[str]) -> Any:
    if isinstance(value, Mapping):
        return words(value["id"], value.get("values"), language)
    if isinstance(value, list | tuple):
        said = ((one, "" if isinstance(one, str) else "g") for one in (_said(one, language, kinds) for one in value))
        return language["language.comma"].join(_Formatter(language).format_field(*one) for one in said)
    return called(value, language, kinds) if isinstance(value, str) else value


def called(name: str, language: Mapping[str, str], kinds: Sequence[str] = ("estimator", "arm")) -> str:
    """What something that has a name in code is called: an estimator, an arm of a study, or what the data name."""
    own = next((id for kind in kinds if (id := f"{kind}.{name}") in language), None)
    return named(name, language) if own is None else words(own, None, language)


def named(text: str, language: Mapping[str, str] | None = None) -> str:
    """What English says in the data's own words: of names with numbers in them, `name.` has a # in each one's place.

    >>> named("of 32 latent dimensions", LANGUAGES["fa"])
    'از ۳۲ بعد نهان'
    """
    language = LANGUAGES[spoken()] if language is None else language
    numbers = iter(re.findall(r"[\d.,]*\d", text))
    known = language.get(f"name.{text}") or language.get("name." + re.sub(r"[\d.,]*\d", "#", text))
    return text if known is None else _isolated(re.sub("#", lambda _: numerals(next(numbers), language), known))


def _isolated(template: str) -> str:
    """What stands between two `$` from left to right; not to be broken over lines unless it is long."""
    return re.sub(r"\$(.+?)\$", _from_left_to_right, template)


def _from_left_to_right(found: re.Match[str]) -> str:
    return f"{LTR}{found[1].replace(' ', NBSP) if len(found[1]) <= 32 else found[1]}{END}"


class _Formatter(string.Formatter):
    def __init__(self, language: Mapping[str, str]) -> None:
        self.language = language

    def format_field(self, value: Any, format_spec: str) -> str:
        text = format(value, format_spec)
        if self.language["language.direction"] == "ltr":
            return text
        if not isinstance(value, str) or re.fullmatch(r"[-−+\d.,\s±%×→]+", text):
            return numerals(text, self.language)
        return isolated(text, self.language)


def isolated(text: str, language: Mapping[str, str]) -> str:
    """A text without a letter of a language that is read from right to left keeps its own direction among others."""
    leave = language["language.direction"] == "ltr" or not text or re.search("[\u0600-\u06ff]", text)
    return text if leave else f"{AUTO}{text}{END}"


def numerals(text: str, language: Mapping[str, str]) -> str:
    """The numbers in a text, in the digits of a language; what is part of a word stays (`L1`, `28×28px`).

    >>> numerals("1,234.5", LANGUAGES["fa"])
    '۱٬۲۳۴٫۵'
    """
    digits = language["language.digits"]
    if digits == string.digits:
        return text
    table = str.maketrans(string.digits + ".,", digits + language["language.decimal"] + language["language.thousands"])

    def one(found: re.Match[str]) -> str:
        sign, number, exponent, percent = found.groups()
        number = number.translate(table)
        if exponent:
            power = f"{digits[1]}{digits[0]}{str(int(exponent.replace('−', '-'))).translate(SUPERSCRIPT)}"
            number = power if number == digits[1] else f"{number}×{power}"
        if percent:
            return f"{RTL}{ARABIC}{sign.replace('-', '−')}{number}{language['language.percent']}{END}"
        signed = sign.replace("-", "−") + number
        return f"{LTR}{signed}{END}" if sign or exponent else signed

    result = NUMBER.sub(one, text)
    return f"{LTR}{result}{END}" if "±" in result else result


def told(id: str, values: Mapping[str, Any] | None = None, language: Mapping[str, str] = ENGLISH) -> str:
    """The sentence of a conclusion, with its likely cause and the remedy where it has them."""
    parts = [id, *(part for part in (f"{id}.cause", f"{id}.remedy") if part in language)]
    return " ".join(words(part, values, language) for part in parts)
