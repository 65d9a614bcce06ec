"""Members that train as one: the numbers of runs by themselves, each in its own folder, killed and gone on with."""

import dataclasses
import json
import os
import signal

import pytest
import torch
from command import folder_of_images

from arzhang import assembly, cli
from arzhang.errors import ArzhangError
from arzhang.recipes import GAN, VAE, from_words
from arzhang.tasks.vae import VAETask
from arzhang.training import checkpoint as checkpoints
from arzhang.training import ensemble
from arzhang.training.loop import Interrupted, Loop
from arzhang.training.run import Run

QUIET = {"notify": lambda line: None}


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return folder_of_images(tmp_path_factory.mktemp("images") / "all", 80)


@pytest.fixture
def members(images, tmp_path):
    """Recipes that differ in all that may differ, and where their runs go."""

    def make(*several, folder="together", **shared):
        common = {"data": str(images), "size": 28, "epochs": 2, "batch_size": 16, "latent_dim": 3, "log_every": 2}
        recipes = [VAE(accelerator="cpu", **common, **shared, **one) for one in several]
        return [(recipe, tmp_path / folder / str(i)) for i, recipe in enumerate(recipes)]

    return make


def alone(plan, folder):
    """The same, one after the other."""
    there = [(recipe, folder / path.name) for recipe, path in plan]
    for recipe, path in there:
        assembly.train(recipe, path, **QUIET)
    return there


def terms(path):
    """Every logged number but clocks."""
    return [
        {key: value for key, value in entry.items() if key not in ("seconds", "leaks")} for entry in Run(path).metrics()
    ]


def tensors(path):
    """Weights, averages and moments of the last checkpoint."""
    found = checkpoints.newest_sound(path / "checkpoints", pytest.fail)
    return {
        (name, key): t for name in found.files if name.endswith("safetensors") for key, t in found.tensors(name).items()
    }


def apart(one, other):
    """The largest difference of two runs' logged terms, relative to the larger."""
    worst = 0.0
    for a, b in zip(terms(one), terms(other), strict=True):
        assert a.keys() == b.keys()
        for key in a.keys() - {"split", "effective_samples_error"}:  # an error near zero is all rounding
            worst = max(worst, abs(a[key] - b[key]) / max(abs(a[key]), abs(b[key]), 1e-2))
    return worst


EACH = (
    {"beta": 0.5},
    {"beta": 4.0, "lr": 3e-3, "clip": 1.0},
    {"beta": 1.0, "seed": 3, "ema": 0.9, "schedule": "cosine"},
)


@pytest.mark.parametrize("several", [EACH, ({"beta": 0.5}, {"beta": 4.0})], ids=["seeds", "one batch for all"])
def test_the_numbers_are_those_of_runs_by_themselves(members, several, tmp_path):
    plan = members(*several, precision="64-true")
    assembly.train_together(plan, **QUIET)
    there = alone(plan, tmp_path / "alone")
    for (recipe, together), (_, single) in zip(plan, there, strict=True):
        assert Run(together).recipe == recipe
        assert Run(together).finished()
        assert apart(together, single) < 1e-8
        ours, theirs = tensors(together), tensors(single)
        assert ours.keys() == theirs.keys()
        assert all(torch.allclose(ours[name], theirs[name], rtol=1e-6, atol=1e-9) for name in ours)
    assert apart(plan[0][1], there[1][1]) > 1e-2  # another member's numbers are others


def test_networks_of_every_kind(members, tmp_path):
    """A learned mixture as prior, a learned spread, no normalisation, a warm-up of the weight."""
    plan = members(
        {"beta": 1.0}, {"beta": 2.0}, prior="mixture", components=3, likelihood="gaussian", sigma="learned",
        norm="none", kl_warmup=1, precision="64-true",
    )  # fmt: skip
    assembly.train_together(plan, **QUIET)
    for (_, together), (_, single) in zip(plan, alone(plan, tmp_path / "alone"), strict=True):
        assert apart(together, single) < 1e-8


def test_killed_between_two_members_checkpoints_they_go_on_bit_for_bit(members, tmp_path, monkeypatch):
    whole = members(*EACH, folder="whole")
    assembly.train_together(whole, **QUIET)
    plan, save, done = members(*EACH), checkpoints.save, []

    def dying(*given):
        done.append(given)
        if len(done) == 5:  # the second member's second: the first stands an epoch further than the third
            raise KeyboardInterrupt
        return save(*given)

    monkeypatch.setattr(checkpoints, "save", dying)
    with pytest.raises(KeyboardInterrupt):
        assembly.train_together(plan, **QUIET)
    newest = [checkpoints.available(path / "checkpoints")[-1].step for _, path in plan]
    assert newest[0] > newest[2]
    assembly.train_together(plan, **QUIET)
    for (_, one), (_, other) in zip(plan, whole, strict=True):
        assert terms(one) == terms(other)
        ours, theirs = tensors(one), tensors(other)
        assert all(torch.equal(ours[name], theirs[name]) for name in ours.keys() | theirs.keys())


