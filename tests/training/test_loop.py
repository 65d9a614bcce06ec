"""The loop: resuming is exact, reading is rare, a bad number stops it, two players do not touch each other."""

import signal
from types import SimpleNamespace
from typing import ClassVar

import pytest
import torch
from torch import nn

from arzhang.contracts import Batch, Example, Turn
from arzhang.devices import Fabric
from arzhang.errors import ArzhangError, UsageError
from arzhang.randomness import permutation
from arzhang.recipes import VAE as Recipe
from arzhang.tasks.vae import VAETask
from arzhang.training import checkpoint as checkpoints
from arzhang.training.loop import Interrupted, Loop, batch_of, measure
from arzhang.training.run import Run


class Memory:
    """Images in memory, as the loop needs them."""

    def __init__(self, n, seed=0, side=8):
        self.pixels = torch.rand(n, 1, side, side, generator=torch.Generator().manual_seed(seed))
        self.shape = (1, side, side)

    def __len__(self):
        return len(self.pixels)

    augmented = False

    def take(self, indices, luck=None):
        return Example(self.pixels[indices])


TRAIN, VALIDATION = Memory(100), Memory(30, seed=1)


def recipe(**options):
    return Recipe(**{"epochs": 3, "batch_size": 16, "latent_dim": 4, "log_every": 4, "lr": 1e-2, **options})


def build(chosen, side=8):
    torch.manual_seed(chosen.seed)
    return VAETask(chosen, (1, side, side))


def loop(path, chosen, task=None, train=TRAIN, validation=VALIDATION):
    run = Run(path) if (path / "config.yaml").exists() else Run.create(path, chosen, {})
    fabric = Fabric(accelerator="cpu", devices=1)
    return Loop(task or build(chosen), chosen, train, validation, run, fabric, print)


def weights(path, which=checkpoints.WEIGHTS):
    return checkpoints.newest_sound(path / "checkpoints", pytest.fail).tensors(which)


def logged(path):
    return [{k: v for k, v in entry.items() if k != "seconds"} for entry in Run(path).metrics()]


def stop_after(monkeypatch, steps, signum=signal.SIGTERM):
    """Raise a signal in the middle of a step, as an operating system would."""
    update, done = Loop._update, []

    def counting(self, batch):
        done.append(None)
        if len(done) == steps:
            signal.raise_signal(signum)
        update(self, batch)

    monkeypatch.setattr(Loop, "_update", counting)


@pytest.mark.parametrize(
    "options", [{}, {"ema": 0.9, "schedule": "cosine", "clip": 1.0, "kl_warmup": 2.0}], ids=["plain", "all"]
)
@pytest.mark.parametrize("steps", [1, 4, 5, 6, 7, 11, 12, 17])
def test_stopped_and_resumed_equals_uninterrupted(tmp_path, monkeypatch, options, steps):
    side = 28 if options else 8  # the networks for 28 pixels normalise batches

    def fit(name):
        chosen = recipe(**options)
        loop(tmp_path / name, chosen, build(chosen, side), Memory(100, 0, side), Memory(30, 1, side)).fit()

    fit("whole")
    with monkeypatch.context() as patch:
        stop_after(patch, steps)
        with pytest.raises(Interrupted, match="arzhang resume") as stopped:
            fit("parts")
        assert stopped.value.exit_code == 143
    assert len(weights(tmp_path / "parts")) > 0
    fit("parts")
    whole, parts = weights(tmp_path / "whole"), weights(tmp_path / "parts")
    assert all(torch.equal(whole[name], parts[name]) for name in whole)
    if "ema" in options:
        whole, parts = (weights(tmp_path / name, checkpoints.AVERAGED) for name in ("whole", "parts"))
        assert all(torch.equal(whole[name], parts[name]) for name in whole)
    assert logged(tmp_path / "whole") == logged(tmp_path / "parts")


