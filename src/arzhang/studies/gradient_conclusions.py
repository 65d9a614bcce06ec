"""What the gradient study's numbers say, as data: `{id, values}`; the report puts it in words."""

import math
from statistics import NormalDist, median
from typing import Any

Conclusion = dict[str, Any]
CONFIDENCE = 1.959964  # standard errors of a 95 % interval
SURELY = 10.0  # a mean that lies so many standard errors beside the truth does so by no chance
LEAST_FACTOR = 1.02  # closer than this is a tie: the sampling error of a variance from 10⁵ samples


def conclude(curves: list[dict], sizes: list[dict], mohamed: dict, σ: float) -> list[Conclusion]:
    """All conclusions, in the order in which a reader wants them."""
    found = _agreement(curves)
    found += [_biased(c) for c in curves if c["zero_gradient"]]
    found += [_of("diverges", f=c["label"], estimator=c["estimator"]) for c in curves if c["exact_variance"] is None]
    honest = [c for c in curves if not c["zero_gradient"] and max(_strays(c)) < SURELY]  # a wrong mean is no bargain
    for f in dict.fromkeys(c["f"] for c in curves):
        of_f = [c for c in honest if c["f"] == f]
        if len(of_f) > 1:
            for by in ("variance", "variance_per_evaluation"):
                found += _winners(of_f, by)
            found += _worst(of_f)
    found += _crossings(honest, σ)
    found += _exactness(honest)
    found += _by_size(sizes)
    found += _cost(curves)
    found += _mohamed(mohamed)
    return found


def _of(id: str, **values: Any) -> Conclusion:
    return {"id": f"gradients.{id}", "values": values}


def _agreement(curves: list[dict]) -> list[Conclusion]:
    """Every mean against the truth, at 95 % for all comparisons together; then each curve that strays, by name."""
    honest = [c for c in curves if not c["zero_gradient"]]
    strays = [_strays(c) for c in honest]
    every = [s for of_curve in strays for s in of_curve]
    bound = NormalDist().inv_cdf(1 - 0.05 / max(len(every), 1) / 2)
    outside = sum(s > bound for s in every)
    found = [
        _of(
            "agree" if not outside else "disagree",
            compared=len(every),
            outside=outside,
            largest=max(every, default=0.0),
            bound=bound,
        )
    ]
    for c, of_curve in zip(honest, strays, strict=True):
        far = max(of_curve)
        if far > bound:
            found.append(_at("astray", c, of_curve.index(far), count=sum(s > bound for s in of_curve), errors=far))
    return found


def _strays(curve: dict) -> list[float]:
    """How many standard errors each mean lies from the truth."""
    compared = zip(curve["mean"], curve["exact_mean"], curve["mean_interval"], strict=True)
    return [abs(mean - truth) / (i / CONFIDENCE + 1e-9 * (1 + abs(truth))) for mean, truth, i in compared]


def _biased(curve: dict) -> Conclusion:
    return _at("zero", curve, max(range(len(curve["mu"])), key=lambda i: abs(curve["exact_mean"][i])))


def _at(id: str, curve: dict, i: int, **values: Any) -> Conclusion:
    """What a curve gives at its i-th mean, and the truth there."""
    return _of(
        id,
        f=curve["label"],
        estimator=curve["estimator"],
        mu=curve["mu"][i],
        mean=curve["mean"][i],
        truth=curve["exact_mean"][i],
        **values,
    )


def _winners(curves: list[dict], by: str) -> list[Conclusion]:
    """The ranges of μ in which one estimator has the least variance, and by what factor it beats the next."""
    μ = curves[0]["mu"]
    best, second = [], []
    for i in range(len(μ)):
        ranked = sorted(curves, key=lambda c: c[by][i])
        best.append(ranked[0]["estimator"])
        second.append((ranked[1]["estimator"], _ratio(ranked[1][by][i], ranked[0][by][i])))
    ranges, start = [], 0
    for i in range(1, len(μ) + 1):
        if i == len(μ) or best[i] != best[start]:
            ranges.append((start, i - 1))
            start = i
    found = []
    for first, last in ranges:
        factors = [second[i][1] for i in range(first, last + 1)]
        rivals = [second[i][0] for i in range(first, last + 1)]
        exact = all(f is None for f in factors)
        middle = None if exact else median(f for f in factors if f is not None)
        tie = middle is not None and middle < LEAST_FACTOR
        kind = "tie" if tie else ("exact" if exact else "best")
        found.append(
            _of(
                f"{kind}_per_{'sample' if by == 'variance' else 'evaluation'}",
                f=curves[0]["label"],
                estimator=best[first],
                low=μ[first],
                high=μ[last],
                rival=max(set(rivals), key=rivals.count),
                factor=middle,
            )
        )
    return found


