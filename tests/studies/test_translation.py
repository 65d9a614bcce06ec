"""What is told apart and what is not, by planted numbers; the whole study at a tiny size, stopped and gone on with."""

import dataclasses
import json
import math

import pytest
import torch

from arzhang import assembly, cli, recipes
from arzhang.data import pairs
from arzhang.metrics.features import Extractor
from arzhang.report import figures
from arzhang.studies import translation, translation_conclusions, translation_plan
from arzhang.studies.options import TranslationStudy
from arzhang.wording import ENGLISH, LANGUAGES, words

SMALL = [
    "study", "translation", "--size", "32", "--scenes", "20", "--validation", "20", "--width", "4", "--epochs", "1",
    "--cycle-epochs", "1", "--segmenter-epochs", "1", "--accelerator", "cpu",
    "--arms", "l1", "l1_cgan", "decoder_l1", "cyclegan", "--features", "inception",
]  # fmt: skip


def measure(value, error=0.01, left_out=()):
    return {"value": value, "error": error, "left_out": list(left_out)}


def trained(*values, **how):
    return [measure(value, **how) for value in values]


# -------------------------------------------------------------------------------------------------------- the plan


def test_what_is_given_wins_over_the_budget():
    quick, paper = (translation_plan.resolved(TranslationStudy(budget=budget)) for budget in ("quick", "paper"))
    assert (quick.size, quick.seeds, quick.features) == (64, 1, "none")
    assert (paper.size, paper.width, paper.epochs, paper.seeds, paper.features) == (256, 64, 200, 3, "inception")
    own = translation_plan.resolved(TranslationStudy(budget="paper", epochs=2, features="none"))
    assert (own.epochs, own.features, own.size) == (2, "none", 256)
    assert all(
        budget.keys() == translation_plan.BUDGETS["quick"].keys() for budget in translation_plan.BUDGETS.values()
    )


def test_arms_of_the_tables():
    everything = translation_plan.plan(translation_plan.resolved(TranslationStudy()))
    assert everything["patches"] == ["patch_1", "patch_16", "patch_34", "l1_cgan"]  # 286 sees more than there is
    large = translation_plan.plan(translation_plan.resolved(TranslationStudy(size=128)))
    assert "patch_286" in large["patches"]
    some = TranslationStudy(tables=("generators", "cyclegan"), arms=("l1_cgan", "l1"))
    assert translation_plan.plan(translation_plan.resolved(some)) == {"generators": ["l1", "l1_cgan"]}  # one is no pair
    for table, compared in translation_plan.PAIRS.items():
        assert {arm for pair in compared for arm in pair} <= translation_plan.PAPER[table].keys()


def test_arms_are_what_they_are_called():
    options = translation_plan.resolved(TranslationStudy())
    made = {arm: translation_plan.recipe(options, arm, 3) for arm in translation_plan.ARMS}
    assert {recipe.seed for recipe in made.values()} == {3}
    assert isinstance(made.pop("cyclegan"), recipes.CycleGAN)
    assert {arm for arm, recipe in made.items() if recipe.adversarial == "none"} == {"l1", "decoder_l1"}
    assert {arm for arm, recipe in made.items() if not recipe.conditional} == {"gan", "l1_gan"}
    assert {arm for arm, recipe in made.items() if not recipe.l1_weight} == {"gan", "cgan"}
    assert {arm for arm, recipe in made.items() if not recipe.skips} == {"decoder_l1", "decoder_l1_cgan"}
    assert {arm: r.receptive_field for arm, r in made.items() if r.receptive_field != 70} == {
        f"patch_{field}": field for field in (1, 16, 34, 286)
    }
    plain = made["l1_cgan"]
    for arm, recipe in made.items():  # and nothing else differs
        changed = {f.name for f in dataclasses.fields(recipe) if getattr(recipe, f.name) != getattr(plain, f.name)}
        assert changed == set(translation_plan.ARMS[arm]), arm


