"""A run as one file: it gives the run's losses bit for bit, reads like a listing, and needs nothing but torch."""

import ast
import dataclasses
import json
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from test_cli import refused, said

from arzhang import assembly, eject, recipes
from arzhang.data import sources
from arzhang.eject.listing import _members, attributes
from arzhang.eject.simplify import Known, simplified
from arzhang.eject.tidy import tidied
from arzhang.training import checkpoint as checkpoints

ROOT = Path(__file__).parents[1]
FEW = {"epochs": 2}
"""For a second recipe of a task."""
SHORT = {"epochs": 8, "batch_size": 4, "log_every": 1, "preview_every": 100, "accelerator": "cpu", "validation": 8}
PAIRS = SHORT | {"dataset": "streets", "size": 32, "scenes": 52, "width": 4}
STEPS = 100


def classes(folder):
    """60 images of 16×16 in three classes, of which 52 or more are trained on."""
    rng = np.random.default_rng(0)
    for i in range(60):
        image = rng.integers(0, 60, (16, 16), dtype=np.uint8)
        image[i % 3 * 5 : i % 3 * 5 + 5] += 150
        (folder / str(i % 3)).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / str(i % 3) / f"{i}.png")
    return folder


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return str(classes(tmp_path_factory.mktemp("classes") / "all"))


RECIPES = {
    "vae": recipes.VAE(latent_dim=4, **SHORT),
    "cs-vae": recipes.VAE(latent_dim=4, prior="mixture", components=3, divergence="cauchy-schwarz", beta=2.0, clip=1.0,
                          schedule="cosine", ema=0.9, **SHORT | FEW),
    "vae-of-mixtures": recipes.VAE(latent_dim=4, prior="mixture", prior_init="spread", posterior="mixture",
                                   components=3, likelihood="logistic", kl_warmup=1.0, norm="none", **SHORT | FEW),
    "classifier": recipes.Classifier(**SHORT),
    "gan": recipes.GAN(width=4, choose_by="last", **SHORT),
    "cgan": recipes.CGAN(width=4, choose_by="last", adversarial="vanilla", norm="batch", **SHORT),
    "segmenter": recipes.Segmenter(**PAIRS),
    "pix2pix": recipes.Pix2Pix(receptive_field=16, choose_by="l1", **PAIRS),
    "pix2pix-l1": recipes.Pix2Pix(adversarial="none", norm="instance", dropout=0.0, jitter=False, choose_by="l1",
                                  **PAIRS | FEW),
    "cyclegan": recipes.CycleGAN(receptive_field=16, pool=10, **{**PAIRS, "scenes": 30, "batch_size": 1, "epochs": 7}),
}  # fmt: skip


@pytest.fixture(scope="module")
def runs(images, tmp_path_factory):
    """Each recipe trained and ejected by one process, in which types are not checked, so that it is done soon; and its
    file run, all of them by another that cannot import Arzhang."""
    folder = tmp_path_factory.mktemp("ejected")
    trained = {
        name: recipe if isinstance(recipe, recipes.Paired) else dataclasses.replace(recipe, data=images)
        for name, recipe in RECIPES.items()
    }
    (folder / "recipes").write_bytes(pickle.dumps(trained))
    threads = {"OMP_NUM_THREADS": str(torch.get_num_threads())}
    alone = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    for script, known, given in (
        (TRAINED, os.environ, [str(folder)]),
        (ALONE, alone, [str(folder / f"{name}-file" / "train.py") for name in RECIPES]),
    ):
        words = [sys.executable, "-W", "error", "-c", script, *given]
        done = subprocess.run(words, capture_output=True, text=True, env={**known, **threads}, timeout=500, check=False)
        assert done.returncode == 0, done.stderr[-2_000:]
    return folder


TRAINED = """
import pathlib, pickle, sys
from arzhang import assembly, eject
folder = pathlib.Path(sys.argv[1])
for name, recipe in pickle.loads((folder / "recipes").read_bytes()).items():
    assembly.train(recipe, folder / name, notify=lambda _: None)
    (folder / f"{name}-file").mkdir()
    eject.eject(folder / name, folder / f"{name}-file" / "train.py", notify=lambda _: None)
"""
ALONE = """
import contextlib, os, pathlib, runpy, sys
sys.modules["arzhang"] = None
for file in sys.argv[1:]:
    os.chdir(pathlib.Path(file).parent)
    with open("log", "w") as log, contextlib.redirect_stdout(log):
        runpy.run_path("train.py", run_name="__main__")
"""


