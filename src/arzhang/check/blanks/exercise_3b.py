"""3b. The reparameterisation trick, and the two heads that it needs."""

from torch import Tensor, nn


def reparameterise(mean: Tensor, log_variance: Tensor) -> Tensor:
    """A sample z ∼ N(mean, exp(log_variance)) through which gradients flow to both.

    mean, log_variance: (B, D). Draws its own noise, anew for every call, image and dimension.
    Gives z, (B, D).

    Example: reparameterise(torch.zeros(4, 2), torch.zeros(4, 2)) has shape (4, 2) and other values each time.
    """
    raise NotImplementedError


class Heads(nn.Module):
    """Features (B, 128) → mean and logarithm of the variance, (B, latent_dim) each, by one linear layer each.

    Both may be any real number, so nothing comes after either layer.

    Example: mean, log_variance = Heads(32)(torch.rand(4, 128))
    """

    def __init__(self, latent_dim: int) -> None:
        super().__init__()
        raise NotImplementedError

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        raise NotImplementedError
