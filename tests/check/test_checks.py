"""What `arzhang check` finds: our own code and a plain answer are right, and every planted mistake is named rightly."""

import math
import re
from pathlib import Path

import pytest
import torch
from check.mistakes import ANSWERS, MISTAKES, PAGE, first, table

from arzhang.check import checks, comparison, divergences, exercises, fid, gradients, pix2pix, tracing, vae
from arzhang.check.exercises import exercise
from arzhang.wording.english_check import CHECK

OURS = Path(__file__).parent / "ours"
IDS = list(exercises.exercises())


def found(id, path, name=None):
    """{piece: findings} of a file, in this process."""
    return {one.piece: one.findings for one in checks.examine(exercise(id), path, name, name)}


def wrongs(results):
    return [(piece, finding.sentence) for piece, own in results.items() for finding in own if finding.level == "wrong"]


@pytest.mark.parametrize(
    "path", sorted([*ANSWERS.glob("*.py"), *OURS.glob("*.py")]), ids=lambda p: f"{p.parent.name}-{p.stem}"
)
def test_what_is_right_is_called_right(path):
    results = found(path.stem.removeprefix("exercise_"), path)
    assert wrongs(results) == []
    assert all(any(finding.level == "right" for finding in own) for own in results.values())


def test_there_is_an_answer_to_every_exercise_and_our_own_code_wherever_it_has_it():
    assert sorted(IDS) == sorted(path.stem.removeprefix("exercise_") for path in ANSWERS.glob("*.py"))
    # 1d is a study, 5a part of reading files: there our code has other signatures
    assert set(IDS) - {path.stem.removeprefix("exercise_") for path in OURS.glob("*.py")} == {"1d", "5a"}


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda m: f"{m.id}-{m.piece}-{m.what}")
def test_a_planted_mistake_is_named(mistake):
    finding = first(mistake)
    assert finding.id == mistake.named, finding.sentence


def test_every_exercise_has_at_least_three_planted_mistakes():
    for id in IDS:
        assert len({m.named + m.what for m in MISTAKES if m.id == id}) >= 3, id


def test_the_table_in_the_docs_is_current():
    def masked(text):
        """Without numbers, which another version of torch draws differently."""
        return re.sub(r"-?\d[\d.,e]*", "#", text)

    assert masked(table()) in masked(PAGE.read_text(encoding="utf-8"))


def test_blanks_ask_for_what_is_checked():
    assert list(checks.CHECKS) == IDS
    for id, pieces in checks.CHECKS.items():
        assert list(pieces) == list(exercise(id).pieces)
        assert "Example: " in exercise(id).shown()


@pytest.mark.parametrize("id", ["1a", "1b", "1c", "2a", "3c"])
def test_the_examples_of_the_blanks_are_true(id):
    namespace = {"torch": torch}
    exec((ANSWERS / f"exercise_{id}.py").read_text(encoding="utf-8"), namespace)
    examples = re.findall(r"Example: (.+) is (about )?([\d.]+)\.\n", exercise(id).shown())
    assert len(examples) == len(exercise(id).pieces)
    torch.manual_seed(0)
    for call, about, value in examples:
        assert float(eval(call, namespace)) == pytest.approx(float(value), rel=0.1 if about else 1e-5)


def test_a_blank_is_said_to_be_blank():
    for id in IDS:
        for piece, own in found(id, exercise(id).blank).items():
            assert [finding.id for finding in own] == ["code.blank"], piece


def test_every_mistake_that_can_be_named_has_a_sentence():
    known = {
        "1a": gradients.ALPHA, "1b": gradients.BETA, "1c": gradients.GAMMA, "1d": gradients.MOMENTS,
        "2a": divergences.EQUAL, "2a.kl": divergences.KL, "2b": divergences.MIXTURES, "3c": vae.SIZES, "3d": vae.LOSSES,
        "3g": fid.MISTAKES, "5a": pix2pix.SPLITS, "5c": pix2pix.JUDGED, "5c.g": pix2pix.WANTED,
    }  # fmt: skip
    missing = [f"{id}.{name}" for id, names in known.items() for name in names if f"{id}.{name}" not in CHECK]
    assert missing == []
    source = "".join(path.read_text(encoding="utf-8") for path in Path(checks.__file__).parent.glob("*.py"))
    called = set(re.findall(r'(?:wrong|right|remark|Stopped)\(\s*"([\w.]+)"', source))
    assert called - set(CHECK) == set()
    last = {id for id in CHECK if not re.search(rf'["._]{id.split(".")[-1]}"', source)}
    assert last == set()  # no sentence that nothing says


