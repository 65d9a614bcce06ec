"""5c. pix2pix's two losses."""

from collections.abc import Callable

from torch import Tensor


def discriminator_loss(discriminator: Callable[[Tensor], Tensor], inputs: Tensor, made: Tensor, real: Tensor) -> Tensor:
    """The discriminator's loss: half the sum of its cross-entropies on the real pair and on the made one.

    discriminator: takes pairs, torch.cat([inputs, images], 1), and gives logits (B, 1, h, w).
    inputs, real: (B, 3, H, W), segmentations and photos. made: (B, 3, H, W), what the generator made of the inputs; it
    comes with the generator's graph, into which no gradient of this loss may flow.
    Gives one number, the mean over all logits.

    Example: for a discriminator that gives 0 for everything it is log 2 = 0.693.
    """
    raise NotImplementedError


def generator_loss(
    discriminator: Callable[[Tensor], Tensor], inputs: Tensor, made: Tensor, real: Tensor, weight: float
) -> Tensor:
    """The generator's loss: −log D on the made pair (the form that does not saturate) + weight · L1.

    discriminator, inputs, made, real: as above. L1: the mean absolute difference of made and real, over everything.
    Gives one number, whose gradient flows through `made`.

    Example: for a discriminator that gives 0, made = real + 0.1 and weight 100 it is log 2 + 10 = 10.693.
    """
    raise NotImplementedError
