"""Arzhang's own Fréchet distance."""

from arzhang.metrics import frechet


def fid(first, second):
    return frechet.distance(frechet.reference(frechet.sums(first).moments()), frechet.sums(second).moments()).value
