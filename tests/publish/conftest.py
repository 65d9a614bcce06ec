"""Runs to publish, trained in a moment, in a home whose owner nobody may learn of."""

import json
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest
from command import arzhang, folder_of_images
from PIL import Image

from arzhang import assembly, evaluation, recipes

USER = "zaphod-q7"
"""The user's name: nothing else in a bundle can read so."""
TOKEN = "hf_" + "a1B2" * 9
SECRETS = {"HF_TOKEN": TOKEN, "KAGGLE_KEY": "0123456789abcdef0123456789abcdef"}


def kaggle_layout(path, train=12, val=4, size=32):
    """Files of the platform's shape: a photograph in the left half, a map of four colours in the right one."""
    rng = np.random.default_rng(0)
    colours = np.array([(128, 64, 128), (70, 70, 70), (107, 142, 35), (0, 0, 142)], np.uint8)
    for part, n in (("train", train), ("val", val)):
        (path / part).mkdir(parents=True)
        for i in range(n):
            kinds = rng.integers(0, 4, (4, 4)).repeat(size // 4, 0).repeat(size // 4, 1)
            photo = (colours[kinds].astype(int) + rng.integers(-20, 20, (size, size, 3))).clip(0, 255).astype(np.uint8)
            Image.fromarray(np.concatenate([photo, colours[kinds]], 1)).save(path / part / f"{i + 1}.jpg", quality=95)
    return path


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    """A user's home with two trained runs and their data in it."""
    home = tmp_path_factory.mktemp("home") / USER
    quiet = {"notify": lambda line: None}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ARZHANG_CACHE", str(home / "cache"))
        data = kaggle_layout(home / "data" / "cityscapes-image-pairs" / "cityscapes_data")
        recipe = recipes.Pix2Pix(
            data=str(data.parent), size=32, width=2, receptive_field=16, epochs=2, preview_every=1, choose_by="l1"
        )
        translator = assembly.train(recipe, home / "runs" / "translator", **quiet)
        evaluation.evaluate(translator.path, **quiet)
        images = folder_of_images(home / "pictures", 60)
        vae = recipes.VAE(data=str(images), epochs=2, batch_size=16, latent_dim=4, ema=0.9)
        coder = assembly.train(vae, home / "runs" / "coder", **quiet)
        evaluation.evaluate(coder.path, samples=2, **quiet)
    runs = {"huggingface": coder.path, "article": translator.path, "kaggle": translator.path}

    @cache
    def bundle(kind):
        """What the user's own command writes, in their home, with their secrets around."""
        (home / "work").mkdir(exist_ok=True)
        user = {"HOME": str(home), "USER": USER, "LOGNAME": USER, "ARZHANG_CACHE": str(home / "cache"), **SECRETS}
        out = home / "published" / kind
        done = arzhang("publish", runs[kind], "--to", kind, "--out", out, cwd=home / "work", timeout=500, **user)
        assert done.returncode == 0, done.stderr
        return out

    return SimpleNamespace(path=home, translator=translator.path, coder=coder.path, bundle=bundle)


@pytest.fixture
def numbers(home):
    """What was measured of each run."""
    return {run: json.loads((getattr(home, run) / "eval.json").read_text()) for run in ("translator", "coder")}
