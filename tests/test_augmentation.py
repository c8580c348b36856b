"""Random augmentation of the training images."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F
from torchvision.transforms import v2

from skmnist import MnistCNNClassifier, RandomAffine


@pytest.fixture
def blob():
    """X (200, 1, 29, 29): the same bright spot, above the centre, 200 times."""
    image = torch.zeros(29, 29)
    image[6:9, 13:16] = 255
    return image.expand(200, 1, 29, 29)


def centres(X):
    """Return row and column of the centre of mass, relative to the image centre."""
    X = X[:, 0]
    at = torch.arange(X.shape[1]) - (X.shape[1] - 1) / 2
    mass = X.sum((1, 2))
    return (X.sum(2) @ at) / mass, (X.sum(1) @ at) / mass


def test_rotation(blob):
    rows, columns = centres(RandomAffine(rotation=90, shift=0, scale=0)(blob))
    radius = torch.hypot(rows, columns)
    torch.testing.assert_close(radius, torch.full_like(radius, 7), atol=0.2, rtol=0)
    angles = torch.atan2(columns, -rows) * 180 / math.pi
    assert angles.min() < -70
    assert angles.max() > 70
    assert abs(angles.mean()) < 15
    rows, columns = centres(RandomAffine(rotation=10, shift=0, scale=0)(blob))
    angles = torch.atan2(columns, -rows) * 180 / math.pi
    assert 8 < angles.abs().max() < 10.5


def test_shift(blob):
    rows, columns = centres(RandomAffine(rotation=0, shift=3, scale=0)(blob))
    for moved in (rows + 7, columns):
        assert -3.01 < moved.min() < -2.5
        assert 2.5 < moved.max() < 3.01
    assert abs(np.corrcoef(rows, columns)[0, 1]) < 0.3  # independent axes


def test_scale(blob):
    rows, columns = centres(RandomAffine(rotation=0, shift=0, scale=0.5)(blob))
    assert columns.abs().max() < 0.1
    assert -10.6 < rows.min() < -9.5
    assert -4.0 < rows.max() < -3.4


def test_shear():
    X = torch.zeros(200, 1, 29, 41)
    X[:, :, 4:25, 20] = 1  # a vertical line of 21 pixels
    sheared = RandomAffine(rotation=0, shift=0, scale=0, shear=20)(X)[:, 0]
    rows, columns = sheared.sum(2), sheared.argmax(2) - 20.0
    torch.testing.assert_close(rows, X[:, 0].sum(2), atol=1e-4, rtol=0)  # only slants
    angles = torch.rad2deg(torch.atan((columns[:, 24] - columns[:, 4]) / 20))
    assert -22 < angles.min() < -15
    assert 15 < angles.max() < 22
    assert abs(angles.mean()) < 5


def test_combined_changes_are_those_of_affine_matrices():
    """One of all four, drawn once more, against torch's `affine_grid`."""
    X = torch.rand(5, 2, 20, 30, generator=torch.Generator().manual_seed(1))
    transform = RandomAffine(rotation=30, shift=3, scale=0.3, shear=20)
    torch.manual_seed(0)
    transformed = transform(X)
    torch.manual_seed(0)
    angle, scale, right, down, shear = (
        (torch.rand(5) * 2 - 1) * maximum
        for maximum in (math.radians(30), 0.3, 3.0, 3.0, math.radians(20))
    )
    angle, scale, shear = angle.double(), scale.double(), shear.double()
    to_pixels = torch.diag(torch.tensor([15.0, 10.0], dtype=torch.float64))
    rotation = torch.stack(
        [angle.cos(), angle.sin(), -angle.sin(), angle.cos()], dim=1
    ).reshape(5, 2, 2)
    slant = torch.eye(2, dtype=torch.float64).repeat(5, 1, 1)
    slant[:, 0, 1] = shear.tan()
    matrix = rotation @ slant / (1 + scale)[:, None, None]
    matrix = to_pixels.inverse() @ matrix @ to_pixels
    shift = torch.stack([right / 15, down / 10], dim=1).double()
    grid = F.affine_grid(
        torch.cat([matrix, shift[:, :, None]], dim=2), X.shape, align_corners=False
    )
    expected = F.grid_sample(
        X.double(), grid, padding_mode="border", align_corners=False
    )
    torch.testing.assert_close(transformed.double(), expected, atol=1e-4, rtol=0)


