"""A model outside Python: every network by onnxruntime, by torch.export and as weights, against the model itself."""

import copy
import dataclasses
import functools
import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import safetensors.torch
import torch
from PIL import Image
from test_cli import refused, said
from torch import nn

from arzhang import assembly, export, recipes
from arzhang.errors import ArzhangError
from arzhang.export import networks
from arzhang.networks.pix2pix import test_mode as mode
from arzhang.networks.resnet import ResNetGenerator
from arzhang.randomness import generator
from arzhang.tasks import cyclegan

ROOT = Path(__file__).parents[1]
NEAR = 1e-4
SHORT = {
    "epochs": 1,
    "batch_size": 4,
    "log_every": 1,
    "lr": 0.05,
    "accelerator": "cpu",
    "validation": 4,
}  # large steps, so that outputs are far from flat
PAIRS = SHORT | {"dataset": "streets", "size": 16, "scenes": 8, "width": 4}
MIXED = {"prior": "mixture", "components": 3, "prior_init": "spread"}
RECIPES = {
    "vae": recipes.VAE(latent_dim=4, **SHORT),
    "cs-vae": recipes.VAE(latent_dim=4, divergence="cauchy-schwarz", **MIXED, **SHORT),
    "vae-of-mixtures": recipes.VAE(latent_dim=4, posterior="mixture", norm="none", **MIXED, **SHORT),
    "classifier": recipes.Classifier(**SHORT | {"lr": 0.003}),  # or it is sure of everything
    "gan": recipes.GAN(width=4, choose_by="last", **SHORT),
    "cgan": recipes.CGAN(width=4, choose_by="last", **SHORT),
    "segmenter": recipes.Segmenter(**PAIRS),
    "pix2pix": recipes.Pix2Pix(receptive_field=16, choose_by="l1", **PAIRS | {"epochs": 8}),  # for running statistics
    "pix2pix-l1": recipes.Pix2Pix(adversarial="none", norm="instance", dropout=0.0, choose_by="l1", **PAIRS),
    "cyclegan": recipes.CycleGAN(receptive_field=16, pool=10, **PAIRS),
}


def _silent(_):
    pass


