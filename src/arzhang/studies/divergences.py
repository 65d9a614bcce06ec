"""Assignment 2a observed: the Cauchy–Schwarz divergence beside KL; where D_CS ≤ min KL holds, and where it fails."""

import dataclasses
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Categorical, Distribution, MixtureSameFamily, MultivariateNormal, Normal

from arzhang.divergences import cauchy_schwarz, kl
from arzhang.errors import UsageError
from arzhang.files import write_atomically
from arzhang.randomness import generator
from arzhang.report import figures
from arzhang.studies.options import DivergenceStudy
from arzhang.wording import words

RESULTS = "divergences.json"
LARGEST = 8
"""Dimensions of the random Gaussians, from 1 to this."""


def study(options: DivergenceStudy, out: Path, notify: Callable[[str], None] = print) -> dict[str, Any]:
    """Measure, compare, conclude. Writes `divergences.json` and the figures; returns what the JSON holds."""
    if options.pairs < LARGEST:
        raise UsageError(f"--pairs {options.pairs}: must be {LARGEST} or more")
    out.mkdir(parents=True, exist_ok=True)
    distances, ratios = _by_distance(), _by_ratio()
    failures, shrinking = _failures(), _shrinking()
    gaussians, mixtures = _gaussian_pairs(options), _mixture_pairs(options)
    notify(f"{len(gaussians['cs']):,} Gaussian pairs and {len(mixtures['cs']):,} mixture pairs")
    results = {
        "study": "divergences",
        "options": dataclasses.asdict(options),
        "distances": distances,
        "ratios": ratios,
        "failures": failures,
        "shrinking": shrinking,
        "gaussians": gaussians,
        "mixtures": mixtures,
        "conclusions": _conclusions(distances, ratios, failures, shrinking, gaussians, mixtures),
        "tables": [_table(failures)],
        "figures": [
            _draw_curves(distances, ratios, out),
            _draw_failures(failures, shrinking, out),
            _draw_map(gaussians, mixtures, out),
        ],
    }
    write_atomically(out / RESULTS, json.dumps(results, indent=1) + "\n")
    return results


def _t(value: float) -> Tensor:
    return torch.tensor(value, dtype=torch.float64)


def _grid(p: Distribution, q: Distribution) -> tuple[Tensor, Tensor, Tensor]:
    """(x, log p(x), log q(x)) so fine and so far out that the trapezoidal rule is exact to rounding."""
    x = torch.linspace(-60, 60, 480_001, dtype=torch.float64)
    return x, p.log_prob(x), q.log_prob(x)


def _cs_by_quadrature(p: Distribution, q: Distribution) -> float:
    x, log_p, log_q = _grid(p, q)
    pq, pp, qq = (torch.trapezoid((a + b).exp(), x).log() for a, b in ((log_p, log_q), (log_p, log_p), (log_q, log_q)))
    return float((pp + qq) / 2 - pq)


def _kl_by_quadrature(p: Distribution, q: Distribution) -> float:
    x, log_p, log_q = _grid(p, q)
    return float(torch.trapezoid(log_p.exp() * (log_p - log_q), x))


def _by_distance() -> dict[str, list[float]]:
    """Two normals of unit variance against the distance of their means: D_CS = δ²/4 = KL/2. (2a)"""
    δ = torch.linspace(0, 6, 49, dtype=torch.float64)
    p, q = Normal(torch.zeros_like(δ), 1.0), Normal(δ, 1.0)
    by_quadrature = [_cs_by_quadrature(Normal(_t(0.0), 1.0), Normal(d, 1.0)) for d in δ[::4]]
    return {
        "x": δ.tolist(), "cs": cauchy_schwarz(p, q).tolist(), "kl": kl(p, q).tolist(), "reverse": kl(q, p).tolist(),
        "quadrature_x": δ[::4].tolist(), "quadrature": by_quadrature,
    }  # fmt: skip


def _by_ratio() -> dict[str, list[float]]:
    """Two normals of equal mean against the ratio of their variances."""
    r = torch.logspace(math.log10(1 / 64), math.log10(64), 49, dtype=torch.float64)
    p, q = Normal(torch.zeros_like(r), 1.0), Normal(torch.zeros_like(r), r.sqrt())
    by_quadrature = [_cs_by_quadrature(Normal(_t(0.0), 1.0), Normal(_t(0.0), v.sqrt())) for v in r[::4]]
    return {
        "x": r.tolist(), "cs": cauchy_schwarz(p, q).tolist(), "kl": kl(p, q).tolist(), "reverse": kl(q, p).tolist(),
        "quadrature_x": r[::4].tolist(), "quadrature": by_quadrature,
    }  # fmt: skip


def _mixture(weights: list[float], means: list[float], scales: list[float]) -> MixtureSameFamily:
    w, m, s = (torch.tensor(v, dtype=torch.float64) for v in (weights, means, scales))
    return MixtureSameFamily(Categorical(w), Normal(m, s))


