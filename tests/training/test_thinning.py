"""What a long course keeps of its log and pictures: little, the same whether it was interrupted or not, readable."""

import itertools
import json
import signal

import pytest
import soak
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from arzhang import cli
from arzhang.devices import Fabric
from arzhang.health import by_epoch
from arzhang.recipes import VAE
from arzhang.training import checkpoint as checkpoints
from arzhang.training import run as runs
from arzhang.training import thinning
from arzhang.training.loop import Interrupted, Loop
from arzhang.training.run import Run


def kept(places, now, spacing, recent):
    """The places that thinning leaves, as the log and the pictures use it."""
    left, seen = [], set()
    for place in places:
        where = thinning.interval(place, now, spacing, recent)
        if where is None or where not in seen:
            left.append(place)
        seen.add(where)
    return left


@given(
    st.lists(st.integers(0, 5_000), unique=True).map(sorted),
    st.integers(0, 5_000), st.integers(0, 5_000), st.integers(1, 60), st.integers(1, 50),
)  # fmt: skip
@settings(max_examples=200, deadline=None)
def test_thinning_twice_is_thinning_once(places, first, later, spacing, recent):
    first, later = sorted((first, later))
    whole = kept(places, later, spacing, recent)
    once = [*kept([p for p in places if p <= first], first, spacing, recent), *(p for p in places if p > first)]
    assert kept(once, later, spacing, recent) == whole
    assert [p for p in places if later - p < recent * spacing] == [p for p in whole if later - p < recent * spacing]


@pytest.mark.parametrize("now", [10, 999, 12_345, 100_000])
def test_what_is_kept_grows_by_the_logarithm(now):
    places = kept(range(now), now, 1, 100)
    assert len(places) <= thinning.most(now, 1, 100)
    assert places[-100:] == list(range(max(0, now - 100), now))
    assert now < 1_000 or len(places) < 800
    gaps = [b - a for a, b in itertools.pairwise(places)]
    # Never sparser than a twenty-fifth of the way back: whoever draws the course sees it everywhere.
    assert all(gap <= max(1, (now - place) / 25) for gap, place in zip(gaps, places, strict=False))


def train(path, epochs, stop=None):
    """The soak's task; stopped by a signal after so many steps."""
    recipe = VAE(epochs=epochs, batch_size=2, validation=2, accelerator="cpu", preview_every=2)
    torch.manual_seed(0)
    run = Run(path) if (path / runs.CONFIG).exists() else Run.create(path, recipe, {})
    fabric = Fabric(accelerator="cpu", devices=1)
    loop = Loop(soak.Task(), recipe, soak.Pixels(2), soak.Pixels(2), run, fabric, lambda line: None)
    if stop is not None:
        update = loop._update

        def striking(batch):
            update(batch)
            if loop.step + 1 == stop:
                signal.raise_signal(signal.SIGTERM)

        loop._update = striking
        with pytest.raises(Interrupted):
            loop.fit()
    else:
        loop.fit()
    return run


@pytest.fixture(scope="module", autouse=True)
def short():
    """Few recent rows, so that a hundred epochs are a long course."""
    patch = pytest.MonkeyPatch()
    patch.setattr(runs, "RECENT", 8)
    patch.setattr("arzhang.training.loop.PREVIEWS", 4)
    yield
    patch.undo()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return train(tmp_path_factory.mktemp("whole") / "run", 101)


def rows(run):
    return [{k: v for k, v in entry.items() if k != "seconds"} for entry in run.metrics()]


def test_stopped_and_resumed_it_keeps_the_same_rows_and_pictures(whole, tmp_path):
    for stop in (37, 52, 90):
        train(tmp_path / "parts", 101, stop)
    parts = train(tmp_path / "parts", 101)
    assert rows(parts) == rows(whole)
    names = [sorted(p.name for p in (run.path / "samples").iterdir()) for run in (whole, parts)]
    assert names[0] == names[1]
    assert len(rows(whole)) < 4 * thinning.most(101, 1, 8) + 4 * 4 < 3 * 101


def test_a_damaged_checkpoint_takes_the_log_back_and_forth(whole, tmp_path):
    """The log was thinned for a later step than the one to which it is truncated."""
    run = train(tmp_path / "run", 101, 64)
    last = checkpoints.available(run.path / "checkpoints")[-1]
    (last.path / checkpoints.WEIGHTS).write_bytes(b"")
    assert rows(train(tmp_path / "run", 101)) == rows(whole)


def test_the_best_epoch_and_what_is_rare_stay(tmp_path):
    run = Run.create(tmp_path / "run", VAE(), {})
    for step in range(1, 200):
        run.log({"step": step, "epoch": step, "split": "validation", "loss": abs(step - 51)})
    run.log({"step": 30, "epoch": 30, "split": "diverged"})
    run.thin(199, 1, {51})
    found = by_epoch(run.metrics(), "validation", "loss")
    assert found[51] == 0
    assert 53 not in found
    assert list(found)[-8:] == list(range(192, 200))
    assert run.metrics()[-1]["split"] == "diverged"


def test_a_cut_while_thinning_leaves_the_log_as_it_was(tmp_path, monkeypatch):
    run = Run.create(tmp_path / "run", VAE(), {})
    for step in range(1, 100):
        run.log({"step": step, "epoch": step, "split": "train", "loss": 0.0})
    before = (run.path / runs.METRICS).read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", lambda handle: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(OSError, match="No space"):
            run.thin(99, 1)
    assert (run.path / runs.METRICS).read_bytes() == before
    run.thin(99, 1)
    assert len(run.metrics()) <= thinning.most(99, 1, 8)


def test_doctor_and_report_read_a_thinned_log(whole, capsys):
    assert cli.main(["doctor", str(whole.path)]) == 0, capsys.readouterr().err
    assert cli.main(["report", str(whole.path)]) == 0, capsys.readouterr().err
    assert whole.finished()


def test_a_short_soak(tmp_path):
    """The long one is `make soak`."""
    course = soak.soak(tmp_path / "run", 150, every=50)
    assert soak.excess(course) == []


def test_the_soak_sees_a_file_left_open(tmp_path):
    class Leaking(soak.Task):
        left: list = []  # noqa: RUF012

        def measure(self, batch):
            self.left.append((tmp_path / "left").open("a"))
            return super().measure(batch)

    course = soak.soak(tmp_path / "run", 30, every=10, task=Leaking())
    assert [line.split(":")[0] for line in soak.excess(course)] == ["open_files"]
    for file in Leaking.left:
        file.close()


def test_the_log_stays_json_by_the_line(whole):
    for line in (whole.path / runs.METRICS).read_text().splitlines():
        assert {"step", "epoch", "split"} <= json.loads(line).keys()
