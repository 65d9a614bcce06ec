"""What the study of translation compares: the paper's tables, the arms in them, and what each budget spends. No torch.

The paper's numbers are FCN-scores on Cityscapes, labels → photo, of its own segmentation network (Isola et al. 2017,
tables 1 to 3; Zhu et al. 2017, table 2): only their order can be compared with ours.
"""

import dataclasses
from typing import Any

from arzhang import recipes
from arzhang.errors import UsageError
from arzhang.studies.options import TranslationStudy

Scores = tuple[float, float, float]
"""Pixel accuracy, class accuracy, class IoU."""

BUDGETS: dict[str, dict[str, Any]] = {
    "quick": {
        "size": 64, "width": 16, "scenes": 400, "epochs": 12, "cycle_epochs": 12, "seeds": 1, "segmenter_epochs": 15,
        "features": "none",
    },
    "standard": {
        "size": 64, "width": 16, "scenes": 1_000, "epochs": 50, "cycle_epochs": 50, "seeds": 3, "segmenter_epochs": 15,
        "features": "inception",
    },
    "paper": {
        "size": 256, "width": 64, "scenes": 3_000, "epochs": 200, "cycle_epochs": 200, "seeds": 3,
        "segmenter_epochs": 30, "features": "inception",
    },
}  # fmt: skip

ARMS: dict[str, dict[str, Any]] = {
    "l1": {"adversarial": "none"},
    "gan": {"conditional": False, "l1_weight": 0.0},
    "cgan": {"l1_weight": 0.0},
    "l1_gan": {"conditional": False},
    "l1_cgan": {},
    "decoder_l1": {"skips": False, "adversarial": "none"},
    "decoder_l1_cgan": {"skips": False},
    "patch_1": {"receptive_field": 1},
    "patch_16": {"receptive_field": 16},
    "patch_34": {"receptive_field": 34},
    "patch_286": {"receptive_field": 286},
    "cyclegan": {},
}
"""By name, how each training differs from pix2pix with L1, a conditional discriminator, a U-Net and patches of 70."""

PAPER: dict[str, dict[str, Scores | None]] = {
    "objectives": {
        "l1": (0.42, 0.15, 0.11),
        "gan": (0.22, 0.05, 0.01),
        "cgan": (0.57, 0.22, 0.16),
        "l1_gan": (0.64, 0.20, 0.15),
        "l1_cgan": (0.66, 0.23, 0.17),
    },
    "generators": {
        "decoder_l1": (0.35, 0.12, 0.08),
        "decoder_l1_cgan": (0.29, 0.09, 0.05),
        "l1": (0.48, 0.18, 0.13),
        "l1_cgan": (0.55, 0.20, 0.14),
    },
    "patches": {
        "patch_1": (0.39, 0.15, 0.10),
        "patch_16": (0.65, 0.21, 0.17),
        "patch_34": None,
        "l1_cgan": (0.66, 0.23, 0.17),
        "patch_286": (0.42, 0.16, 0.11),
    },
    "cyclegan": {"l1_cgan": (0.71, 0.25, 0.18), "cyclegan": (0.52, 0.17, 0.11)},
}
"""Each table's arms in order, and what the papers have of them. Those of `generators` were trained at batch 10."""
PAPER_REAL: Scores = (0.80, 0.26, 0.21)

PAIRS: dict[str, tuple[tuple[str, str], ...]] = {
    "objectives": (("l1_cgan", "l1"), ("l1_cgan", "cgan"), ("l1_cgan", "l1_gan"), ("cgan", "gan")),
    "generators": (("l1", "decoder_l1"), ("l1_cgan", "decoder_l1_cgan")),
    "patches": tuple(("l1_cgan", other) for other in ("patch_1", "patch_16", "patch_34", "patch_286")),
    "cyclegan": (("l1_cgan", "cyclegan"),),
}
"""In each table, what is compared with what: the claims that the papers make of it."""
CALLED: dict[str, dict[str, str]] = {
    "generators": {"l1": "unet_l1", "l1_cgan": "unet_l1_cgan"},
    "patches": {"l1_cgan": "patch_70"},
    "cyclegan": {"l1_cgan": "pix2pix"},
}
"""Names of arms that are called otherwise in a table, by what they are compared with there."""
LARGE = 128
"""Pixels a side from which patches of 286 are tried."""


def called(table: str, arm: str) -> str:
    """The name of an arm in a table."""
    return CALLED.get(table, {}).get(arm, arm)


def resolved(options: TranslationStudy) -> TranslationStudy:
    """With the budget's numbers where none were given. Raises UsageError for what makes no sense."""
    own = {name: value for name, value in BUDGETS[options.budget].items() if getattr(options, name) is None}
    whole = dataclasses.replace(options, **own)
    for name, least in (("seeds", 1), ("n", 20), ("validation", 20)):
        value = getattr(whole, name)
        recipes.require(value is None or value >= least, name, value, f"must be {least} or more")
    for flag, given, known in (("--tables", whole.tables, list(PAPER)), ("--arms", whole.arms, ["all", *ARMS])):
        for word in given:
            if word not in known:
                raise UsageError(f"{flag} {word}: there is {', '.join(known)}{recipes.nearest(word, known)}")
        if not given or len(set(given)) < len(given):
            raise UsageError(f"{flag} {' '.join(given)}: give at least one, and none twice")
    if not plan(whole):
        raise UsageError(f"--arms {' '.join(whole.arms)}: none of --tables {' '.join(whole.tables)} holds two of them")
    return whole


def plan(options: TranslationStudy) -> dict[str, list[str]]:
    """The arms of each table that is asked for; a table with fewer than two is left out: nothing is compared in it."""
    assert options.size is not None
    found: dict[str, list[str]] = {}
    for table in options.tables:
        wanted = [arm for arm in PAPER[table] if "all" in options.arms or arm in options.arms]
        arms = [arm for arm in wanted if arm != "patch_286" or options.size >= LARGE]
        if len(arms) > 1:
            found[table] = arms
    return found


def recipe(options: TranslationStudy, arm: str, seed: int) -> recipes.Paired:
    """The training of an arm. The last checkpoint counts, so that no measure favours an arm by choosing its best."""
    own: dict[str, Any] = _shared(options) | {"width": options.width, "seed": seed}
    if arm == "cyclegan":
        return recipes.CycleGAN(**own, epochs=_known(options.cycle_epochs), preview_every=_known(options.cycle_epochs))
    epochs = _known(options.epochs)
    return recipes.Pix2Pix(**own, epochs=epochs, preview_every=max(1, epochs), choose_by="l1", **ARMS[arm])


def judge(options: TranslationStudy) -> recipes.Segmenter:
    """The training of the segmenter that judges all arms."""
    return recipes.Segmenter(**_shared(options), epochs=_known(options.segmenter_epochs))


def _known(value: int | None) -> int:
    """An option that the budget has filled in."""
    assert value is not None
    return value


def _shared(options: TranslationStudy) -> dict[str, Any]:
    names = ("dataset", "data", "snap", "size", "scenes", "validation", "accelerator")
    return {name: getattr(options, name) for name in names}
