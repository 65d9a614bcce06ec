"""Jobs done by several processes: what one makes, how it fails, and that none outlives who asked for it."""

import json
import os
import signal
import threading

import psutil
import pytest
from command import Forked, within

from arzhang import hands, reproduce
from arzhang.errors import ArzhangError


def states(out):
    record = json.loads((out / "quick" / reproduce.RECORD).read_text(encoding="utf-8"))
    return {part["name"]: part["state"] for part in record["parts"] if part["state"] != "missing"}


@pytest.mark.slow
def test_two_hands_make_what_one_makes(tmp_path):
    said = []
    reproduce.reproduce("quick", tmp_path / "two", only=["5b", "5g"], language="en", processes=2, notify=said.append)
    reproduce.reproduce("quick", tmp_path / "one", only=["5b"], language="en", processes=1, notify=lambda _: None)
    assert states(tmp_path / "two") == {"networks": "done", "publications": "done"}
    one, two = (tmp_path / name / "quick" / "networks" for name in ("one", "two"))
    assert (one / "networks.json").read_bytes() == (two / "networks.json").read_bytes()
    assert {path.name for path in one.iterdir()} == {path.name for path in two.iterdir()}
    assert any(line.startswith("networks: done after") for line in said)


def test_a_part_that_fails_in_a_hand_is_named(tmp_path):
    (tmp_path / "out" / "quick").mkdir(parents=True)
    (tmp_path / "out" / "quick" / "networks").write_text("in the way")
    with pytest.raises(ArzhangError, match=r"^networks \(3a .*networks.*\narzhang: the same command goes on: arzhang"):
        reproduce.reproduce("quick", tmp_path / "out", only=["5b", "5g"], processes=2, notify=lambda _: None)
    assert states(tmp_path / "out") == {"networks": "failed", "publications": "done"}


def test_a_hand_that_is_killed_is_told_of_and_replaced(tmp_path):
    shared = {"budget": "quick", "home": str(tmp_path)}
    jobs = iter([{"name": "transposed", **shared}, {"name": "publications", **shared}])
    said = []
    with hands.Hands("arzhang.reproduce:by_hand", 1) as several:
        first = several.all[0]
        killer = threading.Timer(0.5, first.process.kill)
        killer.start()
        several.work(lambda: next(jobs, None), said.append)
        assert several.all[0] is not first
    assert said == [hands.Told("transposed", failed="its process ended with -9"), hands.Told("publications", done=True)]


def test_a_hand_that_has_ended_before_its_job_is_told_of():
    with hands.Hands("arzhang.reproduce:by_hand", 1) as several:
        one = several.all[0]
        one.process.kill()
        one.process.wait()
        one.begin({"name": "networks"})
        found = several.heard.get(timeout=30)[1], several.heard.get(timeout=30)[1]
        assert {"failed": "its process had ended"} in found


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_no_hand_outlives_whoever_asked(tmp_path, number):
    asker = Forked(["reproduce", "--only", "3c", "5b", "--processes", "2", "--out", tmp_path / "o"])
    within(120, lambda: any(line.startswith("transposed") for line in asker.said().splitlines()), "no hand has begun")
    own = [one for one in psutil.Process(asker.pid).children() if "hands.serve" in " ".join(one.cmdline())]
    assert len(own) == 2
    os.kill(asker.pid, number)
    _, error = asker.communicate(timeout=60)
    _, left = psutil.wait_procs(own, timeout=20)
    assert not left
    if number == signal.SIGKILL:
        return
    assert asker.returncode == 128 + number
    assert error.splitlines()[-1] == f"arzhang: stopped by {number.name}; the same command goes on"
    assert set(states(tmp_path / "o").values()) <= {"done"}  # and nothing counts as failed