# --------------------------------------------------------------------------------------------- what is told apart


def test_a_difference_over_seeds_is_students_t():
    found = translation_conclusions.difference(trained(0.30, 0.32, 0.34), trained(0.20, 0.22, 0.24))
    assert found.value == pytest.approx(0.1)
    assert found.error == pytest.approx(math.sqrt(2 * 0.02**2 / 3))
    assert found.told  # 0.1 > 2.78 · 0.0163
    assert not translation_conclusions.difference(trained(0.30, 0.34), trained(0.26, 0.30)).told  # 4.30 · 0.028
    near = translation_conclusions.difference(trained(0.30, 0.32, 0.34), trained(0.265, 0.285, 0.305))
    assert near.value > 2 * near.error  # two errors are no evidence with three seeds
    assert not near.told


def test_a_difference_over_images_is_paired():
    # What makes one arm's images hard makes the other's hard: each alone is uncertain, their difference is not.
    shared = [0.3 + 0.02 * math.sin(i) for i in range(10)]
    one = trained(0.31, error=0.05, left_out=[v + 0.01 for v in shared])
    other = trained(0.30, error=0.05, left_out=shared)
    found = translation_conclusions.difference(one, other)
    assert found.told
    assert found.error == pytest.approx(0.0, abs=1e-12)
    unlike = trained(0.30, error=0.05, left_out=shared[::-1])
    assert not translation_conclusions.difference(one, unlike).told
    assert not translation_conclusions.difference(trained(0.31, error=0.05), trained(0.30, error=0.05)).told
    assert translation_conclusions.difference(trained(0.41, error=0.05), trained(0.20, error=0.05)).told


def results(**class_iou):
    """As the study has them, with planted class IoUs and an error of 0.01 each."""
    arms = {}
    for arm, value in class_iou.items():
        own = {term: measure(value) for term in ("class_iou", "pixel_accuracy", "class_accuracy")}
        cost = {"seconds": 10.0, "steps": 1000, "weights": 7, "passes": 4}
        arms[arm] = [own | {"l1": measure(1 - value), "cost": cost}]
    plan = {}
    for table, known in translation_plan.PAPER.items():
        plan[table] = [arm for arm in known if arm in arms]
    limits = {"real": {"class_iou": measure(0.8)}, "grey": {"class_iou": measure(0.1)}}
    for limit in limits.values():
        limit |= {term: measure(0.5) for term in ("pixel_accuracy", "class_accuracy", "l1")}
    resolved = dataclasses.asdict(translation_plan.resolved(TranslationStudy()))
    return {
        "resolved": resolved, "limits": limits, "plan": plan, "arms": arms,
        "train": 400, "protocol": {"n": 200}, "means": {a: translation._means(t) for a, t in arms.items()},
    }  # fmt: skip


def said(found):
    return {
        (c["values"]["first"], c["values"]["second"]): c["id"].removeprefix("translation.")
        for c in translation_conclusions.conclude(found)
        if "first" in c["values"]
    }


def test_orders_are_stated_whether_or_not_they_are_the_papers():
    assert said(results(l1=0.3, l1_cgan=0.5)) == {("l1_cgan", "l1"): "told_as"}
    assert said(results(l1=0.5, l1_cgan=0.3)) == {("l1", "l1_cgan"): "told_against"}
    assert said(results(l1=0.5, l1_cgan=0.49)) == {("l1", "l1_cgan"): "alike"}
    assert said(results(patch_16=0.3, l1_cgan=0.5)) == {("patch_70", "patch_16"): "told_level"}
    assert said(results(patch_34=0.3, l1_cgan=0.5)) == {("patch_70", "patch_34"): "told_alone"}
    assert said(results(patch_34=0.5, l1_cgan=0.5)) == {("patch_70", "patch_34"): "alike_alone"}
    assert said(results(cyclegan=0.5, l1_cgan=0.3)) == {("cyclegan", "pix2pix"): "told_against"}
    assert said(results(decoder_l1=0.3, l1=0.5)) == {("unet_l1", "decoder_l1"): "told_as"}


