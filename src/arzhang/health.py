"""What a training's log says of its health, as data `{id, values}`: the words stand in `wording`.

Each rule reads `metrics.jsonl` and nothing else, so that a run that goes on and a run of last year are read alike.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Entry = Mapping[str, Any]
Finding = dict[str, Any]
SATURATED_ACCURACY, SATURATED_LOSS = 0.98, 0.1
"""A discriminator that is right so often, at so small a loss (nats a verdict), has little left to teach."""
GUESSING = 0.55
"""One that is right no more often than this guesses."""
COLLAPSED = 0.25
"""Images that differ from their mean by less than this share of what real ones do are all alike."""
FLAT = 0.01
"""A loss that fell by less than this share over the second half of the epochs stands still."""
WORSE = 0.02
"""What a loss has to rise, or to fall, before it is called worse, or better."""
EARLIEST = 5
"""Epochs before a course is judged."""


def findings(entries: Sequence[Entry]) -> list[Finding]:
    """Everything that looks wrong, each rule at most once; empty for a healthy run, and for systems without rules."""
    return [found for rule in RULES if (found := rule(entries)) is not None]


def by_epoch(entries: Sequence[Entry], split: str, term: str) -> dict[int, float]:
    """The mean of a term over each epoch's lines, where it was logged."""
    sums: dict[int, list[float]] = {}
    for entry in entries:
        if entry.get("split") == split and isinstance(entry.get(term), int | float):
            sums.setdefault(int(entry["epoch"]), []).append(float(entry[term]))
    return {epoch: sum(values) / len(values) for epoch, values in sorted(sums.items())}


def _last(values: Mapping[int, float]) -> float | None:
    return values[max(values)] if values else None


def discriminator_saturated(entries: Sequence[Entry]) -> Finding | None:
    """D tells nearly everything apart at next to no loss: a vanilla game's gradient for G is then noise."""
    accuracy, real, fake = (by_epoch(entries, "train", term) for term in ("d_accuracy", "d_real", "d_fake"))
    if not accuracy or max(accuracy) < 2:
        return None
    last = max(accuracy)
    loss = (real[last] + fake[last]) / 2
    if accuracy[last] < SATURATED_ACCURACY or loss > SATURATED_LOSS:
        return None
    return _found("discriminator_saturated", epoch=last, accuracy=accuracy[last], loss=loss)


def discriminator_guesses(entries: Sequence[Entry]) -> Finding | None:
    """D is right about as often as a coin: what G hears from it says little."""
    accuracy = by_epoch(entries, "train", "d_accuracy")
    last = _last(accuracy)
    if last is None or max(accuracy) < EARLIEST or last > GUESSING:
        return None
    return _found("discriminator_guesses", epoch=max(accuracy), accuracy=last)


def generator_collapsed(entries: Sequence[Entry]) -> Finding | None:
    """Whatever it is given, G makes nearly the same image."""
    course = by_epoch(entries, "preview", "made_variety")
    made, real = _last(course), _last(by_epoch(entries, "preview", "real_variety"))
    if made is None or not real or max(course) < EARLIEST or made > COLLAPSED * real:
        return None
    return _found("generator_collapsed", made=made, real=real, share=made / real)


def l1_flat(entries: Sequence[Entry]) -> Finding | None:
    """The generator's L1 term no longer falls, and lies near where it began."""
    course = by_epoch(entries, "train", "g_l1")
    if len(course) < EARLIEST:
        return None
    epochs = list(course)
    middle, last = epochs[len(epochs) // 2], epochs[-1]
    if course[last] < course[middle] * (1 - FLAT) or course[last] < 0.8 * course[epochs[0]]:
        return None
    return _found("l1_flat", first=course[epochs[0]], middle=course[middle], last=course[last], since=middle)


def overfitting(entries: Sequence[Entry]) -> Finding | None:
    """Validation has been worse than it was for a fifth of the training or more, while training got better. A game's
    validation wobbles, so the least of its last epochs is what counts."""
    train, validation = by_epoch(entries, "train", "g_l1"), by_epoch(entries, "validation", "l1")
    if len(validation) < 2 * EARLIEST or not train:
        return None
    best, last = min(validation, key=lambda epoch: validation[epoch]), max(validation)
    since = max(EARLIEST, len(validation) // 5)
    worse = min(list(validation.values())[-since:]) > validation[best] * (1 + WORSE)
    if not (worse and last - best >= since) or best not in train or last not in train:
        return None
    if train[last] > train[best] * (1 - WORSE):
        return None
    return _found(
        "overfitting", best=best, last=last, validation_best=validation[best], validation_last=validation[last],
        train_best=train[best], train_last=train[last],
    )  # fmt: skip


def _found(rule: str, **values: Any) -> Finding:
    return {"id": f"health.{rule}", "values": values}


RULES: tuple[Callable[[Sequence[Entry]], Finding | None], ...] = (
    discriminator_saturated,
    discriminator_guesses,
    generator_collapsed,
    l1_flat,
    overfitting,
)
