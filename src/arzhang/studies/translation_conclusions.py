"""What the arms' numbers say, as data: which lies above which, by how much, and whether chance could have done it."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from scipy import stats

from arzhang.metrics.frechet import jackknife
from arzhang.studies import translation_plan as plans

Measure = dict[str, Any]
CONFIDENCE = 0.95
"""Of the interval of a difference: where it leaves out zero, two arms are told apart."""


class Difference(NamedTuple):
    """How far one arm lies above another."""

    value: float
    error: float
    told: bool
    """Whether the difference leaves what chance does, at 95 %."""


def mean(trained: Sequence[Measure]) -> dict[str, float]:
    """Of one number over seeds, with its standard error; of one seed, with the error that the number has itself."""
    values = [one["value"] for one in trained]
    return {"value": sum(values) / len(values), "error": _spread(values) if len(values) > 1 else trained[0]["error"]}


def _spread(values: Sequence[float]) -> float:
    """The standard error of a mean."""
    middle = sum(values) / len(values)
    return math.sqrt(sum((v - middle) ** 2 for v in values) / (len(values) - 1) / len(values))


def difference(first: Sequence[Measure], second: Sequence[Measure]) -> Difference:
    """First less second, of one number. Over several seeds: Student's t of two means. Of one seed: over test images,
    by the jackknife of the difference itself where both know what each group of images left out does.

    >>> one, other = ([{"value": v, "error": 0.0, "left_out": []} for v in values] for values in ((1, 2, 3), (7, 8, 9)))
    >>> difference(one, other)
    Difference(value=-6.0, error=0.816496580927726, told=True)
    """
    value = mean(first)["value"] - mean(second)["value"]
    if len(first) > 1:
        error = math.hypot(mean(first)["error"], mean(second)["error"])
        freedom: float = len(first) + len(second) - 2
    elif (left := first[0]["left_out"]) and len(left) == len(second[0]["left_out"]):
        error = jackknife([a - b for a, b in zip(left, second[0]["left_out"], strict=True)])
        freedom = len(left) - 1
    else:
        error, freedom = math.hypot(first[0]["error"], second[0]["error"]), math.inf
    return Difference(value, error, abs(value) > float(stats.t.isf((1 - CONFIDENCE) / 2, freedom)) * error)


def conclude(results: dict[str, Any]) -> list[dict[str, Any]]:
    """Every conclusion of the study."""
    resolved, limits = results["resolved"], results["limits"]
    setup = {name: resolved[name] for name in ("size", "width", "epochs", "seeds")}
    setup |= {"train": results["train"], "test": results["protocol"]["n"]}
    setup |= {kind: limits[kind]["class_iou"]["value"] for kind in limits}
    found = [_of("setup", **setup), _of("seeds" if resolved["seeds"] > 1 else "one_seed", seeds=resolved["seeds"])]
    for table, arms in results["plan"].items():
        for first, second in plans.PAIRS[table]:
            if first in arms and second in arms:
                found.append(_compared(results, table, first, second))
    found += _best(results)
    if {"l1_cgan", "cyclegan"} <= results["arms"].keys():
        found.append(_costs(results))
    return found


def _of(id: str, **values: Any) -> dict[str, Any]:
    return {"id": f"translation.{id}", "values": values}


def _compared(results: dict[str, Any], table: str, first: str, second: str) -> dict[str, Any]:
    """Two arms by class IoU, the higher one first; where they are told apart, whether that is the paper's order."""
    trained = results["arms"]
    found = difference(*([one["class_iou"] for one in trained[arm]] for arm in (first, second)))
    if found.value < 0:
        first, second = second, first
    values: dict[str, Any] = {"first": plans.called(table, first), "second": plans.called(table, second)}
    values |= {"difference": abs(found.value), "error": found.error}
    values |= {"first_value": results["means"][first]["class_iou"]["value"]}
    values |= {"second_value": results["means"][second]["class_iou"]["value"]}
    kind = "told" if found.told else "alike"
    theirs = plans.PAPER[table][first], plans.PAPER[table][second]
    if theirs[0] is None or theirs[1] is None:
        return _of(f"{kind}_alone", **values)
    values |= {"first_paper": theirs[0][2], "second_paper": theirs[1][2]}
    if found.told:
        order = theirs[0][2] - theirs[1][2]
        kind = "told_level" if order == 0 else "told_as" if order > 0 else "told_against"
    return _of(kind, **values)