def test_a_longer_run_goes_on_where_it_was(tmp_path):
    loop(tmp_path / "long", recipe(epochs=4)).fit()
    loop(tmp_path / "short", recipe(epochs=2)).fit()
    loop(tmp_path / "short", recipe(epochs=4)).fit()
    a, b = weights(tmp_path / "long"), weights(tmp_path / "short")
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_the_callers_random_state_is_left_alone(tmp_path):
    torch.manual_seed(7)
    before = torch.get_rng_state()
    chosen = recipe(epochs=1)
    task = VAETask(chosen, (1, 8, 8))
    torch.set_rng_state(before)
    loop(tmp_path / "run", chosen, task).fit()
    assert torch.equal(torch.get_rng_state(), before)


def test_log_is_the_mean_over_its_steps(tmp_path, monkeypatch):
    losses = []
    update = Loop._update

    def noting(self, batch):
        update(self, batch)
        losses.append(self.window[-1][0].item())

    monkeypatch.setattr(Loop, "_update", noting)
    loop(tmp_path / "run", recipe(epochs=1)).fit()
    lines = [entry for entry in logged(tmp_path / "run") if entry["split"] == "train"]
    assert [entry["step"] for entry in lines] == [4, 6]
    assert lines[0]["loss"] == pytest.approx(sum(losses[:4]) / 4, rel=1e-12)
    assert lines[1]["loss"] == pytest.approx(sum(losses[4:]) / 2, rel=1e-12)


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_a_bad_loss_stops_with_its_step_and_keeps_the_last_good_state(tmp_path, value):
    chosen = recipe(epochs=3)
    task = build(chosen)
    sound, calls = task.loss, []

    def failing(batch, shared):
        calls.append(None)
        loss, terms = sound(batch, shared)
        return (loss * float(value), {**terms, "loss": loss * float(value)}) if len(calls) == 9 else (loss, terms)

    task.turns = [Turn("vae", [task.networks], task.turns[0].optimizer, failing)]
    with pytest.raises(ArzhangError, match=r"step 9 is (not a number|infinite); the last good state is step 6"):
        loop(tmp_path / "run", chosen, task).fit()
    assert all(tensor.isfinite().all() for tensor in weights(tmp_path / "run").values())


def test_weights_that_are_no_longer_finite_are_not_saved(tmp_path):
    chosen = recipe(epochs=1)
    task = build(chosen)
    sound, calls = task.loss, []

    def poisoned(batch, shared):  # the loss is finite, its gradient is not: only the weights show it
        calls.append(None)
        loss, terms = sound(batch, shared)
        if len(calls) == 6:
            loss = loss + (task.vae.mean.bias.sum() * 0).sqrt()
        return loss, terms

    task.turns = [Turn("vae", [task.networks], task.turns[0].optimizer, poisoned)]
    with pytest.raises(ArzhangError, match="no longer finite at step 6"):
        loop(tmp_path / "run", chosen, task).fit()
    assert not list((tmp_path / "run" / "checkpoints").iterdir())


def test_the_device_is_read_only_now_and_then(tmp_path, monkeypatch):
    """`.item()` and `.cpu()` wait for a device: within an epoch they may happen once every `log_every` steps."""
    reads, originals = (
        [],
        {name: getattr(torch.Tensor, name) for name in ("item", "cpu", "tolist", "__bool__", "__float__")},
    )
    for name, original in originals.items():
        monkeypatch.setattr(
            torch.Tensor, name, lambda self, *a, _o=original, _n=name: (reads.append(_n), _o(self, *a))[1]
        )
    update, per_step = Loop._update, []

    def counting(self, batch):
        before = len(reads)
        update(self, batch)
        per_step.append(len(reads) - before)

    monkeypatch.setattr(Loop, "_update", counting)
    loop(tmp_path / "run", recipe(epochs=1)).fit()
    assert set(per_step) == {0}


