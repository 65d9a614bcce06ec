"""Named numbers with their protocols: the same whatever is cached, statistics of others, the Inception Score, when two
may stand beside each other."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from arzhang.errors import UsageError
from arzhang.metrics import features, frechet, kernel, scores


class Flat(nn.Module):
    """Pixels as features."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.flatten(1) * self.scale


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ARZHANG_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def extractor(name: str = "FID toy", **how) -> features.Extractor:
    return features.Extractor(Flat(), name, "0", 16, lambda x: x, {"resize": "none"}, **how)


def images(n: int, seed: int, name: str) -> scores.ImageSet:
    held = torch.rand(n, 1, 4, 4, generator=torch.Generator().manual_seed(seed)) ** (1 + 0.1 * seed)
    return scores.ImageSet(name, n, lambda: held.split(32))


def test_every_metric_has_value_uncertainty_n_and_protocol(own_cache):
    names = [name for name in scores.NAMES if name != "inception-score"]
    real, made = images(120, 0, "real"), images(110, 1, "made")
    found = scores.scores(real, made, names, extractor())
    assert list(found) == [
        "fid", "fid_infinity", "kid", "precision", "recall", "density", "coverage", "sliced_wasserstein",
    ]  # fmt: skip
    for metric in found.values():
        assert metric["n"] == 110
        assert metric["protocol"]["n_real"] == 120
        assert metric["protocol"]["resize"] == "none"
        assert len(metric["protocol"]["real_sha256"]) == 64
        assert metric["uncertainty"] >= 0
    assert list((own_cache / "statistics").iterdir())
    again = scores.scores(real, made, names, extractor())  # the reference's factor from the cache
    assert again == found
    for path in (own_cache / "statistics").iterdir():
        path.write_bytes(b"damaged")
    assert scores.scores(real, made, names, extractor()) == found
    other = scores.scores(real, made, ["fid"], extractor("another network"))
    assert list(other) == ["fd"]  # a Fréchet distance of other features is never called FID


def test_published_statistics_are_a_reference(tmp_path):
    real, made = images(200, 0, "real"), images(150, 1, "made")
    rows = torch.cat(list(real.batches())).flatten(1).double()
    np.savez(tmp_path / "real.npz", mu=rows.mean(0).numpy(), sigma=torch.cov(rows.T).numpy())
    statistics = scores.Published.read(tmp_path / "real.npz")
    found = scores.scores(statistics, made, ["fid"], extractor())["fid"]
    expected = scores.scores(real, made, ["fid"], extractor())["fid"]
    assert found["value"] == pytest.approx(expected["value"], rel=1e-5)
    assert found["protocol"]["n_real"] is None
    assert found["protocol"]["real_sha256"] == features.sha256(tmp_path / "real.npz")
    with pytest.raises(UsageError, match=r"kid: .*real\.npz holds a mean and a covariance"):
        scores.scores(statistics, made, ["fid", "kid"], extractor())
    np.savez(tmp_path / "other.npz", mu=np.zeros(3), sigma=np.eye(3))
    with pytest.raises(UsageError, match="two different networks"):
        scores.scores(scores.Published.read(tmp_path / "other.npz"), made, ["fid"], extractor())


def test_inception_score_is_that_of_the_final_layer():
    layer = torch.randn(7, 16, generator=torch.Generator().manual_seed(0))
    made = images(100, 1, "made")
    found = scores.scores(images(100, 0, "real"), made, ["inception-score"], extractor(classes=layer))
    rows = torch.cat(list(made.batches())).flatten(1)
    expected = kernel.inception_score((rows.double() @ layer.double().T).softmax(1).float())
    assert found["inception_score"]["value"] == pytest.approx(expected.value, rel=1e-5)
    with pytest.raises(UsageError, match=r"no final layer.*--weights FILE"):
        scores.scores(images(100, 0, "real"), made, ["inception-score"], extractor())


def test_only_numbers_of_one_protocol_may_be_compared():
    real = images(100, 0, "real")
    one = scores.scores(real, images(100, 1, "one"), ["fid", "kid"], extractor())
    two = scores.scores(real, images(100, 2, "two"), ["fid"], extractor())
    above = scores.differences(two, one, "one.json")
    assert list(above) == ["fid"]
    assert above["fid"]["value"] == pytest.approx(two["fid"]["value"] - one["fid"]["value"])
    assert above["fid"]["uncertainty"] == pytest.approx(
        math.hypot(one["fid"]["uncertainty"], two["fid"]["uncertainty"])
    )
    unlike = {
        "resize": scores.scores(real, images(100, 2, "two"), ["fid"], _resized()),
        "n": scores.scores(real, images(90, 2, "two"), ["fid"], extractor()),
        "real_sha256": scores.scores(images(100, 5, "real"), images(100, 2, "two"), ["fid"], extractor()),
        "precision": scores.scores(real, images(100, 2, "two"), ["fid"], extractor(precision="bfloat16")),
    }
    for setting, found in unlike.items():
        with pytest.raises(UsageError, match=f"fid has another protocol there: .*{setting} "):
            scores.differences(found, one, "one.json")
    with pytest.raises(UsageError, match="holds none of fd"):
        scores.differences(scores.scores(real, images(100, 2, "two"), ["fid"], extractor("x")), one, "one.json")


def _resized() -> features.Extractor:
    found = extractor()
    found.protocol["resize"] = "another"
    return found


def test_memory_of_the_sums_does_not_grow():
    """Ten matrices and their means, whatever has been added: what FID holds of a set."""
    found = frechet.Sums(16)
    held = [sum(t.nbytes for t in (found.first, found.second))]
    for seed in range(5):
        found.add(torch.rand(1_000, 16, generator=torch.Generator().manual_seed(seed)))
        held.append(sum(value.nbytes for value in vars(found).values() if isinstance(value, torch.Tensor)))
    assert set(held[1:]) == {held[0] + 16 * 8}
