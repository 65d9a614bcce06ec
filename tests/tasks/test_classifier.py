"""The classifier: learns what is there to learn, needs labels, gives features by which sets are compared."""

import pytest
import torch

from arzhang.contracts import Batch
from arzhang.errors import UsageError
from arzhang.networks.classifier import FEATURES, Classifier
from arzhang.recipes import Classifier as Recipe
from arzhang.tasks.classifier import ClassifierTask


@pytest.mark.parametrize(("size", "channels"), [(8, 3), (28, 1), (64, 3), (100, 1)])
def test_shapes(size, channels):
    network = Classifier(size, channels, 7)
    images = torch.rand(2, channels, size, size)
    assert network(images).shape == (2, 7)
    assert network.embed(images).shape == (2, FEATURES)


def test_parameters_of_the_default():
    assert sum(p.numel() for p in Classifier().parameters()) == 98_554


def test_it_learns_bright_from_dark():
    torch.manual_seed(0)
    task = ClassifierTask(Recipe(lr=3e-3), (1, 8, 8), 2)
    labels = torch.arange(64) % 2
    images = torch.rand(64, 1, 8, 8) * 0.3 + 0.6 * labels.view(-1, 1, 1, 1)
    batch = Batch(images, torch.arange(64), torch.empty(64, 0), labels=labels)
    for _ in range(30):
        loss, _ = task.loss(batch, {})
        loss.backward()
        task.turns[0].optimizer.step()
        task.turns[0].optimizer.zero_grad()
    task.networks.eval()
    assert task.measure(batch)["accuracy"].mean() > 0.95
    assert torch.allclose(task.predict(images).sum(1), torch.ones(64))


def test_refusals():
    with pytest.raises(UsageError, match="with labels"):
        ClassifierTask(Recipe(), (1, 8, 8), 0)
    with pytest.raises(UsageError, match="square"):
        ClassifierTask(Recipe(), (1, 8, 9), 3)
    with pytest.raises(UsageError, match="--dropout 1"):
        Recipe(dropout=1.0)
