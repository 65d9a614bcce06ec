"""Sentences follow from numbers: each conclusion is drawn where the numbers say it, and only there."""

import dataclasses
import inspect
import json
import math
import re

import numpy as np
import pytest
from report.made import blurred, boxes, entries, evaluation, make_run, write_sheet

from arzhang.report import analysis, page
from arzhang.report.results import read
from arzhang.wording import LANGUAGES

CRITERIA_AND_KEYS = {"negative_elbo", "log_likelihood", "pixel_mae", "active_units"} | {
    *("d_real", "d_fake", "d_accuracy", "g_adversarial"),
    *("first", "last"),
    *(f"{value}_{when}" for value in ("d", "g", "l", "accuracy") for when in ("first", "last")),
    "monte_carlo_error",
    "effective_samples",
    "normalised_density",
    *("told_samples", "told_real", "by_class", "best_share", "worst_share"),
    "cycle_l1",
}
"""What the analysis names besides its conclusions: metrics, and keys of their protocols."""


def ids(conclusions):
    return [c["id"].removeprefix("run.") for c in conclusions]


def values(conclusions, id):
    (found,) = [c["values"] for c in conclusions if c["id"] == f"run.{id}"]
    return found


def wobble(epoch):
    return 0.05 * (-1) ** epoch


@pytest.mark.parametrize(
    ("validation", "trend"),
    [
        (lambda epoch: 250 - epoch + wobble(epoch), "trend_falling"),
        (lambda epoch: 250 + abs(epoch - 3) + wobble(epoch), "trend_rising"),
        (lambda epoch: 250 + wobble(epoch), "trend_level"),
    ],
)
def test_the_last_epochs(tmp_path, validation, trend):
    results = read(make_run(tmp_path / "run", epochs=12, lines=entries(12, validation=validation)))
    assert [id for id in ids(analysis.course(results)) if id.startswith("trend")] == [trend]


def test_the_slope_is_that_of_least_squares(tmp_path):
    results = read(
        make_run(tmp_path / "run", epochs=16, lines=entries(16, validation=lambda e: 300 - 2 * e + wobble(e)))
    )
    found = values(analysis.course(results), "trend_falling")
    x = np.arange(13, 17)
    (slope, _), covariance = np.polyfit(x, [300 - 2 * e + wobble(e) for e in x], 1, cov=True)
    assert found["slope"] == pytest.approx(slope)
    assert found["error"] == pytest.approx(math.sqrt(covariance[0, 0]))
    assert found["n"] == 4


def test_the_best_epoch(tmp_path):
    results = read(make_run(tmp_path / "run", lines=entries(validation=lambda e: 240 + abs(e - 5))))
    assert values(analysis.course(results), "best_earlier") == {
        "term": "negative_elbo",
        "best": 240.0,
        "epoch": 5,
        "above": 3.0,
        "unit": {"id": "unit.nats"},
    }
    falling = read(make_run(tmp_path / "falling"))
    assert values(analysis.course(falling), "best_last")["best"] == 245.0


def test_training_and_validation(tmp_path):
    """The sampling error of 200 validation images: 1.5 on 150 test images, so 1.5·√(150/200) = 1.30."""
    for gap, id in ((10, "gap_above"), (-10, "gap_below"), (2, "gap_none")):
        lines = entries(validation=lambda e, gap=gap: 240 + gap, train=lambda e: 240.0)
        results = read(make_run(tmp_path / id, lines=lines))
        found = values(analysis.course(results), id)
        assert found["gap"] == pytest.approx(abs(gap))
        assert found["error"] == pytest.approx(1.5 * math.sqrt(150 / 200))
    plain = read(make_run(tmp_path / "plain", evaluated=False))
    assert "gap_plain" in ids(analysis.course(plain))


def test_a_gap_that_opens(tmp_path):
    opening = entries(validation=lambda e: 250 + wobble(e), train=lambda e: 250.0 - e)
    assert "gap_opening" in ids(analysis.course(read(make_run(tmp_path / "opening", lines=opening))))
    steady = entries(validation=lambda e: 250 - e + wobble(e), train=lambda e: 240.0 - e)
    assert "gap_opening" not in ids(analysis.course(read(make_run(tmp_path / "steady", lines=steady))))


