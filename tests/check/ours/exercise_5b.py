"""Arzhang's own networks."""

from arzhang.networks import pix2pix

Generator, Discriminator = pix2pix.Generator, pix2pix.Discriminator


def DownSample(inputs, outputs, norm=True):
    return pix2pix.DownSample(inputs, outputs, norm="batch" if norm else None)


def UpSample(inputs, outputs, dropout=False):
    return pix2pix.UpSample(inputs, outputs, dropout=0.5 if dropout else 0.0)
