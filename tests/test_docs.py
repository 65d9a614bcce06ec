"""What the documentation claims: its closed forms against integrals of the estimators, its Python run as it stands."""

import re
from pathlib import Path

import pytest
import sympy as sp
import torch

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


@pytest.mark.parametrize("name", [name for name in FORMS if not name.startswith("eta")])
def test_gradients_closed_forms(name):
    kind, _, of = name.rpartition("_")
    mean, spread = moments(kind, F[of])
    assert sp.simplify(mean - FORMS[f"eta_{of}"]) == 0
    assert sp.simplify(spread - FORMS[name]) == 0
    assert sp.simplify(spread - FORMS[name] - σ**2 / 1000) != 0  # a form that is off is seen


def test_gradients_page_has_every_form():
    kinds = ("pathwise", "score", "score_mean", "score_optimal", "measure", "shared")
    assert set(FORMS) == {"eta_linear", "eta_square"} | {f"{k}_{of}" for k in kinds for of in F}


def test_eta_itself():
    for of, f in F.items():
        assert sp.simplify(sp.diff(normal(f(μ + σ * x)), μ) - FORMS[f"eta_{of}"]) == 0


@pytest.mark.parametrize("page", ["gradients.md", "divergences.md", "metrics.md"])
def test_python_of_the_pages(page):
    torch.manual_seed(0)
    names: dict = {}
    for block in re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL):
        exec(compile(block, page, "exec"), names)
    if page == "gradients.md":
        assert abs(names["mu"].grad - 0.242) < 0.01
