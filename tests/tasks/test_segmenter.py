"""The segmenter: classes from colours, pixels without one left out, and a lesson learnt."""

import math

import pytest
import torch

from arzhang import assembly
from arzhang.contracts import Batch, Task
from arzhang.data import pairs
from arzhang.errors import UsageError
from arzhang.palettes import CITYSCAPES
from arzhang.recipes import SYSTEMS
from arzhang.recipes import Segmenter as Recipe
from arzhang.tasks.segmenter import VOID, SegmenterTask, class_map, colours, distance

SHAPE = (3, 16, 16)


def scenes(n, seed=0):
    """Label maps of blocks in three classes, a void corner, and "photos" in other colours with noise."""
    rng = torch.Generator().manual_seed(seed)
    classes = torch.tensor([0, 10, 13])[torch.randint(0, 3, (n, 4, 4), generator=rng)]
    classes = classes.repeat_interleave(4, 1).repeat_interleave(4, 2)
    classes[:, :2, :2] = -1
    paint = torch.rand(20, 3, generator=torch.Generator().manual_seed(5))
    images = paint[classes].permute(0, 3, 1, 2) + 0.05 * torch.randn(n, *SHAPE, generator=rng)
    return Batch(images.clamp(0, 1), torch.arange(n), torch.empty(n, 0), inputs=colours(classes)), classes


def test_colours_are_classes_and_back():
    classes = torch.arange(-1, 19).view(1, 4, 5)
    assert torch.equal(class_map(colours(classes)), classes)
    noisy = (colours(classes) * 255 + torch.randint(-4, 5, (1, 3, 4, 5))).clamp(0, 255) / 255
    assert torch.equal(class_map(noisy), classes)
    void = torch.tensor([colour for _, colour in VOID]).view(1, 2, 5, 3).permute(0, 3, 1, 2) / 255
    assert (class_map(void) == -1).all()
    assert {colour for _, colour in VOID}.isdisjoint(colour for _, colour in CITYSCAPES)


def test_terms_by_hand():
    """Logits that favour one class by a known amount, whatever the photo."""
    task = SegmenterTask(Recipe(), SHAPE, SHAPE)
    assert isinstance(task, Task)
    with torch.no_grad():
        task.segmenter.classes.weight.zero_()
        task.segmenter.classes.bias.zero_()
        task.segmenter.classes.bias[10] = 2.0
    batch, classes = scenes(3)
    terms = task.measure(batch)
    partition = math.log(math.exp(2) + 18)
    for i, one in enumerate(classes):
        labelled = (one >= 0).sum().item()
        sky = (one == 10).sum().item()
        assert labelled == 252
        assert terms["accuracy"][i].item() == pytest.approx(sky / labelled, abs=1e-6)
        assert terms["cross_entropy"][i].item() == pytest.approx(partition - 2 * sky / labelled, abs=1e-5)
    loss, logged = task.loss(batch, {})
    assert loss.item() == pytest.approx(terms["cross_entropy"].mean().item())
    assert logged.keys() == {"cross_entropy", "accuracy"}


def test_images_without_a_label_cost_nothing():
    task = SegmenterTask(Recipe(), SHAPE, SHAPE)
    batch, _ = scenes(2)
    terms = task.measure(batch._replace(inputs=torch.zeros(2, *SHAPE)))
    assert terms["cross_entropy"].tolist() == terms["accuracy"].tolist() == [0, 0]
    loss, _ = task.loss(batch._replace(inputs=torch.zeros(2, *SHAPE)), {})
    loss.backward()
    assert all(p.grad.isfinite().all() for p in task.networks.parameters())


def test_it_learns_what_is_where():
    torch.manual_seed(0)
    task = SegmenterTask(Recipe(width=8, lr=1e-2), SHAPE, SHAPE)
    batch, _ = scenes(32)
    for _ in range(40):
        loss, _ = task.loss(batch, task.prepare(batch))
        loss.backward()
        task.turns[0].optimizer.step()
        task.turns[0].optimizer.zero_grad()
    unseen, classes = scenes(16, seed=1)
    task.networks.eval()
    assert task.measure(unseen)["accuracy"].mean() > 0.9
    said = task.segment(unseen.images)
    assert (said == classes)[classes >= 0].double().mean() > 0.9
    assert task.segment(torch.rand(1, 3, 24, 8)).shape == (1, 24, 8)
    pictures = task.preview(unseen)
    assert pictures.keys() == {"image", "label", "said"}
    assert torch.equal(class_map(pictures["said"]), said)


def test_the_wrong_side_is_named():
    """Photos in the place of label maps were taken without a word, and every number after that said nothing."""
    maps = scenes(4)[0].inputs
    assert distance(maps) == 0
    assert distance((maps + 0.02).clamp(0, 1)) == pytest.approx(3**0.5 * 5, rel=0.3)
    for side, strange in (("right", False), ("left", True)):
        recipe = Recipe(dataset="streets", size=16, scenes=4, validation=1)
        parts = pairs.load(dataset="streets", size=16, scenes=4, validation=1, notify=lambda _: None)
        if side == "left":
            parts = parts._replace(train=pairs.Pairs(parts.train.inputs, parts.train.images))
        said = []
        assembly.begin(SegmenterTask(recipe, SHAPE, SHAPE), recipe, parts, said.append)
        assert [("levels from Cityscapes' classes" in line) for line in said] == [True] * strange


def test_refusals():
    assert SYSTEMS["segmenter"] is Recipe
    with pytest.raises(UsageError, match="label maps of 1 channels"):
        SegmenterTask(Recipe(), SHAPE, (1, 16, 16))
    with pytest.raises(UsageError, match="12×16 pixels: the segmenter takes multiples of 8"):
        SegmenterTask(Recipe(), (3, 12, 16), (3, 12, 16))
    with pytest.raises(UsageError, match=r"images of shape \(2, 1, 16, 16\)"):
        SegmenterTask(Recipe(), SHAPE, SHAPE).segment(torch.rand(2, 1, 16, 16))
    for options in ({"label_side": "none"}, {"direction": "left-to-right"}, {"label_side": "left"}):
        with pytest.raises(UsageError, match="a segmenter learns from label maps"):
            Recipe(**options)
    Recipe(direction="left-to-right", label_side="left")
