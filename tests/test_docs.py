"""What the documentation claims: its closed forms against integrals of the estimators."""

import functools
import math
import re
from pathlib import Path

import pytest
import sympy as sp
import torch

from arzhang.gradients import MeasureValued, Pathwise, ScoreFunction
from arzhang.studies import exact
from arzhang.studies.expressions import integrand

DOCS = Path(__file__).parents[1] / "docs"
μ, x, w, v = sp.symbols("mu x w v", real=True)
σ, m = sp.symbols("sigma m", positive=True)
SYMBOLS = {"mu": μ, "sigma": σ, "m": m, "pi": sp.pi}
F = {"linear": lambda z: m * z, "square": lambda z: z**2}
NORMAL = sp.exp(-(x**2) / 2) / sp.sqrt(2 * sp.pi)


def forms(name: str) -> dict[str, sp.Expr]:
    """The `sympy` blocks of a page: name → expression."""
    text = (DOCS / name).read_text(encoding="utf-8")
    lines = "\n".join(re.findall(r"```sympy\n(.*?)```", text, re.DOTALL)).splitlines()
    pairs = [line.split("=", 1) for line in lines if line.strip()]
    return {left.strip(): sp.sympify(right, locals=SYMBOLS) for left, right in pairs}


FORMS = forms("gradients.md")


def normal(expression: sp.Expr) -> sp.Expr:
    """E over x ∼ N(0, 1)."""
    return sp.integrate(sp.expand(expression) * NORMAL, (x, -sp.oo, sp.oo))


def weibull(expression: sp.Expr, over: sp.Symbol) -> sp.Expr:
    """E over Weibull(shape 2, scale √2), density w·exp(−w²/2)."""
    return sp.integrate(sp.expand(expression) * over * sp.exp(-(over**2) / 2), (over, 0, sp.oo))


def variance(expression: sp.Expr) -> sp.Expr:
    return normal(expression**2) - normal(expression) ** 2


def moments(kind: str, f) -> tuple[sp.Expr, sp.Expr]:
    """(mean, variance) of one sample of an estimator of the gradient in μ."""
    z = μ + σ * x
    if kind == "pathwise":
        one = sp.diff(f(z), x) / σ  # f'(z)
    elif kind.startswith("score"):
        score = x / σ
        b = {
            "score": 0,
            "score_mean": normal(f(z)),
            "score_optimal": normal(f(z) * score**2) / normal(score**2),
        }[kind]
        one = (f(z) - b) * score
    else:
        c = 1 / (σ * sp.sqrt(2 * sp.pi))
        if kind == "shared":
            d = f(μ + σ * w) - f(μ - σ * w)
            mean = weibull(d, w)
            return c * mean, c**2 * (weibull(d**2, w) - mean**2)
        d = f(μ + σ * w) - f(μ - σ * v)
        mean = weibull(weibull(d, w), v)
        return c * mean, c**2 * (weibull(weibull(d**2, w), v) - mean**2)
    return normal(one), variance(one)


@functools.cache
def moment(symbol: sp.Symbol, k: int) -> sp.Expr:
    """E over x ∼ N(0, 1), w with Maxwell's density on both sides, v uniform on (0, 1)."""
    if symbol == v:
        return sp.integrate(v**k, (v, 0, 1))
    weight = NORMAL if symbol == x else w**2 * NORMAL.subs(x, w)
    return sp.integrate(symbol**k * weight, (symbol, -sp.oo, sp.oo))


def expected(polynomial: sp.Expr) -> sp.Expr:
    terms = sp.Poly(sp.expand(polynomial), x, w, v).terms()
    return sum(c * math.prod(moment(s, k) for s, k in zip((x, w, v), powers, strict=True)) for powers, c in terms)


def scale_moments(kind: str, f) -> tuple[sp.Expr, sp.Expr]:
    """The same of the gradient in σ; w is Maxwell's M, v is uniform."""

    z = μ + σ * x
    one = {
        "pathwise": sp.diff(f(z), x) / σ * x,
        "score": f(z) * (x**2 - 1) / σ,
        "measure": (f(μ + σ * w) - f(z)) / σ,
        "shared": (f(μ + σ * w) - f(μ + σ * w * v)) / σ,
    }[kind]
    return expected(one), expected(one**2) - expected(one) ** 2


