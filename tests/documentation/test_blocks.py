"""Every code block of the documentation: Python is run, commands are parsed by the real options, quick ones are run."""

import dataclasses
import json
import re
import subprocess
import sys
from typing import get_type_hints

import pytest
import torch
from command import environment
from documentation import pages, place

from arzhang import cli, recipes
from arzhang.errors import UsageError
from arzhang.studies.options import STUDIES

LANGUAGES = {"", "python", "sh", "sbatch", "sympy", "yaml"}
SISTER = pages.ROOT / "README.fa.md"
"""Has the English one's blocks, by a test of its own."""
LIVE = [
    page for page in pages.PAGES
    if page != SISTER and any(b.run or b.language == "python" for b in pages.blocks(pages.read(page)))
]  # fmt: skip
SHELL = [(page, b) for page in pages.PAGES for b in pages.blocks(pages.read(page)) if b.language in ("sh", "sbatch")]


class Parsed(Exception):
    """A verb's words were taken; it is not to go on."""


@pytest.fixture
def parse(monkeypatch):
    """Gives words to the command, whose verbs stop when their options are read."""
    real = cli.options

    def options(*words, **how):
        real(*words, **how)
        raise Parsed

    monkeypatch.setattr(cli, "options", options)

    def taken(words):
        if not words or words[-1] in ("--help", "-h", "--version"):
            return
        with pytest.raises(Parsed):
            cli.run(words)

    return taken


def test_blocks_are_of_known_languages():
    found = {b.language for page in pages.PAGES for b in pages.blocks(pages.read(page))}
    assert found <= LANGUAGES, "say what a test should do with these"
    for page in pages.PAGES:
        marks = re.findall(f"^{pages.RUN}", pages.read(page), re.MULTILINE)
        assert len(marks) == sum(b.run for b in pages.blocks(pages.read(page))), page
        assert all(b.language == "sh" for b in pages.blocks(pages.read(page)) if b.run), page


@pytest.mark.parametrize(("page", "block"), SHELL, ids=[f"{pages.name(p)}:{b.line}" for p, b in SHELL])
def test_commands_have_these_options(page, block, parse):
    for words in pages.lines(block):
        if words[0] == "make":
            targets = re.findall(r"^(\w+):", pages.read(pages.ROOT / "Makefile"), re.MULTILINE)
            assert words[1] in targets, words
        elif (command := pages.command(words)) is not None:
            parse(command.words)
        elif words[0] == "pip" and (extra := re.search(r"\[(\w+)\]", " ".join(words))):
            assert f"\n{extra[1]} = [" in pages.read(pages.ROOT / "pyproject.toml"), words


@pytest.mark.parametrize(
    "line",
    [
        "arzhang train vae --betta 4",
        "arzhang train vea",
        "arzhang study gradient",
        "arzhang train pix2pix --receptive-field 71",
        "srun arzhang train vae --nodes two",
        "torchrun --nnodes 2 -m arzhang.cli train vae --batch-size 33 --devices 2",
        "arzhang evaluate",
        "arzhang dat list",
        "arzhang sweep vae --weight 1",
    ],
)
def test_a_wrong_command_is_seen(line, parse):
    with pytest.raises(UsageError):
        parse(pages.command(line.split()).words)


def known_flags(verb: str, which: str) -> set[str]:
    """Every flag that a verb has."""
    found: list[type] = []

    def remember(_, words, *kinds, **how):
        found.extend(kinds)
        raise Parsed

    real, cli.options = cli.options, remember
    try:
        cli.run([verb, which, "--seed", "0", "1"])
    except Parsed:
        pass
    finally:
        cli.options = real
    flags = {"--config", "--debug", "--help"}
    for kind in found:
        flags |= {f"--{alias}" for alias in getattr(kind, "aliases", {})}
        hints = get_type_hints(kind)
        for field in dataclasses.fields(kind):
            flags |= {recipes.flag(field.name), f"--{field.name}".replace("_", "-")}
            flags |= {recipes.flag(f"no-{field.name}")} if hints[field.name] is bool else set()
    return flags


def unknown(span: str) -> str | None:
    """What is wrong with a command within a sentence, which may have an ellipsis or words to be replaced."""
    words = span.replace("[", " ").replace("]", " ").split()[1:]
    if not words or not words[0].isalpha() or words[0].isupper():
        return None
    verb, *rest = words
    if verb not in cli.VERBS:
        return f"no verb {verb}"
    which = rest[0] if rest and rest[0].strip(",").isalpha() and rest[0].islower() else ""
    of = {"train": recipes.SYSTEMS, "sweep": recipes.SYSTEMS, "study": STUDIES}.get(verb)
    if of is not None and which and which not in of:
        return f"{verb}: no {which}"
    used = {word.split("=")[0] for word in rest if re.match(r"--?[a-z]", word)}
    if not used or (of is not None and not which):  # an ellipsis in place of what is trained
        return None
    needed = {"data": "list", "explain": "generator"}
    lacking = used - known_flags(verb, which or needed.get(verb, "RUN"))
    return f"{verb}: no {', '.join(sorted(lacking))}" if lacking else None


