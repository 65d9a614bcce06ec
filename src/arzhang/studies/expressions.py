"""The functions f(z) of the gradient study: a few by name, any other as an expression of z, read without `eval`."""

import ast
import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from arzhang.errors import UsageError

Evaluate = Callable[[Tensor], Tensor]
Gradient = Callable[[Tensor, float], Tensor]


@dataclass(frozen=True)
class Integrand:
    """f, as the user wrote it, as it is printed, and d/dμ E[f] for z ∼ N(μ, σ²) where a closed form is known."""

    name: str
    label: str
    f: Evaluate
    gradient: Gradient | None = None


FUNCTIONS: dict[str, Evaluate] = {
    "sin": torch.sin, "cos": torch.cos, "tan": torch.tan, "exp": torch.exp, "log": torch.log, "sqrt": torch.sqrt,
    "abs": torch.abs, "tanh": torch.tanh, "sigmoid": torch.sigmoid, "relu": torch.relu, "sign": torch.sign,
}  # fmt: skip
OPERATIONS: dict[type, Callable] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.Pow: lambda a, b: a**b,
    ast.USub: lambda a: -a,
    ast.UAdd: lambda a: a,
    ast.Gt: lambda a, b: a > b,
    ast.GtE: lambda a, b: a >= b,
    ast.Lt: lambda a, b: a < b,
    ast.LtE: lambda a, b: a <= b,
}
CONSTANTS = {"pi": math.pi, "e": math.e}
LONGEST = 200


def integrand(text: str) -> Integrand:
    """f by its name (`square`, `linear:3`, `shifted:2`, `sin`, `exp:1`, `cos:5`, `step`) or as an expression of z.

    >>> integrand("z**2 + sin(3*z)").f(torch.tensor(0.0))
    tensor(0.)
    """
    if not text.isprintable():
        raise _unreadable(text, "it must be one line")
    name, _, argument = text.partition(":")
    named = {
        "square": _square,
        "linear": _linear,
        "shifted": _shifted,
        "sin": _sin,
        "exp": _exp,
        "cos": _cos,
        "step": _step,
    }
    if name in named:
        try:
            k = float(argument) if argument else 1.0
        except ValueError:
            raise UsageError(f"--f {text}: {argument!r} is not a number; e.g. {name}:2") from None
        if not math.isfinite(k) or (name in ("square", "step") and argument):
            raise UsageError(f"--f {text}: {name} takes {'no number' if math.isfinite(k) else 'a finite number'}")
        return named[name](text, k)
    return Integrand(text, text.replace("**", "^").replace("*", "·"), expression(text))


def expression(text: str) -> Evaluate:
    """A function of z from an arithmetic expression; nothing but numbers, z, pi, e, + − * / **, < >, and FUNCTIONS."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the parser, on what is refused below
            tree = ast.parse(text.strip(), mode="eval") if len(text) <= LONGEST else None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        tree = None
    if tree is None:
        raise _unreadable(text, f"not an expression of at most {LONGEST} characters")
    compute = _compiled(tree.body, text)
    if not any(isinstance(node, ast.Name) and node.id == "z" for node in ast.walk(tree)):
        raise _unreadable(text, "it does not contain z")

    def f(z: Tensor) -> Tensor:
        try:
            return compute(z)
        except (OverflowError, ZeroDivisionError) as error:
            raise _unreadable(text, str(error)) from None

    return f


def _unreadable(text: str, why: str) -> UsageError:
    known = "square, linear:3, shifted:2, sin, exp:1, cos:5, step"
    shown = text[:LONGEST] if text.isprintable() else ascii(text[:LONGEST])
    return UsageError(f"--f {shown}: {why}; there is {known}, or an expression of z such as 'z**2 + sin(3*z)'")


def _compiled(node: ast.expr, text: str) -> Callable[[Tensor], Tensor]:
    match node:
        case ast.Name(id="z"):
            return lambda z: z
        case ast.Name(id=name) if name in CONSTANTS:
            return lambda z: torch.as_tensor(CONSTANTS[name], dtype=z.dtype)
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return lambda z: torch.as_tensor(float(value), dtype=z.dtype)
        case ast.UnaryOp(op=op, operand=operand) if type(op) in OPERATIONS:
            inner = _compiled(operand, text)
            return lambda z: OPERATIONS[type(op)](inner(z))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATIONS:
            a, b = _compiled(left, text), _compiled(right, text)
            return lambda z: OPERATIONS[type(op)](a(z), b(z))
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in OPERATIONS:
            a, b = _compiled(left, text), _compiled(right, text)
            return lambda z: OPERATIONS[type(op)](a(z), b(z)).to(z.dtype)
        case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in FUNCTIONS:
            inner = _compiled(argument, text)
            return lambda z: FUNCTIONS[name](inner(z))
    part = ast.unparse(node)
    raise _unreadable(text, f"{part[:40]!r} is not understood")


def _number(k: float) -> str:
    return f"{k:g}".replace("-", "−")


def _square(text: str, k: float) -> Integrand:
    return Integrand(text, "z²", lambda z: z * z, lambda μ, σ: 2 * μ)


def _linear(text: str, k: float) -> Integrand:
    return Integrand(text, f"{_number(k)}z" if k != 1 else "z", lambda z: k * z, lambda μ, σ: torch.full_like(μ, k))


def _shifted(text: str, k: float) -> Integrand:
    return Integrand(
        text, f"(z {'−' if k >= 0 else '+'} {_number(abs(k))})²", lambda z: (z - k) ** 2, lambda μ, σ: 2 * (μ - k)
    )


def _sin(text: str, k: float) -> Integrand:
    # E[sin kz] = exp(−k²σ²/2) sin kμ
    return Integrand(
        text,
        f"sin {_number(k)}z" if k != 1 else "sin z",
        lambda z: torch.sin(k * z if k != 1 else z),
        lambda μ, σ: k * math.exp(-(k**2) * σ**2 / 2) * torch.cos(k * μ),
    )


def _cos(text: str, k: float) -> Integrand:
    # E[cos kz] = exp(−k²σ²/2) cos kμ
    return Integrand(
        text,
        f"cos {_number(k)}z" if k != 1 else "cos z",
        lambda z: torch.cos(k * z),
        lambda μ, σ: -k * math.exp(-(k**2) * σ**2 / 2) * torch.sin(k * μ),
    )


def _exp(text: str, k: float) -> Integrand:
    # E[exp(−kz²)] = exp(−kμ²/(1 + 2kσ²)) / √(1 + 2kσ²)
    if k < 0:
        raise UsageError(f"--f {text}: exp(−kz²) needs k ≥ 0: for others its variance is infinite")

    def gradient(μ: Tensor, σ: float) -> Tensor:
        s = 1 + 2 * k * σ**2
        return -2 * k * μ / s**1.5 * torch.exp(-k * μ**2 / s)

    return Integrand(text, f"exp(−{_number(k)}z²)" if k != 1 else "exp(−z²)", lambda z: torch.exp(-k * z * z), gradient)


def _step(text: str, k: float) -> Integrand:
    # E[1(z > 0)] = Φ(μ/σ)
    return Integrand(
        text,
        "1[z > 0]",
        lambda z: (z > 0).to(z.dtype),
        lambda μ, σ: torch.exp(-((μ / σ) ** 2) / 2) / (σ * math.sqrt(2 * math.pi)),
    )
