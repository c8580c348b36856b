import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from skmnist import MnistCNNClassifier
from skmnist.displays import FiltersDisplay


@pytest.fixture
def fitted(small, few):
    return small(max_epochs=3, batch_size=20).fit(*few)


def test_kernels(fitted):
    display = FiltersDisplay.from_estimator(fitted)
    kernels = fitted.module_.conv1.weight.detach().numpy()[:, 0]
    np.testing.assert_array_equal(display.kernels, kernels)
    assert set(display.axes_) == {"kernels"}
    (mosaic,) = display.axes_["kernels"].images
    drawn = mosaic.get_array().filled(np.nan)
    assert drawn.shape == (11, 11)  # 2 x 2 kernels of 5 x 5 with a gap
    np.testing.assert_array_equal(drawn[:5, 6:], kernels[1])
    np.testing.assert_array_equal(drawn[6:, :5], kernels[2])
    assert np.isnan(drawn[5]).all()
    low, high = mosaic.get_clim()
    assert -low == high == abs(kernels).max()


def test_feature_maps_are_what_the_network_computes(fitted, few):
    X, _ = few
    display = FiltersDisplay.from_estimator(fitted, X[0])
    net = fitted.module_
    with torch.no_grad():
        pixels = torch.from_numpy(X[:1]).reshape(1, 1, 28, 28)
        pixels = (pixels - net.mean) / net.std
        conv1 = F.max_pool2d(F.relu(net.conv1(pixels)), 2)
        conv2 = F.max_pool2d(F.relu(net.conv2(conv1)), 2)
        hidden = F.relu(net.fc1(conv2.flatten(1)))
    np.testing.assert_array_equal(display.image, X[0].reshape(28, 28))
    for name, expected in (("conv1", conv1), ("conv2", conv2)):
        np.testing.assert_allclose(
            display.feature_maps[name], expected[0].numpy(), atol=1e-5
        )
        assert display.axes_[name].images[0].get_array().max() > 0
    np.testing.assert_allclose(display.hidden, hidden[0].numpy(), atol=1e-5)
    proba = fitted.predict_proba(X[:1])[0]
    assert display.probabilities == dict(enumerate(proba.tolist()))
    heights = [bar.get_height() for bar in display.axes_["probabilities"].patches]
    np.testing.assert_allclose(heights, proba)
    assert "8 maps of 4x4" in display.axes_["conv2"].get_title()


@pytest.mark.parametrize("shape", [(784,), (28, 28), (1, 28, 28), (1, 784)])
def test_layouts_of_one_image(fitted, few, shape):
    image = few[0][3]
    display = FiltersDisplay.from_estimator(fitted, image.reshape(shape))
    np.testing.assert_array_equal(display.image, image.reshape(28, 28))


@pytest.mark.parametrize("dtype", [bool, ">f4", ">i2", object, "float64"])
def test_filters_of_any_numeric_type(fitted, few, dtype):
    image = few[0][0] > 99
    maps = FiltersDisplay.from_estimator(fitted, image.astype(dtype)).feature_maps
    expected = FiltersDisplay.from_estimator(fitted, image.astype(np.float32))
    for name in ("conv1", "conv2"):
        np.testing.assert_array_equal(maps[name], expected.feature_maps[name])


def test_filters_of_colour_images(small):
    X = np.random.default_rng(0).integers(0, 256, (40, 3, 16, 20), dtype=np.uint8)
    clf = small().fit(X, np.arange(40) % 4)
    display = FiltersDisplay.from_estimator(clf, X[0])
    np.testing.assert_array_equal(display.image, np.moveaxis(X[0], 0, -1))
    drawn = display.axes_["image"].images[0].get_array()
    assert (drawn.min(), drawn.max()) == (0, 1)  # colours on any scale
    kernels = clf.module_.conv1.weight.detach().numpy()  # (4, 3, 5, 5)
    expected = (kernels[:, 0] + kernels[:, 1] + kernels[:, 2]) / 3
    np.testing.assert_allclose(display.kernels, expected, atol=1e-7)
    assert display.feature_maps["conv2"].shape == (8, 1, 2)


def test_network_is_not_changed(fitted, few):
    fitted.module_.train()
    FiltersDisplay.from_estimator(fitted, few[0][0])
    assert not fitted.module_.conv1._forward_hooks


def test_filters_of_another_network(small, few):
    class Linear(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(784, 10)

        def forward(self, X):
            return self.layer(X.flatten(1)).log_softmax(1)

    clf = MnistCNNClassifier(module=Linear, max_epochs=1, lr=1e-4).fit(*few)
    with pytest.raises(TypeError, match=r"network Linear.*with the default module"):
        FiltersDisplay.from_estimator(clf)


def test_image_of_another_shape(fitted):
    with pytest.raises(
        ValueError, match=r"shape \(8, 8\), expected one.*\(1, 28, 28\)"
    ):
        FiltersDisplay.from_estimator(fitted, np.zeros((8, 8)))
