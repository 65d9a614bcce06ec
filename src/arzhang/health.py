"""What a training's log says of its health, as data `{id, values}`: the words stand in `wording`.

Each rule reads `metrics.jsonl` and, where it must know what was asked for, the run's configuration; so a run that goes
on and a run of last year are read alike, by the loop, on the page and by `arzhang doctor`.
"""

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

Entry = Mapping[str, Any]
Finding = dict[str, Any]
SATURATED_ACCURACY, SATURATED_LOSS = 0.98, 0.1
"""A discriminator that is right so often, at so small a loss (nats a verdict), has little left to teach."""
GUESSING = 0.55
"""One that is right no more often than this guesses."""
COLLAPSED = 0.25
"""Images that differ from their mean by less than this share of what real ones do are all alike."""
GROWING = 1.2
"""Times the variety of the preview before: a generator that gets there has not collapsed."""
FLAT = 0.01
"""A loss that fell by less than this share over the second half of the epochs stands still."""
IGNORED = 0.95
"""A generator whose L1 is more than this share of what one image for all would cost makes nothing of its input. (The
share is below one since that image would be the median, and variety is told from the mean.)"""
WORSE = 0.02
"""What a loss has to rise, or to fall, before it is called worse, or better."""
WORSE_IN_A_GAME = 0.1
"""The same of L1 beside a game, where it rises by some hundredths as images get sharper."""
WOBBLES = 4.0
"""Standard errors of a course's own noise by which it must rise: of level ones of 12 to 100 epochs one in 200 does."""
EARLIEST = 5
"""Epochs before a course is judged."""
SETTLED = 3
"""Epochs before a number itself is judged, and over which it must say the same where it wobbles."""
PLAYED = 200
"""Steps before a player of a game can be called bad at it."""
ROUNDING = 1e-4
NARROW = 0.05
"""Images that fill less than this of [0, 1], over the first batches of all epochs, are scaled wrongly."""
SURE = 4.0
"""Standard errors by which a bound must be broken."""
ENOUGH = 16
"""Images from which the error of a mean is known well enough to count so many of."""
NOTHING = 0.1
"""Nats an image: a latent that tells less tells nothing."""
ABSURD = 100.0
RISE = 0.1
"""Share of what the loss had fallen by, of which it rises again where steps are too long."""


class Record(NamedTuple):
    """What is known of a training."""

    entries: Sequence[Entry]
    """Lines of its log."""
    recipe: Mapping[str, Any]
    data: Mapping[str, Any]
    evaluation: Mapping[str, Any]
    """Its numbers on the test part, where it was evaluated."""


def findings(
    entries: Sequence[Entry], config: Mapping[str, Any] | None = None, evaluation: Mapping[str, Any] | None = None
) -> list[Finding]:
    """Everything that looks wrong, each rule at most once; empty for a healthy run. `config` is the run's, by which
    some rules know what its numbers mean; without it they are silent."""
    known = config or {}
    record = Record(entries, known.get("recipe") or {}, known.get("data") or {}, evaluation or {})
    return [found for rule in RULES if (found := rule(record)) is not None]


def by_epoch(entries: Sequence[Entry], split: str, term: str) -> dict[int, float]:
    """The mean of a term over each epoch's lines, where it was logged."""
    sums: dict[int, list[float]] = {}
    for entry in entries:
        if entry.get("split") == split and isinstance(entry.get(term), int | float):
            sums.setdefault(int(entry["epoch"]), []).append(float(entry[term]))
    return {epoch: sum(values) / len(values) for epoch, values in sorted(sums.items())}


def wobble(course: Sequence[float]) -> float:
    """The standard deviation of a course about its own trend, from second differences, which no straight line adds to;
    the median of their sizes, so that one leap does not count as noise.

    >>> wobble([1.0, 2.0, 3.0, 4.0])
    0.0
    """
    bends = [
        abs(before - 2 * here + after) for before, here, after in zip(course, course[1:], course[2:], strict=False)
    ]
    return 1.4826 * statistics.median(bends) / math.sqrt(6) if bends else 0.0


def _last(values: Mapping[int, float]) -> float | None:
    return values[max(values)] if values else None


