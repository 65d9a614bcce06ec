"""Sprites show what their factors say: area, centroid, shape and turn, at any size; the split is honest."""

import math

import pytest
import torch

from arzhang import cli
from arzhang.data import images, sprites
from arzhang.errors import UsageError


def weighed(pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Area and centroid of each image, the image's side being 1."""
    size = pixels.shape[-1]
    mass = pixels[:, 0].double() / 255 / size**2
    centres = (torch.arange(size).double() + 0.5) / size
    area = mass.sum((1, 2))
    return area, (mass.sum(1) * centres).sum(1) / area, (mass.sum(2) * centres).sum(1) / area


@pytest.mark.parametrize("size", [28, 64])
def test_area_and_centroid_are_those_of_the_factors(size):
    pixels, factors = sprites.sprites(600, size)
    area, x, y = weighed(pixels)
    truth = math.pi * (sprites.RADIUS * factors[:, 1].double()) ** 2
    assert (area / truth - 1).abs().max() < 0.1  # of the smallest: 2.2 pixels in radius at size 28
    assert (x - factors[:, 3]).abs().max() * size < 0.1
    assert (y - factors[:, 4]).abs().max() * size < 0.1
    assert (area / truth.roll(1) - 1).abs().max() > 0.5  # other scales would be noticed


def test_a_pixel_is_as_bright_as_the_share_covered():
    _, factors = sprites.sprites(30, 32, seed=1)
    fine = sprites.draw(factors, 256).float().view(30, 1, 32, 8, 32, 8).mean((3, 5))
    drawn = sprites.draw(factors, 32).float()
    assert (fine - drawn).abs().max() / 255 < 0.4  # at a corner
    assert (fine - drawn).square().mean().sqrt() / 255 < 0.01


def test_no_image_has_two_names():
    rows = torch.cartesian_prod(sprites.FACTORS["shape"], sprites.FACTORS["rotation"])
    factors = torch.tensor([0.0, 1.0, 0.0, 0.5, 0.5]).repeat(len(rows), 1)
    factors[:, 0], factors[:, 2] = rows.T
    pixels = sprites.draw(factors, 64).flatten(1).double()
    apart = torch.cdist(pixels, pixels) / 255
    assert (apart + 99 * torch.eye(len(rows))).min() > 2


def test_a_turn_is_clockwise_in_degrees():
    def ellipse(rotation: float) -> torch.Tensor:
        return sprites.draw(torch.tensor([[0.0, 1.0, rotation, 0.5, 0.5]]), 64)[0, 0].double()

    upright, turned = ellipse(0.0), ellipse(90.0)
    assert torch.equal(turned, upright.rot90())
    half = ellipse(45.0)  # its long axis goes down to the right: those quarters hold 2 atan(a/b) / π of it
    share = (half[:32, :32].sum() + half[32:, 32:].sum()) / half.sum()
    assert float(share) == pytest.approx(2 * math.atan(2) / math.pi, abs=0.01)


def test_seed_and_size():
    one, other = sprites.sprites(50, 16, seed=0), sprites.sprites(50, 16, seed=1)
    assert torch.equal(one.pixels, sprites.sprites(50, 16, seed=0).pixels)
    assert not torch.equal(one.factors, other.factors)
    assert torch.equal(one.factors, sprites.sprites(50, 32, seed=0).factors)
    assert len(sprites.sprites(sprites.COMBINATIONS, 8).factors.unique(dim=0)) == sprites.COMBINATIONS
    for refused in (lambda: sprites.sprites(0), lambda: sprites.sprites(99_999), lambda: sprites.sprites(1, 4)):
        with pytest.raises(UsageError):
            refused()


def test_as_a_data_set_its_parts_share_nothing():
    parts = images.load(dataset="sprites", size=28, validation=1_000)
    assert [len(part) for part in parts[:3]] == [24_000, 1_000, 5_000]
    everything = torch.cat([part.factors for part in parts[:3]])
    assert len(everything.unique(dim=0)) == len(everything)
    some = torch.tensor([0, 5, 999])
    redrawn = sprites.draw(parts.validation.factors[some], 28).float() / 255
    assert torch.equal(parts.validation.batch(some), redrawn)
    assert torch.equal(parts.test.labels, parts.test.factors[:, 0].long())
    assert parts.classes == sprites.SHAPES


def test_through_the_command(tmp_path, capsys):
    assert cli.main(["data", "show", "sprites", "--size", "28", "--out", str(tmp_path / "sheet.png")]) == 0
    assert (tmp_path / "sheet.png").read_bytes()[:4] == b"\x89PNG"
    assert cli.main(["data", "fetch", "sprites"]) == 0
    assert "nothing to fetch" in capsys.readouterr().out
