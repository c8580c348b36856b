"""What the networks have in common."""

import pytest
import torch
from torch.nn import functional as F

from skmnist.networks import CNN, ResNet


@pytest.mark.parametrize("flips", [False, True])
@pytest.mark.parametrize("shifts", [False, True])
@pytest.mark.parametrize("cls", [CNN, ResNet])
def test_averages_over_views(cls, flips, shifts):
    torch.manual_seed(0)
    images = torch.randint(0, 256, (64, 3, 20, 20))
    channels = (4, 8)
    network = cls((3, 20, 20), mean=128.0, std=74.0, channels=channels).eval()
    padded = F.pad(images.float(), (1, 1, 1, 1), mode="reflect")
    views = [images]
    if shifts:
        views += [padded[:, :, 2:, 2:], padded[:, :, :-2, :-2]]
    if flips:
        views += [view.flip(3) for view in views]
    mean = torch.stack([network(view) for view in views]).mean(0)
    plain = network(images)
    network.average_flips, network.average_shifts = flips, shifts
    averaged = network(images)
    torch.testing.assert_close(averaged, mean.log_softmax(1), rtol=0, atol=1e-5)
    assert torch.allclose(averaged, plain, atol=1e-3) == (not flips and not shifts)
    mirrored = network(images.flip(3))
    assert torch.allclose(averaged, mirrored, atol=1e-4) == (flips and not shifts)
    assert network.architecture["average_flips"] is flips
    assert network.architecture["average_shifts"] is shifts
    network.train()
    trained = network(images)
    network.average_flips = network.average_shifts = False
    torch.testing.assert_close(network(images), trained, rtol=0, atol=1e-6)
