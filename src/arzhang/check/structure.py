"""A user's network beside ours, layer by layer: the first things that differ, by name."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from arzhang.check.findings import Finding, right, wrong
from arzhang.check.tracing import NORMS, Network, Stage

MOST = 3
"""Differences told of one network; the others often follow from the first."""


@dataclass(frozen=True)
class Differences:
    """What differs, and the sentence that says how the whole looks from outside."""

    user: Network
    truth: Network

    def findings(self) -> list[Finding]:
        """All differences, the most telling ones first; or that there are none."""
        user, truth = self.user, self.truth
        found = self._layers() or [
            *self._settings(), *self._biases(), *self._skips(), *self._between(),
        ]  # fmt: skip
        if not found and user.failure is not None:
            return [user.failure.finding]
        if not found and user.shape != truth.shape:
            found = [wrong("net.shape")]
        if not found and user.parameters and user.parameters != truth.parameters:
            found = [wrong("net.unused" if user.parameters > truth.parameters else "net.unregistered")]
        if not found:
            return [right("net.right", layers=len(truth.stages), parameters=truth.parameters, shape=str(truth.shape))]
        evidence, seen = self._outside()
        first = found[0]
        return [wrong(first.id, evidence, **{**first.values, **seen}), *found[1:MOST]]

    def _outside(self) -> tuple[str, dict[str, Any]]:
        user, truth = self.user, self.truth
        if user.failure is not None:
            return "net_fails", dict(user.failure.finding.values)
        count = user.parameters - truth.parameters
        seen = {"difference": abs(count), "got_shape": str(user.shape), "wanted_shape": str(truth.shape)}
        if user.shape != truth.shape:
            return "net_shape", seen
        if not user.parameters or not count:
            return "net_same", seen
        return ("net_more" if count > 0 else "net_fewer"), seen

    def _layers(self) -> list[Finding]:
        """Layers with weights that are missing, or too many."""
        ours = [stage.kind for stage in self.truth.stages]
        theirs = [stage.kind for stage in self.user.stages]
        if self.user.failure is not None:
            ours = ours[: len(theirs)]  # it did not get further
        if ours == theirs:
            return []
        matcher = SequenceMatcher(
            None, [_key(s) for s in self.truth.stages], [_key(s) for s in self.user.stages], False
        )
        for tag, i, j, k, m in matcher.get_opcodes():
            if tag == "delete":
                return [wrong("net.layer_missing", layer=str(self.truth.stages[i]), place=i + 1, count=j - i)]
            if tag == "insert":
                return [wrong("net.layer_extra", layer=str(self.user.stages[k]), place=k + 1, count=m - k)]
            if tag == "replace" and j - i != m - k:
                more = (m - k) > (j - i)
                stages = self.user.stages[k:m] if more else self.truth.stages[i:j]
                return [
                    wrong(
                        "net.layer_extra" if more else "net.layer_missing",
                        layer=str(stages[-1]),
                        place=(k if more else i) + len(stages),
                        count=abs((m - k) - (j - i)),
                    )
                ]
            if tag == "replace":
                for a, b in zip(range(i, j), range(k, m), strict=True):
                    if ours[a : a + 1] != theirs[b : b + 1] and a < len(ours) and b < len(theirs):
                        return [
                            wrong(
                                "net.kind", got=str(self.user.stages[b]), wanted=str(self.truth.stages[a]), place=a + 1
                            )
                        ]
        return [wrong("net.order", got=" ".join(theirs), wanted=" ".join(ours))]

    def _pairs(self) -> list[tuple[int, Stage, Stage]]:
        return [(i, u, t) for i, (u, t) in enumerate(zip(self.user.stages, self.truth.stages, strict=False))]

    def _settings(self) -> list[Finding]:
        """Kernels, strides, paddings and channels; those given in and out are one mistake, not two."""
        found: list[Finding] = []
        for i, user, truth in self._pairs():
            names = [n for n in truth.settings if user.settings.get(n) != truth.settings[n]]
            if "inputs" in names and i and truth.skip is not None and user.skip is None:
                names.remove("inputs")  # the skip connection that is missing says why
            if "inputs" in names and i and any(f.values["place"] == i for f in found):
                names.remove("inputs")
            if names:
                theirs = ", ".join(f"{_word(n)} {user.settings[n]}" for n in names)
                ours = ", ".join(f"{_word(n)} {truth.settings[n]}" for n in names)
                found.append(wrong("net.settings", layer=str(truth), place=i + 1, got=theirs, wanted=ours))
        return found

    def _biases(self) -> list[Finding]:
        """Biases too many, which a normalisation takes out again, or too few."""
        more = [(i, u) for i, u, t in self._pairs() if u.bias and not t.bias]
        fewer = [(i, u) for i, u, t in self._pairs() if t.bias and not u.bias]
        found = []
        before = [(i, u) for i, u in more if _normalised(self.user, i)]
        if before:
            count = sum(stage.settings["outputs"] for _, stage in before)
            found.append(wrong("net.bias_before_norm", count=count, layers=_list(before)))
        if other := [pair for pair in more if pair not in before]:
            found.append(
                wrong("net.bias_extra", layers=_list(other), count=sum(s.settings["outputs"] for _, s in other))
            )
        if fewer:
            found.append(
                wrong("net.bias_missing", layers=_list(fewer), count=sum(s.settings["outputs"] for _, s in fewer))
            )
        return found

    def _skips(self) -> list[Finding]:
        """Maps from the way down that are missing, or of another block."""
        missing = [(i, t) for i, u, t in self._pairs() if t.skip is not None and u.skip in (None, u.source)]
        if missing:
            return [wrong("net.skip_missing", layers=_list(missing), count=len(missing))]
        other = [(i, u) for i, u, t in self._pairs() if u.skip != t.skip]
        return [wrong("net.skip_other", layers=_list(other), count=len(other))] if other else []

    def _between(self) -> list[Finding]:
        """Normalisation, activations and dropout: missing, too many, or in another order."""
        places = [(str(t), i + 1, u.before, t.before) for i, u, t in self._pairs()]
        if self.user.failure is None:
            places.append(("", len(self.truth.stages) + 1, self.user.after, self.truth.after))
        gathered: dict[tuple[str, str, str], list[int]] = {}
        for _, place, theirs, ours in places:
            for id, got, wanted in _changes(theirs, ours):
                gathered.setdefault((id, got, wanted), []).append(place)
        end = len(self.truth.stages) + 1
        if moved := self._moved(gathered, end):
            return moved
        return [
            wrong(id, got=got, wanted=wanted, place=_named(where, self.truth, end), count=len(where))
            for (id, got, wanted), where in gathered.items()
        ]

    def _moved(self, gathered: dict[tuple[str, str, str], list[int]], end: int) -> list[Finding]:
        """The same thing missing here and too much there stands in the wrong place."""
        for (id, _, wanted), places in gathered.items():
            if id == "net.between_missing" and (there := gathered.get(("net.between_extra", wanted, ""))):
                at = (_named(place, self.truth, end) for place in (there, places))
                return [wrong("net.between_moved", what=wanted, got=next(at), wanted=next(at))]
        return []


def _changes(theirs: tuple[str, ...], ours: tuple[str, ...]) -> list[tuple[str, str, str]]:
    """(id, what there is, what there should be) between two layers."""
    if theirs == ours:
        return []
    if sorted(theirs) == sorted(ours):
        return [("net.between_order", " → ".join(theirs), " → ".join(ours))]
    found = []
    extra, missing = list(theirs), list(ours)
    for item in theirs:
        if item in missing:
            missing.remove(item)
            extra.remove(item)
    while extra and missing:
        found.append(("net.between_other", extra.pop(0), missing.pop(0)))
    found += [("net.between_missing", "", item) for item in missing]
    return found + [("net.between_extra", item, "") for item in extra]


def _named(places: Sequence[int], truth: Network, end: int) -> str:
    """Where something stands: "at the end", "before layer 3 (Conv2d 8→16)"."""
    if list(places) == [end]:
        return "at the end"
    if len(places) == 1:
        return f"before layer {places[0]} ({truth.stages[places[0] - 1]})"
    return f"before layers {_numbers(places)}"


def _numbers(places: Sequence[int]) -> str:
    return ", ".join(map(str, places))


def _normalised(network: Network, i: int) -> bool:
    following = [s.before for s in network.stages if s.source == i] or [network.after]
    return any(step in NORMS for step in following[0])


def _key(stage: Stage) -> tuple[str, int, int]:
    return stage.kind, stage.settings["outputs"], stage.settings.get("stride", 0)


def _word(name: str) -> str:
    return {"inputs": "channels in", "outputs": "channels out"}.get(name, name.replace("_", " "))


def _list(stages: Sequence[tuple[int, Stage]]) -> str:
    shown = [f"{i + 1} ({stage})" for i, stage in stages[:3]]
    return ", ".join(shown) + (f" and {len(stages) - 3} more" if len(stages) > 3 else "")


def compared(user: Network, truth: Network) -> list[Finding]:
    """What a user's network is, beside ours."""
    return Differences(user, truth).findings()
