"""`ResNet`, the network of `ResNetClassifier`."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from skmnist.networks import ResNet


def make(**parameters):
    """Return a small network and images that it is whitened for."""
    torch.manual_seed(0)
    smooth = F.avg_pool2d(torch.rand(64, 3, 34, 34), 3, stride=1)
    images = (255 * smooth).to(torch.uint8)
    statistics = {
        "mean": images.double().mean((0, 2, 3)),
        "std": images.double().std((0, 2, 3)),
    }
    network = ResNet(**{"channels": (8, 16), **statistics, **parameters})
    network.initialize_from_data(images)
    return network, images


def test_first_layer_decorrelates_patches():
    network, images = make()
    patches = F.conv2d(network.prepare(images), network.whiten.weight)
    half = patches.shape[1] // 2
    assert torch.equal(patches[:, half:], -patches[:, :half])
    outputs = patches[:, :half].movedim(1, 0).flatten(1).double()
    products = outputs @ outputs.T / outputs.shape[1]
    off_diagonal = products - products.diag().diag()
    assert abs(off_diagonal).max() < 1e-3
    assert products.diag().max() <= 1.0 + 1e-3
    assert products.diag()[-1] > 0.95  # little noise is added to the largest variance


def test_first_layer_is_not_trained():
    network, images = make()
    network.train()
    network(images)[:, 0].sum().backward()
    assert network.whiten.weight.grad is None
    for name, weight in network.named_parameters():
        if name != "whiten.weight":
            assert torch.isfinite(weight.grad).all(), name
            assert weight.grad.any(), name


@pytest.mark.parametrize("training", [False, True])
def test_layers_agree_with_their_definition(training):
    """The bias is added, and flips are averaged, as separate operations."""
    network, images = make(channels=(8,))
    network = network.double().train(training)
    X = (images - network.mean) / network.std
    X = F.gelu(F.conv2d(X, network.whiten.weight, network.whiten_bias))
    group = network.groups[0]

    def normalize(Z):
        if training:
            mean, variance = Z.mean((0, 2, 3)), Z.var((0, 2, 3), correction=0)
        else:
            mean, variance = torch.zeros(8).double(), torch.ones(8).double()
        Z = Z - mean[:, None, None]
        return Z / (variance[:, None, None] + group.norm1.eps).sqrt()

    X = F.max_pool2d(F.conv2d(X, group.conv1.weight, padding=1), 2)
    X = F.gelu(normalize(X))
    X = X + F.gelu(normalize(F.conv2d(X, group.conv2.weight, padding=1)))
    expected = network.head(X.flatten(2).max(2).values).log_softmax(1)
    torch.testing.assert_close(network(images), expected, rtol=0, atol=1e-10)


def test_first_layer_of_a_trained_network_is_kept():
    """The other layers were trained with it; an instance may be pretrained."""
    network, images = make()
    before = network.whiten.weight.clone()
    network.initialize_from_data(255 - images[:20])
    assert torch.equal(network.whiten.weight, before)
    copied = ResNet(channels=(8, 16))
    copied.load_state_dict(network.state_dict())
    copied.initialize_from_data(255 - images[:20])
    assert torch.equal(copied.whiten.weight, before)


def test_gradients_of_pixels():
    """Saliency maps need them; they agree with finite differences."""
    network, images = make()
    network = network.double().eval()
    X = images[:1].double().requires_grad_()
    (gradient,) = torch.autograd.grad(network(X)[0, 3], X)
    step = torch.zeros_like(X)
    step[0, 1, 9, 7] = 1e-4
    with torch.no_grad():
        difference = (network(X + step) - network(X - step))[0, 3] / 2e-4
    torch.testing.assert_close(gradient[0, 1, 9, 7], difference, rtol=1e-4, atol=1e-9)


def test_first_layer_can_be_hooked():
    network, images = make()
    shapes = []
    network.whiten.register_forward_hook(lambda *args: shapes.append(args[2].shape))
    network(images)
    assert shapes == [(64, 24, 31, 31)]


@pytest.mark.parametrize(
    "image_shape", [(1, 8, 8), (3, 16, 16), (1, 28, 28), (4, 40, 17), (3, 96, 96)]
)
def test_any_image_shape(image_shape):
    network = ResNet(image_shape, n_classes=7)
    images = torch.rand(4, *image_shape)
    network.initialize_from_data(images)
    assert network(images).shape == (4, 7)


def test_number_of_weights():
    def count(**parameters):
        return sum(weights.numel() for weights in ResNet(**parameters).parameters())

    assert 1.9e6 < count() < 2.1e6
    assert 0.3e6 < count(channels=(32, 64, 160)) < 0.5e6
    assert count(channels=(8,)) < 5000


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"channels": (64, 0)}, r"Got channels=\(64, 0\), expected integers"),
        ({"channels": 64}, "Got channels=64, expected integers"),
        ({"channels": ()}, r"Got channels=\(\), expected integers"),
        ({"channels": (64.0,)}, "expected integers of at least 1"),
        ({"patch_size": 2.5}, "Got patch_size"),
        ({"channels": (8,) * 5}, "leave nothing of an image"),
        ({"patch_size": 40}, "leave nothing of an image"),
    ],
)
def test_invalid_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        ResNet(**parameters)


def test_evenly_spaced_images_whiten_the_first_layer():
    """Sorted data must not give kernels of one class."""
    rng = np.random.default_rng(0)
    dark, bright = rng.integers(0, 50, (2, 6000, 1, 16, 16))
    images = torch.from_numpy(np.concatenate([dark, bright + 200])).float()
    kernels = []
    for order in (np.arange(12_000), rng.permutation(12_000)):
        network = ResNet((1, 16, 16), mean=125.0, std=100.0, channels=(4,))
        network.initialize_from_data(images[order])
        kernels.append(abs(network.whiten.weight[3]))  # of the largest variance
    torch.testing.assert_close(*kernels, rtol=0.05, atol=0.02)