def test_a_signal_saves_every_member(members, monkeypatch):
    plan, update = members(*EACH), ensemble._Members.update

    def struck(self, moving):
        update(self, moving)
        if self.first.step == 2:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(ensemble._Members, "update", struck)
    with pytest.raises(Interrupted):
        assembly.train_together(plan, **QUIET)
    assert {checkpoints.available(path / "checkpoints")[-1].step for _, path in plan} == {3}


def test_one_that_fails_keeps_nobody_from_going_on(members):
    plan = members({"beta": 0.5}, {"lr": 1e30}, {"beta": 4.0})
    with pytest.raises(ArzhangError, match=f"{plan[1][1]}: .*"):
        assembly.train_together(plan, **QUIET)
    assert [Run(path).finished() for _, path in plan] == [True, False, True]


def test_a_loss_that_draws_by_itself_trains_by_itself(members, tmp_path):
    plan, said = members({"beta": 0.5}, {"beta": 4.0}, estimator="score-function", norm="none"), []
    assembly.train_together(plan, notify=said.append)
    assert any("draws random numbers of its own" in line for line in said), said
    for (_, together), (_, single) in zip(plan, alone(plan, tmp_path / "alone"), strict=True):
        assert terms(together) == terms(single)


def test_what_has_no_vectorised_form_trains_by_itself(members, monkeypatch):
    loss = VAETask.loss

    def scalar(self, batch, shared):
        found = loss(self, batch, shared)
        assert found[0].item() == found[0].item()
        return found

    monkeypatch.setattr(VAETask, "loss", scalar)
    plan, said = members({"beta": 0.5}, {"beta": 4.0}), []
    assembly.train_together(plan, notify=said.append)
    assert any("no vectorised form (" in line for line in said), said
    assert all(Run(path).finished() for _, path in plan)


def test_where_memory_is_short_halves_train_after_each_other(members, monkeypatch):
    make, made = ensemble._Members.__init__, []

    def short(self, loops):
        if len(loops) > 2:
            raise torch.OutOfMemoryError
        made.append(len(loops))
        make(self, loops)

    monkeypatch.setattr(ensemble._Members, "__init__", short)
    plan, said = members({"beta": 0.5}, {"beta": 1.0}, {"beta": 2.0}, {"beta": 4.0}), []
    assembly.train_together(plan, notify=said.append)
    assert made == [2, 2]
    assert all(Run(path).finished() for _, path in plan)
    assert "4 runs at once are too many for the device's memory: 2, then 2" in said


def test_what_may_train_together():
    one = VAE(beta=1.0)
    for other in ({"beta": 4.0}, {"seed": 1}, {"lr": 1e-4}, {"ema": 0.9}):
        assert ensemble.kind(one) == ensemble.kind(dataclasses.replace(one, **other))
    for other in ({"latent_dim": 2}, {"epochs": 3}, {"batch_size": 4}, {"kl_warmup": 2}, {"dataset": "mnist"}):
        assert ensemble.kind(one) != ensemble.kind(dataclasses.replace(one, **other))
    for other in ({"compile": True}, {"devices": 2}, {"precision": "16-mixed"}):
        assert ensemble.kind(dataclasses.replace(one, **other)) is None
    assert ensemble.kind(GAN()) is None


def test_a_sweep_whose_runs_train_together(images, tmp_path, capsys):
    words = ["--data", str(images), "--size", "28", "--epochs", "1", "--batch-size", "16", "--latent-dim", "2"]
    typed = ["sweep", "vae", "--beta", "0.5", "2", "--samples", "2", "--together", *words]
    assert cli.main([*typed, "--out", str(tmp_path / "s")]) == 0, capsys.readouterr().err
    assert "2 runs train as one: beta=0.5, beta=2" in capsys.readouterr().out
    kept = (tmp_path / "s" / "beta=2" / "metrics.jsonl").stat().st_mtime_ns
    assert cli.main([*typed, "--out", str(tmp_path / "s")]) == 0
    assert (tmp_path / "s" / "beta=2" / "metrics.jsonl").stat().st_mtime_ns == kept
    found = json.loads((tmp_path / "s" / "sweep.json").read_text())
    assembly.train(from_words(VAE, [*words, "--beta", "2"]), tmp_path / "alone", **QUIET)
    assert apart(tmp_path / "s" / "beta=2", tmp_path / "alone") < 1e-3
    assert [run["options"]["beta"] for run in found["runs"]] == ["0.5", "2"]
    (tmp_path / "s" / "beta=2" / "config.yaml").unlink()
    assert cli.main([*typed, "--out", str(tmp_path / "s")]) == 2
    assert "exists and is not a run" in capsys.readouterr().err


def test_updates_alone_are_not_taken(members, monkeypatch):
    """All members' steps are the ensemble's: none makes its own update besides."""
    monkeypatch.setattr(Loop, "_update", lambda self, batch: pytest.fail("a member's own update"))
    assembly.train_together(members(*EACH), **QUIET)
