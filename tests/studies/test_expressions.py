"""f as users write it: what is understood, and that nothing else is, however it is dressed."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from arzhang.errors import UsageError
from arzhang.studies.expressions import CONSTANTS, FUNCTIONS, integrand

Z = torch.tensor([-1.5, 0.25, 2.0], dtype=torch.float64)


@pytest.mark.parametrize(
    ("text", "truth"),
    [
        ("square", lambda z: z * z),
        ("linear:-2", lambda z: -2 * z),
        ("shifted:-3", lambda z: (z + 3) ** 2),
        ("sin", math.sin),
        ("cos:5", lambda z: math.cos(5 * z)),
        ("exp:.5", lambda z: math.exp(-0.5 * z * z)),
        ("step", lambda z: float(z > 0)),
        ("z**2 - sin(3*z)/pi", lambda z: z**2 - math.sin(3 * z) / math.pi),
        ("-z + +e*abs(z)", lambda z: -z + math.e * abs(z)),
        ("(z >= 0.25) * (z < 2)", lambda z: float(0.25 <= z < 2)),
        ("2**-z", lambda z: 2**-z),
        ("sqrt(exp(z)) * tanh(z) + relu(z)", lambda z: math.exp(z / 2) * math.tanh(z) + max(z, 0)),
        ("1_000*z + 0x10", lambda z: 1000 * z + 16),
    ],
)
def test_what_is_understood(text, truth):
    expected = torch.tensor([truth(z) for z in Z.tolist()], dtype=torch.float64)
    torch.testing.assert_close(integrand(text).f(Z), expected, rtol=1e-12, atol=1e-12)


def test_every_function_and_constant():
    for name in FUNCTIONS:
        assert integrand(f"{name}(z)").f(Z.abs()).shape == Z.shape
    for name in CONSTANTS:
        assert integrand(f"{name}*z").f(Z).dtype == torch.float64


@pytest.mark.parametrize(
    ("text", "label"),
    [("shifted:-3", "(z + 3)²"), ("shifted:2", "(z − 2)²"), ("linear:-2", "−2z"), ("z**2*3", "z^2·3")],
)
def test_labels(text, label):
    assert integrand(text).label == label


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')", "z.__class__", "sin.__globals__", "(lambda: z)()", "[z for z in z]",
        "z if z else z", "z;z", "z:=3", "f'{z}'", "'z'", "z+1j", "True*z", "None", "...", "sin()", "sin(z,z)",
        "sin(x=z)", "sin(*z)", "z(3)", "z[0]", "z@z", "z//1", "z%2", "z^2", "~z", "not z", "z and z", "1<z<2", "z==1",
        "z is z", "z in z", "await z", "exec('1')", "torch.sin(z)", "open('/etc/passwd')", "getattr(z,'data')", "{z}",
        "(z,)", "", " ", "z\0", "z\n+1", "linear:3\n", "z²", "2z", "pi", "e*2", "z*'\\d'", "z" * 500, "(" * 199 + "z",
        "square:3", "step:1", "linear:nan", "linear:x", "exp:-1", "Square",
    ],
)  # fmt: skip
def test_what_is_not(text):
    with pytest.raises(UsageError) as caught:
        integrand(text)
    assert str(caught.value).isprintable()  # and so one line


def test_deep_and_huge():
    assert integrand("-" * 199 + "z").f(Z).tolist() == (-Z).tolist()
    assert integrand("(" * 99 + "z" + ")" * 99).f(Z).tolist() == Z.tolist()
    assert integrand("9**9**9**9*z").f(Z)[2] == math.inf  # in floating point: no huge integer is ever made


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="z0123456789.+-*/()<>=:, esincoqrtlabxp_'\"[]{}@", max_size=40))
def test_whatever_is_written_gives_numbers_or_one_line(text):
    said = ""
    try:
        assert integrand(text).f(Z).shape == Z.shape
    except UsageError as error:
        said = str(error)
    assert said.isprintable()
