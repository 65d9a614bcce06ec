"""Sweeps on a Ray cluster of two nodes on this machine; a worker that is killed is begun again, from its checkpoint."""

import contextlib
import json
import threading
import time
import warnings

import psutil
import pytest
from command import arzhang, folder_of_images

from arzhang import sweep
from arzhang.training.run import Run

pytest.importorskip("ray", reason="needs the extra 'ray'")
pytestmark = [
    pytest.mark.cluster,
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture
def cluster(monkeypatch):
    from ray.cluster_utils import Cluster

    for name, value in (("RAY_TRAIN_V2_ENABLED", "0"), ("RAY_AIR_NEW_OUTPUT", "0"), ("RAY_DEDUP_LOGS", "0")):
        monkeypatch.setenv(name, value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
        made.add_node(num_cpus=1)
        yield made
        made.shutdown()


def killer(path, struck):
    """Kill the worker of one run, once it has saved something."""
    while not any((path / "checkpoints").glob("step_*")):
        time.sleep(0.02)
    for process in psutil.process_iter(["cmdline"]):
        with contextlib.suppress(psutil.Error):
            if "ray::ImplicitFunc" in " ".join(process.info["cmdline"] or ()):
                process.kill()
                struck.append(process.pid)
                return


def test_a_study_goes_out(cluster, tmp_path):
    """Its trainings are made on the cluster, and it finds them there, with the numbers of one that trains by itself."""
    words = ["study", "translation", "--tables", "objectives", "--arms", "l1", "l1_cgan", "--size", 32, "--scenes", 40]
    words += ["--validation", 20, "--width", 4, "--epochs", 2, "--segmenter-epochs", 1, "--seeds", 2]
    words += ["--features", "none", "--accelerator", "cpu"]
    for more in ((), ("--ray",)):
        out = tmp_path / ("ray" if more else "alone")
        done = arzhang(*words, *more, "--out", out, RAY_ADDRESS=cluster.address, OMP_NUM_THREADS="1")
        assert done.returncode == 0, done.stderr[-3000:]
    trials = [json.loads(path.read_text()) for path in (tmp_path / "ray" / "runs" / "ray").glob("*/params.json")]
    assert sorted(trial["index"] for trial in trials) == [0, 1, 2, 3]
    by_ray, alone = (json.loads((tmp_path / name / "translation.json").read_text()) for name in ("ray", "alone"))
    assert by_ray["means"] == alone["means"]


def test_two_nodes_and_a_killed_worker(cluster, tmp_path):
    images = folder_of_images(tmp_path / "images", 60)
    words = ["--data", str(images), "--epochs", "60", "--batch-size", "16", "--latent-dim", "2"]
    words += ["--accelerator", "cpu"]
    several, struck = {"beta": ["0.5", "2"]}, []
    thread = threading.Thread(target=killer, args=(tmp_path / "ray" / "beta=2", struck), daemon=True)
    thread.start()
    typed = ["sweep", "vae", "--beta", *several["beta"], *words, "--samples", 2, "--ray", "--out", tmp_path / "ray"]
    done = arzhang(*typed, RAY_ADDRESS=cluster.address, OMP_NUM_THREADS="1")
    assert done.returncode == 0, done.stderr[-3000:]
    thread.join(10)
    assert struck
    results = [json.loads(path.read_text()) for path in (tmp_path / "ray" / "ray").glob("*/params.json")]
    assert sorted(result["index"] for result in results) == [0, 1]
    assert len(list((tmp_path / "ray" / "ray").glob("*/error.txt"))) == 1  # one of them died, and was begun again
    alone = sweep.sweep("vae", words, several, tmp_path / "alone", samples=2, processes=1, notify=lambda line: None)
    assert json.loads((tmp_path / "ray" / "sweep.json").read_text())["tables"] == alone["tables"]
    assert all(Run(tmp_path / "ray" / name).finished() for name in ("beta=0.5", "beta=2"))
