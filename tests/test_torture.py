"""The harness of `make torture`, and every fault that it has found (docs/reliability.md)."""

import io
import json
import os
import struct
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from command import environment
from safetensors import SafetensorError
from safetensors.torch import save
from torture import forks

from arzhang import assembly, cli, evaluation, recipes
from arzhang.data import cache, images
from arzhang.data.decode import Unreadable, read
from arzhang.data.decode import header as header_of
from arzhang.errors import ArzhangError, UsageError
from arzhang.metrics import features, frechet
from arzhang.report import results
from arzhang.training import checkpoint as checkpoints
from arzhang.training import published
from arzhang.training.run import Run

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks, and looks into /proc")
VAE = recipes.VAE(epochs=2, latent_dim=2)


def test_a_planted_fault_is_seen(tmp_path):
    """The harness itself: a reader that unpickles, climbs, hangs, or raises what it likes is told."""
    code = """
import pickle, sys
from pathlib import Path
from torture import fuzz, parsers
evil, place = parsers.evil(), Path(sys.argv[1])
def reads(folder):
    what = (folder / "x").read_bytes()[:1]
    if what == b"p": pickle.loads(evil)
    if what == b"c": (folder / ".." / ".." / "climbed").write_bytes(b"")
    if what == b"e": raise KeyError("x")
    if what == b"m": bytearray(8 << 30)
    if what == b"d": import os; os.abort()
    if what == b"l":
        while True: pass
fuzz.SECONDS = 0.2
fuzz.MEMORY = 1 << 30
one = parsers.Parser("planted", [{"x": b"sound"}], lambda _: reads, [{"x": x} for x in (b"p", b"c", b"e", b"m", b"d", b"l")])
for fault in sorted(fuzz.fuzz(one, 0, 0, place).faults): print(fault.index, fault.what)
"""
    place = tmp_path / "a" / "b"
    place.mkdir(parents=True)
    done = subprocess.run(
        [sys.executable, "-c", code, place],
        cwd=Path(__file__).parent, env=environment(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1"),
        capture_output=True, text=True, timeout=200,
    )  # fmt: skip
    told = done.stdout.splitlines()
    assert [line.split()[0] for line in told] == list("012345"), done.stdout + done.stderr
    for line, word in zip(
        told, ("pickle.find_class", "climbed", "KeyError", "MemoryError", "-6", "took over"), strict=True
    ):
        assert word in line


def test_only_the_command_that_goes_on_may_follow_another_line():
    """What the harness takes for a clear end: one line, or one of each part that failed and then the command."""
    parts = "arzhang: vae (3a): no room\narzhang: fid (3g): waits for vae\n"
    for said, clear in (
        ("arzhang: no room\n", True),
        (parts, False),
        (f"{parts}{forks.ON}reproduce --out out\n", False),  # the last line is not the command's own
        (f"{parts}arzhang: {forks.ON}reproduce --out out\n", True),
        (f"{parts}arzhang: {forks.ON}reproduce --out out\nand more\n", False),
        (f"Traceback\n{parts}arzhang: {forks.ON}reproduce --out out\n", False),
    ):
        assert forks.Ended(1, said, 0.1).clear is clear, said


# ------------------------------------------------------------------------------------------------- faults, mended


def run_at(path, entries=()):
    run = Run.create(path, VAE, {"shape": [1, 28, 28], "levels": 256})
    for entry in entries:
        run.log(entry)
    return run


ENTRY = {"step": 4, "epoch": 1, "split": "train", "loss": 1.0}


def test_a_run_is_there_whole_or_not_at_all(tmp_path, monkeypatch):
    """A kill between the folder and its config left what could neither be resumed nor trained into."""
    monkeypatch.setattr("arzhang.training.run.write_atomically", lambda *_: os._exit(9))
    if (pid := os.fork()) == 0:
        run_at(tmp_path / "run")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 9
    assert not (tmp_path / "run").exists()
    monkeypatch.undo()
    assert run_at(tmp_path / "run").recipe == VAE
    with pytest.raises(UsageError, match="was interrupted"):
        run_at(tmp_path / "run")


def test_the_log_is_flushed_before_a_checkpoint(tmp_path, monkeypatch):
    """Lines up to a checkpoint's step are not logged again: a power cut must not take them."""
    flushed = []
    monkeypatch.setattr("arzhang.training.run.flush", lambda path: flushed.append(path.name))
    run_at(tmp_path / "run", [ENTRY]).flush_log()
    assert flushed[-2:] == ["metrics.jsonl", "run"]


def test_a_line_of_the_log_is_whole_or_not_there(tmp_path, monkeypatch):
    run = run_at(tmp_path / "run", [ENTRY])

    class Full(io.FileIO):
        def write(self, data):
            return super().write(data[:10])

    monkeypatch.setattr(Path, "open", lambda path, *_, **__: Full(path, "a"))
    with pytest.raises(OSError, match="No space"):
        run.log(ENTRY)
    monkeypatch.undo()
    assert run.metrics() == [ENTRY]
    assert (run.path / "metrics.jsonl").read_text().count("\n") == 1


@pytest.mark.parametrize(
    "line",
    ["[" * 100_000, "1", '{"step": "x", "epoch": 1, "split": "train"}', '{"step": 1e999, "epoch": 1, "split": "train"}',
     '{"step": 2, "epoch": 1, "split": "watch", "lowest": "a"}', f'{{"step": 2, "epoch": 1, "split": "train", "loss": 1{"0" * 400}}}',
     "\\xff"],
)  # fmt: skip
def test_lines_that_are_none_of_a_log(tmp_path, line):
    run = run_at(tmp_path / "run", [ENTRY])
    with (run.path / "metrics.jsonl").open("a") as file:
        file.write(line + "\n")
    assert run.metrics() == [ENTRY]
    assert len(results._log(run.path / "metrics.jsonl")[0]) == 1 + ("100" in line and "loss" in line)


@pytest.mark.parametrize(
    "text",
    ["a: &a [x, x]\n" + "".join(f"{c}: &{c} [{', '.join([f'*{chr(ord(c) - 1)}'] * 9)}]\n" for c in "bcdefghijk"),
     "a: &a\n  b: *a\n", "a: " + "9" * 5_000, "a: 0x" + "f" * 5_000, "a: 2001-99-99", "[" * 5_000, "a: !!python/name:os.system"],
)  # fmt: skip
def test_yaml_with_intent(tmp_path, text):
    (tmp_path / "c.yaml").write_text(text)
    with pytest.raises(UsageError, match=r"c\.yaml") as found:
        recipes.read_options(tmp_path / "c.yaml")
    assert "\n" not in str(found.value)


def test_a_config_is_no_command_line(tmp_path):
    """`help: true` printed the help and ended well; `config` would have read another file."""
    for name in ("help", "config", "print_config"):
        with pytest.raises(UsageError, match="no such option"):
            recipes.from_mapping(recipes.VAE, {name: True})
    with pytest.raises(UsageError, match="did you mean --epochs"):
        recipes.from_mapping(recipes.VAE, {"epoch": 1})


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [("state.json", '{"step": 1e999, "validation": null}', None), ("state.json", "[" * 100_000, None),
     ("weights.safetensors", "x", "safetensors")],
)  # fmt: skip
def test_checkpoints_of_strangers(tmp_path, name, content, said):
    files = {checkpoints.WEIGHTS: {"w": torch.ones(2)}, checkpoints.OPTIMIZERS: {}}
    found = checkpoints.save(tmp_path, 3, files, {"names": [], "window": [], "seconds": 0.0}, None)
    (found.path / name).write_text(content)
    if said is None:
        assert checkpoints.newest_sound(tmp_path, lambda line: None) is None
    else:
        with pytest.raises(ArzhangError, match=said):
            found.tensors(name)


