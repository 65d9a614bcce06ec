"""Assignment 3a and 3b: the tables row by row, and the same pattern at other sizes."""

import pytest
import torch
from torch import nn

from arzhang.errors import UsageError
from arzhang.networks.vae import VAE, ConvTranspose2d, Decoder, Encoder, decoder, encoder, pyramid, reparameterise

ENCODER = [  # assignment 3a: layer, output, (kernel, stride, padding)
    (nn.Conv2d, (8, 14, 14), (3, 2, 1)),
    (nn.ReLU, (8, 14, 14), None),
    (nn.Conv2d, (16, 7, 7), (3, 2, 1)),
    (nn.ReLU, (16, 7, 7), None),
    (nn.BatchNorm2d, (16, 7, 7), None),
    (nn.Conv2d, (32, 3, 3), (3, 2, 0)),
    (nn.ReLU, (32, 3, 3), None),
    (nn.Flatten, (288,), None),
    (nn.Linear, (128,), None),
]
DECODER = [
    (nn.Linear, (128,), None),
    (nn.ReLU, (128,), None),
    (nn.Linear, (288,), None),
    (nn.ReLU, (288,), None),
    (nn.Unflatten, (32, 3, 3), None),
    (nn.ConvTranspose2d, (16, 7, 7), (3, 2, 0)),
    (nn.ReLU, (16, 7, 7), None),
    (nn.BatchNorm2d, (16, 7, 7), None),
    (nn.ConvTranspose2d, (8, 14, 14), (3, 2, 1)),
    (nn.ReLU, (8, 14, 14), None),
    (nn.ConvTranspose2d, (1, 28, 28), (3, 2, 1)),
]


@pytest.mark.parametrize(
    ("network", "start", "table"),
    [(Encoder(), (1, 28, 28), ENCODER), (Decoder(32), (32,), DECODER)],
    ids=["encoder", "decoder"],
)
def test_the_table_row_by_row(network, start, table):
    x = torch.rand(5, *start)
    assert len(network) == len(table)
    for layer, (kind, output, numbers) in zip(network, table, strict=True):
        x = layer(x)
        assert isinstance(layer, kind)
        assert tuple(x.shape) == (5, *output)
        if numbers:
            assert (layer.kernel_size[0], layer.stride[0], layer.padding[0]) == numbers


@pytest.mark.parametrize(("out", "extra", "bias"), [(1, 1, True), (1, 1, False), (3, 1, True), (1, 0, True)])
def test_the_faster_transposed_convolution_is_torchs(out, extra, bias):
    """Values and every gradient, in float64; the same names in the state, so that weights go either way."""
    torch.manual_seed(0)
    ours = ConvTranspose2d(8, out, 3, 2, 1, output_padding=extra, bias=bias).double()
    theirs = nn.ConvTranspose2d(8, out, 3, 2, 1, output_padding=extra, bias=bias).double()
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(3, 8, 5, 4, dtype=torch.float64)
    inputs = [x.clone().requires_grad_(), x.to(memory_format=torch.channels_last).requires_grad_()]
    found = [layer(given) for layer, given in zip((theirs, ours), inputs, strict=True)]
    weight = torch.randn_like(found[0])
    expected, gradients = (
        torch.autograd.grad((image * weight).sum(), [given, *layer.parameters()])
        for image, layer, given in zip(found, (theirs, ours), inputs, strict=True)
    )
    torch.testing.assert_close(found[1], found[0], rtol=1e-12, atol=1e-12)
    for one, other in zip(gradients, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)
    assert ours(x[:0]).shape == theirs(x[:0]).shape  # a rank may have no image
    torch.testing.assert_close(ours(x[0]), theirs(x[0]), rtol=1e-12, atol=1e-12)  # unbatched, as torch's takes it


def test_parameters_at_latent_32():
    assert sum(p.numel() for p in VAE().parameters()) == 98_433


def test_the_pattern_at_28_is_the_table():
    """`encoder` and `decoder` build other sizes layer by layer: at 28 pixels they must give the table's own layers."""
    for built, table in ((encoder(28, 3), Encoder()), (decoder(28, 3, 32), Decoder(32))):
        rows = [str(layer) for layer in table]
        shown = [str(layer).replace("Conv2d(3, 8", "Conv2d(1, 8") for layer in built]
        shown = [row.replace("ConvTranspose2d(8, 3", "ConvTranspose2d(8, 1") for row in shown]
        assert shown == rows


@pytest.mark.parametrize("norm", ["batch", "none"])
@pytest.mark.parametrize(("size", "channels"), [(8, 1), (9, 3), (20, 1), (33, 3), (64, 3), (100, 1)])
def test_other_sizes_come_back_whole(size, channels, norm):
    vae = VAE(size, channels, latent_dim=5, norm=norm)
    mean, log_variance, _ = vae.encode(torch.rand(2, channels, size, size))
    assert mean.shape == log_variance.shape == (2, 5)
    assert vae.decode(mean).shape == (2, channels, size, size)
    assert pyramid(size, channels).sides[-1] <= 4
    assert any(isinstance(m, nn.BatchNorm2d) for m in vae.modules()) == (norm == "batch" and size > 20)


def test_too_small_is_said():
    with pytest.raises(UsageError, match="at least 8×8"):
        VAE(size=7)


def test_reparameterisation_moves_mean_and_scale_and_lets_gradients_through():
    mean = torch.tensor([[1.0, -2.0]], dtype=torch.float64, requires_grad=True)
    log_variance = torch.tensor([[0.0, 2.0]], dtype=torch.float64, requires_grad=True)
    noise = torch.tensor([[0.5, -1.0]], dtype=torch.float64)
    z = reparameterise(mean, log_variance, noise)
    assert torch.allclose(z, torch.tensor([[1.5, -2.0 - torch.e]], dtype=torch.float64), rtol=0, atol=1e-12)
    z.sum().backward()
    assert mean.grad.tolist() == [[1.0, 1.0]]
    # dz/d(log σ²) = σ·ε/2
    assert torch.allclose(log_variance.grad, torch.tensor([[0.25, -torch.e / 2]], dtype=torch.float64), atol=1e-12)
