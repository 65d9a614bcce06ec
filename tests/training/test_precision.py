"""Every system trains, previews and validates in every precision that CPUs have."""

import math

import pytest
import torch
from players import Memory

from arzhang import assembly, recipes
from arzhang.devices import Fabric
from arzhang.training.loop import Loop
from arzhang.training.run import Run

SMALL = {
    "vae": {"latent_dim": 3, "prior": "mixture", "components": 4},
    "classifier": {},
    "segmenter": {"width": 4},
    "gan": {"width": 2},
    "cgan": {"width": 2},
    "pix2pix": {"width": 2},
    "cyclegan": {"width": 2},
}


def test_no_system_is_left_out():
    assert SMALL.keys() == recipes.SYSTEMS.keys()


@pytest.mark.parametrize("precision", ["64-true", "bf16-mixed", "bf16-true"])
@pytest.mark.parametrize("system", SMALL)
def test_trains(system, precision, tmp_path):
    recipe = recipes.SYSTEMS[system](
        epochs=1, batch_size=4, precision=precision, accelerator="cpu", validation=4, **SMALL[system]
    )
    classes = 2 if system in ("classifier", "cgan") else 0
    shape = (3, 32, 32) if isinstance(recipe, recipes.Paired) else (1, 32, 32)
    task = assembly.build(recipe, shape, 256, torch.device("cpu"), classes, shape)
    fabric = Fabric(accelerator="cpu", devices=1, precision=precision)
    run = Run.create(tmp_path / "run", recipe, {})
    Loop(task, recipe, Memory(8, shape, classes), Memory(4, shape, classes), run, fabric, lambda _: None).fit()
    terms = [value for entry in run.metrics() for value in entry.values() if isinstance(value, float)]
    assert len(terms) > 4
    assert all(map(math.isfinite, terms))
    kept = {p.dtype for p in task.networks.parameters()}
    assert kept == {{"64-true": torch.float64, "bf16-mixed": torch.float32, "bf16-true": torch.bfloat16}[precision]}
