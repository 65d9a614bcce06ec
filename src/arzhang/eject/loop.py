"""The loop of an ejected file: that of `training.loop` without ranks, signals, checkpoints, previews and validation.

Nothing here runs in the package: `listing` takes these functions into the file, with the recipe's values in place of
`recipe.…`. That they do what the package's loop does, bit for bit, is what the tests hold them to.
"""

import json
import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from arzhang.contracts import LUCK, Batch, Examples, Task
from arzhang.randomness import generator, permutation, reseed
from arzhang.recipes import Training

DEVICE = "cpu"


def rate(recipe: Training, done: float) -> float:
    """What the learning rate is multiplied by, after this share of the training."""
    return (1 + math.cos(math.pi * done)) / 2 if recipe.schedule == "cosine" else min(1.0, 2 * (1 - done))


def update(task: Task, recipe: Training, batch: Batch, done: float) -> dict[str, Tensor]:
    """One step: each player's turn, after which its weights are moved and its gradients forgotten."""
    shared = task.prepare(batch)
    logged: dict[str, Tensor] = {}
    for turn in task.turns:
        if recipe.players > 1:
            task.networks.requires_grad_(False)
            for module in turn.modules:
                module.requires_grad_(True)
        if recipe.schedule != "constant":
            for group in turn.optimizer.param_groups:
                group["lr"] = group.setdefault("initial_lr", group["lr"]) * rate(recipe, done)
        loss, scalars = turn.loss(batch, shared)
        loss.backward()
        if recipe.clip is not None:
            moved = [parameter for group in turn.optimizer.param_groups for parameter in group["params"]]
            nn.utils.clip_grad_norm_(moved, recipe.clip)
        turn.optimizer.step()
        turn.optimizer.zero_grad()
        logged |= {name: scalar.detach() for name, scalar in scalars.items()}
        if recipe.players > 1:
            task.networks.requires_grad_(True)
    return logged


def train(task: Task, examples: Examples, recipe: Training) -> Iterator[tuple[int, dict[str, Tensor]]]:
    """All steps, each with the epoch it belongs to and its terms. Whatever is random is drawn anew for each step, from
    a key of what it is for."""
    an_epoch = len(examples) // recipe.batch_size
    last = recipe.epochs * an_epoch
    task.networks.train()
    averaged = None
    if recipe.ema is not None:
        averaged = AveragedModel(task.networks, multi_avg_fn=get_ema_multi_avg_fn(recipe.ema))
    for step in range(last):
        epoch, position = divmod(step, an_epoch)
        if position == 0:
            order = permutation(len(examples), recipe.seed, epoch).to(DEVICE)
        indices = order[position * recipe.batch_size : (position + 1) * recipe.batch_size]
        noise = task.noise(recipe.batch_size, generator(recipe.seed, "noise", step, device=DEVICE))
        reseed(recipe.seed, "step", step, 0, device=torch.device(DEVICE))
        luck = None
        if examples.augmented:
            luck = torch.rand(recipe.batch_size, LUCK, generator=generator(recipe.seed, "luck", step)).to(DEVICE)
        found = examples.take(indices, luck)
        batch = Batch(found.images, indices, noise, epoch + position / an_epoch, found.labels, found.inputs)
        yield epoch + 1, update(task, recipe, batch, step / last)
        if averaged is not None:
            averaged.update_parameters(task.networks)
    weights = task.networks if averaged is None else averaged.module
    torch.save(weights.state_dict(), "weights.pt")


def log(task: Task, examples: Examples, recipe: Training) -> Iterator[str]:
    """Lines as in the run's metrics.jsonl: of so many steps, and of an epoch's last ones, the mean of each term."""
    window: list[dict[str, Tensor]] = []
    before = 1
    for step, (epoch, terms) in enumerate(train(task, examples, recipe), start=1):
        if epoch > before and window:
            yield line(step - 1, before, window)
            window = []
        before = epoch
        window.append(terms)
        if step % recipe.log_every == 0:
            yield line(step, epoch, window)
            window = []
    if window:
        yield line(step, epoch, window)


def line(step: int, epoch: int, window: list[dict[str, Tensor]]) -> str:
    """One line of the log."""
    rows = torch.stack([torch.stack(list(terms.values())) for terms in window]).cpu().double()
    return json.dumps({"step": step, "epoch": epoch} | dict(zip(window[-1], rows.mean(0).tolist(), strict=True)))
