"""Trains every broken run of the gallery and keeps its log and configuration: `python -m gallery.make [NAME …]`, with
`tests` on the path. About ten minutes on one core; needs Fashion-MNIST."""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import torch
import yaml
from gallery import training
from gallery.training import Spoil

from arzhang import recipes
from arzhang.errors import ArzhangError
from arzhang.training.run import CONFIG, METRICS, Run

HERE = Path(__file__).parent
SMALL: dict[str, Any] = {"batch_size": 32, "log_every": 10, "preview_every": 5, "choose_by": "last"}


class Broken(NamedTuple):
    """One mistake: what the doctor says of it, the recipe, how many images, and what is spoiled besides the recipe."""

    says: str
    recipe: recipes.Training
    n: int = 1_000
    spoil: Spoil | None = None


def vae(**options: Any) -> recipes.VAE:
    return recipes.VAE(**{"batch_size": 32, "log_every": 10, "preview_every": 4, "epochs": 8, **options})


def gan(**options: Any) -> recipes.GAN:
    return recipes.GAN(**{"width": 16, "epochs": 10, "latent_dim": 16, **SMALL, **options})


def pix2pix(**options: Any) -> recipes.Pix2Pix:
    return recipes.Pix2Pix(
        **{
            "dataset": "streets",
            "size": 32,
            "scenes": 64,
            "validation": 32,
            "width": 8,
            "epochs": 10,
            "receptive_field": 16,
            "choose_by": "l1",
            "log_every": 16,
            "preview_every": 5,
            **options,
        }
    )


def classifier(**options: Any) -> recipes.Classifier:
    return recipes.Classifier(**{"batch_size": 32, "log_every": 10, **options})


GALLERY: dict[str, Broken] = {
    "missing-detach": Broken("gradient_leaks", gan(), 1_000, training.missing_detach),
    "averaged-kl": Broken("bound_broken", vae(), 1_000, training.averaged_kl),
    "averaged-pixels": Broken("bound_broken", vae(), 1_000, training.pixel_mean),
    "saturated-discriminator": Broken("discriminator_saturated", gan(adversarial="vanilla", norm="batch", epochs=16),
                                      500, training.faster("discriminator", 10)),
    "fast-generator": Broken("discriminator_guesses", gan(adversarial="vanilla", norm="batch", epochs=12), 1_000,
                             training.faster("generator", 50)),
    "slow-generator": Broken("generator_collapsed", gan(adversarial="vanilla", norm="batch"), 500,
                             training.faster("generator", 1e-4)),
    "learning-rate-vae": Broken("loss_rises", vae(lr=0.1), 1_000),
    "learning-rate-classifier": Broken("learns_nothing", classifier(lr=0.3, epochs=8)),
    "diverged": Broken("diverged", vae(lr=30.0, norm="none"), 1_000),
    "mismatched-pairs": Broken("l1_flat", pix2pix(), 0, training.mismatched),
    "posterior-collapse": Broken("posterior_collapse", vae(beta=50.0), 1_000),
    "range-bytes": Broken("data_range", vae(), 1_000, training.scaled(1.0)),
    "range-signed": Broken("data_range", vae(), 1_000, training.scaled(255.0, 127.5)),
    "range-divided-twice": Broken("data_narrow", gan(epochs=6), 1_000, training.scaled(255.0 * 255)),
    "overfitting-classifier": Broken("overfitting", classifier(dropout=0.0, log_every=4, epochs=20), 250),
}  # fmt: skip


def make(name: str) -> None:
    """Train one, and keep what the doctor reads of it."""
    _, recipe, n, spoil = GALLERY[name]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        try:
            training.train(recipe, path, n, spoil)
        except ArzhangError as error:  # a run may break down on purpose
            print(f"{name}: {error}")
        run = Run(path)
        kept = [{key: _short(value) for key, value in entry.items() if key != "seconds"} for entry in run.metrics()]
        (HERE / f"{name}.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in kept))
        config = {key: run.config[key] for key in ("system", "recipe", "data")}
        (HERE / f"{name}.yaml").write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True))
    print(f"{name}: {CONFIG}, {METRICS} of {len(kept)} lines", flush=True)


def _short(value: Any) -> Any:
    return float(f"{value:.6g}") if isinstance(value, float) else value


if __name__ == "__main__":
    torch.set_num_threads(1)
    for chosen in sys.argv[1:] or GALLERY:
        make(chosen)
