"""Images in containers of every kind as X."""

import os
import sys
import threading

import numpy as np
import pytest
import sklearn
import torch
from image_containers import (
    CONTAINERS,
    WITH_LABELS,
    Pairs,
    make_hugging_face,
    write_npy,
)
from sklearn.model_selection import GridSearchCV, cross_val_score
from skorch.callbacks import Callback, EpochScoring
from skorch.helper import SliceDict
from torch.utils.data import DataLoader, Dataset

from skmnist import ResNetClassifier
from skmnist.callbacks import TrainingCheckpoint
from skmnist.datasets import LazyImages

N = 120


@pytest.fixture(scope="module")
def data(sample):
    """Images (120, 28, 28) and labels (120,), sorted as in a folder."""
    X, y = sample
    chosen = np.concatenate([np.flatnonzero(y == label)[:40] for label in range(3)])
    return X[chosen].reshape(N, 28, 28).copy(), y[chosen]


@pytest.fixture(params=["whole", "in batches"])
def memory(request):
    """Read X as a whole, or never."""
    with sklearn.config_context(working_memory=1024 * (request.param == "whole")):
        yield


@pytest.fixture
def in_batches():
    with sklearn.config_context(working_memory=0):
        yield


def assert_same(found, expected):
    assert found.history[:, "train_loss"] == expected.history[:, "train_loss"]
    for weights, right in zip(
        found.module_.parameters(), expected.module_.parameters(), strict=True
    ):
        assert torch.equal(weights, right)


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize("name", CONTAINERS)
def test_same_bits_whatever_holds_the_images(small, data, tmp_path, name):
    X, y = data
    expected = small().fit(X, y)
    held = CONTAINERS[name](X, y, tmp_path)
    clf = small().fit(held, None if name in WITH_LABELS else y)
    assert_same(clf, expected)
    assert clf.n_features_in_ == 784
    assert clf.image_shape_ == (1, 28, 28)
    for method in ("predict", "predict_proba", "predict_log_proba"):
        found = getattr(clf, method)(held)
        np.testing.assert_array_equal(found, getattr(expected, method)(X))
    score = clf.score(held) if name in WITH_LABELS else clf.score(held, y)
    assert score == expected.score(X, y)
    clf = small().partial_fit(held, y, classes=[0, 1, 2])
    assert_same(clf, small().partial_fit(X, y, classes=[0, 1, 2]))


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize("name", CONTAINERS)
def test_searches(small, data, tmp_path, name):
    X, y = data
    lazy = LazyImages(CONTAINERS[name](X, y, tmp_path), labels=y)
    clf, grid = small(max_epochs=1, precision="float32"), {"lr": [0.001, 0.1]}
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # as in the workers
    try:
        found = GridSearchCV(clf, grid, cv=2, n_jobs=2).fit(lazy, lazy.labels)
        expected = GridSearchCV(clf, grid, cv=2).fit(X, y)
        scores = cross_val_score(clf, lazy, y, cv=2, n_jobs=2)
        assert scores.tolist() == cross_val_score(clf, X, y, cv=2).tolist()
    finally:
        torch.set_num_threads(before)
    for key in ("mean_test_score", "split1_test_score"):
        assert found.cv_results_[key].tolist() == expected.cv_results_[key].tolist()
    assert_same(found.best_estimator_, expected.best_estimator_)


def get_state(clf):
    """All attributes but those that skorch sets when it deletes others."""
    others = {"prefixes_", "cuda_dependent_attributes_"}
    return {name: value for name, value in vars(clf).items() if name not in others}


OPTIONS = {
    "early stopping": {"early_stopping": True, "validation_fraction": 0.25},
    "class weight": {"class_weight": {0: 1, 1: 2, 2: 0}},
    "several batches of predictions": {"iterator_valid__batch_size": 17},
    "one batch": {"batch_size": -1, "iterator_valid__batch_size": -1},
    "DataLoader": {"iterator_train": DataLoader, "iterator_valid": DataLoader},
    "scoring of labels": {
        "early_stopping": True,
        "callbacks": [("f1", EpochScoring("f1_macro", lower_is_better=False))],
    },
}


@pytest.mark.usefixtures("in_batches")
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("name", ["memory map", "Dataset"])
def test_options(small, data, tmp_path, name, options):
    X, y = data
    held = CONTAINERS[name](X, y, tmp_path)
    clf, expected = (small(**options).fit(images, y) for images in (held, X))
    assert_same(clf, expected)
    assert clf.validation_scores_ == expected.validation_scores_
    np.testing.assert_array_equal(clf.predict_proba(held), expected.predict_proba(X))


