"""Studies that look into one trained pix2pix or cgan: updates, variety, patches, classes. Zeros are exact, and fail
when what makes them is taken away on purpose."""

import contextlib
import json

import pytest
import torch
from studies import few

from arzhang import assembly, cli, recipes
from arzhang.data import images
from arzhang.errors import UsageError
from arzhang.evaluation import gan
from arzhang.networks import pix2pix
from arzhang.studies import classes, patches, trained, updates, variety
from arzhang.studies.options import PatchStudy
from arzhang.tasks.pix2pix import Pix2PixTask

SMALL = {
    "updates": ["--steps", "2"],
    "variety": ["--n", "6", "--outputs", "3"],
    "patches": ["--n", "4", "--receptive-fields", "16"],
}
TRAINED = [
    "--size",
    "32",
    "--scenes",
    "4",
    "--validation",
    "8",
    "--width",
    "4",
    "--epochs",
    "1",
    "--accelerator",
    "cpu",
]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A pix2pix of four scenes, trained once for all."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ARZHANG_CACHE", str(tmp_path_factory.mktemp("cache")))
        recipe = recipes.Pix2Pix(size=32, scenes=4, validation=8, width=4, epochs=1, choose_by="l1", accelerator="cpu")
        yield assembly.train(recipe, tmp_path_factory.mktemp("runs") / "pix", notify=lambda _: None)


def task_of(run):
    return assembly.load(run.path, checkpoint="last"), assembly.splits(run.recipe, "cpu", lambda _: None)


def ids(found):
    return [conclusion["id"].partition(".")[2] for conclusion in found["conclusions"]]


# ------------------------------------------------------------------------------------- which term moves which weights


def took(run, tmp_path):
    assert cli.main(["study", "updates", *SMALL["updates"], "--run", str(run.path), "--out", str(tmp_path)]) == 0
    return json.loads((tmp_path / "updates.json").read_text(encoding="utf-8"))


def test_what_must_be_zero_is_exactly_zero(run, tmp_path):
    found = took(run, tmp_path)
    assert ids(found) == ["zero", "through", "turns", "sum", "ratio_start", "ratio_trained"]
    for moment in found["moments"].values():
        flow, moved = moment["gradients"], moment["moved"]
        for block in found["blocks"]["generator"]:
            assert flow["d_real"][block] == flow["d_fake"][block] == moved["discriminator"][block] == 0
            assert min(flow["g_l1"][block], flow["g_adversarial"][block], moved["generator"][block]) > 0
        for block in found["blocks"]["discriminator"]:
            assert flow["g_l1"][block] == moved["generator"][block] == 0
            assert min(flow["d_real"][block], flow["d_fake"][block], flow["g_adversarial"][block]) > 0
            assert moved["discriminator"][block] > 0
        assert moment["sum_error"] < 1e-4
    assert found["blocks"]["generator"][0] == "G down 1"
    assert len(found["blocks"]["generator"]) == 2 * pix2pix.levels(32)


def test_without_the_detach_the_discriminators_term_reaches_the_generator(run, tmp_path, monkeypatch):
    found, whole = took(run, tmp_path), Pix2PixTask.judge

    class Attached(torch.Tensor):
        def detach(self):
            return self

    def judge(self, batch, shared):
        return whole(self, batch, shared | {"made": shared["made"].as_subclass(Attached)})

    monkeypatch.setattr(Pix2PixTask, "judge", judge)
    task, parts = task_of(run)
    task.networks.train()
    flow, _ = updates.gradients(task, list(updates._batches(task, parts.train, 2)))
    found["moments"]["trained"]["gradients"] = flow
    (leak,) = [c["values"] for c in updates.conclude(found) if c["id"] == "updates.leak"]
    assert (leak["term"], leak["network"]) == ("d_fake", "generator")
    assert leak["count"] == len(found["blocks"]["generator"])
    assert "updates.zero" not in [c["id"] for c in updates.conclude(found)]


def test_without_the_freezing_a_turn_can_move_the_other_player(run, tmp_path, monkeypatch):
    task, parts = task_of(run)
    task.networks.train()
    batch = next(updates._batches(task, parts.train, 1))
    found = updates.moved(task, batch)
    assert all(found["generator"][block] == 0 for block in updates.blocks(task, "discriminator"))
    monkeypatch.setattr(updates, "only", lambda modules, networks: contextlib.nullcontext())
    task.turns[1].optimizer.add_param_group(
        {"params": list(task.networks.get_submodule("discriminator").parameters()), "lr": 1e-3}
    )
    found = updates.moved(task, batch)
    assert all(found["generator"][block] > 0 for block in updates.blocks(task, "discriminator"))
    monkeypatch.undo()
    results = took(run, tmp_path)
    results["moments"]["trained"]["moved"] = found
    (leak,) = [c["values"] for c in updates.conclude(results) if c["id"] == "updates.moved_leak"]
    assert (leak["turn"], leak["network"], leak["count"]) == ("generator", "discriminator", 5)
    assert "updates.turns" not in [c["id"] for c in updates.conclude(results)]


