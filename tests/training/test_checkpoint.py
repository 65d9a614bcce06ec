"""Checkpoints: nothing damaged is used, nothing is unpickled, what is kept is what was promised."""

import json
import pickle

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
        checkpoints, "flush", lambda path: (_ for _ in ()).throw(OSError(28, "No space left on device"))
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
