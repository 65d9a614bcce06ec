import torch
import torch.nn.functional as F


def bce(logits, label):
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, label))


def discriminator_loss(discriminator, inputs, made, real):
    on_real = bce(discriminator(torch.cat([inputs, real], 1)), 1.0)
    on_made = bce(discriminator(torch.cat([inputs, made.detach()], 1)), 0.0)
    return (on_real + on_made) / 2


def generator_loss(discriminator, inputs, made, real, weight):
    verdict = discriminator(torch.cat([inputs, made], 1))
    return bce(verdict, 1.0) + weight * (made - real).abs().mean()
