"""Metrics of image pairs, where each made image has its own truth: pixel errors, PSNR, SSIM, MS-SSIM, LPIPS.

Pure functions of two batches that give one number an image, so that means and their errors are the caller's. The
formulas of the structural ones and of LPIPS are torchmetrics'.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from arzhang.errors import UsageError
from arzhang.metrics import weights
from arzhang.metrics.features import check_range

LEAST = 11
"""Pixels a side that SSIM's window of 11 needs."""
SCALES_NEED = 176
"""Pixels a side that MS-SSIM needs: it halves them four times, and its window of 11 must still fit."""
UNITS = {
    "l1": "grey value in [0, 1]",
    "mse": "squared grey value in [0, 1]",
    "psnr": "dB",
    "ssim": "of 1",
    "ms_ssim": "of 1",
    "lpips": "distance of normalised AlexNet features",
}
BACKBONE = "alexnet-owt-7be5be79.pth"
"""torchvision's AlexNet, on which LPIPS looks; its name holds the beginning of its sha256."""
BACKBONE_URL = f"https://download.pytorch.org/models/{BACKBONE}"


def measures(made: Float[Tensor, "B C H W"], real: Float[Tensor, "_ _ _ _"]) -> dict[str, Float[Tensor, " B"]]:
    """Mean absolute and mean squared error, PSNR and SSIM of each pair of images in [0, 1], grey or colour; and MS-SSIM
    where both sides have 176 pixels or more.

    PSNR is −10 log₁₀ MSE, infinite where the two are equal. SSIM has its paper's settings (a Gaussian window of 11
    pixels with σ = 1.5, k = 0.01 and 0.03; Wang et al. 2004), edges reflected. Raises UsageError for shapes that differ
    or are too small, ArzhangError for values outside [0, 1].

    >>> pair = torch.zeros(2, 1, 16, 16), torch.full((2, 1, 16, 16), 0.5)
    >>> {name: round(float(values[0]), 2) for name, values in measures(*pair).items()}
    {'l1': 0.5, 'mse': 0.25, 'psnr': 6.02, 'ssim': 0.0}
    """
    from torchmetrics.functional import image as formulas

    _check(made, real)
    made, real = made.float(), real.float()
    difference = (made - real).double()
    mse = difference.square().flatten(1).mean(1)
    found = {"l1": difference.abs().flatten(1).mean(1), "mse": mse, "psnr": -10 * mse.log10()}
    how: dict[str, Any] = {"data_range": 1.0, "reduction": "none"}
    found["ssim"] = torch.as_tensor(formulas.structural_similarity_index_measure(made, real, **how)).reshape(-1)
    if min(made.shape[2:]) >= SCALES_NEED:
        scales = formulas.multiscale_structural_similarity_index_measure(made, real, normalize="relu", **how)
        found["ms_ssim"] = scales.reshape(-1)
    return {name: values.double() for name, values in found.items()}


def _check(made: Tensor, real: Tensor) -> None:
    if made.shape != real.shape:
        raise UsageError(f"pairs of images of {tuple(made.shape)} and {tuple(real.shape)}: shapes must be equal")
    if made.shape[1] not in (1, 3):
        raise UsageError(f"images of {made.shape[1]} channels: paired metrics take grey or colour")
    if min(made.shape[2:]) < LEAST:
        raise UsageError(f"images of {made.shape[2]}×{made.shape[3]} pixels: SSIM needs {LEAST} a side at least")
    check_range(made, "made images")
    check_range(real, "real images")


def lpips(backbone: str | Path | None = None, download: bool = True) -> Callable[[Tensor, Tensor], Tensor]:
    """LPIPS (Zhang et al. 2018) on AlexNet: a function of two batches of images in [0, 1], one distance a pair.

    torchmetrics ships the weights of its linear layers; those of AlexNet are `backbone`, a file in the cache or in
    torch's own, or torchvision's release. Raises ArzhangError that lists these ways where there is none.
    """
    from torchmetrics.functional.image.lpips import _LPIPS

    file = weights.find(
        weights.File("AlexNet, on which LPIPS looks", BACKBONE, BACKBONE_URL, BACKBONE.removesuffix(".pth")[-8:]),
        backbone, download,
    )  # fmt: skip
    network = _LPIPS(net="alex", pnet_rand=True).eval()
    state = torch.load(file, map_location="cpu", weights_only=True)
    named = {name.split(".", 1)[1]: name for name in network.net.state_dict()}  # 'slice2.3.weight' by '3.weight'
    network.net.load_state_dict({name: state[f"features.{layer}"] for layer, name in named.items()})

    def distance(made: Float[Tensor, "B C H W"], real: Float[Tensor, "B C H W"]) -> Float[Tensor, " B"]:
        _check(made, real)
        three = [images.float().expand(-1, 3, -1, -1) for images in (made, real)]
        with torch.no_grad():
            return network.to(made.device)(*three, normalize=True).reshape(-1).double()

    return distance
