"""Assignment 3f and 3h observed: what each image metric sees, by spoiling images in known ways."""

import dataclasses
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from scipy import stats
from torch import Tensor
from torchvision.transforms import InterpolationMode
from torchvision.transforms.functional import gaussian_blur, resize

from arzhang import assembly, devices, pictures, recipes
from arzhang.data import images as data
from arzhang.errors import UsageError
from arzhang.files import write_atomically
from arzhang.metrics import frechet, kernel, neighbours, scores
from arzhang.metrics.features import PROTOCOLS, Extractor, inception_extractor
from arzhang.metrics.verdict import direction
from arzhang.randomness import generator, mix
from arzhang.studies import metric_figures
from arzhang.studies.features import extractor
from arzhang.studies.options import MetricStudy

RESULTS = "metrics.json"
Notify = Callable[[str], None]
Level = float | str
LEVELS: dict[str, tuple[Level, ...]] = {
    "blur": (0.5, 1.0, 1.5, 2.0, 3.0),
    "noise": (0.02, 0.05, 0.1, 0.2, 0.4),
    "modes": (1.0, 2.0, 4.0, 6.0, 8.0),
    "copies": (2.0, 5.0, 10.0, 25.0, 100.0),
    "fewer": (2.0, 4.0, 8.0, 16.0),
    "resize": ("bicubic", "bilinear", "aliased", "nearest"),
}
"""Standard deviation in pixels; of the grey range; classes left out; times that each image is there; the n-th part of
the images; to 5/7 of the side and back by this rule."""
UNORDERED = ("resize",)
"""What has no mildest level."""
BETTER = {
    name: direction(name) for name in ("fd", "kid", "precision", "recall", "density", "coverage", "sliced_wasserstein")
}
"""Which way each metric goes when images are better."""
CHANCE = 1e-3
"""How often an untouched set is said to be seen."""


class Verdict(NamedTuple):
    """Whether a metric sees a way of spoiling images."""

    kind: str
    """worse: it says so; better: it is fooled; blind: neither."""
    level: int
    """From this level on (the mildest is 0)."""


def study(options: MetricStudy, out: Path, notify: Notify = print) -> dict[str, Any]:
    """Spoil, measure, compare with chance. Writes `metrics.json`, figure and sheet; returns what the JSON holds."""
    _check(options)
    out.mkdir(parents=True, exist_ok=True)
    device = devices.device(options.accelerator)
    parts = data.load(dataset=options.dataset, device=device, notify=notify)
    if options.n > len(parts.validation) or options.n * options.repeats > len(parts.train):
        held = f"{len(parts.validation):,} images to validate and {len(parts.train):,} to train"
        raise UsageError(f"--n {options.n} --repeats {options.repeats}: {options.dataset} has {held}")
    seen = extractor(options, out, notify)
    name = "fid" if seen.protocol["network"].startswith("FID") else "fd"
    sets = _Sets(options, parts, seen)
    untouched = [sets.measured(sets.untouched(r)) for r in range(options.repeats)]
    floor = {m: _summary([values[m] for values in untouched]) for m in BETTER}
    curves: dict[str, list[dict[str, Any]]] = {}
    for kind, levels in LEVELS.items():
        notify(f"{kind}: {', '.join(map(_short, levels))}")
        curves[kind] = [{"level": level, **sets.spoilt(kind, level)} for level in levels]
    found = {
        m: {kind: signs([step[m] for step in steps], floor[m], BETTER[m]) for kind, steps in curves.items()}
        for m in BETTER
    }
    reach = bound(options.repeats) * math.sqrt(1 + 1 / options.repeats)
    vae = _vae(options, sets) if options.run else {}
    protocols = _protocols(options, parts) if options.features == "inception" else {}
    results = {
        "study": "metrics",
        "options": dataclasses.asdict(options),
        "distance": name,
        "protocol": {**seen.protocol, "n": options.n, "reference": "validation images"},
        "data": parts.sha256,
        "floor": floor,
        "curves": curves,
        "signs": found,
        "vae": vae,
        "protocols": protocols,
        "conclusions": _conclusions(options, name, floor, curves, found, vae, protocols),
        "tables": _tables(options, name, floor, curves, found, vae, protocols),
        "figures": [metric_figures.draw(name, floor, curves, reach, BETTER, vae, out)],
        "pictures": _sheet(sets, out),
    }
    write_atomically(out / RESULTS, json.dumps(results, indent=1) + "\n")
    return results


