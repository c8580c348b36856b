import collections

import numpy as np
import pandas as pd
import pytest
import torch

from skmnist.classifiers._input_validation import (
    as_images,
    as_labels,
    as_rows,
    resolve_image_shape,
)
from skmnist.classifiers._pixel_statistics import pixel_statistics


@pytest.mark.parametrize("convert", [np.asarray, torch.as_tensor, np.ndarray.tolist])
@pytest.mark.parametrize(
    ("shape", "layout"),
    [
        ((2, 12), None),
        ((2, 3, 4), (3, 4)),
        ((2, 3, 2, 2), (3, 2, 2)),
        # so narrow that the width could be a number of channels
        ((2, 1, 4, 3), (1, 4, 3)),
        ((2, 3, 4, 1), (3, 4, 1)),
        ((2, 4, 3, 1), (4, 3, 1)),
    ],
)
def test_any_layout_becomes_rows(convert, shape, layout):
    images = np.arange(24, dtype=np.uint8).reshape(shape)
    rows, found = as_rows(convert(images))
    assert found == layout
    np.testing.assert_array_equal(rows, images.reshape(2, 12))


def test_non_images_are_left_to_scikit_learn():
    one_row = np.zeros(5)
    assert as_rows(one_row)[0] is one_row
    assert as_rows(None) == (None, None)


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        (np.zeros((1, 1, 1, 2, 2)), ValueError, "5 dimensions"),
        (np.zeros((2, 28, 28, 1)), ValueError, "channels last.*moveaxis"),
        (np.zeros((2, 28, 28, 3)), ValueError, "channels last.*moveaxis"),
        (np.zeros((2, 28, 28, 4)), ValueError, "channels last.*moveaxis"),
        (torch.zeros(2, 4).to_sparse(), TypeError, "dense"),
        (torch.zeros(2, 4, device="meta"), TypeError, "on meta"),
        (pd.Series([1.0, 2.0]), TypeError, r"np\.stack"),
        ([[1, 2], [3]], ValueError, "inhomogeneous"),
    ],
)
def test_unsupported_images_raise(X, error, message):
    with pytest.raises(error, match=message):
        as_rows(X)


def test_sequences_are_treated_as_lists(small, few):
    expected = small().fit(few[0][:20], few[1][:20]).predict_proba(few[0])
    rows = collections.deque(few[0])
    clf = small().fit(collections.deque(few[0][:20]), few[1][:20])
    np.testing.assert_array_equal(clf.predict_proba(rows), expected)
    assert clf.n_features_in_ == 784


def test_tensors_that_numpy_cannot_convert():
    rows, _ = as_rows(torch.ones(2, 4, dtype=torch.bfloat16, requires_grad=True))
    np.testing.assert_array_equal(rows, np.ones((2, 4)))
    assert as_labels(torch.tensor([1, 2])).tolist() == [1, 2]


@pytest.mark.parametrize(
    ("n_features", "layout", "image_shape", "found"),
    [
        (784, None, None, (1, 28, 28)),
        (784, None, (1, 14, 56), (1, 14, 56)),
        (12, (3, 2, 2), None, (3, 2, 2)),
        (12, None, [3, 2, 2], (3, 2, 2)),
        (1, None, None, (1, 1, 1)),
    ],
)
def test_image_shape(n_features, layout, image_shape, found):
    assert resolve_image_shape(n_features, layout, image_shape) == found


@pytest.mark.parametrize(
    ("n_features", "layout", "image_shape", "message"),
    [
        (784, None, (1, 28, 27), r"784 features. Pass image_shape=\(1, 28, 28\)"),
        (783, None, (1, 28, 28), "783 features"),
        (784, (1, 28, 28), (1, 14, 56), r"Pass image_shape=\(1, 28, 28\)"),
    ],
)
def test_image_shape_that_does_not_match(n_features, layout, image_shape, message):
    with pytest.raises(ValueError, match=message):
        resolve_image_shape(n_features, layout, image_shape)


def test_number_of_features_that_is_not_a_square():
    with pytest.warns(UserWarning, match="10 features.*4x4 pixels.*image_shape="):
        shape = resolve_image_shape(10, None, None)
    images = as_images(np.arange(20, dtype=np.uint8).reshape(2, 10), shape)
    assert images.shape == (2, 1, 4, 4)
    assert images.flatten(1)[1].tolist() == [*range(10, 20), *[0] * 6]


def test_images_share_the_memory_of_writeable_rows():
    rows = np.zeros((2, 12), dtype=np.uint8)
    images = as_images(rows, (3, 2, 2))
    assert images.shape == (2, 3, 2, 2)
    assert images.dtype == torch.uint8
    rows[:] = 1
    assert images.min() == 1
    rows.flags.writeable = False
    images = as_images(rows, (3, 2, 2))
    images[:] = 2
    assert rows.max() == 1


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_pixel_statistics_agree_with_numpy(dtype):
    rng = np.random.default_rng(0)
    # more images than one chunk of the conversion
    images = rng.integers(0, 256, (9000, 2, 3, 3)).astype(dtype)
    images[:, 1] = 7
    mean, std, pixel_range = pixel_statistics(torch.from_numpy(images))
    assert pixel_range == (images.min(), images.max())
    pixels = images[:, 0].astype(float)
    np.testing.assert_allclose(mean, [pixels.mean(), 7], rtol=1e-12)
    np.testing.assert_allclose(std, [pixels.std(), 1], rtol=1e-12)


@pytest.mark.parametrize("convert", [np.asarray, torch.as_tensor, np.ndarray.tolist])
@pytest.mark.parametrize("shape", [(6, 8), (3, 6, 8)])
def test_single_image(small, convert, shape):
    X = np.random.default_rng(0).integers(0, 256, (4, *shape))
    clf = small().fit(X, [0, 1, 0, 1])
    with pytest.raises(ValueError, match=r"Got X of shape .*single image.*X\[None\]"):
        clf.predict(convert(X[0]))
    assert clf.predict(convert(X[0][None])) == clf.predict(X)[:1]
    if len(shape) == 2:  # as (channels, height, width), too
        assert clf.predict(convert(X[:1])) == clf.predict(X)[:1]
