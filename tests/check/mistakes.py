"""Planted mistakes: an answer with one change, and the id of the sentence by which `arzhang check` must name it.

`python tests/check/mistakes.py` writes the table of them into docs/check.md.
"""

import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from arzhang.check import checks
from arzhang.check.exercises import exercise
from arzhang.check.findings import Finding, Result

ANSWERS = Path(__file__).parent / "answers"
PAGE = Path(__file__).parents[2] / "docs" / "check.md"
BEGIN, END = "<!-- table: python tests/check/mistakes.py -->\n", "<!-- end of table -->\n"


class Mistake(NamedTuple):
    """A change to an answer."""

    id: str
    piece: str
    what: str
    old: str
    new: str
    named: str

    def source(self) -> str:
        """The answer with the mistake made."""
        right = (ANSWERS / f"exercise_{self.id}.py").read_text(encoding="utf-8")
        assert right.count(self.old) == 1, (self.id, self.old, right.count(self.old))
        return right.replace(self.old, self.new)


F, B, G, S = "pathwise", "score_function", "measure_valued", "simulate"
MISTAKES = [
    Mistake("1a", F, "the noise is not scaled", "mu + sigma * noise", "mu + noise", "1a.sigma_unused"),
    Mistake("1a", F, "σ taken for the variance", "sigma * noise", "sigma**0.5 * noise", "1a.root_of_sigma"),
    Mistake(
        "1a",
        F,
        "the derivative in σ",
        "f(z).mean().backward()\n    return mu.grad",
        "s = torch.tensor(sigma, dtype=noise.dtype, requires_grad=True)\n"
        "    f(mu.detach() + s * noise).mean().backward()\n    return s.grad",
        "1a.of_sigma",
    ),
    Mistake("1a", F, "`sum` in place of `mean`", "f(z).mean()", "f(z).sum()", "1a.sum"),
    Mistake(
        "1a", F, "the graph is cut", "z = mu + sigma * noise", "z = mu.detach() + sigma * noise + 0 * mu", "1a.zero"
    ),
    Mistake("1b", B, "z in place of z − μ", "(z - mu)", "z", "1b.mean_not_subtracted"),
    Mistake("1b", B, "divided by σ", "sigma**2", "sigma", "1b.sigma_once"),
    Mistake("1b", B, "not divided by σ²", " / sigma**2", "", "1b.sigma_missing"),
    Mistake(
        "1b", B, "the score of σ", "(z - mu) / sigma**2", "((z - mu) ** 2 / sigma**2 - 1) / sigma", "1b.score_of_sigma"
    ),
    Mistake("1b", B, "d log p/dz", "(z - mu)", "(mu - z)", "1b.in_z"),
    Mistake(
        "1b", B, "a baseline that knows the sample", "(f(z) * score)", "((f(z) - f(z).mean()) * score)", "1b.baseline"
    ),
    Mistake("1b", B, "not averaged", "(f(z) * score).mean()", "f(z) * score", "1b.not_averaged"),
    Mistake(
        "1c", G, "no 1/σ", "1 / (sigma * math.sqrt(2 * math.pi))", "1 / math.sqrt(2 * math.pi)", "1c.sigma_missing"
    ),
    Mistake(
        "1c",
        G,
        "σ nowhere",
        "plus, minus = weibull.sample((n,)), weibull.sample((n,))",
        "plus, minus = weibull.sample((n,)), weibull.sample((n,))\n    sigma = 1",
        "1c.sigma_unused",
    ),
    Mistake("1c", G, "2π without the root", "math.sqrt(2 * math.pi)", "2 * math.pi", "1c.two_pi"),
    Mistake("1c", G, "Weibull's parameters swapped", "math.sqrt(2), 2.0", "2.0, math.sqrt(2)", "1c.swapped"),
    Mistake("1c", G, "scale 0.5", "math.sqrt(2), 2.0", "0.5, 2.0", "1c.scale_half"),
    Mistake(
        "1c",
        G,
        "one draw for y⁺ and y⁻",
        "plus, minus = weibull.sample((n,)), weibull.sample((n,))",
        "plus = minus = weibull.sample((n,))",
        "1c.shared",
    ),
    Mistake("1c", G, "the sign", "constant * (f(mu", "-constant * (f(mu", "1c.sign"),
    Mistake("1c", G, "`sum` in place of `mean`", ".mean()", ".sum()", "1c.sum"),
    Mistake(
        "1c",
        G,
        "normal draws",
        "weibull.sample((n,)), weibull.sample((n,))",
        "torch.randn(n), torch.randn(n)",
        "1c.normal",
    ),
    Mistake("1c", G, "both points above μ", "mu - sigma", "mu + sigma", "1c.both_plus"),
    Mistake("1c", G, "a seed inside", "    weibull =", "    torch.manual_seed(0)\n    weibull =", "1c.noise_reused"),
    Mistake("1d", S, "divided by N", "table.var(1)", "table.var(1, correction=0)", "1d.biased"),
    Mistake("1d", S, "standard deviation", "table.var(1)", "table.std(1)", "1d.deviation"),
    Mistake("1d", S, "variance of the mean", "table.var(1)", "table.var(1) / repeats", "1d.of_mean"),
    Mistake(
        "1d",
        S,
        "a seed inside the loop",
        "float(estimator(",
        "float(torch.manual_seed(0) and estimator(",
        "1d.reseeded",
    ),
    Mistake("1d", S, "σ not handed on", "mu, sigma, n)", "mu, 1.0, n)", "1d.handed"),
    Mistake("1d", S, "n times too many calls", "range(repeats)", "range(repeats * n)", "1d.calls"),
    Mistake("2a", "cauchy_schwarz", "the squared convention", "(4 * sigma**2)", "(2 * sigma**2)", "2a.squared"),
    Mistake("2a", "cauchy_schwarz", "σ in place of σ²", "(4 * sigma**2)", "(4 * sigma)", "2a.sigma_once"),
    Mistake(
        "2a",
        "cauchy_schwarz",
        "no logarithm",
        "return (mu1 - mu2) ** 2 / (4 * sigma**2)",
        "return math.exp(-((mu1 - mu2) ** 2) / (4 * sigma**2))",
        "2a.no_log",
    ),
    Mistake("2a", "kl", "log-variance term forgotten", "math.log(sigma2 / sigma1) + ", "", "2a.kl.no_logs"),
    Mistake(
        "2a",
        "kl",
        "the other way round",
        "(mu1, sigma1, mu2, sigma2):\n    return math.log",
        "(mu2, sigma2, mu1, sigma1):\n    return math.log",
        "2a.kl.reversed",
    ),
    Mistake("2a", "kl", "no −½", " - 0.5", "", "2a.kl.no_half"),
    Mistake(
        "2b",
        "cauchy_schwarz",
        "S in place of S + T",
        "s[:, None] + t[None]",
        "s[:, None] + 0 * t[None]",
        "2b.variances_not_added",
    ),
    Mistake(
        "2b",
        "cauchy_schwarz",
        "only a component with itself",
        "weights = w[:, None] * v[None]",
        "weights = torch.diag(w * w) if w is v else w[:, None] * v[None]",
        "2b.cross_terms",
    ),
    Mistake(
        "2b",
        "cauchy_schwarz",
        "weights not squared",
        "weights = w[:, None] * v[None]",
        "weights = torch.diag(w) if w is v else w[:, None] * v[None]",
        "2b.weights_once",
    ),
    Mistake(
        "2b",
        "cauchy_schwarz",
        "sum of densities",
        "torch.logsumexp(weights.log() + logs, dim=(0, 1))",
        "torch.log((weights * logs.exp()).sum())",
        "2b.overflow",
    ),
    Mistake(
        "2b",
        "cauchy_schwarz",
        "mean of logarithms",
        "torch.logsumexp(weights.log() + logs, dim=(0, 1))",
        "(weights * logs).sum()",
        "2b.logs_averaged",
    ),
    Mistake(
        "2b", "cauchy_schwarz", "no normalising constant", " + torch.log(2 * math.pi * total)", "", "2b.no_normaliser"
    ),
    Mistake(
        "2b",
        "cauchy_schwarz",
        "no root",
        "-both + 0.5 * log_overlap(w, mu, s, w, mu, s) + 0.5 *",
        "-both + log_overlap(w, mu, s, w, mu, s) +",
        "2b.roots_missing",
    ),
    Mistake(
        "3a",
        "Encoder",
        "the scan's row: kernel 2, stride 1, padding 2",
        "nn.Conv2d(8, 16, 3, stride=2, padding=1)",
        "nn.Conv2d(8, 16, 2, stride=1, padding=2)",
        "net.settings",
    ),
    Mistake(
        "3a",
        "Encoder",
        "no batch norm",
        "self.norm(torch.relu(self.conv2(x)))",
        "torch.relu(self.conv2(x))",
        "net.between_missing",
    ),
    Mistake(
        "3a",
        "Encoder",
        "batch norm before ReLU",
        "self.norm(torch.relu(self.conv2(x)))",
        "torch.relu(self.norm(self.conv2(x)))",
        "net.between_order",
    ),
    Mistake(
        "3a",
        "Encoder",
        "padding in the last convolution",
        "nn.Conv2d(16, 32, 3, stride=2)",
        "nn.Conv2d(16, 32, 3, stride=2, padding=1)",
        "net.settings",
    ),
    Mistake(
        "3a",
        "Encoder",
        "ReLU on the features",
        "return self.out(x.flatten(1))",
        "return torch.relu(self.out(x.flatten(1)))",
        "net.between_extra",
    ),
    Mistake(
        "3a",
        "Encoder",
        "no bias",
        "nn.Conv2d(8, 16, 3, stride=2, padding=1)",
        "nn.Conv2d(8, 16, 3, stride=2, padding=1, bias=False)",
        "net.bias_missing",
    ),
    Mistake("3a", "Decoder", "no sigmoid", "            nn.Sigmoid(),\n", "", "net.between_missing"),
    Mistake(
        "3a",
        "Decoder",
        "no output padding",
        "(16, 8, 3, stride=2, padding=1, output_padding=1)",
        "(16, 8, 3, stride=2, padding=1)",
        "net.settings",
    ),
    Mistake(
        "3a",
        "Decoder",
        "a linear layer too few",
        "nn.Linear(latent_dim, 128),\n            nn.ReLU(),\n            nn.Linear(128, 288),",
        "nn.Linear(latent_dim, 288),",
        "net.layer_missing",
    ),
    Mistake("3b", "reparameterise", "exp(log-variance)", "log_variance / 2", "log_variance", "3b.exp_log_variance"),
    Mistake(
        "3b",
        "reparameterise",
        "one draw for the batch",
        "torch.randn_like(mean)",
        "torch.randn_like(mean[0])",
        "3b.shared_batch",
    ),
    Mistake(
        "3b",
        "reparameterise",
        "one draw for all dimensions",
        "torch.randn_like(mean)",
        "torch.randn_like(mean[:, :1])",
        "3b.shared_dimensions",
    ),
    Mistake(
        "3b",
        "reparameterise",
        "drawn once",
        "    noise = torch.randn_like(mean)",
        "    torch.manual_seed(0)\n    noise = torch.randn_like(mean)",
        "3b.reused",
    ),
    Mistake("3b", "reparameterise", "`rand`", "randn_like", "rand_like", "3b.uniform"),
    Mistake(
        "3b",
        "reparameterise",
        "`torch.normal`",
        "return mean + std * noise",
        "return torch.normal(mean, std)",
        "3b.no_gradient",
    ),
    Mistake("3b", "Heads", "ReLU on the mean", "self.mean(x), ", "torch.relu(self.mean(x)), ", "3b.activated"),
    Mistake("3b", "Heads", "one layer for both", "self.log_variance(x)", "self.mean(x)", "3b.one_layer"),
    Mistake("3c", "output_size", "dilation forgotten", "dilation * (kernel - 1)", "(kernel - 1)", "3c.no_dilation"),
    Mistake("3c", "output_size", "output padding forgotten", " + output_padding", "", "3c.no_output_padding"),
    Mistake(
        "3c",
        "output_size",
        "the formula of Conv2d",
        "(size - 1) * stride - 2 * padding + dilation * (kernel - 1) + output_padding + 1",
        "(size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1",
        "3c.convolution",
    ),
    Mistake("3c", "output_size", "padding once", "2 * padding", "padding", "3c.padding_once"),
    Mistake("3c", "output_size", "the + 1 forgotten", "output_padding + 1", "output_padding", "3c.no_one"),
    Mistake("3d", "vae_loss", "KL averaged over dimensions", "- 1).sum(1)", "- 1).mean(1)", "3d.kl_mean"),
    Mistake("3d", "vae_loss", "KL over the wrong axis", "- 1).sum(1)", "- 1).sum(0).mean()", "3d.kl_batch_axis"),
    Mistake(
        "3d",
        "vae_loss",
        "reconstruction averaged over pixels",
        ".sum((1, 2, 3))",
        ".mean((1, 2, 3))",
        "3d.pixels_averaged",
    ),
    Mistake(
        "3d",
        "vae_loss",
        "β on the reconstruction",
        "reconstruction + beta * kl",
        "beta * reconstruction + kl",
        "3d.beta_on_reconstruction",
    ),
    Mistake("3d", "vae_loss", "the KL's sign", "kl = 0.5", "kl = -0.5", "3d.kl_sign"),
    Mistake("3d", "vae_loss", "½ forgotten", "kl = 0.5 * ", "kl = ", "3d.kl_not_halved"),
    Mistake(
        "3d",
        "vae_loss",
        "squared error",
        'F.binary_cross_entropy(decoded, images, reduction="none")',
        "((decoded - images) ** 2)",
        "3d.squares",
    ),
    Mistake(
        "3d",
        "vae_loss",
        "a second sigmoid",
        "F.binary_cross_entropy(",
        "F.binary_cross_entropy_with_logits(",
        "3d.sigmoid_twice",
    ),
    Mistake(
        "3g", "fid", "means not squared", "- 2 * cross)", "- 2 * cross - apart + apart.sqrt())", "3g.means_not_squared"
    ),
    Mistake("3g", "fid", "no means", "float(apart + ", "float(", "3g.no_means"),
    Mistake(
        "3g",
        "fid",
        "biased covariance",
        "torch.cov(first.T), torch.cov(second.T)",
        "torch.cov(first.T, correction=0), torch.cov(second.T, correction=0)",
        "3g.biased",
    ),
    Mistake(
        "3g",
        "fid",
        "root of the entries",
        "torch.linalg.eigvalsh(half @ t @ half).clamp_min(0).sqrt().sum()",
        "torch.trace((s @ t).clamp_min(0).sqrt())",
        "3g.elementwise",
    ),
    Mistake("3g", "fid", "no factor 2", "- 2 * cross", "- cross", "3g.no_two"),
    Mistake(
        "3g",
        "fid",
        "scipy's sqrtm",
        "torch.linalg.eigvalsh(half @ t @ half).clamp_min(0).sqrt().sum()",
        "__import__('numpy').trace(__import__('scipy.linalg').linalg.sqrtm((s @ t).numpy()))",
        "3g.few_fails",
    ),
    Mistake(
        "5a", "split_pair", "halves swapped", "return segmentation, photo", "return photo, segmentation", "5a.swapped"
    ),
    Mistake("5a", "split_pair", "[0, 1]", "/ 127.5 - 1", "/ 255", "5a.unit_range"),
    Mistake(
        "5a",
        "split_pair",
        "cut across",
        "image.shape[2] // 2\n    photo, segmentation = image[:, :, :half], image[:, :, half:]",
        "image.shape[1] // 2\n    photo, segmentation = image[:, :half], image[:, half:]",
        "5a.height",
    ),
    Mistake("5a", "split_pair", "still bytes", "image.float() / 127.5 - 1", "image", "5a.bytes"),
    Mistake(
        "5b",
        "DownSample",
        "a bias before batch norm",
        "nn.Conv2d(inputs, outputs, 4, 2, 1, bias=False)",
        "nn.Conv2d(inputs, outputs, 4, 2, 1)",
        "net.bias_before_norm",
    ),
    Mistake(
        "5b",
        "DownSample",
        "kernel 3",
        "nn.Conv2d(inputs, outputs, 4, 2, 1",
        "nn.Conv2d(inputs, outputs, 3, 2, 1",
        "net.settings",
    ),
    Mistake("5b", "UpSample", "dropout forgotten", "if dropout:", "if False:", "net.between_missing"),
    Mistake("5b", "Generator", "norm on the first layer", "norm=i not in (0, 7)", "norm=i != 7", "net.between_extra"),
    Mistake("5b", "Generator", "norm on the map of 1×1", "norm=i not in (0, 7)", "norm=i != 0", "5b.norm_on_one_pixel"),
    Mistake("5b", "Generator", "dropout in blocks 2–4", "dropout=i < 3", "dropout=1 <= i <= 3", "net.between_moved"),
    Mistake(
        "5b",
        "Generator",
        "no skip connections",
        "x = torch.cat([up(x), maps.pop()], 1)",
        "x = up(x)\n            x = torch.cat([x, x], 1)",
        "net.skip_missing",
    ),
    Mistake(
        "5b",
        "Generator",
        "sigmoid at the end",
        "torch.tanh(self.last(x))",
        "torch.sigmoid(self.last(x))",
        "net.between_other",
    ),
    Mistake(
        "5b",
        "Discriminator",
        "norm on the first layer",
        "nn.Conv2d(6, 64, 4, 2, 1),\n",
        "nn.Conv2d(6, 64, 4, 2, 1),\n            nn.BatchNorm2d(64),\n",
        "net.between_extra",
    ),
    Mistake(
        "5b",
        "Discriminator",
        "biases before batch norm",
        "nn.Conv2d(128, 256, 4, 2, 1, bias=False)",
        "nn.Conv2d(128, 256, 4, 2, 1)",
        "net.bias_before_norm",
    ),
    Mistake(
        "5b",
        "Discriminator",
        "stride 2 in the fourth layer",
        "nn.Conv2d(256, 512, 4, 1, 1, bias=False)",
        "nn.Conv2d(256, 512, 4, 2, 1, bias=False)",
        "net.settings",
    ),
    Mistake(
        "5b",
        "Discriminator",
        "sigmoid at the end",
        "nn.Conv2d(512, 1, 4, 1, 1),\n",
        "nn.Conv2d(512, 1, 4, 1, 1),\n            nn.Sigmoid(),\n",
        "5b.sigmoid",
    ),
    Mistake("5c", "discriminator_loss", "no detach", "made.detach()", "made", "5c.no_detach"),
    Mistake(
        "5c",
        "discriminator_loss",
        "labels swapped",
        "real], 1)), 1.0)\n    on_made = bce(discriminator(torch.cat([inputs, made.detach()], 1)), 0.0)",
        "real], 1)), 0.0)\n    on_made = bce(discriminator(torch.cat([inputs, made.detach()], 1)), 1.0)",
        "5c.labels_swapped",
    ),
    Mistake(
        "5c",
        "discriminator_loss",
        "sigmoid twice",
        "with_logits(logits,",
        "with_logits(logits.sigmoid(),",
        "5c.sigmoid_twice",
    ),
    Mistake("5c", "discriminator_loss", "without the condition", "torch.cat([inputs, real], 1)", "real", "5c.pairs"),
    Mistake(
        "5c",
        "generator_loss",
        "the loss that saturates",
        "return bce(verdict, 1.0)",
        "return -bce(verdict, 0.0)",
        "5c.g.saturating",
    ),
    Mistake("5c", "generator_loss", "λ forgotten", "+ weight * ", "+ ", "5c.g.weight_missing"),
    Mistake("5c", "generator_loss", "L2", "(made - real).abs()", "((made - real) ** 2)", "5c.g.squares"),
    Mistake(
        "5c", "generator_loss", "label 0", "return bce(verdict, 1.0)", "return bce(verdict, 0.0)", "5c.g.fools_not"
    ),
    Mistake(
        "5c",
        "generator_loss",
        "a detach too many",
        "torch.cat([inputs, made], 1)",
        "torch.cat([inputs, made.detach()], 1)",
        "5c.g.detached",
    ),
]


@cache  # the table is made of what the tests have seen
def examined(mistake: Mistake) -> Result:
    """What is found, in this process."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"exercise_{mistake.id}.py"
        path.write_text(mistake.source(), encoding="utf-8")
        (found,) = checks.examine(exercise(mistake.id), path, mistake.piece, mistake.piece)
    return found


def first(mistake: Mistake) -> Finding:
    """The finding that names it."""
    return next(finding for finding in examined(mistake).findings if finding.level == "wrong")


def table() -> str:
    """Every mistake, and what `check` says of it."""
    rows = ["| id | mistake | what `check` says |", "|---|---|---|"]
    rows += [f"| {m.id} `{m.piece}` | {m.what} | {first(m).sentence} |" for m in MISTAKES]
    return "\n".join(rows) + "\n"


def written(page: str, made: str) -> str:
    """The page with this table in its place."""
    before, rest = page.split(BEGIN)
    return before + BEGIN + made + END + rest.split(END)[1]


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), table()), encoding="utf-8")
    sys.stdout.write(f"written: {PAGE}\n")