def _best(results: dict[str, Any]) -> list[dict[str, Any]]:
    """The arm of the highest class IoU, how near it comes to the ceiling, and the one of the least L1."""
    trained, means = results["arms"], results["means"]
    if len(trained) < 2:
        return []
    best = max(means, key=lambda arm: means[arm]["class_iou"]["value"])
    ceiling = results["limits"]["real"]["class_iou"]["value"]
    value = means[best]["class_iou"]["value"]
    found = [_of("best", arm=best, value=value, share=value / ceiling)]
    for term in [name for name in ("l1", "fid", "kid") if name in means[best]]:
        nearest = min(means, key=lambda arm: means[arm][term]["value"])
        values = {"term": term, "arm": nearest, "value": means[nearest][term]["value"], "best": best}
        if nearest == best:
            found.append(_of("nearest_same", **values))
            continue
        apart = difference(*([one[term] for one in trained[arm]] for arm in (best, nearest)))
        values |= {"difference": apart.value, "error": apart.error, "other": means[best][term]["value"]}
        found.append(_of("nearest_other" if apart.told else "nearest_alike", **values))
    return found


def cost(trained: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Of one arm: the least time of a step over seeds, for another process can only slow a training down."""
    one = min((arm["cost"] for arm in trained), key=lambda cost: cost["seconds"] / max(1, cost["steps"]))
    return one | {"milliseconds": 1e3 * one["seconds"] / max(1, one["steps"])}


def _costs(results: dict[str, Any]) -> dict[str, Any]:
    """What CycleGAN takes beside pix2pix."""
    values: dict[str, Any] = {}
    for name, arm in (("cycle", "cyclegan"), ("pix", "l1_cgan")):
        own = cost(results["arms"][arm])
        values |= {f"{name}_{key}": own[key] for key in ("seconds", "steps", "weights", "passes", "milliseconds")}
    return _of("cost", **values, ratio=values["cycle_milliseconds"] / max(1e-9, values["pix_milliseconds"]))


# ---------------------------------------------------------------------------------------------------------- tables


def tables(results: dict[str, Any]) -> list[dict[str, Any]]:
    """Each table with the paper's numbers beside ours, the ceiling and the floor; then what each arm cost."""
    means, limits = results["means"], results["limits"]
    extra = [term for term in ("fid", "kid") if term in next(iter(means.values()))]
    terms = ["pixel_accuracy", "class_accuracy", "class_iou"]
    columns = ["arm", *terms, "iou_error", "paper", "l1", "l1_error", *extra]
    rows = {}
    for name, measures in {**means, **limits}.items():
        ours = [measures[term]["value"] for term in terms]
        rest = [measures["l1"]["value"], measures["l1"]["error"]] if name != "real" else [None, None]
        more = [measures[term]["value"] if term in measures else None for term in extra]
        rows[name] = (ours, measures["class_iou"]["error"], rest + more)
    found = []
    for table, arms in results["plan"].items():
        cells = []
        for name in [*arms, *limits]:
            ours, error, rest = rows[name]
            cells.append([plans.called(table, name), *ours, error, _paper(table, name), *rest])
        found.append({"id": f"translation.{table}", "columns": columns, "rows": cells})
    costs = []
    for arm, trained in results["arms"].items():
        own = cost(trained)
        costs.append([arm, own["weights"], own["passes"], own["steps"], own["milliseconds"], own["seconds"]])
    heads = ["arm", "weights", "passes", "steps", "step_milliseconds", "seconds"]
    return [*found, {"id": "translation.cost", "columns": heads, "rows": costs}]


def _paper(table: str, arm: str) -> str | None:
    """The paper's three numbers as it prints them."""
    scores = plans.PAPER_REAL if arm == "real" else plans.PAPER[table].get(arm)
    return None if scores is None else " / ".join(f"{score:.2f}".lstrip("0") for score in scores)
