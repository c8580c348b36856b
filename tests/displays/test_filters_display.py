import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from skmnist import MnistCNNClassifier, ResNetClassifier
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


@pytest.mark.filterwarnings("ignore:Got X with pixels from 0 to 1")
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
    np.testing.assert_array_equal(display.kernels, np.moveaxis(kernels, 1, -1))
    mosaic = display.axes_["kernels"].images[0].get_array()
    assert mosaic.shape == (11, 11, 3)
    limit = abs(kernels).max()
    np.testing.assert_allclose(
        mosaic[:5, 6:] * 2 - 1, display.kernels[1] / limit, atol=1e-6
    )
    np.testing.assert_array_equal(mosaic[5], 1)
    assert display.feature_maps["conv2"].shape == (8, 1, 2)


def test_filters_of_two_channels(small):
    X = np.random.default_rng(0).integers(0, 256, (40, 2, 16, 16), dtype=np.uint8)
    clf = small().fit(X, np.arange(40) % 4)
    display = FiltersDisplay.from_estimator(clf, X[0])
    kernels = clf.module_.conv1.weight.detach().numpy()  # (4, 2, 5, 5)
    expected = (kernels[:, 0] + kernels[:, 1]) / 2
    np.testing.assert_allclose(display.kernels, expected, atol=1e-7)


@pytest.mark.parametrize("channels", [1, 3])
def test_filters_of_a_residual_network(channels):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (40, channels, 32, 32), dtype=np.uint8)
    parameters = {"augmentation": None, "max_epochs": 1, "random_state": 0}
    clf = ResNetClassifier(module__channels=(4, 6), **parameters)
    clf.fit(X, np.arange(40) % 4)
    display = FiltersDisplay.from_estimator(clf, X[0])
    maps, network = display.feature_maps, clf.module_
    assert {name: values.shape for name, values in maps.items()} == {
        "whiten": (8 * channels, 31, 31),
        "groups.0": (4, 15, 15),
        "groups.1": (6, 7, 7),
    }
    with torch.no_grad():
        patches = network.whiten(network.prepare(torch.tensor(X[:1])))
        first = network.activation(patches + network.whiten_bias[:, None, None])
        second = network.groups[0](first)
    np.testing.assert_allclose(maps["whiten"], first[0], atol=1e-5)
    np.testing.assert_allclose(maps["groups.0"], second[0], atol=1e-5)
    assert display.hidden is None
    assert "hidden" not in display.axes_
    proba = clf.predict_proba(X[:1])[0].tolist()
    assert display.probabilities == dict(enumerate(proba))
    assert display.kernels.ndim == (4 if channels == 3 else 3)
    alone = FiltersDisplay.from_estimator(clf)
    np.testing.assert_array_equal(alone.kernels, display.kernels)
    assert alone.axes_.keys() == {"kernels"}


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