def _failures() -> list[dict[str, Any]]:
    """Two pairs for which the inequality is false: by convention, and by form."""
    unit = Normal(_t(0.0), _t(1.0))
    wide, spiked = Normal(_t(3.0), _t(2.0)), _mixture([0.7, 0.3], [0.0, 0.0], [1.0, 0.05])
    found: list[dict[str, Any]] = []
    for name, p, q, squared in (("squared", unit, wide, True), ("mixture", spiked, unit, False)):
        x = torch.linspace(-4, 8, 1201, dtype=torch.float64)
        found.append(
            {
                "name": name,
                "cs": float(cauchy_schwarz(p, q, squared)),
                "kl": _kl_by_quadrature(p, q),
                "reverse": _kl_by_quadrature(q, p),
                "x": x.tolist(),
                "p": p.log_prob(x).exp().tolist(),
                "q": q.log_prob(x).exp().tolist(),
            }
        )
    return found


def _shrinking() -> dict[str, list[float]]:
    """p = .7 N(0, 1) + .3 N(0, s²) against q = N(0, 1), as s goes to 0."""
    unit, scales = Normal(_t(0.0), _t(1.0)), [10 ** (-k / 4) for k in range(1, 13)]
    pairs = [_mixture([0.7, 0.3], [0.0, 0.0], [1.0, s]) for s in scales]
    return {
        "x": scales,
        "cs": [float(cauchy_schwarz(p, unit)) for p in pairs],
        "reverse": [_kl_by_quadrature(unit, p) for p in pairs],
    }


def _gaussian_pairs(options: DivergenceStudy) -> dict[str, list[float]]:
    rng = generator(options.seed, "divergences", "gaussians")
    cs, least = [], []
    for d in range(1, LARGEST + 1):
        n = options.pairs // LARGEST
        pair = []
        for _ in range(2):
            root = torch.randn(n, d, d, generator=rng, dtype=torch.float64)
            covariance = root @ root.mT / d + 0.05 * torch.eye(d, dtype=torch.float64)
            pair.append(MultivariateNormal(torch.randn(n, d, generator=rng, dtype=torch.float64), covariance))
        cs += cauchy_schwarz(pair[0], pair[1]).tolist()
        least += torch.minimum(kl(*pair), kl(pair[1], pair[0])).tolist()
    return {"cs": cs, "kl": least}


def _mixture_pairs(options: DivergenceStudy) -> dict[str, list[float]]:
    """Random pairs of mixtures of two components, their KLs by quadrature."""
    rng = generator(options.seed, "divergences", "mixtures")
    n = options.mixture_pairs
    weight = torch.rand(2, n, 1, generator=rng, dtype=torch.float64)
    weights = torch.cat([weight, 1 - weight], -1)
    means = 2 * torch.randn(2, n, 2, generator=rng, dtype=torch.float64)
    scales = torch.exp(0.8 * torch.randn(2, n, 2, generator=rng, dtype=torch.float64))
    pair = [MixtureSameFamily(Categorical(weights[i]), Normal(means[i], scales[i])) for i in range(2)]
    least = []
    for i in range(n):
        one, other = (MixtureSameFamily(Categorical(weights[j, i]), Normal(means[j, i], scales[j, i])) for j in (0, 1))
        x = torch.linspace(-40, 40, 40_001, dtype=torch.float64)
        log_p, log_q = one.log_prob(x), other.log_prob(x)
        forward = torch.trapezoid(log_p.exp() * (log_p - log_q), x)
        backward = torch.trapezoid(log_q.exp() * (log_q - log_p), x)
        least.append(float(torch.minimum(forward, backward)))
    return {"cs": cauchy_schwarz(pair[0], pair[1]).tolist(), "kl": least}


def _table(failures: list[dict[str, Any]]) -> dict[str, Any]:
    rows = [[{"id": f"divergences.pair.{f['name']}"}, f["cs"], f["kl"], f["reverse"]] for f in failures]
    return {"id": "divergences.failures", "columns": ["pair", "cs", "forward", "backward"], "rows": rows}


def _conclusions(
    distances: dict, ratios: dict, failures: list, shrinking: dict, gaussians: dict, mixtures: dict
) -> list[dict[str, Any]]:
    def stray(curve: dict) -> float:
        closed = dict(zip(curve["x"], curve["cs"], strict=True))
        pairs = zip(curve["quadrature_x"], curve["quadrature"], strict=True)
        return max(abs(closed[x] - value) for x, value in pairs)

    half = max(abs(c - k / 2) for c, k in zip(distances["cs"], distances["kl"], strict=True))
    above = [sum(c > k for c, k in zip(part["cs"], part["kl"], strict=True)) for part in (gaussians, mixtures)]
    largest = max(c / k for c, k in zip(gaussians["cs"], gaussians["kl"], strict=True))
    found: list[dict[str, Any]] = [
        {"id": "divergences.closed", "values": {"error": max(stray(distances), stray(ratios))}},
        {"id": "divergences.half", "values": {"error": half}},
        {
            "id": "divergences.gaussians" if not above[0] else "divergences.gaussians_fail",
            "values": {"n": len(gaussians["cs"]), "above": above[0], "largest": largest, "d": LARGEST},
        },
        {
            "id": "divergences.mixtures",
            "values": {"n": len(mixtures["cs"]), "above": above[1], "share": above[1] / len(mixtures["cs"])},
        },
    ]
    for f in failures:
        values = {"cs": f["cs"], "kl": min(f["kl"], f["reverse"]), "other": max(f["kl"], f["reverse"])}
        found.append({"id": f"divergences.fails_{f['name']}", "values": values})
    ends = {"first": shrinking["cs"][0], "last": shrinking["cs"][-1], "scale": shrinking["x"][-1]}
    found.append({"id": "divergences.shrinking", "values": ends | {"kl": max(shrinking["reverse"])}})
    return found