@pytest.mark.parametrize(
    "state", [{}, {"names": [["a"]], "window": [[1, 2]], "seconds": 0}, {"names": 0, "window": [], "seconds": 0},
              {"names": [], "window": "x", "seconds": 0}, {"names": [], "window": [], "seconds": []}],
)  # fmt: skip
def test_a_state_that_is_none(tmp_path, state):
    found = checkpoints.save(tmp_path, 3, {checkpoints.WEIGHTS: {"w": torch.ones(2)}}, state, None)
    with pytest.raises(ArzhangError, match=r"state\.json"):
        found.course()


def test_moments_that_fit_no_parameter():
    module = torch.nn.Linear(2, 3)
    for name in ("all/7/exp_avg", "all/x/exp_avg", "other/0/exp_avg", "all/0/exp_avg"):
        with pytest.raises(ArzhangError, match=r"optimizer|fits no parameter"):
            checkpoints.restore_optimizers({"all": torch.optim.Adam(module.parameters())}, {name: torch.ones(5)})
    moments = {f"all/0/{name}": torch.ones(3, 2) for name in ("exp_avg", "exp_avg_sq")}
    for extra, named in (
        ({}, "all/0/step"),
        ({"all/0/step": torch.ones(()), "all/0/odd": torch.ones(())}, "all/0/odd"),
    ):
        with pytest.raises(ArzhangError, match=f"'{named}' is missing, or nothing of Adam's"):
            checkpoints.restore_optimizers({"all": torch.optim.Adam(module.parameters())}, moments | extra)
    with pytest.raises(ArzhangError, match="not those of its recipe"):
        checkpoints.load_weights(module, {"weight": torch.ones(1)}, Path("here"))