@pytest.mark.usefixtures("in_batches")
def test_weights_and_warm_start(small, data, tmp_path):
    X, y = data
    held = np.load(write_npy(X, tmp_path), mmap_mode="r")
    weights = np.random.default_rng(0).integers(0, 3, N)
    found, expected = (
        small(warm_start=True).fit(images, y, weights).fit(images, y, weights)
        for images in (held, X)
    )
    assert_same(found, expected)
    assert found.score(held, y, weights) == expected.score(X, y, weights)


@pytest.mark.usefixtures("in_batches")
def test_a_network_that_looks_at_the_images(data, tmp_path):
    X, y = data
    held = np.load(write_npy(X, tmp_path), mmap_mode="r")
    found, expected = (
        ResNetClassifier(
            module__channels=(4, 4), max_epochs=1, random_state=0, precision="float32"
        ).fit(images, y)
        for images in (held, X)
    )
    assert_same(found, expected)


@pytest.mark.usefixtures("in_batches")
def test_checkpoints_agree(small, data, tmp_path):
    """A training that began with an array goes on with its file."""
    X, y = data
    held = np.load(write_npy(X, tmp_path), mmap_mode="r")

    class Stop(Callback):
        def on_epoch_begin(self, net, **kwargs):
            if len(net.history) == 2:
                raise RuntimeError("stopped")

    checkpoint = TrainingCheckpoint(tmp_path / "checkpoint")
    with pytest.raises(RuntimeError, match="stopped"):
        small(callbacks=[Stop(), checkpoint]).fit(X, y)
    assert (tmp_path / "checkpoint").exists()
    epochs = []

    class Count(Callback):
        def on_epoch_end(self, net, **kwargs):
            epochs.append(len(net.history))

    clf = small(callbacks=[Count(), checkpoint]).fit(held, y)
    assert epochs == [2]
    assert_same(clf, small().fit(X, y))


@pytest.mark.skipif(
    sys.version_info >= (3, 12), reason="Python warns of forks among torch's threads"
)
@pytest.mark.usefixtures("in_batches")
def test_workers_read_the_same(small, data):
    X, y = data
    workers = {"iterator_train__num_workers": 2, "iterator_valid__num_workers": 1}
    clf = small(**workers).fit(Pairs(X, y))
    expected = small().fit(X, y)
    assert_same(clf, expected)
    np.testing.assert_array_equal(
        clf.predict_proba(Pairs(X, y)), expected.predict_proba(X)
    )


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize("dtype", [np.float64, np.int16, bool, np.float16])
def test_other_types(small, data, tmp_path, dtype):
    X, y = data
    X = (X > 100).astype(dtype)
    held = np.load(write_npy(X, tmp_path), mmap_mode="r")
    assert_same(small().fit(LazyImages(held), y), small().fit(X, y))


def test_other_layouts(small, data, tmp_path):
    X, y = data
    rows = np.load(write_npy(X.reshape(N, -1), tmp_path), mmap_mode="r")
    assert_same(small().fit(rows, y), small().fit(X, y))
    colour = np.stack([X, X, X], axis=1)
    held = np.load(write_npy(colour, tmp_path), mmap_mode="r")
    assert small().fit(held, y).image_shape_ == (3, 28, 28)
    odd = np.load(write_npy(X.reshape(N, -1)[:, :783], tmp_path), mmap_mode="r")
    with pytest.warns(UserWarning, match="783 features"):
        clf = small().fit(LazyImages(odd), y)
    assert clf.image_shape_ == (1, 28, 28)


def test_tables_and_their_names_are_forgotten(small, data, tmp_path):
    pd = pytest.importorskip("pandas")
    X, y = data
    held = np.load(write_npy(X, tmp_path), mmap_mode="r")
    frame = pd.DataFrame(X.reshape(N, -1)).rename(columns=str)
    clf = small().fit(frame, y)
    with pytest.warns(UserWarning, match="feature names"):
        clf.predict(held)
    assert not hasattr(clf.fit(held, y), "feature_names_in_")


