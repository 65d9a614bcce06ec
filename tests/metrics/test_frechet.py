"""The Fréchet distance: closed forms, few samples, dead features, identical sets, others' formula, its jackknife."""

import math
import warnings

import numpy as np
import pytest
import torch
from scipy import linalg

from arzhang.errors import UsageError
from arzhang.metrics import frechet as fd


def draw(n: int, d: int, seed: int = 0, shift: float = 0.0, scale: float = 1.0) -> torch.Tensor:
    g = torch.Generator().manual_seed(seed)
    mixing = torch.randn(d, d, generator=torch.Generator().manual_seed(99), dtype=torch.float64) / math.sqrt(d)
    return scale * torch.randn(n, d, generator=g, dtype=torch.float64) @ mixing + shift


def value(a: torch.Tensor, b: torch.Tensor) -> float:
    return float(fd.distance(fd.reference(fd.sums(a).moments()), fd.sums(b).moments()).value)


def published_formula(a: torch.Tensor, b: torch.Tensor) -> float:
    """As pytorch-fid and torch-fidelity compute it, through SciPy's square root of a matrix."""
    x, y = a.numpy(), b.numpy()
    s, t = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    root = linalg.sqrtm(s @ t)
    difference = x.mean(0) - y.mean(0)
    return float(difference @ difference + np.trace(s) + np.trace(t) - 2 * np.trace(root.real))


@pytest.mark.parametrize(("d", "shift", "scale"), [(1, 2.0, 1.0), (3, 0.0, 2.0), (5, 1.5, 0.5)])
def test_diagonal_gaussians_in_closed_form(d, shift, scale):
    one = fd.Moments(0, torch.zeros(d).double(), torch.eye(d).double())
    other = fd.Moments(0, torch.full((d,), shift).double(), scale**2 * torch.eye(d).double())
    found = fd.distance(fd.reference(one), other)
    assert float(found.value) == pytest.approx(d * shift**2 + d * (1 - scale) ** 2, abs=1e-12)
    assert float(found.mean_part) == pytest.approx(d * shift**2)


def test_parity_with_the_published_formula():
    a, b = draw(20_000, 64), draw(20_000, 64, seed=1, shift=0.1, scale=1.1)
    assert value(a, b) == pytest.approx(published_formula(a, b), rel=1e-6)
    roots = np.sqrt(np.linalg.eigvals(np.cov(a.numpy().T) @ np.cov(b.numpy().T)).astype(complex)).real.sum()
    difference = (a.mean(0) - b.mean(0)).square().sum()  # torch-fidelity's way: eigenvalues of a product
    assert value(a, b) == pytest.approx(float(difference + a.var(0).sum() + b.var(0).sum() - 2 * roots), rel=1e-6)


@pytest.mark.parametrize("d", [96, 300])
def test_a_wide_spectrum_loses_nothing(d):
    """Variances from 1 to 10⁻⁶, whose products reach down to 10⁻¹²: beside singular values, which are not squared."""
    scale = torch.logspace(0, -3, d).double()
    a, b = draw(3 * d, d) * scale, draw(2 * d, d, seed=1) * scale
    assert value(a, b) == pytest.approx(float(fd.distance_of_features(a, b).value), rel=1e-10)
    assert abs(value(a, a)) < 1e-10
    half = b * (torch.arange(d) % 2)  # features that one side has and the other has not
    for one, other in ((a, half), (half, a)):
        assert value(one, other) == pytest.approx(float(fd.distance_of_features(one, other).value), rel=1e-9)


def test_parity_with_the_peers_themselves():
    """Where they are installed (`python -m bench parity` does it at 2,048 dimensions and for whole folders)."""
    pytorch_fid = pytest.importorskip("pytorch_fid.fid_score")
    torch_fidelity = pytest.importorskip("torch_fidelity.metric_fid")
    a, b = draw(20_000, 64), draw(20_000, 64, seed=1, shift=0.1, scale=1.1)
    one, other = ({"mu": x.mean(0).numpy(), "sigma": np.cov(x.numpy(), rowvar=False)} for x in (a, b))
    theirs = torch_fidelity.fid_statistics_to_metric(one, other, False)["frechet_inception_distance"]
    assert value(a, b) == pytest.approx(theirs, rel=1e-6)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of an argument that SciPy will take no longer
        theirs = pytorch_fid.calculate_frechet_distance(*one.values(), *other.values())
    assert value(a, b) == pytest.approx(theirs, rel=1e-6)


def test_identical_sets_are_at_zero():
    for a in (draw(5_000, 64), draw(5_000, 64) * (torch.arange(64) % 2)):  # half of the features dead
        assert abs(value(a, a)) < 1e-6
    few = draw(40, 128)
    assert abs(float(fd.distance_of_features(few, few).value)) < 1e-6
    assert value(few, few) > -1e-9


def test_fewer_images_than_dimensions():
    a, b = draw(60, 256), draw(50, 256, seed=1, shift=0.05)
    by_features = float(fd.distance_of_features(a, b).value)
    exact = _by_eigenvalues_of_the_gram(a, b)
    assert by_features == pytest.approx(exact, rel=1e-8)
    assert value(a, b) == pytest.approx(exact, rel=1e-6)


