"""What a run's numbers say, as data: `{id, values}`. The numbers choose the id here, its words stand in `wording`.

Where the numbers do not say anything, nothing is said.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from arzhang.health import by_epoch, findings
from arzhang.report.results import Metric, Results

Conclusion = dict[str, Any]
CRITERIA = ("negative_elbo", "loss", "l1", "cycle_l1")
"""The term that a validation is read by: the first of these that is logged."""
COIN = math.log(2)
"""A discriminator's loss, in nats a verdict, when it cannot tell real from made."""
CLEAR = 10.0
"""Active units are told apart clearly where the variances beside the threshold differ by this factor."""


def _of(id: str, **values: Any) -> Conclusion:
    return {"id": f"run.{id}", "values": values}


# -------------------------------------------------------------------------------------------------------- the course


def course(results: Results) -> list[Conclusion]:
    """How validation went in the last epochs, and where training stands beside it."""
    term = next((name for name in CRITERIA if results.course(results.validation, name)[1]), None)
    if term is None:
        return []
    epochs = [entry["epoch"] for entry in results.validation if term in entry]
    values = [float(entry[term]) for entry in results.validation if term in entry]
    unit = {"id": "unit.grey_range" if term in ("l1", "cycle_l1") else "unit.nats"}
    found = [*_trend(term, values), *_best(term, epochs, values), *_gap(results, term, epochs, values)]
    return [conclusion | {"values": conclusion["values"] | {"unit": unit}} for conclusion in found]


def _trend(term: str, values: Sequence[float]) -> list[Conclusion]:
    fitted = _slope(values)
    if fitted is None:
        return []
    n, slope, error = fitted
    numbers = {"n": n, "term": term, "slope": slope, "by": abs(slope), "error": error}
    if abs(slope) <= 3 * error:
        return [_of("trend_level", **numbers)]
    return [_of("trend_falling" if slope < 0 else "trend_rising", **numbers)]


