"""DINOv2 and CLIP from a folder of their files: what is run is that model, and what is missing is said."""

import sys

import pytest
import torch

from arzhang.errors import ArzhangError, UsageError
from arzhang.metrics import hub

transformers = pytest.importorskip("transformers")

SMALL = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}


def model(name: str):
    torch.manual_seed(0)
    if name == "dinov2":
        return transformers.Dinov2Model(transformers.Dinov2Config(**SMALL, image_size=28, patch_size=14)).eval()
    config = transformers.CLIPVisionConfig(**SMALL, image_size=32, patch_size=16, projection_dim=8)
    return transformers.CLIPVisionModelWithProjection(config).eval()


@pytest.mark.parametrize(("name", "side", "width"), [("dinov2", 224, 16), ("clip", 32, 8)])
def test_features_are_the_models(name, side, width, tmp_path):
    original = model(name)
    original.save_pretrained(tmp_path)
    extractor = hub.extractor(name, tmp_path)
    assert extractor.dimensions == width
    assert not extractor.protocol["network"].startswith("FID")
    grey = torch.rand(2, 1, side, side, generator=torch.Generator().manual_seed(0))
    known = hub.NETWORKS[name]
    mean, deviation = (torch.tensor(v).view(1, 3, 1, 1) for v in (known.mean, known.deviation))
    with torch.no_grad():
        found = original(pixel_values=(grey.expand(-1, 3, -1, -1) - mean) / deviation)
    expected = found.image_embeds if name == "clip" else found.last_hidden_state[:, 0]
    assert torch.allclose(extractor(grey), expected, atol=1e-4)
    assert extractor(torch.rand(1, 3, 20, 30)).shape == (1, width)
    other = hub.extractor(name, tmp_path, precision="bfloat16")
    assert other.protocol["sha256"] == extractor.protocol["sha256"]
    assert other.protocol["precision"] == "bfloat16"


def test_what_is_missing_is_said(tmp_path, monkeypatch):
    with pytest.raises(UsageError, match=r"holds no config\.json"):
        hub.extractor("clip", tmp_path)
    model("dinov2").save_pretrained(tmp_path)
    (tmp_path / hub.WEIGHTS).write_bytes(b"cut")
    with pytest.raises(ArzhangError, match="no model of Dinov2Model"):
        hub.extractor("dinov2", tmp_path)
    (tmp_path / hub.WEIGHTS).unlink()
    with pytest.raises(UsageError, match=r"holds no model\.safetensors"):
        hub.extractor("dinov2", tmp_path)

    def unreachable(*_: object, **__: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr("huggingface_hub.snapshot_download", unreachable)
    with pytest.raises(ArzhangError, match=r"hf download openai/clip.*--weights DIR"):
        hub.extractor("clip")
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(UsageError, match=r"arzhang\[hub\]"):
        hub.extractor("clip")
