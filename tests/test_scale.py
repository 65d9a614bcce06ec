"""More than one process and more than one machine: torchrun, lost ranks, elastic restarts, two hosts; determinism."""

import contextlib
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

import pytest
import torch
from command import ROOT, arzhang, environment, folder_of_images, start, within

from arzhang import assembly, cli, devices, evaluation, recipes, sharing
from arzhang.errors import ArzhangError, UsageError
from arzhang.training import checkpoint as checkpoints
from arzhang.training.run import Run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="starts ranks with gloo on POSIX")
SMALL = ["--norm", "none", "--batch-size", "16", "--latent-dim", "4", "--accelerator", "cpu"]
LOST = r"arzhang: rank \d of \d on \S+ lost the others: a process died or its machine is gone; the last checkpoint is"


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return str(folder_of_images(tmp_path_factory.mktemp("images") / "all", 200, size=12))


@pytest.fixture(scope="module")
def one(images, tmp_path_factory):
    """A run of one process, three epochs."""
    path = tmp_path_factory.mktemp("one") / "run"
    assert cli.main(["train", "vae", "--data", images, *SMALL, "--epochs", "3", "--out", str(path)]) == 0
    return path


def weights(path):
    return checkpoints.available(path / "checkpoints")[-1].tensors(checkpoints.WEIGHTS)


def newest(path):
    return max((c.step for c in checkpoints.available(path / "checkpoints")), default=-1)


# --------------------------------------------------------------------------------------------- what a launcher says


@pytest.fixture
def launched(monkeypatch):
    """As torchrun would have it: so many processes here, so many in all."""

    def set_up(here, all_of_them):
        for name, value in (("TORCHELASTIC_RUN_ID", "x"), ("LOCAL_WORLD_SIZE", here), ("WORLD_SIZE", all_of_them)):
            monkeypatch.setenv(name, str(value))

    return set_up


def test_torchrun_says_how_many_there_are(launched):
    assert devices.layout(4, 2, asked=True) == (4, 2)
    launched(2, 6)
    assert devices.layout(1, 1, asked=False) == devices.layout(3, 2, asked=True) == (2, 3)
    with pytest.raises(UsageError, match=r"--devices 4 --nodes 1: torchrun has started 6 processes; leave both out"):
        devices.layout(4, 1, asked=True)
    launched(2, 5)
    with pytest.raises(UsageError, match="5 processes, 2 on this node"):
        devices.layout(1, 1, asked=False)


def test_a_batch_that_the_ranks_cannot_share_is_refused(launched, images, tmp_path, capsys):
    launched(3, 3)
    assert cli.main(["train", "vae", "--data", images, *SMALL, "--out", str(tmp_path / "run")]) == 2
    assert "--batch-size 16: must be a multiple of the 3 devices" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_going_on_with_a_run_by_the_same_command(one, images, tmp_path, capsys):
    path = tmp_path / "run"
    shutil.copytree(one, path)
    words = ["train", "vae", "--data", images, *SMALL, "--out", str(path), "--epochs"]
    assert cli.main([*words, "4", "--go-on"]) == 2
    assert "holds a run of other options" in capsys.readouterr().err
    assert cli.main([*words, "3"]) == 2  # not asked for
    before = (path / "metrics.jsonl").read_text()
    assert cli.main([*words, "3", "--go-on"]) == 0  # it is finished
    assert (path / "metrics.jsonl").read_text() == before
    shutil.rmtree(checkpoints.available(path / "checkpoints")[-1].path)
    assert cli.main([*words, "3", "--go-on"]) == 0
    assert all(torch.equal(value, weights(path)[name]) for name, value in weights(one).items())


# -------------------------------------------------------------------------------------------------- shared evaluation


