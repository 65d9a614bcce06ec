"""The FCN-score: by hand, against scikit-learn, and what is left out of it."""

import math

import numpy as np
import pytest
import torch
from sklearn import metrics

from arzhang.errors import UsageError
from arzhang.metrics.segmentation import (
    Confusion,
    class_accuracy,
    class_ious,
    fcn_score,
    mean_iou,
    pixel_accuracy,
)

BY_HAND = torch.tensor(
    [[6, 2, 0, 0], [1, 3, 0, 4], [0, 0, 0, 0], [0, 0, 2, 2]], dtype=torch.float64
)  # the third class is said, and never labelled


def test_a_matrix_by_hand():
    assert pixel_accuracy(BY_HAND) == pytest.approx(11 / 20, abs=1e-15)
    assert class_accuracy(BY_HAND) == pytest.approx((6 / 8 + 3 / 8 + 2 / 4) / 3, abs=1e-15)
    ious = [6 / 9, 3 / 10, math.nan, 2 / 8]
    assert class_ious(BY_HAND).tolist() == pytest.approx(ious, abs=1e-15, nan_ok=True)
    assert mean_iou(BY_HAND) == pytest.approx((6 / 9 + 3 / 10 + 2 / 8) / 3, abs=1e-15)


def test_the_ends_of_the_scale():
    perfect = torch.diag(torch.tensor([5.0, 0.0, 7.0], dtype=torch.float64))
    assert (pixel_accuracy(perfect), class_accuracy(perfect), mean_iou(perfect)) == (1, 1, 1)
    wrong = perfect.roll(1, 1)
    assert (pixel_accuracy(wrong), class_accuracy(wrong), mean_iou(wrong)) == (0, 0, 0)


def images(n, k=5, seed=0):
    rng = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, k - 1, (n, 6, 7), generator=rng)  # the last class is never labelled
    said = torch.where(
        torch.rand(labels.shape, generator=rng) < 0.6, labels, torch.randint(0, k, labels.shape, generator=rng)
    )
    return labels, said


def by_sklearn(labels, said):
    labels, said = labels.flatten().numpy(), said.flatten().numpy()
    return (
        metrics.accuracy_score(labels, said),
        metrics.recall_score(labels, said, average="macro", labels=np.unique(labels)),
        metrics.jaccard_score(labels, said, average="macro", labels=np.unique(labels)),
    )


@pytest.mark.parametrize("n", [20, 25, 7])
def test_against_sklearn_with_its_jackknife(n):
    labels, said = images(n)
    confusion = Confusion(5)
    for start in range(0, n, 3):  # streamed
        confusion.add(labels[start : start + 3], said[start : start + 3])
    expected = metrics.confusion_matrix(labels.flatten(), said.flatten(), labels=range(5))
    assert confusion.counts().tolist() == expected.tolist()
    score = fcn_score(confusion)
    assert [part.value for part in score] == pytest.approx(by_sklearn(labels, said), abs=1e-12)
    groups = torch.arange(n) % 10
    left = np.array([by_sklearn(labels[groups != g], said[groups != g]) for g in range(min(n, 10))])
    g = len(left)
    errors = np.sqrt((g - 1) / g * ((left - left.mean(0)) ** 2).sum(0))
    assert [part.uncertainty for part in score] == pytest.approx(errors.tolist(), abs=1e-12)
    assert {part.details["classes"] for part in score} == {4}


def test_the_error_is_that_of_repetition():
    """200 times 40 images: the mean of the squared errors is the variance among the repetitions, within a third."""
    values, errors = [], []
    for seed in range(200):
        labels, said = images(40, seed=seed + 1)
        hard = torch.rand(40, 1, 1, generator=torch.Generator().manual_seed(seed)) < 0.3  # images differ in quality
        confusion = Confusion(5)
        confusion.add(labels, torch.where(hard, 4, said))
        score = fcn_score(confusion)
        values.append([part.value for part in score])
        errors.append([part.uncertainty for part in score])
    variance = np.var(values, axis=0, ddof=1)
    # Relative standard error of a variance from 200: √(2/199) = 0.1; a third is over three of them, with fixed seeds.
    assert np.mean(np.square(errors), axis=0) / variance == pytest.approx(np.ones(3), abs=1 / 3)


def test_unlabelled_pixels_are_not_counted():
    labels, said = images(12)
    holes = torch.rand(labels.shape, generator=torch.Generator().manual_seed(9)) < 0.3
    for nothing in (-1, 255):
        confusion, alone = Confusion(5), Confusion(5)
        confusion.add(torch.where(holes, nothing, labels), torch.where(holes, 3, said))
        alone.groups[0] = torch.tensor(metrics.confusion_matrix(labels[~holes], said[~holes], labels=range(5)))
        assert torch.equal(confusion.counts(), alone.counts())
    empty = Confusion(5)
    empty.add(torch.full_like(labels, -1), said)
    with pytest.raises(UsageError, match="12 images without one labelled pixel"):
        fcn_score(empty)


def test_one_image_has_no_error():
    confusion = Confusion(5)
    confusion.add(*images(1))
    assert [part.uncertainty for part in fcn_score(confusion)] == [None] * 3


def test_what_is_no_class_is_refused():
    labels, said = images(2)
    with pytest.raises(UsageError, match="says class 7: there are 5"):
        Confusion(5).add(labels, torch.full_like(said, 7))
    Confusion(5).add(torch.full_like(labels, -1), torch.full_like(said, 7))  # where nothing is labelled, no matter
