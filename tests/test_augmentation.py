"""Random augmentation of the training images."""

import copy
import itertools
import math
import pickle
from functools import partial

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import Callback
from skorch.dataset import ValidSplit
from torch.nn import functional as F
from torch.utils.data import DataLoader
from torchvision.transforms import v2

import skmnist
from skmnist import (
    AlternatingFlip,
    MnistCNNClassifier,
    RandomAffine,
    RandomErasing,
    RandomFlip,
    RandomShift,
)


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


def random_images(n, *shape):
    return torch.rand(n, *shape, generator=torch.Generator().manual_seed(n))


def is_mirrored(flipped, X):
    """Return which images are mirrored; all others must be unchanged."""
    same, mirrored = ((flipped == other).flatten(1).all(1) for other in (X, X.flip(3)))
    assert torch.equal(same, ~mirrored)
    return mirrored


def test_flip():
    X = random_images(1000, 2, 3, 5)
    torch.manual_seed(0)
    mirrored = is_mirrored(RandomFlip()(X), X).float()
    assert 0.45 < mirrored.mean() < 0.55
    # of neighbours, each is mirrored whatever the other is
    assert abs(np.corrcoef(mirrored[1:], mirrored[:-1])[0, 1]) < 0.1
    assert 0.16 < is_mirrored(RandomFlip(p=0.2)(X), X).float().mean() < 0.24
    assert torch.equal(RandomFlip(p=0)(X), X)
    always = RandomFlip(p=1)
    assert torch.equal(always(always(X)), X)
    assert is_mirrored(always(X), X).all()


def test_alternating_flip():
    X, positions = random_images(1000, 2, 3, 5), torch.arange(1000)
    state = torch.get_rng_state()
    epochs = [
        is_mirrored(AlternatingFlip()(X, positions=positions, epoch=epoch), X)
        for epoch in range(4)
    ]
    assert torch.equal(torch.get_rng_state(), state)  # draws nothing
    for one, following in itertools.pairwise(epochs):
        assert torch.equal(one, ~following)
    for start in range(0, 1000, 100):  # whatever the order of the data
        assert abs(epochs[0][start : start + 100].float().mean() - 0.5) < 0.02
    for step in range(1, 13):
        assert abs(epochs[0][::step].float().mean() - 0.5) < 0.1
    order = torch.randperm(1000)
    shuffled = AlternatingFlip()(X[order], positions=order, epoch=0)
    assert torch.equal(is_mirrored(shuffled, X[order]), epochs[0][order])
    large = torch.tensor([2**31 - 1])  # the hash does not overflow
    assert AlternatingFlip()(X[:1], positions=large, epoch=0).shape == (1, 2, 3, 5)


@pytest.mark.parametrize("max_shift", [0, 1, 2, 7])
@pytest.mark.parametrize("shape", [(2, 5, 6), (1, 1, 4)])
def test_shifted_images_are_crops_of_reflected_ones(max_shift, shape):
    """As `np.pad` reflects them: wide margins repeat the image several times."""
    n, (_, height, width) = 100, shape
    X = random_images(n, *shape)
    torch.manual_seed(0)
    shifted = RandomShift(max_shift)(X)
    margin = (max_shift, max_shift)
    padded = np.pad(X.numpy(), ((0, 0), (0, 0), margin, margin), mode="reflect")
    if 0 < max_shift < min(height, width):
        by_torch = F.pad(X, margin * 2, mode="reflect").numpy()
        np.testing.assert_array_equal(padded, by_torch)
    size = 2 * max_shift + 1
    found = np.stack(
        [
            (padded[:, :, i : i + height, j : j + width] == shifted.numpy())
            for i in range(size)
            for j in range(size)
        ]
    ).all(axis=(2, 3, 4))
    assert found.any(axis=0).all()


def test_shifts_are_uniform_and_independent():
    columns, rows = torch.meshgrid(torch.arange(9), torch.arange(9), indexing="xy")
    X = torch.stack([rows, columns]).expand(2000, 2, 9, 9)
    torch.manual_seed(0)
    moved = RandomShift(1)(X)[:, :, 4, 4] - 4  # of the central pixel
    counts = torch.bincount((moved[:, 0] + 1) * 3 + moved[:, 1] + 1, minlength=9)
    assert counts.min() > 170  # of 222 on average
    assert counts.max() < 280


