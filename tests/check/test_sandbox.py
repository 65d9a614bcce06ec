"""`arzhang check` through its real process: limits, what is refused, folders, marks, and the command itself."""

import json
import sys

import pytest
from check.mistakes import ANSWERS
from command import arzhang

from arzhang import cli
from arzhang.check import Limits, check, exercises, write_blanks
from arzhang.errors import UsageError

RIGHT = (ANSWERS / "exercise_3c.py").read_text(encoding="utf-8")
CALL = "def output_size(size, kernel, stride, padding, output_padding, dilation):\n"
LIMITS = Limits(seconds=20, memory=2048)


def one(path, source, limits=LIMITS):
    """The findings of a file with this source, checked in a process of its own."""
    path.write_text(source, encoding="utf-8")
    report = check(str(path), "3c", limits, notify=lambda line: None)
    return report["pieces"][0]["findings"]


ENDS = {
    "a loop without an end": ("    while True:\n        pass\n", "code.endless", "own.py, line "),
    "more memory than there is": ("    return bytearray(10**12)\n", "code.memory", "own.py, line 2"),
    "its own end": ("    import os, signal\n    os.kill(os.getpid(), signal.SIGKILL)\n", "code.killed", "SIGKILL"),
    "an early exit": ("    import os\n    os._exit(0)\n", "code.left", "before the check was over"),
}


@pytest.mark.parametrize("way", ENDS)
def test_however_it_ends_there_is_a_sentence(way, tmp_path):
    body, id, phrase = ENDS[way]
    (finding,) = one(tmp_path / "own.py", CALL + body, Limits(seconds=2, memory=1024))
    assert finding["id"] == id
    assert phrase in finding["sentence"]


def test_nothing_outside_its_folder_changes(tmp_path):
    """Every way to write that a file may try, each error swallowed; the answer itself is right."""
    there = tmp_path / "there.txt"
    there.write_text("kept")
    ways = [
        "open({new!r}, 'w')",
        "Path({new!r}).write_text('x')",
        "os.open({new!r}, os.O_CREAT | os.O_WRONLY)",
        "open({old!r}, 'a').write('x')",
        "os.remove({old!r})",
        "os.rename({old!r}, {new!r})",
        "os.truncate({old!r}, 0)",
        "os.chmod({old!r}, 0)",
        "os.symlink({old!r}, {new!r})",
        "os.mkdir({new!r})",
        "shutil.rmtree({folder!r})",
        "numpy.save({new!r}, 1)",
        "subprocess.run(['touch', {new!r}])",
        "os.system('touch ' + {new!r})",
    ]
    if sys.platform == "linux":  # Landlock: compiled code, too
        ways.append("torch.save(1, {new!r})")
    names = {"old": str(there), "new": str(tmp_path / "new"), "folder": str(tmp_path)}
    tries = "".join(f"try:\n    {way.format(**names)}\nexcept Exception:\n    refused += 1\n" for way in ways)
    source = f"import os, shutil, subprocess, numpy, torch\nfrom pathlib import Path\nrefused = 0\n{tries}"
    source += "open('mine.txt', 'w').write('x')\nprint('refused', refused)\n" + RIGHT
    before = {p.name: p.stat().st_mode for p in tmp_path.iterdir()}
    findings = one(tmp_path / "own.py", source)
    assert [finding["level"] for finding in findings] == ["right", "remark", "remark"]
    assert findings[1]["sentence"].endswith(f"refused {len(ways)}")
    assert "mine.txt" in findings[2]["sentence"]
    assert {p.name: p.stat().st_mode for p in tmp_path.iterdir() if p.name != "own.py"} == before
    assert there.read_text() == "kept"


def test_the_command_says_what_is_wrong_and_how_much_it_is_worth(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(RIGHT.replace("2 * padding", "padding"), encoding="utf-8")
    done = arzhang("check", path, "--json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, "")
    report = json.loads(done.stdout)
    assert (report["id"], report["right"], report["marks"], report["out_of"]) == ("3c", False, 0, 3)
    assert report["pieces"][0]["findings"][0]["id"] == "3c.padding_once"
    assert [p.name for p in tmp_path.iterdir()] == ["mine.py"]


def test_a_course_is_written_once_and_its_marks_are_summed(tmp_path, capsys):
    folder = tmp_path / "course"
    write_blanks(folder)
    names = {path.name for path in folder.iterdir()}
    assert names == {one.file for one in exercises.exercises().values()} | {"README.md", "marks.json"}
    with pytest.raises(UsageError, match="would be lost"):
        write_blanks(folder)
    (folder / "marks.json").write_text('{"2a": 5, "3c": 2}')
    half = (ANSWERS / "exercise_2a.py").read_text(encoding="utf-8").replace(" - 0.5", "")  # one of its two pieces
    (folder / "exercise_2a.py").write_text(half, encoding="utf-8")
    (folder / "exercise_3c.py").unlink()
    with pytest.raises(SystemExit) as stopped:
        cli.main(["check", str(folder)])
    said = capsys.readouterr().out
    assert stopped.value.code == 1
    assert "2.5 of 5 marks" in said
    assert "no exercise_3c.py here yet" in said
    assert said.splitlines()[-1] == "2.5 of 7 marks"


def test_marks_by_id_add_up_to_those_of_the_problems():
    for problem, marks in exercises.PROBLEMS.items():
        assert sum(own for id, own in exercises.MARKS.items() if id.startswith(problem)) == marks


def test_show_shows_the_blank(capsys):
    assert cli.main(["check", "--id", "1c", "--show"]) == 0
    assert "def measure_valued(f: Callable" in capsys.readouterr().out
    assert cli.main(["check", "--show"]) == 0
    listed = capsys.readouterr().out
    assert all(f"  {id}  " in listed for id in exercises.exercises())


@pytest.mark.parametrize(
    ("words", "phrase"),
    [
        (["nothing.py", "--id", "1c"], "nothing.py: no such file"),
        (["{here}/notes.txt", "--id", "1c"], "a Python file (.py) is checked"),
        (["{here}/own.py"], "of which exercise is it? give --id"),
        (["{here}/own.py", "--id", "4c"], "it has no code to check; there are: 1a"),
        (["{here}/own.py", "--id", "9z"], "no such exercise; there are: 1a"),
        (["{here}/own.py:thing", "--id", "5b"], "exercise 5b asks for DownSample"),
        (["{here}/empty"], "no exercise_*.py in it"),
        (["{here}/own.py", "--id", "1c", "--seconds", "0"], "both must be above 0"),
        ([], "FILE"),
    ],
)
def test_wrong_usage(words, phrase, tmp_path, capsys):
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / "own.py").write_text("def thing(): pass\n")
    (tmp_path / "empty").mkdir()
    assert cli.main(["check", *(word.format(here=tmp_path) for word in words)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert phrase in error