@pytest.mark.usefixtures("in_batches")
def test_images_of_another_shape_or_number(small, data, tmp_path):
    X, y = data
    clf = small().fit(X, y)
    held = LazyImages(np.load(write_npy(X[:, 1:], tmp_path), mmap_mode="r"))
    with pytest.raises(ValueError, match="756 features"):
        clf.predict(held)
    with pytest.raises(ValueError, match="0 sample"):
        clf.predict(LazyImages(X)[:0])
    with pytest.raises(ValueError, match="inconsistent"):
        small().fit(held, y[:-1])
    with pytest.raises(ValueError, match="target y is None"):
        small().fit(held)


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_pixels_that_are_not_finite(small, data, tmp_path, value):
    X, y = data
    X = X.astype(np.float64)
    X[N - 1, 3, 3] = value
    held = LazyImages(np.load(write_npy(X, tmp_path), mmap_mode="r"))
    clf = small()
    before = get_state(clf)
    with pytest.raises(ValueError, match="Input X contains"):
        clf.fit(held, y)
    assert get_state(clf) == before
    clf.fit(held[:-1], y[:-1])
    with pytest.raises(ValueError, match="Input X contains"):
        clf.predict(held)


def not_images(X, y):
    pairs = Pairs(X, y)
    huge = make_hugging_face(X[:4], y[:4])
    return {
        "DataLoader": (DataLoader(pairs), r"X\.dataset"),
        "dict": ({"image": X, "label": y}, r"keys 'image', 'label'.*X\['image'\]"),
        "SliceDict": (SliceDict(image=X), r"X\['image'\]"),
        "generator": ((image for image in X), r"generator.*partial_fit"),
        "path": ("pictures", "load_image_folder"),
        "pairs": ([pairs[i] for i in range(4)], r"LazyImages\(dataset\), y = X.labels"),
        "Hugging Face set": (huge, r"columns \['image', 'label'\].*dataset\['image'\]"),
        "column of sizes": (
            pytest.importorskip("pandas").Series([X[0], X[1][:9]]),
            r"shape \(9, 28\) as item 1 .*\(28, 28\)",
        ),
    }


@pytest.mark.parametrize(
    "name", not_images(np.zeros((4, 28, 28), np.uint8), np.zeros(4, np.int64))
)
def test_what_is_not_x(small, data, name):
    X, message = not_images(*data)[name]
    clf = small()
    before = get_state(clf)
    with pytest.raises((TypeError, ValueError), match=message):
        clf.fit(X, [0, 1])
    assert get_state(clf) == before
    clf.fit(*data)
    X, _ = not_images(*data)[name]
    with pytest.raises((TypeError, ValueError), match=message):
        clf.predict(X)


def test_a_data_set_without_wrapper_in_cross_validation(small, data):
    with pytest.raises(TypeError, match=r"skmnist\.datasets\.LazyImages"):
        cross_val_score(small(), Pairs(*data), data[1], cv=2, error_score="raise")


class OnBatch(Callback):
    """Call a function before the third batch of the second epoch."""

    def __init__(self, function):
        self.function = function
        self.n_batches = 0

    def on_batch_begin(self, net, **kwargs):
        self.n_batches += 1
        if self.n_batches == 5:
            self.function()


@pytest.mark.usefixtures("in_batches")
@pytest.mark.parametrize("kind", ["shortened", "deleted"])
def test_a_file_that_changes_during_the_training(small, data, tmp_path, kind):
    X, y = np.repeat(data[0], 4, axis=0), np.repeat(data[1], 4)
    path = write_npy(X, tmp_path)
    held = np.load(path, mmap_mode="r")
    clf = small().fit(*data)
    before = {k: v.clone() for k, v in clf.module_.state_dict().items()}
    change = path.unlink if kind == "deleted" else lambda: os.truncate(path, 1000)
    clf.set_params(callbacks=[OnBatch(change)])
    with pytest.raises(OSError, match=r"images\.npy"):
        clf.fit(held, y)
    assert all(torch.equal(w, before[k]) for k, w in clf.module_.state_dict().items())


class Failing(Pairs):
    """A data set whose items fail after some time."""

    def __init__(self, *args, fail):
        super().__init__(*args)
        self.fail, self.n_reads = fail, 0

    def __getitem__(self, index):
        self.n_reads += 1
        return self.fail() if self.n_reads > 3 * N else super().__getitem__(index)


def vanish():
    raise FileNotFoundError("007.png")


