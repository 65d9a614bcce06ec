import torch


def simulate(estimator, f, mus, sigma, n, repeats):
    rows = []
    for mu in mus:
        rows.append([float(estimator(f, mu, sigma, n)) for _ in range(repeats)])
    table = torch.tensor(rows, dtype=torch.float64)
    return table.mean(1), table.var(1)
