"""Weak scaling on paper: bytes that a step moves between devices against the arithmetic that it does.

Sizes are those of the real networks, their arithmetic is counted by torch on one real step; the machine is one whose
data sheet says what is given below, at the shares of it that are assumed. None of this is measured on such a machine.
"""

import torch
from torch.utils.flop_counter import FlopCounterMode

from arzhang import assembly, recipes
from arzhang.contracts import Batch
from arzhang.training.loop import only

RANKS = 1_000
LINK = 50e9  # bytes/s a device: 400 Gb/s
ARITHMETIC = 40e12  # FLOP/s that a step is assumed to reach on one device in float32 with TF32
CASES = (
    ("β-VAE", recipes.VAE(), (1, 28, 28), None, 128),
    ("pix2pix, 256×256", recipes.Pix2Pix(size=256), (3, 256, 256), (3, 256, 256), 1),
)


def step(recipe, shape, inputs, images):
    """(Bytes of gradients, FLOP) of one step of `images` images, all turns together."""
    task = assembly.build(recipe, shape, 256, torch.device("cpu"), 0, inputs)
    task.networks.train()
    batch = Batch(
        torch.rand(images, *shape), torch.arange(images), task.noise(images, torch.Generator().manual_seed(0)),
        inputs=None if inputs is None else torch.rand(images, *inputs),
    )  # fmt: skip
    moved = 0
    with FlopCounterMode(display=False) as counter:
        shared = task.prepare(batch)
        for turn in task.turns:
            with only(turn.modules, task.networks):
                turn.loss(batch, shared)[0].backward()
            own = [parameter for module in turn.modules for parameter in module.parameters()]
            moved += sum(parameter.numel() * parameter.element_size() for parameter in own)
    return moved, counter.get_total_flops()


def main():
    """A table of Markdown."""
    print(f"{RANKS:,} devices, {LINK / 1e9:.0f} GB/s and {ARITHMETIC / 1e12:.0f} TFLOP/s each\n")
    print(
        "| | images a device | gradients, MB | arithmetic, GFLOP | ring, ms | arithmetic, ms | efficiency, no overlap |"
    )
    print("|---|---|---|---|---|---|---|")
    for name, recipe, shape, inputs, least in CASES:
        for images in (least, 16 * least):
            gradients, flop = step(recipe, shape, inputs, least)
            flop *= images // least
            ring = 2 * (RANKS - 1) / RANKS * gradients / LINK * 1e3
            work = flop / ARITHMETIC * 1e3
            numbers = f"{gradients / 1e6:.2f} | {flop / 1e9:.2f} | {ring:.3f} | {work:.3f} | {work / (work + ring):.0%}"
            print(f"| {name} | {images} | {numbers} |")
