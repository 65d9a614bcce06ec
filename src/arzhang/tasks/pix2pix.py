"""pix2pix: a generator that turns one image into another, and a discriminator that judges patches of the pair."""

from collections.abc import Sequence
from typing import Any, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from arzhang.contracts import Batch, Scalars, Turn
from arzhang.networks.pix2pix import Discriminator, Generator, test_mode
from arzhang.randomness import generator
from arzhang.recipes import Pix2Pix as Recipe
from arzhang.tasks import adversarial
from arzhang.tasks.adam import adam
from arzhang.tasks.adversarial import AdversarialLoss, given_at_any_size, signed, variety


class Pix2PixTask:
    """Assignment 4h and 5c: G minimises its part of the game + λ·‖y − G(x)‖₁, D tells (x, y) from (x, G(x)).

    Networks see images in [−1, 1], as the paper's do; users give and get [0, 1], and every logged `l1` is in that
    unit, so that λ weighs twice the logged value. One step is D's turn, then G's, on one and the same made image.
    """

    previewed = 3

    def __init__(
        self,
        recipe: Recipe,
        shape: tuple[int, int, int],
        input_shape: tuple[int, int, int],
        device: torch.device | str = "cpu",
    ) -> None:
        self.recipe, self.shape, self.input_shape = recipe, shape, input_shape
        self.criterion: str = recipe.choose_by
        self.game = None if recipe.adversarial == "none" else AdversarialLoss(recipe.adversarial)
        inputs, outputs = input_shape[0], shape[0]
        modules: dict[str, nn.Module] = {
            "generator": Generator(
                shape[1:], inputs, outputs, recipe.width, recipe.norm, recipe.dropout, skips=recipe.skips
            )
        }
        if self.game is not None:
            seen = inputs + outputs if recipe.conditional else outputs
            modules["discriminator"] = Discriminator(seen, recipe.width, recipe.receptive_field, recipe.norm)
        self.networks: nn.Module = nn.ModuleDict(modules).to(device)
        if torch.device(device).type == "cuda":  # on a CPU, fused updates would copy weights that lie so
            self.networks.to(memory_format=torch.channels_last)
        self.alone = recipe.test_statistics == "image" or (recipe.test_statistics == "auto" and recipe.batch_size == 1)
        test_mode(self.generator, dropout=recipe.test_dropout, batch_statistics=self.alone)
        turns = {"discriminator": self.judge, "generator": self.make}
        self.networks.train()
        self.turns: Sequence[Turn] = [
            Turn(name, [modules[name]], adam(modules[name], recipe, recipe.beta1), loss)
            for name, loss in turns.items()
            if name in modules
        ]

    # -------------------------------------------------------------------------------------------- as a task

    def noise(self, n: int, generator: torch.Generator) -> Float[Tensor, "n N"]:
        """Uniform numbers by which dropout decides: the generator's noise."""
        return torch.rand(n, self.generator.draws(), generator=generator, device=generator.device)

    def prepare(self, batch: Batch) -> dict[str, Any]:
        """G(x), once for both players."""
        dtype = next(self.networks.parameters()).dtype
        assert batch.inputs is not None
        inputs, real = signed(batch.inputs).to(dtype), signed(batch.images).to(dtype)
        return {"inputs": inputs, "real": real, "made": self.generator(inputs, batch.noise)}

    def judge(self, batch: Batch, shared: dict[str, Any]) -> tuple[Float[Tensor, ""], Scalars]:
        """D's turn: half the sum of its losses on the real pair and on the made one, which is detached from G."""
        assert self.game is not None
        real = self.verdict(shared["inputs"], shared["real"])
        made = self.verdict(shared["inputs"], shared["made"].detach())
        found = self.game.discriminator(real, made)
        return found.loss, {"d_real": found.real, "d_fake": found.fake, "d_accuracy": found.accuracy}

    def make(self, batch: Batch, shared: dict[str, Any]) -> tuple[Float[Tensor, ""], Scalars]:
        """G's turn: it wants the verdict "real", and an image near to the real one."""
        l1 = (shared["made"] - shared["real"]).abs().mean()
        loss, scalars = self.recipe.l1_weight * l1, {"g_l1": l1 / 2}
        if self.game is not None:
            adversarial = self.game.generator(self.verdict(shared["inputs"], shared["made"]))
            loss, scalars = loss + adversarial, {"g_adversarial": adversarial, **scalars}
        return loss, scalars

    def verdict(self, inputs: Tensor, images: Tensor) -> Float[Tensor, "B 1 h w"]:
        """Logits of D, one a patch, of inputs and images in [−1, 1]: above the threshold for real."""
        seen = torch.cat([inputs, images], 1) if self.recipe.conditional else images
        return cast(Tensor, self.networks.get_submodule("discriminator")(seen))

    def measure(self, batch: Batch) -> dict[str, Float[Tensor, " B"]]:
        """L1 of each image, in [0, 1], as the trained generator is used."""
        return {"l1": (self.made(batch) - batch.images).abs().flatten(1).mean(1)}

    def observe(self, batch: Batch) -> dict[str, Float[Tensor, " B"]]:
        """How made images differ from each other, and real ones."""
        return variety(made=self.made(batch), real=batch.images)

    def preview(self, batch: Batch) -> dict[str, Float[Tensor, "B C H W"]]:
        """Triplets for the eye: what was given, what was made of it, what is real. (5d)"""
        assert batch.inputs is not None
        return {"input": batch.inputs, "made": self.made(batch), "real": batch.images}

    def made(self, batch: Batch) -> Float[Tensor, "B C H W"]:
        """What the generator makes of a batch's inputs, each image by itself with its own noise, in [0, 1]."""
        assert batch.inputs is not None
        return self._translated(batch.inputs, batch.noise)

    def _translated(self, inputs: Tensor, noise: Tensor) -> Float[Tensor, "B C H W"]:
        dtype = next(self.networks.parameters()).dtype
        shape = (inputs.shape[1], inputs.shape[2], inputs.shape[3])
        return adversarial.made(self.generator, shape, signed(inputs).to(dtype), noise)

    # -------------------------------------------------------------------------------------------- as a model

    @property
    def device(self) -> torch.device:
        return next(self.networks.parameters()).device

    @property
    def generator(self) -> Generator:
        """The network that makes images."""
        return cast(Generator, self.networks.get_submodule("generator"))

    @property
    def noisy(self) -> bool:
        """Whether outputs of one input differ from seed to seed."""
        return self.recipe.test_dropout and self.recipe.dropout > 0

    @property
    def step(self) -> int:
        """Sides of images that can be translated are multiples of this."""
        return 2 ** len(self.generator.down)

    @property
    def used(self) -> dict[str, Any]:
        """How translations are made, for the protocol of a number."""
        return {"dropout": self.recipe.test_dropout, "statistics": "of each image" if self.alone else "running"}

    @torch.no_grad()
    def translate(
        self, inputs: Float[Tensor, "B D H W"], seed: int = 0, first: int = 0, dropout: bool | None = None
    ) -> Float[Tensor, "B C H W"]:
        """What the generator makes of inputs in [0, 1] or bytes: images in [0, 1], each a function of its own input, of
        the seed and of its number (`first`, `first` + 1, …), never of its neighbours. `dropout` None: as the recipe
        says; off: the one image without noise. Height and width may be any that can be halved as often as the
        network's own size. Raises UsageError for other shapes.
        """
        weight = next(self.generator.parameters())
        inputs = given_at_any_size(inputs, self.input_shape, weight)
        height, width = inputs.shape[2:]
        draws = self.generator.draws(height, width)
        on = self.recipe.test_dropout if dropout is None else dropout
        if not len(inputs):
            return torch.empty(0, self.shape[0], height, width, device=weight.device)
        keys = range(first, first + len(inputs))
        noise = torch.cat([torch.rand(1, draws, generator=generator(seed, "translate", key)) for key in keys])
        test_mode(self.generator, on, self.alone)
        try:
            return self._translated(inputs, noise.to(weight))
        finally:
            test_mode(self.generator, self.recipe.test_dropout, self.alone)
