"""Checkpoints: nothing damaged is used, nothing is unpickled, what is kept is what was promised."""

import json
import os
import pickle
import zipfile

import pytest
import torch
from safetensors.torch import load_file

from arzhang.errors import ArzhangError
from arzhang.training import checkpoint as checkpoints


def save(folder, step, validation=None, value=1.0):
    weights = {"w": torch.full((3,), value)}
    files = {checkpoints.WEIGHTS: weights, checkpoints.OPTIMIZERS: {"vae/0/step": torch.tensor(float(step))}}
    return checkpoints.save(folder, step, files, {"epoch": step}, validation)


def steps(folder):
    return [c.step for c in checkpoints.available(folder)]


def test_two_last_and_the_best_are_kept(tmp_path):
    for step, validation in enumerate([5.0, 3.0, 4.0, 4.5, 4.2], start=1):
        save(tmp_path, step, validation)
    assert steps(tmp_path) == [2, 4, 5]
    assert checkpoints.newest_sound(tmp_path, print).step == 5
    assert checkpoints.newest_sound(tmp_path, print, "best").step == 2


def test_what_was_written_is_read(tmp_path):
    found = save(tmp_path, 7, 1.5, value=torch.pi)
    found.verify()
    assert torch.equal(found.tensors(checkpoints.WEIGHTS)["w"], torch.full((3,), torch.pi))
    assert found.state() == {"step": 7, "validation": 1.5, "epoch": 7}


@pytest.mark.parametrize("name", [checkpoints.WEIGHTS, checkpoints.STATE, checkpoints.OPTIMIZERS])
@pytest.mark.parametrize("harm", ["truncate", "edit", "remove"])
def test_damage_is_recognised_and_the_one_before_is_used(tmp_path, name, harm):
    save(tmp_path, 1)
    path = save(tmp_path, 2).path / name
    data = path.read_bytes()
    if harm == "remove":
        path.unlink()
    else:
        path.write_bytes(data[: len(data) // 2] if harm == "truncate" else data[:-2] + bytes([data[-2] ^ 1, data[-1]]))
    said = []
    assert checkpoints.newest_sound(tmp_path, said.append).step == 1
    assert len(said) == 1
    assert "step_00000002" in said[0]


def test_a_damaged_manifest_is_passed_over(tmp_path):
    save(tmp_path, 1)
    manifest = save(tmp_path, 2).path / checkpoints.MANIFEST
    for content in ("", "{", "[]", '{"sha256": {"../x": "0"}}', "[" * 100_000):
        manifest.write_text(content)
        said = []
        assert checkpoints.newest_sound(tmp_path, said.append).step == 1
        assert "manifest" in said[0]


class Payload:
    def __reduce__(self):
        return (exec, ("raise SystemExit('code in a checkpoint was run')",))


def test_a_pickle_in_place_of_tensors_is_refused_unread(tmp_path):
    found = save(tmp_path, 1)
    path = found.path / checkpoints.WEIGHTS
    path.write_bytes(pickle.dumps(Payload()))
    manifest = found.path / checkpoints.MANIFEST
    digests = json.loads(manifest.read_text())
    digests["sha256"][checkpoints.WEIGHTS] = checkpoints.sha256(path)  # whoever plants it mends the hash too
    manifest.write_text(json.dumps(digests))
    (chosen,) = checkpoints.available(tmp_path)
    chosen.verify()
    with pytest.raises(ArzhangError, match="never unpickles"):
        chosen.tensors(checkpoints.WEIGHTS)


def test_a_pth_of_tensors_is_read(tmp_path):
    module = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 4), torch.nn.BatchNorm2d(3))
    for name, options in (("zip.pth", {}), ("old.pth", {"_use_new_zipfile_serialization": False})):
        torch.save(module.state_dict(), tmp_path / name, **options)
        found = checkpoints.read_tensors(tmp_path / name)
        assert type(found) is dict
        assert found.keys() == module.state_dict().keys()
        assert all(torch.equal(found[key], value) for key, value in module.state_dict().items())
        assert not any(value.requires_grad for value in found.values())


class Writing:
    """A pickle that leaves a trace on the disk if any of its code is run."""

    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return (os.mkdir, (str(self.trace),))