def test_two_players_update_only_their_own_weights(tmp_path):
    """Each turn's optimizer holds both players' weights here, so that only the loop's freezing keeps them apart."""
    torch.manual_seed(0)
    a, b = nn.Linear(64, 1), nn.Linear(64, 1)
    networks = nn.ModuleDict({"a": a, "b": b})
    seen = []

    def game(name, own, other):
        def play(batch, shared):
            seen.append((name, dict(shared), [p.requires_grad for p in other.parameters()]))
            shared[name] = True
            x = batch.images.flatten(1)
            loss = (own(x) - other(x)).square().mean()
            return loss, {f"loss_{name}": loss}

        return play

    optimizer_a = torch.optim.SGD(networks.parameters(), lr=0.1)
    optimizer_b = torch.optim.SGD(networks.parameters(), lr=0.0)
    task = SimpleNamespace(
        networks=networks,
        turns=[Turn("a", [a], optimizer_a, game("a", a, b)), Turn("b", [b], optimizer_b, game("b", b, a))],
        criterion="none",
        prepare=lambda batch: {},
        previewed=32,
        noise=lambda n, generator: torch.zeros(n, 1),
        measure=lambda batch: {},
        preview=lambda batch: {},
        observe=lambda batch: {},
    )
    before = [p.detach().clone() for p in (*a.parameters(), *b.parameters())]
    loop(tmp_path / "run", recipe(epochs=1), task, validation=Memory(0)).fit()
    moved = [not torch.equal(x, y) for x, y in zip(before, (*a.parameters(), *b.parameters()), strict=True)]
    assert moved == [True, True, False, False]
    assert seen[0] == ("a", {}, [False, False])
    assert seen[1] == ("b", {"a": True}, [False, False])
    assert seen[2] == ("a", {}, [False, False])  # what is shared lives for one step
    assert all(p.requires_grad for p in networks.parameters())


def test_averaged_weights_are_the_recursion(tmp_path, monkeypatch):
    decay, path = 0.8, []
    update = Loop._update

    def noting(self, batch):
        update(self, batch)
        path.append(self.task.vae.mean.bias.detach().clone())

    monkeypatch.setattr(Loop, "_update", noting)
    loop(tmp_path / "run", recipe(epochs=1, ema=decay)).fit()
    expected = path[0]
    for value in path[1:]:
        expected = decay * expected + (1 - decay) * value
    found = checkpoints.available(tmp_path / "run" / "checkpoints")[-1].tensors(checkpoints.AVERAGED)
    assert torch.allclose(found["vae.mean.bias"], expected, atol=1e-6)
    assert not torch.allclose(found["vae.mean.bias"], path[-1], atol=1e-4)


def settled(path, chosen, task):
    """A short training of networks with batch normalisation: what their averages are and what the last step's."""
    loop(path, chosen, task, Memory(100, side=28), Memory(30, seed=1, side=28)).fit()
    return weights(path, checkpoints.AVERAGED), weights(path)


def test_averaged_weights_measure_their_own_activations(tmp_path):
    """The first normalised layer's mean is that of its own input over the epoch's images, whatever their batches."""
    chosen = recipe(epochs=1, ema=0.9)
    averaged, last = settled(tmp_path / "run", chosen, build(chosen, 28))
    task = build(chosen, 28)
    task.networks.load_state_dict(averaged)
    task.networks.eval()
    name, norm = next(found for found in task.networks.named_modules() if isinstance(found[1], nn.BatchNorm2d))
    seen = []
    norm.register_forward_hook(lambda module, given, made: seen.append(given[0].detach()))
    images = Memory(100, side=28).pixels[permutation(100, chosen.seed, 0)[:96]]
    task.measure(Batch(images, torch.arange(96), torch.zeros(96, 4)))
    name += ".running_mean"
    assert torch.allclose(averaged[name], seen[0].mean((0, 2, 3)), atol=1e-6)
    assert not torch.allclose(averaged[name], last[name], atol=1e-2)