def _by_eigenvalues_of_the_gram(a: torch.Tensor, b: torch.Tensor) -> float:
    x, y = ((m - m.mean(0)) / math.sqrt(len(m) - 1) for m in (a, b))
    # eig(ΣΣ') without zero are those of (xyᵀ)(yxᵀ), a small matrix
    cross = x @ y.T
    roots = torch.linalg.eigvalsh(cross @ cross.T).clamp_min(0).sqrt().sum()
    shift = (a.mean(0) - b.mean(0)).square().sum()
    return float(shift + x.square().sum() + y.square().sum() - 2 * roots)


def test_streaming_is_the_same_whatever_the_batches():
    a = draw(1_003, 16) + 1_000  # far from zero, where naive sums of squares cancel
    whole = fd.sums(a).moments()
    parts = fd.Sums(16)
    for part in a.split(37):
        parts.add(part)
    found = parts.moments()
    assert torch.allclose(found.covariance, whole.covariance, atol=1e-9)
    assert torch.allclose(whole.covariance, torch.cov(a.T), atol=1e-9)
    assert torch.allclose(whole.mean, a.mean(0))
    assert found.n == 1_003
    joined = fd.pooled([fd.sums(a[:400]).moments(), fd.sums(a[400:]).moments()])
    assert torch.allclose(joined.covariance, whole.covariance, atol=1e-9)


def test_one_group_left_out_is_the_rest():
    a = draw(200, 8)
    kept = torch.arange(200) % fd.GROUPS != 3
    found = fd.sums(a).moments(without=3)
    assert torch.allclose(found.covariance, torch.cov(a[kept].T))
    assert found.n == 180


def test_differentiable():
    a, b = draw(300, 6), draw(20, 6, seed=1).requires_grad_()
    fixed = fd.reference(fd.sums(a).moments())

    def by_moments(x):
        return fd.distance(fixed, fd.Moments(len(x), x.mean(0), torch.cov(x.T))).value

    assert torch.autograd.gradcheck(by_moments, (b,))
    few, other = draw(7, 12).requires_grad_(), draw(6, 12, seed=2).requires_grad_()
    assert torch.autograd.gradcheck(lambda x, y: fd.distance_of_features(x, y).value, (few, other))


def test_the_jackknife_is_the_spread_over_sets():
    fixed = fd.reference(fd.sums(draw(20_000, 8)).moments())
    found = [fd.frechet(fixed, fd.sums(draw(1_000, 8, seed=s, shift=0.2))) for s in range(10, 60)]
    values = torch.tensor([e.value for e in found])
    error = sum(e.uncertainty for e in found) / len(found)
    assert 0.6 < error / float(values.std()) < 1.6


def test_infinity_takes_the_bias_away():
    d = 24
    fixed = fd.reference(fd.Moments(0, torch.zeros(d).double(), torch.cov(draw(400_000, d).T)))
    made = draw(2_000, d, seed=5).numpy()
    plain = float(fd.distance(fixed, fd.sums(made).moments()).value)
    found = fd.frechet_infinity(fixed, made, torch.Generator().manual_seed(0), least=200)
    assert abs(found.value) < plain / 2  # the truth is 0
    assert found.uncertainty is not None


def test_published_statistics(tmp_path):
    a = draw(500, 4)
    moments = fd.sums(a).moments()
    np.savez(tmp_path / "s.npz", mu=moments.mean.numpy(), sigma=moments.covariance.numpy())
    found = fd.published(str(tmp_path / "s.npz"))
    assert torch.equal(found.mean, moments.mean)
    assert torch.equal(found.covariance, moments.covariance)
    np.savez(tmp_path / "bad.npz", mu=np.zeros(3), sigma=np.zeros((2, 2)))
    np.savez(tmp_path / "nan.npz", mu=np.zeros(2), sigma=np.full((2, 2), np.nan))
    np.savez(tmp_path / "crooked.npz", mu=np.zeros(2), sigma=np.array([[1.0, 0.5], [0.0, 1.0]]))
    (tmp_path / "cut.npz").write_bytes((tmp_path / "s.npz").read_bytes()[:100])
    np.savez(tmp_path / "pickle.npz", mu=np.array([{}], dtype=object), sigma=np.zeros((2, 2)))
    for name in ("bad.npz", "pickle.npz", "none.npz", "nan.npz", "crooked.npz", "cut.npz"):
        with pytest.raises(UsageError, match=name.replace(".", r"\.")):
            fd.published(str(tmp_path / name))


def test_refusals():
    with pytest.raises(UsageError, match="at least two"):
        fd.sums(draw(1, 3)).moments()
    with pytest.raises(UsageError, match="not finite"):
        fd.sums(torch.full((3, 2), float("nan")))
    with pytest.raises(UsageError, match="two different networks"):
        value(draw(10, 3), draw(10, 4))
