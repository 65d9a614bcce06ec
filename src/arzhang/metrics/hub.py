"""DINOv2 and CLIP as feature networks, through the extra 'hub': their distances see shapes and things, less texture.

(Stein et al. 2023 compare sets by DINOv2; Kynkäänniemi et al. 2023 by CLIP.) Their numbers are FD, never FID.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from arzhang.errors import ArzhangError, UsageError
from arzhang.metrics.features import Extractor
from arzhang.metrics.weights import sha256

WEIGHTS = "model.safetensors"


@dataclass(frozen=True)
class Published:
    """A model of the hub: its name there, the class of transformers that runs it, its input and its normalisation."""

    name: str
    kind: str
    side: int
    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]


NETWORKS = {
    "dinov2": Published(
        "facebook/dinov2-large", "Dinov2Model", 224, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    ),
    "clip": Published(
        "openai/clip-vit-large-patch14", "CLIPVisionModelWithProjection", 224,
        (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711),
    ),
}  # fmt: skip


class Vision(nn.Module):
    """A vision transformer's feature of an image: CLIP's embedding, or DINOv2's class token."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Float[Tensor, "B 3 S S"]) -> Float[Tensor, "B D"]:
        found = self.model(pixel_values=images)
        return found.image_embeds if "image_embeds" in found else found.pooler_output


def extractor(
    name: str, path: str | Path | None = None, device: torch.device | str = "cpu", precision: str = "float32"
) -> Extractor:
    """`dinov2` or `clip` from a folder of the model's files, from the hub's cache, or from the hub.

    Raises UsageError without the extra or for a folder that holds no such model, ArzhangError that lists every way
    where the model cannot be had.
    """
    known = NETWORKS[name]
    try:
        import transformers
        from huggingface_hub import snapshot_download
    except ImportError:
        raise UsageError(f"--features {name}: needs the extra: pip install 'arzhang[hub]'") from None
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    if path is None:
        try:
            path = snapshot_download(known.name, allow_patterns=["config.json", WEIGHTS])
        except Exception as error:
            raise ArzhangError(
                f"--features {name}: {known.name} is not here and cannot be had ({type(error).__name__}): fetch it "
                f"elsewhere (`hf download {known.name}`), or give the folder of its files as --weights DIR"
            ) from None
    folder = Path(path)
    if missing := [file for file in ("config.json", WEIGHTS) if not (folder / file).is_file()]:
        raise UsageError(f"--weights {folder}: holds no {missing[0]}, so it is no folder of {known.name}")
    try:  # safetensors only, and no code of the model's own
        model = getattr(transformers, known.kind).from_pretrained(
            folder, local_files_only=True, use_safetensors=True, trust_remote_code=False
        )
    except Exception as error:
        raise ArzhangError(f"--weights {folder}: no model of {known.kind} ({str(error).splitlines()[0]})") from None
    config, clip = model.config, name == "clip"  # DINOv2's config names the side it was trained at, not that it takes
    side = int(config.image_size) if clip else known.side
    dimensions = int(config.projection_dim if clip else config.hidden_size)
    how = {
        "resize": f"bicubic, antialiased, to {side}×{side}",
        "normalisation": f"(x − {known.mean}) / {known.deviation} of 0…1",
        "rounding": "none",
    }
    digest = sha256(folder / WEIGHTS)
    return Extractor(Vision(model), known.name, digest, dimensions, _ready(known, side), how, device, precision)


def _ready(known: Published, side: int) -> Callable[[Tensor], Tensor]:
    mean, deviation = (torch.tensor(values).view(1, 3, 1, 1) for values in (known.mean, known.deviation))

    def prepare(images: Tensor) -> Tensor:
        three: Any = images.expand(-1, 3, -1, -1)
        resized = F.interpolate(three, (side, side), mode="bicubic", antialias=True).clamp(0, 1)
        return (resized - mean.to(images.device)) / deviation.to(images.device)

    return prepare
