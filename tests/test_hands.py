"""Parts of the assignment made by processes: what one makes, how it fails, and that none outlives who asked for it."""

import json
import os
import queue
import signal
import subprocess
import sys

import psutil
import pytest

from arzhang import reproduce
from arzhang.errors import ArzhangError
from arzhang.reproduce import hands


def states(out):
    record = json.loads((out / "quick" / reproduce.RECORD).read_text(encoding="utf-8"))
    return {part["name"]: part["state"] for part in record["parts"] if part["state"] != "missing"}


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
    with hands.Hands("quick", tmp_path, 1) as several:
        first = several.free()
        first.make("transposed")
        assert several.free() is None
        first.process.kill()
        assert several.heard.get(timeout=30) == hands.Told("transposed", failed="its process ended with -9")
        second = several.free()
        assert second is not first
        second.make("publications")
        told = several.heard.get(timeout=60)
        assert told == hands.Told("publications", done=True)
        with pytest.raises(queue.Empty):
            several.heard.get(timeout=0.1)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_no_hand_outlives_whoever_asked(tmp_path, number):
    words = [
        sys.executable,
        "-m",
        "arzhang",
        "reproduce",
        "--only",
        "3c",
        "5b",
        "--processes",
        "2",
        "--out",
        tmp_path / "o",
    ]
    asker = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for line in asker.stdout:
        if line.startswith("transposed"):
            break
    own = [one for one in psutil.Process(asker.pid).children() if "hands.serve" in " ".join(one.cmdline())]
    assert len(own) == 2
    os.kill(asker.pid, number)
    _, error = asker.communicate(timeout=60)
    _, left = psutil.wait_procs(own, timeout=20)
    assert not left
    if number == signal.SIGKILL:
        return
    assert asker.returncode == 128 + number
    assert error.splitlines()[-1].startswith(
        f"arzhang: stopped by {number.name}; the same command goes on: arzhang reproduce"
    )
    assert set(states(tmp_path / "o").values()) <= {"done"}  # and nothing counts as failed
