import torch.nn.functional as F


def vae_loss(images, decoded, mean, log_variance, beta):
    reconstruction = F.binary_cross_entropy(decoded, images, reduction="none").sum((1, 2, 3))
    kl = 0.5 * (mean**2 + log_variance.exp() - log_variance - 1).sum(1)
    return (reconstruction + beta * kl).mean()