KINDS = ("pathwise", "score", "score_mean", "score_optimal", "measure", "shared")
SCALE = ("scale_pathwise", "scale_score", "scale_measure", "scale_shared")


@pytest.mark.parametrize("name", [f"{kind}_{of}" for kind in (*KINDS, *SCALE) for of in F])
def test_gradients_closed_forms(name):
    kind, _, of = name.rpartition("_")
    if kind in SCALE:
        mean, spread = scale_moments(kind.removeprefix("scale_"), F[of])
        assert sp.simplify(mean - FORMS[f"eta_scale_{of}"]) == 0
    else:
        mean, spread = moments(kind, F[of])
        assert sp.simplify(mean - FORMS[f"eta_{of}"]) == 0
    assert sp.simplify(spread - FORMS[name]) == 0
    assert sp.simplify(spread - FORMS[name] - σ**2 / 1000) != 0  # a form that is off is seen


def test_gradients_page_has_every_form():
    others = {f"crossing_{c}" for c in ("sample", "evaluation", "shared")}
    assert set(FORMS) == others | {f"{k}_{of}" for k in (*KINDS, *SCALE, "eta", "eta_scale", "optimal") for of in F}


def test_optimal_baselines():
    for of, f in F.items():
        b = sp.Symbol("b")
        one = (f(μ + σ * x) - b) * x / σ
        best = sp.solve(sp.diff(expected(one**2) - expected(one) ** 2, b), b)
        assert [sp.simplify(found - FORMS[f"optimal_{of}"]) for found in best] == [0]


@pytest.mark.parametrize(
    ("name", "excess", "printed"),
    [
        ("sample", FORMS["measure_square"] - FORMS["pathwise_square"], 2.234),
        ("evaluation", 2 * FORMS["measure_square"] - FORMS["pathwise_square"], 1.153),
        ("shared", FORMS["shared_square"] - FORMS["measure_square"], 1.526),
    ],
)
def test_crossings(name, excess, printed):
    at = FORMS[f"crossing_{name}"]
    assert sp.simplify(excess.subs(μ, at)) == 0
    assert float((at / σ).evalf()) == pytest.approx(printed, abs=5e-4)
    assert float(excess.subs({μ: 0.9 * printed, σ: 1})) < 0 < float(excess.subs({μ: 1.1 * printed, σ: 1}))
    assert f"{printed}" in (DOCS / "gradients.md").read_text(encoding="utf-8")


def test_the_table_of_variances():
    """Every number of the table, to its last digit, from the exact curves."""
    estimators = [
        Pathwise(), ScoreFunction(), ScoreFunction("leave_one_out"), ScoreFunction("optimal"), MeasureValued(),
        MeasureValued("shared"), MeasureValued(),
    ]  # fmt: skip
    rows = re.findall(r"^\| `([a-z:0-9]+)`.*?\| (.*) \|$", (DOCS / "gradients.md").read_text(encoding="utf-8"), re.M)
    assert [name for name, _ in rows] == ["square", "linear:3", "sin", "exp:1", "cos:5", "step"]
    one = torch.ones(1, dtype=torch.float64)
    for name, cells in rows:
        printed = [cell.partition(",")[0].strip() for cell in cells.split("|")]
        assert len(printed) == len(estimators)
        for i, (text, estimator) in enumerate(zip(printed, estimators, strict=True)):
            truth = exact.variance(integrand(name).f, estimator, one, 1.0).item() * (2 if i == 6 else 1)
            assert float(text) == pytest.approx(truth, abs=0.501 * 10.0 ** -len(text.partition(".")[2])), (name, text)


def test_eta_itself():
    for of, f in F.items():
        assert sp.simplify(sp.diff(normal(f(μ + σ * x)), μ) - FORMS[f"eta_{of}"]) == 0
        assert sp.simplify(sp.diff(normal(f(μ + σ * x)), σ) - FORMS[f"eta_scale_{of}"]) == 0
