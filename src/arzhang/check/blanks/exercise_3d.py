"""3d. The loss of a β-VAE."""

from torch import Tensor


def vae_loss(images: Tensor, decoded: Tensor, mean: Tensor, log_variance: Tensor, beta: float) -> Tensor:
    """The mean over the batch of −log p(x|z) + β · KL(N(mean, exp(log_variance)) ‖ N(0, I)), in nats an image.

    images: (B, 1, 28, 28) in [0, 1]. decoded: the decoder's output, likewise (after its sigmoid).
    −log p(x|z) is the binary cross-entropy, summed over the pixels of an image.
    mean, log_variance: (B, D), of q(z|x); the KL divergence is summed over dimensions.
    Gives one number, through which gradients flow.

    Example: where the decoder gives 0.5 everywhere, mean and log_variance are 0, it is 784 · log 2 = 543.4.
    """
    raise NotImplementedError
