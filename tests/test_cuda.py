"""What must hold on a GPU; skipped where there is none. That it holds on CPUs is other tests' business."""

import dataclasses
import json
import signal

import numpy as np
import pytest
import torch
from command import arzhang, folder_of_images
from torch.distributions import Independent, Normal

from arzhang import assembly, cli, divergences, gradients, recipes
from arzhang.data.images import Images
from arzhang.devices import Fabric
from arzhang.errors import ArzhangError
from arzhang.metrics import features
from arzhang.training import checkpoint as checkpoints
from arzhang.training.loop import Interrupted, Loop
from arzhang.training.run import Run

GPU = "cuda"
pytestmark = pytest.mark.skipif(GPU == "cuda" and not torch.cuda.is_available(), reason="there is no GPU here")
SMALL = {
    "vae": {"latent_dim": 4},
    "vae mixture": {"latent_dim": 4, "prior": "mixture", "components": 5},
    "vae score-function": {"latent_dim": 4, "estimator": "score-function", "norm": "none"},
    "gan": {"width": 4},
    "cgan": {"width": 4},
    "pix2pix": {"width": 4, "size": 32},
    "cyclegan": {"width": 4, "size": 32},
    "classifier": {},
    "segmenter": {"size": 32},
}
PAIRED = ("pix2pix", "cyclegan", "segmenter")


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """Images in two classes; side-by-side pairs are drawn by the package."""
    home = tmp_path_factory.mktemp("images") / "all"
    for name in "ab":
        folder_of_images(home / name, 40)
    return home


@pytest.fixture
def recipe(given):
    def make(name, **options):
        system = name.split()[0]
        where = {"dataset": "streets", "scenes": 40, "validation": 8} if system in PAIRED else {"data": str(given)}
        size = {} if system in PAIRED else {"size": 32}
        common = {"epochs": 2, "batch_size": 8, "log_every": 2, "accelerator": GPU}
        kind = recipes.SYSTEMS[system]
        known = {field.name for field in dataclasses.fields(kind)}
        every = {**common, **size, **where, **SMALL[name], **options}
        return kind(**{key: value for key, value in every.items() if key in known})

    return make


def train(recipe, path):
    assembly.train(recipe, path, notify=lambda _: None)
    return checkpoints.newest_sound(path / "checkpoints", pytest.fail)


def loop(recipe, path):
    """Ready for its first step, as `assembly.train` would have it."""
    parts = assembly.splits(recipe, GPU, lambda _: None)
    return Loop(
        assembly._build(recipe, parts, torch.device(GPU)), recipe, parts.train, parts.validation,
        Run.create(path, recipe, {}), Fabric(accelerator=GPU, devices=1, precision=recipe.precision), lambda _: None,
    )  # fmt: skip


@pytest.mark.parametrize("name", SMALL)
def test_interrupted_and_resumed_is_bit_identical(name, recipe, tmp_path, monkeypatch):
    chosen = recipe(name, deterministic=True, ema=0.9)
    try:
        whole = train(chosen, tmp_path / "whole")
    except ArzhangError as error:
        if "has no form that gives the same bits each time" in str(error):
            pytest.skip(str(error))
        raise
    update, done = Loop._update, []

    def struck(self, batch):
        done.append(None)
        if len(done) == 3:
            signal.raise_signal(signal.SIGTERM)
        update(self, batch)

    monkeypatch.setattr(Loop, "_update", struck)
    with pytest.raises(Interrupted):
        train(chosen, tmp_path / "run")
    assembly.resume(tmp_path / "run", notify=lambda _: None)
    found = checkpoints.newest_sound(tmp_path / "run" / "checkpoints", pytest.fail)
    assert found.step == whole.step
    for file in (checkpoints.WEIGHTS, checkpoints.OPTIMIZERS, checkpoints.AVERAGED):
        one, other = whole.tensors(file), found.tensors(file)
        assert all(torch.equal(one[key], other[key]) for key in one)


@pytest.mark.parametrize("mapped", [False, True], ids=["resident", "memory-mapped"])
@pytest.mark.parametrize("name", SMALL)
def test_no_step_waits_for_the_device(name, mapped, recipe, tmp_path):
    begun = loop(recipe(name, clip=1.0, ema=0.99, memory_share=1e-9 if mapped else 0.5), tmp_path / "run")
    for _ in range(2):  # a first step makes the optimizer's moments
        begun._update(begun.batch(begun.step))
        begun.step += 1
    torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in range(2):
            begun._update(begun.batch(begun.step))
            begun.step += 1
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize("name", SMALL)
def test_losses_and_gradients_as_on_a_cpu(name, recipe, tmp_path):
    begun = loop(recipe(name, precision="64-true", estimator="pathwise"), tmp_path / "run")
    batch = begun.batch(0)
    parts = assembly.splits(begun.recipe, "cpu", lambda _: None)
    there = assembly._build(begun.recipe, parts, torch.device("cpu"))
    there.networks.double().load_state_dict(begun.task.networks.state_dict())
    if hasattr(there, "memory"):
        there.memory.double().load_state_dict(begun.task.memory.state_dict())
    here = batch._replace(**{key: value.cpu() for key, value in batch._asdict().items() if torch.is_tensor(value)})
    shared = begun.task.prepare(batch), there.prepare(here)
    drawn = any(isinstance(m, torch.nn.Dropout) for m in there.networks.modules())
    for mine, other in zip(begun.task.turns, there.turns, strict=True):
        losses = []
        for turn, given, kept in ((mine, batch, shared[0]), (other, here, shared[1])):
            loss, _ = turn.loss(given, kept)
            loss.backward()
            losses.append(loss.item())
        if drawn:  # dropout draws other numbers on another device
            assert losses[0] == pytest.approx(losses[1], rel=0.2)
            continue
        assert losses[0] == pytest.approx(losses[1], rel=1e-9)
        pairs = zip(begun.task.networks.parameters(), there.networks.parameters(), strict=True)
        for p, q in pairs:
            assert (p.grad is None) == (q.grad is None)
            if p.grad is not None:
                assert (p.grad.cpu() - q.grad).norm() <= 1e-6 * q.grad.norm() + 1e-12
        for networks in (begun.task.networks, there.networks):
            networks.zero_grad()


