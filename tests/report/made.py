"""A run directory made by hand, in the format that training and evaluation write."""

import dataclasses
import json

import numpy as np
import yaml
from PIL import Image

from arzhang import recipes

SIDE = 12
PARTS = {"train": 1_280, "validation": 200, "test": 150}


def boxes(n, seed=0):
    """n grey images, each a bright box with hard edges on a dark ground."""
    rng = np.random.default_rng(seed)
    images = np.zeros((n, SIDE, SIDE))
    for image in images:
        y, x = rng.integers(1, 5, 2)
        image[y : y + 6, x : x + 6] = rng.uniform(0.6, 1)
    return images


def blurred(images):
    """Each pixel averaged with its neighbours, three times."""
    for _ in range(3):
        images = sum(np.roll(images, shift, axis) for axis in (1, 2) for shift in (-1, 1)) / 8 + images / 2
    return images


def write_sheet(path, images, columns=10):
    """As torchvision lays out a grid: two pixels around each image."""
    rows = -(-len(images) // columns)
    h, w = images.shape[1:3]
    sheet = np.full((rows * (h + 2) + 2, columns * (w + 2) + 2), 0.5)
    for i, image in enumerate(images):
        y, x = 2 + i // columns * (h + 2), 2 + i % columns * (w + 2)
        sheet[y : y + h, x : x + w] = image
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray((sheet * 255).round().astype(np.uint8)).convert("RGB").save(path)


def entries(epochs=8, steps=10, validation=lambda epoch: 240 + 40 / epoch, train=lambda epoch: 239 + 40 / epoch):
    """Lines of metrics.jsonl whose negative ELBO is what the two functions say."""
    lines = []
    for epoch in range(1, epochs + 1):
        for half in (1, 2):
            total = train(epoch) if epoch > 1 or half > 1 else 500.0
            terms = {"loss": total, "reconstruction": total - 13.5, "kl": 13.5, "negative_elbo": total}
            step = (epoch - 1) * steps + half * steps // 2
            lines.append({"step": step, "epoch": epoch, "split": "train", **terms, "lr": 1e-3, "seconds": step / 10})
        total = validation(epoch)
        terms = {"loss": total, "reconstruction": total - 14.0, "kl": 14.0, "negative_elbo": total}
        lines.append({"step": epoch * steps, "epoch": epoch, "split": "validation", **terms, "seconds": epoch * 9.5})
    return lines


def evaluation():
    protocol = {"split": "test", "data": "abc", "checkpoint": "best, step 80", "seed": 0}

    def metric(value, uncertainty, unit, **more):
        return {"value": value, "uncertainty": uncertainty, "n": 150, "unit": unit, "protocol": protocol | more}

    nats = "nats per image"
    likelihood = {"samples": 64, "monte_carlo_error": 0.01, "effective_samples": 9.5, "normalised_density": False}
    units = {"threshold": 0.01, "variances": [0.9, 0.0003, 0.4, 0.0001], "kl": [9.0, 0.002, 5.0, 0.001]}
    return {
        "negative_elbo": metric(245.0, 1.5, nats),
        "reconstruction": metric(231.0, 1.4, nats),
        "kl": metric(14.0, 0.05, nats),
        "log_likelihood": metric(-243.0, 1.5, nats, **likelihood),
        "active_units": metric(2, None, "of 4 latent dimensions", **units),
        "pixel_mae": metric(0.0625, 0.0002, "grey value in [0, 1]"),
    }


def make_run(path, *, lines=None, evaluated=True, drawn=True, **recipe):
    """A run directory at `path`; options go into its recipe."""
    values = dataclasses.asdict(recipes.VAE(**{"epochs": 8, "batch_size": 128, "latent_dim": 4} | recipe))
    config = {
        "system": "vae",
        "recipe": values,
        "data": {
            "description": "boxes & <i>edges</i>",
            "sha256": "0123456789abcdef" * 4,
            "shape": [1, SIDE, SIDE],
            "levels": 256,
            "range": [0, 255],
            "images": PARTS,
            "classes": [],
        },
        "versions": {"python": "3.11.7", "platform": "Linux x86_64", "arzhang": "0.1.0", "torch": "2.14.1"},
    }
    path.mkdir(parents=True)
    (path / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True), encoding="utf-8")
    text = "".join(json.dumps(line) + "\n" for line in (entries() if lines is None else lines))
    (path / "metrics.jsonl").write_text(text, encoding="utf-8")
    if evaluated:
        (path / "eval.json").write_text(json.dumps(evaluation()), encoding="utf-8")
    if drawn:
        images = boxes(100)
        sheets = {"originals": images, "reconstructions": blurred(images), "samples": blurred(boxes(100, seed=1))}
        for name, sheet in (sheets | {"interpolation": images[:40], "traversal": images[:20]}).items():
            write_sheet(path / "figures" / f"{name}.png", sheet)
        for epoch in (4, 8):
            write_sheet(path / "samples" / f"epoch_{epoch:04d}.png", np.concatenate([images[:32]] * 3), columns=32)
    return path
