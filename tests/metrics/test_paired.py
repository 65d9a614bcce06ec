"""Paired metrics: closed forms, the published formula of SSIM by hand, sizes, and LPIPS with a backbone of its own."""

import math

import pytest
import torch
import torch.nn.functional as F
from torchvision.models import alexnet

from arzhang.errors import ArzhangError, UsageError
from arzhang.metrics import paired, weights


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def ssim_by_hand(x: torch.Tensor, y: torch.Tensor) -> float:
    """Wang et al. 2004, equation 13, on one grey image, its edges reflected (as torchmetrics does)."""
    at = torch.arange(11.0).double() - 5
    window = torch.exp(-(at**2) / (2 * 1.5**2))
    window = torch.outer(window, window) / window.sum() ** 2

    def mean(image: torch.Tensor) -> torch.Tensor:
        padded = F.pad(image.double()[None, None], (5, 5, 5, 5), mode="reflect")
        return F.conv2d(padded, window[None, None])[0, 0]

    μ, ν = mean(x), mean(y)
    σ, τ, cross = mean(x * x) - μ**2, mean(y * y) - ν**2, mean(x * y) - μ * ν
    c1, c2 = 0.01**2, 0.03**2
    return float(((2 * μ * ν + c1) * (2 * cross + c2) / ((μ**2 + ν**2 + c1) * (σ + τ + c2))).mean())


def test_errors_of_constants_in_closed_form():
    levels = torch.tensor([0.5, 0.25]).view(2, 1, 1, 1)
    found = paired.measures(torch.zeros(2, 3, 16, 16), levels.expand(2, 3, 16, 16))
    assert found["l1"].tolist() == pytest.approx([0.5, 0.25])
    assert found["mse"].tolist() == pytest.approx([0.25, 0.0625])
    assert found["psnr"].tolist() == pytest.approx([20 * math.log10(2), 20 * math.log10(4)])
    # without structure SSIM is its first factor: c₁ / (level² + c₁) beside black
    assert found["ssim"].tolist() == pytest.approx([1e-4 / (x**2 + 1e-4) for x in (0.5, 0.25)], rel=1e-3)


def test_ssim_is_the_papers_formula():
    x, y = draw(3, 1, 20, 24), draw(3, 1, 20, 24, seed=1)
    found = paired.measures(x, (x + y) / 2)["ssim"]
    for value, a, b in zip(found, x[:, 0], ((x + y) / 2)[:, 0], strict=True):
        assert float(value) == pytest.approx(ssim_by_hand(a, b), abs=1e-5)


def test_equal_images():
    x = draw(2, 3, 180, 176)
    found = paired.measures(x, x)
    assert found["l1"].tolist() == found["mse"].tolist() == [0, 0]
    assert found["psnr"].tolist() == [math.inf, math.inf]
    assert found["ssim"].tolist() == pytest.approx([1, 1], abs=1e-6)
    assert found["ms_ssim"].tolist() == pytest.approx([1, 1], abs=1e-6)


def test_every_image_has_its_own_number():
    x, y = draw(4, 3, 176, 176), draw(4, 3, 176, 176, seed=1)
    together = paired.measures(x, y)
    assert set(together) == set(paired.UNITS) - {"lpips"}
    alone = paired.measures(x[2:3], y[2:3])
    for name, values in together.items():
        assert values.shape == (4,)
        assert values.dtype == torch.float64
        assert float(values[2]) == pytest.approx(float(alone[name]), abs=1e-5)
    grey = paired.measures(x[:, :1], y[:, :1])
    repeated = paired.measures(x[:, :1].repeat(1, 3, 1, 1), y[:, :1].repeat(1, 3, 1, 1))
    assert all(torch.allclose(grey[name], repeated[name], atol=1e-5) for name in grey)
    assert "ms_ssim" not in paired.measures(x[:, :, :175], y[:, :, :175])


@pytest.mark.parametrize(
    ("made", "real", "phrase"),
    [
        (torch.zeros(1, 1, 16, 16), torch.zeros(1, 3, 16, 16), "shapes must be equal"),
        (torch.zeros(1, 2, 16, 16), torch.zeros(1, 2, 16, 16), "2 channels"),
        (torch.zeros(1, 1, 10, 16), torch.zeros(1, 1, 10, 16), "needs 11 a side"),
        (torch.full((1, 1, 16, 16), 1.5), torch.zeros(1, 1, 16, 16), "made images must lie in"),
        (torch.zeros(1, 1, 16, 16), torch.full((1, 1, 16, 16), math.nan), "real images must lie in"),
    ],
)
def test_bad_pairs_are_refused(made, real, phrase):
    with pytest.raises(ArzhangError, match=phrase):
        paired.measures(made, real)


def test_lpips_without_its_backbone_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setenv("ARZHANG_CACHE", str(tmp_path))
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    with pytest.raises(ArzhangError, match=r"AlexNet.*not here.*put alexnet-owt-7be5be79\.pth"):
        paired.lpips(download=False)
    (tmp_path / "cut.pth").write_bytes(b"damaged")
    with pytest.raises(ArzhangError, match=r"cut\.pth: sha256 .* is not that of the release \(7be5be79\)"):
        paired.lpips(tmp_path / "cut.pth")
    with pytest.raises(UsageError, match="no such file"):
        paired.lpips(tmp_path / "none.pth")


def test_lpips_looks_through_the_backbone_it_is_given(tmp_path, monkeypatch):
    torch.manual_seed(0)
    backbone = alexnet(weights=None).state_dict()
    torch.save(backbone, tmp_path / "alexnet.pth")
    monkeypatch.setattr(weights, "checked", lambda path, *_: path)  # these are nobody's weights
    distance = paired.lpips(tmp_path / "alexnet.pth")
    x, y = draw(2, 3, 64, 64), draw(2, 3, 64, 64, seed=1)
    found = distance(x, y)
    assert found.shape == (2,)
    assert (found > 0).all()
    assert distance(x, x).tolist() == [0, 0]
    assert torch.allclose(found, distance(y, x))
    first = {name for name in backbone if name.startswith("features.0.")}
    torch.save({k: v * 2 if k in first else v for k, v in backbone.items()}, tmp_path / "other.pth")
    assert not torch.allclose(found, paired.lpips(tmp_path / "other.pth")(x, y))
