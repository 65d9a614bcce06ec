"""How a mistake is named: by hypothesis.

Every common one is an alternative computation, and the one that gives what the user's code gave, at every point that
was tried, is what the user did.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import torch
from scipy import stats
from torch import Tensor

from arzhang.check.findings import Finding, right, wrong

FAILURE_RATE = 1e-6
"""By chance, a right answer that draws its own noise is called wrong so often, over all comparisons of its check."""

Formula = Callable[[frozenset[str]], Sequence[Tensor]]


def compare(
    exercise: str,
    places: Sequence[str],
    got: Sequence[Tensor],
    truth: Sequence[Tensor],
    formula: Formula,
    mistakes: Sequence[str],
    rtol: float = 1e-4,
) -> list[Finding]:
    """Exact values against the truth at some places; where they differ, the mistake, or two at once, that explains all.

    `formula` computes what a set of mistakes gives; `mistakes` stand in the order of suspicion.
    """
    if _same(got, truth, rtol):
        return [right("exact", places=len(places))]
    seen = _first_difference(places, got, truth, rtol)
    for count in (1, 2):
        for made in combinations(mistakes, count):
            if _same(got, formula(frozenset(made)), rtol):
                return [wrong(f"{exercise}.{made[0]}", "values", **seen)] + [
                    wrong(f"{exercise}.{other}", **seen) for other in made[1:]
                ]
    if _same(got, [value.trunc() for value in truth], rtol) or _same(got, [value.round() for value in truth], rtol):
        return [wrong("integers", "values", **seen)]
    agree = sum(_same([g], [t], rtol) for g, t in zip(got, truth, strict=True))
    return [wrong("unexplained", "values", agree=agree, places=len(places), **seen)]


def _same(got: Sequence[Tensor], truth: Sequence[Tensor], rtol: float) -> bool:
    return all(
        bool(torch.allclose(g.double(), t.double(), rtol=rtol, atol=rtol * 1e-2, equal_nan=False))
        for g, t in zip(got, truth, strict=True)
    )


def _first_difference(
    places: Sequence[str], got: Sequence[Tensor], truth: Sequence[Tensor], rtol: float
) -> dict[str, Any]:
    for place, g, t in zip(places, got, truth, strict=True):
        if not _same([g], [t], rtol):
            far = (g.double() - t.double()).abs().flatten().nan_to_num(math.inf).argmax()
            return {"at": place, "got": float(g.flatten()[far]), "truth": float(t.flatten()[far])}
    raise AssertionError("no difference")


@dataclass(frozen=True)
class Sampled:
    """Independent results of the user's code at one place, a function f at some μ and σ say."""

    group: str
    """What the sentence calls the place: "cos z"."""
    results: Tensor


def compare_means(
    exercise: str,
    sampled: Sequence[Sampled],
    truth: Sequence[float],
    formula: Callable[[frozenset[str]], Sequence[float]],
    mistakes: Sequence[str],
) -> list[Finding]:
    """Means of random results against exact expectations; where they differ, the mistake that explains every one.

    Bounds are Student's (each result is a mean already, so near to normal), at `FAILURE_RATE` shared by all places.
    """
    bound = float(stats.t.isf(FAILURE_RATE / len(sampled) / 2, len(sampled[0].results) - 1))

    def strays(expected: Sequence[float]) -> list[float]:
        found = []
        for one, value in zip(sampled, expected, strict=True):
            error = float(one.results.std()) / len(one.results) ** 0.5 + 1e-9 * (1 + abs(value))
            found.append(abs(float(one.results.mean()) - value) / error)
        return found

    off = strays(truth)
    groups = list(dict.fromkeys(one.group for one in sampled))
    biased = [g for g in groups if any(z > bound for one, z in zip(sampled, off, strict=True) if one.group == g)]
    if not biased:
        return [right("unbiased", functions=", ".join(groups), deviations=bound)]
    unbiased = [group for group in groups if group not in biased]
    worst = max(range(len(off)), key=off.__getitem__)
    seen = {
        "unbiased": ", ".join(unbiased),
        "biased": ", ".join(biased),
        "got": float(sampled[worst].results.mean()),
        "truth": truth[worst],
        "at": sampled[worst].group,
    }
    evidence = "biased_some" if unbiased else "biased_all"
    fitting = {name: max(strays(formula(frozenset([name])))) for name in mistakes}
    if fitting and min(fitting.values()) <= bound:
        return [wrong(f"{exercise}.{min(fitting, key=fitting.__getitem__)}", evidence, **seen)]
    return [wrong("unexplained_mean", evidence, **seen)]