def test_the_nearest_by_l1_is_named_beside_the_best_by_class_iou():
    by_id = {c["id"]: c["values"] for c in translation_conclusions.conclude(results(l1=0.3, l1_cgan=0.5))}
    assert by_id["translation.best"]["arm"] == "l1_cgan"
    assert by_id["translation.best"]["share"] == pytest.approx(0.5 / 0.8)
    assert by_id["translation.nearest_same"]["arm"] == "l1_cgan"
    other = results(l1=0.3, l1_cgan=0.5)
    other["arms"]["l1"][0]["l1"] = measure(0.1)
    other["means"]["l1"]["l1"] = {"value": 0.1, "error": 0.01}
    by_id = {c["id"]: c["values"] for c in translation_conclusions.conclude(other)}
    assert by_id["translation.nearest_other"]["difference"] == pytest.approx(0.4)


def test_the_time_of_a_step_is_the_least_over_seeds():
    slow, fast = ({"cost": {"seconds": s, "steps": 100}} for s in (9.0, 3.0))
    assert translation_conclusions.cost([slow, fast])["milliseconds"] == pytest.approx(30)


# ---------------------------------------------------------------------------------------------------- the numbers


@pytest.mark.parametrize(
    ("recipe", "expected"),
    [
        (recipes.Pix2Pix(width=2, adversarial="none"), 1),  # G
        (recipes.Pix2Pix(width=2), 4),  # G; D of real, of made; D of made once more for G
        (recipes.CycleGAN(width=2), 12),  # two there, two back, two as they are; two judged for G and F, four for D
    ],
)
def test_passes_of_a_step_are_counted(recipe, expected):
    recipe = dataclasses.replace(recipe, size=32, scenes=4, validation=2, accelerator="cpu")
    parts = assembly.splits(recipe, "cpu", lambda _: None, unpaired=False)
    task = assembly.build(recipe, parts.train.shape, None, torch.device("cpu"), input_shape=parts.train.input_shape)
    assert translation.passes(task, parts.train) == expected


class Means(torch.nn.Module):
    """The means of 16 fields of each image, in place of the FID network."""

    def __init__(self):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(()))

    def forward(self, images):
        return torch.nn.functional.adaptive_avg_pool2d(images.mean(1, keepdim=True), 4).flatten(1) * self.scale


def features(**_):
    return Extractor(Means(), "FID of means", "0", 16, lambda images: images, {"resize": "none"})


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    out = tmp_path_factory.mktemp("translation")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(translation, "inception_extractor", features)
        patch.setenv("ARZHANG_CACHE", str(tmp_path_factory.mktemp("cache")))
        assert cli.main([*SMALL, "--out", str(out)]) == 0
        before = {path: path.stat().st_mtime_ns for path in sorted(out.glob("runs/*/metrics.jsonl"))}
        kept = {path: path.stat().st_mtime_ns for path in out.glob("runs/*.json")}
        patch.setattr(figures, "LANGUAGES", {"en": LANGUAGES["en"]})
        assert cli.main([*SMALL, "--out", str(out)]) == 0  # again: nothing is trained or measured twice
        parts = pairs.load(dataset="streets", size=32, scenes=20, validation=20, notify=lambda _: None)
    assert len(before) == 4 + 1
    assert len(kept) == 4
    assert {path: path.stat().st_mtime_ns for path in before | kept} == before | kept
    return out, json.loads((out / "translation.json").read_text(encoding="utf-8")), parts