def test_a_term_that_is_weighed_otherwise_is_noticed(run, tmp_path, monkeypatch):
    honest = updates.weights
    monkeypatch.setattr(updates, "weights", lambda recipe: honest(recipe) | {"d_fake": 0.4})
    found = took(run, tmp_path)
    assert "sum_off" in ids(found)
    assert "sum" not in ids(found)


# ------------------------------------------------------------------------------------------------ what dropout varies


def test_dropout_is_all_the_noise_there_is(run, tmp_path, monkeypatch):
    words = ["study", "variety", *SMALL["variety"], "--run", str(run.path), "--out", str(tmp_path)]
    assert cli.main(words) == 0
    found = json.loads((tmp_path / "variety.json").read_text(encoding="utf-8"))
    assert found["metrics"]["spread_off"]["value"] == 0
    assert "off" in ids(found)
    task, parts = task_of(run)
    inputs = parts.test.take(torch.arange(6)).inputs
    spread = variety.outputs(task, inputs, 3, 0, 0, True).std(0).mean()
    assert found["metrics"]["spread_on"]["value"] == pytest.approx(float(spread), rel=1e-5)
    assert spread > 0
    honest = Pix2PixTask.translate
    monkeypatch.setattr(
        Pix2PixTask, "translate", lambda self, *a, dropout=None, **k: honest(self, *a, dropout=True, **k)
    )
    assert cli.main(words) == 0
    assert "off_differs" in ids(json.loads((tmp_path / "variety.json").read_text(encoding="utf-8")))


def test_what_noise_costs_is_said_with_its_error():
    names = ("spread_on", "spread_off", "between", "real_between", "l1_on", "l1_off", "l1_mean", "gap")
    for gap, error, kind in ((0.01, 0.002, "more"), (-0.01, 0.002, "less"), (0.01, 0.006, "alike")):
        metrics = {name: {"value": 0.1, "error": 0.01} for name in names} | {"gap": {"value": gap, "error": error}}
        own = {"metrics": metrics, "classes": {}, "dropout": 0.5, "options": {"outputs": 4, "n": 10}}
        assert f"error_{kind}" in ids({"conclusions": variety.conclude(own)})


# ------------------------------------------------------------------------------------------------ what a PatchGAN sees


@pytest.mark.parametrize("field", [1, 16, 34, 70])
def test_the_measured_field_is_the_named_one(field):
    found = patches.seen(field, (96, 96))
    assert found.field == field
    assert found.box[2:] == (field, field)
    assert 0 <= found.box[0] <= 96 - field
    assert patches.seen(70, (64, 64)).box[2] <= 64


def test_another_field_than_its_name_says_is_named(monkeypatch):
    honest = patches.Discriminator
    monkeypatch.setattr(patches, "Discriminator", lambda channels, width, field: honest(channels, width, 34))
    found = patches.seen(16, (64, 64))
    assert found.field == 34
    decisions = {name: {"value": 0.5, "error": 0.1} for name in ("right_real", "right_made", "spread_made")}
    rows = [{"receptive_field": 16, **found._asdict(), "decisions": decisions}]
    said = patches.conclude({"fields": rows, "size": [64, 64], "options": {"n": 4}})
    assert said[0] == {"id": "patches.off", "values": {"named": 16, "field": 34}}


def test_decisions_are_counted_and_no_photo_depends_on_its_neighbours(run, tmp_path, monkeypatch):
    task, parts = task_of(run)
    example = parts.test.take(torch.arange(3))
    together = patches.verdicts(task, example.inputs, example.images)
    alone = patches.verdicts(task, example.inputs[1:2], example.images[1:2])
    assert torch.equal(together[1:2], alone)
    assert not task.networks.training
    monkeypatch.setattr(patches, "verdicts", lambda task, inputs, images: torch.full((len(images), 1, 2, 2), 0.8))
    found = patches.decided(task, parts.test, torch.arange(4))
    assert (found["right_real"]["value"], found["right_made"]["value"]) == (1, 0)
    assert found["mean_made"]["value"] == pytest.approx(0.8)


@pytest.mark.slow
def test_patches_trains_one_for_each_field_and_goes_on(tmp_path, monkeypatch):
    monkeypatch.setenv("ARZHANG_CACHE", str(tmp_path / "cache"))
    words = ["study", "patches", *SMALL["patches"], *TRAINED, "--out", str(tmp_path / "out")]
    assert cli.main(words) == 0
    log = tmp_path / "out" / "runs" / "receptive-field=16" / "metrics.jsonl"
    before = log.stat().st_mtime_ns
    assert cli.main(words) == 0
    assert log.stat().st_mtime_ns == before
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "depends on 16 pixels across" in page
    assert page.count('role="img"') == 2
    assert "{" not in "".join(line for line in page.splitlines() if line.startswith("<li>"))


# -------------------------------------------------------------------------------------------- a class that is asked for


