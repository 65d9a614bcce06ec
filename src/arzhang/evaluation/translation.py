"""What a trained translator is worth on the test part: pixel errors, image sets, the FCN-score; and its pictures."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from arzhang import pictures
from arzhang.contracts import Translator
from arzhang.data.images import Splits
from arzhang.data.pairs import Pairs
from arzhang.errors import UsageError
from arzhang.evaluation import segmenter
from arzhang.evaluation.moments import Metric, Moments, own_blocks
from arzhang.metrics import paired, scores
from arzhang.tasks.cyclegan import CycleGANTask
from arzhang.training.loop import batch_of, block_size

TRIPLETS = 8
VARIETY_ROWS, VARIETY = 4, 6
"""Inputs, and outputs of each, of which a sheet shows what dropout varies."""
VARIED = 4
"""Outputs of one input by which the variety over noise is measured."""
GREY = 0.5
"""The constant image on which a segmenter shows what it says without seeing anything."""


def made(model: Translator, examples: Pairs, indices: Tensor, seed: int) -> Float[Tensor, "B C H W"]:
    """What the model makes of consecutive examples; its noise is keyed by (seed, index)."""
    inputs = examples.take(indices).inputs
    assert inputs is not None
    return model.translate(inputs, seed, first=int(indices[0]))


@torch.no_grad()
def measure(model: Translator, examples: Pairs, seed: int, protocol: dict[str, Any]) -> dict[str, Metric]:
    """Of pairs: L1, squared error, PSNR and SSIM of each made image beside the real one, and how outputs of one input
    vary, where they do."""
    moments, varied = Moments(), VARIED if model.noisy else 1
    for _, block in own_blocks(len(examples), "translating", max(1, block_size(examples) // varied)):
        indices = block.to(model.device)
        real = examples.take(indices).images
        outputs = torch.stack([made(model, examples, indices, seed + i) for i in range(varied)])
        columns = paired.measures(outputs[0], real)
        if model.noisy:
            # An output's mean distance from the mean of all: with k of them, (k−1)/k of the true one in squares.
            spread = (outputs - outputs.mean(0)).square().sum(0).div(VARIED - 1).sqrt().flatten(1).mean(1)
            columns |= {"variety": spread}
        moments.add(columns)
    moments = moments.of_all_ranks()
    units = paired.UNITS | {"variety": "grey value in [0, 1], standard deviation"}
    found = {name: moments.metric(name, units[name], protocol | model.used) for name in moments.names}
    if model.noisy:
        found["variety"]["protocol"] |= {"outputs": VARIED}
    return found


@torch.no_grad()
def cycles(model: CycleGANTask, examples: Pairs, protocol: dict[str, Any]) -> dict[str, Metric]:
    """How far inputs and images are from themselves, there and back: L1."""
    moments = Moments()
    for _, block in own_blocks(len(examples), "there and back", block_size(examples)):
        indices = block.to(model.device)
        moments.add(model.measure(batch_of(examples, indices, torch.empty(len(indices), 0))))
    moments = moments.of_all_ranks()
    return {name: moments.metric(name, "grey value in [0, 1]", protocol) for name in moments.names}


def image_sets(model: Translator, parts: Splits, n: int, seed: int) -> dict[str, scores.ImageSet]:
    """n test images, what the model makes of their inputs, and as many training images."""

    def translated() -> Iterator[Tensor]:
        return (made(model, parts.test, part, seed) for part in torch.arange(n, device=model.device).split(scores.FED))

    return {
        "test": scores.ImageSet.of("test images", parts.test, n, model.device),
        "made": scores.ImageSet("made images", n, translated),
        "floor": scores.ImageSet.of("training images", parts.train, n, model.device),
    }


@torch.no_grad()
def fcn_scores(
    model: Translator, judge: segmenter.Judge, examples: Pairs, seed: int, protocol: dict[str, Any]
) -> dict[str, Metric]:
    """The FCN-score of made images, beside that of the real ones (the ceiling) and of a constant grey image (the
    floor): a number of this segmenter, to be compared with numbers of the same one alone."""
    if examples.classes_are not in ("inputs", "both"):
        raise UsageError("--segmenter: the inputs of this run are no label maps, so there is nothing to score against")
    told = protocol | judge.protocol
    found: dict[str, Metric] = {}
    for name, images in (
        ("made", lambda indices: made(model, examples, indices, seed)),
        ("real", lambda indices: examples.take(indices).images),
        ("grey", lambda indices: torch.full((len(indices), *model.shape), GREY, device=model.device)),
    ):
        found |= segmenter.score(judge.segment, images, examples, told, f"_{name}")
    return found


@torch.no_grad()
def draw(model: Translator, examples: Pairs, folder: Path, seed: int) -> None:
    """5d: triplets of test images, where there are pairs; outputs of the same input with other noise (4g), where there
    is any; and the way there and back, where there is one."""
    indices = torch.arange(min(TRIPLETS, len(examples)), device=model.device)
    found = examples.take(indices)
    assert found.inputs is not None
    if not examples.unpaired:
        triplets = [alike(found.inputs, model), made(model, examples, indices, seed), found.images]
        pictures.write_sheet(torch.stack(triplets, 1).flatten(0, 1), folder / "triplets.png", columns=6)
    if model.noisy:
        rows = []
        for i in range(min(VARIETY_ROWS, len(examples))):
            one = found.inputs[i : i + 1]
            rows += [alike(one, model), *(model.translate(one, seed, first=1_000_000 + k) for k in range(VARIETY))]
        pictures.write_sheet(torch.cat(rows), folder / "variety.png", columns=1 + VARIETY)
    if isinstance(model, CycleGANTask):
        ways = model.preview(batch_of(examples, indices, torch.empty(len(indices), 0))).values()
        columns = [alike(images, model) for images in ways]
        pictures.write_sheet(torch.stack(columns, 1).flatten(0, 1), folder / "cycle.png", columns=6)


def alike(inputs: Tensor, model: Translator) -> Tensor:
    """Inputs with as many channels as the images beside which they stand."""
    return (
        inputs if inputs.shape[1] == model.shape[0] else inputs.mean(1, keepdim=True).expand(-1, model.shape[0], -1, -1)
    )