@pytest.mark.parametrize("how", ["pickle", "zip", "old", "among tensors"])
def test_code_in_a_pth_is_refused_and_not_run(tmp_path, how):
    trace, path = tmp_path / "trace", tmp_path / "latest_net_G.pth"
    if how == "pickle":
        path.write_bytes(pickle.dumps(Writing(trace)))
    else:
        content = {"w": torch.zeros(2), "x": Writing(trace)} if how == "among tensors" else Writing(trace)
        torch.save(content, path, _use_new_zipfile_serialization=how != "old")
    with pytest.raises(ArzhangError, match=r"latest_net_G\.pth: not a whole file of tensors alone") as refused:
        checkpoints.read_tensors(path)
    assert "\n" not in str(refused.value)
    assert not trace.exists()
    torch.load(path, weights_only=False) if how != "pickle" else pickle.loads(path.read_bytes())
    assert trace.exists()  # the trap does work


@pytest.mark.parametrize(
    "content",
    [torch.zeros(2), [torch.zeros(2)], {0: torch.zeros(2)}, {"w": 1.0}, {"w": {"v": torch.zeros(2)}},
     {"w": torch.eye(2).to_sparse()}],
    ids=["tensor", "list", "number for a name", "number", "nested", "sparse"],
)  # fmt: skip
def test_a_pth_of_anything_else_is_refused(tmp_path, content):
    torch.save(content, tmp_path / "x.pth")
    with pytest.raises(ArzhangError, match=r"holds no tensors by name|'w' is no plain tensor"):
        checkpoints.read_tensors(tmp_path / "x.pth")


def test_a_broken_pth_is_one_line(tmp_path):
    path = tmp_path / "x.pth"
    with pytest.raises(ArzhangError, match="missing"):
        checkpoints.read_tensors(path)
    torch.save({"w": torch.zeros(1000)}, path)
    whole = path.read_bytes()
    with zipfile.ZipFile(path, "a") as archive:  # what tells a TorchScript file, which is code
        archive.writestr(f"{archive.namelist()[0].split('/')[0]}/constants.pkl", b"")
    for content in (path.read_bytes(), b"", b"PK", b"no tensors at all", whole[:2000]):
        path.write_bytes(content)
        with pytest.raises(ArzhangError, match="not a whole file of tensors") as refused:
            checkpoints.read_tensors(path)
        assert "\n" not in str(refused.value)


def test_what_a_killed_writer_left_is_not_a_checkpoint(tmp_path):
    save(tmp_path, 1)
    beside = tmp_path / ".step_00000002.part"
    beside.mkdir()
    (beside / checkpoints.WEIGHTS).write_bytes(b"half")
    assert checkpoints.newest_sound(tmp_path, pytest.fail).step == 1
    save(tmp_path, 2)
    assert steps(tmp_path) == [1, 2]
    assert not beside.exists()


def test_a_failed_write_leaves_the_last_good_one(tmp_path, monkeypatch):
    save(tmp_path, 1)
    monkeypatch.setattr(
        checkpoints, "flush_all", lambda path: (_ for _ in ()).throw(OSError(28, "No space left on device"))
    )
    with pytest.raises(OSError, match="No space"):
        save(tmp_path, 2)
    assert [p.name for p in tmp_path.iterdir()] == ["step_00000001"]


def test_optimizers_come_back(tmp_path):
    torch.manual_seed(0)
    model = torch.nn.Linear(3, 2)

    def optimizer():
        return torch.optim.Adam(model.parameters(), lr=0.1)

    first = optimizer()
    for _ in range(3):
        model(torch.ones(1, 3)).square().sum().backward()
        first.step()
    checkpoints.save(
        tmp_path,
        1,
        {checkpoints.WEIGHTS: model.state_dict(), checkpoints.OPTIMIZERS: checkpoints.optimizer_tensors({"g": first})},
        {},
        None,
    )
    second = optimizer()
    checkpoints.restore_optimizers({"g": second}, load_file(tmp_path / "step_00000001" / checkpoints.OPTIMIZERS))
    for a, b in zip(first.state.values(), second.state.values(), strict=True):
        assert all(torch.equal(a[key], b[key]) for key in a)


def test_what_is_dropped_loses_its_name_before_its_files(tmp_path, monkeypatch):
    """A kill among the removals left a checkpoint without its manifest, which nothing ever took away."""
    for step in (1, 2, 3):
        save(tmp_path, step, validation=-step)
    with monkeypatch.context() as killed:
        killed.setattr(checkpoints.shutil, "rmtree", lambda *_, **__: None)
        save(tmp_path, 4, validation=-4)
    assert steps(tmp_path) == [3, 4]
    assert {path.name for path in tmp_path.iterdir()} > {"step_00000003", "step_00000004"}
    checkpoints.clear(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step_00000003", "step_00000004"]