def discriminator_saturated(run: Record) -> Finding | None:
    """D tells nearly everything apart at next to no loss: what G hears from it is then noise. (Not by least squares,
    which pull the more the surer D is.)"""
    accuracy, real, fake = (by_epoch(run.entries, "train", term) for term in ("d_accuracy", "d_real", "d_fake"))
    if (
        not accuracy
        or max(accuracy) < 2
        or max(accuracy) not in real.keys() & fake.keys()
        or run.recipe.get("adversarial") == "lsgan"
    ):
        return None
    last = max(accuracy)
    loss = (real[last] + fake[last]) / 2
    if accuracy[last] < SATURATED_ACCURACY or loss > SATURATED_LOSS:
        return None
    return _found("discriminator_saturated", epoch=last, accuracy=accuracy[last], loss=loss)


def discriminator_guesses(run: Record) -> Finding | None:
    """D has been right about as often as a coin for some epochs, and is no more often than at first: what G hears from
    it says little."""
    accuracy = by_epoch(run.entries, "train", "d_accuracy")
    last = _last(accuracy)
    steps = max((int(entry["step"]) for entry in run.entries if "d_accuracy" in entry), default=0)
    if last is None or max(accuracy) < EARLIEST or steps < PLAYED or max(list(accuracy.values())[-SETTLED:]) > GUESSING:
        return None
    if last > accuracy[min(accuracy)] + WORSE:  # it is learning
        return None
    return _found("discriminator_guesses", epoch=max(accuracy), accuracy=last)


def generator_collapsed(run: Record) -> Finding | None:
    """Whatever it is given, G makes nearly the same image, and that does not get better."""
    course = by_epoch(run.entries, "preview", "made_variety")
    made, real = _last(course), _last(by_epoch(run.entries, "preview", "real_variety"))
    if made is None or not real or max(course) < EARLIEST or made > COLLAPSED * real:
        return None
    if len(course) > 1 and made > GROWING * list(course.values())[-2]:
        return None
    return _found("generator_collapsed", made=made, real=real, share=made / real)


def l1_flat(run: Record) -> Finding | None:
    """The generator's L1 term no longer falls, and is what one image for all inputs would cost: what the input says of
    the image does not arrive in it."""
    course = by_epoch(run.entries, "train", "g_l1")
    variety = _last(by_epoch(run.entries, "preview", "real_variety"))
    if len(course) < EARLIEST or not variety:
        return None
    epochs, values = list(course), list(course.values())
    since = len(epochs) // 2
    last = statistics.mean(values[-SETTLED:])
    if last < values[since] * (1 - FLAT) - wobble(values) or last < IGNORED * variety:
        return None
    return _found("l1_flat", middle=values[since], last=last, since=epochs[since], variety=variety)


