"""How images are spoilt and how a metric's answer is judged; and the whole study on few images."""

import json
import math

import pytest
import torch
from scipy import stats
from studies import few

from arzhang import cli
from arzhang.data import images
from arzhang.studies import metrics

FLOOR = {"value": 10.0, "spread": 1.0, "sets": 10}


def picture(n: int = 40) -> torch.Tensor:
    return few.load().train.batch(torch.arange(n))


def test_blur_widens_and_keeps_the_light():
    point = torch.zeros(1, 1, 29, 29)
    point[..., 14, 14] = 1
    spread = metrics.spoil(point, "blur", 2.0)[0, 0].double()
    assert float(spread.sum()) == pytest.approx(1, abs=1e-6)
    at = torch.arange(29) - 14.0
    assert float((spread.sum(0) * at**2).sum()) == pytest.approx(4, rel=0.03)  # cut off at 3 σ


def test_noise_is_of_its_size_and_stays_in_range():
    grey = torch.full((50, 1, 28, 28), 0.5)
    noisy = metrics.spoil(grey, "noise", 0.1, torch.Generator().manual_seed(0))
    assert float(noisy.std()) == pytest.approx(0.1, rel=0.02)
    assert float(metrics.spoil(grey, "noise", 2.0).min()) >= 0


@pytest.mark.parametrize("rule", metrics.LEVELS["resize"])
def test_resizing_keeps_size_and_what_is_flat(rule):
    assert torch.allclose(metrics.spoil(torch.full((2, 1, 28, 28), 0.3), "resize", rule), torch.tensor(0.3))
    there = metrics.spoil(picture(), "resize", rule)
    assert there.shape == picture().shape
    assert not torch.equal(there, picture())


def test_what_chance_may_do():
    bound = metrics.bound(10)
    assert stats.t.cdf(bound, 9) == pytest.approx(1 - metrics.CHANCE / 2)
    # one set more of the same kind strays by the spread of one and the error of the mean
    edge = bound * math.sqrt(1 + 1 / 10)
    steps = [{"value": 10 + d, "spread": None, "sets": 1} for d in (0.99 * edge, 1.01 * edge, -1.01 * edge)]
    assert metrics.signs(steps, FLOOR, better=-1) == [0, -1, 1]
    assert metrics.signs(steps, FLOOR, better=1) == [0, 1, -1]
    several = [{"value": 10 + d, "spread": 2.0, "sets": 4} for d in (0.99 * bound * math.sqrt(1.1), 6.0)]
    assert metrics.signs(several, FLOOR, better=-1) == [0, -1]


def test_an_untouched_set_is_seldom_seen():
    draws = torch.randn(4_000, 11, generator=torch.Generator().manual_seed(0)).double()
    seen = 0
    for row in draws:
        floor = metrics._summary(row[:10].tolist())
        seen += metrics.signs([metrics._summary(row[10:].tolist())], floor, better=1) != [0]
    assert seen <= stats.binom.isf(1e-6, len(draws), metrics.CHANCE)  # fails once in a million
    assert stats.binom.isf(1e-6, len(draws), metrics.CHANCE) < stats.binom.ppf(1e-6, len(draws), 0.02)  # 2 % is noticed


def test_verdicts():
    Verdict = metrics.Verdict
    assert metrics.verdict([0, 0, -1, -1]) == Verdict("worse", 2)
    assert metrics.verdict([-1, 1, 1]) == Verdict("better", 1)
    assert metrics.verdict([-1, -1, 0]) == Verdict("blind", 3)  # what is not seen at its strongest is not seen
    assert metrics.verdict([0, 1, -1, 0], ordered=False) == Verdict("worse", 2)
    assert metrics.verdict([0, 1], ordered=False) == Verdict("better", 1)
    assert metrics.verdict([0, 0], ordered=False) == Verdict("blind", 2)


def test_the_blur_that_is_as_far():
    steps = [{"level": level, "fd": {"value": value}} for level, value in ((1.0, 20.0), (2.0, 60.0))]
    assert metrics.equivalent_blur(10.0, 0.0, steps) == pytest.approx(0.5)
    assert metrics.equivalent_blur(40.0, 0.0, steps) == pytest.approx(1.5)
    assert metrics.equivalent_blur(61.0, 0.0, steps) == math.inf


WORDS = ["study", "metrics", "--n", "130", "--repeats", "4", "--classifier-epochs", "4", "--accelerator", "cpu"]


def test_the_study_through_the_command(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(images, "load", few.load)
    monkeypatch.setenv("ARZHANG_CACHE", str(tmp_path / "cache"))
    vae = tmp_path / "vae"
    assert cli.main(["train", "vae", "--epochs", "1", "--latent-dim", "2", "--out", str(vae)]) == 0
    out = tmp_path / "out"
    code = cli.main([*WORDS, "--run", str(vae), "--out", str(out)])
    assert code == 0, capsys.readouterr().err
    results = json.loads((out / "metrics.json").read_text(encoding="utf-8"))
    assert results["signs"]["fd"]["noise"][-1] == -1
    assert results["signs"]["fd"]["blur"][-1] == -1
    assert results["signs"]["recall"]["copies"][-1] == -1
    for kind, steps in results["curves"].items():
        assert [step["level"] for step in steps] == list(metrics.LEVELS[kind])
    fewer = [step["fd"]["value"] for step in results["curves"]["fewer"]]
    assert fewer == sorted(fewer)  # the bias grows as images become fewer
    assert results["floor"]["fd"]["sets"] == 4
    assert results["vae"]["samples"]["fd"] > results["floor"]["fd"]["value"]
    assert len(results["tables"][0]["rows"]) == len(metrics.BETTER)
    page = (out / "index.html").read_text(encoding="utf-8")
    assert page.count('role="img"') == 1
    assert "Samples of the VAE have FD" in page
    assert "{" not in "".join(line for line in page.splitlines() if line.startswith("<li>"))


@pytest.mark.parametrize(
    ("words", "phrase"),
    [
        (["--n", "10"], "--n 10: must be at least 128"),
        (["--n", "300"], "holds"),
        (["--repeats", "2"], "--repeats 2"),
        (["--run", "nowhere"], "--run nowhere: no run"),
    ],
)
def test_refusals(words, phrase, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(images, "load", few.load)
    assert cli.main(["study", "metrics", *words, "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1, error
    assert phrase in error.replace("has 200", "holds")