@pytest.mark.usefixtures("in_batches")
@pytest.mark.parametrize(
    ("fail", "error", "message"),
    [
        (vanish, OSError, r"item \d+ of a Failing.*FileNotFoundError: 007\.png"),
        (lambda: (torch.zeros(9, 9), 0), ValueError, r"shape \(9, 9\) as item \d+"),
    ],
    ids=["vanished", "another shape"],
)
def test_items_that_fail_during_the_training(small, data, fail, error, message):
    dataset = Failing(*data, fail=fail)
    clf = small(max_epochs=9)
    before = get_state(clf)
    with pytest.raises(error, match=message):
        clf.fit(dataset, data[1])
    assert get_state(clf) == before


@pytest.mark.skipif(
    sys.version_info >= (3, 12), reason="Python warns of forks among torch's threads"
)
@pytest.mark.usefixtures("in_batches")
def test_a_worker_that_dies(small, data):
    dataset = Failing(*data, fail=lambda: os._exit(1))
    dataset.n_reads = 3 * N - 50
    clf = small(iterator_train__num_workers=1)
    before = get_state(clf)
    with pytest.raises(RuntimeError, match=r"worker .*exited unexpectedly"):
        clf.fit(dataset, data[1])
    assert get_state(clf) == before


@pytest.mark.parametrize("value", [-1, 1.5, "2"])
def test_invalid_num_workers(small, data, value):
    with pytest.raises(ValueError, match="iterator_train__num_workers="):
        small(iterator_train__num_workers=value).fit(*data)


class Unlabelled(Dataset):
    def __len__(self):
        return 4

    def __getitem__(self, index):
        return np.zeros((28, 28), np.uint8)


def test_labels_that_are_missing(small):
    with pytest.raises(ValueError, match="target y is None"):
        small().fit(Unlabelled())


class Noisy(Pairs):
    def __getitem__(self, index):
        image, label = super().__getitem__(index)
        return image + 10 * torch.rand(28, 28), label


@pytest.mark.usefixtures("memory")
def test_random_transforms_follow_the_seed(small, data):
    before = torch.get_rng_state()
    first, second = (small().fit(Noisy(*data)) for _ in range(2))
    assert_same(first, second)
    first.score(Noisy(*data))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.usefixtures("in_batches")
@pytest.mark.parametrize("name", ["read-only array", "memory map", "PIL images"])
def test_predictions_do_not_wait_for_a_training(small, data, tmp_path, name):
    X, y = data
    held = CONTAINERS[name](X, y, tmp_path)
    clf = small().fit(X, y)
    expected = clf.predict_proba(X)
    found = []

    class Predict(Callback):
        def on_epoch_begin(self, net, **kwargs):
            thread = threading.Thread(
                target=lambda: found.append(clf.predict_proba(held)), daemon=True
            )
            thread.start()
            thread.join(30)

    clf.set_params(callbacks=[Predict()], max_epochs=1, random_state=1).fit(X, y)
    assert len(found) == 1, "the prediction waits for the training"
    np.testing.assert_array_equal(found[0], expected)


def test_labels_and_images_are_read_in_one_pass(small, data):
    dataset = Failing(*data, fail=None)
    small().fit(dataset)
    assert dataset.n_reads == N + 1  # and the first, for the shape


def test_channels_last_in_a_file(small, data, tmp_path):
    X, y = data
    colour = np.stack([X, X, X], axis=3)
    held = LazyImages(np.load(write_npy(colour, tmp_path), mmap_mode="r"))
    assert held.shape == (N, 3, 28, 28)
    assert_same(small().fit(held, y), small().fit(np.moveaxis(colour, 3, 1), y))


def test_a_single_image_of_a_memory_map(small, data, tmp_path):
    X, y = data
    clf = small().fit(X, y)
    held = np.load(write_npy(X, tmp_path), mmap_mode="r")
    with pytest.raises(ValueError, match=r"X\[None\]"):
        clf.predict(held[0])
    assert clf.predict(held[:1]) == clf.predict(X[:1])


@pytest.mark.usefixtures("in_batches")
def test_lazy_rows_that_have_to_be_padded_are_checked(small, data):
    X = data[0].reshape(N, -1)[:, :783].astype(np.float32)
    X[3, 5] = np.nan
    with (
        pytest.warns(UserWarning, match="783 features"),
        pytest.raises(ValueError, match="Input X contains NaN"),
    ):
        small().fit(LazyImages(X), data[1])
