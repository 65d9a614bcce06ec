"""Runs against runs: who stands against whom, what is refused, and what a terminal, JSON and a page say."""

import json

import pytest
import torch
from report.made import make_run
from safetensors.torch import save_file
from test_cli import refused, said

from arzhang import compare
from arzhang.errors import ArzhangError


def run(path, seed=0, elbo=245.0, *, protocol=None, evaluated=True, **recipe):
    """A run whose negative ELBO is this."""
    made = make_run(path, evaluated=evaluated, seed=seed, **recipe)
    if evaluated:
        found = json.loads((made / "eval.json").read_text(encoding="utf-8"))
        found["negative_elbo"]["value"] = elbo
        found["negative_elbo"]["protocol"] |= protocol or {}
        for name, value in (("fid_samples", 50.0), ("fid_floor", 4.0)):
            found[name] = {"value": value, "uncertainty": 0.5, "n": 150, "unit": "", "protocol": {}}
        (made / "eval.json").write_text(json.dumps(found), encoding="utf-8")
    return made


@pytest.fixture
def seeds(tmp_path):
    """Three seeds of a VAE, and three of one with a larger latent, whose negative ELBO is 2 nats lower."""
    spread = (0.0, 0.2, 0.1)
    plain = [run(tmp_path / "plain" / str(i), i, 245 + x) for i, x in enumerate(spread)]
    other = [run(tmp_path / "large" / str(i), i, 243 + x / 2, latent_dim=8) for i, x in enumerate(spread)]
    return plain, other


def line(found, metric):
    return next(line for line in found.lines if line.metric == metric)


def test_groups_are_of_equal_recipes_apart_from_the_seed(seeds, tmp_path):
    plain, other = seeds
    first, second = compare.groups([*plain, *other])
    assert (first.runs, second.runs, first.seeds) == (tuple(plain), tuple(other), (0, 1, 2))
    assert compare.groups([tmp_path / "plain", tmp_path / "large"]) == [first, second]  # folders of runs
    found = line(compare.compare(first, second), "negative_elbo")
    assert (found.verdict.says, found.verdict.by, found.verdict.seeds) == ("second", "seed pairs", 3)
    assert found.verdict.difference == pytest.approx(2.05)


def test_what_is_named_stands_against_what_is_named(seeds):
    plain, _ = seeds
    first, second = compare.groups(plain[:2], plain[2:])
    assert (len(first.runs), len(second.runs)) == (2, 1)
    assert line(compare.compare(first, second), "negative_elbo").verdict.by == "nothing"


def test_one_run_of_each_by_images_and_by_pairs_of_them_where_they_were_kept(tmp_path):
    one, other = run(tmp_path / "a"), run(tmp_path / "b", elbo=246.0, latent_dim=8)
    assert line(compare.compare(*compare.groups([one, other])), "negative_elbo").verdict.says == "undecided"
    hard = torch.randn(150, generator=torch.Generator().manual_seed(0))
    for path, shift in ((one, 0.0), (other, 1.0)):
        save_file({"negative_elbo": 20 * hard + shift + 0.01 * torch.arange(150) * shift}, path / "eval.safetensors")
    found = line(compare.compare(*compare.groups([one, other])), "negative_elbo").verdict
    assert (found.by, found.says) == ("image pairs", "first")
    (one / "eval.safetensors").write_bytes(b"x")
    with pytest.raises(ArzhangError, match=r"eval.safetensors: not a whole safetensors file"):
        compare.compare(*compare.groups([one, other]))


def test_floors_stand_beside_and_are_not_compared(tmp_path):
    found = compare.compare(*compare.groups([run(tmp_path / "a"), run(tmp_path / "b", latent_dim=8)]))
    assert line(found, "fid_samples").floor == 4.0
    assert "fid_floor" not in {line.metric for line in found.lines}


def test_scores_of_another_protocol_are_refused(tmp_path, capsys):
    one, other = run(tmp_path / "a"), run(tmp_path / "b", protocol={"data": "other"}, latent_dim=8)
    found = compare.compare(*compare.groups([one, other]))
    assert "negative_elbo" not in {line.metric for line in found.lines}
    assert "data 'abc' and 'other'" in found.refused["negative_elbo"]
    code, out, _ = said(capsys, "compare", one, other)
    assert code == 0
    assert "negative_elbo: not compared: another protocol in" in out
    for path, data in ((one, "one"), (other, "other")):
        found = json.loads((path / "eval.json").read_text(encoding="utf-8"))
        for metric in found.values():
            metric["protocol"] = {"data": data}
        (path / "eval.json").write_text(json.dumps(found), encoding="utf-8")
    refused(capsys, 2, ["compare", one, other], "another protocol", "evaluated alike")


def test_the_verb(seeds, tmp_path, capsys):
    plain, other = seeds
    code, out, _ = said(capsys, "compare", *plain, "--with", *other, "--out", tmp_path / "page.html")
    assert code == 0
    assert "B is better" in out
    assert "paired by seed (0, 1, 2)" in out
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "B is better" in page
    assert page.count("<img") == 2
    code, out, _ = said(capsys, "compare", *plain, *other, "--json", "--worth", "0.5")
    found = json.loads(out)
    assert found["metrics"]["negative_elbo"]["says"] == "second"
    assert found["metrics"]["negative_elbo"]["better"] == "lower"
    assert found["first"]["seeds"] == [0, 1, 2]


def test_what_makes_no_sense_is_one_line(seeds, tmp_path, capsys):
    plain, _ = seeds
    refused(capsys, 2, ["compare"], "RUN: missing")
    refused(capsys, 2, ["compare", tmp_path / "none"], "no such folder")
    refused(capsys, 2, ["compare", *plain], "3 runs of one recipe", "--with")
    refused(capsys, 2, ["compare", plain[0]], "one run")
    refused(capsys, 2, ["compare", plain[0], plain[0]], "named twice")
    again = run(tmp_path / "again", 0)
    refused(capsys, 2, ["compare", plain[0], again, "--with", plain[1]], "a second run of seed 0")
    raw = run(tmp_path / "raw", evaluated=False)
    refused(capsys, 2, ["compare", plain[0], "--with", raw], "not evaluated yet: `arzhang evaluate")
    (raw / "eval.json").write_text(json.dumps({"psnr": {"value": 1, "uncertainty": 1, "n": 1, "protocol": {}}}))
    refused(capsys, 2, ["compare", plain[0], "--with", raw], "no number that all of these runs have")
    (raw / "eval.json").write_text("{")
    refused(capsys, 2, ["compare", plain[0], "--with", raw], "holds no scores")
