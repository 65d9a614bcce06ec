"""The statistical bounds themselves: they pass what is right and reject what is wrong, each way."""

import pytest
import torch
from stats import check_mean, check_variance, deviations


def normal(n: int = 100_000) -> torch.Tensor:
    return torch.randn(n, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def test_what_is_right_passes() -> None:
    check_mean(normal(), 0.0, planted=0.05)
    check_variance(normal(), 1.0, planted=0.06)


@pytest.mark.parametrize("bias", [0.03, -0.03])
def test_a_biased_mean_fails(bias: float) -> None:
    with pytest.raises(AssertionError, match="off by"):
        check_mean(normal() + bias, 0.0, planted=1.0)


@pytest.mark.parametrize("factor", [0.97, 1.03])
def test_a_wrong_variance_fails(factor: float) -> None:
    with pytest.raises(AssertionError, match="off by"):
        check_variance(normal() * factor, 1.0, planted=1.0)


def test_a_bound_too_wide_to_notice_anything_fails() -> None:
    with pytest.raises(AssertionError, match="would not notice"):
        check_mean(normal(1000), 0.0, planted=0.01)


def test_only_float64() -> None:
    with pytest.raises(AssertionError, match="float64"):
        check_mean(normal().float(), 0.0, planted=1.0)


def test_the_failure_rate_is_shared_among_all_checks() -> None:
    assert 5.5 < deviations() < 6.0
