import torch


def root(matrix):
    values, vectors = torch.linalg.eigh(matrix)
    return vectors @ torch.diag(values.clamp_min(0).sqrt()) @ vectors.T


def fid(first, second):
    first, second = first.double(), second.double()
    apart = ((first.mean(0) - second.mean(0)) ** 2).sum()
    s, t = torch.cov(first.T), torch.cov(second.T)
    half = root(s)
    cross = torch.linalg.eigvalsh(half @ t @ half).clamp_min(0).sqrt().sum()
    return float(apart + torch.trace(s + t) - 2 * cross)