def shallow(blocks, *others):
    """CycleGAN's generator with one residual block, which says what six do, in a quarter of the time."""
    network = ResNetGenerator(blocks, *others)
    network.layers = nn.Sequential(*network.layers[:4], *network.layers[3 + blocks :])
    return network


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Every system after a few steps, trained when it is asked for: name → its folder."""
    folder, rng = tmp_path_factory.mktemp("exported"), np.random.default_rng(0)
    for i in range(16):
        (folder / "classes" / "ab"[i % 2]).mkdir(parents=True, exist_ok=True)
        image = Image.fromarray(rng.integers(0, 256, (16, 16), dtype=np.uint8))
        image.save(folder / "classes" / "ab"[i % 2] / f"{i}.png")

    @functools.cache
    @torch.enable_grad()
    def trained(name):
        recipe = RECIPES[name]
        if not isinstance(recipe, recipes.Paired):
            recipe = dataclasses.replace(recipe, data=str(folder / "classes"))
        return assembly.train(recipe, folder / name, notify=_silent).path

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cyclegan, "ResNetGenerator", shallow)
        yield trained


@pytest.fixture(scope="module")
def exported(runs):
    """Each of them as ONNX: name → (the model, what is told, a function of a network's name and inputs)."""

    @functools.cache
    def found(name):
        told = json.loads(export.export(runs(name), notify=_silent).read_text(encoding="utf-8"))
        return assembly.load(runs(name)), told, by_onnx(runs(name) / "export" / "onnx")

    return found


def by_onnx(folder):
    def run(name, **given):
        session = onnxruntime.InferenceSession(str(folder / f"{name}.onnx"), providers=["CPUExecutionProvider"])
        feed = {key: np.asarray(value) for key, value in given.items()}
        return [torch.from_numpy(one) for one in session.run(None, feed)]

    return run


def rows(*shape, seed=7):
    """Five of them, for a graph that was traced with two."""
    return torch.rand(5, *shape, generator=torch.Generator().manual_seed(seed))


def near(found, wanted, bound=NEAR):
    assert [one.shape for one in found] == [one.shape for one in wanted]
    assert max(float((a - b).abs().max()) for a, b in zip(found, wanted, strict=True)) <= bound


# ------------------------------------------------------------------------------------------------------------ ONNX


@pytest.mark.parametrize("name", [name for name in RECIPES if "vae" in name])
@torch.no_grad()
def test_encoder_and_decoder(name, exported):
    model, told, run = exported(name)
    images, latents = rows(*model.shape), torch.randn(5, 4)
    near(run("encoder", images=images), [part for part in model.vae.encode(images) if part is not None])
    near(run("decoder", latents=latents), [model.decode(latents)])
    if name == "vae":
        assert told["prior"] == {"kind": "standard normal"}
    else:
        assert np.shape(told["prior"]["means"]) == (3, 4)
        assert sum(told["prior"]["weights"]) == pytest.approx(1)


@torch.no_grad()
def test_gans(exported):
    for name in ("gan", "cgan"):
        model, told, run = exported(name)
        noise, labels = model.noise(5, generator(0)), torch.tensor([0, 1, 1, 0, 1])
        given = {"classes": labels} if name == "cgan" else {}
        made = model.generator(noise, *given.values())
        near(run("generator", noise=noise, **given), [(made + 1) / 2])
    assert told["classes"] == ["a", "b"]
    assert told["networks"][0]["inputs"][1]["dtype"] == "int64"


def test_classifier_and_segmenter(exported):
    model, told, run = exported("classifier")
    near(run("classifier", images=(images := rows(*model.shape))), [model.predict(images)])
    assert told["classes"] == ["a", "b"]
    model, told, run = exported("segmenter")
    (found,) = run("segmenter", images=(images := rows(*model.shape)))
    assert torch.equal(found.argmax(1), model.segment(images))
    with torch.no_grad():
        near([found], [model.segmenter(images).softmax(1)])
    assert told["palette"][0] == {"name": "road", "colour": "#804080"}


def test_cyclegan_both_ways(exported):
    model, told, run = exported("cyclegan")
    images = rows(*model.shape)
    near(run("generator", images=images), [model.translate(images)])
    near(run("inverse", images=images), [model.translate_back(images)])
    assert told["images"]["resize"] == {"given": "nearest", "made": "bilinear, antialiased"}


def test_pix2pix_and_its_mask(exported):
    model, told, run = exported("pix2pix")
    images, draws = rows(*model.input_shape), model.generator.draws()
    mode(model.generator, dropout=False, batch_statistics=False)
    model.alone = False  # by running statistics, as evaluation mode has it
    off = run("generator", images=images, mask=torch.ones(5, draws))
    near(off, [model.translate(images, dropout=False)])
    luck = torch.cat([torch.rand(1, draws, generator=generator(3, "translate", i)) for i in range(5)])
    on = run("generator", images=images, mask=(luck >= 0.5) * 2.0)
    near(on, [model.translate(images, seed=3, dropout=True)])
    assert (on[0] - off[0]).abs().max() > 100 * NEAR
    assert told["evaluation"]["statistics"] == "running"
    model, told, run = exported("pix2pix-l1")
    assert [one["name"] for one in told["networks"][0]["inputs"]] == ["images"]
    near(run("generator", images=images), [model.translate(images)])


def test_what_is_told_is_what_is_there(runs, exported):
    for name in RECIPES:
        told = exported(name)[1]
        for one in told["networks"]:
            content = (runs(name) / "export" / "onnx" / one["file"]).read_bytes()
            assert hashlib.sha256(content).hexdigest() == one["sha256"]
            assert one["max_error"] <= NEAR
            session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
            for side, ports in (("inputs", session.get_inputs()), ("outputs", session.get_outputs())):
                assert [(port.name, port.shape) for port in ports] == [(p["name"], p["shape"]) for p in one[side]]
            assert b"site-packages" not in content
            assert str(ROOT).encode() not in content


# ------------------------------------------------------------------------------------------- what can be chosen besides


@pytest.fixture(scope="module")
def by_image(runs):
    said: list[str] = []
    folder = export.export(runs("pix2pix"), batch_statistics=True, notify=said.append).parent
    return by_onnx(folder), said


def test_batch_statistics_are_those_of_an_only_image(runs, exported, by_image):
    """As a copy has it whose batch normalisations keep no running statistics, in a batch of one."""
    model, (run, _) = assembly.load(runs("pix2pix")), by_image
    own = copy.deepcopy(model.generator)
    mode(own, dropout=False, batch_statistics=False)
    for part in own.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.track_running_stats, part.running_mean, part.running_var = False, None, None
    images, mask = rows(*model.input_shape), torch.ones(5, own.draws())
    found = run("generator", images=images, mask=mask)[0]
    with torch.no_grad():
        each = torch.cat([(own(image[None] * 2 - 1) + 1) / 2 for image in images])
        together = (own(images * 2 - 1) + 1) / 2
    near([found], [each])
    assert (each - together).abs().max() > NEAR  # a batch's own statistics are another thing
    assert (exported("pix2pix")[2]("generator", images=images, mask=mask)[0] - found).abs().max() > NEAR


def test_what_evaluation_mode_changes_is_said(runs, by_image, capsys):
    _, out, _ = said(capsys, "export", runs("pix2pix"), "--format", "safetensors")
    assert "dropout: an input of the graph, 'mask'" in out
    assert "by the running statistics" in out
    assert "Images made with --batch-statistics differ from these by 0." in out
    assert any("by the statistics of each image" in line for line in by_image[1])


@torch.no_grad()
def test_other_formats(runs, capsys):
    model = assembly.load(runs("classifier"))
    images = rows(*model.shape)
    for kind in ("torch-export", "safetensors"):
        assert said(capsys, "export", runs("classifier"), "--format", kind)[0] == 0
    program = torch.export.load(runs("classifier") / "export" / "torch-export" / "classifier.pt2").module()
    near([program(images)], [model.predict(images)])
    weights = safetensors.torch.load_file(runs("classifier") / "export" / "safetensors" / "classifier.safetensors")
    own = model.classifier.state_dict()
    assert weights.keys() == own.keys()
    assert all(torch.equal(weights[name], own[name]) for name in own)


def test_half_precision(runs, exported):
    model = exported("classifier")[0]
    folder = export.export(runs("classifier"), fp16=True, notify=_silent).parent
    whole = runs("classifier") / "export" / "onnx" / "classifier.onnx"
    assert (folder / "classifier.onnx").stat().st_size < 0.7 * whole.stat().st_size
    images = rows(*model.shape)
    found = by_onnx(folder)("classifier", images=images)
    near(found, [model.predict(images)], 2e-3)
    assert found[0].dtype == torch.float32
    assert float((found[0] - model.predict(images)).abs().max()) > 1e-6  # it is not the same network


def test_a_graph_that_is_off_is_not_written(runs, tmp_path, monkeypatch):
    real = networks.Saying.forward
    monkeypatch.setattr(networks.Saying, "forward", lambda self, images: real(self, images) + 2 * NEAR)
    with pytest.raises(ArzhangError, match=r"classifier: as torch-export it differs from PyTorch by 2\.0e-04"):
        export.export(runs("classifier"), tmp_path / "off", format="torch-export", notify=_silent)
    assert not list((tmp_path / "off").iterdir())


def test_what_makes_no_sense_is_one_line(runs, tmp_path, capsys, monkeypatch):
    run = runs("vae")
    refused(capsys, 2, ["export"], "RUN: missing")
    refused(capsys, 2, ["export", tmp_path / "none"], "no such folder")
    refused(capsys, 2, ["export", run, "--format", "onyx"], "--format onyx")
    refused(capsys, 2, ["export", run, "--batch-statistics"], "of pix2pix with batch normalisation alone")
    refused(capsys, 2, ["export", runs("pix2pix-l1"), "--batch-statistics"], "of pix2pix with batch normalisation")
    (tmp_path / "file").write_text("")
    refused(capsys, 2, ["export", run, "--out", tmp_path / "file"], "is a file")
    empty = tmp_path / "empty"
    shutil.copytree(run, empty)
    shutil.rmtree(empty / "checkpoints")
    refused(capsys, 1, ["export", empty], "no sound checkpoint")
    early = tmp_path / "early"
    shutil.copytree(run, early)
    config = (early / "config.yaml").read_text(encoding="utf-8")
    (early / "config.yaml").write_text(config.replace("epochs: 1\n", "epochs: 9\n"), encoding="utf-8")
    code, out, _ = said(capsys, "export", early, "--format", "safetensors")
    assert (code, "was not finished" in out) == (0, True)
    monkeypatch.setitem(__import__("sys").modules, "onnxscript", None)
    refused(capsys, 2, ["export", run], "pip install 'arzhang[export]'")
