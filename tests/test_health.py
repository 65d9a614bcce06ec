"""What the log of a game says of its health: each rule speaks on a broken course and is silent on a sound one."""

import pytest

from arzhang.health import RULES, by_epoch, findings
from arzhang.wording import told

EPOCHS = range(1, 21)


def course(epochs=EPOCHS, **terms):
    """A sound game, with some terms replaced by functions of the epoch."""
    sound = {
        "d_real": lambda e: 0.6,
        "d_fake": lambda e: 0.6,
        "d_accuracy": lambda e: 0.7,
        "g_adversarial": lambda e: 0.9,
        "g_l1": lambda e: 0.1 + 0.2 / e,
        "l1": lambda e: 0.12 + 0.2 / e,
        "made_variety": lambda e: 0.09,
        "real_variety": lambda e: 0.1,
    } | terms
    lines = []
    for e in epochs:
        for half in (1, 2):
            values = {name: sound[name](e) for name in ("d_real", "d_fake", "d_accuracy", "g_adversarial", "g_l1")}
            lines.append({"step": 20 * e + 10 * half, "epoch": e, "split": "train", **values})
        lines.append({"step": 20 * e + 20, "epoch": e, "split": "validation", "l1": sound["l1"](e)})
        variety = {name: sound[name](e) for name in ("made_variety", "real_variety")}
        lines.append({"step": 20 * e + 20, "epoch": e, "split": "preview", **variety})
    return lines


def test_silent_on_a_sound_game_at_any_length():
    for epochs in range(1, 21):
        assert findings(course(range(1, epochs + 1))) == []


def test_silent_on_systems_without_a_game():
    assert findings([{"step": 1, "epoch": 1, "split": "train", "loss": 2.0, "negative_elbo": 2.0}]) == []
    assert findings([]) == []


BROKEN = {
    "discriminator_saturated": {"d_accuracy": lambda e: 0.995, "d_real": lambda e: 0.02, "d_fake": lambda e: 0.03},
    "discriminator_guesses": {"d_accuracy": lambda e: 0.5},
    "generator_collapsed": {"made_variety": lambda e: 0.01},
    "l1_flat": {"g_l1": lambda e: 0.3},
    "overfitting": {"l1": lambda e: 0.2 + abs(e - 8) / 100},
}


def test_every_rule_has_a_broken_course():
    of_games = ("discriminator_saturated", "discriminator_guesses", "generator_collapsed", "l1_flat", "overfitting")
    assert set(BROKEN) == set(of_games) < {rule.__name__ for rule in RULES}  # the others: in the gallery


@pytest.mark.parametrize("rule", BROKEN)
def test_each_rule_names_its_fault_alone(rule):
    (found,) = findings(course(**BROKEN[rule]))
    assert found["id"] == f"health.{rule}"
    assert "{" not in told(found["id"], found["values"])


def test_an_untrained_generator_has_not_collapsed():
    assert findings(course(range(1, 5), **BROKEN["generator_collapsed"])) == []


def test_overfitting_needs_training_to_improve():
    worse = {"l1": lambda e: 0.2 + abs(e - 8) / 100, "g_l1": lambda e: 0.1 + 0.01 * abs(e - 8) + 0.2 / e}
    assert [found["id"] for found in findings(course(**worse))] == []


def test_an_epoch_is_the_mean_of_its_lines():
    lines = [{"epoch": 1, "split": "train", "x": 1.0}, {"epoch": 1, "split": "train", "x": 2.0}, {"epoch": 2, "x": 9.0}]
    assert by_epoch(lines, "train", "x") == {1: 1.5}
