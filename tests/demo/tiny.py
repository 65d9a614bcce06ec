"""Runs of every kind, without a training: a task as it begins, in a run directory with its data."""

import dataclasses
import io

import numpy as np
import torch
from command import folder_of_images
from PIL import Image

from arzhang import assembly, recipes
from arzhang.palettes import CITYSCAPES
from arzhang.training import checkpoint as checkpoints
from arzhang.training import published
from arzhang.training.run import Run

SIDE = 16
CPU = torch.device("cpu")
COLOURS = dict(CITYSCAPES)


def quiet(_):
    pass


def classes(folder):
    """Images in two classes."""
    for i, label in enumerate(("cats", "dogs")):
        folder_of_images(folder / label, 60, SIDE, seed=i)
    return folder


def pairs(folder):
    """Photos of noise, beside label maps: road at the left, sky at the right."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    colours = np.array([COLOURS["road"], COLOURS["sky"]], np.uint8)
    for i in range(24):
        photo, labels = rng.integers(0, 256, (SIDE, SIDE, 3), np.uint8), np.zeros((SIDE, SIDE), int)
        labels[:, rng.integers(4, SIDE - 4) :] = 1
        Image.fromarray(np.concatenate([photo, colours[labels]], 1)).save(folder / f"{i:02d}.png")
    return folder


def vae(folder, **values):
    return recipes.VAE(data=str(folder), latent_dim=3, batch_size=8, **values)


def gan(folder, kind=recipes.GAN):
    return kind(data=str(folder), width=2, latent_dim=4, batch_size=8)


def translator(folder, kind=recipes.Pix2Pix, **values):
    return kind(data=str(folder), size=SIDE, width=2, receptive_field=16, batch_size=2, **values)


def run(path, recipe):
    """A run of this recipe, with the weights that it begins with."""
    parts = assembly.splits(recipe, CPU, quiet)
    facts = assembly.describe(parts)
    shape, given = parts.train.shape, getattr(parts.train, "input_shape", None)
    task = assembly.build(recipe, shape, parts.train.levels, CPU, len(parts.classes or ()), given)
    made = Run.create(path, recipe, facts)
    weights = {checkpoints.WEIGHTS: task.networks.state_dict()}
    checkpoints.save(made.path / "checkpoints", 0, weights, {}, None)
    return path


def publish(path, recipe, shape, dtype=torch.float32, **facts):
    """A published model."""
    task = assembly.build(recipe, shape, 256, CPU, len(facts.get("classes", ())), facts.get("input_shape"))
    path.mkdir(parents=True)
    told = {key: list(value) for key, value in {"shape": shape, **facts}.items()} | {"levels": 256}
    config = {"system": recipe.system, "recipe": dataclasses.asdict(recipe), "data": told}
    published.write(path, config, {name: one.to(dtype) for name, one in task.networks.state_dict().items()})
    return path


def png(array):
    """An image as the page sends it."""
    buffer = io.BytesIO()
    Image.fromarray(np.asarray(array)).save(buffer, "png")
    return buffer.getvalue()


def image(answer):
    """The image of an answer, as an array."""
    assert answer.headers["content-type"] == "image/png", answer.text
    with Image.open(io.BytesIO(answer.content)) as opened:
        return np.asarray(opened)