def test_an_epochs_mean_weighs_its_steps(tmp_path):
    lines = entries(2)
    lines[3] |= {"step": 12, "negative_elbo": 100.0}  # two of the ten steps of epoch 2
    lines[4] |= {"step": 20, "negative_elbo": 200.0}  # the other eight
    results = read(make_run(tmp_path / "run", lines=lines))
    assert analysis._epoch_mean(results, "negative_elbo", 2) == pytest.approx((2 * 100 + 8 * 200) / 10)


def test_too_short_to_tell(tmp_path):
    three = ids(analysis.course(read(make_run(tmp_path / "three", lines=entries(3)))))
    assert not [id for id in three if id.startswith("trend")]
    one = ids(analysis.course(read(make_run(tmp_path / "one", lines=entries(1, train=lambda _: 500.0)))))
    assert one == ["gap_below"]
    assert analysis.course(read(make_run(tmp_path / "none", lines=[]))) == []


def test_shares(tmp_path):
    measured = values(analysis.shares(read(make_run(tmp_path / "test"))), "shares")
    assert measured["split"] == "test"
    assert measured["share"] == pytest.approx(100 * 231 / 245)
    assert measured["bits"] == pytest.approx(14 / math.log(2))
    logged = values(analysis.shares(read(make_run(tmp_path / "validation", evaluated=False))), "shares")
    assert logged["split"] == "validation"
    assert logged["total"] == pytest.approx(245)
    run = make_run(tmp_path / "density")
    found = evaluation()
    found["reconstruction"]["value"] = -900.0  # a density above 1: a share of it would mean nothing
    (run / "eval.json").write_text(json.dumps(found))
    assert analysis.shares(read(run)) == []


def test_blur_is_measured(tmp_path):
    run = make_run(tmp_path / "run")
    sheets = {name: read(run).sheet(name) for name in ("originals", "reconstructions")}
    assert sheets["originals"].shape == (100, 12, 12, 3)
    assert np.abs(sheets["originals"][..., 0] - boxes(100)).max() < 0.5 / 255 + 1e-6
    found = analysis.pictures(read(run))
    assert ids(found) == ["blur_softer", "samples_alike", "pixel_error"]
    # A 6×6 box of height h has 24 edges to its ground, of 2·11·12 pairs of neighbours.
    expected = np.sqrt(24 / (2 * 11 * 12)) * boxes(100).max((1, 2))
    assert values(found, "blur_softer")["originals"] == pytest.approx(expected.mean(), abs=1e-3)


def test_what_is_not_blurred_is_not_called_so(tmp_path):
    run = make_run(tmp_path / "run")
    write_sheet(run / "figures" / "reconstructions.png", boxes(100))
    write_sheet(run / "figures" / "samples.png", blurred(boxes(100)))
    assert ids(analysis.pictures(read(run)))[:2] == ["blur_none", "samples_softer"]
    write_sheet(run / "figures" / "reconstructions.png", blurred(boxes(100)))
    write_sheet(run / "figures" / "samples.png", boxes(100))
    assert ids(analysis.pictures(read(run)))[:2] == ["blur_softer", "samples_harder"]


def test_blank_cells_of_a_sheet_are_no_images(tmp_path):
    run = make_run(tmp_path / "run")
    text = (run / "config.yaml").read_text().replace("test: 150", "test: 23")
    (run / "config.yaml").write_text(text)
    write_sheet(run / "figures" / "originals.png", boxes(23))
    assert read(run).sheet("originals").shape == (23, 12, 12, 3)


