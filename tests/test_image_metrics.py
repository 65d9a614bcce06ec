"""Image metrics of a trained run, and what lies behind them, on features that cost nothing."""

import json

import pytest
import torch
from command import folder_of_images
from torch import nn

from arzhang import assembly, evaluation, recipes
from arzhang.errors import UsageError
from arzhang.metrics import scores
from arzhang.metrics.features import Extractor
from arzhang.report import diagnosis


class Blocks(nn.Module):
    """Mean grey values of 4×4 parts."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.adaptive_avg_pool2d(x, 4).flatten(1) * self.scale


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    home = tmp_path_factory.mktemp("run")
    images = folder_of_images(home / "images", 400)
    recipe = recipes.VAE(data=str(images), epochs=1, batch_size=32, latent_dim=4, accelerator="cpu")
    return assembly.train(recipe, home / "run", notify=lambda _: None).path


@pytest.fixture
def extractor(tmp_path, monkeypatch):
    monkeypatch.setenv("ARZHANG_CACHE", str(tmp_path / "cache"))
    return lambda: Extractor(Blocks(), "blocks", "0", 16, lambda x: x, {"resize": "none"})


def test_reconstructions_samples_and_the_floor_each_against_the_test_part(run, extractor, monkeypatch):
    how = {"samples": 2, "metrics": ["fid", "prdc"], "n": 12, "extractor": extractor, "notify": lambda _: None}
    found = evaluation.evaluate(run, diagnose=True, **how)
    assert evaluation.read(run) == found
    for which in ("reconstructions", "samples", "floor"):
        metric = found[f"fd_{which}"]
        assert metric["n"] == metric["protocol"]["n_real"] == 12
        assert metric["protocol"]["real_sha256"] == found["fd_floor"]["protocol"]["real_sha256"]
        assert {"data", "seed", "checkpoint", "sha256", "resize"} <= metric["protocol"].keys()
    made = [run / evaluation.DIAGNOSES / which for which in ("reconstructions", "samples")]
    for folder in made:
        told = json.loads((folder / "diagnosis.json").read_text())
        value = found[f"fd_{folder.name}"]["value"]
        assert told["conclusions"][0]["values"]["value"] == pytest.approx(value, abs=1e-6)
        assert told["protocol"]["n_training"] == 12
    page = diagnosis.write(made, run / "diagnosis" / "index.html").read_text()
    assert page.count("data:image/png") == 4
    assert evaluation.evaluate(run, **how) == found
    assert not scores.differences(found, evaluation.read(run), str(run))["fd_samples"]["value"]
    with pytest.raises(UsageError, match=r"negative_elbo|log_likelihood"):  # another number of importance samples
        scores.differences(evaluation.evaluate(run, **(how | {"samples": 4})), found, str(run))


def test_refusals(run, extractor, tmp_path):
    with pytest.raises(UsageError, match=r"--diagnose: .* --metrics fid"):
        evaluation.evaluate(run, diagnose=True, notify=lambda _: None)
    with pytest.raises(UsageError, match="-n 5000: the test part holds"):
        evaluation.evaluate(run, metrics=["fid"], n=5_000, extractor=extractor, notify=lambda _: None)
    with pytest.raises(UsageError, match="holds no diagnosis"):
        diagnosis.section(tmp_path)
