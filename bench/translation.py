"""Steps of pix2pix and CycleGAN at batch 1: our loop's beside the textbook's, in float32 and bfloat16.

The textbook's step is the one that most tutorials write: Adam as it comes, torch's own convolutions, the discriminator
run once for each image it judges, each loss read at each step.
"""

import copy
import functools
import tempfile
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from arzhang import assembly, memory
from arzhang.contracts import Batch, Example
from arzhang.devices import Fabric
from arzhang.networks import pix2pix as networks
from arzhang.networks.pix2pix import Discriminator, Generator
from arzhang.networks.resnet import ResNetGenerator
from arzhang.recipes import CycleGAN, Pix2Pix
from arzhang.training.loop import Loop
from arzhang.training.run import Run
from bench.timing import DEVICE, Row, Steady, Work

SIZES = (64, 128, 256)
STEPS = {64: 12, 128: 6, 256: 3}
"""Of a round of pix2pix; of CycleGAN, whose step is ten times as long, a third."""


class Resident:
    """Pairs that lie where the model is."""

    augmented = False

    def __init__(self, n: int, side: int) -> None:
        rng = torch.Generator().manual_seed(0)
        self.shape = self.input_shape = (3, side, side)
        self.images, self.inputs = (torch.rand(n, *self.shape, generator=rng).to(DEVICE) for _ in range(2))

    def __len__(self) -> int:
        return len(self.images)

    def take(self, indices: Tensor, luck: Tensor | None = None) -> Example:
        return Example(self.images[indices], inputs=self.inputs[indices])


def recipe_of(system: str, side: int, precision: Any) -> Any:
    """pix2pix's or CycleGAN's own, at batch 1."""
    if system == "pix2pix":
        return Pix2Pix(size=side, precision=precision, choose_by="l1", log_every=50)
    return CycleGAN(size=side, precision=precision, log_every=50)


def ours(system: str, side: int, steps: int, precision: str = "32-true") -> Work:
    """Steps of the loop, as `arzhang train` takes them."""
    recipe, data = recipe_of(system, side, precision), Resident(steps, side)
    fabric = Fabric(accelerator=DEVICE.type, devices=1, precision=recipe.precision)
    task = assembly.build(recipe, data.shape, 256, fabric.device, 0, data.input_shape)
    folder = tempfile.TemporaryDirectory()
    loop = Loop(task, recipe, data, data, Run.create(Path(folder.name) / "run", recipe, {}), fabric, print)
    task.networks.train()

    def take() -> float:
        for i in range(steps):
            loop._update(loop.batch(i))
            loop.step += 1
        names = [name for names in loop.names for name in names]
        last = dict(zip(names, loop.window[-1].tolist(), strict=True))
        assert folder
        return float(last["g_l1" if system == "pix2pix" else "g_cycle"])

    return Steady(take, memory.kept)  # as around a whole training


def bare(system: str, side: int, steps: int, precision: str = "32-true") -> Work:
    """What the same turns cost by themselves: forward, backward and update of the task, without a loop around it."""
    recipe, data = recipe_of(system, side, precision), Resident(steps, side)
    task = assembly.build(recipe, data.shape, 256, DEVICE, 0, data.input_shape)
    task.networks.train()
    noise = task.noise(1, torch.Generator(DEVICE))
    everything = list(task.networks.parameters())

    def take() -> None:
        for i in range(steps):
            given = data.take(torch.tensor([i]))
            batch = Batch(given.images, torch.tensor([i]), noise, 0.0, None, given.inputs)
            with torch.autocast(DEVICE.type, torch.bfloat16, enabled=precision != "32-true"):
                shared = task.prepare(batch)
            for turn in task.turns:
                moved = {p for module in turn.modules for p in module.parameters()}
                for parameter in everything:
                    parameter.requires_grad_(parameter in moved)
                with torch.autocast(DEVICE.type, torch.bfloat16, enabled=precision != "32-true"):
                    loss, _ = turn.loss(batch, shared)
                loss.backward()
                turn.optimizer.step()
                turn.optimizer.zero_grad()
            for parameter in everything:
                parameter.requires_grad_(True)

    return Steady(take, memory.kept)


def textbook(side: int, steps: int, precision: str = "32-true") -> Work:
    """pix2pix's step as most tutorials write it."""
    data, g, d = Resident(steps, side), Generator(side).to(DEVICE), Discriminator().to(DEVICE)
    of_g = torch.optim.Adam(g.parameters(), lr=2e-4, betas=(0.5, 0.999))
    of_d = torch.optim.Adam(d.parameters(), lr=2e-4, betas=(0.5, 0.999))
    game = nn.BCEWithLogitsLoss()

    def take() -> float:
        few, networks.FEW_PIXELS = networks.FEW_PIXELS, -1  # every convolution is torch's own
        try:
            return all_steps()
        finally:
            networks.FEW_PIXELS = few

    def all_steps() -> float:
        for i in range(steps):
            x, y = data.inputs[i : i + 1] * 2 - 1, data.images[i : i + 1] * 2 - 1
            with torch.autocast(DEVICE.type, torch.bfloat16, enabled=precision == "bf16-mixed"):
                made = g(x)
                real, fake = d(torch.cat([x, y], 1)), d(torch.cat([x, made.detach()], 1))
                loss_d = (game(real, torch.ones_like(real)) + game(fake, torch.zeros_like(fake))) / 2
            of_d.zero_grad()
            loss_d.backward()
            of_d.step()
            with torch.autocast(DEVICE.type, torch.bfloat16, enabled=precision == "bf16-mixed"):
                fake, l1 = d(torch.cat([x, made], 1)), F.l1_loss(made, y)
                loss_g = game(fake, torch.ones_like(fake)) + 100 * l1
            of_g.zero_grad()
            loss_g.backward()
            of_g.step()
            loss_d.item(), loss_g.item()
        return l1.item() / 2

    return take


