"""A model as it is published: its files, its card, how it is loaded again, and how it is pushed."""

import json
import re
import shutil
import sys
from types import SimpleNamespace

import huggingface_hub
import pytest
import torch
import yaml
from huggingface_hub import ModelCard
from safetensors import safe_open
from safetensors.torch import save_file
from test_cli import refused, said

import arzhang
from arzhang.errors import ArzhangError, UsageError
from arzhang.publish import publish
from arzhang.training import published

MISSING = getattr(huggingface_hub.errors, "RemoteEntryNotFoundError", huggingface_hub.errors.EntryNotFoundError)
"""What the client says of a file that a model does not have; its name is newer than the oldest client that serves."""


@pytest.fixture(scope="module")
def bundles(home, tmp_path_factory):
    out = tmp_path_factory.mktemp("bundles")
    lines = []
    for run in ("translator", "coder"):
        publish(getattr(home, run), "huggingface", out / run, notify=lines.append)
    return SimpleNamespace(path=out, lines=lines)


def card_of(bundles, run):
    return ModelCard.load(bundles.path / run / "README.md")


def test_a_bundle_says_what_a_push_would_do(bundles):
    text = "\n".join(bundles.lines)
    assert "a push would make the private model YOU/arzhang-pix2pix-cityscapes-image-pairs" in text
    assert "licence: the Cityscapes licence allows research alone" in text
    for name in ("README.md", "config.json", "model.safetensors"):
        assert re.search(rf"^  {re.escape(name)} +[\d,]+ bytes$", text, re.MULTILINE)


@pytest.mark.parametrize("run", ["translator", "coder"])
def test_the_bundle_loads_as_the_run_does(home, bundles, run):
    mine, theirs = arzhang.load(getattr(home, run)), arzhang.load(bundles.path / run)
    for ours, other in zip(mine.networks.parameters(), theirs.networks.parameters(), strict=True):
        assert torch.equal(ours, other)
    assert not theirs.networks.training
    if run == "coder":  # the averaged weights, which evaluation uses
        assert torch.equal(mine.sample(3, seed=1), theirs.sample(3, seed=1))
    else:
        x = torch.rand(2, 3, 32, 32)
        assert torch.equal(mine.translate(x, seed=1), theirs.translate(x, seed=1))


def test_weights_are_safetensors_and_nothing_else_could_run(bundles):
    files = {path.name for path in (bundles.path / "coder").rglob("*") if path.is_file()}
    assert not [name for name in files if name.endswith((".pt", ".pth", ".bin", ".pkl", ".ckpt", ".py"))]
    with safe_open(bundles.path / "coder" / "model.safetensors", "pt") as file:
        assert file.metadata() == {"format": "pt"}
        assert len(list(file.keys())) > 10


@pytest.mark.parametrize("run", ["translator", "coder"])
def test_the_card_is_what_the_hub_reads(home, bundles, numbers, run):
    card = card_of(bundles, run)
    data = card.data
    assert data.library_name == "arzhang"
    assert data.license == "other"  # folders of the user's own, and Cityscapes
    assert data.pipeline_tag == {"translator": "image-to-image", "coder": "unconditional-image-generation"}[run]
    assert {"translator": "arxiv:1611.07004", "coder": "arxiv:1312.6114"}[run] in data.tags
    results = {one.metric_name: one for one in data.eval_results}
    assert len(results) == len(numbers[run])
    assert {one.metric_type for one in data.eval_results} == set(data.metrics)
    for metric, one in zip(numbers[run].values(), data.eval_results, strict=True):
        assert one.metric_value == metric["value"]
        assert one.dataset_split == "test"
        for name, value in metric["protocol"].items():  # no number without its protocol
            assert isinstance(value, list) or one.metric_args[name] == value
        assert one.metric_args["n"] == metric["n"]


@pytest.mark.parametrize("run", ["translator", "coder"])
def test_the_card_shows_what_there_is(home, bundles, numbers, run):
    text = card_of(bundles, run).text
    folder = bundles.path / run
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", text)
    assert len(pictures) >= 3
    assert all((folder / name).read_bytes()[:4] == b"\x89PNG" for name in pictures)
    for head in ("Use", "Data", "Pictures", "Numbers", "Limits", "Training"):
        assert f"\n## {head}\n" in text
    wheel = next(folder.glob("arzhang-*.whl")).name
    assert f"resolve/main/{wheel}" in text
    recipe = yaml.safe_load((getattr(home, run) / "config.yaml").read_text())["recipe"]
    assert f"of seed {recipe['seed']}" in text
    assert "{{" not in text
    assert "None" not in re.sub(r"```.*?```", "", text, flags=re.DOTALL)


def hub(monkeypatch, folder, names=("config.json", "model.safetensors")):
    """A hub of one model, `someone/thing`, with one revision, `v1`; and what was asked of it."""
    asked = []

    def download(repo_id, filename, *, revision=None):
        asked.append((repo_id, filename, revision))
        response = SimpleNamespace(headers={}, request=None, status_code=404, url="")
        if repo_id != "someone/thing":
            raise huggingface_hub.errors.RepositoryNotFoundError("404", response=response)
        if revision not in (None, "v1"):
            raise huggingface_hub.errors.RevisionNotFoundError("404", response=response)
        if filename not in names:
            raise MISSING("404", response=response)
        return str(folder / filename)

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    return asked


@pytest.mark.parametrize(("end", "revision"), [("", None), ("@v1", "v1"), ("/", None)])
def test_loading_from_the_hub(home, bundles, monkeypatch, end, revision):
    asked = hub(monkeypatch, bundles.path / "coder")
    model = arzhang.load(f"hf://someone/thing{end}")
    assert torch.equal(model.sample(2, seed=0), arzhang.load(home.coder).sample(2, seed=0))
    assert asked == [("someone/thing", name, revision) for name in ("config.json", "model.safetensors")]


