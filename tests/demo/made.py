"""Every kind of panel at once, of small models that nobody trained."""

import torch

from arzhang import recipes
from arzhang.data import streets
from arzhang.data.images import Images
from arzhang.data.pairs import Pairs
from arzhang.demo.gradients import Explorer
from arzhang.demo.models import Autoencoder, Generator, Shown, Translation
from arzhang.tasks.cyclegan import CycleGANTask
from arzhang.tasks.gan import GANTask
from arzhang.tasks.pix2pix import Pix2PixTask
from arzhang.tasks.vae import VAETask

SIDE = 32
COLOUR, GREY = (3, SIDE, SIDE), (1, 28, 28)
CLASSES = ("trouser", "sandal", "bag")


def lively(model):
    """Weights that are drawn anew answer every latent with nearly the same grey: the same, so that one sees more."""
    with torch.no_grad():
        for weights in model.networks.parameters():
            if weights.ndim > 1:
                weights.mul_(2.5)
    model.networks.eval()
    return model


def translation(id, title, scenes, model=Pix2PixTask, recipe=recipes.Pix2Pix, classes="inputs", **options):
    images, inputs = (Images(pixels) for pixels in scenes)
    made = model(recipe(width=4, size=SIDE, **options), COLOUR, COLOUR)
    return Translation(id, title, made, Pairs(images, inputs, classes))


def offered():
    """A panel of every kind; the translations' maps are streets, and edges without a palette."""
    torch.manual_seed(0)
    scenes = torch.stack([torch.from_numpy(streets.pair(0, i, SIDE, SIDE)) for i in range(3)])
    scenes = scenes[:, :3], scenes[:, 3:]
    edges = scenes[0], (scenes[1][:, :1] > 100).mul(255).to(torch.uint8).expand(-1, 3, -1, -1).contiguous()
    test = Images(torch.randint(0, 255, (40, *GREY), dtype=torch.uint8), labels=torch.arange(40) % len(CLASSES))
    members = {
        f"beta={beta}": lively(VAETask(recipes.VAE(beta=beta, latent_dim=latent, prior="mixture", components=3), GREY))
        for beta, latent in ((1.0, 6), (4.0, 6), (9.0, 3))
    }
    panels = [
        translation("painter", "Paint a street", scenes),
        translation("edges", "Edges to photos", edges, classes="none", label_side="none", dropout=0.0),
        translation("cyclegan", "There and back", scenes, CycleGANTask, recipes.CycleGAN),
        Autoencoder("vae", "A latent space", members, test, CLASSES),
        Generator("gan", "Out of noise", lively(GANTask(recipes.GAN(width=8, latent_dim=8), GREY)), ()),
        Generator("cgan", "Of classes", lively(GANTask(recipes.CGAN(width=8, latent_dim=8), GREY, 3)), CLASSES),
        Explorer("gradients", "Variance of gradients"),
    ]
    return Shown("Arzhang", {panel.id: panel for panel in panels})
