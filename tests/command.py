"""The real command, in a process of its own: started as a user starts it, or forked from one that has imported it."""

import functools
import multiprocessing
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
from PIL import Image

ROOT = Path(__file__).parent.parent


def environment(**extra):
    """As a user's, with a cache of its own where the test gives one; warnings are errors here too."""
    keep = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "LOCAL_RANK", "RANK"))}
    return keep | {"PYTHONWARNINGS": "error::UserWarning:arzhang", "COLUMNS": "100"} | extra


def arzhang(*words, cwd=None, timeout=240, **extra):
    """Run to the end: the completed process, its output as text."""
    return subprocess.run(
        [sys.executable, "-m", "arzhang.cli", *map(str, words)],
        cwd=cwd,
        env=environment(**extra),
        capture_output=True,
        text=True,
        timeout=timeout,
    )


def start(*words, cwd=None, **extra):
    """Start, and leave it running."""
    return subprocess.Popen(
        [sys.executable, "-m", "arzhang.cli", *map(str, words)],
        cwd=cwd,
        env=environment(**extra),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


class Forked:
    """`start`'s process, forked from a server that has imported torch already: four seconds less each."""

    def __init__(self, words, cwd=None, **extra):
        self.folder = tempfile.TemporaryDirectory()
        arguments = (
            [*map(str, words)],
            str(cwd or Path.cwd()),
            environment(**extra),
            self.folder.name,
        )
        self.process = _server().Process(target=_be, args=arguments)
        self.process.start()
        self.kill, self.pid = self.process.kill, self.process.pid

    @property
    def returncode(self):
        return self.process.exitcode

    def poll(self):
        return self.process.exitcode

    def send_signal(self, signum):
        if self.process.exitcode is None:
            os.kill(self.pid, signum)

    def said(self):
        """What it has printed so far."""
        printed = Path(self.folder.name, "1")
        return printed.read_text() if printed.exists() else ""

    def communicate(self, timeout=240):
        self.process.join(timeout)
        if self.process.exitcode is None:
            self.process.kill()
            raise subprocess.TimeoutExpired("arzhang", timeout)
        said = tuple(Path(self.folder.name, name).read_text() for name in ("1", "2"))
        self.folder.cleanup()
        return said


@functools.cache
def _server():
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(["pytest", "command", "arzhang.cli", "arzhang.assembly", "arzhang.evaluation"])
    return server


def _be(words, cwd, env, folder):
    """A forked process's work: the command, with an environment and files of its own."""
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    for number in (1, 2):
        os.dup2(os.open(Path(folder, str(number)), os.O_WRONLY | os.O_CREAT, 0o600), number)
    sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)  # noqa: SIM115
    import torch

    from arzhang.cli import main

    torch.set_num_threads(int(env.get("OMP_NUM_THREADS") or os.cpu_count() or 1))
    code = main(words)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def forked(*words, cwd=None, timeout=240, **extra):
    """`arzhang`, forked."""
    return _ended(Forked(words, cwd, **extra), words, timeout)


def on_ranks(ranks, *words, cwd=None, timeout=240, **extra):
    """So many ranks, forked, with what torchrun tells its processes: the first one's end, once all have ended."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    told = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": str(ranks), "LOCAL_WORLD_SIZE": str(ranks),
            "GROUP_RANK": "0", "TORCHELASTIC_RUN_ID": "tests"}  # fmt: skip
    started = [Forked(words, cwd, **told | extra, RANK=str(i), LOCAL_RANK=str(i)) for i in range(ranks)]
    first, *_ = [_ended(one, words, timeout) for one in started]  # all of them are waited for
    return first


def _ended(process, words, timeout):
    out, err = process.communicate(timeout)
    return CompletedProcess(words, process.returncode, out, err)


if sys.platform == "win32":
    forked = arzhang


def within(seconds, holds, what):
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def folder_of_images(path, n, size=16, seed=0):
    """n grey images with something to learn: a bright box somewhere on a dark ground."""
    rng = np.random.default_rng(seed)
    path.mkdir(parents=True, exist_ok=True)
    for i in range(n):
        image = rng.integers(0, 40, (size, size), dtype=np.uint8)
        y, x = rng.integers(0, size // 2, 2)
        image[y : y + size // 2, x : x + size // 2] += rng.integers(80, 200, dtype=np.uint8)
        Image.fromarray(image).save(path / f"{i:04d}.png")
    return path