def test_a_tasks_memory_is_not_touched_by_settling(tmp_path):
    chosen = recipe(epochs=1, ema=0.9)
    task = build(chosen, 28)
    task.memory = nn.BatchNorm1d(1)
    turn = task.turns[0]

    def loss(batch, shared):
        task.memory.num_batches_tracked += 1
        return turn.loss(batch, shared)

    task.turns = [Turn(turn.name, turn.modules, turn.optimizer, loss)]
    settled(tmp_path / "run", chosen, task)
    assert task.memory.num_batches_tracked == 6


def test_measure_is_a_mean_over_every_image_once():
    images = Memory(1_203)
    task = SimpleNamespace(
        networks=nn.Identity(),
        turns=[],
        criterion="index",
        prepare=lambda batch: {},
        previewed=32,
        preview=lambda batch: {},
        observe=lambda batch: {},
        noise=lambda n, generator: torch.randn(n, 1, generator=generator),
        measure=lambda batch: {"index": batch.indices.float(), "noise": batch.noise[:, 0]},
    )
    fabric = Fabric(accelerator="cpu", devices=1)
    found = measure(task, images, fabric, seed=3)
    assert found["index"] == pytest.approx(601.0)
    assert found == measure(task, images, fabric, seed=3)
    assert found["noise"] != measure(task, images, fabric, seed=4)["noise"]


def test_more_in_a_batch_than_images_is_said(tmp_path):
    with pytest.raises(UsageError, match="holds only 100 images"):
        loop(tmp_path / "run", recipe(batch_size=128))


def test_previews_show_the_same_images(tmp_path):
    loop(tmp_path / "run", recipe(epochs=3, preview_every=2)).fit()
    assert sorted(p.name for p in (tmp_path / "run" / "samples").iterdir()) == ["epoch_0002.png", "epoch_0003.png"]


def test_batch_is_plain():
    batch = batch_of(TRAIN, torch.arange(2), torch.zeros(2, 1))
    assert batch == Batch(batch.images, batch.indices, batch.noise)
    assert batch.epoch == 0.0


def test_luck_is_a_function_of_the_step_and_only_for_data_that_use_it(tmp_path):
    class Lucky(Memory):
        augmented = True
        seen: ClassVar[list] = []

        def take(self, indices, luck=None):
            self.seen.append(luck)
            return super().take(indices)

    for name in ("one", "two"):
        loop(tmp_path / name, recipe(epochs=1), train=Lucky(100)).fit()
    steps = len(Lucky.seen) // 2
    assert steps == 6
    assert all(luck.shape == (16, 4) for luck in Lucky.seen)
    assert all(torch.equal(a, b) for a, b in zip(Lucky.seen[:steps], Lucky.seen[steps:], strict=True))
    assert not torch.equal(Lucky.seen[0], Lucky.seen[1])


def test_dearer_terms_are_logged_at_previews(tmp_path):
    trained = loop(tmp_path / "run", recipe(epochs=4, preview_every=2))
    trained.fit()
    entries = [e for e in trained.run.metrics() if e["split"] == "preview"]
    assert [e["epoch"] for e in entries] == [2, 4]
    for entry in entries:
        assert entry["log_likelihood_error"] > 0
        assert entry["posterior_gap"] > -5 * entry["posterior_gap_error"]


def test_a_run_whose_last_checkpoint_found_no_room_is_not_finished(tmp_path, monkeypatch):
    chosen, save = recipe(), checkpoints.save

    def full(folder, step, *rest):
        if step == 18:
            raise OSError(28, "No space left on device")
        return save(folder, step, *rest)

    monkeypatch.setattr(checkpoints, "save", full)
    with pytest.raises(OSError, match="No space left"):
        loop(tmp_path, chosen).fit()
    assert logged(tmp_path)[-1]["split"] == "validation"
    assert not Run(tmp_path).finished()
    monkeypatch.setattr(checkpoints, "save", save)
    loop(tmp_path, chosen).fit()
    assert Run(tmp_path).finished()
