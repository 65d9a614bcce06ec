"""The criterion for β on its own, and the whole study on few images, stopped and gone on with."""

import json

import pytest
from studies import few

from arzhang import cli, pictures, sweep
from arzhang.data import images
from arzhang.errors import UsageError
from arzhang.report import figures
from arzhang.studies import beta
from arzhang.wording import LANGUAGES

WORDS = [
    "study", "beta", "--beta", "0", "1", "50", "--seeds", "2", "--epochs", "1", "--latent-dim", "4", "--n", "150",
    "--classifier-epochs", "1", "--sprites-beta", "1", "4", "--sprites-epochs", "1", "--sprites-seeds", "1",
    "--sprites-size", "16", "--sprites-latent-dim", "3", "--accelerator", "cpu",
]  # fmt: skip


def test_the_largest_beta_within_one_standard_error_of_the_best():
    betas = [0.25, 0.5, 1, 2, 4, 8]
    distances = [40.0, 20.0, 10.0, 11.0, 12.5, 30.0]
    assert beta.choose(betas, distances, [1.0] * 6) == beta.Choice(2, 1, 11.0)
    assert beta.choose(betas, distances, [0.5] * 6).beta == 1  # surer, and nothing else is as good
    assert beta.choose(betas, distances, [9.0, 9.0, 2.6, 9.0, 9.0, 9.0]).beta == 4  # the best one's error decides
    assert beta.choose(betas, distances[::-1], [0.0] * 6).beta == 2
    assert beta.choose(betas[::-1], distances[::-1], [1.0] * 6).beta == 2  # whatever the order
    assert beta.choose([3.0], [1.0], [0.0]) == beta.Choice(3.0, 3.0, 1.0)
    for wrong in (([], [], []), ([1.0], [1.0, 2.0], [0.0])):
        with pytest.raises(UsageError):
            beta.choose(*wrong)


def test_beta_of_a_mean_over_pixels_and_dimensions():
    # Higgins et al. 2017, figure 6: dSprites, 64×64, ten latents: β = 4 is 0.0098
    assert beta.normalised(4, 10, (1, 64, 64)) == pytest.approx(0.009766, abs=1e-6)
    assert beta.normalised(1, 32, (1, 28, 28)) == pytest.approx(32 / 784)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    out = tmp_path_factory.mktemp("beta")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(images, "load", few.load)
        patch.setattr(pictures, "ACTIVE", 0.0)  # after so few steps
        patch.setenv("ARZHANG_CACHE", str(tmp_path_factory.mktemp("cache")))
        assert cli.main([*WORDS, "--out", str(out)]) == 0
        before = {path: path.stat().st_mtime_ns for path in sorted(out.glob("runs/*/metrics.jsonl"))}
        kept = {path: path.stat().st_mtime_ns for path in out.glob("runs/*.json")}
        patch.setattr(figures, "LANGUAGES", {"en": LANGUAGES["en"]})
        handed = []
        patch.setattr(sweep, "finished_by_ray", lambda plan, folder: handed.extend(path for _, path in plan))
        assert cli.main([*WORDS, "--ray", "--out", str(out)]) == 0
        assert sorted(handed) == sorted(path.parent for path in before if path.parent.name != "classifier")
        assert cli.main([*WORDS, "--out", str(out)]) == 0  # again: nothing is trained or measured twice
    assert len(before) == 1 + 2 * (3 + 1) + 2 * 1
    assert len(kept) == len(before) - 1
    assert {path: path.stat().st_mtime_ns for path in before | kept} == before | kept
    return out, json.loads((out / "beta.json").read_text(encoding="utf-8"))


def test_the_study_measures_every_beta_on_validation(found):
    _, results = found
    assert results["protocol"]["split"] == "validation"
    assert [row["beta"] for row in results["by_beta"]] == [0, 1, 50]
    assert {arm["beta"] for arm in results["arms"]} == {0, 1, 50, None}
    rates = [row["kl"]["value"] for row in results["by_beta"]]
    assert rates[0] > rates[1] > rates[2]
    arms = [arm["metrics"]["fd_samples"]["value"] for arm in results["arms"] if arm["beta"] == 1]
    mean = results["by_beta"][1]["fd_samples"]
    assert mean["value"] == pytest.approx(sum(arms) / 2)
    assert mean["error"] == pytest.approx(abs(arms[0] - arms[1]) / 2)  # standard error of two
    assert results["sigma"]["sigma"]["value"] > 0
    assert results["floor"]["fd"] > 0
    assert results["chosen"]["beta"] in (0, 1, 50)
    assert 0 <= results["sprites"][0]["mig"]["value"] <= 1


def test_the_study_leaves_figures_pictures_and_a_page(found):
    out, results = found
    assert results["figures"] == ["choice", "rates", "disentanglement"]
    for figure in results["figures"]:
        assert "<svg" in (out / f"{figure}.svg").read_text(encoding="utf-8")
    files = [sheet["file"] for sheet in results["pictures"]]
    assert {"samples_images.png", "samples_sprites.png", "traversal_beta-0_seed-0.png"} <= set(files)
    page = (out / "index.html").read_text(encoding="utf-8")
    assert page.count('role="img"') == 3
    assert page.count('src="data:image/png') == len(files)
    assert "Chosen: β = " in page
    assert "{" not in "".join(line for line in page.splitlines() if line.startswith("<li>"))


@pytest.mark.parametrize(
    ("words", "phrase"),
    [
        (["--beta", "1"], "two at least"),
        (["--beta", "1", "1"], "different values"),
        (["--beta", "1", "-2"], "--beta -2"),
        (["--seeds", "0"], "--seeds 0"),
        (["--n", "300"], "--n 300: the validation part holds 200"),
        (["--features", "nowhere"], "nowhere"),
        (["--dataset", "mnits"], "mnits"),
    ],
)
def test_refusals(words, phrase, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(images, "load", few.load)
    code = cli.main(["study", "beta", "--classifier-epochs", "1", *words, "--out", str(tmp_path / "out")])
    error = capsys.readouterr().err
    assert code in (1, 2)
    assert error.count("\n") == 1, error
    assert phrase in error
    assert not (tmp_path / "out" / "index.html").exists()
