"""MIG and DCI where the answer is known: axes, rotations, independence, and matrices by hand."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import hypergeom
from stats import check_mean

from arzhang.errors import UsageError
from arzhang.metrics import disentanglement as d


def factors(n: int, seed: int = 0, values: tuple[int, ...] = (3, 6, 10)) -> torch.Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.stack([torch.randint(v, (n,), generator=rng) for v in values], 1).double()


def noise(n: int, columns: int, seed: int) -> torch.Tensor:
    return torch.randn(n, columns, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_a_code_along_the_axes_has_a_gap_of_one_up_to_the_bias():
    v = factors(20_000)
    code = torch.cat([noise(20_000, 1, 1), v[:, [2, 0, 1]] * torch.tensor([-2.0, 5.0, 0.1]), noise(20_000, 1, 2)], 1)
    found = d.mig(code, v)
    # each factor's information is whole, in a dimension of its own; the second best knows what chance lets it
    values = torch.tensor([3.0, 6.0, 10.0])
    chance = (d.BINS - 1) * (values - 1) / (2 * len(v)) / values.log()
    assert found.information.shape == (5, 3)  # not to be mistaken for its transpose
    assert found.information.argmax(0).tolist() == [2, 3, 1]
    assert found.information.max(0).values == pytest.approx([1.0] * 3, abs=1e-12)
    assert (1 - found.by_factor < 2.5 * chance).all()
    assert found.gap.value == pytest.approx(1, abs=0.01)
    assert 0 <= found.gap.uncertainty < 0.01


def test_a_permutation_of_a_dimensions_values_costs_nothing():
    v = factors(5_000)
    code = v.clone()
    code[:, 2] = torch.tensor([3.0, 1, 4, 0, 5, 9, 2, 6, 8, 7]).double()[v[:, 2].long()]
    assert d.mig(code, v).gap.value == pytest.approx(d.mig(v, v).gap.value, abs=1e-12)


def test_a_rotation_closes_the_gap():
    v = factors(20_000, values=(8, 8))
    turn = math.radians(45)
    rotation = torch.tensor([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]]).double()
    assert d.mig(v, v).gap.value > 0.99
    assert d.mig(v @ rotation, v).gap.value < 0.05
    assert d.dci(v[:3_000] @ rotation, v[:3_000]).disentanglement < 0.2
    assert d.dci(v[:3_000], v[:3_000]).disentanglement > 0.99


def test_information_is_that_of_a_known_channel():
    # v fair, z = v but for flips of probability 0.1: I = log 2 − h(0.1), exactly in a table of these counts
    v = torch.tensor([0.0, 1.0]).repeat(5_000)[:, None]
    z = v.clone()
    z[:1_000] = 1 - z[:1_000]
    h = -0.1 * math.log(0.1) - 0.9 * math.log(0.9)
    assert float(d.mig(z, v).information) == pytest.approx((math.log(2) - h) / math.log(2), abs=1e-12)
    assert d.mig(z, v).gap.value == pytest.approx(1 - h / math.log(2), abs=1e-12)  # one dimension: the second is 0


def test_independent_codes_know_what_chance_says():
    n, values = 800, 5
    v = torch.arange(values).double().repeat(n // values)[:, None]
    found = d.mig(noise(n, 1_000, 0), v).information[:, 0] * math.log(values)
    # of 800 images in 20 bins of 40, each bin's share of a value's 160 is hypergeometric
    law = hypergeom(n, n // values, n // d.BINS)
    k = np.arange(1, n // d.BINS + 1)
    pair = (law.pmf(k) * k / n * np.log(n * k / (n // values * n // d.BINS))).sum()
    check_mean(found, d.BINS * values * pair, planted=0.002)
    assert float(found.mean()) == pytest.approx((d.BINS - 1) * (values - 1) / (2 * n), rel=0.1)  # as the docstring says
    assert d.mig(noise(20_000, 5, 0), factors(20_000)).gap.value < 0.005


def test_concentration_by_hand():
    r = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.5, 0.5], [0.0, 0.0, 0.0], [0.0, 0.5, 0.5]]).double()
    half = 1 - math.log(2) / math.log(3)
    disentangled, complete = d.concentration(r)
    assert disentangled == pytest.approx((1 + 2 * half) / 3)  # rows weigh 1, 1, 0, 1
    assert complete == pytest.approx((1 + 2 * (1 - math.log(2) / math.log(4))) / 3)
    assert d.concentration(torch.zeros(2, 3).double()) == (0.0, 0.0)
    assert d.concentration(torch.ones(1, 2).double())[1] == pytest.approx(1)


def test_dci_tells_disentangled_from_complete():
    n = 2_000
    v = noise(n, 2, 0)
    # the first factor in two dimensions, each of which serves it alone: disentangled, not complete
    split = torch.stack([v[:, 0].clamp_min(0), v[:, 0].clamp_max(0), v[:, 1]], 1)
    found = d.dci(split, v)
    assert found.disentanglement > 0.95
    assert found.completeness < 0.85
    assert found.informativeness > 0.97
    chance = d.dci(noise(n, 3, 1), v)
    assert chance.informativeness < 0.05
    assert chance.disentanglement < 0.1
    assert found.importance.shape == (3, 2)


def test_dci_of_classes():
    v = factors(2_000, values=(3, 4))
    code = v + 0.01 * noise(2_000, 2, 0)
    assert d.dci(code, v, categorical=(0, 1)).by_factor.tolist() == pytest.approx([1.0, 1.0])
    assert abs(float(d.dci(noise(2_000, 2, 1), v, categorical=(0,)).by_factor[0])) < 0.1  # beyond chance


def test_refusals():
    v = factors(100)
    for function, phrase in (
        (lambda: d._check(v, v[:50]), "as many images"),
        (lambda: d.mig(v[:1], v[:1]), "at least two"),
        (lambda: d.mig(v * math.nan, v), "not finite"),
        (lambda: d.mig(v, torch.ones(100, 1)), "one value only"),
        (lambda: d.dci(v[:20], v[:20]), "at least 40"),
    ):
        with pytest.raises(UsageError, match=phrase):
            function()
