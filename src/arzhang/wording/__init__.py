"""What conclusions and figures say, by id: studies hold data, the words stand here, one file a language."""

from collections.abc import Mapping
from typing import Any

from arzhang.wording.english import ENGLISH as ENGLISH

LANGUAGES: dict[str, Mapping[str, str]] = {"en": ENGLISH}


def words(id: str, values: Mapping[str, Any] | None = None, language: Mapping[str, str] = ENGLISH) -> str:
    """The sentence of a conclusion, or a label; estimators and arms are called by their names in that language.

    >>> words("gradients.cost", {"estimator": "pathwise", "nanoseconds": 29.6, "evaluations": 1})
    'A single-sample gradient by pathwise (α) takes 30 ns and 1 evaluation(s) of f.'
    """
    values = {
        key: language.get(f"estimator.{value}", language.get(f"arm.{value}", value))
        if isinstance(value, str)
        else value
        for key, value in (values or {}).items()
    }
    return language[id].format(**values)
