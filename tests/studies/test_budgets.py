"""What reproduce asks of the studies of the VAE can be done, and rests on the runs that it has made before."""

from pathlib import Path

import pytest

from arzhang import reproduce
from arzhang.report.blocks import Section
from arzhang.studies import beta, metrics


@pytest.mark.parametrize("name", reproduce.BUDGETS)
def test_every_budget_asks_what_can_be_done(name, monkeypatch):
    asked = {}

    def study(which, options, run, out, assignment, notify):
        asked[which] = (options, run, out, assignment)
        return Section(which, which, [])

    monkeypatch.setattr(reproduce, "_study", study)
    reproduce._studies_of_the_vae(reproduce.BUDGETS[name], name, Path("there"), print)
    chosen, run, out, assignment = asked["beta"]
    assert (run, out, assignment) == (beta.study, Path("there") / f"beta-{name}", "3d")
    beta._check(chosen)
    assert chosen.n <= 5_000
    seen, run, out, assignment = asked["metrics"]
    assert (run, out, assignment) == (metrics.study, Path("there") / f"metrics-{name}", "3f, 3h")
    assert seen.run == f"there/vae-{name}-seed0"
    assert seen.n <= 5_000
    assert seen.n * seen.repeats <= 55_000
    features = {"quick": f"there/classifier-{name}"}.get(name, "inception")
    assert seen.features == features
    assert chosen.features in (features, "classifier")