def _slope(values: Sequence[float]) -> tuple[int, float, float] | None:
    """(n, least-squares slope, its standard error) over the last quarter of the epochs, at least four of them."""
    n = max(4, len(values) // 4)
    if len(values) < n:
        return None
    x = np.arange(n) - (n - 1) / 2
    y = np.asarray(values[-n:])
    slope = float(x @ y / (x @ x))
    residuals = y - y.mean() - slope * x
    return n, slope, math.sqrt(float(residuals @ residuals) / (n - 2) / float(x @ x))


def _best(term: str, epochs: Sequence[int], values: Sequence[float]) -> list[Conclusion]:
    if len(values) < 2:
        return []
    at = min(range(len(values)), key=lambda i: values[i])
    if at == len(values) - 1:
        return [_of("best_last", term=term, best=values[at])]
    return [_of("best_earlier", term=term, best=values[at], epoch=epochs[at], above=values[-1] - values[at])]


def _gap(results: Results, term: str, epochs: Sequence[int], values: Sequence[float]) -> list[Conclusion]:
    """Validation less training in the last epoch, beside the sampling error of the validation images. That error is
    judged from the test part's spread, which the two share: the validation's own is not logged."""
    gaps = {}
    for epoch, value in zip(epochs, values, strict=True):
        mean = _epoch_mean(results, term, epoch)
        if mean is not None:
            gaps[epoch] = (mean, value)
    if epochs[-1] not in gaps:
        return []
    train, validation = gaps[epochs[-1]]
    gap = validation - train
    numbers = {"term": term, "epoch": epochs[-1], "train": train, "validation": validation, "gap": abs(gap)}
    error = _validation_error(results, term)
    if error is None:
        return [_of("gap_plain", **numbers)]
    found = [_of(_significant(gap, error), **numbers, error=error)]
    # All gaps are on the same images, so that how they change is far surer than any of them.
    fitted = _slope([validation - train for train, validation in gaps.values()])
    if gap > 0 and fitted is not None and fitted[1] > 3 * fitted[2]:
        found.append(_of("gap_opening", n=fitted[0], slope=fitted[1], error=fitted[2]))
    return found


def _significant(gap: float, error: float) -> str:
    if abs(gap) <= 2 * error:
        return "gap_none"
    return "gap_above" if gap > 0 else "gap_below"


def _epoch_mean(results: Results, term: str, epoch: int) -> float | None:
    """The mean of a training term over one epoch; each line is a mean over the steps since the line before."""
    before, total, steps = None, 0.0, 0
    for entry in results.train:
        since = before if before is not None else 0
        before = entry["step"]
        if entry["epoch"] == epoch and term in entry and entry["step"] > since:
            total += entry[term] * (entry["step"] - since)
            steps += entry["step"] - since
    return total / steps if steps and math.isfinite(total) else None


def _validation_error(results: Results, term: str) -> float | None:
    metric, images = results.evaluation.get(term), results.data.get("images")
    held_out = images.get("validation") if isinstance(images, dict) else None
    if metric is None or not metric.uncertainty or not metric.n or not held_out:
        return None
    return metric.uncertainty * math.sqrt(metric.n / held_out)


def shares(results: Results) -> list[Conclusion]:
    """Reconstruction and KL as parts of the negative ELBO, on the test part or else on the last validation."""
    terms: dict[str, Any] = {}
    if {"reconstruction", "kl"} <= results.evaluation.keys():
        split, terms = "test", {name: results.evaluation[name].value for name in ("reconstruction", "kl")}
    elif results.validation and {"reconstruction", "kl"} <= results.validation[-1].keys():
        split, terms = "validation", results.validation[-1]
    if not terms:
        return []
    reconstruction, kl = float(terms["reconstruction"]), float(terms["kl"])
    if not (reconstruction > 0 and math.isfinite(reconstruction + kl)):  # a density may exceed 1: then no shares
        return []
    total = reconstruction + kl
    return [_of("shares", total=total, share=100 * reconstruction / total, kl=kl, bits=kl / math.log(2), split=split)]


def players(results: Results) -> list[Conclusion]:
    """5e: how the two players' losses went, and what looks wrong in them."""
    log = [*results.train, *results.validation, *results.previews]
    terms = {name: by_epoch(results.train, "train", name) for name in ("d_real", "d_fake", "d_accuracy")}
    l1 = by_epoch(results.train, "train", "g_l1")
    adversarial = by_epoch(results.train, "train", "g_adversarial")
    found: list[Conclusion] = []
    if all(terms.values()) and adversarial:
        first, last = min(adversarial), max(adversarial)
        d = {epoch: (terms["d_real"][epoch] + terms["d_fake"][epoch]) / 2 for epoch in (first, last)}
        accuracy, g = terms["d_accuracy"], adversarial
        numbers = {"first": first, "last": last, "d_first": d[first], "d_last": d[last], "g_first": g[first],
                   "g_last": g[last], "accuracy_first": accuracy[first], "accuracy_last": accuracy[last]}  # fmt: skip
        if first == last:
            found.append(_of("players_once", **numbers))
        elif results.recipe.get("adversarial") == "vanilla":
            ahead = d[last] < COIN * 0.75
            found.append(_of("players_ahead" if ahead else "players_even", **numbers, coin=COIN))
        else:
            found.append(_of("players", **numbers))
    if len(l1) > 1:
        first, last = min(l1), max(l1)
        found.append(_of("players_l1", first=first, last=last, l1_first=l1[first], l1_last=l1[last],
                         fell=100 * (1 - l1[last] / l1[first])))  # fmt: skip
    measured = {name: asdict(metric) for name, metric in results.evaluation.items()}
    return [*found, *findings(log, {"recipe": results.recipe, "data": results.data}, measured)]


def variety(results: Results) -> list[Conclusion]:
    """4g: how far outputs of one input lie apart over dropout's noise, beside how far one misses the real image."""
    spread, l1 = results.evaluation.get("variety"), results.evaluation.get("l1")
    if spread is None or l1 is None:
        return []
    return [_of("variety_share", spread=spread.value, l1=l1.value, share=100 * spread.value / l1.value)]


# ------------------------------------------------------------------------------------------------------- the pictures


def detail(images: np.ndarray) -> np.ndarray:
    """Root mean square difference of neighbouring pixels of each image, (n, h, w, c) → (n,).

    Squares, for blur spreads an edge without making it lower: the absolute differences along it keep their sum.
    """
    down, across = (np.square(np.diff(images.astype(np.float64), axis=axis)).mean((1, 2, 3)) for axis in (1, 2))
    return np.sqrt((down + across) / 2)


def pictures(results: Results) -> list[Conclusion]:
    """3e: what differs to the eye between originals, reconstructions and samples, measured on the sheets."""
    sheets = {name: results.sheet(name) for name in ("originals", "reconstructions", "samples")}
    found = {name: detail(sheet) for name, sheet in sheets.items() if sheet is not None and min(sheet.shape[1:3]) > 1}
    conclusions = []
    original = float(found["originals"].mean()) if "originals" in found else 0.0
    if original > 0 and "reconstructions" in found:
        kept = float(found["reconstructions"].mean()) / original
        numbers = {"originals": original, "reconstructions": kept * original, "kept": 100 * kept}
        conclusions.append(_of("blur_softer" if kept < 0.95 else "blur_none", **numbers))
        if "samples" in found:
            conclusions.append(_samples(found["reconstructions"], found["samples"], original))
    if (error := results.evaluation.get("pixel_mae")) and math.isfinite(error.value):
        conclusions.append(_of("pixel_error", mae=error.value))
    return conclusions


def _samples(reconstructions: np.ndarray, samples: np.ndarray, original: float) -> Conclusion:
    numbers = {"samples": float(samples.mean()), "kept": 100 * float(samples.mean()) / original}
    difference = float(samples.mean() - reconstructions.mean())
    error = math.hypot(
        *(float(x.std(ddof=1)) / math.sqrt(len(x)) if len(x) > 1 else 0.0 for x in (samples, reconstructions))
    )
    if abs(difference) <= 2 * error:
        return _of("samples_alike", **numbers)
    return _of("samples_softer" if difference < 0 else "samples_harder", **numbers)


# ---------------------------------------------------------------------------------------------------------- the latent


def units(results: Results) -> tuple[list[float], list[bool]] | None:
    """KL of each latent dimension in falling order, and which are active; none where eval.json does not say."""
    metric = results.evaluation.get("active_units")
    if metric is None:
        return None
    kl, variances = (_numbers(metric.protocol.get(name)) for name in ("kl", "variances"))
    threshold = metric.protocol.get("threshold")
    if not kl or not variances or len(kl) != len(variances) or not isinstance(threshold, int | float):
        return None
    order = sorted(range(len(kl)), key=lambda i: -kl[i])
    return [kl[i] for i in order], [variances[i] > threshold for i in order]


def latent(results: Results) -> list[Conclusion]:
    """How many dimensions of the latent are used, what the others carry, and whether the count is clear."""
    found = units(results)
    if found is None:
        return []
    metric = results.evaluation["active_units"]
    kl, active = found
    variances, threshold = sorted(_numbers(metric.protocol["variances"])), float(metric.protocol["threshold"])
    count, total = sum(active), len(active)
    numbers = {"active": count, "total": total, "idle": total - count, "threshold": threshold}
    if count == 0:
        return [_of("active_none", **numbers)]
    if count == total:
        return [_of("active_all", **numbers, least=variances[0])]
    idle = sum(value for value, used in zip(kl, active, strict=True) if not used)
    low, high = variances[total - count - 1], variances[total - count]
    clear = "active_clear" if high > CLEAR * max(low, 0) else "active_unclear"
    return [_of("active_some", **numbers, kl_idle=idle, kl=sum(kl)), _of(clear, low=low, high=high)]


def _numbers(found: Any) -> list[float]:
    if not isinstance(found, list) or not all(isinstance(x, int | float) and math.isfinite(x) for x in found):
        return []
    return [float(x) for x in found]


# --------------------------------------------------------------------------------------------------------- the numbers


def numbers(results: Results) -> list[Conclusion]:
    """What the likelihoods of eval.json mean, and what they do not."""
    likelihood, bound = results.evaluation.get("log_likelihood"), results.evaluation.get("negative_elbo")
    found: list[Conclusion] = []
    protocol = likelihood.protocol if likelihood is not None else {}
    samples, effective = protocol.get("samples"), protocol.get("effective_samples")
    several = isinstance(samples, int) and samples > 1
    if likelihood is not None and bound is not None and several and _above(likelihood, bound):
        found.append(_of("tightness", samples=samples, gap=likelihood.value + bound.value))
    if isinstance(effective, int | float) and isinstance(samples, int) and samples > 1 and effective < 2:
        found.append(_of("tightness_one", effective=effective, samples=samples))
    if protocol.get("normalised_density") is False:
        found.append(_of("not_normalised"))
    if fcn := _fcn(results):
        found.append(fcn)
    for name in ("fid", "fd"):
        parts = [results.evaluation.get(f"{name}_{of}") for of in ("reconstructions", "samples", "floor")]
        if all(part is not None for part in parts):
            reconstructions, samples_, floor = (part for part in parts if part is not None)
            values = {"reconstructions": reconstructions.value, "samples": samples_.value, "floor": floor.value}
            found.append(_of(name, n=floor.n or 0, **values))
        elif parts[1] is not None and parts[2] is not None:
            found.append(_of(f"{name}_samples", n=parts[2].n or 0, samples=parts[1].value, floor=parts[2].value))
    return [*found, *_told(results)]


def _told(results: Results) -> list[Conclusion]:
    """How often a classifier sees the class that a cgan was asked for."""
    made, real = results.evaluation.get("told_samples"), results.evaluation.get("told_real")
    if made is None or real is None:
        return []
    by_class = made.protocol.get("by_class")
    values = {"share": made.value, "n": made.n or 0, "real": real.value}
    if not isinstance(by_class, dict) or not by_class:
        return [_of("told", **values)]
    worst, best = (choose(by_class, key=lambda name: by_class[name]) for choose in (min, max))
    ends = {"worst": worst, "worst_share": by_class[worst], "best": best, "best_share": by_class[best]}
    return [_of("told", **values), _of("told_classes", **ends)]


def _fcn(results: Results) -> Conclusion | None:
    """The FCN-score between its floor and its ceiling."""
    made, real, grey = (results.evaluation.get(f"class_iou_{of}") for of in ("made", "real", "grey"))
    if made is None or real is None or grey is None:
        return None
    values = {"made": made.value, "real": real.value, "grey": grey.value, "n": made.n or 0}
    return _of("fcn", **values, share=100 * made.value / real.value if real.value else math.nan)


def _above(likelihood: Metric, bound: Metric) -> bool:
    """Both are measured on the same images, so what is left between them is Monte-Carlo error alone."""
    error = likelihood.protocol.get("monte_carlo_error")
    return likelihood.value + bound.value > (3 * error if isinstance(error, float) and math.isfinite(error) else 0)