def test_latent_units(tmp_path):
    run = make_run(tmp_path / "run")
    found = analysis.latent(read(run))
    assert ids(found) == ["active_some", "active_clear"]
    some = values(found, "active_some")
    assert (some["active"], some["total"], some["idle"]) == (2, 4, 2)
    assert some["kl_idle"] == pytest.approx(0.003)
    assert values(found, "active_clear") == {"low": 0.0003, "high": 0.4}
    for variances, expected in (
        ([0.9, 0.02, 0.4, 0.009], ["active_some", "active_unclear"]),
        ([0.9, 0.02, 0.4, 0.3], ["active_all"]),
        ([0.001] * 4, ["active_none"]),
    ):
        wanted = evaluation()
        wanted["active_units"]["protocol"]["variances"] = variances
        (run / "eval.json").write_text(json.dumps(wanted))
        assert ids(analysis.latent(read(run))) == expected


def test_likelihoods(tmp_path):
    run = make_run(tmp_path / "run")
    assert ids(analysis.numbers(read(run))) == ["tightness", "not_normalised"]
    assert values(analysis.numbers(read(run)), "tightness")["gap"] == pytest.approx(2.0)
    found = evaluation()
    found["log_likelihood"]["protocol"] |= {"effective_samples": 1.2, "normalised_density": True}
    found["log_likelihood"]["value"] = -244.99  # within three Monte-Carlo errors of the ELBO
    (run / "eval.json").write_text(json.dumps(found))
    assert ids(analysis.numbers(read(run))) == ["tightness_one"]


def test_every_conclusion_has_words(tmp_path):
    """Each id that the analysis may draw is in the words, and the values that come with it fill them."""
    worded = {id.removeprefix("run.") for id in LANGUAGES["en"]}
    drawn = set(re.findall(r'"([a-z]+(?:_[a-z]+)+|shares|tightness)"', inspect.getsource(analysis)))
    drawn -= {name for name in drawn if name in CRITERIA_AND_KEYS}
    assert drawn <= worded
    results = read(make_run(tmp_path / "run"))
    for part in (analysis.course, analysis.shares, analysis.pictures, analysis.latent, analysis.numbers):
        (findings,) = page.Say().findings(part(results))
        assert all("{" not in sentence for sentence in findings.sentences)


def game(accuracy, d, l1):
    """Ten epochs of a game: the discriminator's accuracy and loss, and the L1 term, as functions of the epoch."""
    terms = {"d_real": d, "d_fake": d, "d_accuracy": accuracy, "g_adversarial": lambda e: 1.0, "g_l1": l1}
    real = [{"step": 100, "epoch": 10, "split": "preview", "real_variety": 0.5}]
    return real + [
        {"step": 100 * e, "epoch": e, "split": "train", "seconds": 1.0, **{name: f(e) for name, f in terms.items()}}
        for e in range(1, 11)
    ]


@pytest.mark.parametrize(
    ("accuracy", "d", "l1", "expected"),
    [
        (0.6, 0.65, lambda e: 1 / e, ["players_even", "players_l1"]),
        (0.8, 0.3, lambda e: 1 / e, ["players_ahead", "players_l1"]),
        (0.99, 0.03, lambda e: 1 / e, ["players_ahead", "players_l1", "health.discriminator_saturated"]),
        (0.5, 0.69, lambda e: 1 / e, ["players_even", "players_l1", "health.discriminator_guesses"]),
        (0.7, 0.65, lambda e: 1.0, ["players_even", "players_l1", "health.l1_flat"]),
    ],
)
def test_the_two_players(tmp_path, accuracy, d, l1, expected):
    lines = game(lambda e: accuracy, lambda e: d, l1)
    results = dataclasses.replace(read(make_run(tmp_path / "run", lines=lines)), recipe={"adversarial": "vanilla"})
    found = analysis.players(results)
    assert ids(found) == expected
    (findings,) = page.Say().findings(found)
    assert all("{" not in sentence for sentence in findings.sentences)


def test_one_epoch_of_a_game_went_nowhere(tmp_path):
    lines = [line for line in game(lambda e: 0.5, lambda e: 0.69, lambda e: 1 / e) if line["epoch"] == 1]
    assert ids(analysis.players(read(make_run(tmp_path / "run", lines=lines)))) == ["players_once"]
