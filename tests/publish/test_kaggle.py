"""The Kaggle bundle: a notebook that stands alone and runs from top to bottom, the platform's metadata, the push."""

import json
import re
import subprocess
import sys
import sysconfig
import types
from pathlib import Path

import nbformat
import pytest
from command import environment
from publish.conftest import kaggle_layout
from test_cli import refused, said

from arzhang.errors import ArzhangError
from arzhang.publish import kaggle


@pytest.fixture(scope="module")
def bundle(home):
    return home.bundle("kaggle")


def outputs(book):
    """Everything that cells said, as text."""
    said = []
    for cell in book.cells:
        for one in cell.get("outputs", ()):
            said.append(one.get("text", "") + str(one.get("data", {}).get("text/markdown", "")))
            assert one.output_type != "error", one
    return "\n".join(said)


def pictures(book):
    shown = [one.get("data", {}) for cell in book.cells for one in cell.get("outputs", ())]
    return [data["image/png"] for data in shown if "image/png" in data]


def test_the_notebook_is_executed_and_shows_the_run(home, bundle):
    book = nbformat.read(bundle / "notebook.ipynb", as_version=4)
    nbformat.validate(book)
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    told = outputs(book)
    evaluation = json.loads((home.translator / "eval.json").read_text())
    assert f"| L1 | {evaluation['l1']['value']:.2f}"[:12] in told
    assert "cityscapes_data: 16 pairs of 32×32" in told
    assert len(pictures(book)) >= 7  # pairs, two previews, curves, triplets, variety, one's own
    assert "{{" not in json.dumps(book)


def test_the_networks_in_it_are_the_packages(bundle):
    book = nbformat.read(bundle / "notebook.ipynb", as_version=4)
    source = "\n".join(cell.source for cell in book.cells if cell.cell_type == "code")
    package = Path(kaggle.__file__).parent.parent
    rooms = ("networks/pix2pix.py", "tasks/adversarial.py", "tasks/pix2pix.py")
    whole = "".join((package / name).read_text(encoding="utf-8") for name in rooms)
    for name in ("DownSample", "UpSample", "Generator", "Discriminator", "AdversarialLoss", "Pix2PixTask"):
        body = re.search(rf"^class {name}\b.*?(?=^\S|\Z)", source, re.MULTILINE | re.DOTALL)[0].strip()
        assert len(body) > 500
        assert body in whole


def test_the_metadata_are_the_platforms(bundle):
    kernel = json.loads((bundle / "kernel-metadata.json").read_text())
    assert kernel["id"] == "OWNER/arzhang-pix2pix-cityscapes-image-pairs"
    assert (bundle / kernel["code_file"]).is_file()
    assert kernel["language"] == "python"
    assert kernel["kernel_type"] == "notebook"
    assert kernel["is_private"] is True
    dataset = json.loads((bundle / "wheel" / "dataset-metadata.json").read_text())
    assert kernel["dataset_sources"] == ["dansbecker/cityscapes-image-pairs", dataset["id"]]
    assert len(list((bundle / "wheel").glob("arzhang-*.whl"))) == 1
    for entry in (kernel, dataset):  # the platform's limits, and its rule that a title says the name
        slug = entry["id"].partition("/")[2]
        assert 6 <= len(entry["title"]) <= 50
        assert entry["title"].replace(" ", "-") == slug


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_it_runs_in_a_clean_environment_beside_pairs_of_the_platforms_layout(bundle, tmp_path):
    """A new environment that has torch and its like but neither Arzhang nor its source, and no network is asked."""
    packages, work = tmp_path / "packages", tmp_path / "work"
    packages.mkdir()
    for entry in Path(sysconfig.get_paths()["purelib"]).iterdir():
        if not re.match(r"(_*arzhang|__editable__|_editable|.*\.pth$)", entry.name):
            (packages / entry.name).symlink_to(entry)
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "clean"], check=True, timeout=120)
    python = tmp_path / "clean" / "bin" / "python"
    site = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])"], capture_output=True, text=True
    ).stdout.strip()
    (Path(site) / "others.pth").write_text(f"{packages}\n")
    here = environment(
        ARZHANG_CACHE=str(tmp_path / "cache"), PIP_NO_INDEX="1", PIP_NO_DEPS="1", PIP_DISABLE_PIP_VERSION_CHECK="1"
    )
    here = {name: value for name, value in here.items() if name not in ("PYTHONPATH", "PYTHONWARNINGS")}
    lacking = subprocess.run([python, "-c", "import arzhang"], env=here, cwd=tmp_path, capture_output=True, text=True)
    assert "No module named 'arzhang'" in lacking.stderr
    kaggle_layout(work / "input" / "cityscapes-image-pairs" / "cityscapes_data")
    (work / "input" / "shelf").mkdir()
    for wheel in (bundle / "wheel").glob("*.whl"):
        (work / "input" / "shelf" / wheel.name).write_bytes(wheel.read_bytes())
    (work / "notebook.ipynb").write_bytes((bundle / "notebook.ipynb").read_bytes())
    script = (
        "import nbformat, nbclient\n"
        "book = nbformat.read('notebook.ipynb', 4)\n"
        "[cell.update(outputs=[]) for cell in book.cells if cell.cell_type == 'code']\n"
        "nbclient.NotebookClient(book, timeout=600, startup_timeout=300, kernel_name='python3').execute()\n"
        "nbformat.write(book, 'done.ipynb')\n"
    )
    done = subprocess.run([python, "-c", script], env=here, cwd=work, capture_output=True, text=True, timeout=800)
    assert done.returncode == 0, done.stderr[-3_000:]
    book = nbformat.read(work / "done.ipynb", as_version=4)
    told = outputs(book)
    assert "input/cityscapes-image-pairs/cityscapes_data: 16 pairs of 32×32" in told
    assert (work / "pix2pix" / "eval.json").is_file()
    assert len(pictures(book)) >= 7
    words = [python, "-c", "import arzhang; print(arzhang.__file__)"]
    assert str(tmp_path / "clean") in subprocess.run(words, env=here, cwd=work, capture_output=True, text=True).stdout