@pytest.mark.parametrize("precision", ["bf16-mixed", "16-mixed"])
@pytest.mark.parametrize("name", ["vae", "pix2pix"])
def test_half_precision_trains_as_single(name, precision, recipe, tmp_path):
    ends = []
    for how in ("32-true", precision):
        path = tmp_path / how
        train(recipe(name, precision=how, epochs=4), path)
        key = {"vae": "negative_elbo", "pix2pix": "l1"}[name]
        ends.append([entry[key] for entry in Run(path).metrics() if entry["split"] == "validation"][-1])
    assert ends[1] == pytest.approx(ends[0], rel=0.1)


def test_memory_on_the_device_does_not_grow_with_the_set(tmp_path):
    taken = []
    for n in (1_000, 20_000):
        np.save(tmp_path / f"{n}.npy", np.zeros((n, 1, 28, 28), np.uint8))
        images = Images(np.load(tmp_path / f"{n}.npy", mmap_mode="r"), rows=np.arange(n), device=GPU)
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        for part in torch.randperm(n)[:1_000].split(100):
            assert images.batch(part).device.type == GPU
        taken.append(torch.cuda.max_memory_allocated() - before)
    assert taken[1] <= 1.1 * taken[0]


def test_a_sweep_trains_as_one_by_itself(given, tmp_path, capsys):
    words = ["sweep", "vae", "--data", given, "--size", 28, "--epochs", 2, "--batch-size", 16, "--latent-dim", 3]
    words += ["--samples", 2, "--beta", "0.5", "2", "--accelerator", GPU]
    assert cli.main([*map(str, words), "--out", str(tmp_path / "by-itself")]) == 0
    said = capsys.readouterr()
    assert "train as one" in said.out + said.err
    assert cli.main([*map(str, words), "--no-together", "--out", str(tmp_path / "apart")]) == 0
    for member in ("beta=0.5", "beta=2"):
        ends = [list(Run(tmp_path / how / member).metrics())[-1] for how in ("by-itself", "apart")]
        assert ends[0]["negative_elbo"] == pytest.approx(ends[1]["negative_elbo"], rel=1e-3)


def test_estimators_and_divergences_as_on_a_cpu():
    mean = torch.tensor([0.3, -0.7], dtype=torch.float64)

    def found(device):
        at = mean.to(device, copy=True).requires_grad_()
        p = Independent(Normal(at, torch.full_like(at, 0.8)), 1)
        q = Independent(Normal(torch.zeros_like(at), torch.ones_like(at)), 1)
        value = divergences.cauchy_schwarz(p, q)
        value.backward()
        return value.detach().cpu(), at.grad.cpu()

    for one, other in zip(found(GPU), found("cpu"), strict=True):
        assert torch.allclose(one, other, rtol=1e-12)
    for estimator in (gradients.Pathwise(), gradients.ScoreFunction("leave_one_out"), gradients.MeasureValued()):
        at = mean.to(GPU, copy=True).requires_grad_()
        loss = gradients.expectation(
            lambda z: z.square().sum(-1), Independent(Normal(at, torch.ones_like(at)), 1), n=20_000, estimator=estimator
        )
        loss.mean().backward()
        assert torch.allclose(at.grad.cpu(), 2 * mean, atol=0.3)  # ten standard errors of the noisiest


def test_scores_as_on_a_cpu(given, capsys, tmp_path, monkeypatch):
    try:
        features.locate_inception(download=False)
    except ArzhangError:
        pytest.skip("the real network's file is not at hand")
    found = []
    for device in (GPU, "cpu"):
        monkeypatch.setenv("ARZHANG_CACHE", str(tmp_path / device))
        words = ["score", given / "a", given / "b", "--metrics", "kid", "--json", "--accelerator", device]
        assert cli.main([str(word) for word in words]) == 0
        found.append(json.loads(capsys.readouterr().out)["kid"]["value"])
    assert found[0] == pytest.approx(found[1], rel=1e-3, abs=1e-5)


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two GPUs")
def test_two_gpus_train_what_one_trains(given, tmp_path):
    options = ["--data", given, "--size", 28, "--epochs", 2, "--batch-size", 16, "--latent-dim", 3]
    for devices in (1, 2):
        done = arzhang(
            "train", "vae", *options, "--accelerator", GPU, "--devices", devices, "--out", tmp_path / str(devices)
        )
        assert done.returncode == 0, done.stderr
    ends = [list(Run(tmp_path / str(devices)).metrics())[-1]["negative_elbo"] for devices in (1, 2)]
    assert ends[0] == pytest.approx(ends[1], rel=1e-3)


def test_the_callers_random_state_is_left_alone(recipe, tmp_path):
    torch.manual_seed(5)
    expected = torch.randn(3, device=GPU)
    torch.manual_seed(5)
    train(recipe("vae", epochs=1), tmp_path / "run")
    assert torch.equal(torch.randn(3, device=GPU), expected)
