"""What conclusions and figures say, by id: studies hold data, the words stand here. English; others beside it."""

from collections.abc import Mapping
from typing import Any

ENGLISH: dict[str, str] = {
    # --- Gradient estimators (1d): conclusions ----------------------------------------------------------------------
    "gradients.agree": "The estimators agree: all {compared} measured means lie within the 95 % bound for all of them "
    "together ({bound:.2f} standard errors; the farthest is {largest:.2f} away).",
    "gradients.disagree": "{outside} of {compared} measured means lie outside the 95 % bound for all of them together "
    "({bound:.2f} standard errors; the farthest is {largest:.2f} away).",
    "gradients.astray": "For f = {f} the mean of the {estimator} estimator lies outside the bound at {count} values of "
    "μ, farthest at μ = {mu:.2f}: {mean:.3g} where the truth is {truth:.3g}. Where f jumps the pathwise estimator is "
    "biased; elsewhere look for infinite variance.",
    "gradients.diverges": "f = {f}: the integral of the {estimator} estimator's variance does not converge; what is "
    "measured of it depends on the largest draws.",
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
    # --- Pages ------------------------------------------------------------------------------------------------------
    # --- A study on a page ------------------------------------------------------------------------------------------
    "study.options": "Options of this study",
    "study.made": "Made by {command}.",
    "study.gradients": "Three ways to differentiate an expectation",
    "study.gradients_about": "η = d/dμ E[f(z)], z ∼ N(μ, {sigma:g}²), by {estimators:d} estimators: each measured "
    "from {samples:,} single-sample gradients at every mean, beside what it must be.",
    "table.gradients.at_one": "Every estimator at the mean nearest to μ = 1",
    "column.f": "f",
    "column.estimator": "Estimator",
    "column.mean": "Mean",
    "column.truth": "True gradient",
    "column.variance": "Variance",
    "column.exact": "Exact variance",
    "column.per_evaluation": "Variance at one evaluation",
    "column.nanoseconds": "Time a sample, ns",
    "study.batches": "Why the variance matters: small batches",
    "study.batches_about": "The same small VAE without batch normalisation, trained on {images:,} images for {epochs} "
    "epochs: only the estimator of the latent's gradient and the batch size differ. The variance is that of the whole "
    "encoder's gradient, all at the same trained weights.",
    "table.batches.arms": "Every arm in numbers",
    "column.batch": "Batch",
    "column.elbo": "Negative ELBO",
    "column.seconds": "Seconds",
    "column.signal": "Squared mean gradient",
    "batches.figure.batches": "Negative ELBO on validation, and variance of the encoder's gradient",
    "batches.axis.size": "batch size",
    "batches.axis.seconds": "seconds of training (thicker: larger batches)",
    "batches.axis.elbo": "negative ELBO, nats",
    "batches.axis.variance": "variance, summed over weights",
    "batches.best": "The lowest validation negative ELBO after these epochs, {elbo:.1f} nats, is of {estimator} at "
    "batch {batch_size}.",
    "batches.reference": "{estimator}: {elbo_small:.1f} nats at batch {small}, {elbo_large:.1f} at batch {large}.",
    "batches.estimator": "{estimator}: {elbo_small:.1f} nats at batch {small}, {elbo_large:.1f} at batch {large}. At "
    "batch {small} its gradient has {variance_ratio:.3g} times the variance of {reference}; variance falls with the "
    "batch, so a batch of about {equivalent_batch:.0f} would be as quiet as {reference} at {small}.",
    "study.sweep": "A sweep",
    "study.sweep_about": "The same recipe trained again and again, with nothing but the swept options changed; every "
    "number is of the test part, its bar the standard error over images.",
    "table.sweep.runs": "Every run in numbers",
    "sweep.figure.terms": "Every measure against {option}",
    "sweep.rises": "{term} rises with {option} throughout, from {first:.4g} at {from:g} to {last:.4g} at {to:g}.",
    "sweep.falls": "{term} falls with {option} throughout, from {first:.4g} at {from:g} to {last:.4g} at {to:g}.",
    "sweep.turns": "{term} goes up and down with {option}: least at {least_at:g} ({least:.4g}), greatest at "
    "{greatest_at:g} ({greatest:.4g}).",
    "study.divergences": "The Cauchy–Schwarz divergence",
    "study.divergences_about": "D_CS(p‖q) = −log(∫pq / √(∫p² ∫q²)), in closed form for Gaussians and their mixtures, "
    "beside the two KL divergences of the same pairs.",
    "divergences.figure.curves": "Two normals: apart by their means, and by their variances",
    "divergences.figure.failures": "Pairs for which D_CS ≤ min KL is false",
    "divergences.figure.map": "D_CS against the lesser KL of random pairs",
    "divergences.axis.distance": "distance of the means, σ = 1",
    "divergences.axis.ratio": "ratio of the variances",
    "divergences.axis.nats": "nats",
    "divergences.axis.density": "density",
    "divergences.axis.scale": "width of the narrow component",
    "divergences.axis.least": "min{{KL(p‖q), KL(q‖p)}}",
    "divergences.legend.cs": "D_CS",
    "divergences.legend.quadrature": "D_CS by quadrature",
    "divergences.legend.kl": "KL(p‖q)",
    "divergences.legend.reverse": "KL(q‖p)",
    "divergences.legend.p": "p",
    "divergences.legend.q": "q",
    "divergences.legend.below": "the bound holds",
    "divergences.legend.above": "it fails",
    "divergences.legend.equal": "equality",
    "divergences.pair.squared": "squared: N(0, 1), N(3, 2²)",
    "divergences.pair.mixture": ".7 N(0, 1) + .3 N(0, .05²), N(0, 1)",
    "divergences.shrinking_title": "the narrow component shrinks",
    "divergences.gaussians_title": "Gaussians",
    "divergences.mixtures_title": "mixtures of two",
    "divergences.note": "D_CS {cs:.3f}\nKL(p‖q) {kl:.3f}\nKL(q‖p) {reverse:.3f}",
    "table.divergences.failures": "The pairs in numbers",
    "column.pair": "Pair",
    "column.cs": "D_CS",
    "column.forward": "KL(p‖q)",
    "column.backward": "KL(q‖p)",
    "divergences.closed": "The closed form and quadrature differ by {error:.1e} nats at most.",
    "divergences.half": "At equal variance D_CS is half the KL divergence (to {error:.1e} nats).",
    "divergences.gaussians": "Of {n:,} random pairs of Gaussians in up to {d} dimensions none has D_CS above the lesser "
    "KL; the largest ratio of the two is {largest:.3f}. For Gaussians in the unsquared convention this is a theorem.",
    "divergences.gaussians_fail": "{above:,} of {n:,} random pairs of Gaussians have D_CS above the lesser KL, which a "
    "theorem excludes: something is wrong.",
    "divergences.mixtures": "Of {n:,} random pairs of mixtures, {above:,} ({share:.1%}) have D_CS above the lesser KL: "
    "for mixtures the inequality is false.",
    "divergences.fails_squared": "In the squared convention it fails for Gaussians, too: N(0, 1) and N(3, 2²) have "
    "{cs:.3f}, above the lesser KL of {kl:.3f}.",
    "divergences.fails_mixture": "Unsquared, it fails for .7 N(0, 1) + .3 N(0, .05²) and N(0, 1): D_CS is {cs:.3f}, the "
    "KLs are {kl:.3f} and {other:.3f}.",
    "divergences.shrinking": "As that narrow component shrinks to a width of {scale:.0e}, D_CS goes from {first:.3g} to "
    "{last:.3g} and on without bound, KL(q‖p) stays below {kl:.3f}: a learned prior needs a floor under its variances.",
    # --- Choosing β, and whether codes come apart (3d) --------------------------------------------------------------
    "study.beta": "Choosing β",
    "study.beta_about": "A VAE for each of {beta} values of β and each of {seeds} seeds, {epochs} epochs each, and a "
    "σ-VAE beside them (Gaussian, its scale learned, no β). Everything is measured on the validation part; the test part "
    "is not looked at. Criterion: the largest β whose samples are, within one standard error, as near to the validation "
    "images as those of the best β.",
    "table.beta.arms": "Every β in numbers: means over seeds, on the validation part",
    "table.beta.sprites": "Sprites: MIG and DCI in numbers",
    "column.beta": "β",
    "column.beta_normalised": "β·M/N",
    "column.samples_error": "± of FD of samples",
    "beta.sigma_vae": "σ-VAE",
    "beta.chosen": "Chosen: β = {beta:g} (β·M/N = {normalised:.2g}). The samples nearest to the validation images are those of "
    "β = {lowest:g}, {distance} {least:.2f} ± {least_error:.2f}; the largest β within one standard error of it (below "
    "{threshold:.2f}) has {value:.2f}. Floor, {n:,} training images: {floor:.2f}.",
    "beta.chosen_lowest": "Chosen: β = {beta:g} (β·M/N = {normalised:.2g}). Its samples are nearest to the validation images, "
    "{distance} {value:.2f} ± {error:.2f}, and no larger β lies within one standard error of it (below {threshold:.2f}). "
    "Floor, {n:,} training images: {floor:.2f}.",
    "beta.edge": "The lowest distance lies at the end of the grid, β = {beta:g}: the best β may lie beyond it.",
    "beta.others": "The validation ELBO is best at β = {elbo:g} and the error of a pixel at β = {mse:g}. Neither can "
    "choose: β = 1 is what the ELBO asks for by its form, and the smallest β reconstructs best.",
    "beta.rate": "From β = {from:g} to {to:g} the rate goes from {rate_first:.1f} to {rate_last:.1f} nats, the distortion "
    "from {distortion_first:.1f} to {distortion_last:.1f}, the active units from {units_first:.3g} to {units_last:.3g}.",
    "beta.gap": "At β = {from:g} samples have {distance} {samples_first:.2f} where reconstructions have {made_first:.2f}; at "
    "β = {to:g}, {samples_last:.2f} and {made_last:.2f}. What reconstructions have is the decoder's blur; what samples have "
    "beyond it is due to codes that the prior gives and no image has.",
    "beta.sigma_alike": "The σ-VAE, which has no β, settles at σ = {sigma:.3f}, a rate of {rate:.1f} nats and {units:.3g} active "
    "units; its samples, {distance} {value:.2f} ± {error:.2f}, cannot be told from those at the chosen β = {beta:g} "
    "(difference {difference:.2f} ± {spread:.2f}).",
    "beta.sigma_better": "The σ-VAE, which has no β, settles at σ = {sigma:.3f}, a rate of {rate:.1f} nats and {units:.3g} active "
    "units; its samples, {distance} {value:.2f} ± {error:.2f}, are nearer than those at the chosen β = {beta:g} by "
    "{difference:.2f} ± {spread:.2f}.",
    "beta.sigma_worse": "The σ-VAE, which has no β, settles at σ = {sigma:.3f}, a rate of {rate:.1f} nats and {units:.3g} active "
    "units; its samples, {distance} {value:.2f} ± {error:.2f}, are farther than those at the chosen β = {beta:g} by "
    "{difference:.2f} ± {spread:.2f}.",
    "beta.apart": "On sprites {term} is highest at β = {best:g} (β·M/N = {normalised:.2g}): {highest:.2f} ± {error:.2f}; lowest at "
    "β = {worst:g}: {lowest:.2f} ± {lowest_error:.2f}.",
    "beta.apart_one": "On sprites {term} is highest at β = {best:g} (β·M/N = {normalised:.2g}): {highest:.2f}; lowest at "
    "β = {worst:g}: {lowest:.2f}. One seed: without an error.",
    "beta.factors": "The gaps of the single factors at β = {beta:g}: {factors}.",
    "beta.informed": "The factor that can be told least well from the codes at β = {beta:g} is {factor} "
    "(informativeness {value:.2f}).",
    "beta.samples_images": "Ten samples of each, the first seed; from the top: {betas}",
    "beta.samples_sprites": "Sprites: ten samples of each β, the first seed; from the top: {betas}",
    "beta.traversal_images": "{told}: each of {units} active units from −3 to 3, the most active first",
    "beta.traversal_sprites": "Sprites, {told}: each of {units} active units from −3 to 3, the most active first",
    "beta.figure.choice": "Distances from the validation images against β, and the ELBO",
    "beta.figure.rates": "Rate, distortion and active units",
    "beta.figure.disentanglement": "Sprites: how far codes come apart, against β",
    "beta.axis.beta": "β",
    "beta.axis.normalised": "β·M/N",
    "beta.axis.rate": "rate: KL from the prior, nats",
    "beta.panel.fd": "FD on a classifier's features",
    "beta.panel.fid": "FID",
    "beta.panel.kid": "KID",
    "beta.panel.elbo": "negative ELBO, nats",
    "beta.panel.reconstruction": "distortion: reconstruction, nats",
    "beta.panel.pixel_mse": "distortion: squared error of a pixel",
    "beta.panel.active_units": "active units",
    "beta.panel.mig": "mutual information gap (MIG)",
    "beta.panel.mig_factors": "MIG of each factor",
    "beta.panel.dci": "DCI",
    "beta.legend.samples": "samples",
    "beta.legend.reconstructions": "reconstructions",
    "beta.legend.elbo": "negative ELBO",
    "beta.legend.sigma": "the same of the σ-VAE",
    "beta.legend.floor": "floor: training images",
    "beta.legend.chosen": "chosen: β = {beta:g}",
    "beta.legend.beta_vae": "β-VAE, each at its β",
    "beta.factor.shape": "shape",
    "beta.factor.scale": "scale",
    "beta.factor.rotation": "rotation",
    "beta.factor.x": "x",
    "beta.factor.y": "y",
    "label.mig": "MIG",
    "label.mig_shape": "MIG of shape",
    "label.mig_scale": "MIG of scale",
    "label.mig_rotation": "MIG of rotation",
    "label.mig_x": "MIG of x",
    "label.mig_y": "MIG of y",
    "label.disentanglement": "Disentanglement",
    "label.completeness": "Completeness",
    "label.informativeness": "Informativeness",
    "term.disentanglement": "disentanglement (DCI)",
    # --- What each metric sees (3f, 3h) -----------------------------------------------------------------------------
    "study.metrics": "What each image metric sees",
    "study.metrics_about": "{n:,} validation images against {n:,} training images, untouched and spoilt in known ways, on the "
    "same features. A metric sees a way of spoiling where it leaves what {repeats} sets of untouched images have by more than "
    "chance does once in a thousand (Student's t).",
    "table.metrics.sees": "Which metric sees what, and from where on",
    "table.metrics.values": "Every number",
    "table.metrics.protocols": "FID of untouched images: validation images by the protocol of the row, training images by that of the column",
    "column.metric": "Metric",
    "column.spoilt": "Images",
    "column.protocol": "Protocol",
    "column.metrics_blur": "Blur",
    "column.metrics_noise": "Noise",
    "column.metrics_modes": "Classes left out",
    "column.metrics_copies": "Copies",
    "column.metrics_fewer": "Fewer images",
    "column.metrics_resize": "Resized and back",
    "column.metrics_fd": "FD",
    "column.metrics_fid": "FID",
    "column.metrics_kid": "KID",
    "column.metrics_precision": "Precision",
    "column.metrics_recall": "Recall",
    "column.metrics_density": "Density",
    "column.metrics_coverage": "Coverage",
    "column.metrics_sliced_wasserstein": "Sliced Wasserstein",
    "metrics.name.fd": "FD",
    "metrics.name.fid": "FID",
    "metrics.name.kid": "KID",
    "metrics.name.precision": "precision",
    "metrics.name.recall": "recall",
    "metrics.name.density": "density",
    "metrics.name.coverage": "coverage",
    "metrics.name.sliced_wasserstein": "sliced Wasserstein",
    "metrics.kind.blur": "blur",
    "metrics.kind.noise": "noise",
    "metrics.kind.modes": "classes left out",
    "metrics.kind.copies": "copies",
    "metrics.kind.fewer": "fewer images",
    "metrics.kind.resize": "resizing",
    "metrics.kind.floor": "untouched",
    "metrics.level.blur": "σ = {level} px",
    "metrics.level.noise": "σ = {level}",
    "metrics.level.modes": "{level} left out",
    "metrics.level.copies": "{level} times each",
    "metrics.level.fewer": "n/{level}",
    "metrics.level.resize": "{level}",
    "metrics.cell.worse": "from {level}",
    "metrics.cell.better": "better from {level}",
    "metrics.cell.worse_each": "{levels}",
    "metrics.cell.better_each": "better: {levels}",
    "metrics.cell.blind": "–",
    "metrics.reconstructions": "Reconstructions",
    "metrics.samples": "Samples",
    "metrics.worse": "{metric} gets worse with: {kinds}.",
    "metrics.better": "{metric} is fooled, it gets better with: {kinds}.",
    "metrics.blind": "{metric} does not tell from chance: {kinds}.",
    "metrics.bias": "Untouched images have {metric} {whole:.2f} at n = {n:,} and {part:.2f} at n = {few:,}: it is biased upward. "
    "KID, unbiased by its form, has {kid_whole:.4f} and {kid_part:.4f} ± {kid_error:.4f}.",
    "metrics.like_blur": "{which} of the VAE have {metric} {value:.2f}, as have training images blurred by σ = {blur:.2f} pixels; "
    "precision {precision:.2f}, recall {recall:.2f}, coverage {coverage:.2f}.",
    "metrics.beyond_blur": "{which} of the VAE have {metric} {value:.2f}, more than training images blurred by σ = {blur:.2f} "
    "pixels; precision {precision:.2f}, recall {recall:.2f}, coverage {coverage:.2f}.",
    "metrics.protocols": "Untouched images, n = {n:,}: FID {low:.1f} to {high:.1f} where both sets are made ready by one protocol, "
    "{least:.1f} to {most:.1f} where by two (most: {one} against {other}). Scores of two protocols must not be compared.",
    "metrics.sheet": "Untouched; blur of σ = {blur} pixels; noise of σ = {noise}; resized to 5/7 and back: {resize}",
    "metrics.figure.sees": "Every metric against the strength of what is done to the images",
    "metrics.axis.strength": "strength (0: untouched)",
    "metrics.panel.lower": "{metric} (lower is better)",
    "metrics.panel.higher": "{metric} (higher is better)",
    "metrics.legend.blur": "blur: σ {levels} px",
    "metrics.legend.noise": "noise: σ {levels}",
    "metrics.legend.modes": "classes left out: {levels}",
    "metrics.legend.copies": "copies of each: {levels}",
    "metrics.legend.fewer": "fewer images: n over {levels}",
    "metrics.legend.resize": "resized by rule: {levels}",
    "metrics.legend.floor": "untouched, and what chance does",
    "metrics.legend.reconstructions": "a VAE's reconstructions",
    "metrics.legend.samples": "a VAE's samples",
    "term.completeness": "completeness",
    "term.informativeness": "informativeness",
    # --- A page -----------------------------------------------------------------------------------------------------
    "page.contents": "Contents",
    "page.theme": "Colours",
    "page.theme_auto": "auto",
    "page.theme_light": "light",
    "page.theme_dark": "dark",
    "page.made": "Made by Arzhang {version} from the files of its runs. This page asks nothing of the network.",
    "page.assignment": "assignment {id}",
    # --- Names of what a run logs and measures ----------------------------------------------------------------------
    "system.vae": "β-VAE",
    "system.cs_vae": "Cauchy–Schwarz VAE",
    "label.loss": "Loss",
    "label.reconstruction": "Reconstruction",
    "label.kl": "KL from the prior",
    "label.negative_elbo": "Negative ELBO",
    "label.lr": "Learning rate",
    "label.log_likelihood": "log p(x), importance-weighted",
    "label.bits_per_dimension": "Bits per dimension",
    "label.active_units": "Active latent units",
    "label.pixel_mse": "Squared error of a pixel",
    "label.pixel_mae": "Absolute error of a pixel",
    "label.fid_reconstructions": "FID of reconstructions",
    "label.fid_samples": "FID of samples",
    "label.fid_floor": "FID floor: training images",
    "label.fid_infinity_reconstructions": "FID∞ of reconstructions",
    "label.fid_infinity_samples": "FID∞ of samples",
    "label.fid_infinity_floor": "FID∞ floor: training images",
    "label.fd_reconstructions": "FD of reconstructions, on a classifier's features",
    "label.fd_samples": "FD of samples, on a classifier's features",
    "label.fd_floor": "FD floor: training images",
    "label.accuracy": "Accuracy",
    "label.cross_entropy": "Cross-entropy",
    "system.classifier": "Classifier",
    "label.kid_reconstructions": "KID of reconstructions",
    "label.kid_samples": "KID of samples",
    "label.kid_floor": "KID floor: training images",
    "label.precision_reconstructions": "Precision of reconstructions",
    "label.precision_samples": "Precision of samples",
    "label.precision_floor": "Precision floor: training images",
    "label.recall_reconstructions": "Recall of reconstructions",
    "label.recall_samples": "Recall of samples",
    "label.recall_floor": "Recall floor: training images",
    "label.density_reconstructions": "Density of reconstructions",
    "label.density_samples": "Density of samples",
    "label.density_floor": "Density floor: training images",
    "label.coverage_reconstructions": "Coverage of reconstructions",
    "label.coverage_samples": "Coverage of samples",
    "label.coverage_floor": "Coverage floor: training images",
    "label.sliced_wasserstein_reconstructions": "Sliced Wasserstein distance of reconstructions",
    "label.sliced_wasserstein_samples": "Sliced Wasserstein distance of samples",
    "label.sliced_wasserstein_floor": "Sliced Wasserstein distance floor: training images",
    "label.cauchy_schwarz": "D_CS from the prior",
    "label.effective_samples": "Effective samples of log p(x)",
    "label.objective": "Objective: reconstruction + λ · divergence",
    "label.posterior_gap": "Gap, KL(q ‖ posterior)",
    "label.components_used": "Components in use",
    "label.components_entropy": "Entropy of component usage",
    "label.component_accuracy": "Clustering accuracy of components",
    "label.component_nmi": "Mutual information of components and classes",
    "label.kmeans_accuracy": "Clustering accuracy of k-means on codes",
    "label.kmeans_nmi": "Mutual information of k-means clusters and classes",
    "label.d_real": "Discriminator on real ones",
    "label.d_fake": "Discriminator on made ones",
    "label.d_accuracy": "Discriminator's accuracy",
    "label.g_adversarial": "Generator: the game",
    "label.g_cycle": "Generators: L1 there and back",
    "label.g_identity": "Generators: L1 of what should stay",
    "label.cycle_l1": "L1 there and back",
    "label.cycle_l1_inputs": "L1 there and back: inputs",
    "label.cycle_l1_images": "L1 there and back: images",
    "term.cycle_l1": "L1 there and back",
    "label.g_l1": "Generator: L1",
    "label.l1": "L1",
    "label.mse": "Mean squared error",
    "label.psnr": "PSNR",
    "label.ssim": "SSIM",
    "label.ms_ssim": "MS-SSIM",
    "label.lpips": "LPIPS",
    "label.kid": "KID of made images",
    "label.made_variety": "Variety of made images",
    "label.real_variety": "Variety of real images",
    "label.variety": "Variety over dropout",
    "label.fid_made": "FID of made images",
    "label.fd_made": "FD of made images",
    "label.kid_made": "KID of made images",
    "label.pixel_accuracy_made": "FCN-score: pixel accuracy on made images",
    "label.pixel_accuracy_real": "FCN-score: pixel accuracy on real images",
    "label.pixel_accuracy_grey": "FCN-score: pixel accuracy on grey",
    "label.class_accuracy_made": "FCN-score: class accuracy on made images",
    "label.class_accuracy_real": "FCN-score: class accuracy on real images",
    "label.class_accuracy_grey": "FCN-score: class accuracy on grey",
    "label.class_iou_made": "FCN-score: class IoU on made images",
    "label.class_iou_real": "FCN-score: class IoU on real images",
    "label.class_iou_grey": "FCN-score: class IoU on grey",
    "label.told_samples": "Samples that a classifier takes for the class asked for",
    "label.told_real": "The classifier's accuracy on test images",
    "system.pix2pix": "pix2pix",
    "option.beta": "weight of the divergence, β or λ",
    "system.segmenter": "Segmenter",
    "system.l1_alone": "L1 alone",
    "system.cyclegan": "CycleGAN",
    "system.gan": "GAN",
    "system.cgan": "Conditional GAN",
    "term.l1": "L1",
    "term.loss": "loss",
    "term.negative_elbo": "negative ELBO",
    # --- Health: what a log says, with what to do ---------------------------------------------------------------------
    "health.discriminator_saturated": "The discriminator is saturated: in epoch {epoch} it told {accuracy:.1%} of real and made apart at a loss of {loss:.3f}. The generator hears little from the game; if its images do not get better, try --adversarial lsgan, a smaller learning rate or, of patches, a smaller --receptive-field.",
    "health.discriminator_guesses": "The discriminator guesses: in epoch {epoch} it was right {accuracy:.1%} of the time. Either the images are that good, which the pictures will tell, or it learns too slowly to teach the generator anything.",
    "health.generator_collapsed": "The generator has collapsed: its images differ by {made:.3f} from their mean, real ones by {real:.3f} ({share:.0%}). It makes nearly the same image whatever it is given; begin anew with a smaller learning rate or, where there is an L1 term, a larger weight of it.",
    "health.l1_flat": "The L1 term stands still: {first:.4f} at first, {middle:.4f} in epoch {since}, {last:.4f} now. What the input leaves open, such as colours and light, is a floor to it. If the images look wrong as well, see whether inputs and images belong together (`arzhang data show`).",
    "health.overfitting": "Overfitting: validation L1 was lowest in epoch {best} ({validation_best:.4f}) and is {validation_last:.4f} in epoch {last}, while in training it fell from {train_best:.4f} to {train_last:.4f}. In a game L1 also rises as images get sharper, so look at KID beside it; more data, jitter and mirroring help, and the best checkpoint is kept.",
    # --- A run: what was trained ------------------------------------------------------------------------------------
    "run.title": "{system} on {dataset}",
    "run.setup": "What was trained, and with what",
    "run.setup_images": "{system} on {dataset}, {train:,} images of {width}×{height} pixels ({channels}).",
    "run.setup_course": "{epochs} epochs in batches of {batch_size}: {steps:,} steps in {duration}, with Adam at a "
    "learning rate of {lr:g} ({schedule}).",
    "run.setup_vae": "β = {beta:g}, a latent of {latent_dim} dimensions, {likelihood} likelihood.",
    "run.setup_prior": "The prior is a mixture of {components} Gaussians, the divergence from it {divergence}, weighed "
    "λ = {beta:g}; a latent of {latent_dim} dimensions, {likelihood} likelihood.",
    "run.not_a_bound": "With D_CS the objective is no bound on log p(x) for any λ, since KL may exceed D_CS by any "
    "factor; the negative ELBO beside it is that of the same model by the KL.",
    "run.setup_result": "On {n:,} test images the negative ELBO came to {value} nats an image.",
    "run.setup_unfinished": "So far {done} of {epochs} epochs are trained; the page shows the run up to there.",
    "run.setup_not_begun": "No epoch is finished yet.",
    "run.setup_unreadable": "Lines of metrics.jsonl that could not be read and are left out: {n}.",
    "run.channels_1": "grey",
    "run.channels_3": "colour",
    "run.channels": "{n} channels",
    "run.data": "Data",
    "run.checksum": "SHA-256",
    "run.parts": "Parts",
    "run.part_sizes": "{train:,} to train, {validation:,} to validate, {test:,} to test",
    "run.pixels": "Pixels",
    "run.pixels_levels": "{levels:,} levels, {low:g} to {high:g} in the files, 0 to 1 in the model",
    "run.pixels_fractions": "fractions, {low:g} to {high:g} in the files, 0 to 1 in the model",
    "run.machine": "Machine",
    "run.versions": "Versions",
    "run.folder": "Run",
    "run.seconds": "{s:.0f} s",
    "run.minutes": "{m} min {s:.0f} s",
    "run.hours": "{h} h {m} min",
    "run.setup_game_both": "A U-Net of width {width} makes images, a PatchGAN that sees {receptive_field} pixels across judges them ({adversarial} loss), and λ = {l1_weight:g} weighs the L1 term; dropout {dropout:g} is the noise.",
    "run.setup_game_l1": "A U-Net of width {width} makes images by the L1 term alone: no discriminator.",
    "run.setup_game_gan": "A U-Net of width {width} makes images by the game alone ({adversarial} loss, a PatchGAN that sees {receptive_field} pixels across): no L1 term.",
    "run.setup_cyclegan": "Two generators of width {width} translate there and back, two PatchGANs that see {receptive_field} pixels across judge what they make ({adversarial} loss, a pool of {pool} earlier images); λ = {cycle_weight:g} weighs the way there and back, and {identity_weight:g} of it what should stay as it is.",
    "run.setup_gan": "A generator of width {width} makes images from {latent_dim} numbers of noise, a discriminator with {norm} normalisation judges them ({adversarial} loss).",
    # --- A run: its curves ------------------------------------------------------------------------------------------
    "run.curves": "The loss and its terms over training",
    "run.curves_missing": "No loss has been logged yet.",
    "run.epoch": "epoch",
    "run.step": "step",
    "run.nats": "nats per image",
    "run.training": "training, each point a mean over at most {every} steps",
    "run.validation": "validation, after each epoch",
    "run.same_terms": "The same numbers throughout this run, so they share a panel: {terms}.",
    "run.above": "The first steps, up to {top:.4g}, lie above the panel.",
    "run.below": "The first steps, down to {bottom:.4g}, lie below the panel.",
    "run.outside": "The first steps, from {bottom:.4g} to {top:.4g}, reach beyond the panel.",
    "run.curve_alt": "{term} against the {axis}.",
    "run.curve_alt_training": "Training goes from {first:.4g} to {last:.4g}.",
    "run.curve_alt_validation": "Validation goes from {first:.4g} to {last:.4g}; its lowest is {lowest:.4g}.",
    "run.curves_numbers": "Validation as numbers, epoch by epoch",
    "run.terms_numbers": "log p(x) (a lower bound), the gap and the divergences at previews, on {n} validation images",
    "run.variety_numbers": "How far images lie from their mean at previews, {n} of them made and as many of validation",
    "run.trend_falling": "Over the last {n} epochs validation {term} went down by {by:.2g} ± {error:.1g} {unit} an epoch "
    "(least-squares slope ± its standard error): it was still falling when training ended.",
    "run.trend_rising": "Over the last {n} epochs validation {term} went up by {by:.2g} ± {error:.1g} {unit} an epoch "
    "(least-squares slope ± its standard error): training went on past its best point.",
    "run.trend_level": "Over the last {n} epochs validation {term} has a slope of {slope:.2g} ± {error:.1g} {unit} an "
    "epoch (least squares ± standard error): no trend stands out of its wobble.",
    "run.best_last": "The lowest validation {term}, {best:.5g} {unit}, is that of the last epoch.",
    "run.best_earlier": "Validation {term} was lowest at epoch {epoch} ({best:.5g} {unit}); the last epoch lies "
    "{above:.2g} above that.",
    "run.gap_above": "In epoch {epoch} training averaged {train:.5g} {unit} and validation after it {validation:.5g}: "
    "{gap:.2f} above, more than twice what the choice of validation images moves it by (standard error {error:.2f}).",
    "run.gap_below": "In epoch {epoch} training averaged {train:.5g} {unit} and validation after it {validation:.5g}: "
    "{gap:.2f} below, more than twice what the choice of validation images moves it by (standard error {error:.2f}). "
    "Training is averaged while the weights still move and normalised by its own batches; validation is neither.",
    "run.gap_none": "In epoch {epoch} training averaged {train:.5g} {unit} and validation after it {validation:.5g}. "
    "The choice of validation images alone moves that by a standard error of {error:.2f}, so the difference of "
    "{gap:.2f} cannot be told from none.",
    "run.gap_plain": "In epoch {epoch} training averaged {train:.5g} {unit}, validation after it {validation:.5g}.",
    "run.gap_opening": "Validation less training grew by {slope:.2g} ± {error:.1g} {unit} an epoch over the last {n} "
    "epochs: the gap is opening, and what is still being learnt serves the training images more than new ones.",
    "run.shares": "Of the {total:.1f} nats that an image costs ({split} part), {share:.1f} % are reconstruction. The "
    "other {kl:.1f} nats, {bits:.1f} bits, are the KL: no more than that can a code tell about its image on average.",
    # --- Two runs side by side --------------------------------------------------------------------------------------
    "beside.title": "{second} beside {first}",
    "beside.fcn_more": "By the FCN-score the second's images fit their labels better: class IoU {second:.3f}, the first's {first:.3f} (standard error of the difference {error:.3f}).",
    "beside.fcn_less": "By the FCN-score the second's images fit their labels worse: class IoU {second:.3f}, the first's {first:.3f} (standard error of the difference {error:.3f}).",
    "beside.fcn_alike": "By the FCN-score the two fit their labels equally well: class IoU {second:.3f} and {first:.3f}, a difference within two standard errors ({error:.3f}).",
    "beside.table": "The numbers that both have",
    "beside.samples_less": "Samples of the second lie nearer to the test images: {term} {second:.4g}, the first's "
    "{first:.4g} (standard error of the difference {error:.2g}).",
    "beside.samples_more": "Samples of the second lie farther from the test images: {term} {second:.4g}, the first's "
    "{first:.4g} (standard error of the difference {error:.2g}).",
    "beside.samples_alike": "Samples of the two lie equally near to the test images: {term} {second:.4g} and "
    "{first:.4g}, which their standard error of {error:.2g} does not tell apart.",
    "beside.detail_less": "Neighbouring pixels of the second's samples differ by {second:.3f} of the grey range (root "
    "mean square), those of the first's by {first:.3f}: the second's are softer.",
    "beside.detail_more": "Neighbouring pixels of the second's samples differ by {second:.3f} of the grey range (root "
    "mean square), those of the first's by {first:.3f}: the second's are harder.",
    "beside.detail_alike": "Neighbouring pixels differ by {second:.3f} of the grey range (root mean square) in the "
    "second's samples and by {first:.3f} in the first's, which two standard errors do not tell apart.",
    "beside.clusters_more": "The components of the second's prior find the classes better than k-means on the first's "
    "codes: an accuracy of {second:.3f} against {first:.3f} (standard error of the difference {error:.3f}).",
    "beside.clusters_less": "The components of the second's prior find the classes worse than k-means on the first's "
    "codes: an accuracy of {second:.3f} against {first:.3f} (standard error of the difference {error:.3f}).",
    "beside.clusters_alike": "The components of the second's prior find the classes as well as k-means on the first's "
    "codes: an accuracy of {second:.3f} and {first:.3f}, which their standard error of {error:.3f} does not tell apart.",
    # --- A run: pictures --------------------------------------------------------------------------------------------
    "run.pictures": "Test images, their reconstructions, and samples from noise",
    "run.originals": "Originals",
    "run.originals_alt": "{n} test images in rows of ten",
    "run.originals_caption": "The first {n} test images.",
    "run.reconstructions": "Reconstructions",
    "run.reconstructions_alt": "Reconstructions of the same {n} test images, in the same places",
    "run.reconstructions_caption": "The same images, encoded and decoded.",
    "run.reconstructions_over": "Point at the sheet or tap it to see the originals in their places.",
    "run.samples": "Samples",
    "run.samples_alt": "{n} images made of random noise, in rows of ten",
    "run.samples_caption": "Made of noise, drawn from the prior.",
    "run.blur_softer": "Neighbouring pixels differ by {originals:.3f} of the grey range (root mean square) in the "
    "originals and by {reconstructions:.3f} in the reconstructions, {kept:.0f} % of it: these softer edges are the "
    "blur. The decoder gives the mean of p(x|z), and whatever the code leaves open averages out of a mean.",
    "run.blur_none": "Neighbouring pixels differ by {originals:.3f} of the grey range (root mean square) in the "
    "originals and by {reconstructions:.3f} in the reconstructions, {kept:.0f} % of it: by this measure they are "
    "not blurred.",
    "run.samples_softer": "In the samples they differ by {samples:.3f} ({kept:.0f} %), below the reconstructions by "
    "more than two standard errors. The decoder is the same; its codes come from the prior instead of from images.",
    "run.samples_harder": "In the samples they differ by {samples:.3f} ({kept:.0f} %), above the reconstructions by "
    "more than two standard errors. The decoder is the same; its codes come from the prior instead of from images.",
    "run.samples_alike": "In the samples they differ by {samples:.3f} ({kept:.0f} %), which two standard errors do not "
    "tell from the reconstructions: by this measure samples are no softer and no harder than they are.",
    "run.classes": "Images of each class",
    "run.classes_alt": "Ten images made of noise for each class, a row each",
    "run.classes_caption": "Each row: ten images of one class, in the order of the classes; each column: the same noise.",
    "run.components": "Components",
    "run.components_alt": "Ten images decoded from each component of the prior, a row each",
    "run.components_caption": "Each row: ten images decoded from one component of the prior.",
    "run.pixel_error": "On average over the test part, a pixel of a reconstruction is off by {mae:.3f} of the grey "
    "range.",
    "run.interpolation": "From one image to another through the latent",
    "run.interpolation_alt": "Rows of images, each changing step by step from one reconstructed test image to another",
    "run.interpolation_caption": "Each row goes from one test image to another along the straight line between their "
    "codes. Both ends are reconstructions.",
    "run.traversal": "What each latent unit does",
    "run.traversal_alt": "One row for each active latent unit: the same image with that unit moved from low to high",
    "run.traversal_caption": "One row for each active unit, the most active first: the code of one image with that "
    "unit alone moved from −3 to 3 standard deviations of the prior.",
    "run.traversal_none": "No unit is active, so there is nothing to move.",
    "run.units_x": "latent dimension, in falling order",
    "run.units_y": "mean KL, nats",
    "run.units_active": "active",
    "run.units_idle": "idle",
    "run.units_alt": "Mean KL of each of {n} latent dimensions in falling order, from {top:.3g} to {bottom:.2g} "
    "nats; {active} are active",
    "run.units_caption": "What each dimension of the code costs, on average over the test images.",
    "run.active_some": "{active} of {total} latent dimensions are active: the variance of their posterior mean "
    "over the test images is above {threshold:g}. The other {idle} carry {kl_idle:.2g} of {kl:.3g} nats between them: "
    "their posterior hardly differs from the prior, so they can tell the decoder no more than that.",
    "run.active_all": "All {total} latent dimensions are active: the variance of their posterior mean over the test "
    "images is above {threshold:g}, and {least:.2g} in the least of them. None is left idle.",
    "run.active_none": "None of {total} latent dimensions is active (variance of the posterior mean above "
    "{threshold:g}): the posterior has collapsed onto the prior.",
    "run.active_clear": "The count does not hang on the threshold: no variance lies between {low:.2g} and {high:.2g}.",
    "run.active_unclear": "The count hangs on the threshold: the variances nearest to it are {low:.2g} and {high:.2g}.",
    "run.previews": "The same images over training",
    "run.previews_alt": "A strip of images after epoch {epoch}, whose rows the text above names",
    "run.previews_caption": "epoch {epoch}",
    "run.previews_rows_vae": "Each strip: validation images, their reconstructions, and samples from the same noise "
    "throughout.",
    "run.previews_rows_cyclegan": "Each picture: three validation inputs, what was made of them, and the way back; below, three images of the other side, the same way.",
    "run.previews_rows_gan": "Each strip: validation images, and below them what was made of noise, the same throughout.",
    "run.previews_rows_cgan": "Each strip: a row of images for each class (ten at most), made of the same noise throughout; a column shares its noise.",
    "run.previews_left_out": "Strips in samples/ that are not shown: {n}.",
    "run.previews_missing": "The first is drawn at epoch {epoch}.",
    "run.previews_none": "samples/ is empty: previews are of validation images, where some are held out.",
    "run.triplets": "What was given, what was made of it, and the real image",
    "run.triplets_alt": "Triplets of the test part: input, made, real",
    "run.triplets_caption": "Test images the model has never seen, two triplets a row: what was given, what was made, what is real.",
    "run.cycle": "There and back",
    "run.cycle_alt": "Six columns: input, made, back; image, input made of it, back",
    "run.cycle_caption": "Each row: an input, what was made of it, and the way back; then an image, the input made of it, and the way back.",
    "run.variety": "One input, many outputs",
    "run.variety_alt": "Rows: an input, then outputs of it with different noise",
    "run.variety_caption": "Each row: what was given, then what was made of it with dropout drawn anew each time.",
    "run.variety_share": "Outputs of one input differ from their mean by {spread:.4f} of the grey range, {share:.1f} % of the {l1:.4f} by which an output misses the real image: so much variety does dropout give.",
    "run.previews_rows_pix2pix": "Each picture: three validation pairs, the same throughout: above what was given, in the middle what was made of it, below the real image.",
    "run.players": "From epoch {first} to {last} the discriminator's loss (mean of real and made) went from {d_first:.3f} to {d_last:.3f} and the generator's part of the game from {g_first:.3f} to {g_last:.3f}; the discriminator was right {accuracy_last:.0%} of the time at the end.",
    "run.players_ahead": "The discriminator's loss went from {d_first:.3f} in epoch {first} to {d_last:.3f} in epoch {last}, below the {coin:.3f} of one that cannot tell real from made, and it was right {accuracy_last:.0%} of the time: it is ahead of the generator, whose part of the game went from {g_first:.3f} to {g_last:.3f}.",
    "run.players_even": "The discriminator's loss went from {d_first:.3f} in epoch {first} to {d_last:.3f} in epoch {last}, near the {coin:.3f} of one that cannot tell real from made (it was right {accuracy_last:.0%} of the time): neither player has left the other behind. The generator's part of the game went from {g_first:.3f} to {g_last:.3f}.",
    "run.players_l1": "The L1 term fell by {fell:.0f} %, from {l1_first:.4f} in epoch {first} to {l1_last:.4f} in epoch {last}.",
    "run.fcn": "FCN-score on {n:,} images: class IoU {made:.3f} on made images, {real:.3f} on real ones (the ceiling), {grey:.3f} on a constant grey image (the floor); the made ones reach {share:.0f} % of the ceiling.",
    # --- A run: numbers and options ---------------------------------------------------------------------------------
    "run.numbers": "The numbers",
    "run.metric": "Measure",
    "run.value": "Value",
    "run.unit": "Unit",
    "run.n": "Images",
    "run.protocol": "how it was measured",
    "run.uncertainty": "After ±: the standard error of the mean over images.",
    "run.tightness": "With {samples:,} samples an image, the importance-weighted bound lies {gap:.2f} nats above the "
    "ELBO: at least that much of the negative ELBO is due to q(z|x) not being the true posterior.",
    "run.tightness_one": "Only {effective:.1f} of its {samples:,} samples count effectively, so that bound is loose.",
    "run.not_normalised": "Bernoulli cross-entropy on grey pixels is not a normalised likelihood. These nats rank "
    "models of the same kind on the same data; they are not bits of anything.",
    "run.fid": "FID against {n:,} test images: reconstructions {reconstructions:.1f}, samples {samples:.1f}, and as many training images {floor:.1f}, which is the floor: what lies above it is the model's. What samples have beyond reconstructions comes from the prior's codes, what reconstructions have from the decoder.",
    "run.fd": "Fréchet distance on a classifier's features (an FD of this data set, not an FID) against {n:,} test images: reconstructions {reconstructions:.2f}, samples {samples:.2f}, and as many training images {floor:.2f}, which is the floor.",
    "run.fid_samples": "FID against {n:,} test images: samples {samples:.1f}, and as many training images {floor:.1f}, which is the floor: what lies above it is the model's.",
    "run.fd_samples": "Fréchet distance on a classifier's features (an FD of this data set, not an FID) against {n:,} test images: samples {samples:.2f}, and as many training images {floor:.2f}, which is the floor.",
    "run.told": "Of {n:,} images made of classes in turn, a classifier takes {share:.1%} for the class that was asked for; of the test images it is right on {real:.1%}.",
    "run.told_classes": "The best class is {best} ({best_share:.0%}), the hardest {worst} ({worst_share:.0%}).",
    "run.evaluation_missing": "The test part has not been measured yet.",
    "run.hyperparameters": "Every hyper-parameter",
    "run.option": "Option",
    "run.default": "Default",
    "run.meaning": "What it is",
    "run.changed": "changed",
    "run.changed_none": "All {n} stand at their defaults.",
    "run.changed_some": "Set for this run, and marked: {changed} of {n}. The others stand at their defaults.",
    "run.changed_unknown": "This version of Arzhang knows no defaults for {system}.",
    "run.none": "none",
    "run.true": "yes",
    "run.false": "no",
    "run.reproduce": "To make this again",
    "run.reproduce_seed": "Seed {seed} fixes the first weights, the order of the images and the noise.",
    "diagnosis.title": "Arzhang: what lies behind a distance",
    "diagnosis.of": "Diagnosis: {name}",
    "diagnosis.parts": "{name} of {made} from {real}: {value:.1f}, of which {mean:.1f} ({share:.0%}) lies between the "
    "means (what images are like on average) and {covariance:.1f} between the covariances (how they vary).",
    "diagnosis.classes": "Worst met is {worst}, with a {name} of {worst_value:.1f} within the class; best met {best}, "
    "with {best_value:.1f}.",
    "diagnosis.classes_by_neighbour": "Each made image taken for the class of its nearest real image, worst met is "
    "{worst}, with a {name} of {worst_value:.1f} within the class; best met {best}, with {best_value:.1f}.",
    "diagnosis.lost": "{lost} is rare among the made images: {made:.1%} of them against {real:.1%} of the real ones.",
    "diagnosis.new": "Nothing looks learnt by heart: {share:.1%} of the made images lie nearer than {threshold:.3g} to "
    "one of the {of}, where {expected:.0%} of the real images do.",
    "diagnosis.copied": "Some images may be copies: {share:.1%} of the made images lie nearer than {threshold:.3g} to "
    "one of the {of}, where {expected:.0%} of the real images do. Look at the nearest ones.",
    "diagnosis.few": "Whether images are copies, fewer than {enough} of each do not say: look at the nearest ones.",
    "diagnosis.farthest_title": "Farthest from any real image",
    "diagnosis.farthest": "The made images farthest from the {of}, each with its three nearest of them at its right "
    "(distances {least:.3g} to {most:.3g}).",
    "diagnosis.nearest_title": "Nearest to a training image",
    "diagnosis.nearest": "The made images nearest to the {of}, each with its three nearest of them at its right "
    "(distances {least:.3g} to {most:.3g}).",
    "diagnosis.by_class": "By class",
    "diagnosis.column_class": "Class",
    "diagnosis.column_real": "Real images",
    "diagnosis.column_made": "Made images",
    "diagnosis.column_distance": "Distance within the class",
    "run.picture_missing": "Not there yet: {file}.",
    "run.picture_broken": "Damaged and not shown: {file}.",
}

LANGUAGES: dict[str, Mapping[str, str]] = {"en": ENGLISH}


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