def test_shape_is_kept_and_non_square_images_are_not_sheared():
    X = torch.zeros(100, 2, 16, 40)
    X[:, :, 7:9, 10:30] = 1  # a bar
    rotated = RandomAffine(rotation=180, shift=0, scale=0)(X)
    assert rotated.shape == X.shape
    assert rotated.dtype == X.dtype
    inside = rotated[:, 0].sum((1, 2))
    assert inside.max() < 45  # the bar has 40, and may partly leave the image
    assert torch.equal(rotated[:, 0], rotated[:, 1])


def test_zero_ranges_leave_images_unchanged(blob):
    same = RandomAffine(rotation=0, shift=0, scale=0)(blob)
    torch.testing.assert_close(same, blob, atol=1e-3, rtol=0)


def test_pixels_outside_the_image_repeat_the_edge():
    white = torch.full((50, 1, 20, 20), 250.0)
    moved = RandomAffine(rotation=45, shift=9, scale=0.5)(white)
    torch.testing.assert_close(moved, white)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"rotation": -1}, r"Got rotation=-1, expected degrees in \[0, 180\]"),
        ({"rotation": 181}, "Got rotation=181"),
        ({"rotation": float("nan")}, "Got rotation=nan"),
        ({"shift": -0.5}, "Got shift=-0.5, expected pixels, at least 0"),
        ({"shift": float("inf")}, "Got shift=inf"),
        ({"scale": 1}, r"Got scale=1, expected a fraction in \[0, 1\)"),
        ({"scale": "0.1"}, "Got scale='0.1'"),
        ({"shear": 90}, r"Got shear=90, expected degrees in \[0, 90\)"),
    ],
)
def test_bad_parameters(parameters, message):
    with pytest.raises((ValueError, TypeError), match=message):
        RandomAffine(**parameters)


@pytest.mark.parametrize(
    "augmentation",
    [
        v2.MixUp(num_classes=10),
        v2.CutMix,
        v2.Compose(
            [v2.RandomRotation(5), v2.RandomChoice([v2.CutMix(num_classes=10)])]
        ),
        torch.nn.Sequential(torch.nn.Identity(), v2.MixUp(num_classes=10)),
    ],
)
def test_mixing_labels_raises(few, augmentation):
    with pytest.raises(TypeError, match=r"(MixUp|CutMix) mixes images with their labe"):
        MnistCNNClassifier(augmentation=augmentation).fit(*few)


def test_mixing_labels_with_kornia_raises(few):
    """Imitates kornia, which is not installed, by the name of its base class."""

    class MixAugmentationBaseV2(torch.nn.Module):
        __module__ = "kornia.augmentation._2d.mix.base"

    class RandomMixUpV2(MixAugmentationBaseV2):
        def forward(self, X):
            return (X + X.flip(0)) / 2

    for augmentation in (RandomMixUpV2, RandomMixUpV2()):
        with pytest.raises(TypeError, match="RandomMixUpV2 mixes images"):
            MnistCNNClassifier(augmentation=augmentation).fit(*few)


def test_custom_transform_named_mixup(few):
    class MixUp:
        def __call__(self, X):
            return X

    MnistCNNClassifier(augmentation=MixUp, max_epochs=1).fit(*few)


# Training -----------------------------------------------------------------------------


class Spy:
    """Records the batches that it receives."""

    def __init__(self):
        self.batches = []

    def __call__(self, X):
        self.batches.append(X)
        return X


