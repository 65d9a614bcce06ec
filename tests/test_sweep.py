"""Sweeps: what is swept, what is kept, what goes on; through the command, in one process and in several."""

import json
import os
import sys
import types
from pathlib import Path

import pytest
import torch
from command import folder_of_images

from arzhang import cli, devices, recipes, sweep
from arzhang.errors import ArzhangError, UsageError
from arzhang.report import figures
from arzhang.wording import LANGUAGES


@pytest.fixture(autouse=True)
def english(monkeypatch):
    """Figures in one language: drawing is most of what so short runs take."""
    monkeypatch.setattr(figures, "LANGUAGES", {"en": LANGUAGES["en"]})


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    images = folder_of_images(tmp_path_factory.mktemp("images") / "all", 60)
    return ["--data", str(images), "--epochs", "1", "--batch-size", "16", "--latent-dim", "2"]


def test_options_with_several_values():
    assert recipes.swept(recipes.VAE, ["--weight", "0.1", "-1e-3", "--epochs=3", "--prior", "mixture"]) == (
        ["--epochs=3", "--prior", "mixture"],
        {"beta": ["0.1", "-1e-3"]},
    )
    assert [sweep.name(c) for c in sweep.grid({"beta": ["1", "4"], "lr": ["0.1"]})] == [
        "beta=1_lr=0.1",
        "beta=4_lr=0.1",
    ]


def test_a_sweep_and_its_second_time(words, tmp_path, capsys):
    typed = ["sweep", "vae", "--weight", "0", "1", "4", "--samples", "2", "--processes", "1"]
    typed += ["--out", str(tmp_path / "s"), *words]
    assert cli.main(typed) == 0, capsys.readouterr().err
    found = json.loads((tmp_path / "s" / "sweep.json").read_text())
    assert [run["options"]["beta"] for run in found["runs"]] == ["0", "1", "4"]
    assert (tmp_path / "s" / "terms.svg").exists()
    page = (tmp_path / "s" / "index.html").read_text(encoding="utf-8")
    assert "every number is of the test part" in page
    assert "arzhang sweep vae --beta 0 1 4 " in page
    before = (tmp_path / "s" / "beta=4" / "metrics.jsonl").stat().st_mtime_ns
    assert cli.main(typed) == 0
    assert (tmp_path / "s" / "beta=4" / "metrics.jsonl").stat().st_mtime_ns == before  # kept, not made again
    assert cli.main([*typed, "--seed", "3"]) == 2
    assert "holds a run of other options" in capsys.readouterr().err


def test_in_processes_it_is_the_same(words, tmp_path):
    several = {"beta": ["0.5", "2"]}
    alone = sweep.sweep("vae", words, several, tmp_path / "a", samples=2, processes=1, notify=lambda _: None)
    both = sweep.sweep("vae", words, several, tmp_path / "b", samples=2, processes=2, notify=lambda _: None)
    assert alone["tables"] == both["tables"]


def test_a_run_that_fails_is_named_and_the_others_are_made(words, tmp_path):
    out = tmp_path / "s"
    out.mkdir()
    (out / "beta=0.5").write_text("in the way")
    with pytest.raises(ArzhangError, match=r"beta=0\.5: .*; the same command goes on with it"):
        sweep.sweep("vae", words, {"beta": ["0.5", "2"]}, out, samples=2, processes=2, notify=lambda _: None)
    assert (out / "beta=2" / "eval.json").exists()


def test_how_many_at_once(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 4)
    plan = [recipes.VAE(beta=beta, accelerator="cpu") for beta in range(3)]
    assert sweep._at_once(plan) == 3
    assert sweep._at_once([*plan, *plan]) == 4
    assert sweep._at_once([recipes.VAE(accelerator="cpu", devices=2)]) == 1
    monkeypatch.setattr(devices, "device", lambda name: torch.device("cuda"))
    assert sweep._at_once(plan) == 1


def test_ray_is_given_one_trial_a_run(words, tmp_path, monkeypatch):
    """Ray's own part is stood in for: each trial is called with its place in the grid, as Tune does it."""

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    class Tuner:
        def __init__(self, trial, param_space, run_config):
            self.trial, self.places = trial, param_space["index"]["grid_search"]
            assert Path(run_config["storage_path"]) == tmp_path / "b"

        def fit(self):
            for index in reversed(self.places):  # in an order and a folder of its own
                os.chdir(elsewhere)
                self.trial({"index": index})
            return types.SimpleNamespace(errors=[])

    def seen(spec):
        return types.SimpleNamespace(util=types.SimpleNamespace(find_spec=lambda name: spec))

    tune = types.SimpleNamespace(
        Tuner=Tuner, RunConfig=dict, FailureConfig=dict, grid_search=lambda values: {"grid_search": values}
    )
    several = {"beta": ["0.5", "2"]}
    monkeypatch.setattr(sweep, "importlib", seen(None))
    with pytest.raises(UsageError, match=r"pip install 'arzhang\[ray\]'"):
        sweep.sweep("vae", words, several, tmp_path / "a", ray=True, notify=lambda _: None)
    assert not (tmp_path / "a").exists()
    monkeypatch.setattr(sweep, "importlib", seen(object()))
    monkeypatch.setitem(sys.modules, "ray", types.SimpleNamespace(tune=tune))
    monkeypatch.chdir(tmp_path)
    by_ray = sweep.sweep("vae", words, several, Path("b"), samples=2, ray=True, notify=lambda _: None)
    alone = sweep.sweep("vae", words, several, tmp_path / "c", samples=2, processes=1, notify=lambda _: None)
    assert by_ray["tables"] == alone["tables"]


def test_refusals(words, tmp_path, capsys):
    for typed, phrase in (
        (["sweep", "vae"], "several values"),
        (["sweep", "vay", "--beta", "1", "2"], "no such system"),
        (["sweep", "vae", "--wieght", "1", "2"], "--wieght"),
        (["sweep", "vae", "--beta", "1", "2", "--metrics", "fid", "fod"], "--metrics fod"),
        (
            ["sweep", "vae", "--beta", "1", "2", "--samples", "0", "--out", str(tmp_path / "x")],
            "--samples 0: must be 1",
        ),
        (["sweep", "vae", "--beta", "1", "2", "--processes", "0", "--out", str(tmp_path / "x")], "--processes 0: must"),
        (["sweep", "vae", "--beta", "1", "-2", "--out", str(tmp_path / "x")], "0 or more"),
    ):
        assert cli.main(typed) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1
        assert phrase in error
    assert not (tmp_path / "x").exists()
    one, other = (recipes.from_words(recipes.VAE, [*words, "--beta", beta]) for beta in ("1", "9"))
    sweep.finished(one, tmp_path / "r", lambda _: None)
    with pytest.raises(UsageError, match="other options"):
        sweep.finished(other, tmp_path / "r", lambda _: None)