def test_an_integer_that_no_fraction_holds():
    with pytest.raises(UsageError, match="too large to be computed with") as said:
        recipes.from_mapping(recipes.VAE, {"lr": 10**400}, "config.yaml")
    assert len(str(said.value)) < 120


def test_a_tag_that_claims_more_than_the_memory(tmp_path, monkeypatch):
    """Whether the file lies, or the machine is small, is seen before any pixel is read; caching goes on without it."""

    def claims(_):
        raise MemoryError

    monkeypatch.setattr("tifffile.TiffFile", claims)
    (tmp_path / "a.tif").write_bytes(b"II*\0")
    with pytest.raises(Unreadable, match="tags claim more"):
        header_of(tmp_path / "a.tif")


def test_a_strip_that_claims_more_than_the_file(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((8, 8), np.uint8))
    with tifffile.TiffFile(path) as file:
        tag = file.pages[0].tags["StripByteCounts"]
        where, length, value = tag.valueoffset, tag.valuebytecount, tag.value[0]
    content = bytearray(path.read_bytes())
    assert int.from_bytes(content[where : where + length], "little") == value == 64
    content[where : where + length] = (2 ** (8 * length) - 1).to_bytes(length, "little")
    path.write_bytes(content)
    with pytest.raises(Unreadable, match="more than the file"):
        header_of(path)


@pytest.mark.parametrize("name", ["9" * 300, "../w.safetensors", "[1, 1]", "", "a/b"])
def test_a_checkpoint_names_files_of_its_own(tmp_path, name):
    """A name as long as no disk takes it was an OSError of the system."""
    found = checkpoints.save(tmp_path, 3, {checkpoints.WEIGHTS: {"w": torch.ones(2)}}, {}, None)
    manifest = json.loads((found.path / checkpoints.MANIFEST).read_text())
    manifest["sha256"][name] = "0"
    (found.path / checkpoints.MANIFEST).write_text(json.dumps(manifest))
    told = []
    assert checkpoints.newest_sound(tmp_path, told.append) is None
    assert ["its manifest is missing or unreadable" in line for line in told] == [True]


def test_weights_that_find_no_room_are_an_error_of_the_disk(tmp_path, monkeypatch):
    """`publish` ended in a traceback of safetensors, and a full cache would have ended what it only makes faster."""

    def full(*_, **__):
        raise SafetensorError("Error while serializing: I/O error: No space left on device")

    monkeypatch.setattr("safetensors.torch.serialize_file", full)
    monkeypatch.setenv("ARZHANG_CACHE", str(tmp_path / "cache"))
    weights = {"a": torch.zeros(3)}
    with pytest.raises(OSError, match=r"model\.safetensors: could not be written .*No space"):
        published.write(tmp_path, {}, weights)
    features.keep(weights, lambda beside: tmp_path / "kept.safetensors")
    assert not any(path.is_file() for path in tmp_path.rglob("*"))


def test_a_sheet_is_whole_or_the_one_before(tmp_path, monkeypatch):
    """`data show` wrote straight to its place: a full disk left half a picture there."""
    (tmp_path / "sheet.png").write_bytes(b"before")
    pixels = torch.zeros(4, 1, 8, 8, dtype=torch.uint8)

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        images.contact_sheet(images.Images(pixels), 4, tmp_path / "sheet.png")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"before"]


def header(value, body=b""):
    text = json.dumps(value).encode()
    return struct.pack("<Q", len(text)) + text + body


def test_safetensors_of_shapes_beyond_numbers(tmp_path):
    """torch says TypeError, with a stack of its own, of what safetensors lets pass."""
    (tmp_path / "w.safetensors").write_bytes(
        header({"a": {"dtype": "F32", "shape": [0, 2**64 - 1], "data_offsets": [0, 0]}})
    )
    with pytest.raises(ArzhangError, match="not a whole safetensors file") as found:
        checkpoints.read_tensors(tmp_path / "w.safetensors")
    assert "\n" not in str(found.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [({"recipe": {"latent_dim": 10**9}}, "not those of its recipe"), ({"data": {"shape": [1, 10**5, 10**5], "levels": 256}}, "recipe"),
     ({"data": {"shape": [1, "a", 28], "levels": 256}}, "shape"), ({"data": {"shape": [1, 28, 28], "levels": "x"}}, "levels"),
     ({"data": {"shape": [1, 28, 28], "levels": 256, "classes": 3}}, "classes"), ({"system": ["vae"]}, "system"),
     ({"system": "pix2pix", "recipe": {"width": 10**6}}, "no task|recipe")],
)  # fmt: skip
def test_published_models_of_strangers(tmp_path, change, said):
    """A configuration may ask for any network: it is compared with the weights before memory is taken for it."""
    config = {"system": "vae", "recipe": {"latent_dim": 2}, "data": {"shape": [1, 28, 28], "levels": 256}}
    task = assembly.build(VAE, (1, 28, 28), 256, torch.device("cpu"))
    published.write(tmp_path, config, task.networks.state_dict())
    assert assembly.load(tmp_path).recipe.latent_dim == 2
    told = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(told | change))
    with pytest.raises(ArzhangError, match=said):
        assembly.load(tmp_path)


