"""The studies through the command: files, figures and findings; bad options in one clear line."""

import json
import math

import pytest

from arzhang import cli
from arzhang.data import sources
from arzhang.report import figures
from arzhang.wording import LANGUAGES

SMALL = {
    "gradients": ["--f", "square", "step", "z**3 - sin(2*z)", "--mu", "-1:1:3", "--samples", "1000", "--n", "1", "10"],
    "divergences": ["--pairs", "800", "--mixture-pairs", "60"],
    "batches": [
        "--images", "128", "--batch-sizes", "16", "64", "--epochs", "1", "--latent-dim", "2", "--draws", "4",
        "--accelerator", "cpu",
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The folder of a small study, made when it is first asked for."""
    folder = tmp_path_factory.mktemp("studies")

    def study(name):
        if name == "batches" and sources.locate("fashion-mnist") is None:
            pytest.skip("Fashion-MNIST is not here")
        if not (folder / name).exists():
            assert cli.main(["study", name, *SMALL[name], "--out", str(folder / name)]) == 0
        return folder / name

    return study


def found(out):
    return json.loads((out / f"{out.name}.json").read_text(encoding="utf-8"))


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_a_study_leaves_json_figures_and_a_page(name, made):
    out, result = made(name), found(made(name))
    assert result["conclusions"]
    assert result["tables"]
    for figure in result["figures"]:
        assert (out / f"{figure}.png").read_bytes()[:4] == b"\x89PNG"
        assert "<svg" in (out / f"{figure}.svg").read_text(encoding="utf-8")
    page = (out / "index.html").read_text(encoding="utf-8")
    assert page.count('role="img"') == len(result["figures"])
    assert "{" not in "".join(line for line in page.splitlines() if line.startswith("<li>"))  # every word was filled in


def test_gradients_find_what_is_known(made):
    result = found(made("gradients"))
    assert sum(v["agrees"] for v in result["mohamed"]["values"]) == 35
    by_f = {(c["f"], c["estimator"]): c for c in result["curves"]}
    assert by_f["step", "pathwise"]["zero_gradient"]
    assert by_f["square", "pathwise"]["exact_variance"] == pytest.approx([4.0, 4.0, 4.0])
    custom = by_f["z**3 - sin(2*z)", "score-function"]
    for μ, truth in zip(custom["mu"], custom["exact_mean"], strict=True):
        assert truth == pytest.approx(3 * μ**2 + 3 - 2 * math.cos(2 * μ) * math.exp(-2), abs=1e-8)


def test_gradients_name_what_strays_and_what_diverges(tmp_path, monkeypatch):
    monkeypatch.setattr(figures, "LANGUAGES", {"en": LANGUAGES["en"]})  # drawing is most of what it takes
    words = ["--f", "z + (z>0)", "abs(z)**-0.5", "--mu", "-1:1:3", "--samples", "2000", "--n", "10"]
    assert cli.main(["study", "gradients", *words, "--out", str(tmp_path / "gradients")]) == 0
    told = found(tmp_path / "gradients")["conclusions"]
    said = {id: [c["values"] for c in told if c["id"] == f"gradients.{id}"] for id in ("astray", "diverges", "best")}
    (stray,) = said["astray"]  # f' = 1, and all that the jump adds is missed: φ(0) at μ = 0
    assert (stray["estimator"], stray["mu"], stray["mean"], stray["count"]) == ("pathwise", 0.0, 1.0, 3)
    assert stray["truth"] == pytest.approx(1 + 1 / math.sqrt(2 * math.pi), abs=1e-3)
    assert {v["estimator"] for v in said["diverges"]} == {"pathwise", "score-function", "measure-valued"}
    assert not any(c["values"].get("estimator") == "pathwise" for c in told if "_per_" in c["id"])


def test_divergences_find_what_is_known(made):
    said = {c["id"]: c["values"] for c in found(made("divergences"))["conclusions"]}
    assert said["divergences.closed"]["error"] < 1e-10
    assert said["divergences.gaussians"]["above"] == 0
    assert said["divergences.mixtures"]["above"] > 0
    assert said["divergences.fails_squared"]["cs"] == pytest.approx(2.023, abs=5e-4)
    assert said["divergences.fails_mixture"]["cs"] == pytest.approx(0.413, abs=5e-4)


def test_batches_go_on_where_they_were(made):
    out = made("batches")
    before = [path.stat().st_mtime_ns for path in sorted(out.glob("runs/*/metrics.jsonl"))]
    assert len(before) == 6
    assert cli.main(["study", "batches", *SMALL["batches"], "--out", str(out)]) == 0
    assert [path.stat().st_mtime_ns for path in sorted(out.glob("runs/*/metrics.jsonl"))] == before


@pytest.mark.parametrize(
    ("words", "phrase"),
    [
        (["gradient"], "did you mean gradients?"),
        (["gradients", "--sigma", "0"], "--sigma 0.0: a standard deviation is greater than 0"),
        (["gradients", "--mu", "1:2"], "must be first:last:how many"),
        (["gradients", "--n", "0"], "--n 0: must be at least 1"),
        (["gradients", "--f", "__import__('os')"], "__import__"),
        (["gradients", "--f", "z.data"], "z.data"),
        (["gradients", "--f", "log(z)", "--samples", "1000"], "NaN"),
        (["gradients", "--estimators", "magic"], "--estimators magic: there is pathwise"),
        (["gradients", "--samples", "10"], "at least 1000"),
        (["divergences", "--pairs", "1"], "--pairs 1"),
        (["gradients", "--sigma", "1e-300"], "and here from 1e-6 to 1e6"),
        (["gradients", "--n", "1000000000000"], "at most 10,000,000"),
        (["gradients", "--f", "z\n+1"], "it must be one line"),
        (
            ["gradients", "--f", "1/z", "--samples", "1000"],
            "--f 1/z: the integral of E[f(z) (z − μ)] does not converge",
        ),
        (["gradients", "--f", "exp(exp(exp(z)))", "--samples", "1000"], "not finite at μ = "),
        (["batches", "--batch-sizes", "8", "8"], "--batch-sizes 8 8: give at least one, and none twice"),
        (["batches", "--batch-sizes", "0"], "--batch-sizes 0: must be at least 1"),
        (["batches", "--images", "3", "--batch-sizes", "8"], "--images 3: must be at least 8"),
    ],
)
def test_refusals(words, phrase, tmp_path, capsys):
    out = tmp_path / "out"
    words = words if words == ["gradient"] else [*words, "--out", str(out)]
    code = cli.main(["study", *words])
    error = capsys.readouterr().err
    assert code in (1, 2)
    assert error.count("\n") == 1, error
    assert phrase in error
    assert not (out / "index.html").exists()