def cycle_textbook(side: int, steps: int) -> Work:
    """CycleGAN's step as most tutorials write it, after the paper's code: the identities too, pools of made images."""
    data = Resident(steps, side)
    recipe = recipe_of("cyclegan", side, "32-true")
    blocks = 9 if side >= 256 else 6
    g, f = (ResNetGenerator(blocks).to(DEVICE) for _ in range(2))
    d_y, d_x = (Discriminator(3, norm="instance").to(DEVICE) for _ in range(2))
    of_g = torch.optim.Adam([*g.parameters(), *f.parameters()], lr=2e-4, betas=(0.5, 0.999))
    of_d = torch.optim.Adam([*d_y.parameters(), *d_x.parameters()], lr=2e-4, betas=(0.5, 0.999))
    game, l1 = nn.MSELoss(), nn.L1Loss()
    pools: tuple[list[Tensor], list[Tensor]] = ([], [])

    def shown(pool: list[Tensor], made: Tensor) -> Tensor:
        if len(pool) < 50:
            pool.append(made)
            return made
        if torch.rand(1).item() > 0.5:
            i = int(torch.randint(50, (1,)))
            made, pool[i] = pool[i], made
        return made

    def take() -> float:
        few, networks.FEW_PIXELS = networks.FEW_PIXELS, -1
        try:
            return all_steps()
        finally:
            networks.FEW_PIXELS = few

    def all_steps() -> float:
        for i in range(steps):
            x, y = data.inputs[i : i + 1] * 2 - 1, data.images[i : i + 1] * 2 - 1
            made_y, made_x = g(x), f(y)
            for d in (d_y, d_x):
                d.requires_grad_(False)
            of_g.zero_grad()
            loss = torch.zeros((), device=DEVICE)
            if recipe.identity_weight:
                loss = loss + recipe.cycle_weight * recipe.identity_weight * (l1(g(y), y) + l1(f(x), x))
            cycle = l1(f(made_y), x) + l1(g(made_x), y)
            for d, made in ((d_y, made_y), (d_x, made_x)):
                verdict = d(made)
                loss = loss + game(verdict, torch.ones_like(verdict))
            loss = loss + recipe.cycle_weight * cycle
            loss.backward()
            of_g.step()
            for d in (d_y, d_x):
                d.requires_grad_(True)
            of_d.zero_grad()
            for d, real, made, pool in ((d_y, y, made_y, pools[0]), (d_x, x, made_x, pools[1])):
                a, b = d(real), d(shown(pool, made.detach()))
                loss_d = (game(a, torch.ones_like(a)) + game(b, torch.zeros_like(b))) / 2
                loss_d.backward()
                loss_d.item()
            of_d.step()
            loss.item()
        return cycle.item() / 4

    return take


def rows() -> dict[str, Row]:
    """A row a system, size and precision."""
    found = {}
    for side in SIZES:
        n = STEPS[side]
        for precision, name, goal in (("32-true", "", 1.3), ("bf16-mixed", "-bf16", 1.9)):
            here = copy.deepcopy({"side": side, "steps": n, "precision": precision})
            contenders = {
                "arzhang": functools.partial(ours, "pix2pix", **here),
                "bare step": functools.partial(bare, "pix2pix", **here),
                "textbook": functools.partial(textbook, **here),
            }
            if name:
                contenders["textbook, float32"] = functools.partial(textbook, side, n)
            found[f"pix2pix-{side}{name}"] = Row(
                f"pix2pix, {side}², width 64, batch 1{', bfloat16' if name else ''}",
                contenders,
                per=n,
                unit="step",
                limit="bare step",
                goals={"textbook": goal} if side == 256 else {},
                quality="L1 of the last step, in [0, 1]",
                bfloat16=bool(name),
            )
    for side in SIZES:
        n = max(1, STEPS[side] // 3)
        found[f"cyclegan-{side}"] = Row(
            f"CycleGAN, {side}², width 64, batch 1",
            {
                "arzhang": functools.partial(ours, "cyclegan", side, n),
                "bare step": functools.partial(bare, "cyclegan", side, n),
                "textbook": functools.partial(cycle_textbook, side, n),
            },
            per=n,
            unit="step",
            limit="bare step",
            goals={"textbook": 1.3} if side == 128 else {},
            quality="cycle L1 of the last step, in [0, 1]",
        )
    return found