@pytest.mark.parametrize("page", pages.PAGES, ids=pages.name)
def test_commands_in_sentences_exist(page):
    wrong = {span: why for span in pages.spans(pages.read(page)) if (why := unknown(span))}
    assert wrong == {}


def test_a_wrong_command_in_a_sentence_is_seen():
    assert unknown("arzhang train vae --bta 4 …") == "train: no --bta"
    assert unknown("arzhang sudy beta") == "no verb sudy"
    assert unknown("arzhang study betas") == "study: no betas"
    assert unknown("arzhang evaluate RUN [--metrics fid] [--ones]") == "evaluate: no --ones"
    assert unknown("arzhang train vae [--data DIR --size 64] [--weight 4] …") is None


@pytest.mark.slow
@pytest.mark.parametrize("page", LIVE, ids=pages.name)
def test_python_and_quick_commands_run(page, tmp_path, monkeypatch):
    """Blocks of a page in their order, in one place and one namespace."""
    place.furnish(tmp_path, monkeypatch)
    torch.manual_seed(0)
    names: dict = {"__name__": page.stem}
    for block in pages.blocks(pages.read(page)):
        if block.language == "python":
            source = "\n" * block.line + block.text  # so that an error names the page's own line
            exec(compile(source, str(page), "exec"), names)
        for words in pages.lines(block) if block.run else []:
            command = pages.command(words)
            assert command is not None, f"only arzhang is run here, not {words}"
            place.do(command)
    if page.stem == "gradients":
        assert abs(names["mu"].grad - 0.242) < 0.01


# ------------------------------------------------------------------------------------------------------------- SLURM


SRUN = """
import os, subprocess, sys
if os.path.exists("runs/streets"):  # cut off by the end of the job's time
    open("asked", "w").write(" ".join(sys.argv[1:]))
    sys.exit(143)
tiny = ["--devices", "2", "--nodes", "1", "--accelerator", "cpu", "--data", "streets", "--size", "32", "--scenes", "8"]
tiny += ["--validation", "4", "--width", "4", "--receptive-field", "16", "--epochs", "1", "--batch-size", "2"]
tiny += ["--choose-by", "l1"]
slurm = {"SLURM_JOB_NAME": "streets", "SLURM_NTASKS": "2", "SLURM_NTASKS_PER_NODE": "2", "SLURM_NNODES": "1",
    "SLURM_NODELIST": "localhost", "SLURM_STEP_NODELIST": "localhost", "SLURM_NODEID": "0"}
assert sys.argv[1] == "arzhang"
ranks = [
    subprocess.Popen([sys.executable, "-m", "arzhang.cli", *sys.argv[2:], *tiny],
        env=os.environ | slurm | {"SLURM_PROCID": str(i), "SLURM_LOCALID": str(i)})
    for i in range(2)
]
sys.exit(max(rank.wait() for rank in ranks))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="runs bash")
def test_the_job_of_slurm_trains_and_is_queued_again(tmp_path):
    """The page's own script. Its srun starts two ranks here as SLURM would, on a smaller set; the second time there is
    a run to go on with, and the time is up."""
    script = next(b for b in pages.blocks(pages.read(pages.DOCS / "how-to" / "slurm.md")) if b.language == "sbatch")
    (tmp_path / "job.sh").write_text(script.text)
    (tmp_path / "srun.py").write_text(SRUN)
    for name, does in (("srun", f'"{sys.executable}" "{tmp_path}/srun.py" "$@"'), ("scontrol", 'echo "$@" > queued')):
        (tmp_path / name).write_text(f"#!/bin/sh\n{does}\n")
        (tmp_path / name).chmod(0o755)
    own = environment(ARZHANG_CACHE=str(tmp_path / "cache"), OMP_NUM_THREADS="1", SLURM_JOB_ID="4242")
    own["PATH"] = f"{tmp_path}:{own['PATH']}"
    said = []
    for _ in range(2):
        done = subprocess.run(
            ["bash", "job.sh"], cwd=tmp_path, env=own, capture_output=True, text=True, timeout=500, check=False
        )
        said.append(done.stdout + done.stderr)
        assert done.returncode == 0, said[-1]
        assert (tmp_path / "queued").exists() == (len(said) == 2), said[-1]
    steps = [json.loads(line)["step"] for line in (tmp_path / "runs/streets/metrics.jsonl").read_text().splitlines()]
    assert max(steps) == 4, said[0]
    assert (
        said[0].count(" steps of ") == 1
    )  # the first rank's estimate: two that know nothing of each other say it twice
    assert (tmp_path / "asked").read_text() == "arzhang resume runs/streets"
    assert (tmp_path / "queued").read_text() == "requeue 4242\n"