# ----------------------------------------------------------------------------------------------------------- figures


@figures.styled()
def _draw_curves(distances: dict, ratios: dict, out: Path) -> str:
    figure, panels = figures.panels(2, words("divergences.figure.curves"), size=(5.2, 3.6))
    for axes, curve, label in zip(panels, (distances, ratios), ("distance", "ratio"), strict=True):
        axes.plot(curve["x"], curve["cs"], color=figures.SERIES[0])
        axes.plot(curve["x"], curve["kl"], color=figures.SERIES[1])
        axes.plot(curve["x"], curve["reverse"], color=figures.SERIES[2], linestyle="--")
        axes.plot(curve["quadrature_x"], curve["quadrature"], "o", color=figures.SERIES[0], markersize=4)
        axes.set(xlabel=words(f"divergences.axis.{label}"), ylabel=words("divergences.axis.nats"))
    panels[1].set_xscale("log")
    panels[1].set_ylim(0, 4)
    figures.legend(
        figure,
        [
            (words("divergences.legend.cs"), figures.SERIES[0], "", "-"),
            (words("divergences.legend.quadrature"), figures.SERIES[0], "o", ""),
            (words("divergences.legend.kl"), figures.SERIES[1], "", "-"),
            (words("divergences.legend.reverse"), figures.SERIES[2], "", "--"),
        ],
    )
    return figures.save(figure, out, "curves")


@figures.styled()
def _draw_failures(failures: list[dict], shrinking: dict, out: Path) -> str:
    figure, panels = figures.panels(3, words("divergences.figure.failures"))
    for axes, f in zip(panels, failures, strict=False):
        axes.plot(f["x"], f["p"], color=figures.SERIES[0])
        axes.plot(f["x"], f["q"], color=figures.SERIES[1], linestyle="--")
        axes.set_title(words(f"divergences.pair.{f['name']}"), fontsize=10)
        values = {"cs": f["cs"], "kl": f["kl"], "reverse": f["reverse"]}
        note = words("divergences.note", values)
        axes.text(0.97, 0.95, note, transform=axes.transAxes, ha="right", va="top", fontsize=9)
        axes.set(xlabel="x", ylabel=words("divergences.axis.density"))
    last = panels[2]
    last.plot(shrinking["x"], shrinking["cs"], "o-", color=figures.SERIES[0], markersize=4)
    last.plot(shrinking["x"], shrinking["reverse"], "s--", color=figures.SERIES[2], markersize=4)
    last.set_xscale("log")
    last.set_title(words("divergences.shrinking_title"), fontsize=10)
    last.set(xlabel=words("divergences.axis.scale"), ylabel=words("divergences.axis.nats"))
    figures.legend(
        figure,
        [
            (words("divergences.legend.p"), figures.SERIES[0], "", "-"),
            (words("divergences.legend.q"), figures.SERIES[1], "", "--"),
            (words("divergences.legend.cs"), figures.SERIES[0], "o", "-"),
            (words("divergences.legend.reverse"), figures.SERIES[2], "s", "--"),
        ],
    )
    return figures.save(figure, out, "failures")


@figures.styled()
def _draw_map(gaussians: dict, mixtures: dict, out: Path) -> str:
    figure, panels = figures.panels(2, words("divergences.figure.map"), size=(4.8, 4.2))
    for axes, pairs, name in zip(panels, (gaussians, mixtures), ("gaussians", "mixtures"), strict=True):
        shown = slice(0, None, max(1, len(pairs["cs"]) // 1_500))  # more cannot be seen, and make a page heavy
        x, y = torch.tensor(pairs["kl"])[shown], torch.tensor(pairs["cs"])[shown]
        over = y > x
        axes.plot(x[~over], y[~over], ".", color=figures.SERIES[0], markersize=3, alpha=0.6)
        axes.plot(x[over], y[over], "x", color=figures.SERIES[1], markersize=5)
        ends = [max(float(x.min()), 1e-3), float(x.max())]
        axes.plot(ends, ends, color=figures.SOFT, linewidth=1)
        axes.set(xscale="log", yscale="log")
        axes.set_title(words(f"divergences.{name}_title"), fontsize=11)
        axes.set(xlabel=words("divergences.axis.least"), ylabel=words("divergences.legend.cs"))
    figures.legend(
        figure,
        [
            (words("divergences.legend.below"), figures.SERIES[0], ".", ""),
            (words("divergences.legend.above"), figures.SERIES[1], "x", ""),
            (words("divergences.legend.equal"), figures.SOFT, "", "-"),
        ],
    )
    return figures.save(figure, out, "map")
