"""What a check finds: data, by id and values; the wording turns it into a sentence."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from arzhang.wording.english_check import CHECK

Level = Literal["right", "wrong", "remark"]


@dataclass(frozen=True)
class Finding:
    """One thing that was found, by the id of its sentence and the values in it."""

    level: Level
    id: str
    values: Mapping[str, Any] = field(default_factory=dict)
    evidence: str = ""
    """Id of a sentence about what was observed, which stands around it: "biased for cos z: the 1/σ is missing"."""

    @property
    def sentence(self) -> str:
        """For a learner. A terminal speaks English."""
        told = CHECK[self.id].format(**self.values)
        return CHECK[f"evidence.{self.evidence}"].format(**self.values, told=told) if self.evidence else told


@dataclass(frozen=True)
class Result:
    """What was found of one piece of an exercise, a function or a class."""

    piece: str
    findings: tuple[Finding, ...]

    @property
    def right(self) -> bool:
        return all(finding.level != "wrong" for finding in self.findings)


class Stopped(Exception):
    """A finding that leaves nothing else to look at: code that raises, a wrong shape."""

    def __init__(self, id: str, **values: Any) -> None:
        super().__init__(id)
        self.finding = Finding("wrong", id, values)


def right(id: str, **values: Any) -> Finding:
    """What is as it should be."""
    return Finding("right", id, values)


def wrong(id: str, evidence: str = "", **values: Any) -> Finding:
    """A mistake."""
    return Finding("wrong", id, values, evidence)


def remark(id: str, **values: Any) -> Finding:
    """Something worth a sentence that is no mistake."""
    return Finding("remark", id, values)
