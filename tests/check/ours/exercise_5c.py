"""Arzhang's own losses."""

import torch

from arzhang.tasks.adversarial import AdversarialLoss

GAME = AdversarialLoss()


def discriminator_loss(discriminator, inputs, made, real):
    verdicts = (discriminator(torch.cat([inputs, images], 1)) for images in (real, made.detach()))
    return GAME.discriminator(*verdicts).loss


def generator_loss(discriminator, inputs, made, real, weight):
    verdict = discriminator(torch.cat([inputs, made], 1))
    return GAME.generator(verdict) + weight * (made - real).abs().mean()
