"""The study of transposed convolutions: what its checks see, and what it would say if something were wrong."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from arzhang import cli
from arzhang.networks.vae import Decoder
from arzhang.studies import transposed
from arzhang.studies.options import TransposedStudy
from arzhang.studies.transposed import Layer

FEW = TransposedStudy(side=(2, 5), kernel=(2, 3), stride=(1, 2), padding=(0, 1), output_padding=(0, 1), dilation=(1, 2))


@given(
    n=st.integers(1, 9), k=st.integers(1, 7), s=st.integers(1, 5), p=st.integers(0, 4), o=st.integers(0, 5),
    d=st.integers(1, 4),
)  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_the_formula_is_the_layers_own(n, k, s, p, o, d):
    # in single precision oneDNN gives an empty image, 0×0, in place of a refusal where the formula says 0
    layer = Layer(n, k, s, p, o, d)
    make = nn.ConvTranspose2d(1, 1, k, s, p, o, dilation=d, dtype=torch.float64)
    if layer.allowed:
        assert make(torch.zeros(1, 1, n, n, dtype=torch.float64)).shape[2:] == (layer.side, layer.side)
    else:
        with pytest.raises((RuntimeError, ValueError)):
            make(torch.zeros(1, 1, n, n, dtype=torch.float64))


def test_a_value_spreads_as_counted_by_hand():
    """One axis in plain loops: input i, tap j → output s·i + d·j − p."""
    rng = np.random.default_rng(0)
    for n, k, s, p, o, d in [(4, 3, 2, 1, 1, 1), (3, 2, 3, 0, 2, 1), (5, 3, 2, 2, 0, 2), (2, 4, 1, 1, 1, 2)]:
        layer = Layer(n, k, s, p, o, d)
        x, w = rng.normal(size=(n, n)), rng.normal(size=(k, k))
        y = np.zeros((layer.side, layer.side))
        for i, j, a, b in np.ndindex(n, n, k, k):
            row, column = s * i + d * a - p, s * j + d * b - p
            if 0 <= row < layer.side and 0 <= column < layer.side:
                y[row, column] += x[i, j] * w[a, b]
        x, w = (torch.from_numpy(part)[None, None] for part in (x, w))
        for found in (layer.make(w)(x), transposed.by_cropping(layer, x, w), transposed.by_zeros(layer, x, w)):
            assert np.abs(found[0, 0].numpy() - y).max() < 1e-12


WRONG = {
    "the dilation left out": lambda self: (self.n - 1) * self.s - 2 * self.p + self.k + self.o,
    "padding once": lambda self: (self.n - 1) * self.s - self.p + self.d * (self.k - 1) + self.o + 1,
    "a stride too many": lambda self: self.n * self.s - 2 * self.p + self.d * (self.k - 1) + self.o + 1,
    "no output padding": lambda self: (self.n - 1) * self.s - 2 * self.p + self.d * (self.k - 1) + 1,
    "of a convolution": lambda self: (self.n + 2 * self.p - self.d * (self.k - 1) - 1) // self.s + 1,
}


@pytest.mark.parametrize("error", WRONG)
def test_a_wrong_formula_is_found(error, monkeypatch):
    monkeypatch.setattr(transposed, "LAYERS", 64)
    rest = (transposed._matrices(), transposed._overlaps(FEW), transposed._arms(0), transposed._decoder())
    monkeypatch.setattr(Layer, "side", property(WRONG[error]))
    found = transposed._grid(FEW)
    assert found["sides"] < found["accepted"]
    said = [c["id"] for c in transposed._conclusions(found, *rest)]
    assert "transposed.formula_fails" in said
    assert "transposed.formula" not in said


def test_a_wrong_rule_of_refusal_is_found(monkeypatch):
    assert transposed._grid(FEW)["verdicts"] == 64
    monkeypatch.setattr(Layer, "allowed", property(lambda self: self.o < self.s and self.side >= 1))
    assert transposed._grid(FEW)["verdicts"] < 64


@pytest.mark.parametrize(("way", "key"), [("by_cropping", "crop_error"), ("by_zeros", "zeros_error")])
def test_a_wrong_other_way_is_found(way, key, monkeypatch):
    assert transposed._grid(FEW)[key] < 1e-12
    right = getattr(transposed, way)
    monkeypatch.setattr(transposed, way, lambda layer, x, w: right(layer, x, w.flip(2)))
    assert transposed._grid(FEW)[key] > 0.1


def test_the_transpose_is_one(monkeypatch):
    assert transposed._matrices()["error"] == 0
    grid = transposed._grid(FEW)
    assert grid["restored"] > 20
    assert grid["product_error"] < 1e-12
    monkeypatch.setattr(
        Layer,
        "convolution",
        lambda self, x, w: F.conv2d(x, w.flip(2, 3), stride=self.s, padding=self.p, dilation=self.d),
    )
    assert transposed._matrices()["error"] > 1
    assert transposed._grid(FEW)["product_error"] > 0.1


def test_reach_and_what_is_even():
    assert transposed.coverage(3, 2).tolist() == [[4, 2], [2, 1]]
    assert transposed.coverage(2, 3).sum() == 4  # of nine outputs five are reached by none
    assert transposed.unevenness(transposed.coverage(3, 2)) == pytest.approx(19 / 81)  # (25/4 − 81/16) / (81/16)
    assert all(transposed.unevenness(transposed.coverage(k, s)) == 0 for k, s in [(2, 2), (4, 2), (6, 3), (5, 1)])


def test_power_of_a_known_pattern():
    """a + b·(−1)^(i + j): b² of a² + b² has period 2; a slow wave is power, but not at the stride."""
    i = torch.arange(8.0, dtype=torch.float64)
    board = (-1) ** (i[:, None] + i)
    assert transposed.share_at_stride((3 + 2 * board)[None, None], 2) == pytest.approx(4 / 13)
    wave = torch.cos(2 * torch.pi * i / 8).expand(8, 8)
    assert transposed.share_at_stride((3 + 2 * wave)[None, None], 2) == pytest.approx(0, abs=1e-12)


def test_the_study(tmp_path, capsys):
    out = tmp_path / "out"
    assert cli.main(["study", "transposed", "--side", "1", "5", "--kernel", "2", "3", "--out", str(out)]) == 0
    found = json.loads((out / "transposed.json").read_text(encoding="utf-8"))
    said = {c["id"].removeprefix("transposed."): c["values"] for c in found["conclusions"]}
    assert {"formula", "refused", "ways", "transpose", "decoder", "even", "worst", "weights"} == said.keys()
    # Four groups of weights with independent sums: a share of 1 − 1/4, and the power of each goes with its reach.
    assert said["weights"]["three_share"] == pytest.approx(0.75, abs=0.03)
    assert said["weights"]["four_share"] == pytest.approx(0.75, abs=0.03)
    assert said["weights"]["three_unevenness"] == pytest.approx(19 / 81, abs=0.03)
    assert said["weights"]["four_unevenness"] < 0.01
    assert max(said["weights"]["bilinear_share"], said["weights"]["resize_share"]) < 1e-12
    decoder = next(t for t in found["tables"] if t["id"] == "transposed.decoder")["rows"]
    assert [row[1] for row in decoder] == ["16×7×7", "8×14×14", "1×28×28"]
    layers = [module for module in Decoder() if isinstance(module, nn.ConvTranspose2d)]
    assert [row[7] for row in decoder] == [sum(p.numel() for p in layer.parameters()) for layer in layers]
    reached = (out / "checkerboards.csv").read_text(encoding="utf-8")
    assert '"inputs that reach: kernel 3, stride 2",row 2,2,1.0,,' in reached  # pixels are data, too
    page = (out / "index.html").read_text(encoding="utf-8")
    assert page.count('role="img"') == len(found["figures"]) == 4
    same = TransposedStudy(**(dataclasses.asdict(TransposedStudy()) | {"side": (1, 5), "kernel": (2, 3)}))
    assert transposed._grid(same) == found["grid"]  # nothing is by chance
    assert transposed._arms(0)[0]["share"] == found["arms"][0]["share"]


@pytest.mark.parametrize(
    ("words", "phrase"),
    [
        (["--stride", "0"], "--stride 0: must be from 1 to 16"),
        (["--padding", "-1"], "--padding -1: must be from 0 to 16"),
        (["--output-padding", "17"], "--output-padding 17: must be from 0 to 16"),
        (["--kernel", "1.5"], "kernel"),
    ],
)
def test_refusals(words, phrase, tmp_path, capsys):
    assert cli.main(["study", "transposed", *words, "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert phrase in error
    assert not (tmp_path / "out").exists()
