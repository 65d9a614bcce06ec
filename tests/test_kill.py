"""A run killed at any instant and resumed ends as if nothing had happened: real processes, real signals.

Most are forked from one that has imported everything, and one is started as a user does; `torture` has the many kills.
"""

import random
import signal
import time

import pytest
import torch
from command import Forked, folder_of_images, forked, start

from arzhang.training import checkpoint as checkpoints
from arzhang.training.run import Run

OPTIONS = ["--batch-size", 16, "--epochs", 24, "--latent-dim", 4, "--log-every", 7, "--seed", 3]


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return folder_of_images(tmp_path_factory.mktemp("images") / "all", 240, size=12)


@pytest.fixture(scope="module")
def whole(images, tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "run"
    done = forked("train", "vae", "--data", images, *OPTIONS, "--out", path)
    assert done.returncode == 0, done.stderr
    return path


def newest(path):
    return max((c.step for c in checkpoints.available(path / "checkpoints")), default=-1)


def interrupt(process, path, after, signum):
    """Wait until this process has saved something of its own and `after` seconds more, then strike."""
    before, deadline = newest(path), time.monotonic() + 120
    while newest(path) == before and process.poll() is None:
        assert time.monotonic() < deadline, "no checkpoint in two minutes"
        time.sleep(0.01)
    time.sleep(after)
    process.send_signal(signum)
    _, said = process.communicate(timeout=60)
    return process.returncode, said


@pytest.mark.slow
@pytest.mark.parametrize(("signum", "times"), [(signal.SIGKILL, 5), (signal.SIGTERM, 2), (signal.SIGINT, 1)])
def test_killed_and_resumed_is_bit_identical(images, whole, tmp_path, signum, times):
    path, rng = tmp_path / "run", random.Random(int(signum))
    words = ["train", "vae", "--data", images, *OPTIONS, "--out", path]
    process = start(*words) if signum == signal.SIGINT else Forked(words)
    struck = 0
    while struck < times and not (path.exists() and (path / "config.yaml").exists() and Run(path).finished()):
        code, said = interrupt(process, path, rng.uniform(0, 0.1), signum)
        if code == 0:
            break  # it was faster
        struck += 1
        if signum == signal.SIGKILL:
            assert code == -signum
        else:
            assert code == 128 + signum
            assert "arzhang resume" in said.splitlines()[-1]
            assert "Traceback" not in said
        process = Forked(["resume", path])
    process.communicate(timeout=120)
    assert process.returncode == 0
    assert struck == times, "the run was over before it had been struck often enough"
    ends = [checkpoints.available(p / "checkpoints")[-1] for p in (whole, path)]
    assert ends[0].step == ends[1].step
    for name in (checkpoints.WEIGHTS, checkpoints.OPTIMIZERS):
        a, b = (end.tensors(name) for end in ends)
        assert a.keys() == b.keys()
        assert all(torch.equal(a[key], b[key]) for key in a)
    logs = [[{k: v for k, v in e.items() if k != "seconds"} for e in Run(p).metrics()] for p in (whole, path)]
    assert logs[0] == logs[1]


def test_damage_to_the_last_checkpoint_costs_only_its_own_steps(images, whole, tmp_path):
    path = tmp_path / "run"
    first = forked("train", "vae", "--data", images, *OPTIONS, "--out", path)
    assert first.returncode == 0
    last = checkpoints.available(path / "checkpoints")[-1]
    weights = last.path / checkpoints.WEIGHTS
    weights.write_bytes(weights.read_bytes()[:-100])
    again = forked("resume", path)
    assert again.returncode == 0, again.stderr
    assert "damaged or edited" in again.stdout
    a, b = (checkpoints.available(p / "checkpoints")[-1].tensors(checkpoints.WEIGHTS) for p in (whole, path))
    assert all(torch.equal(a[key], b[key]) for key in a)


def test_two_processes_on_one_run(images, tmp_path):
    path = tmp_path / "run"
    first = Forked(["train", "vae", "--data", images, *OPTIONS, "--epochs", 4000, "--out", path])
    try:
        while not path.exists() or newest(path) < 0:
            assert first.poll() is None
            time.sleep(0.05)
        second = forked("resume", path)
        assert second.returncode == 1
        assert "another process is at work in this run" in second.stderr
        assert second.stderr.count("\n") == 1
    finally:
        first.kill()
        first.communicate()
