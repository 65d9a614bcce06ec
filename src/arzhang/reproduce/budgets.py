"""What is spent on each part of the assignment: quick, standard, paper."""

from dataclasses import dataclass, field

from arzhang.studies.options import (
    BatchStudy,
    BetaStudy,
    DivergenceStudy,
    GradientStudy,
    MetricStudy,
    PatchStudy,
    TranslationStudy,
    TransposedStudy,
    UpdateStudy,
    VarietyStudy,
)


@dataclass(frozen=True)
class Streets:
    """pix2pix on pairs of one size: problem 5."""

    size: int
    width: int
    scenes: int
    epochs: int
    segmenter_epochs: int = 15
    validation: int = 128
    inception: bool = True
    """Whether images are judged by the FID network too, during training and after."""
    cityscapes: bool = False
    """Cityscapes where it is at hand."""


@dataclass(frozen=True)
class Budget:
    """What is spent on each part. A study has its options under its own name."""

    gradients: GradientStudy
    divergences: DivergenceStudy
    batches: BatchStudy
    beta: BetaStudy
    metrics: MetricStudy
    classifier_epochs: int
    epochs: int
    """Of the β-VAE of problem 3."""
    mixture_epochs: int
    """Of the Cauchy–Schwarz VAE of problem 2, which begins with the β-VAE's weights."""
    weights: tuple[float, ...]
    """λ of the sweep of problem 2."""
    seeds: int
    samples: int
    """Importance samples of the likelihood."""
    fid_n: int
    """Images of each kind that are judged by the real Inception network (3g); a dozen a second on two cores."""
    gan_epochs: int
    gan_width: int
    garment_epochs: int
    """Of pix2pix from edges to garments; 0: left out."""
    streets: tuple[Streets, ...]
    """Each at a size of its own."""
    translation: TranslationStudy
    variety: VarietyStudy = field(default_factory=VarietyStudy)
    patches: PatchStudy = field(default_factory=lambda: PatchStudy(receptive_fields=(70,)))
    updates: UpdateStudy = field(default_factory=UpdateStudy)
    transposed: TransposedStudy = field(default_factory=TransposedStudy)


BUDGETS = {
    "quick": Budget(
        gradients=GradientStudy(samples=20_000), divergences=DivergenceStudy(pairs=5_000),
        batches=BatchStudy(batch_sizes=(16, 256), images=2_048, epochs=1, draws=16),
        beta=BetaStudy(beta=(1.0, 4.0), seeds=1, epochs=1, sprites_beta=(1.0, 8.0), sprites_epochs=1,
            sprites_seeds=1),
        metrics=MetricStudy(), classifier_epochs=1, epochs=2, mixture_epochs=1, weights=(0.3, 3.0), seeds=1, samples=4,
        fid_n=40, gan_epochs=1, gan_width=8, garment_epochs=0,
        variety=VarietyStudy(n=64, outputs=8), patches=PatchStudy(receptive_fields=(70,), n=64),
        translation=TranslationStudy(tables=("objectives", "cyclegan"),
            arms=("l1", "gan", "cgan", "l1_cgan", "cyclegan"), epochs=1, cycle_epochs=1, seeds=1, features="none"),
        streets=(Streets(64, 16, scenes=160, epochs=4, segmenter_epochs=5, validation=64, inception=False),),
    ),
    "standard": Budget(
        gradients=GradientStudy(), divergences=DivergenceStudy(mixture_pairs=5_000), batches=BatchStudy(seeds=3),
        beta=BetaStudy(epochs=50, n=2_000, features="inception"),
        metrics=MetricStudy(n=2_000, features="inception", feature_precision="bfloat16"), classifier_epochs=5,
        epochs=50, mixture_epochs=50, weights=(0.1, 0.3, 1.0, 3.0, 10.0), seeds=3, samples=128, fid_n=10_000,
        gan_epochs=50, gan_width=32, garment_epochs=3,
        translation=TranslationStudy(budget="standard", epochs=25, cycle_epochs=25, features="none"),
        streets=(Streets(64, 16, scenes=1_000, epochs=50), Streets(128, 32, scenes=1_000, epochs=50)),
    ),
    "paper": Budget(
        gradients=GradientStudy(samples=1_000_000), divergences=DivergenceStudy(mixture_pairs=20_000),
        batches=BatchStudy(seeds=5, images=55_000),
        beta=BetaStudy(epochs=50, seeds=5, sprites_epochs=100, sprites_seeds=5, features="inception"),
        metrics=MetricStudy(n=5_000, features="inception"), classifier_epochs=5, epochs=50, mixture_epochs=50,
        weights=(0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0), seeds=3, samples=5_000, fid_n=10_000, gan_epochs=50,
        gan_width=64, garment_epochs=50,
        translation=TranslationStudy(budget="paper", epochs=50, cycle_epochs=50),
        streets=(Streets(256, 64, scenes=3_000, epochs=50, validation=200, cityscapes=True),),
    ),
}  # fmt: skip