def _silent(_):
    pass


def logged(run):
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    return [{k: v for k, v in e.items() if k not in ("split", "lr", "seconds")} for e in lines if e["split"] == "train"]


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_the_losses_of_the_run_bit_for_bit(name, runs):
    want, file = logged(runs / name), runs / f"{name}-file"
    assert len(want) >= STEPS // (4 if RECIPES[name].epochs == FEW["epochs"] else 1)
    assert [json.loads(line) for line in (file / "log").read_text(encoding="utf-8").splitlines()] == want
    weights = torch.load(file / "weights.pt", weights_only=True)
    which = "averaged" if RECIPES[name].ema else "weights"
    trained = checkpoints.newest_sound(runs / name / "checkpoints", pytest.fail).tensors(f"{which}.safetensors")
    assert all(torch.equal(weights[key], trained[key]) for key in trained)


@pytest.mark.parametrize("name", RECIPES)
def test_the_file_is_clean_and_imports_torch_alone(name, runs):
    file = runs / f"{name}-file" / "train.py"
    text = file.read_text(encoding="utf-8")
    imported = {n.module if isinstance(n, ast.ImportFrom) else n.names[0].name for n in ast.parse(text).body
                if isinstance(n, ast.Import | ast.ImportFrom)}  # fmt: skip
    assert {one.split(".")[0] for one in imported} <= sys.stdlib_module_names | {"torch"}
    for word in ("recipe.", "recipe)", "UsageError", "Float[", "cast(", ">>> "):
        assert word not in text, word
    ruff = shutil.which("ruff", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    assert ruff, "ruff is a tool of development, installed with the extra 'dev'"
    words = [ruff, "check", "--config", ROOT / "pyproject.toml", file]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_what_a_run_does_not_use_is_not_there(runs):
    text = (runs / "vae-file" / "train.py").read_text(encoding="utf-8")
    for word in ("class MixturePrior", "score-function", "cauchy_schwarz(", "def measure", "def preview", "lsgan"):
        assert word not in text, word
    other = (runs / "cs-vae-file" / "train.py").read_text(encoding="utf-8")
    assert "class MixturePrior" in other
    assert "cauchy_schwarz(" in other


def test_a_built_in_set_is_read_from_its_files(tmp_path):
    """By torch alone, and the same images in the same order as a run has them."""
    if sources.locate("fashion-mnist") is None:
        pytest.skip("Fashion-MNIST is not here")
    recipe = recipes.VAE(epochs=1)
    parts = assembly.splits(recipe, "cpu", _silent)
    text, tensors = eject.listing(recipe, parts, "train.pt", _silent)
    assert not tensors
    names: dict = {"__name__": "ejected"}
    exec(compile(text, "train.py", "exec"), names)
    read = names["read_idx"]()
    indices = torch.tensor([0, 7, len(parts.train) - 1])
    assert len(read) == len(parts.train)
    assert torch.equal(read.take(indices).images, parts.train.take(indices).images)


def test_what_makes_no_sense_is_one_line(runs, images, tmp_path, capsys):
    run = runs / "vae"
    refused(capsys, 2, ["eject"], "RUN: missing")
    refused(capsys, 2, ["eject", tmp_path / "none"], "no such folder")
    refused(capsys, 2, ["eject", run, "--out", tmp_path / "train.txt"], "ends in .py")
    code, out, _ = said(capsys, "eject", run, "--out", tmp_path / "train.py")
    assert code == 0
    assert f"written: {tmp_path / 'train.py'}" in out
    refused(capsys, 2, ["eject", run, "--out", tmp_path / "train.py"], "is there already; --overwrite")
    gone = tmp_path / "gone"
    shutil.copytree(run, gone)
    config = (gone / "config.yaml").read_text(encoding="utf-8")
    (gone / "config.yaml").write_text(config.replace(images, str(tmp_path / "nowhere")), encoding="utf-8")
    refused(capsys, 2, ["eject", gone, "--out", tmp_path / "g.py"], "nowhere: no such folder (--data)")
    (gone / "config.yaml").write_text(config.replace("precision: 32-true", "precision: bf16-mixed"), encoding="utf-8")
    refused(capsys, 2, ["eject", gone, "--out", tmp_path / "g.py"], "bf16-mixed", "32-true alone")
    (gone / "config.yaml").write_text(config.replace("system: vae", "system: none"), encoding="utf-8")
    refused(capsys, 2, ["eject", gone, "--out", tmp_path / "g.py"], "says system 'none'")
    other = classes(tmp_path / "other")
    Image.new("L", (16, 16), 9).save(other / "0" / "more.png")
    (gone / "config.yaml").write_text(config.replace(images, str(other)), encoding="utf-8")
    refused(capsys, 2, ["eject", gone, "--out", tmp_path / "g.py"], "not those that this run was trained on")


# ------------------------------------------------------------------------------------------------- the parts of it


def test_branches_that_are_not_taken_fall_away():
    source = '''
def f(x, recipe):
    """What it does.

    >>> f(1)
    2
    """
    if recipe.kind == "a":
        # the comment stays
        y = x * recipe.lr
    elif recipe.kind == "b":
        y = 0
    else:
        y = 1
    if x < 0:
        raise UsageError("no")
    z = y if recipe.on and x else None
    return cast(int, z if not recipe.on else y)
'''
    known = Known({"kind": "a", "lr": 0.1, "on": True})
    assert (
        tidied(simplified(source, known))
        == '''def f(x):
    """What it does."""
    # the comment stays
    return x * LR'''
    )
    other = tidied(simplified(source, Known({"kind": "c", "lr": 0.1, "on": True})))
    assert "return 1" in other
    assert "LR" not in other


def test_what_is_not_known_stays():
    source = "def f(x, y):\n    if x is None or y:\n        return 1\n    return 2\n"
    assert simplified(source, Known({})) == source
    assert simplified(source, Known({}, parameters={"f": {"x": None}})).count("return") == 1
    assert simplified(source, Known({}, parameters={"f": {"y": False}})) == source.replace(" or y", "")


def test_a_value_that_is_computed_and_used_is_kept():
    source = "def f(x):\n    a = g(x)\n    b = 1\n    return x\n"
    assert simplified(source, Known({})) == "def f(x):\n    a = g(x)\n    return x\n"


def test_what_is_said_of_an_attribute_goes_with_it():
    source = 'def f(self, x):\n    b = g(x)\n    self.a = 3\n    """Three."""\n    return b + b\n'
    assert simplified(source, Known({})) == source
    assert (
        simplified(source.replace("    self.a = 3\n", ""), Known({}))
        == "def f(self, x):\n    b = g(x)\n    return b + b\n"
    )


def test_a_second_name_gives_way_to_the_first():
    source = "def f(x):\n    for i in x:\n        a, b = None, i\n        y: int = x\n        c = X\n        g(y, c)\n"
    assert simplified(source.replace("a, b = None, i", "b = i\n        h(b)"), Known({})) == (
        "def f(x):\n    for i in x:\n        h(i)\n        g(x, X)\n"
    )
    for kept in (
        "def f(x):\n    y = x\n    x = 1\n    return g(x, y)\n",
        "def f(x):\n    if g(x):\n        y = x\n    return y\n",
        "def f(x):\n    for i in x:\n        h(y)\n        y = i\n",
        "def f(x):\n    y = x\n    return lambda x: x + y\n",
        "def f(x):\n    y = x\n    y += 1\n    return y\n",
    ):
        assert simplified(kept, Known({})) == kept


@pytest.mark.parametrize("body", ["pass", "super().__init__()", '"""Begin."""'])
def test_what_begins_nothing_goes(body):
    method = f"    def __init__(self) -> None:\n        {body}\n\n"
    source = f"class A(B):\n{method}    def forward(self):\n        return 1\n"
    rule = [_members({"forward"})]
    assert tidied(simplified(source, Known({}), rule)) == tidied(source.replace(method, ""))
    for kept in (
        source.replace(body, "self.x = f(self)"),
        source.replace("self)", "self, x)", 1),
        f"class A(B):\n{method}",
    ):
        assert "__init__" in simplified(kept, Known({}), rule)


def test_an_attribute_is_known_where_all_objects_agree():
    class Both:
        def __init__(self, a, b):
            self.a, self.b, self.c = a, b, 0

        def move(self):
            self.c = 1

    sources_of = [Both(1, None), Both(1, 2)]
    found = attributes(sources_of)
    assert found["a"] == 1
    assert "b" not in found
    assert "c" not in found