class Ranks:
    """Ranks as threads of this process: what `sharing` tells and gathers, without torch.distributed."""

    def __init__(self, count, monkeypatch):
        self.count, self.own = count, threading.local()
        self.hands, self.gate = [None] * count, threading.Barrier(count, timeout=100)
        monkeypatch.setattr(sharing, "place", lambda: (getattr(self.own, "rank", 0), count))
        monkeypatch.setattr(sharing, "each", self.each)

    def each(self, own):
        self.hands[self.own.rank] = own
        self.gate.wait()
        found = list(self.hands)
        self.gate.wait()
        return found

    def do(self, work):
        found = [None] * self.count

        def being(rank):
            self.own.rank = rank
            found[rank] = work()

        threads = [threading.Thread(target=being, args=(rank,)) for rank in range(self.count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(200)
        return found


@pytest.mark.parametrize("ranks", [2, 4])
def test_an_evaluation_that_is_shared_has_the_numbers_of_one_process(one, ranks, monkeypatch):
    """To the last bit, where the ranks' arithmetic is one process's; blocks are made small, so that all have some."""
    model, parts = assembly.load(one), assembly.splits(Run(one).recipe, "cpu", lambda line: None)
    blocks, columns, seen = evaluation.vae.own_blocks, evaluation.vae._columns, []

    def noting(model, batch, *rest):
        seen.append(sharing.place()[0])
        return columns(model, batch, *rest)

    monkeypatch.setattr(evaluation.vae, "own_blocks", lambda n, title: blocks(n, title, 3))
    monkeypatch.setattr(evaluation.vae, "_columns", noting)

    def measure():
        return evaluation.vae.measure(model, parts.test, 4, 0, {})

    def plain(found):
        return {name: metric | {"each": metric.get("each", torch.zeros(0)).tolist()} for name, metric in found.items()}

    alone, whole, seen[:] = measure(), len(seen), []
    together = Ranks(ranks, monkeypatch).do(measure)
    assert [plain(found) for found in together] == [plain(alone)] * ranks
    assert len(seen) == whole == 5  # nothing was measured twice
    assert set(seen) == set(range(ranks))


def test_what_is_dealt_comes_back_in_order(monkeypatch):
    ranks = Ranks(3, monkeypatch)
    for n in (0, 1, 5, 7):
        assert ranks.do(lambda n=n: sharing.dealt(list(range(n))[sharing.place()[0] :: 3])) == [list(range(n))] * 3


# -------------------------------------------------------------------------------------------------------- determinism


def test_the_same_seed_gives_the_same_bits(one, images, tmp_path):
    path = tmp_path / "again"
    words = ["train", "vae", "--data", images, *SMALL, "--epochs", "3", "--deterministic", "--out", str(path)]
    assert cli.main(words) == 0
    assert all(torch.equal(value, weights(path)[name]) for name, value in weights(one).items())
    assert Run(path).recipe.deterministic
    assert not torch.are_deterministic_algorithms_enabled()  # the caller's own setting is left alone
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] in (":4096:8", ":16:8")
    other = tmp_path / "other"
    assert (
        cli.main(["train", "vae", "--data", images, *SMALL, "--epochs", "1", "--seed", "1", "--out", str(other)]) == 0
    )
    assert not all(torch.equal(value, weights(other)[name]) for name, value in weights(one).items())


def test_what_has_no_deterministic_form_is_named(one, images, tmp_path, monkeypatch, capsys):
    """`put_` has none, on any device."""
    sound = assembly.VAETask.loss

    def loss(self, batch, shared):
        torch.zeros(3).put_(torch.tensor([0, 0]), torch.tensor([1.0, 2.0]))
        return sound(self, batch, shared)

    monkeypatch.setattr(assembly.VAETask, "loss", loss)
    words = ["train", "vae", "--data", images, *SMALL, "--epochs", "1", "--out", str(tmp_path / "run")]
    assert cli.main([*words, "--deterministic"]) == 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "--deterministic: put_ has no form that gives the same bits each time; --no-deterministic trains" in told
    assert cli.main([*words, "--overwrite"]) == 0
    shutil.copytree(one, tmp_path / "one")
    assert cli.main(["resume", str(tmp_path / "one"), "--epochs", "4", "--deterministic"]) == 1
    assert cli.main(["resume", str(tmp_path / "one"), "--epochs", "4", "--no-deterministic"]) == 0
    assert not Run(tmp_path / "one").recipe.deterministic


# -------------------------------------------------------------------------------------------------------- lost ranks


def test_only_the_loss_of_a_rank_is_called_that():
    gloo = "[/pytorch/third_party/gloo/gloo/transport/tcp/pair.cc:547] Connection closed by peer [127.0.0.1]:4242"
    for error in (RuntimeError(gloo), torch.distributed.DistBackendError("NCCL communicator was aborted")):
        told = r"rank 0 of 1 on \S+ lost the others: .* gone; all is well"
        with pytest.raises(ArzhangError, match=told), devices.together("all is well"):
            raise error
    with pytest.raises(RuntimeError, match="shape"), devices.together("all is well"):
        raise RuntimeError("shape mismatch")


def test_a_rank_ends_with_the_one_that_started_it(tmp_path):
    """Even where it waits for ever."""
    waiting = "from arzhang import devices; devices._end_with_parent(); print('up', flush=True)"
    child = f"import time; {waiting}; time.sleep(500)"
    begun = f"p = subprocess.Popen([sys.executable, '-c', {child!r}]); print(p.pid, flush=True)"
    parent = f"import subprocess, sys; {begun}; p.wait()"
    process = subprocess.Popen(
        [sys.executable, "-c", parent], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    )
    found = int(process.stdout.readline())
    assert process.stdout.readline() == "up\n"
    process.kill()
    _, said = process.communicate(timeout=60)
    assert said == "arzhang: the first rank is gone, and this one ends with it\n"
    within(10, lambda: not alive(found), "the child outlived its parent")


def ranks_of(parent):
    """Process ids of the ranks under a process, by rank."""
    import psutil

    found = {}
    for process in psutil.Process(parent).children(recursive=True):
        with contextlib.suppress(psutil.Error):
            found[int(process.environ().get("RANK", process.environ().get("LOCAL_RANK", -1)))] = process.pid
    return found


def alive(pid):
    import psutil

    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


@pytest.mark.cluster
@pytest.mark.parametrize("struck", [0, 1])
def test_a_killed_rank_stops_the_others_and_one_process_goes_on(images, tmp_path, struck):
    path = tmp_path / "run"
    words = ["--data", images, *SMALL, "--epochs", 100_000, "--devices", 2, "--out", path]
    process = start("train", "vae", *words, OMP_NUM_THREADS="1")
    try:
        within(200, lambda: newest(path) > 0 or process.poll() is not None, "no checkpoint")
        pids = {0: process.pid} | {rank: pid for rank, pid in ranks_of(process.pid).items() if rank == 1}
        os.kill(pids[struck], signal.SIGKILL)
        within(60, lambda: not alive(pids[0]) and not alive(pids[1]), "a rank outlived the other by a minute")
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == (-9 if struck == 0 else 1)
    assert re.search(f"{LOST}|the first rank is gone", said), said
    assert "Traceback" not in said
    step = newest(path)
    done = arzhang("resume", path, "--devices", 1, "--epochs", step // 11 + 2, OMP_NUM_THREADS="1")
    assert done.returncode == 0, done.stderr
    assert newest(path) > step


PORTS = itertools.count(29_700 + os.getpid() % 200)


def torchrun(*words, ranks=2, **extra):
    launcher = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(ranks)]
    launcher += [] if "--master-addr" in words else ["--master-port", str(next(PORTS))]
    return [*launcher, *map(str, words)], environment(OMP_NUM_THREADS="1", **extra)


@pytest.mark.cluster
def test_torchrun_starts_again_what_died_and_the_end_is_that_of_one_process(images, one, tmp_path):
    """Elastic: rank 1 kills itself in its first life; the same command goes on in the second, without being told how
    many ranks there are. Then both share an evaluation."""
    path = tmp_path / "run"
    program = tmp_path / "program.py"
    program.write_text(
        "import os, signal, sys\n"
        "from arzhang import cli\n"
        "from arzhang.training.loop import Loop\n"
        "update = Loop._update\n"
        "def struck(self, batch):\n"
        "    update(self, batch)\n"
        "    if self.step == 15 and os.environ['RANK'] == '1' and os.environ['TORCHELASTIC_RESTART_COUNT'] == '0':\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "Loop._update = struck\n"
        "sys.exit(cli.main())\n"
    )
    words = ["train", "vae", "--data", images, *SMALL, "--epochs", 3, "--go-on", "--out", path]
    command, env = torchrun("--max-restarts", 1, program, *words)
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, done.stderr
    assert re.search(LOST, done.stderr), done.stderr
    assert (Run(path).recipe.devices, Run(path).recipe.nodes) == (2, 1)
    found, expected = weights(path), weights(one)
    assert max(float((found[name] - value).abs().max()) for name, value in expected.items()) < 1e-4
    command, env = torchrun("-m", "arzhang.cli", "evaluate", path, "--samples", 4, "--accelerator", "cpu")
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("written:") == 1  # by one rank
    shared = json.loads((path / "eval.json").read_text())
    alone = evaluation.evaluate(path, samples=4, notify=lambda line: None)
    for name, metric in alone.items():
        assert shared[name]["value"] == pytest.approx(metric["value"], rel=1e-5, abs=1e-6), name


@pytest.fixture
def hosts():
    """Two hosts as network namespaces with a cable between them: nothing is shared but the disk."""
    if shutil.which("ip") is None or os.geteuid() != 0:
        pytest.skip("needs root and iproute2")
    names = [f"arzhang{os.getpid() % 10_000}{side}" for side in "ab"]

    def ip(*words):
        return subprocess.run(["ip", *words], capture_output=True, text=True, check=False)

    made = ip("netns", "add", names[0])
    if made.returncode:
        pytest.skip(f"no network namespaces here: {made.stderr.strip()}")
    try:
        ip("netns", "add", names[1])
        ip("link", "add", "cable0", "netns", names[0], "type", "veth", "peer", "name", "cable0", "netns", names[1])
        for name, address in zip(names, ("10.77.0.1/24", "10.77.0.2/24"), strict=True):
            ip("-n", name, "addr", "add", address, "dev", "cable0")
            ip("-n", name, "link", "set", "cable0", "up")
            ip("-n", name, "link", "set", "lo", "up")
        if ip("netns", "exec", names[1], "true").returncode or "cable0" not in ip("-n", names[1], "addr").stdout:
            pytest.skip("no virtual network devices here")
        yield names
    finally:
        for name in names:
            killed(name)
            ip("netns", "delete", name)


def killed(host):
    """The host is gone: all that ran on it, its launcher and its ranks."""
    found = subprocess.run(["ip", "netns", "pids", host], capture_output=True, text=True, check=False).stdout.split()
    for pid in map(int, found):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@pytest.mark.cluster
def test_two_hosts_train_as_one_process_and_stop_when_one_dies(images, one, hosts, tmp_path):
    def on(host, path, epochs):
        rendezvous = ["--nnodes", 2, "--node-rank", host, "--master-addr", "10.77.0.1", "--master-port", 29_500]
        words = ["-m", "arzhang.cli", "train", "vae", "--data", images, *SMALL, "--epochs", epochs, "--out", path]
        command, env = torchrun(*rendezvous, *words, ranks=1, GLOO_SOCKET_IFNAME="cable0", NCCL_SOCKET_IFNAME="cable0")
        return subprocess.Popen(
            ["ip", "netns", "exec", hosts[host], *command], env=env, text=True, cwd=ROOT, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    path = tmp_path / "both"
    both = [on(host, path, 3) for host in (0, 1)]
    said = [process.communicate(timeout=400) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert (Run(path).recipe.devices, Run(path).recipe.nodes) == (1, 2)
    found, expected = weights(path), weights(one)
    assert max(float((found[name] - value).abs().max()) for name, value in expected.items()) < 1e-4
    path = tmp_path / "cut"
    both = [on(host, path, 100_000) for host in (0, 1)]
    within(300, lambda: newest(path) > 0 or both[0].poll() is not None, "no checkpoint")
    killed(hosts[1])
    began = time.monotonic()
    _, said = both[0].communicate(timeout=60)
    assert both[0].returncode != 0
    assert time.monotonic() - began < 60
    assert re.search(LOST, said), said
    both[1].communicate()


def test_recipes_are_asked_for_ranks_that_share(images):
    with pytest.raises(UsageError, match="must be a multiple of the 4 devices"):
        recipes.VAE(batch_size=18, devices=2, nodes=2)
