"""3a. The β-VAE's encoder and decoder for images of 28×28, exactly as in the assignment's table."""

import torch
from torch import nn


class Encoder(nn.Module):
    """Images (B, 1, 28, 28) in [0, 1] → features (B, 128).

    Conv2d 1→8, kernel 3, stride 2, padding 1; ReLU; Conv2d 8→16, kernel 3, stride 2, padding 1; ReLU; BatchNorm2d;
    Conv2d 16→32, kernel 3, stride 2, padding 0; ReLU; Flatten; Linear 288→128.

    Example: Encoder()(torch.rand(4, 1, 28, 28)) has shape (4, 128).
    """

    def __init__(self) -> None:
        super().__init__()
        raise NotImplementedError

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        raise NotImplementedError


class Decoder(nn.Module):
    """Latents (B, latent_dim) → images (B, 1, 28, 28) in [0, 1].

    Linear latent_dim→128; ReLU; Linear 128→288; ReLU; to maps of (32, 3, 3); ConvTranspose2d 32→16, kernel 3, stride 2,
    padding 0; ReLU; BatchNorm2d; ConvTranspose2d 16→8, kernel 3, stride 2, padding 1, output padding 1; ReLU;
    ConvTranspose2d 8→1, likewise; Sigmoid.

    Example: Decoder(32)(torch.randn(4, 32)) has shape (4, 1, 28, 28).
    """

    def __init__(self, latent_dim: int) -> None:
        super().__init__()
        raise NotImplementedError

    def forward(self, latents: torch.Tensor) -> torch.Tensor:
        raise NotImplementedError
