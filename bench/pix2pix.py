"""A step of pix2pix at 256², width 64, batch 1: our loop's beside the textbook's, in float32 and bfloat16; the data.

The textbook's step is the one that most tutorials write: Adam as it comes, torch's own convolutions, the discriminator
run three times, each loss read at each step.
"""

import tempfile
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from lightning_fabric import Fabric
from torch import Tensor, nn

from arzhang import assembly
from arzhang.contracts import Example
from arzhang.data import pairs
from arzhang.networks import pix2pix as networks
from arzhang.networks.pix2pix import Discriminator, Generator
from arzhang.recipes import Pix2Pix
from arzhang.training.loop import Loop
from arzhang.training.run import Run
from bench.timing import compare, show

STEPS = 4
SHAPE = (3, 256, 256)


class Resident:
    """Pairs that lie where the model is."""

    augmented = False
    shape = input_shape = SHAPE

    def __init__(self, n: int) -> None:
        self.images, self.inputs = torch.rand(n, *SHAPE), torch.rand(n, *SHAPE)

    def __len__(self) -> int:
        return len(self.images)

    def take(self, indices: Tensor, luck: Tensor | None = None) -> Example:
        return Example(self.images[indices], inputs=self.inputs[indices])


def ours(data: Resident, precision: Any) -> Any:
    """Steps of the loop, as `arzhang train pix2pix` takes them."""
    recipe = Pix2Pix(size=256, precision=precision, choose_by="l1", log_every=50)
    fabric = Fabric(accelerator="cpu", devices=1, precision=precision)
    task = assembly.build(recipe, SHAPE, 256, fabric.device, 0, SHAPE)
    folder = tempfile.TemporaryDirectory()
    loop = Loop(task, recipe, data, data, Run.create(Path(folder.name) / "run", recipe, {}), fabric, print)
    order = torch.arange(len(data))
    task.networks.train()

    def steps() -> Any:
        for i in range(STEPS):
            loop._update(loop._batch(order, i, 0))
            loop.step += 1
        return folder

    return steps


def textbook(data: Resident, precision: str) -> Any:
    """The step that most tutorials write."""
    g, d = Generator(256), Discriminator()
    of_g = torch.optim.Adam(g.parameters(), lr=2e-4, betas=(0.5, 0.999))
    of_d = torch.optim.Adam(d.parameters(), lr=2e-4, betas=(0.5, 0.999))
    game = nn.BCEWithLogitsLoss()

    def steps() -> None:
        few, networks.FEW_PIXELS = networks.FEW_PIXELS, -1  # every convolution is torch's own
        try:
            all_steps()
        finally:
            networks.FEW_PIXELS = few

    def all_steps() -> None:
        for i in range(STEPS):
            x, y = data.inputs[i : i + 1] * 2 - 1, data.images[i : i + 1] * 2 - 1
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16-mixed"):
                made = g(x)
                real, fake = d(torch.cat([x, y], 1)), d(torch.cat([x, made.detach()], 1))
                loss_d = (game(real, torch.ones_like(real)) + game(fake, torch.zeros_like(fake))) / 2
            of_d.zero_grad()
            loss_d.backward()
            of_d.step()
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16-mixed"):
                fake = d(torch.cat([x, made], 1))
                loss_g = game(fake, torch.ones_like(fake)) + 100 * F.l1_loss(made, y)
            of_g.zero_grad()
            loss_g.backward()
            of_g.step()
            loss_d.item(), loss_g.item()

    return steps


def main() -> None:
    """Print the ratios."""
    data = Resident(STEPS)
    found = {}
    for precision in ("32-true", "bf16-mixed"):
        contenders = {"arzhang": ours(data, precision), "textbook": textbook(data, precision)}
        rows = compare(contenders, rounds=7)
        show(f"pix2pix at 256², width 64, batch 1, {precision}", rows, unit=STEPS, per="step")
        print(f"  the textbook's time over ours: {rows[1].ratio:.2f}")
        found[precision] = rows[0].median / STEPS
    with_data(found["32-true"])


def with_data(step: float) -> None:
    """How many pairs a second the input pipeline gives, jittered and mirrored, beside the steps of one."""
    parts = pairs.load(dataset="streets", size=256, scenes=64, validation=8, notify=lambda line: None)
    indices, luck = torch.arange(16), torch.rand(16, 4)
    (row,) = compare({"pairs of 256², jittered and mirrored": lambda: parts.train.take(indices, luck)}, rounds=7)
    show("the input pipeline", [row], unit=len(indices), per="pair")
    print(f"  pairs a second, times the steps a second: {step / (row.median / len(indices)):.0f}")


if __name__ == "__main__":
    main()