def _worst(curves: list[dict]) -> list[Conclusion]:
    """The estimator that has the most variance at most means, and how many times that of the best."""
    points = range(len(curves[0]["mu"]))
    worst = [max((c["variance"][i], c["estimator"]) for c in curves)[1] for i in points]
    name = max(dict.fromkeys(worst), key=worst.count)
    its = next(c["variance"] for c in curves if c["estimator"] == name)
    factors = [_ratio(its[i], min(c["variance"][i] for c in curves)) for i in points]
    known = [f for f in factors if f is not None]
    if not known:
        return []
    return [_of("worst", f=curves[0]["label"], estimator=name, least=min(known), largest=max(known))]


def _ratio(above: float, below: float) -> float | None:
    """None: the better one has no variance at all."""
    return above / below if below > 1e-20 * max(above, 1e-300) and below > 1e-25 else None


def _crossings(curves: list[dict], σ: float) -> list[Conclusion]:
    """f = z²: the |μ| below which γ beats α, measured, by interpolation; exactly 2.234σ and 1.153σ."""
    found = []
    pair = {c["estimator"]: c for c in curves if c["f"] == "square"}
    if {"pathwise", "measure-valued"} <= set(pair):
        for by, name, c in (("variance", "sample", 1), ("variance_per_evaluation", "evaluation", 2)):
            # [2(4−π)μ² + 4σ²]·c/π = 4σ²
            truth = σ * math.sqrt((4 - 4 * c / math.pi) * math.pi / (2 * c * (4 - math.pi)))
            crossings = _zeros(
                pair["pathwise"]["mu"],
                [math.log(a / b) for a, b in zip(pair["measure-valued"][by], pair["pathwise"][by], strict=True)],
            )
            if crossings:
                measured = sum(abs(x) for x in crossings) / len(crossings)
                found.append(_of(f"crossing_per_{name}", f=pair["pathwise"]["label"], measured=measured, exact=truth))
    return found


def _zeros(x: list[float], y: list[float]) -> list[float]:
    return [
        x[i] - y[i] * (x[i + 1] - x[i]) / (y[i + 1] - y[i]) for i in range(len(x) - 1) if (y[i] < 0) != (y[i + 1] < 0)
    ]


def _exactness(curves: list[dict]) -> list[Conclusion]:
    """How far measured variances lie from the exact ones."""
    off = [
        abs(v / e - 1)
        for c in curves
        if c["exact_variance"] is not None
        for v, e in zip(c["variance"], c["exact_variance"], strict=True)
        if e > 1e-12
    ]
    return [_of("variance_exact", compared=len(off), median=median(off), largest=max(off))] if off else []


def _by_size(sizes: list[dict]) -> list[Conclusion]:
    """The slope of log variance against log N."""
    slopes = []
    for s in sizes:
        points = [(math.log(p["n"]), math.log(p["variance"])) for p in s["points"] if p["variance"] > 1e-20]
        if len(points) > 1:
            x, y = (sum(values) / len(points) for values in zip(*points, strict=True))
            slopes.append(sum((a - x) * (b - y) for a, b in points) / sum((a - x) ** 2 for a, _ in points))
    return [_of("by_n", least=min(slopes), largest=max(slopes), curves=len(slopes))] if slopes else []


def _cost(curves: list[dict]) -> list[Conclusion]:
    found = []
    for name in dict.fromkeys(c["estimator"] for c in curves):
        of_name = [c for c in curves if c["estimator"] == name]
        nanoseconds = median(c["nanoseconds_per_sample"] for c in of_name)
        found.append(_of("cost", estimator=name, nanoseconds=nanoseconds, evaluations=of_name[0]["evaluations"]))
    return found


def _mohamed(mohamed: dict) -> list[Conclusion]:
    agree = sum(v["agrees"] for v in mohamed["values"])
    largest = max(abs(v["ours"] / float(v["published"]) - 1) for v in mohamed["values"] if float(v["published"]))
    crossings = mohamed["crossings"]
    return [
        _of("mohamed", agree=agree, compared=len(mohamed["values"]), largest=largest),
        _of("mohamed_crossings", exp=crossings["exp"], cos=crossings["cos"]),
    ]