def test_loading_from_the_hubs_cache_without_a_network(bundles, monkeypatch, tmp_path):
    """The cache as the hub's client lays it out, and the client's own code."""
    commit, repo = "0123456789abcdef0123456789abcdef01234567", tmp_path / "models--someone--thing"
    shutil.copytree(bundles.path / "coder", repo / "snapshots" / commit)
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text(commit)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    assert arzhang.load("hf://someone/thing").shape == (1, 16, 16)
    with pytest.raises(ArzhangError, match="hf://someone/else: not in the hub's cache here, and the hub cannot be"):
        arzhang.load("hf://someone/else")


@pytest.mark.parametrize(
    ("address", "names", "why"),
    [
        ("hf://someone/other", ("config.json", "model.safetensors"), "the hub has no model someone/other"),
        ("hf://someone/thing@v2", ("config.json", "model.safetensors"), "the hub has no revision v2"),
        ("hf://someone/thing", ("config.json", "pytorch_model.bin"), "it holds no model.safetensors"),
        ("hf://thing", (), "an address is hf://owner/name"),
        ("hf://a/b/c", (), "an address is hf://owner/name"),
    ],
)
def test_what_the_hub_does_not_have(bundles, monkeypatch, capsys, address, names, why):
    hub(monkeypatch, bundles.path / "coder", names)
    with pytest.raises(ArzhangError, match=re.escape(f"{address}: ")) as caught:
        arzhang.load(address)
    assert why in str(caught.value)
    refused(capsys, 2 if isinstance(caught.value, UsageError) else 1, ["translate", address, "x.png"], why)


def test_without_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(UsageError, match=r"arzhang\[hub\]"):
        published.fetch("hf://someone/thing")


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda path: (path / "config.json").write_text("{"), "not the configuration"),
        (lambda path: (path / "config.json").write_text('{"library_name": "other"}'), "not the configuration"),
        (lambda path: edit(path, system="gpt"), "says system 'gpt'"),
        (lambda path: edit(path, recipe={"latent": 3}), "latent"),
        (lambda path: edit(path, data={}), "shape of its images"),
        (lambda path: (path / "model.safetensors").write_bytes(b"\x80\x04cos\nsystem"), "damaged or exchanged"),
        (lambda path: other_weights(path), "not those of its recipe"),
    ],
)
def test_what_is_no_model_is_named(bundles, tmp_path, spoil, why):
    path = shutil.copytree(bundles.path / "coder", tmp_path / "model")
    spoil(path)
    with pytest.raises(ArzhangError, match=re.escape(why)) as caught:
        arzhang.load(path)
    assert "\n" not in str(caught.value)


def edit(path, **values):
    config = json.loads((path / "config.json").read_text())
    (path / "config.json").write_text(json.dumps(config | values))


def other_weights(path):
    save_file({"a": torch.zeros(2)}, path / "model.safetensors")
    edit(path, sha256=published.checkpoints.sha256(path / "model.safetensors"))


# -------------------------------------------------------------------------------------------------------- pushing


class Hub:
    """In place of the official client: it keeps what it is told."""

    told: list

    def whoami(self):
        return {"name": "someone"}

    def create_repo(self, repo_id, **options):
        self.told.append(("create", repo_id, options))

    def upload_folder(self, *, repo_id, folder_path, ignore_patterns, commit_message):
        files = {path.name for path in folder_path.rglob("*") if path.is_file()} - set(ignore_patterns)
        self.told.append(("upload", repo_id, files))


@pytest.fixture
def client(monkeypatch):
    fake = type("Client", (Hub,), {"told": []})
    monkeypatch.setattr(huggingface_hub, "HfApi", fake)
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: "hf_something")
    return fake


def test_a_push_by_the_official_client(home, client, tmp_path, capsys):
    words = ["publish", home.coder, "--to", "huggingface", "--out", tmp_path / "out", "--push", "--name", "my-coder"]
    refused(capsys, 2, words, "--push: the data are a folder of your own", "--accept-licence")
    assert client.told == []
    code, out, _ = said(capsys, *words, "--accept-licence")
    assert code == 0
    assert "published: https://huggingface.co/someone/my-coder" in out
    (create, upload) = client.told
    assert create == ("create", "someone/my-coder", {"repo_type": "model", "private": True, "exist_ok": True})
    assert upload[:2] == ("upload", "someone/my-coder")
    assert {"README.md", "config.json", "model.safetensors"} <= upload[2]
    assert ".arzhang-bundle" not in upload[2]


def test_a_push_to_an_organisation(home, client, tmp_path):
    made = publish(home.coder, "huggingface", tmp_path / "out", push=True, accept_licence=True, owner="lab", notify=str)
    assert made.link == "https://huggingface.co/lab/arzhang-vae-pictures"


def test_a_push_that_cannot_be(home, client, monkeypatch, tmp_path, capsys):
    words = ["publish", home.coder, "--to", "huggingface", "--out", tmp_path / "out", "--push", "--accept-licence"]

    def fails(self, *_, **__):
        raise OSError("503 the hub is tired\nand more")

    monkeypatch.setattr(client, "create_repo", fails)
    refused(capsys, 1, words, "huggingface.co: 503 the hub is tired; the bundle is written")
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: None)
    refused(capsys, 1, words, "no credentials for huggingface.co", "HF_TOKEN")
    assert (tmp_path / "out" / "model.safetensors").exists()
