"""From runs to numbers: clusters against classes by hand; a CS-VAE's four terms and components."""

import json
import math

import numpy as np
import pytest
import torch
from command import folder_of_images
from PIL import Image

from arzhang import cli
from arzhang.evaluation import vae


def test_clusters_are_named_in_the_best_one_to_one_way():
    classes = np.array([0, 0, 0, 1, 1, 1, 2, 2, 2, 2])
    found = np.array([2, 2, 0, 0, 0, 0, 1, 1, 1, 2])  # best naming: 2→0, 0→1, 1→2, of which 8 are right
    made = vae._clusters(found, classes, "by hand", "component", {"split": "test"})
    assert made["component_accuracy"]["value"] == pytest.approx(0.8)
    assert made["component_accuracy"]["uncertainty"] == pytest.approx(math.sqrt(0.8 * 0.2 / 10))
    renamed = vae._clusters((classes + 1) % 3, classes, "by hand", "component", {})
    assert renamed["component_accuracy"]["value"] == 1
    assert renamed["component_nmi"]["value"] == pytest.approx(1)
    # two classes in one cluster: only one of them can have its name
    merged = vae._clusters(np.where(classes == 1, 0, classes), classes, "by hand", "component", {})
    assert merged["component_accuracy"]["value"] == pytest.approx(0.7)


def test_codes_are_clustered_by_k_means():
    classes = np.arange(60) % 3
    codes = np.random.default_rng(0).normal(size=(60, 2)) / 100 + classes[:, None] * [1.0, -2.0]
    made = vae._clusters(codes, classes, "k-means of codes", "kmeans", {})
    assert made["kmeans_accuracy"]["value"] == 1


def test_components_are_used_where_they_hold_more_than_a_fiftieth():
    shares = torch.zeros(100, 4)
    shares[:60, 0], shares[60:97, 1], shares[97:99, 2], shares[99:, 3] = 1, 1, 1, 1  # .60, .37, .02, .01
    made = vae._components(shares, None, {})
    assert made["components_used"]["value"] == 2
    entropy = -sum(p * math.log(p) for p in (0.6, 0.37, 0.02, 0.01))
    assert made["components_entropy"]["value"] == pytest.approx(entropy)
    assert "component_accuracy" not in made


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    images = folder_of_images(tmp_path_factory.mktemp("images") / "all", 120)
    path = tmp_path_factory.mktemp("runs") / "cs"
    words = [
        "train", "vae", "--data", images, "--epochs", 2, "--batch-size", 16, "--latent-dim", 3, "--prior", "mixture",
        "--posterior", "mixture", "--posterior-components", 2, "--components", 3, "--divergence", "cauchy-schwarz",
        "--weight", 2, "--out", path,
    ]  # fmt: skip
    assert cli.main([str(word) for word in words]) == 0
    assert cli.main(["evaluate", str(path), "--samples", "8"]) == 0
    return path


def test_the_four_terms_of_a_mixture_vae(run):
    found = json.loads((run / "eval.json").read_text(encoding="utf-8"))
    value = {name: metric["value"] for name, metric in found.items()}
    for name in ("log_likelihood", "posterior_gap", "kl", "cauchy_schwarz"):
        assert found[name]["uncertainty"] > 0
        assert found[name]["unit"] == "nats per image"
    likelihood = found["log_likelihood"]["protocol"]
    assert likelihood["bound"].startswith("lower")
    assert 1 <= likelihood["effective_samples"] <= 8
    curve = likelihood["by_samples"]
    assert list(curve) == ["1", "2", "4", "8"]
    assert curve["1"] <= curve["2"] <= curve["4"] <= curve["8"]  # of the same draws: Jensen's inequality
    assert curve["8"] == pytest.approx(value["log_likelihood"])
    assert value["posterior_gap"] == pytest.approx(value["log_likelihood"] + value["negative_elbo"])
    assert value["objective"] == pytest.approx(value["reconstruction"] + 2 * value["cauchy_schwarz"])
    assert "elbo" not in json.dumps(found["objective"])
    assert value["components_used"] <= 3
    assert sum(found["components_used"]["protocol"]["usage"]) == pytest.approx(1)


def test_the_four_terms_at_previews(run):
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    (preview,) = [line for line in lines if line["split"] == "preview"]
    for name in ("log_likelihood", "posterior_gap", "kl", "cauchy_schwarz"):
        assert math.isfinite(preview[name])
        assert preview[f"{name}_error"] > 0
    assert 1 <= preview["effective_samples"] <= 32
    assert not any("elbo" in name for line in lines if line["split"] == "train" for name in line)


def test_one_component_is_sampled_through_the_command(run, tmp_path, capsys):
    sheets = []
    for words in (["--component", "0"], ["--component", "2"], []):
        sheet = tmp_path / f"{len(sheets)}.png"
        assert cli.main(["sample", str(run), "-n", "4", *words, "--out", str(sheet)]) == 0
        with Image.open(sheet) as opened:
            sheets.append(np.asarray(opened))
    assert (sheets[0] != sheets[1]).any()
    capsys.readouterr()
    assert cli.main(["sample", str(run), "--component", "3"]) == 2
    assert capsys.readouterr().err == "arzhang: --component 3: there are 3, counted from 0\n"
    with Image.open(run / "figures" / "components.png") as opened:
        assert opened.size[1] > 3 * 16  # a row each