def test_only_training_batches_are_augmented(small, few):
    X, y = few
    spy = Spy()
    clf = small(augmentation=spy, batch_size=50, max_epochs=2, early_stopping=True)
    clf.fit(X, y)
    clf.predict(X)
    assert clf.augmentation is clf.augmentation_ is spy
    assert [batch.shape for batch in spy.batches[:4]] == [
        *[(50, 1, 28, 28)] * 3,
        (30, 1, 28, 28),
    ]
    assert len(spy.batches) == 2 * 4  # 180 images remain for training
    assert all(batch.dtype == torch.float32 for batch in spy.batches)
    assert max(batch.max() for batch in spy.batches) == X.max()  # raw pixels
    plain = small(batch_size=50, max_epochs=2, early_stopping=True).fit(X, y)
    np.testing.assert_array_equal(plain.predict_proba(X), clf.predict_proba(X))


def test_each_epoch_is_augmented_differently(small, few):
    recorded = []

    class Recording(RandomAffine):
        def __call__(self, X):
            recorded.append(super().__call__(X))
            return recorded[-1]

    parameters = {"augmentation": Recording, "batch_size": -1, "max_epochs": 2}
    small(**parameters, iterator_train__shuffle=False).fit(*few)
    assert not torch.equal(recorded[0], recorded[1])
    small(**parameters, iterator_train__shuffle=False).fit(*few)
    assert torch.equal(recorded[0], recorded[2])  # same random_state
    assert torch.equal(recorded[1], recorded[3])


def test_parameters_of_the_augmentation(small, few):
    clf = small(augmentation=RandomAffine, augmentation__rotation=5.0).fit(*few)
    assert clf.augmentation_.rotation == 5.0
    clf.set_params(augmentation__shift=2.5, warm_start=True).fit(*few)
    assert (clf.augmentation_.rotation, clf.augmentation_.shift) == (5.0, 2.5)
    instance = small(augmentation=RandomAffine(rotation=3.0), augmentation__scale=0.2)
    made = instance.fit(*few).augmentation_
    assert (made.rotation, made.scale) == (3.0, 0.2)
    assert instance.augmentation.scale == 0.1  # fit does not change parameters


def test_torchvision_transforms(small, few):
    transform = v2.RandomAffine(degrees=10, translate=(0.05, 0.05))
    losses = [small(augmentation=transform).fit(*few).loss_curve_ for _ in range(2)]
    assert losses[0] == losses[1] != small().fit(*few).loss_curve_


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"augmentation": 3}, "Got augmentation=3, expected a class such as"),
        ({"augmentation": lambda X: X[:, :, 1:]}, r"of shape \(64, 1, 28, 28\), \(64"),
        ({"augmentation": lambda X: None}, "NoneType; expected a tensor of the same"),
        (
            {"augmentation": abs, "augmentation__rotation": 3},
            "Got augmentation__rotation and augmentation=<built-in",
        ),
        (
            {"augmentation": RandomAffine, "augmentation__rotation": -3},
            "Got rotation=-3",
        ),
        ({"augmentation__rotation": 3}, "Got augmentation__rotation and augmentation="),
    ],
)
def test_bad_augmentation(small, few, parameters, message):
    with pytest.raises((ValueError, TypeError), match=message):
        small(**parameters).fit(*few)


def test_augmentation_improves_accuracy_on_shifted_digits(digits):
    """Train on the original digits, test on digits shifted by up to two pixels."""
    X, y = digits
    X = np.pad(X.reshape(-1, 8, 8), ((0, 0), (4, 4), (4, 4))).astype(np.float32)
    moved = RandomAffine(rotation=0, shift=2, scale=0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        X_moved = moved(torch.from_numpy(X[1200:, None])).numpy()
    scores = []
    for augmentation in (None, moved):
        clf = MnistCNNClassifier(
            augmentation=augmentation,
            max_epochs=8,
            module__channels=(8, 16),
            module__hidden_units=60,
            random_state=0,
        ).fit(X[:1200], y[:1200])
        scores.append(clf.score(X_moved, y[1200:]))
    assert scores[1] > scores[0] + 0.05
