"""CycleGAN: two translators, there and back again, learned from two sets of images of which none belong together."""

from collections.abc import Sequence
from typing import Any, cast

import torch
import torch.nn.functional as F
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from arzhang.contracts import Batch, Scalars, Turn
from arzhang.errors import UsageError
from arzhang.networks.pix2pix import Discriminator
from arzhang.networks.resnet import HALVINGS, ResNetGenerator
from arzhang.recipes import CycleGAN as Recipe
from arzhang.tasks import adversarial
from arzhang.tasks.adam import adam
from arzhang.tasks.adversarial import AdversarialLoss, ImagePool, given_at_any_size, signed, variety

LARGE = 256
"""Pixels a side from which a generator has 9 blocks, as in the paper; below 6."""
Shape = tuple[int, int, int]


class CycleGANTask:
    """Zhu et al. 2017: G: X → Y makes images of inputs, F: Y → X inputs of images; D_Y and D_X judge either.

    G and F minimise their parts of two games + λ(‖F(G(x)) − x‖₁ + ‖G(F(y)) − y‖₁) + λ·ι(‖G(y) − y‖₁ + ‖F(x) − x‖₁).
    One step is the turn of both generators, then that of both discriminators, which are shown made images from a pool
    of earlier ones. Networks see images in [−1, 1]; users give and get [0, 1], and every logged L1 is in that unit.
    """

    previewed = 3
    noisy = False

    def __init__(self, recipe: Recipe, shape: Shape, input_shape: Shape, device: torch.device | str = "cpu") -> None:
        self.recipe, self.shape, self.input_shape = recipe, shape, input_shape
        self.criterion: str = recipe.choose_by
        self.game = AdversarialLoss(recipe.adversarial)
        inputs, outputs = input_shape[0], shape[0]
        if recipe.identity_weight and inputs != outputs:
            raise UsageError(
                f"--identity-weight {recipe.identity_weight:g}: inputs have {inputs} channels and images {outputs}, so "
                "neither can stay as it is: --identity-weight 0"
            )
        blocks = recipe.blocks if recipe.blocks != "auto" else 9 if min(shape[1:]) >= LARGE else 6
        field = recipe.receptive_field
        modules: dict[str, nn.Module] = {
            "generator": ResNetGenerator(blocks, inputs, outputs, recipe.width),
            "inverse": ResNetGenerator(blocks, outputs, inputs, recipe.width),
            "discriminator": Discriminator(outputs, recipe.width, field, "instance"),
            "inverse_discriminator": Discriminator(inputs, recipe.width, field, "instance"),
        }
        self.networks: nn.Module = nn.ModuleDict(modules).to(device)
        if torch.device(device).type == "cuda":
            self.networks.to(memory_format=torch.channels_last)
        # Beside the networks, so that an average of the weights leaves it out, and each rank keeps its own.
        self.memory: nn.Module = nn.ModuleDict(
            {"images": ImagePool(shape, recipe.pool), "inputs": ImagePool(input_shape, recipe.pool)}
        ).to(device)
        players = (
            ("generators", ("generator", "inverse"), self.make),
            ("discriminators", ("discriminator", "inverse_discriminator"), self.judge),
        )
        self.turns: Sequence[Turn] = [
            Turn(turn, both := [modules[name] for name in names], adam(nn.ModuleList(both), recipe, recipe.beta1), loss)
            for turn, names, loss in players
        ]

    # -------------------------------------------------------------------------------------------- as a task

    def noise(self, n: int, generator: torch.Generator) -> Float[Tensor, "n 4"]:
        """Uniform numbers by which the two pools decide what the discriminators are shown."""
        return torch.rand(n, 4, generator=generator, device=generator.device)

    def prepare(self, batch: Batch) -> dict[str, Any]:
        """x, y, G(x) and F(y), once for all players; with them, in one pass, G(y) and F(x) where they are asked for."""
        assert batch.inputs is not None
        dtype = next(self.networks.parameters()).dtype
        x, y = signed(batch.inputs).to(dtype), signed(batch.images).to(dtype)
        if not self.recipe.identity_weight:
            return {"inputs": x, "images": y, "made_images": self.generator(x), "made_inputs": self.inverse(y)}
        made_y, same_y = self.generator(torch.cat([x, y])).chunk(2)
        made_x, same_x = self.inverse(torch.cat([y, x])).chunk(2)
        made = {"made_images": made_y, "made_inputs": made_x, "same_images": same_y, "same_inputs": same_x}
        return {"inputs": x, "images": y, **made}

    def make(self, batch: Batch, shared: dict[str, Any]) -> tuple[Float[Tensor, ""], Scalars]:
        """The generators' turn: the verdict "real" on what both make, the way back, and images left as they are that
        need no translation."""
        x, y, made_y, made_x = (shared[name] for name in ("inputs", "images", "made_images", "made_inputs"))
        games = [self.game.generator(judge(made)) for judge, made in zip(self.judges, (made_y, made_x), strict=True)]
        cycle = F.l1_loss(self.inverse(made_y), x) + F.l1_loss(self.generator(made_x), y)
        loss = games[0] + games[1] + self.recipe.cycle_weight * cycle
        scalars = {"g_adversarial": (games[0] + games[1]) / 2, "g_cycle": cycle / 4}
        if self.recipe.identity_weight:
            identity = F.l1_loss(shared["same_images"], y) + F.l1_loss(shared["same_inputs"], x)
            loss = loss + self.recipe.cycle_weight * self.recipe.identity_weight * identity
            scalars["g_identity"] = identity / 4
        return loss, scalars

    def judge(self, batch: Batch, shared: dict[str, Any]) -> tuple[Float[Tensor, ""], Scalars]:
        """The discriminators' turn: each half the sum of its losses on real images and on made ones from its pool."""
        uniform = batch.noise.to(shared["images"]).split(2, 1)
        found = []
        for which, judge, luck in zip(("images", "inputs"), self.judges, uniform, strict=True):
            shown = self.memory.get_submodule(which)(shared[f"made_{which}"], luck)
            found.append(self.game.discriminator(*judge(torch.cat([shared[which], shown])).chunk(2)))
        real, fake, accuracy = (
            (getattr(found[0], term) + getattr(found[1], term)) / 2 for term in ("real", "fake", "accuracy")
        )
        return found[0].loss + found[1].loss, {"d_real": real, "d_fake": fake, "d_accuracy": accuracy}

    def measure(self, batch: Batch) -> dict[str, Float[Tensor, " B"]]:
        """How far each input and each image is from itself, there and back: L1 in [0, 1]."""
        assert batch.inputs is not None
        there = (self._by(self.inverse, self.made(batch)) - batch.inputs).abs().flatten(1).mean(1)
        back = (self._by(self.generator, self._by(self.inverse, batch.images)) - batch.images).abs().flatten(1).mean(1)
        return {"cycle_l1": (there + back) / 2, "cycle_l1_inputs": there, "cycle_l1_images": back}

    def observe(self, batch: Batch) -> dict[str, Float[Tensor, " B"]]:
        """How made images differ from each other, and real ones."""
        return variety(made=self.made(batch), real=batch.images)

    def preview(self, batch: Batch) -> dict[str, Float[Tensor, "B _ H W"]]:
        """For the eye: an input, what is made of it, and the way back; then an image, the same way."""
        assert batch.inputs is not None
        made, inverted = self.made(batch), self._by(self.inverse, batch.images)
        back, again = self._by(self.inverse, made), self._by(self.generator, inverted)
        there = {"input": batch.inputs, "made": made, "back": back}
        return there | {"image": batch.images, "image_made": inverted, "image_back": again}

    def made(self, batch: Batch) -> Float[Tensor, "B C H W"]:
        """G(x), in [0, 1]."""
        assert batch.inputs is not None
        return self._by(self.generator, batch.inputs)

    def _by(self, network: ResNetGenerator, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D H W"]:
        """What one generator makes of images in [0, 1]."""
        shape = (images.shape[1], images.shape[2], images.shape[3])
        return adversarial.made(network, shape, signed(images).to(next(network.parameters()).dtype))

    # -------------------------------------------------------------------------------------------- as a model

    @property
    def device(self) -> torch.device:
        return next(self.networks.parameters()).device

    @property
    def generator(self) -> ResNetGenerator:
        """G, which makes images of inputs."""
        return cast(ResNetGenerator, self.networks.get_submodule("generator"))

    @property
    def inverse(self) -> ResNetGenerator:
        """F, which makes inputs of images."""
        return cast(ResNetGenerator, self.networks.get_submodule("inverse"))

    @property
    def judges(self) -> list[nn.Module]:
        """D_Y of images and D_X of inputs."""
        return [self.networks.get_submodule(name) for name in ("discriminator", "inverse_discriminator")]

    @property
    def step(self) -> int:
        """Sides of images that can be translated are multiples of this."""
        return 2**HALVINGS

    @property
    def used(self) -> dict[str, Any]:
        """How translations are made, for the protocol of a number."""
        return {"dropout": False, "statistics": "of each image"}

    @torch.no_grad()
    def translate(
        self, inputs: Shaped[Tensor, "B D H W"], seed: int = 0, first: int = 0, dropout: bool | None = None
    ) -> Float[Tensor, "B C H W"]:
        """G(x): inputs in [0, 1] or bytes, of any height and width that are multiples of 4 → images in [0, 1].

        There is no noise: `seed` and `first` change nothing. Raises UsageError for other shapes, and for `dropout` on.
        """
        if dropout:
            raise UsageError("--dropout true: CycleGAN has none")
        return self._by(self.generator, given_at_any_size(inputs, self.input_shape, next(self.networks.parameters())))

    @torch.no_grad()
    def translate_back(self, images: Shaped[Tensor, "B C H W"]) -> Float[Tensor, "B D H W"]:
        """F(y): images in [0, 1] or bytes → inputs in [0, 1]."""
        return self._by(self.inverse, given_at_any_size(images, self.shape, next(self.networks.parameters())))