def overfitting(run: Record) -> Finding | None:
    """Validation is worse over the last fifth of the training than over as many epochs in a row before, by more than it
    wobbles, while training got better. L1 beside a game must have risen by much."""
    game = any("d_accuracy" in entry for entry in run.entries)
    for term, of_training in (("l1", "g_l1"), ("negative_elbo", "negative_elbo"), ("cross_entropy", "cross_entropy")):
        train, validation = by_epoch(run.entries, "train", of_training), by_epoch(run.entries, "validation", term)
        if len(validation) < 2 * EARLIEST or not train:
            continue
        values = list(validation.values())
        best, last = min(validation, key=lambda epoch: validation[epoch]), max(validation)
        since = max(EARLIEST, len(values) // 5)
        means = [statistics.mean(values[at : at + since]) for at in range(len(values) - since + 1)]
        risen, least = means[-1] - min(means), WORSE_IN_A_GAME if game and term == "l1" else WORSE
        if risen < least * abs(min(means)) or risen < WOBBLES * wobble(values) * math.sqrt(2 / since):
            continue
        if last - best < since or best not in train or last not in train:
            continue
        if train[last] > train[best] - WORSE * abs(train[best]):
            continue
        return _found(
            "overfitting", term=term, best=best, last=last, validation_best=validation[best],
            validation_last=validation[last], train_best=train[best], train_last=train[last],
        )  # fmt: skip
    return None


def data_range(run: Record) -> Finding | None:
    """Images lie outside [0, 1], where every likelihood and every network here expects them, or fill next to nothing
    of it."""
    seen = [entry for entry in run.entries if entry.get("split") == "watch"]
    if not seen:
        return None
    lowest, highest = min(entry["lowest"] for entry in seen), max(entry["highest"] for entry in seen)
    if lowest < -ROUNDING or highest > 1 + ROUNDING:
        return _found("data_range", lowest=lowest, highest=highest, epoch=seen[0]["epoch"])
    if highest - lowest < NARROW:
        return _found("data_narrow", lowest=lowest, highest=highest, epoch=seen[0]["epoch"])
    return None


def gradient_leaks(run: Record) -> Finding | None:
    """A turn left a gradient with weights that are another turn's, which that one then follows besides its own."""
    for entry in run.entries:
        if entry.get("split") == "watch" and entry.get("leaks"):
            return _found("gradient_leaks", turn=entry["leaks"][0], epoch=entry["epoch"], step=entry["step"])
    return None


def bound_broken(run: Record) -> Finding | None:
    """log p(x), estimated by importance sampling, lies below its own lower bound: −(reconstruction + KL) is then no
    ELBO, for one of the two is not the sum that it should be."""
    course, errors, many, kls = (
        by_epoch(run.entries, "preview", term) for term in ("posterior_gap", "posterior_gap_error", "n", "kl")
    )
    if not course:
        return None
    last = max(course)
    if last not in errors:
        return None
    gap, error, n, kl = course[last], errors[last], many.get(last, 0.0), kls.get(last, 0.0)
    if (measured := run.evaluation.get("posterior_gap")) and measured["uncertainty"] is not None:
        gap, error, n = measured["value"], measured["uncertainty"], measured["n"] or 0  # of more images
        kl = run.evaluation["kl"]["value"] if "kl" in run.evaluation else kl
    if n < ENOUGH or gap > -SURE * error - ROUNDING:
        return None
    dimensions = int(run.recipe.get("latent_dim") or 1)
    return _found("bound_broken", gap=-gap, error=error, epoch=last, kl=kl, dimensions=dimensions)


def posterior_collapse(run: Record) -> Finding | None:
    """The encoder says the same of every image: KL(q‖p) is all but zero, so nothing passes through the latent."""
    kl, weight = by_epoch(run.entries, "validation", "kl"), run.recipe.get("beta", 1.0)
    if not kl or not weight or max(kl) < max(SETTLED, math.ceil(run.recipe.get("kl_warmup") or 0) + 1):
        return None
    last = max(kl)
    if kl[last] > NOTHING or bound_broken(run) is not None:  # then the KL is not what it says
        return None
    return _found("posterior_collapse", kl=kl[last], epoch=last, weight=weight)


def learning_rate(run: Record) -> Finding | None:
    """The loss became infinite or no number, rises again, or a classifier does no better than to guess."""
    for entry in run.entries:
        if entry.get("split") == "diverged":
            return _found("diverged", step=entry["step"], epoch=entry["epoch"], lr=run.recipe.get("lr", math.nan))
    classes = len(run.data.get("classes") or ())
    course = by_epoch(run.entries, "train", "cross_entropy")
    if classes > 1 and len(course) >= SETTLED and run.recipe.get("dropout") is not None:
        last, guess = max(course), math.log(classes)
        if course[last] > (1 - WORSE) * guess:
            return _found("learns_nothing", loss=course[last], guess=guess, epoch=last, lr=run.recipe.get("lr"))
    warmed = run.recipe.get("kl_warmup") or 0
    course = {e: v for e, v in (by_epoch(run.entries, "train", "loss") or course).items() if e > warmed}
    if len(course) < SETTLED:
        return None
    first, middle = course[min(course)], statistics.median(map(abs, course.values()))
    for epoch in course:
        before = min([value for e, value in course.items() if e < epoch], default=math.inf)
        fallen = first - before
        if fallen > ABSURD * middle:  # the first epoch's loss is no measure where it exploded
            fallen = middle
        if course[epoch] - before > RISE * fallen > 0:
            return _found("loss_rises", before=before, after=course[epoch], epoch=epoch, lr=run.recipe.get("lr"))
    return None


def _found(rule: str, **values: Any) -> Finding:
    return {"id": f"health.{rule}", "values": values}


RULES: tuple[Callable[[Record], Finding | None], ...] = (
    data_range,
    gradient_leaks,
    learning_rate,
    bound_broken,
    posterior_collapse,
    discriminator_saturated,
    discriminator_guesses,
    generator_collapsed,
    l1_flat,
    overfitting,
)
