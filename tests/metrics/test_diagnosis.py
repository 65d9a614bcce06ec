"""A diagnosis finds what was planted: a shift, a class that is lost, an image far off, copies."""

import numpy as np
import pytest
import torch

from arzhang.errors import UsageError
from arzhang.metrics import diagnosis, frechet


def draw(n: int, seed: int, d: int = 6, shift: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, d)) + shift


def test_the_parts_are_those_of_the_distance():
    real, made = draw(400, 0), draw(400, 1, shift=0.5)
    found = diagnosis.diagnose(real, made)
    expected = frechet.distance(frechet.reference(frechet.sums(real).moments()), frechet.sums(made).moments())
    assert found.value == pytest.approx(float(expected.value))
    assert found.mean_part == pytest.approx(float(np.square(real.mean(0) - made.mean(0)).sum()))
    assert found.value == pytest.approx(found.mean_part + found.covariance_part)
    few = diagnosis.diagnose(draw(40, 0, d=100), draw(30, 1, d=100))
    assert few.value == pytest.approx(
        float(frechet.distance_of_features(*map(torch.from_numpy, (draw(40, 0, d=100), draw(30, 1, d=100)))).value)
    )


def test_classes():
    real = np.concatenate([draw(100, 0), draw(100, 1, shift=30.0)])
    names = ["a"] * 100 + ["b"] * 100
    made = np.concatenate([draw(150, 2), draw(20, 3, shift=33.0)])
    by_neighbour = diagnosis.diagnose(real, made, real_classes=names)
    given = diagnosis.diagnose(real, made, None, names, ["a"] * 150 + ["b"] * 20)
    assert by_neighbour.classes == given.classes
    assert [(c.name, c.real, c.made) for c in given.classes] == [("a", 100, 150), ("b", 100, 20)]
    assert given.classes[1].distance > given.classes[0].distance + 6 * 3**2 / 2
    alone = diagnosis.diagnose(real, made, None, names, ["a"] * 169 + ["b"])
    assert alone.classes[1].distance is None


def test_the_farthest_is_first():
    made = draw(50, 1)
    made[17] += 40
    found = diagnosis.diagnose(draw(300, 0), made)
    assert int(found.farthest[0]) == 17
    assert found.apart.shape == (50, diagnosis.SHOWN)


def test_copies_are_found_and_new_images_are_not():
    training, real = draw(2_000, 0), draw(2_000, 1)
    new = diagnosis.diagnose(real, draw(2_000, 2), training)
    assert 0.002 < new.share_near < 0.03
    copies = draw(2_000, 3)
    copies[:300] = training[:300] + 1e-6
    found = diagnosis.diagnose(real, copies, training)
    assert found.share_near > 0.15
    assert found.copied[:300, 0].tolist() == list(range(300))
    # without training images the real ones are looked at, each beside another
    alone = diagnosis.diagnose(training, draw(2_000, 2))
    assert 0.002 < alone.share_near < 0.03


def test_too_few():
    with pytest.raises(UsageError, match="at least 10"):
        diagnosis.diagnose(draw(9, 0), draw(20, 1))
