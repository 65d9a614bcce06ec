"""How often the doctor is wrong: fifty short, sound trainings of every system, and what it says of them.

`python -m gallery.healthy [COUNT [FOLDER]]`, with `tests` on the path; runs in FOLDER are kept. Some minutes; needs
Fashion-MNIST."""

import sys
import tempfile
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from gallery import training

from arzhang import doctor, recipes

RUNS = 50
FEW: dict[str, Any] = {"epochs": 6, "batch_size": 32, "log_every": 10, "preview_every": 3}
GAME: dict[str, Any] = {**FEW, "width": 8, "latent_dim": 16, "choose_by": "last"}
PAIRS: dict[str, Any] = {
    "dataset": "streets", "size": 32, "scenes": 48, "validation": 16, "epochs": 6, "batch_size": 4, "log_every": 6,
    "preview_every": 3, "width": 8,
}  # fmt: skip


def sound(seed: int) -> list[recipes.Training]:
    """One recipe of every system, of a VAE in its four kinds."""
    return [
        recipes.VAE(**FEW, seed=seed),
        recipes.VAE(**FEW, seed=seed, likelihood="gaussian", latent_dim=8),
        recipes.VAE(**FEW, seed=seed, beta=4.0, kl_warmup=2.0),
        recipes.VAE(**FEW, seed=seed, prior="mixture", divergence="cauchy-schwarz"),
        recipes.Classifier(**FEW, seed=seed),
        recipes.GAN(**GAME, seed=seed),
        recipes.CGAN(**GAME, seed=seed, adversarial="lsgan"),
        recipes.Segmenter(**PAIRS, seed=seed),
        recipes.Pix2Pix(**PAIRS, seed=seed, receptive_field=16, choose_by="l1"),
        recipes.CycleGAN(**PAIRS, seed=seed, receptive_field=16),
    ]


def main(count: int, keep: str | None = None) -> None:
    torch.set_num_threads(1)
    alarms = 0
    recipe_of = (recipe for seed in range(count) for recipe in sound(seed))
    for number, recipe in enumerate(islice(recipe_of, count), start=1):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(keep or folder) / f"{number}-{recipe.system}"
            if not path.exists():
                training.train(recipe, path, 600)
            found = doctor.diagnose(path)
        alarms += bool(found)
        told = "; ".join(f"{one.rule} ({one.evidence})" for one in found) or "silent"
        print(f"{number:3} {recipe.system} seed {recipe.seed}: {told}", flush=True)
    print(f"{alarms} false alarms over {count} runs")


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else RUNS, *sys.argv[2:3])
