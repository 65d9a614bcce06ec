"""The doctor: names each mistake of the gallery of broken trainings, and says why and what to do."""

import json

import pytest
import yaml
from gallery.make import GALLERY, HERE
from report.made import make_run
from test_cli import refused, said

from arzhang import doctor
from arzhang.health import RULES, findings
from arzhang.wording import ENGLISH


def kept(name):
    """A recorded run of the gallery, as a run directory."""
    lines = (HERE / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    config = yaml.safe_load((HERE / f"{name}.yaml").read_text(encoding="utf-8"))
    return [json.loads(line) for line in lines], config


def as_run(path, name):
    path.mkdir()
    for kind, file in (("jsonl", "metrics.jsonl"), ("yaml", "config.yaml")):
        (path / file).write_bytes((HERE / f"{name}.{kind}").read_bytes())
    return path


@pytest.mark.parametrize("name", GALLERY)
def test_each_mistake_of_the_gallery_is_named(name):
    entries, config = kept(name)
    found = [one["id"].removeprefix("health.") for one in findings(entries, config)]
    assert GALLERY[name].says in found
    assert len(found) <= 2  # what a mistake brings with it may be seen, too


def test_what_is_recorded_is_what_the_gallery_makes():
    """A recorded configuration is that of its entry, so that no log outlives a changed recipe."""
    for name, broken in GALLERY.items():
        _, config = kept(name)
        assert (config["system"], config["recipe"]["lr"]) == (broken.recipe.system, broken.recipe.lr), name
        assert config["recipe"]["epochs"] == broken.recipe.epochs, name
    assert {path.stem for path in HERE.glob("*.jsonl")} == set(GALLERY)


def test_every_rule_has_a_broken_run_and_its_words():
    says = {broken.says for broken in GALLERY.values()}
    together = {
        "learning_rate": {"diverged", "learns_nothing", "loss_rises"},
        "data_range": {"data_range", "data_narrow"},
    }
    for rule in RULES:
        assert together.get(rule.__name__, {rule.__name__}) <= says
    for one in says:
        assert {f"health.{one}", f"health.{one}.cause", f"health.{one}.remedy"} <= ENGLISH.keys()


def test_a_healthy_run_is_said_to_be(tmp_path, capsys):
    run = make_run(tmp_path / "run")
    assert doctor.diagnose(run) == []
    code, out, _ = said(capsys, "doctor", run)
    assert (code, out) == (0, f"{run}: nothing looks wrong\n")


def test_the_verb(tmp_path, capsys):
    run = as_run(tmp_path / "run", "averaged-kl")
    code, out, _ = said(capsys, "doctor", run)
    assert code == 0
    assert "1 thing looks wrong" in out
    assert "a mean over the latent's 32 dimensions where it is a sum" in out
    code, out, _ = said(capsys, "doctor", run, "--json")
    (found,) = json.loads(out)
    assert found["rule"] == "bound_broken"
    assert found["values"]["gap"] > 20 * found["values"]["error"]


def test_numbers_of_the_evaluation_are_read_too(tmp_path):
    run = make_run(tmp_path / "run")
    path = run / "eval.json"
    found = json.loads(path.read_text(encoding="utf-8"))
    found["posterior_gap"] = found["kl"] | {"value": -3.0, "uncertainty": 0.1}
    path.write_text(json.dumps(found), encoding="utf-8")
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    preview = {
        "step": 80,
        "epoch": 8,
        "split": "preview",
        "posterior_gap": -0.1,
        "posterior_gap_error": 1.0,
        "kl": 14.0,
    }
    (run / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in [*lines, preview]))
    assert [one.rule for one in doctor.diagnose(run)] == ["bound_broken"]


@pytest.mark.parametrize(("n", "error", "wrong"), [(1, None, []), (2, 0.001, []), (200, 0.01, ["bound_broken"])])
def test_few_images_do_not_break_a_bound(n, error, wrong, tmp_path):
    """A validation part of one image was called wrong, its error unknown and taken for none."""
    run = make_run(tmp_path / "run")
    (run / "eval.json").unlink()
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    preview = {"step": 80, "epoch": 8, "split": "preview", "n": n, "posterior_gap": -0.25, "posterior_gap_error": error}
    (run / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in [*lines, preview]))
    assert [one.rule for one in doctor.diagnose(run)] == wrong


def test_what_makes_no_sense_is_one_line(tmp_path, capsys):
    refused(capsys, 2, ["doctor"], "RUN: missing")
    refused(capsys, 2, ["doctor", tmp_path / "none"], "no such folder")
    run = make_run(tmp_path / "run", lines=[])
    refused(capsys, 1, ["doctor", run], "nothing is logged yet; `arzhang resume")
