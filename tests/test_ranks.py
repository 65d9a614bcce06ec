"""Two processes on one machine (gloo) see what one process sees.

One test has the command start its ranks itself; in the others, ranks are forked and told what torchrun tells them.
"""

import json
import os
import sys

import pytest
import torch
from command import arzhang, folder_of_images, forked, on_ranks

from arzhang.training import checkpoint as checkpoints
from arzhang.training.run import Run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="starts ranks with gloo on POSIX")


def command(devices, *words, alone=False, **extra):
    """The command on so many ranks, which must come through; `alone`: as a user starts it."""
    words = [*words, "--accelerator", "cpu", "--devices", devices]
    extra = {"OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 2) // 2)), **extra}
    if alone or sys.platform == "win32":
        done = arzhang(*words, **extra)
    else:
        done = on_ranks(devices, *words, **extra) if devices > 1 else forked(*words, **extra)
    assert done.returncode == 0, done.stderr


def train(path, *words, devices=1, alone=False):
    command(devices, "train", "vae", *words, "--out", path, alone=alone)
    return path


def weights(path):
    return checkpoints.available(path / "checkpoints")[-1].tensors(checkpoints.WEIGHTS)


def validation(path):
    return [e for e in Run(path).metrics() if e["split"] == "validation"]


def test_gradients_are_reduced_right(tmp_path):
    """Without batch statistics, two ranks at the same global batch are one process, but for the order of sums."""
    images = folder_of_images(tmp_path / "images", 460, size=12)
    words = ["--data", images, "--norm", "none", "--batch-size", 16, "--epochs", 2, "--latent-dim", 4]
    one, two = train(tmp_path / "one", *words), train(tmp_path / "two", *words, devices=2, alone=True)
    steps = checkpoints.available(one / "checkpoints")[-1].step
    assert steps >= 50
    assert steps == checkpoints.available(two / "checkpoints")[-1].step
    a, b = weights(one), weights(two)
    start = max(float((a[name] - b[name]).abs().max()) for name in a)
    moved = max(float(value.abs().max()) for value in a.values())
    assert start < 1e-4 * moved, "ranks and one process differ by more than the order of sums can do"
    for name in ("loss", "reconstruction", "kl"):
        for x, y in zip(validation(one), validation(two), strict=True):
            assert x[name] == pytest.approx(y[name], rel=1e-4)


def test_validation_on_two_ranks_is_that_on_one(tmp_path):
    """The same weights measured by one process and by two: blocks and noise do not depend on ranks."""
    images = folder_of_images(tmp_path / "images", 300, size=12)
    words = ["--data", images, "--norm", "none", "--batch-size", 16, "--latent-dim", 4, "--lr", "1e-30"]
    one, two = train(tmp_path / "one", *words, "--epochs", 1), train(tmp_path / "two", *words, "--epochs", 1, devices=2)
    for x, y in zip(validation(one), validation(two), strict=True):
        for name in ("loss", "reconstruction", "kl", "negative_elbo"):
            assert x[name] == pytest.approx(y[name], rel=1e-6)


def test_a_run_goes_on_with_another_number_of_ranks(tmp_path):
    images = folder_of_images(tmp_path / "images", 300, size=12)
    words = ["--data", images, "--norm", "none", "--batch-size", 16, "--latent-dim", 4]
    whole = train(tmp_path / "whole", *words, "--epochs", 4)
    parts = train(tmp_path / "parts", *words, "--epochs", 2, devices=2)
    done = forked("resume", parts, "--epochs", 4, "--devices", 1)
    assert done.returncode == 0, done.stderr
    assert validation(whole)[-1]["loss"] == pytest.approx(validation(parts)[-1]["loss"], rel=1e-3)


def test_with_batch_norm_the_elbo_agrees(tmp_path):
    """Batch statistics are per rank on the CPU: after training the test negative ELBO agrees within 0.5 %."""
    images = folder_of_images(tmp_path / "images", 1_500, size=12)
    words = ["--data", images, "--epochs", 4, "--batch-size", 64, "--latent-dim", 4]
    found = []
    for name, devices in (("one", 1), ("two", 2)):
        path = train(tmp_path / name, *words, devices=devices)
        done = forked("evaluate", path, "--samples", 1)
        assert done.returncode == 0, done.stderr
        found.append(json.loads((path / "eval.json").read_text())["negative_elbo"]["value"])
    assert found[0] == pytest.approx(found[1], rel=5e-3)
    assert found[0] != found[1]


def test_rank_noise_is_cut_from_one_batch():
    from arzhang.randomness import generator, permutation

    whole = torch.randn(16, 3, generator=generator(0, "noise", 5))
    assert torch.equal(whole, torch.randn(16, 3, generator=generator(0, "noise", 5)))
    assert not torch.equal(whole, torch.randn(16, 3, generator=generator(0, "noise", 6)))
    assert sorted(permutation(50, 1, 2).tolist()) == list(range(50))


def test_two_players_on_two_ranks_are_those_of_one(tmp_path):
    """Each turn's gradients are reduced over ranks and no others; a bias before instance normalisation has a true
    gradient of zero, whose rounding Adam makes steps of, so that only what can matter is compared."""
    words = ["--size", 32, "--width", 4, "--receptive-field", 16, "--scenes", 8, "--validation", 4, "--epochs", 1]
    words += ["--choose-by", "l1", "--batch-size", 2, "--norm", "instance"]
    found = {}
    for ranks in (1, 2):
        out = tmp_path / str(ranks)
        command(ranks, "train", "pix2pix", *words, "--out", out, ARZHANG_CACHE=str(tmp_path / "cache"))
        found[ranks] = weights(out)
    idle = ("discriminator.blocks.1.", "generator.down.1.", "generator.down.2.", "generator.down.3.", "generator.up.")
    for name, value in found[1].items():
        if name.endswith("bias") and name.startswith(idle) and name != "generator.up.4.conv.bias":
            continue
        assert torch.allclose(value, found[2][name], atol=1e-5), name


@pytest.fixture(scope="module")
def sides(tmp_path_factory):
    """Two folders of images that do not belong together."""
    path = tmp_path_factory.mktemp("sides")
    folder_of_images(path / "A", 14, seed=1)
    for file in sorted(folder_of_images(path / "B", 14, seed=2).iterdir()):
        file.rename(path / "B" / f"other{file.name}")
    return path


def cyclegan(sides, path, ranks, *words):
    small = ["--size", 16, "--width", 2, "--receptive-field", 16, "--batch-size", 2, "--schedule", "constant"]
    words = ["train", "cyclegan", "--data", sides, *small, "--label-side", "none", *words, "--out", path]
    command(ranks, *words, OMP_NUM_THREADS="1", ARZHANG_CACHE=str(path.parent / "cache"))
    return path


def test_two_translators_on_two_ranks_are_those_of_one(sides, tmp_path):
    """Without pools, which each rank has of its own: crops, partners and gradients are those of the whole batch.

    In 64 bits, for in 32 Adam makes steps of the rounding of gradients that are next to nothing.
    """
    words = ["--epochs", 1, "--pool", 0, "--precision", "64-true"]
    one, two = (weights(cyclegan(sides, tmp_path / str(ranks), ranks, *words)) for ranks in (1, 2))
    for name, value in one.items():
        assert torch.allclose(value, two[name], atol=1e-8), name


def test_each_rank_has_pools_of_its_own_and_goes_on_with_them(sides, tmp_path):
    words = ["--pool", 3]
    whole = cyclegan(sides, tmp_path / "whole", 2, *words, "--epochs", 3)
    parts = cyclegan(sides, tmp_path / "parts", 2, *words, "--epochs", 1)
    done = on_ranks(2, "resume", parts, "--epochs", 3, OMP_NUM_THREADS="1", ARZHANG_CACHE=str(tmp_path / "cache"))
    assert done.returncode == 0, done.stderr
    found, again = (checkpoints.available(path / "checkpoints")[-1] for path in (whole, parts))
    memory = found.tensors(checkpoints.MEMORY)
    assert memory["images.images"].shape[:2] == (2, 3)  # ranks first
    assert memory["images.count"].tolist() == [3, 3]
    first, second = memory["images.images"]
    assert not any(torch.equal(a, b) for a in first for b in second)  # each keeps what it made itself
    for name in (checkpoints.WEIGHTS, checkpoints.MEMORY):
        one, two = found.tensors(name), again.tensors(name)
        assert all(torch.equal(one[key], two[key]) for key in one)


def test_ranks_that_torchrun_starts_again_meet_anew(tmp_path):
    """With a static rendezvous torchrun keeps the store, and in it the addresses of those that were there before."""
    images = folder_of_images(tmp_path / "images", 40, size=12)
    store = torch.distributed.TCPStore("127.0.0.1", 0, 2, is_master=True, wait_for_workers=False)
    kept = {"MASTER_PORT": str(store.port), "TORCHELASTIC_USE_AGENT_STORE": "True"}
    words = ["train", "vae", "--data", images, "--batch-size", 16, "--epochs", 1, "--latent-dim", 4]
    command(2, *words, "--out", tmp_path / "run", **kept, TORCHELASTIC_RESTART_COUNT="0")
    known = store.num_keys()
    command(2, "evaluate", tmp_path / "run", "--samples", 4, **kept, TORCHELASTIC_RESTART_COUNT="1")
    assert store.num_keys() > known, "the second life has met elsewhere"
