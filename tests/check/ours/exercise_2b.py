"""Arzhang's own divergence."""

from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from arzhang import divergences


def mixture(w, mu, s):
    return MixtureSameFamily(Categorical(probs=w), Independent(Normal(mu, s.sqrt()), 1))


def cauchy_schwarz(w, mu, s, v, nu, t):
    return divergences.cauchy_schwarz(mixture(w, mu, s), mixture(v, nu, t))
