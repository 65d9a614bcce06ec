"""The command as a user meets it: every verb, and each thing that can be wrong in one clear line."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from command import arzhang, environment, folder_of_images
from PIL import Image

import arzhang as package
from arzhang import cli
from arzhang.training import checkpoint as checkpoints
from arzhang.training.run import Run


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return folder_of_images(tmp_path_factory.mktemp("images") / "all", 120)


@pytest.fixture(scope="module")
def run(images, tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "run"
    words = ["train", "vae", "--data", str(images), "--epochs", "2", "--batch-size", "16", "--latent-dim", "4"]
    words += ["--beta", "0", "--lr", "0.01"]  # so that units are active after 14 steps
    assert cli.main([*words, "--out", str(path)]) == 0
    return path


def said(capsys, *words):
    """(exit code, standard output, standard error) of a command run in this process."""
    capsys.readouterr()
    code = cli.main([str(word) for word in words])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def refused(capsys, code, words, *phrases):
    found, _, error = said(capsys, *words)
    assert found == code
    assert error.count("\n") == 1, error
    assert error.startswith("arzhang: ")
    for phrase in phrases:
        assert phrase in error


def test_every_verb_of_a_trained_run(run, capsys, tmp_path):
    assert sorted(p.name for p in run.iterdir() if p.name != ".lock") == [
        "checkpoints", "config.yaml", "figures", "metrics.jsonl", "samples",
    ]  # fmt: skip
    code, out, _ = said(capsys, "evaluate", run, "--samples", 8)
    assert code == 0
    assert "negative elbo" in out
    metrics = json.loads((run / "eval.json").read_text())
    assert metrics["negative_elbo"]["value"] == pytest.approx(
        metrics["reconstruction"]["value"] + metrics["kl"]["value"]
    )
    assert -metrics["log_likelihood"]["value"] <= metrics["negative_elbo"]["value"]
    assert {"value", "uncertainty", "n", "unit", "protocol"} <= metrics["kl"].keys()
    for verb, *options in (
        ["sample", "-n", 7, "--seed", 1],
        ["reconstruct", "-n", 4],
        ["interpolate", "-n", 2, "--steps", 5],
        ["traverse", "-n", 2],
    ):
        sheet = tmp_path / f"{verb}.png"
        code, out, error = said(capsys, verb, run, *options, "--out", sheet)
        assert code == 0, error
        assert str(sheet) in out
        with Image.open(sheet) as opened:
            assert opened.size[0] > 16
    code, *_ = said(capsys, "sample", run, "-n", 3, "--out", tmp_path / "single")
    assert sorted(p.name for p in (tmp_path / "single").iterdir()) == ["00000.png", "00001.png", "00002.png"]
    code, out, _ = said(capsys, "report", run)
    assert code == 0
    assert "<html" in (run / "report.html").read_text(encoding="utf-8")


def test_evaluation_is_a_function_of_the_run(run):
    first = package.evaluate(run, samples=4, notify=lambda _: None)
    assert first == package.evaluate(run, samples=4, notify=lambda _: None)


def test_python(run):
    model = package.load(run)
    batch = torch.rand(3, 1, 16, 16)
    assert model.encode(batch).shape == (3, 4)
    assert model.decode(torch.zeros(2, 4)).shape == (2, 1, 16, 16)
    assert model.reconstruct(batch).shape == batch.shape
    assert model.sample(5).shape == (5, 1, 16, 16)


def test_own_images_are_reconstructed(run, images, capsys, tmp_path):
    code, _, error = said(capsys, "reconstruct", run, "--data", images, "-n", 3, "--out", tmp_path / "made")
    assert code == 0, error
    assert len(list((tmp_path / "made").iterdir())) == 3


def test_existing_runs_are_not_overwritten(run, images, capsys):
    words = ["train", "vae", "--data", images, "--epochs", 1, "--batch-size", 16, "--out", run]
    refused(capsys, 2, words, "finished", "--overwrite")


def test_an_interrupted_run_says_how_to_resume(run, images, capsys, tmp_path):
    path = tmp_path / "run"
    words = ["train", "vae", "--data", images, "--epochs", 2, "--batch-size", 16, "--out", path]
    assert said(capsys, *words)[0] == 0
    lines = (path / "metrics.jsonl").read_text().splitlines()
    (path / "metrics.jsonl").write_text("\n".join(lines[:-1]) + "\n")
    refused(capsys, 2, words, f"arzhang resume {path}")
    assert said(capsys, *words, "--overwrite")[0] == 0


def test_a_longer_run_says_so(images, capsys, tmp_path):
    path = tmp_path / "run"
    words = ["train", "vae", "--data", images, "--epochs", 1, "--batch-size", 16, "--schedule", "cosine", "--out", path]
    assert said(capsys, *words)[0] == 0
    code, out, _ = said(capsys, "resume", path, "--epochs", 2)
    assert code == 0
    assert "2 epochs in place of 1; the cosine schedule is computed anew" in out
    assert package.recipes.VAE(epochs=2).epochs == 2
    assert "epochs: 2" in (path / "config.yaml").read_text()


def test_weights_of_another_run_are_taken_and_the_rest_named(run, images, capsys, tmp_path):
    words = ["train", "vae", "--data", images, "--epochs", 1, "--batch-size", 16, "--latent-dim", 6, "--init-from", run]
    code, out, error = said(capsys, *words, "--out", tmp_path / "run")
    assert code == 0, error
    assert "tensors taken; these begin fresh: vae.decoder.0.weight, vae.log_variance.bias" in out


def test_a_folder_is_never_taken_for_a_run(tmp_path, images, capsys):
    (tmp_path / "precious.txt").write_text("mine")
    words = ["train", "vae", "--data", images, "--out", tmp_path, "--overwrite"]
    refused(capsys, 2, words, "not a run of Arzhang")
    assert (tmp_path / "precious.txt").read_text() == "mine"


def test_what_cannot_train_makes_no_run_and_replaces_none(run, images, capsys, tmp_path):
    words = ["train", "vae", "--data", images, "--batch-size", "999", "--out"]
    refused(capsys, 2, [*words, tmp_path / "new"], "--batch-size 999", "holds only")
    assert not (tmp_path / "new").exists()
    old = shutil.copytree(run, tmp_path / "old")
    before = sorted(path.relative_to(old) for path in old.rglob("*"))
    refused(capsys, 2, [*words, old, "--overwrite"], "--batch-size 999")
    assert sorted(path.relative_to(old) for path in old.rglob("*")) == before


@pytest.mark.parametrize(
    ("code", "words", "phrases"),
    [
        (2, ["trian"], ["did you mean train?"]),
        (2, ["train", "vea"], ["no such system", "vae"]),
        (2, ["train", "vae", "--epoch", "3"], ["--epochs"]),
        (2, ["train", "vae", "--beta", "-1"], ["--beta -1.0", "0 or more"]),
        (2, ["train", "vae", "--latent-dim", "0"], ["--latent-dim 0", "1 or more"]),
        (2, ["evaluate", "/nowhere"], ["/nowhere", "no such folder"]),
        (2, ["resume"], ["RUN"]),
        (2, ["data", "fetch", "mnits"], ["mnits"]),
        (2, ["data", "look"], ["list, fetch, show"]),
        (2, ["train", "vae", "--accelerator", "cuda", "--epochs", "1"], ["--accelerator cuda", "none here"]),
    ],
)
def test_wrong_usage(code, words, phrases, capsys):
    if "cuda" in words and torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    refused(capsys, code, words, *phrases)


def test_bad_folders(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "notes.txt").write_text("no image")
    for name in ("empty", "text", "missing"):
        code, _, error = said(capsys, "train", "vae", "--data", tmp_path / name, "--out", tmp_path / "run")
        assert code in (1, 2)
        assert error.count("\n") == 1
        assert str(tmp_path / name) in error
        assert not (tmp_path / "run").exists()


def test_no_room_to_write_the_run(images, tmp_path, capsys):
    file = tmp_path / "file"
    file.write_text("")
    words = ["train", "vae", "--data", images, "--epochs", 1, "--batch-size", 16, "--out", file / "run"]
    refused(capsys, 2, words, f"{file} is a file")


@pytest.mark.skipif(os.name == "nt", reason="limits on file sizes are POSIX's")
def test_a_full_disk_stops_with_one_line_and_leaves_nothing_half_written(images, tmp_path):
    """A limit on the size of files is a full disk to the one who writes: the first checkpoint does not fit."""
    path = tmp_path / "run"
    script = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000));"
        "from arzhang.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    words = ["train", "vae", "--data", images, "--epochs", 1, "--batch-size", 16, "--out", path]
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, words)],
        env=environment(ARZHANG_CACHE=str(tmp_path / "cache")), capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert list((path / "checkpoints").iterdir()) == []
    again = arzhang("resume", path)
    assert again.returncode == 0, again.stderr


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder(images, tmp_path, capsys):
    (tmp_path / "locked").mkdir(mode=0o500)
    words = ["train", "vae", "--data", images, "--epochs", 1, "--batch-size", 16, "--out", tmp_path / "locked" / "run"]
    refused(capsys, 1, words, "locked")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a file system where nobody can write")
def test_a_folder_where_nobody_can_write(images, capsys):
    words = ["train", "vae", "--data", images, "--epochs", 1, "--batch-size", 16, "--out", "/proc/self/run"]
    refused(capsys, 1, words, "/proc/self/run")


def test_changed_data_are_noticed(tmp_path, capsys):
    folder = folder_of_images(tmp_path / "images", 80)
    path = tmp_path / "run"
    words = ["train", "vae", "--data", folder, "--epochs", 1, "--batch-size", 16, "--out", path]
    assert said(capsys, *words)[0] == 0
    folder_of_images(folder, 90, seed=5)
    refused(capsys, 1, ["resume", path, "--epochs", 2], "not those that this run began with")


def test_data_that_were_moved_are_named_again(images, tmp_path, capsys):
    """An evaluation named an option that it does not have, and nothing but the file itself could say where they lie."""
    here, there, run = tmp_path / "here", tmp_path / "there", tmp_path / "run"
    shutil.copytree(images, here)
    words = ["train", "vae", "--data", here, "--epochs", 1, "--latent-dim", 2, "--batch-size", 16, "--out", run]
    assert said(capsys, *words)[0] == 0
    here.rename(there)
    again = f"`arzhang resume {run} --data DIR` says where"
    refused(capsys, 2, ["evaluate", run, "--samples", 2], f"{here}: no such folder", again)
    refused(capsys, 2, ["reconstruct", run], again)
    assert cli.main(["resume", str(run), "--data", str(there)]) == 0
    code, out, _ = said(capsys, "evaluate", run, "--samples", 2)
    assert code == 0
    assert "other data" not in out
    Image.new("L", (16, 16), 7).save(there / "one-more.png")
    code, out, _ = said(capsys, "evaluate", run, "--samples", 2)
    assert code == 0
    assert f"{run}: was trained on other data than there are now" in out


def test_epochs_that_are_done_cannot_be_asked_for(run, capsys):
    before = (run / "config.yaml").read_bytes()
    refused(capsys, 2, ["resume", run, "--epochs", 1], "--epochs 1: 2 are done already")
    assert (run / "config.yaml").read_bytes() == before


@pytest.mark.parametrize(
    ("words", "phrase"),
    [
        (
            ["train", "vae", "--precision", "16-mixed", "--accelerator", "cpu"],
            "16-mixed: needs a GPU",
        ),
        (["train", "vae", "--dataset", "mnist", "--data-root", "nowhere"], "--data-root nowhere: no such folder"),
        (["train", "vae", "--init-from", "nowhere"], "--init-from nowhere: no such run or file"),
        (["sweep", "vae", "--beta", "1", "1"], "sweep: --beta has a value twice"),
    ],
)
def test_what_would_fail_late_or_for_nothing_is_refused_at_once(words, phrase, images, tmp_path, capsys):
    data = [] if "--dataset" in words else ["--data", images]
    refused(capsys, 2, [*words, *data, "--epochs", 1, "--batch-size", 16, "--out", tmp_path / "out"], phrase)


def test_an_option_that_does_nothing_is_named(images, tmp_path, capsys):
    words = ["--sigma", "0.1", "--components", "5", "--latent-dim", 2, "--epochs", 1, "--batch-size", 16]
    code, out, _ = said(capsys, "train", "vae", "--data", images, *words, "--out", tmp_path / "run")
    assert code == 0
    assert "--sigma=0.1: does nothing with --likelihood bernoulli" in out
    assert "--components=5: does nothing with --prior normal" in out


def test_help_of_a_sweep(capsys):
    code, out, _ = said(capsys, "sweep", "vae", "--help")
    assert code == 0
    assert out.startswith("usage: arzhang sweep SYSTEM --OPTION VALUE VALUE")


def test_an_export_leaves_others_folders_alone(run, images, capsys):
    refused(
        capsys, 2, ["export", run, "--format", "safetensors", "--out", images], "holds other files; choose an empty"
    )


def test_a_damaged_config_is_said(run, tmp_path, capsys):
    for content in (
        "",
        "a: [",
        "system: vae",
        "system: vae\nrecipe: {beta: -3}",
        "system: van\nrecipe: {}",
        "system: gan\nrecipe: {}",
    ):
        (tmp_path / "config.yaml").write_text(content)
        refused(capsys, 2, ["evaluate", tmp_path], "config.yaml")


def test_a_run_without_a_sound_checkpoint(run, tmp_path, capsys):
    (tmp_path / "config.yaml").write_text((run / "config.yaml").read_text())
    (tmp_path / "checkpoints").mkdir()
    refused(capsys, 1, ["sample", tmp_path], "no sound checkpoint")


def test_init_from_a_pickle_is_refused(images, tmp_path, capsys):
    torch.save({"vae.mean.bias": torch.zeros(4)}, tmp_path / "weights.pt")
    words = ["train", "vae", "--data", images, "--batch-size", 16, "--init-from", tmp_path / "weights.pt"]
    refused(capsys, 1, [*words, "--out", tmp_path / "run"], "never unpickles")
    assert not (tmp_path / "run").exists()


def test_bare_command_and_help(capsys):
    code, out, _ = said(capsys)
    assert code == 0
    assert "device" in out
    assert out.count("arzhang train vae") == 1
    code, out, _ = said(capsys, "--help")
    assert all(verb in out for verb in cli.VERBS)
    assert said(capsys, "--version")[1].strip() == package.__version__


@pytest.mark.parametrize("verb", list(cli.VERBS))
def test_help_of_every_verb_needs_no_torch(verb):
    words = [verb, "vae", "--help"] if verb == "train" else [verb, "--help"]
    script = (
        "import sys; from arzhang.cli import main\n"
        f"try: main({words!r})\nexcept SystemExit: pass\n"
        "sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, "torch was imported to print help"
    assert verb in done.stdout


def test_quiet_without_a_terminal(images, tmp_path):
    words = ["train", "vae", "--data", images, "--epochs", 1, "--batch-size", 16, "--out", tmp_path / "run"]
    done = arzhang(*words)
    assert done.returncode == 0
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) <= 6


def test_best_checkpoint_is_by_validation(run):
    found = checkpoints.available(run / "checkpoints")
    log = [e for e in Run(run).metrics() if e["split"] == "validation"]
    smallest = min(log, key=lambda entry: entry["negative_elbo"])
    assert checkpoints.best(found).step == smallest["step"]