@pytest.mark.parametrize("size", [0, 1, 4, 7, 30])
def test_a_square_is_erased(size):
    n, channels, height, width = 500, 2, 9, 12
    X = random_images(n, channels, height, width)
    torch.manual_seed(0)
    erased = RandomErasing(size)(X)
    changed = erased != X
    assert torch.equal(changed[:, 0], changed[:, 1])
    changed = changed[:, 0]
    means = X.mean((2, 3), keepdim=True)
    assert torch.equal(erased, torch.where(changed[:, None], means, X))
    rows, columns = changed.any(2), changed.any(1)
    assert torch.equal(changed, rows[:, :, None] & columns[:, None, :])
    for lines in (rows, columns):
        side = lines.shape[1]
        n_lines = lines.sum(1)
        n_blocks = lines[:, 0] + (lines.int().diff() == 1).sum(1)
        assert (n_blocks <= 1).all()  # without gaps
        at_edge = lines[:, 0] | lines[:, -1]
        assert (n_lines[~at_edge] == size).all()
        assert (n_lines <= size).all()
        if size:
            assert (n_lines >= min((size + 1) // 2, side)).all()
    if size == 1:  # the centre may be anywhere
        assert changed.any(0).float().mean() > 0.95
        assert (changed.sum((1, 2)) == 1).all()


ALL = [RandomAffine(), RandomErasing(3), RandomFlip(), RandomShift()]
"""Transforms that draw random numbers."""


@pytest.mark.parametrize("transform", ALL, ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_same_seed_same_bits(transform, dtype):
    X = random_images(20, 3, 8, 8).to(dtype)
    before = X.clone()

    def apply(X):
        torch.manual_seed(0)
        return transform(X)

    transformed = apply(X)
    assert transformed.dtype == dtype
    assert torch.equal(transformed, apply(X))
    assert not torch.equal(transformed, transform(X))
    assert torch.equal(X, before)
    in_other_order = apply(X.contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(in_other_order, transformed)


@pytest.mark.parametrize("name", skmnist.augmentation.__all__)
def test_transforms_are_plain_objects(name):
    """Their attributes are their parameters, and `repr` is the code that makes them."""
    transform = getattr(skmnist, name)()
    copies = (
        eval(repr(transform), vars(skmnist)),
        pickle.loads(pickle.dumps(transform)),
        copy.deepcopy(transform),
        type(transform)(**vars(transform)),
    )
    for copied in copies:
        assert type(copied) is type(transform)
        assert vars(copied) == vars(transform)


@pytest.mark.parametrize(
    ("cls", "parameters", "message"),
    [
        (
            RandomAffine,
            {"rotation": -1},
            r"Got rotation=-1, expected degrees in \[0, 1",
        ),
        (RandomAffine, {"rotation": 181}, "Got rotation=181"),
        (RandomAffine, {"rotation": float("nan")}, "Got rotation=nan"),
        (RandomAffine, {"shift": -0.5}, "Got shift=-0.5, expected pixels, at least 0"),
        (RandomAffine, {"shift": float("inf")}, "Got shift=inf"),
        (RandomAffine, {"scale": 1}, r"Got scale=1, expected a fraction in \[0, 1\)"),
        (RandomAffine, {"scale": "0.1"}, "Got scale='0.1'"),
        (RandomAffine, {"shear": 90}, r"Got shear=90, expected degrees in \[0, 90\)"),
        (RandomFlip, {"p": 1.5}, r"Got p=1.5, expected a probability in \[0, 1\]"),
        (RandomFlip, {"p": None}, "Got p=None"),
        (RandomShift, {"max_shift": -1}, "Got max_shift=-1, expected pixels, an integ"),
        (RandomShift, {"max_shift": 1.5}, "Got max_shift=1.5"),
        (RandomErasing, {"size": -1}, "Got size=-1, expected pixels, an integer of at"),
        (RandomErasing, {"size": "8"}, "Got size='8'"),
    ],
)
def test_bad_parameters(cls, parameters, message):
    with pytest.raises((ValueError, TypeError), match=message):
        cls(**parameters)


@pytest.mark.parametrize(
    "augmentation",
    [
        v2.MixUp(num_classes=10),
        v2.CutMix,
        v2.Compose(
            [v2.RandomRotation(5), v2.RandomChoice([v2.CutMix(num_classes=10)])]
        ),
        torch.nn.Sequential(torch.nn.Identity(), v2.MixUp(num_classes=10)),
        [RandomFlip(), v2.MixUp(num_classes=10)],
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


class Checking:
    """Checks that it receives positions of its images, and records them by epoch."""

    def __init__(self, X):
        self.images = torch.as_tensor(X).reshape(-1, 1, 28, 28).float()
        self.epochs = {}

    def __call__(self, X, positions, epoch):
        assert positions.dtype == torch.int64
        assert torch.equal(X, self.images[positions])
        self.epochs.setdefault(epoch, []).extend(positions.tolist())
        return X


class Watching(Callback):
    """Checks that callbacks see labels, with or without positions."""

    def on_batch_end(self, net, batch, **kwargs):
        X, y = batch
        assert isinstance(y, np.ndarray)
        assert len(X) == len(y)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"iterator_train__shuffle": False},
        {"iterator_train": DataLoader},
        {"early_stopping": True, "iterator_train": DataLoader},
        {"early_stopping": True},
        {"train_split": ValidSplit(4, stratified=True)},
        {"callbacks": [Watching()], "train_split": ValidSplit(4)},
        {"optimizer": torch.optim.LBFGS, "lr": 0.1, "batch_size": -1},
    ],
    ids=", ".join,
)
def test_positions_are_those_in_the_data(small, few, parameters, weighted):
    """The training is the same as without them."""
    X, y = few
    weights = np.arange(200) % 5 if weighted else None  # images of weight 0 are dropped
    recorder = Checking(X)
    clf = small(augmentation=recorder, **parameters).fit(X, y, weights)
    assert [*recorder.epochs] == [0, 1]
    first, second = (sorted(seen) for seen in recorder.epochs.values())
    assert first == second
    assert len({*first}) == len(first)
    n_images = 160 if weighted else 200
    held_out = "train_split" in parameters or "early_stopping" in parameters
    assert (len(first) < n_images) if held_out else (len(first) == n_images)
    plain = small(augmentation=lambda X: X, **parameters).fit(X, y, weights)
    assert clf.loss_curve_ == plain.loss_curve_
    assert clf.history[:, "train_acc"] == plain.history[:, "train_acc"]
    assert clf.validation_scores_ == plain.validation_scores_
    np.testing.assert_array_equal(clf.predict_proba(X), plain.predict_proba(X))


def test_epochs_are_counted_over_all_trainings(small, few):
    X, y = few
    recorder = Checking(X)
    clf = small(augmentation=recorder, warm_start=True).fit(X, y).fit(X, y)
    assert [*recorder.epochs] == [0, 1, 2, 3]
    clf = pickle.loads(pickle.dumps(clf.set_params(augmentation=None)))
    clf.set_params(augmentation=recorder).partial_fit(X, y)
    assert [*recorder.epochs] == [0, 1, 2, 3, 4]
    chunk = Checking(X[150:])
    clf.set_params(augmentation=chunk).partial_fit(X[150:], y[150:])
    assert [*chunk.epochs] == [5]
    assert sorted(chunk.epochs[5]) == list(range(50))
    clf.set_params(warm_start=False, augmentation=recorder).fit(X, y)
    assert len(recorder.epochs[0]) == len(recorder.epochs[1]) == 400


def test_inputs_come_to_those_who_ask(small, few):
    seen = []

    class Module(torch.nn.Module):
        def forward(self, X, epoch):
            seen.append(epoch)
            return X

    def function(X, *, positions, others="default"):
        seen.append((len(positions), others))
        return X

    steps = [Module(), torch.abs, partial(function, others=3), RandomFlip]
    small(augmentation=steps, batch_size=-1).fit(*few)
    assert seen == [0, (200, 3), 1, (200, 3)]


@pytest.mark.parametrize("unasked", [None, RandomFlip, lambda X, epoch: X])
def test_positions_are_not_collected_unless_asked_for(small, few, unasked):
    clf = small(augmentation=unasked).fit(*few)
    dataset = clf.get_dataset(*few)
    assert clf.get_iterator(dataset, training=True).dataset is dataset
    clf.set_params(augmentation=AlternatingFlip, warm_start=True).fit(*few)
    assert clf.get_iterator(dataset, training=True).dataset is not dataset
    assert clf.get_iterator(dataset, training=False).dataset is dataset


def test_each_image_is_seen_both_ways_in_two_epochs(small, few):
    X, y = few
    originals = torch.from_numpy(X).reshape(-1, 1, 28, 28).float()
    epochs = {0: {}, 1: {}}

    def record(X, positions, epoch):
        mirrored = (originals[positions].flip(3) == X).flatten(1).all(1)
        assert ((originals[positions] == X).flatten(1).all(1) != mirrored).all()
        epochs[epoch].update(zip(positions.tolist(), mirrored.tolist(), strict=True))
        return X

    small(augmentation=(AlternatingFlip, record), early_stopping=True).fit(X, y)
    assert len(epochs[0]) == 180
    assert epochs[0] == {i: not mirrored for i, mirrored in epochs[1].items()}
    assert 80 <= sum(epochs[0].values()) <= 100


def test_a_list_is_applied_in_turn(small, few):
    def add(X):
        return X.add_(1)

    def double(X):
        return X.mul_(2)

    X = few[0].copy()
    one = small(augmentation=lambda X: double(add(X))).fit(*few)
    for steps in ([add, double], (add, double)):
        listed = small(augmentation=steps).fit(*few)
        assert listed.loss_curve_ == one.loss_curve_
        assert listed.augmentation_ == [add, double]
    assert small(augmentation=[double, add]).fit(*few).loss_curve_ != one.loss_curve_
    assert small(augmentation=[]).fit(*few).loss_curve_ == small().fit(*few).loss_curve_
    np.testing.assert_array_equal(few[0], X)
    with pytest.raises(ValueError, match=r"Got from the augmentation <built-in .* sum"):
        small(augmentation=[add, torch.sum]).fit(*few)


def test_parameters_of_a_list(small, few):
    steps = [RandomFlip(), RandomShift(4), RandomErasing]
    clf = small(augmentation=steps, augmentation__randomshift__max_shift=1)
    clf.set_params(augmentation__randomerasing__size=3)
    for copied in (clone(clf), copy.deepcopy(clf), pickle.loads(pickle.dumps(clf))):
        parameters = copied.get_params()
        assert parameters["augmentation__randomshift__max_shift"] == 1
        assert parameters["augmentation__randomerasing__size"] == 3
        fitted = copied.fit(*few)
        assert repr(fitted.augmentation_) == (
            "[RandomFlip(p=0.5), RandomShift(max_shift=1), RandomErasing(size=3)]"
        )
        assert "RandomShift(max_shift=4)" in repr(fitted)
    assert steps[1].max_shift == 4  # fit does not change parameters
    twice = small(augmentation=[RandomShift(1), RandomFlip(), RandomShift])
    twice.set_params(**{"augmentation__randomshift-2__max_shift": 3}).fit(*few)
    assert [getattr(t, "max_shift", None) for t in twice.augmentation_] == [1, None, 3]


@pytest.mark.parametrize(
    "grid",
    [
        {
            "augmentation": [None, RandomAffine, RandomAffine(shift=0.0)],
            "augmentation__rotation": [0, 15],
        },
        {
            "augmentation": [
                None,
                [RandomFlip(), RandomShift()],
                (RandomErasing, RandomShift),
            ],
            "augmentation__randomshift__max_shift": [1, 2],
        },
    ],
    ids=["one", "list"],
)
def test_grid_with_and_without_augmentation(small, few, grid):
    search = GridSearchCV(small(max_epochs=1), grid, cv=2, error_score="raise")
    search.fit(*few)
    candidates = search.cv_results_["params"]
    assert [c["augmentation"] for c in candidates[:2]] == [None, None]
    scores = search.cv_results_["mean_test_score"]
    assert np.isfinite(scores).all()
    assert scores[0] == scores[1]  # without an augmentation, its parameters are ignored
    assert search.best_params_.keys() == grid.keys()


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
        (
            {"augmentation": [RandomFlip, 3]},
            "Got augmentation=.*, 3], expected a class",
        ),
        (
            {"augmentation": RandomFlip(), "augmentation__rotation": 3},
            "Got augmentation__rotation, but RandomFlip takes no rotation; it takes p.",
        ),
        (
            {"augmentation": AlternatingFlip, "augmentation__p": 1},
            "AlternatingFlip takes no p; it takes no parameters",
        ),
        (
            {"augmentation": [RandomFlip, abs], "augmentation__p": 1},
            "Got augmentation__p and .* start with augmentation__randomflip__ or aug",
        ),
        (
            {"augmentation": [RandomFlip], "augmentation__randomflip__q": 1},
            "Got augmentation__randomflip__q, but RandomFlip takes no q; it takes p.",
        ),
        (
            {
                "augmentation": [RandomFlip, RandomFlip],
                "augmentation__randomflip__p": 1,
            },
            "start with augmentation__randomflip-1__ or augmentation__randomflip-2__",
        ),
        (
            {"augmentation": [abs], "augmentation__builtin_function_or_method__p": 1},
            "but <built-in function abs> takes no parameters",
        ),
    ],
)
def test_bad_augmentation(small, few, parameters, message):
    with pytest.raises((ValueError, TypeError), match=message):
        small(**parameters).fit(*few)


def test_names_are_checked_before_the_data(small):
    for parameters in (
        {"augmentation": RandomFlip, "augmentation__probability": 1},
        {"augmentation": [RandomShift()], "augmentation__randomshift__max_shift": -1},
    ):
        with pytest.raises((ValueError, TypeError), match=r"probability|max_shift=-1"):
            small(**parameters).fit("no data", None)


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