def test_classes_are_asked_for_and_seen(tmp_path, monkeypatch):
    monkeypatch.setattr(images, "load", few.load)
    monkeypatch.setattr(gan, "TOLD", 8)
    out = tmp_path / "out"
    words = ["study", "classes", "--width", "2", "--epochs", "1", "--classifier-epochs", "1", "--accelerator", "cpu"]
    assert cli.main([*words, "--out", str(out)]) == 0
    found = json.loads((out / "classes.json").read_text(encoding="utf-8"))
    assert [sum(row) for row in found["taken_for"]] == [8, 8, 8]
    page = (out / "index.html").read_text(encoding="utf-8")
    assert "Ten images of each class" in page
    assert "{" not in "".join(line for line in page.splitlines() if line.startswith("<li>"))
    runs = out / "runs"
    given = ["study", "classes", "--cgan", str(runs / "cgan"), "--classifier", str(runs / "classifier")]
    assert cli.main([*given, "--out", str(tmp_path / "given")]) == 0
    again = json.loads((tmp_path / "given" / "classes.json").read_text(encoding="utf-8"))
    assert again["taken_for"] == found["taken_for"]
    assert not (tmp_path / "given" / "runs").exists()


def test_what_a_classifier_sees_in_words():
    own = {"classes": ["a", "b"], "each": 10, "taken_for": [[9, 1], [4, 6]], "epochs": 2}
    own |= {"real": {"value": 0.9, "n": 50}, "variety": {"made_variety": 0.02, "real_variety": 0.1}}
    told, ends, mistaken, varied = (c["values"] for c in classes.conclude(own))
    assert told["value"] == pytest.approx(0.75)
    assert told["error"] == pytest.approx((0.75 * 0.25 / 20) ** 0.5)
    assert (ends["best"], ends["worst"]) == ("a", "b")
    assert (mistaken["asked"], mistaken["seen"], mistaken["value"]) == ("b", "a", 0.4)
    assert varied["share"] == pytest.approx(0.2)
    own["taken_for"] = [[10, 0], [0, 10]]
    assert "mistaken" not in ids({"conclusions": classes.conclude(own)})


def test_one_picture_of_each_class_has_no_variety(monkeypatch):
    parts = few.load(size=16)
    recipe = recipes.CGAN(width=2, epochs=1, accelerator="cpu")
    model = assembly.build(recipe, parts.train.shape, None, torch.device("cpu"), 3)
    found = classes.within_classes(model, parts.test, 0)
    assert found["real_variety"] > 0
    each = [parts.test.batch((parts.test.labels == label).nonzero()[: classes.VARIED, 0]) for label in range(3)]
    truth = sum(float((own - own.mean(0)).abs().mean()) for own in each) / 3
    assert found["real_variety"] == pytest.approx(truth, rel=1e-5)
    monkeypatch.setattr(type(model), "sample", lambda self, n, seed, label: torch.full((n, *self.shape), label / 3))
    assert classes.within_classes(model, parts.test, 0)["made_variety"] == pytest.approx(0, abs=1e-6)


# ------------------------------------------------------------------------------------------------------------ bad input


@pytest.mark.parametrize(
    ("words", "phrase"),
    [
        (["updates", "--steps", "0"], "--steps 0: must be 1 or more"),
        (["updates", "--run", "nowhere"], "nowhere: no such folder"),
        (["variety", "--outputs", "1"], "--outputs 1: a spread needs 2 or more"),
        (["variety", "--size", "20"], "20×20 pixels cannot be halved"),
        (["patches", "--receptive-fields", "7"], "--receptive-fields 7: there is 1, 16, 34, 70, 286"),
        (["patches", "--receptive-fields", "16", "16"], "none twice"),
        (["patches", "--size", "64", "--receptive-fields", "286"], "too small for a receptive field of 286"),
        (["classes", "--cgan", "nowhere"], "nowhere: no such folder"),
        (["classes", "--width", "0"], "--width 0"),
    ],
)
def test_refusals(words, phrase, tmp_path, capsys):
    code = cli.main(["study", *words, "--out", str(tmp_path / "out")])
    error = capsys.readouterr().err
    assert code in (1, 2)
    assert error.count("\n") == 1, error
    assert phrase in error
    assert not (tmp_path / "out" / "index.html").exists()


def test_runs_of_another_kind_are_refused(run, tmp_path):
    with pytest.raises(UsageError, match="a run of pix2pix"):
        cli.run(["study", "classes", "--cgan", str(run.path), "--out", str(tmp_path)])
    parts = assembly.splits(run.recipe, "cpu", lambda _: None)
    with pytest.raises(UsageError, match="-n 9: from 2 on; the test part holds 8 pairs"):
        trained.taken("n", 9, parts, torch.device("cpu"))
    recipe = recipes.Segmenter(size=32, scenes=4, validation=2, epochs=1, batch_size=2, width=2, accelerator="cpu")
    other = assembly.train(recipe, tmp_path / "segmenter", notify=lambda _: None)
    with pytest.raises(UsageError, match="this looks into one of pix2pix"):
        trained.pix2pix(PatchStudy(run=str(other.path)), tmp_path, print)
