"""What conclusions and figures say, by id: studies hold data, the words stand here. English; others beside it."""

from collections.abc import Mapping
from typing import Any

ENGLISH: dict[str, str] = {
    # --- Gradient estimators (1d): conclusions ----------------------------------------------------------------------
    "gradients.agree": "The estimators agree: all {compared} measured means lie within the 95 % bound for all of them "
    "together ({bound:.2f} standard errors; the farthest is {largest:.2f} away).",
    "gradients.disagree": "{outside} of {compared} measured means lie outside the 95 % bound for all of them together "
    "({bound:.2f} standard errors; the farthest is {largest:.2f} away).",
    "gradients.zero": "For f = {f} the {estimator} estimator gives {mean:g} everywhere, because f is flat almost "
    "everywhere; the truth at μ = {mu:.2f} is {truth:.3f}. Here it is not noisy but wrong.",
    "gradients.best_per_sample": "f = {f}, per sample: for μ from {low:.2f} to {high:.2f}, {estimator} has the least "
    "variance; that of {rival} is {factor:.2f} times as large in the median.",
    "gradients.best_per_evaluation": "f = {f}, at equal evaluations of f: for μ from {low:.2f} to {high:.2f}, "
    "{estimator} has the least variance; that of {rival} is {factor:.2f} times as large in the median.",
    "gradients.worst": "f = {f}: {estimator} has the most variance, {least:.3g} to {largest:.3g} times the least one "
    "(per sample, over all μ).",
    "gradients.tie_per_sample": "f = {f}, per sample: for μ from {low:.2f} to {high:.2f}, {estimator} and {rival} "
    "cannot be told apart.",
    "gradients.tie_per_evaluation": "f = {f}, at equal evaluations of f: for μ from {low:.2f} to {high:.2f}, "
    "{estimator} and {rival} cannot be told apart.",
    "gradients.exact_per_sample": "f = {f}, per sample: for μ from {low:.2f} to {high:.2f}, {estimator} has no "
    "variance at all: one sample is exact.",
    "gradients.exact_per_evaluation": "f = {f}, at equal evaluations of f: for μ from {low:.2f} to {high:.2f}, "
    "{estimator} has no variance at all: one sample is exact.",
    "gradients.crossing_per_sample": "f = {f}: per sample the measure-valued estimator beats the pathwise one where "
    "|μ| < {measured:.3f} (exactly: {exact:.3f}).",
    "gradients.crossing_per_evaluation": "f = {f}: at equal evaluations of f the measure-valued estimator beats the "
    "pathwise one where |μ| < {measured:.3f} (exactly: {exact:.3f}).",
    "gradients.variance_exact": "The measured variances lie {median:.2%} from the exact ones in the median, "
    "{largest:.1%} at most ({compared} of them).",
    "gradients.by_n": "Averaging over N samples divides the variance by N: the slopes of log variance against log N "
    "lie between {least:.3f} and {largest:.3f} ({curves} curves).",
    "gradients.cost": "A single-sample gradient by {estimator} takes {nanoseconds:.0f} ns and {evaluations:g} "
    "evaluation(s) of f.",
    "gradients.mohamed": "{agree} of {compared} variances published by Mohamed et al. (2020, figures 2 and 3) agree "
    "with the exact ones to every digit given; the largest difference is {largest:.1%}.",
    "gradients.mohamed_crossings": "The score function has a lower variance than the pathwise estimator for exp(−kz²) "
    "above k = {exp:.3f} and for cos kz above k = {cos:.3f} (μ = σ = 1).",
    # --- Gradient estimators: names and labels ----------------------------------------------------------------------
    "estimator.pathwise": "pathwise (α)",
    "estimator.score-function": "score function (β)",
    "estimator.score-function:leave_one_out": "score function, leave-one-out",
    "estimator.score-function:optimal": "score function, optimal baseline",
    "estimator.score-function:delta": "score function, delta baseline",
    "estimator.measure-valued": "measure-valued (γ)",
    "estimator.measure-valued:shared": "measure-valued, shared",
    "estimator.measure-valued:antithetic": "measure-valued, antithetic",
    "estimator.finite-difference": "finite difference",
    "gradients.figure.means": "Mean of single-sample gradients against μ",
    "gradients.figure.variances": "Variance of a single-sample gradient against μ",
    "gradients.figure.per_evaluation": "Variance at one evaluation of f, against μ",
    "gradients.figure.means_by_n": "Mean of estimates from N samples, at μ = {mu:g}",
    "gradients.figure.variances_by_n": "Variance of an estimate from N samples, at μ = {mu:g}",
    "gradients.figure.mohamed_square": "Mohamed et al. (2020), figure 2: (z − k)², μ = σ = 1",
    "gradients.figure.mohamed_others": "Mohamed et al. (2020), figure 3: μ = σ = 1",
    "gradients.axis.mu": "mean μ",
    "gradients.axis.n": "samples N",
    "gradients.axis.k": "k",
    "gradients.axis.gradient": "estimate of dE[f]/dμ",
    "gradients.axis.variance": "variance",
    "gradients.legend.exact": "exact",
    "gradients.legend.zero": "identically 0",
    "gradients.family.square": "(z − k)²",
    "gradients.family.exp": "exp(−kz²)",
    "gradients.family.cos": "cos kz",
    # --- Pages and runs --------------------------------------------------------------------------------------------
    "page.run": "Run {name}",
    "page.contents": "Contents",
    "page.what": "{name}: what was trained",
    "page.curves": "Losses over training",
    "page.curves_alt": "Each term of the loss against epochs: the training mean as a line, validation as points",
    "page.images": "Test images, their reconstructions, and samples from noise (3e)",
    "page.latent": "Walks through the latent",
    "page.numbers": "On the test part",
    "page.units": "Which latent dimensions are used",
    "page.units_alt": "Variance of the posterior mean of each of {total} latent dimensions; {active} lie above "
    "{threshold}",
    "page.previews": "The same validation images over training",
    "page.previews_text": "Rows: originals, reconstructions, images decoded from the same noise each time.",
    "page.previews_alt": "Originals, reconstructions and samples after {epoch} epochs",
    "page.epoch": "epoch {epoch}",
    "page.hyperparameters": "Every hyper-parameter",
    "page.changed": "Values with a star differ from the default.",
    "page.unchanged": "Every value is the default.",
    "page.again": "To make this again",
    "page.again_text": "From the folder that holds this run's:",
    "page.metric": "Metric",
    "page.value": "Value",
    "page.unit": "Unit",
    "page.option": "Option",
    "page.meaning": "Meaning",
    "page.protocol": "How each number was made",
    "page.theme": "light or dark",
    "page.made": "Made by Arzhang from the files of its runs; this page asks nothing of the network.",
    "label.train": "training",
    "label.validation": "validation",
    "label.epochs": "epochs",
    "label.loss": "Loss (nats per image)",
    "label.reconstruction": "Reconstruction (nats per image)",
    "label.kl": "KL divergence (nats per image)",
    "label.negative_elbo": "Negative ELBO (nats per image)",
    "label.log_likelihood": "log p(x), importance-weighted",
    "label.bits_per_dimension": "Bits per dimension",
    "label.active_units": "Active units",
    "label.pixel_mse": "Squared error of a pixel",
    "label.pixel_mae": "Absolute error of a pixel",
    "label.dimension": "latent dimension, most active first",
    "label.variance": "variance of the mean",
    "label.originals": "Test images",
    "label.originals_alt": "100 images of the test part in rows of ten",
    "label.reconstructions": "Their reconstructions",
    "label.reconstructions_alt": "The reconstructions of the same 100 test images, in the same places",
    "label.samples": "Decoded from noise",
    "label.samples_alt": "100 images decoded from random noise in rows of ten",
    "label.interpolation": "Interpolation: each row goes from one test image to another in a straight line of the "
    "latent",
    "label.interpolation_alt": "Rows of ten images that turn one reconstructed test image into another",
    "label.traversal": "Traversal: each row moves one active latent dimension from −3 to 3, the most active first",
    "label.traversal_alt": "Rows of eleven images, each varying one latent dimension of the same test image",
    "missing.curves": "Nothing is logged yet; `arzhang resume {run}` goes on with the training.",
    "missing.figures": "Some of these pictures are not made yet: `arzhang evaluate {run}` makes them.",
    "missing.evaluation": "Not measured yet: `arzhang evaluate {run}` does it.",
    "missing.previews": "No previews yet: they are drawn while the run trains.",
    "run.trained": "A {system} on {data}: {epochs} of {planned} epochs in {minutes:.1f} minutes, {batch} images a "
    "step.",
    "run.untrained": "A {system} on {data}: of {planned} epochs none is finished yet.",
    "run.still_falling": "Validation loss fell by {change:.2f}, from {before:.2f} to {after:.2f}, between the means of "
    "the last two stretches of {epochs} epochs: training longer would still lower it.",
    "run.no_longer_falling": "Validation loss went from {before:.2f} to {after:.2f} between the means of the last two "
    "stretches of {epochs} epochs: it no longer falls.",
    "run.gap": "In the last epoch the loss is {train:.2f} on training images and {validation:.2f} on validation images, "
    "a difference of {gap:+.2f}.",
    "run.pixel_error": "Over {n:,} test images a reconstruction is off by {mse:.4f} squared grey values a pixel.",
    "run.shares": "Of the negative ELBO, reconstruction takes {reconstruction:.1f} nats and the divergence from the "
    "prior {kl:.1f}, a share of {share:.1%}.",
    "run.likelihood": "With {samples} importance samples an image, −log p(x) is at most {likelihood:.2f} nats, "
    "{gap:.2f} below the negative ELBO of {elbo:.2f}. Of the {samples} samples {effective_samples:.1f} count "
    "effectively.",
    "run.not_normalised": "The likelihood here is a Bernoulli cross-entropy on grey pixels, which is not a normalised "
    "density: these nats compare models of this kind with one another and are not bits.",
    "run.all_active": "All {total} latent dimensions are active (the variance of their mean is over {threshold}): a "
    "larger latent may still help.",
    "run.some_active": "{active} of {total} latent dimensions are active (the variance of their mean is over "
    "{threshold}); the others carry next to nothing.",
    "run.none_active": "None of {total} latent dimensions is active: the posterior has collapsed onto the prior. A "
    "smaller --beta or a --kl-warmup of a few epochs is what to try.",
}


def words(id: str, values: Mapping[str, Any] | None = None, language: Mapping[str, str] = ENGLISH) -> str:
    """The sentence of a conclusion, or a label; estimators are called by their names in that language.

    >>> words("gradients.cost", {"estimator": "pathwise", "nanoseconds": 29.6, "evaluations": 1})
    'A single-sample gradient by pathwise (α) takes 30 ns and 1 evaluation(s) of f.'
    """
    values = {
        key: language.get(f"estimator.{value}", value) if isinstance(value, str) else value
        for key, value in (values or {}).items()
    }
    return language[id].format(**values)
