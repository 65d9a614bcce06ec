"""D_CS between a batch of posteriors and a mixture prior: fused, by a double loop over components, and one density."""

import torch
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from arzhang.divergences import cauchy_schwarz
from bench.timing import compare, show

B, K, D = 128, 100, 32
TIMES = 10


def main() -> None:
    """Print the table."""
    rng = torch.Generator().manual_seed(0)
    mean, scale = torch.randn(B, D, generator=rng), torch.rand(B, D, generator=rng) + 0.1
    means, scales = torch.randn(K, D, generator=rng), torch.rand(K, D, generator=rng) + 0.1
    weights = torch.rand(K, generator=rng)
    q = Independent(Normal(mean, scale), 1)
    p = MixtureSameFamily(Categorical(weights), Independent(Normal(means, scales), 1))
    x, v = torch.randn(B + K, 1, D, generator=rng), torch.rand(K, D, generator=rng) + 0.1
    spread = torch.rand(B + K, 1, D, generator=rng) + 0.1

    def density() -> torch.Tensor:
        """log N(x; μ_k, S + T_k) for B + K points and K components: one Gaussian log-density of that shape."""
        total = spread + v
        return -((x - means).square() / total + total.log()).sum(-1) / 2

    def fused() -> torch.Tensor:
        return cauchy_schwarz(q, p)

    log_w = weights.log() - weights.sum().log()

    def overlap(i: torch.Tensor, s: torch.Tensor, j: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        total = s**2 + t**2
        return -((i - j).square() / total + (2 * torch.pi * total).log()).sum(-1) / 2

    def loop() -> torch.Tensor:
        pq = torch.logsumexp(torch.stack([log_w[j] + overlap(mean, scale, means[j], scales[j]) for j in range(K)]), 0)
        pp = torch.logsumexp(
            torch.stack(
                [
                    log_w[i] + log_w[j] + overlap(means[i], scales[i], means[j], scales[j])
                    for i in range(K)
                    for j in range(K)
                ]
            ),
            0,
        )
        return (pp + overlap(mean, scale, mean, scale)) / 2 - pq

    assert torch.allclose(fused(), loop(), rtol=1e-4, atol=1e-4)
    quick = compare(
        {"one density": lambda: [density() for _ in range(TIMES)], "D_CS": lambda: [fused() for _ in range(TIMES)]},
        rounds=21,
    )
    slow = compare({"D_CS": fused, "double loop": loop}, rounds=5)
    shape = f"({B + K}, {K}, {D})"
    show(
        f"D_CS of {B} posteriors from a mixture of {K} in {D} dimensions; log-density of {shape}", quick, TIMES, "call"
    )
    show("The same beside a double loop over components", slow, 1, "call")
