def score_function(f, mu, sigma, z):
    score = (z - mu) / sigma**2
    return (f(z) * score).mean()
