"""Arzhang's own networks."""

from torch import nn

from arzhang.networks import vae

Encoder = vae.Encoder


def Decoder(latent_dim):
    return nn.Sequential(vae.Decoder(latent_dim), nn.Sigmoid())