def _check(options: MetricStudy) -> None:
    for flag, least, value in (("--n", 128, options.n), ("--repeats", 3, options.repeats)):
        if value < least:
            raise UsageError(f"{flag} {value}: must be at least {least}")
    if options.run and not (Path(options.run) / "config.yaml").is_file():
        raise UsageError(f"--run {options.run}: no run of Arzhang")


# --------------------------------------------------------------------------------------------------------- spoiling


def spoil(
    images: Float[Tensor, "n C H W"], kind: str, level: Level, rng: torch.Generator | None = None
) -> Float[Tensor, "n C H W"]:
    """Images in [0, 1], blurred, with noise, or resized to 5/7 of their side and back."""
    if kind == "blur":
        radius = min(math.ceil(3 * float(level)), images.shape[-1] - 1)
        return gaussian_blur(images, [2 * radius + 1] * 2, [float(level)] * 2)
    if kind == "noise":
        noise = torch.randn(images.shape, generator=rng, device=rng.device if rng else "cpu")
        return (images + float(level) * noise.to(images.device)).clamp(0, 1)
    mode, antialias = {
        "bicubic": (InterpolationMode.BICUBIC, True),
        "bilinear": (InterpolationMode.BILINEAR, True),
        "aliased": (InterpolationMode.BILINEAR, False),
        "nearest": (InterpolationMode.NEAREST, False),
    }[str(level)]
    side = images.shape[-1]
    for size in (side * 5 // 7, side):
        images = resize(images, [size, size], mode, antialias=antialias)
    return images.clamp(0, 1)  # bicubic reaches beyond


class _Sets:
    """Sets of training images, untouched and spoilt, as features; and their distances from the validation images."""

    def __init__(self, options: MetricStudy, parts: data.Splits, seen: Extractor) -> None:
        self.options, self.images, self.seen = options, parts.train, seen
        self.order = torch.randperm(len(parts.train), generator=generator(options.seed, "metrics", "order"))
        labels = parts.train.labels
        assert labels is not None
        self.labels = labels.cpu()[self.order]
        classes = int(self.labels.max()) + 1
        self.dropped = torch.randperm(classes, generator=generator(options.seed, "metrics", "classes"))
        first = torch.arange(options.n)
        self.validation = parts.validation.batch(first.to(parts.validation.device))
        self.real = self.features(self.validation)
        self.reference = frechet.reference(frechet.sums(self.real).moments()) if options.n > seen.dimensions else None

    def features(self, images: Float[Tensor, "n C H W"]) -> np.ndarray:
        return self.seen.rows(lambda: iter(images.split(scores.FED)), len(images), "features")

    def taken(self, places: Tensor) -> Float[Tensor, "n C H W"]:
        """Training images at these places of a random order."""
        return self.images.batch(self.order[places].to(self.images.device))

    def untouched(self, repeat: int) -> np.ndarray:
        n = self.options.n
        return self.features(self.taken(torch.arange(repeat * n, (repeat + 1) * n)))

    def measured(self, made: np.ndarray) -> dict[str, float]:
        """Every metric of one set of features."""
        if self.reference is not None and len(made) > made.shape[1]:
            distance = frechet.distance(self.reference, frechet.sums(made).moments())
        else:
            distance = frechet.distance_of_features(
                torch.from_numpy(np.array(self.real)), torch.from_numpy(np.array(made))
            )
        rng = generator(self.options.seed, "metrics", "directions")
        near = neighbours.prdc(self.real, made)._asdict()
        return {
            "fd": float(distance.value),
            "kid": kernel.kid(self.real, made).value,
            **{name: estimate.value for name, estimate in near.items()},
            "sliced_wasserstein": kernel.sliced_wasserstein(self.real, made, rng).value,
        }

    def spoilt(self, kind: str, level: Level) -> dict[str, Any]:
        """Every metric of the images spoilt in this way: mean, spread and number of sets."""
        n, rng = self.options.n, generator(self.options.seed, "metrics", kind, str(level))
        if kind == "fewer":
            draws = [self.untouched(r)[: n // int(level)] for r in range(self.options.repeats)]
        elif kind == "modes":
            kept = ~torch.isin(self.labels, self.dropped[: min(int(level), len(self.dropped) - 1)])
            places = kept.nonzero()[:, 0]
            draws = [self.features(self.taken(places[torch.arange(n) % len(places)]))]
        elif kind == "copies":
            distinct = max(8, n // int(level))
            draws = [self.features(self.taken(torch.arange(n) % distinct))]
        else:
            draws = [self.features(spoil(self.taken(torch.arange(n)), kind, level, rng))]
        found = [self.measured(made) for made in draws]
        return {m: _summary([values[m] for values in found]) for m in BETTER}


def _summary(values: Sequence[float]) -> dict[str, Any]:
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return {"value": float(np.mean(values)), "spread": spread, "sets": len(values)}


# ------------------------------------------------------------------------------------------------------- judging


def bound(repeats: int) -> float:
    """Standard errors beyond which a value is not put down to chance: two-sided Student's t for so many repeats."""
    return float(stats.t.isf(CHANCE / 2, repeats - 1))


def signs(steps: Sequence[dict[str, Any]], floor: dict[str, Any], better: int) -> list[int]:
    """Of each level: −1 where the metric says that images got worse, 1 better, 0 where chance may do as much.

    `floor` is the mean and spread over sets of untouched images; a step that is one set shares its spread.

    >>> floor = {"value": 1.0, "spread": 0.1, "sets": 10}
    >>> signs([{"value": v, "spread": None, "sets": 1} for v in (1.1, 0.1, 3.0)], floor, better=-1)
    [0, 1, -1]
    """
    found = []
    for step in steps:
        spread = floor["spread"] if step["spread"] is None else step["spread"]
        error = math.sqrt(spread**2 / step["sets"] + floor["spread"] ** 2 / floor["sets"])
        change = (step["value"] - floor["value"]) * better
        found.append(0 if abs(change) <= bound(floor["sets"]) * error else -1 if change < 0 else 1)
    return found


def verdict(signs: Sequence[int], ordered: bool = True) -> Verdict:
    """Seen: worse at every level from some level on; fooled: likewise better. Without an order: at any level.

    >>> verdict([0, -1, 0, -1, -1]), verdict([0, -1, 0], ordered=False)
    (Verdict(kind='worse', level=3), Verdict(kind='worse', level=1))
    """
    last = signs[-1] if ordered else -1 if -1 in signs else max(signs)
    if last == 0:
        return Verdict("blind", len(signs))
    start = len(signs) if ordered else signs.index(last)
    while ordered and start and signs[start - 1] == last:
        start -= 1
    return Verdict("worse" if last < 0 else "better", start)


# ------------------------------------------------------------------------------------------------ a VAE; protocols


def _vae(options: MetricStudy, sets: _Sets) -> dict[str, dict[str, float]]:
    """The same metrics of a VAE's reconstructions of the validation images, and of as many samples."""
    model = assembly.load(str(options.run), device=sets.images.device)
    if model.shape != sets.images.shape or not isinstance(model.recipe, recipes.VAE):
        raise UsageError(f"--run {options.run}: not a VAE of images of {sets.images.shape}")
    made = {
        "reconstructions": torch.cat([model.reconstruct(part) for part in sets.validation.split(scores.FED)]),
        "samples": model.sample(options.n, mix(options.seed, "metrics")),
    }
    return {which: sets.measured(sets.features(images)) for which, images in made.items()}


def _protocols(options: MetricStudy, parts: data.Splits) -> dict[str, dict[str, float]]:
    """FID of untouched training images, the validation images made ready by one protocol and they by another."""
    device = devices.device(options.accelerator)
    found: dict[str, dict[str, float]] = {}
    rows: dict[str, tuple[Tensor, Tensor]] = {}
    for name in PROTOCOLS:
        sets = _Sets(options, parts, inception_extractor(name, device=device, precision=options.feature_precision))
        rows[name] = (torch.from_numpy(np.array(sets.real)), torch.from_numpy(np.array(sets.untouched(0))))
    for one in PROTOCOLS:
        found[one] = {
            other: float(frechet.distance_of_features(rows[one][0], rows[other][1]).value) for other in PROTOCOLS
        }
    return found


def equivalent_blur(value: float, floor: float, steps: Sequence[dict[str, Any]]) -> float:
    """The blur, in pixels, at which training images have this distance; infinite beyond the strongest."""
    at = [0.0, *(float(step["level"]) for step in steps)]
    distances = np.maximum.accumulate([floor, *(step["fd"]["value"] for step in steps)])
    return float(np.interp(value, distances, at)) if value <= distances[-1] else math.inf


# -------------------------------------------------------------------------------------------------------- findings


def _metric(name: str, metric: str) -> dict[str, Any]:
    return {"id": f"metrics.name.{name if metric == 'fd' else metric}"}


def _conclusions(
    options: MetricStudy, name: str, floor: dict, curves: dict, found: dict, vae: dict, protocols: dict
) -> list[dict[str, Any]]:
    """What the numbers say, as data: the report words it."""
    said: list[dict[str, Any]] = []
    for m, row in found.items():
        for kind in ("worse", "better", "blind"):
            alike = [k for k, s in row.items() if verdict(s, k not in UNORDERED).kind == kind]
            listed = [{"id": f"metrics.kind.{k}"} for k in alike]
            if listed:
                told = {"metric": _metric(name, m), "kinds": listed}
                said.append({"id": f"metrics.{kind}", "values": told})
    last = curves["fewer"][-1]
    values: dict[str, Any] = {
        "metric": _metric(name, "fd"), "n": options.n, "few": options.n // int(last["level"]),
        "whole": floor["fd"]["value"], "part": last["fd"]["value"],
        "kid_whole": floor["kid"]["value"], "kid_part": last["kid"]["value"],
        "kid_error": last["kid"]["spread"] / math.sqrt(last["kid"]["sets"]),
    }  # fmt: skip
    said.append({"id": "metrics.bias", "values": values})
    for which, measured in vae.items():
        blur = equivalent_blur(measured["fd"], floor["fd"]["value"], curves["blur"])
        within = math.isfinite(blur)
        values = {"which": {"id": f"metrics.{which}"}, "metric": _metric(name, "fd"), "value": measured["fd"]}
        values |= {"blur": blur if within else float(curves["blur"][-1]["level"])}
        values |= {m: measured[m] for m in ("precision", "recall", "coverage")}
        said.append({"id": "metrics.like_blur" if within else "metrics.beyond_blur", "values": values})
    if protocols:
        same = [protocols[p][p] for p in protocols]
        mixed = [(protocols[p][q], p, q) for p in protocols for q in protocols if p != q]
        most, one, other = max(mixed)
        values = {"n": options.n, "low": min(same), "high": max(same), "least": min(mixed)[0], "most": most}
        said.append({"id": "metrics.protocols", "values": values | {"one": one, "other": other}})
    return said


def _short(level: Level) -> str:
    return level if isinstance(level, str) else f"{level:g}"


def _level(kind: str, level: Level) -> dict[str, Any]:
    return {"id": f"metrics.level.{kind}", "values": {"level": _short(level)}}


def _tables(
    options: MetricStudy, name: str, floor: dict, curves: dict, found: dict, vae: dict, protocols: dict
) -> list[dict[str, Any]]:
    """Which metric sees what; every number; and how protocols mix."""

    def cell(kind: str, signs: Sequence[int]) -> dict[str, Any]:
        v = verdict(signs, kind not in UNORDERED)
        if v.kind == "blind":
            return {"id": "metrics.cell.blind"}
        if kind in UNORDERED:
            seen = [_short(level) for level, sign in zip(LEVELS[kind], signs, strict=True) if sign == signs[v.level]]
            return {"id": f"metrics.cell.{v.kind}_each", "values": {"levels": seen}}
        return {"id": f"metrics.cell.{v.kind}", "values": {"level": _level(kind, LEVELS[kind][v.level])}}

    sees = [[_metric(name, m), *(cell(kind, own) for kind, own in row.items())] for m, row in found.items()]
    first = [{"id": "metrics.kind.floor"}, *(f"{floor[m]['value']:.4g} ± {floor[m]['spread']:.1g}" for m in BETTER)]
    rows: list[list[Any]] = [first]
    for kind, steps in curves.items():
        for step in steps:
            told = {"kind": {"id": f"metrics.kind.{kind}"}, "level": _level(kind, step["level"])}
            rows.append([{"id": "metrics.row", "values": told}, *(step[m]["value"] for m in BETTER)])
    rows += [[{"id": f"metrics.{which}"}, *(measured[m] for m in BETTER)] for which, measured in vae.items()]
    heads = [f"metrics_{name if m == 'fd' else m}" for m in BETTER]
    tables = [
        {"id": "metrics.sees", "columns": ["metric", *(f"metrics_{kind}" for kind in curves)], "rows": sees},
        {"id": "metrics.values", "columns": ["spoilt", *heads], "rows": rows},
    ]
    if protocols:
        mixed = [[p, *row.values()] for p, row in protocols.items()]
        tables.append({"id": "metrics.protocols", "columns": ["protocol", *protocols], "rows": mixed})
    return tables


def _sheet(sets: _Sets, out: Path) -> list[dict[str, Any]]:
    """The same ten images untouched and spoilt, a row each."""
    some = sets.taken(torch.arange(10))
    rows = [some]
    for kind in ("blur", "noise", "resize"):
        rows += [spoil(some, kind, level, generator(sets.options.seed, "sheet")) for level in LEVELS[kind]]
    pictures.write_sheet(torch.cat(rows), out / "spoilt.png")
    listed: dict[str, Any] = {kind: [_short(level) for level in LEVELS[kind]] for kind in ("blur", "noise", "resize")}
    return [{"file": "spoilt.png", "id": "metrics.sheet", "values": listed}]
