"""The loop of an ejected file: that of `training.loop` without ranks, signals, checkpoints, previews and validation.

Nothing here runs in the package: `listing` takes these functions into the file, with the recipe's values in place of
`recipe.…`. That they do what the package's loop does, bit for bit, is what the tests hold them to.
"""

import json
import math
from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from arzhang.contracts import LUCK, Batch, Examples, Task
from arzhang.randomness import generator, permutation, reseed
from arzhang.recipes import Training
from arzhang.training.averaging import SETTLING, settle

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
            # Only the weights of the player whose turn it is get gradients.
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


def batches(task: Task, examples: Examples, recipe: Training, steps: Iterable[int]) -> Iterator[tuple[int, Batch]]:
    """What these steps learn from. Whatever is random is drawn anew for each step, from a key of what it is for."""
    steps_per_epoch = len(examples) // recipe.batch_size
    ordered = -1
    for step in steps:
        epoch, position = divmod(step, steps_per_epoch)
        if epoch != ordered:
            order, ordered = permutation(len(examples), recipe.seed, epoch), epoch
        indices = order[position * recipe.batch_size : (position + 1) * recipe.batch_size]
        noise = task.noise(recipe.batch_size, generator(recipe.seed, "noise", step, device=DEVICE))
        rank = 0
        reseed(recipe.seed, "step", step, rank, device=torch.device(DEVICE))
        luck = None
        if examples.augmented:
            luck = torch.rand(recipe.batch_size, LUCK, generator=generator(recipe.seed, "luck", step))
        found = examples.take(indices, luck)
        yield step, Batch(found.images, indices, noise, epoch + position / steps_per_epoch, found.labels, found.inputs)


def train(task: Task, examples: Examples, recipe: Training) -> Iterator[tuple[int, dict[str, Tensor]]]:
    """All steps, each with its terms; after the last one the weights are written."""
    last = recipe.epochs * (len(examples) // recipe.batch_size)
    task.networks.train()
    weights = task.networks
    if recipe.ema is not None:
        averaged = AveragedModel(task.networks, multi_avg_fn=get_ema_multi_avg_fn(recipe.ema))
        weights = averaged.module
    for step, batch in batches(task, examples, recipe, range(last)):
        yield step, update(task, recipe, batch, step / last)
        if recipe.ema is not None:
            averaged.update_parameters(task.networks)
    if recipe.ema is not None:
        recent = range(max(0, last - SETTLING), last)
        settle(task, weights, (batch for _, batch in batches(task, examples, recipe, recent)))
    torch.save(weights.state_dict(), "weights.pt")


def log(task: Task, examples: Examples, recipe: Training) -> Iterator[str]:
    """Lines as in the run's metrics.jsonl: of so many steps, and of an epoch's last ones, the mean of each term."""
    steps_per_epoch = len(examples) // recipe.batch_size
    window: list[dict[str, Tensor]] = []
    for step, terms in train(task, examples, recipe):
        window.append(terms)
        if (step + 1) % recipe.log_every == 0 or (step + 1) % steps_per_epoch == 0:
            yield line(step + 1, step // steps_per_epoch + 1, window)
            window = []


def line(step: int, epoch: int, window: list[dict[str, Tensor]]) -> str:
    """One line of the log."""
    rows = torch.stack([torch.stack(list(terms.values())) for terms in window]).cpu().double()
    return json.dumps({"step": step, "epoch": epoch} | dict(zip(window[-1], rows.mean(0).tolist(), strict=True)))