# ------------------------------------------------------------------------------- right, in another way

VARIANTS = {
    "1a, a float": ("1a", "return mu.grad", "return float(mu.grad)"),
    "1c, NumPy": (
        "1c",
        "weibull.sample((n,)), weibull.sample((n,))",
        "(torch.from_numpy(__import__('numpy').random.weibull(2, n) * 2**0.5) for _ in range(2))",
    ),
    "3a, padding by itself": (
        "3a",
        "self.conv1 = nn.Conv2d(1, 8, 3, stride=2, padding=1)",
        "self.conv1 = nn.Sequential(nn.ZeroPad2d(1), nn.Conv2d(1, 8, 3, stride=2))",
    ),
    "3a, functions": ("3a", "x = torch.relu(self.conv1(x))", "x = nn.functional.relu(self.conv1(x), inplace=True)"),
    "3a, a decoder without arguments": (
        "3a",
        "__init__(self, latent_dim):\n",
        "__init__(self):\n        latent_dim = 7\n",
    ),
    "3a, numbers wanted": ("3a", "self.conv1 = nn", "self.seen = float(torch.ones(3).sum())\n        self.conv1 = nn"),
    "3b, rsample": ("3b", "mean + std * noise", "torch.distributions.Normal(mean, std).rsample()"),
    "5b, a discriminator of two": (
        "5b",
        "            nn.Conv2d(512, 1, 4, 1, 1),\n        )\n\n    def forward(self, x):\n",
        "            nn.Conv2d(512, 1, 4, 1, 1),\n        )\n\n    def forward(self, segmentation, photo):\n"
        "        x = torch.cat([segmentation, photo], 1)\n",
    ),
    "5b, dropout after ReLU": (
        "5b",
        "        if dropout:\n            layers.append(nn.Dropout(0.5))\n        layers.append(nn.ReLU())\n",
        "        layers.append(nn.ReLU())\n        if dropout:\n            layers.append(nn.Dropout(0.5))\n",
    ),
    "5b, ReLU twice": (
        "5b",
        "x = torch.cat([up(x), maps.pop()], 1)",
        "x = torch.relu(torch.cat([up(x), maps.pop()], 1))",
    ),
    "5b, the made map first": ("5b", "[up(x), maps.pop()]", "[maps.pop(), up(x)][::1]"),
    "5c, a discriminator of two": ("5c", "discriminator(torch.cat([inputs, real], 1))", "discriminator(inputs, real)"),
    "5c, by probabilities": (
        "5c",
        "F.binary_cross_entropy_with_logits(logits, torch",
        "F.binary_cross_entropy(torch.sigmoid(logits), torch",
    ),
    "5c, not halved": ("5c", "(on_real + on_made) / 2", "on_real + on_made"),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_another_right_way_is_right(variant, tmp_path):
    id, old, new = VARIANTS[variant]
    source = (ANSWERS / f"exercise_{id}.py").read_text(encoding="utf-8")
    assert source.count(old) == 1
    path = tmp_path / "own.py"
    path.write_text(source.replace(old, new), encoding="utf-8")
    assert wrongs(found(id, path)) == []


def test_the_only_thing_in_a_file_may_have_any_name(tmp_path):
    source = (ANSWERS / "exercise_3c.py").read_text(encoding="utf-8")
    path = tmp_path / "own.py"
    path.write_text(source.replace("output_size(size", "how_large(size"), encoding="utf-8")
    assert wrongs(found("3c", path)) == []
    path.write_text(source.replace("output_size(size", "OutputSize(size"), encoding="utf-8")
    assert wrongs(found("3c", path)) == []


# ------------------------------------------------------------------------------- what cannot be checked

CALL = "def output_size(size, kernel, stride, padding, output_padding, dilation):\n    "
BROKEN = {
    "def output_size(:\n": ("code.syntax", "line 1"),
    "\0": ("code.syntax", "null bytes"),
    "import no_such_module_at_all\n": ("code.import", "no_such_module_at_all"),
    "raise ValueError('mine')\n": ("code.load", "line 1: it fails while it is loaded: ValueError: mine"),
    "exit()\n": ("code.exits", "line 1"),
    "x = 1\n": ("code.missing", "no function or class"),
    "def one(): pass\ndef two(): pass\n": ("code.missing", "one, two"),
    "def output_size(size, kernel): pass\n": ("code.signature", "takes (size, kernel)"),
    "output_size = 3\n": ("code.not_callable", "int"),
    CALL + "return size / 0\n": ("code.raises", "own.py, line 2: ZeroDivisionError"),
    CALL + "return output_size(*[1] * 6)\n": ("code.raises", "RecursionError"),
    CALL + "import sys; sys.exit(3)\n": ("code.exits", "line 2"),
    CALL + "return None\n": ("code.type", "a NoneType"),
    CALL + "return 'x'\n": ("code.type", "a str"),
    CALL + "return float('nan')\n": ("code.not_finite", "NaN (size 1"),
    CALL + "return 1j\n": ("code.complex", "complex"),
    CALL + "return [1, 2]\n": ("code.shape", "shape (2,)"),
}


@pytest.mark.parametrize("source", BROKEN)
def test_code_that_cannot_be_checked_is_told_in_a_sentence(source, tmp_path):
    id, phrase = BROKEN[source]
    path = tmp_path / "own.py"
    path.write_text(source, encoding="utf-8")
    (finding,) = found("3c", path)["output_size"]
    assert finding.id == id
    assert phrase in finding.sentence
    assert "\n" not in finding.sentence


def test_what_is_refused_is_told_through_whatever_wraps_it(tmp_path):
    path = tmp_path / "own.py"
    refusal = "PermissionError('check', 'starts', 'ls')"
    path.write_text(
        f"{CALL}try:\n        raise {refusal}\n    except OSError as e:\n        raise ValueError('no') from e\n"
    )
    (finding,) = found("3c", path)["output_size"]
    assert finding.id == "code.starts"
    assert "line 5" in finding.sentence
    assert "(ls)" in finding.sentence


def test_whole_numbers_are_noticed(tmp_path):
    path = tmp_path / "own.py"
    path.write_text(
        "import math\ndef kl(m, s, n, t):\n    return int(math.log(t / s) + (s**2 + (m - n) ** 2) / (2 * t**2) - 0.5)\n"
    )
    assert [finding.id for finding in found("2a", path, "kl")["kl"]] == ["integers"]


def test_a_mistake_that_nobody_knows_is_not_guessed_at(tmp_path):
    path = tmp_path / "own.py"
    path.write_text(CALL + "return 3 * size + kernel ** 2\n")
    (finding,) = found("3c", path)["output_size"]
    assert finding.id == "unexplained"


def test_two_mistakes_at_once_are_both_named(tmp_path):
    path = tmp_path / "own.py"
    path.write_text(CALL + "return (size - 1) * stride - padding + (kernel - 1) + output_padding + 1\n")
    named = {finding.id for finding in found("3c", path)["output_size"]}
    assert named == {"3c.no_dilation", "3c.padding_once"}


# ------------------------------------------------------------------------------- how it knows


def test_right_answers_are_called_wrong_as_often_as_stated(monkeypatch):
    monkeypatch.setattr(comparison, "FAILURE_RATE", 0.2)
    generator = torch.Generator().manual_seed(0)
    runs, wrong = 500, 0
    for _ in range(runs):
        drawn = [
            comparison.Sampled(str(i), torch.randn(160, generator=generator, dtype=torch.float64)) for i in range(8)
        ]
        (finding, *_) = comparison.compare_means("1c", drawn, [0.0] * 8, lambda made: [0.0] * 8, ())
        wrong += finding.level == "wrong"
    # at most 0.2, by Bonferroni, and 0.183 for independent places: within 4 standard errors
    assert abs(wrong / runs - 0.183) < 4 * math.sqrt(0.183 * 0.817 / runs)


def test_expectations_of_gamma_are_the_exact_gradients():
    for mu, sigma in gradients.SETTINGS:
        exact = {
            "3z": 3.0,
            "z²": 2 * mu,
            "cos z": -math.sin(mu) * math.exp(-(sigma**2) / 2),
            "exp(z/2)": 0.5 * math.exp(mu / 2 + sigma**2 / 8),
        }
        for name, truth in exact.items():
            f = gradients.FUNCTIONS[name]
            assert gradients.gamma(frozenset(), f, mu, sigma) == pytest.approx(truth, rel=1e-4)


def test_a_trace_sees_what_a_network_does():
    network = torch.nn.Sequential(
        torch.nn.Conv2d(2, 3, 3, padding="same"), torch.nn.LeakyReLU(0.2), torch.nn.Flatten(), torch.nn.Linear(48, 5)
    )
    seen = tracing.trace(network, (1, 2, 4, 4))
    assert [str(stage) for stage in seen.stages] == ["Conv2d 2→3", "Linear 48→5"]
    assert seen.stages[0].settings["padding"] == 1
    assert seen.stages[1].before == ("LeakyReLU(0.2)",)
    assert (seen.after, seen.shape) == ((), (1, 5))