@pytest.mark.slow
def test_every_arm_is_judged_on_the_same_test_images(found):
    out, results, parts = found
    assert results["plan"] == {
        "objectives": ["l1", "l1_cgan"],
        "generators": ["decoder_l1", "l1", "l1_cgan"],
        "cyclegan": ["l1_cgan", "cyclegan"],
    }
    model = assembly.load(out / "runs" / "l1_cgan_seed=0", checkpoint="last")
    test = parts.test.take(torch.arange(20))
    errors = (model.translate(test.inputs) - test.images).abs().flatten(1).mean(1).double()
    own = results["arms"]["l1_cgan"][0]["l1"]
    assert own["value"] == pytest.approx(float(errors.mean()), abs=1e-6)
    assert own["left_out"][3] == pytest.approx(float(errors[torch.arange(20) % 10 != 3].mean()), abs=1e-6)
    assert results["limits"]["real"]["l1"]["value"] == 0
    assert results["limits"]["real"]["fid"]["value"] < results["means"]["l1"]["fid"]["value"]
    assert "fid" not in results["limits"]["grey"]
    assert results["protocol"]["features"]["network"] == "FID of means"
    assert results["protocol"]["features"]["n"] == 20
    assert results["arms"]["cyclegan"][0]["cost"]["passes"] == 12
    assert results["arms"]["l1"][0]["cost"]["passes"] == 1
    assert results["arms"]["l1_cgan"][0]["cost"]["steps"] == 20


def test_the_study_leaves_figures_pictures_and_a_page(found):
    out, results, _ = found
    assert results["figures"] == ["objectives", "generators", "cyclegan"]
    assert [table["id"] for table in results["tables"]][-1] == "translation.cost"
    page = (out / "index.html").read_text(encoding="utf-8")
    assert page.count('role="img"') == 3
    assert page.count('src="data:image/png') == 3
    assert ".42 / .15 / .11" in page
    assert "encoder–decoder, L1" in page
    assert "arzhang study translation --arms l1 l1_cgan decoder_l1 cyclegan --size=32 --scenes=20" in page
    assert "{" not in "".join(line for line in page.splitlines() if line.startswith("<li>"))
    listed = [c["id"] for c in results["conclusions"]]
    assert listed[:2] == ["translation.setup", "translation.one_seed"]
    assert "translation.cost" in listed


def test_every_sentence_and_name_is_worded():
    values = {"first": "l1", "second": "gan", "first_value": 0.4, "second_value": 0.3, "difference": 0.1, "error": 0.02}
    values |= {"first_paper": 0.11, "second_paper": 0.01}
    for kind in ("told_as", "told_against", "told_level", "told_alone", "alike", "alike_alone"):
        sentence = words(f"translation.{kind}", values)
        assert sentence.startswith("L1 ")
        assert ("not told apart" in sentence) == kind.startswith("alike")
    for table, arms in translation_plan.PAPER.items():
        assert f"translation.figure.{table}" in ENGLISH
        assert f"table.translation.{table}" in ENGLISH
        assert {f"arm.{translation_plan.called(table, arm)}" for arm in arms} <= ENGLISH.keys()


@pytest.mark.parametrize(
    ("given", "phrase"),
    [
        (["--tables", "objective"], "did you mean objectives?"),
        (["--arms", "l2"], "--arms l2: there is all, l1"),
        (["--arms", "patch_286"], "none of --tables objectives generators patches cyclegan holds two of them"),
        (["--arms", "l1", "l1"], "none twice"),
        (["--seeds", "0"], "--seeds 0: must be 1 or more"),
        (["--validation", "3"], "--validation 3: must be 20 or more"),
        (["--epochs", "0"], "--epochs 0"),
        (["--size", "20"], "20×20 pixels cannot be halved"),
        (["--size", "16"], "too small for a receptive field of 70"),
        (["--segmenter", "nowhere"], "nowhere"),
        (["--budget", "large"], "--budget"),
        (["--data", "nowhere"], "nowhere"),
    ],
)
def test_refusals(given, phrase, tmp_path, capsys):
    code = cli.main(["study", "translation", *given, "--out", str(tmp_path / "out")])
    error = capsys.readouterr().err
    assert code in (1, 2)
    assert error.count("\n") == 1, error
    assert phrase in error
    assert not (tmp_path / "out").exists()
