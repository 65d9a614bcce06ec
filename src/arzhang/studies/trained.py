"""The pix2pix that a study looks into: a run that is given, or a small one that is trained in the study's folder."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch

from arzhang import assembly, devices, recipes, sweep
from arzhang.data.images import Splits
from arzhang.errors import UsageError
from arzhang.studies.options import OfPix2Pix
from arzhang.tasks.pix2pix import Pix2PixTask
from arzhang.training.run import Run


class Trained(NamedTuple):
    """A trained pix2pix, by its last weights, and the data it was trained on."""

    run: Run
    task: Pix2PixTask
    parts: Splits


def pix2pix(options: OfPix2Pix, out: Path, notify: Callable[[str], None], **changes: Any) -> Trained:
    """The run of `options`, or one that is trained in `out/runs` with `changes` to its recipe; kept, gone on with.

    Raises UsageError where a run is given that is none of pix2pix.
    """
    device = devices.device(options.accelerator)
    if options.run is not None:
        run = Run(options.run)
        if not isinstance(run.recipe, recipes.Pix2Pix):
            raise UsageError(f"--run {options.run}: a run of {run.recipe.system}; this looks into one of pix2pix")
    else:
        recipe = small(options, **changes)
        assembly.refuse_unfit(recipe)
        run = sweep.finished(recipe, out / "runs" / (sweep.name(changes) or "pix2pix"), notify)
    parts = assembly.data_of(run, device, notify)
    return Trained(run, assembly.load(run.path, checkpoint="last", device=device), parts)


def small(options: OfPix2Pix, **changes: Any) -> recipes.Pix2Pix:
    """The recipe of the one that is trained; its last weights count, so that no measure chooses them."""
    names = ("size", "scenes", "validation", "width", "epochs", "seed", "accelerator")
    own = {name: getattr(options, name) for name in names}
    return recipes.Pix2Pix(**own, choose_by="l1", preview_every=options.epochs, **changes)


def taken(option: str, n: int, parts: Splits, device: torch.device) -> torch.Tensor:
    """The first n test examples. Raises UsageError where there are fewer."""
    if not 2 <= n <= len(parts.test):
        raise UsageError(f"{recipes.flag(option)} {n}: from 2 on; the test part holds {len(parts.test):,} pairs")
    return torch.arange(n, device=device)