def test_other_runs_are_refused_in_a_line(home, capsys, tmp_path):
    refused(capsys, 2, ["publish", home.coder, "--to", "kaggle", "--out", tmp_path / "o"], "a run of vae", "pix2pix")


# -------------------------------------------------------------------------------------------------------- pushing


class Api:
    """In place of the official client: an account with or without the wheel's data set, and what it was told."""

    known: tuple = ()
    told: list
    answers = "ready"
    error = None

    def authenticate(self):
        pass

    def get_config_value(self, name):
        return {"username": "someone"}[name]

    def dataset_list(self, *, mine, search):
        return [types.SimpleNamespace(ref=ref) for ref in self.known]

    def dataset_status(self, where):
        return self.answers

    def dataset_create_new(self, folder, *, public, quiet):
        self.told.append(("new", public, json.loads((Path(folder) / "dataset-metadata.json").read_text())["id"]))
        assert list(Path(folder).glob("*.whl"))
        print("Starting upload for file", folder)

    def dataset_create_version(self, folder, *, version_notes, quiet):
        self.told.append(("version", json.loads((Path(folder) / "dataset-metadata.json").read_text())["id"]))

    def kernels_push(self, folder):
        kernel = json.loads((Path(folder) / "kernel-metadata.json").read_text())
        assert (Path(folder) / kernel["code_file"]).is_file()
        self.told.append(("kernel", kernel["id"], kernel["dataset_sources"][1]))
        return types.SimpleNamespace(url="https://www.kaggle.com/code/someone/x", error=self.error)


@pytest.fixture
def client(monkeypatch):
    fake = type("Client", (Api,), {"told": []})
    module = types.ModuleType("kaggle.api.kaggle_api_extended")
    module.KaggleApi = fake
    for name in ("kaggle", "kaggle.api"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(kaggle, "PAUSE", 0.01)
    return fake


NAME = "arzhang-pix2pix-cityscapes-image-pairs"


def unwritten(run, folder, name, notify):
    """In place of a bundle, whose notebook takes a while."""
    (folder / "kernel-metadata.json").write_text("{}")


def test_a_push_by_the_official_client(bundle, client, capsys):
    link = kaggle.push(bundle, NAME, None, print)
    assert link == "https://www.kaggle.com/code/someone/x"
    shelf = f"someone/{NAME}-wheel"
    assert client.told == [("new", False, shelf), ("kernel", f"someone/{NAME}", shelf)]
    assert "OWNER/" in (bundle / "kernel-metadata.json").read_text()  # the account is written into a copy alone
    assert capsys.readouterr().out == ""  # the client's own words name folders of this machine


def test_a_second_push_is_a_new_version(bundle, client):
    client.known = (f"lab/{NAME}-wheel", "lab/other")
    kaggle.push(bundle, NAME, "lab", print)
    assert [entry[:2] for entry in client.told] == [("version", f"lab/{NAME}-wheel"), ("kernel", f"lab/{NAME}")]


def test_a_push_that_cannot_be(home, bundle, client, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(kaggle, "write", unwritten)
    words = ["publish", home.translator, "--to", "kaggle", "--out", tmp_path / "out", "--push"]
    refused(capsys, 2, words, "--push: the Cityscapes licence", "forbids redistribution", "--accept-licence")
    assert client.told == []

    def leave(self):
        print("a page of advice")
        raise SystemExit(1)

    monkeypatch.setattr(client, "authenticate", leave)
    refused(capsys, 1, [*words, "--accept-licence"], "no credentials for kaggle.com", "KAGGLE_USERNAME", "kaggle.json")
    monkeypatch.setitem(sys.modules, "kaggle.api.kaggle_api_extended", None)
    refused(capsys, 2, [*words, "--accept-licence"], "pip install 'arzhang[kaggle]'")


def test_what_the_platform_refuses_is_said(bundle, client):
    client.error = "the title is taken"
    with pytest.raises(ArzhangError, match=r"kaggle\.com: the title is taken; the bundle is written"):
        kaggle.push(bundle, NAME, None, print)


def test_without_a_push_it_says_what_one_would_do(home, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(kaggle, "write", unwritten)
    words = ["publish", home.translator, "--to", "kaggle", "--out", tmp_path / "out", "--owner", "lab"]
    code, out, _ = said(capsys, *words)
    assert code == 0
    assert f"the data set lab/{NAME}-wheel (the package) and the notebook lab/{NAME}" in out
    assert "licence: the Cityscapes licence" in out