def png(data, size=(9, 13), depth=16, false=0):
    def chunk(kind, content):
        return struct.pack(">I", len(content) + false) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", *size, depth, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + head + struct.pack(">I", zlib.crc32(b"IHDR" + head)) + (
        chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")
    )  # fmt: skip


@pytest.mark.parametrize(
    ("content", "said"),
    [(png(bytes(20_000_000)), "unpacks to far more"), (png(bytes(100), false=2**31), "a chunk"), (png(b"", (10**5, 10**5)), "pixels"),
     (png(b"", (10**5, 10**5), depth=8), "pixels|limit")],
)  # fmt: skip
def test_pngs_with_intent(tmp_path, content, said):
    (tmp_path / "x.png").write_bytes(content)
    with pytest.raises(Unreadable, match=said):
        read(tmp_path / "x.png")


def test_caches_that_others_have_written(tmp_path):
    cache.write_index(tmp_path, [(2, 1, 2, 2)], "uint8", ["a", "b"], ["0", "1"], {})
    cache.pixels_file(tmp_path, 0).write_bytes(bytes(8))
    assert cache.read(tmp_path).pixels.shape == (2, 1, 2, 2)
    sound = json.loads((tmp_path / "index.json").read_text())
    for change in (
        {"dtype": "O"},
        {"shapes": [[2**40] * 4]},
        {"shapes": [[-1, 1, 2, 2]]},
        {"names": [1, 2]},
        {"names": ["a"]},
    ):
        (tmp_path / "index.json").write_text(json.dumps(sound | change))
        with pytest.raises(ArzhangError, match="remove this folder"):
            cache.read(tmp_path)


def test_statistics_that_claim_more_than_there_is(tmp_path):
    with zipfile.ZipFile(tmp_path / "s.npz", "w") as archive:
        np.save(small := io.BytesIO(), np.zeros(3))
        said = b"{'descr': '<f8', 'fortran_order': False, 'shape': (40000, 40000), }".ljust(117) + b"\n"
        archive.writestr("mu.npy", small.getvalue())
        archive.writestr("sigma.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", 118) + said)
    with pytest.raises(UsageError, match=r"shape \(40000, 40000\)"):
        frechet.published(str(tmp_path / "s.npz"))


def test_numbers_and_studies_of_strangers(tmp_path):
    (tmp_path / "eval.json").write_text("[" * 100_000)
    with pytest.raises(UsageError, match="no scores"):
        evaluation.read(tmp_path)
    (tmp_path / "eval.safetensors").write_bytes(save({"a": torch.ones(2)})[:-3])
    with pytest.raises(ArzhangError, match="makes it anew"):
        evaluation.each_image(tmp_path)
    (tmp_path / "eval.json").unlink()
    (tmp_path / "s.json").write_text(json.dumps({"study": "s", "options": 1, "conclusions": [], "figures": []}))
    with pytest.raises(ArzhangError, match="mapping"):
        results.read_study(tmp_path)


def test_torchs_own_word_for_no_memory_is_one_line(monkeypatch, capsys):
    def starved(_):
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")

    monkeypatch.setitem(cli.VERBS, "train", starved)
    assert cli.main(["train", "vae"]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_a_map_on_a_full_disk_is_an_error_and_no_end(tmp_path):
    """A file that was only stretched has no room on the disk: to write into its map ends the process by SIGBUS."""
    with (tmp_path / "x").open("wb") as file:
        cache.reserve(file.fileno(), 1 << 16)
    assert (tmp_path / "x").stat().st_blocks * 512 >= 1 << 16


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (MemoryError(), "out of memory"),
        (RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"), "out of memory"),
        (RuntimeError("can't start new thread"), "no memory for another thread"),
    ],
)
def test_memory_that_runs_out_is_one_line(monkeypatch, capsys, error, said):
    def fails(words):
        raise error

    monkeypatch.setattr(cli, "run", fails)
    assert cli.main(["doctor", "run"]) == 1
    told = capsys.readouterr().err
    assert told.startswith(f"arzhang: {said}")
    assert told.count("\n") == 1
