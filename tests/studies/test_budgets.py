"""What reproduce asks of the studies of the VAE can be done, and rests on the runs that it has made before."""

import dataclasses

import pytest

from arzhang.reproduce import making
from arzhang.reproduce.budgets import BUDGETS
from arzhang.studies import batches, beta


@dataclasses.dataclass(frozen=True)
class Asked(making.Work):
    """Work that keeps what a study is asked, and does none of it."""

    studies: dict = dataclasses.field(default_factory=dict)

    def study(self, name, options):
        self.studies[name] = options


@pytest.mark.parametrize("name", BUDGETS)
def test_every_budget_asks_what_can_be_done(name, tmp_path):
    work = Asked(BUDGETS[name], tmp_path, print)
    for make in (making.beta, making.metrics, making.study("batches")):
        make(work)
    chosen, seen = work.studies["beta"], work.studies["metrics"]
    beta._check(chosen)
    assert chosen.n <= 5_000
    assert seen.run == str(tmp_path / "vae-0")
    assert seen.n <= 5_000
    assert seen.n * seen.repeats <= 55_000
    assert {chosen.features, seen.features} <= {str(tmp_path / "classifier"), "inception"}
    batches._check(work.studies["batches"])
    assert min(BUDGETS[name].weights) < 1 < max(BUDGETS[name].weights)
    assert 2 <= BUDGETS[name].fid_n <= 10_000
