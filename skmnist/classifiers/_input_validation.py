"""Validation of images and labels.

Images in any layout become rows of pixels (n, C*H*W) for scikit-learn's checks and then
one tensor (n, C, H, W), or `LazyImages` of this shape, for the network. uint8 is kept,
other types become float32.
"""

import math
import warnings
from typing import NamedTuple

import numpy as np
import torch
from sklearn.preprocessing import LabelEncoder
from sklearn.utils import assert_all_finite, check_array, check_X_y
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from skmnist.classifiers._image_input import (
    PIXEL_DTYPES,
    as_numpy,
    open_images,
    open_images_and_labels,
    pixel_dtype,
)
from skmnist.classifiers._sample_weights import combine_weights, drop_zero_weight
from skmnist.datasets import LazyImages


class TrainingData(NamedTuple):
    """Validated training data.

    Attributes
    ----------
    X : array-like of shape (n, n_features)
        As passed by the user, but flat; still a data frame if it was one.
    layout : tuple (n_features,), (H, W) or (C, H, W)
        Shape of each image as passed by the user.
    images : tensor or LazyImages of shape (n, C, H, W)
        Without the images of weight 0, as are `y` and `weights`.
    y : ndarray of shape (n,)
    weights : ndarray of shape (n,) or None
    positions : ndarray of shape (n,), int64, or None
        Positions of the images in X; None if none was dropped.
    classes : ndarray of shape (n_classes,)
    fit_info : dict
        What the hooks of scikit-learn's callbacks receive.
    """

    X: object
    layout: tuple
    images: torch.Tensor
    y: np.ndarray
    weights: np.ndarray | None
    positions: np.ndarray | None
    classes: np.ndarray
    fit_info: dict


def validate_training_data(estimator, X, y, sample_weight, classes=None):
    """Validate the data of `fit` and `partial_fit`.

    Parameters
    ----------
    estimator : ImageClassifier
        It is not changed.
    X, y, sample_weight : array-like
    classes : ndarray of shape (n_classes,), default=None
        All labels, sorted. None: the labels in y.

    Returns
    -------
    TrainingData

    Raises
    ------
    ValueError, TypeError
        If the data are invalid.
    """
    X, y = open_images_and_labels(X, y)
    X, layout = as_rows(X)
    rows, y = _check_rows_and_labels(X, as_labels(y), estimator)
    labels = LabelEncoder().fit(y).classes_  # explains mixed types
    check_classification_targets(y)
    if classes is None:
        classes = labels
    check_known_labels(labels, classes)
    image_shape = resolve_image_shape(rows.shape[1], layout, estimator.image_shape)
    images = as_images(rows, image_shape)
    sample_weight = as_weights(sample_weight)
    weights = combine_weights(sample_weight, estimator.class_weight, y, classes)
    metadata = None if sample_weight is None else {"sample_weight": sample_weight}
    fit_info = {"estimator": estimator, "X": X, "y": y, "metadata": metadata}
    layout = rows.shape[1:] if layout is None else layout
    counted = drop_zero_weight(images, y, weights)
    return TrainingData(X, layout, *counted, classes, fit_info)


def validate_images(estimator, X):
    """Validate images to predict.

    Parameters
    ----------
    estimator : ImageClassifier
        Fitted.
    X : array-like

    Returns
    -------
    tensor or LazyImages of shape (n, C, H, W)

    Raises
    ------
    ValueError, TypeError
        If X does not hold images of the shape of the training images.
    """
    X, layout = as_rows(open_images(X))
    if _is_surely_valid(estimator, X):
        rows = X
    elif isinstance(X, LazyImages):
        _check_number(X, estimator)
        _refuse_single_image(estimator, X, layout)
        validate_data(estimator, X, reset=False, skip_check_array=True)
        rows = X
    else:
        _refuse_single_image(estimator, X, layout)
        rows = validate_data(estimator, X, reset=False, dtype=PIXEL_DTYPES, order="C")
    if layout is not None and with_channels(layout) != estimator.image_shape_:
        raise ValueError(
            "Got X with images of (channels, height, width) = "
            f"{with_channels(layout)}, but "
            f"{type(estimator).__name__} was trained on {estimator.image_shape_}."
        )
    return as_images(rows, estimator.image_shape_)


def _check_rows_and_labels(X, y, estimator):
    """Let scikit-learn check rows of pixels and labels, without reading lazy ones."""
    options = {"dtype": PIXEL_DTYPES, "order": "C", "estimator": estimator}
    if isinstance(X, LazyImages):
        _, y = check_X_y(np.zeros((len(X), 1), np.uint8), y, **options)
        return X, y
    return check_X_y(X, y, **options)


def as_rows(X):
    """Reshape images of any layout to rows of pixels.

    Parameters
    ----------
    X : array-like, tensor or LazyImages
        Of shape (n, C*H*W), (n, H, W) or (n, C, H, W). Anything else (a data frame, a
        sparse matrix, a single row) is returned unchanged, for scikit-learn to check.

    Returns
    -------
    rows : array-like or LazyImages of shape (n, C*H*W)
    layout : tuple (H, W) or (C, H, W), or None if X has rows

    Raises
    ------
    TypeError
        If X is a sparse tensor, a container that is neither an array nor a table, or
        holds times.
    ValueError
        If X has more than four dimensions, is ragged, or has its channels last.
    """
    if isinstance(X, LazyImages):
        if X.dtype.kind not in "buif":
            raise ValueError(f"Got X of type {X.dtype}, expected real numbers.")
    else:
        if not isinstance(X, np.ndarray):
            X = _as_array(X)
        _refuse_times(X)
        if not isinstance(X, np.ndarray) or X.ndim < 3:
            return X, None
    layout = X.shape[1:]
    if X.ndim == 4:
        if layout[2] in (1, 3, 4) and layout[0] not in (1, 3, 4):
            raise ValueError(
                f"Got X of shape {X.shape}, which has its channels last. Expected "
                "(n, channels, height, width): pass np.moveaxis(X, -1, 1)."
            )
    elif X.ndim > 4:
        raise ValueError(
            f"Got X with {X.ndim} dimensions, shape {X.shape}. Expected rows of pixels "
            "(n, channels*height*width), or images (n, height, width) or "
            "(n, channels, height, width)."
        )
    # not -1: NumPy cannot infer a length where there are no images
    n_features = math.prod(layout)
    if isinstance(X, LazyImages):
        rows = X.with_layout((n_features,), pixel_dtype(X.dtype))
        return rows, layout if len(layout) > 1 else None
    return X.reshape(len(X), n_features), layout


def with_channels(layout):
    """Return the shape (C, H, W) of an image of shape (H, W) or (C, H, W)."""
    return (1, *layout)[-3:]


def as_labels(y):
    """Convert a CPU tensor of labels to an array; return anything else unchanged."""
    return as_numpy(y, "y")


def as_weights(sample_weight):
    """Convert a CPU tensor of weights to an array, as `as_labels` does."""
    return as_numpy(sample_weight, "sample_weight")


def check_known_labels(labels, classes):
    """Raise ValueError if a label is not among the classes.

    Parameters
    ----------
    labels, classes : ndarray
    """
    unknown = sorted({*labels.tolist()} - {*classes.tolist()})
    if unknown:
        raise ValueError(
            f"Got y with the labels {unknown}, which are not among the "
            f"classes {classes.tolist()}. Pass all labels that occur in any call to "
            "the first one: in y of fit, or as classes of partial_fit."
        )


def resolve_image_shape(n_features, layout, image_shape):
    """Determine channels, height and width of the images.

    Parameters
    ----------
    n_features : int
        Pixels of one image, over all channels.
    layout : tuple (H, W) or (C, H, W), or None
        Shape of the images in the array, see `as_rows`.
    image_shape : tuple (C, H, W) or None
        Parameter of the classifier. None: the layout, or the smallest square of one
        channel that holds the pixels.

    Returns
    -------
    tuple (C, H, W)

    Raises
    ------
    ValueError
        If the three do not agree.

    Warns
    -----
    UserWarning
        If the pixels do not fill the square.
    """
    layout = None if layout is None else with_channels(layout)
    if image_shape is None:
        if layout is not None:
            return layout
        side = math.isqrt(n_features - 1) + 1
        if side * side != n_features:
            warnings.warn(
                f"X has {n_features} features, which is not a square number; they are "
                f"laid out row by row on {side}x{side} pixels, padded with 0. Pass "
                "image_shape=(channels, height, width) if they are images.",
                stacklevel=5,
            )
        return (1, side, side)
    image_shape = tuple(int(side) for side in image_shape)
    if layout is not None and image_shape != layout:
        raise ValueError(
            f"Got image_shape={image_shape}, but X holds images of (channels, height, "
            f"width) = {layout}. Pass image_shape={layout}, or leave it out."
        )
    if math.prod(image_shape) != n_features:
        side = math.isqrt(n_features)
        remedy = (
            f"Pass image_shape=(1, {side}, {side}), or leave it out."
            if side * side == n_features
            else "Pass the channels, height and width that the images have."
        )
        raise ValueError(
            f"Got image_shape={image_shape}, but X has {n_features} features. {remedy}"
        )
    return image_shape


def as_images(rows, image_shape):
    """Turn rows of pixels into a tensor of images, without a copy if possible.

    Parameters
    ----------
    rows : ndarray or LazyImages of shape (n, n_features)
        Missing pixels at the end are 0.
    image_shape : tuple (C, H, W)

    Returns
    -------
    tensor or LazyImages of shape (n, C, H, W), of the dtype of `rows`
        Shares the memory of `rows`, unless it is read-only (as in the workers of a
        parallel search), not contiguous or padded.
    """
    missing = math.prod(image_shape) - rows.shape[1]
    if isinstance(rows, LazyImages):
        if not missing:
            return rows.with_layout(image_shape, rows.dtype)
        rows = rows.read()
        assert_all_finite(rows, input_name="X")
    if missing:
        rows = np.pad(rows, ((0, 0), (0, missing)))
    if not (rows.flags.c_contiguous and rows.flags.writeable):
        rows = rows.copy(order="C")
    return torch.from_numpy(rows).reshape(len(rows), *image_shape)


def _is_surely_valid(estimator, X):
    """Whether validation would return X unchanged; it would slow single images."""
    return (
        type(X) is np.ndarray
        and X.dtype == np.uint8
        and X.ndim == 2
        and len(X) > 0
        and X.shape[1] == estimator.n_features_in_
        and not hasattr(estimator, "feature_names_in_")
    )


def _refuse_single_image(estimator, X, layout):
    """Raise ValueError for X[0], whose rows would be taken for images."""
    if not isinstance(X, (np.ndarray, LazyImages)) or X.ndim != 2:
        return
    shape = len(X), *(layout or X.shape[1:])
    if (
        with_channels(shape) == estimator.image_shape_
        and X.shape[1] != estimator.n_features_in_
    ):
        raise ValueError(
            f"Got X of shape {shape}, which is that of a single image. Expected "
            "several images, or one as an array of length 1: pass X[None]."
        )


def _as_array(X):
    """Convert a tensor, list or tuple of images to an array.

    Data frames and whatever else scikit-learn can check are returned unchanged.
    """
    X = as_numpy(X, "X")
    if isinstance(X, (list, tuple)):
        try:
            X = np.asarray(X)
        except ValueError as error:
            raise ValueError(
                f"Got X as a {type(X).__name__} that is not an array: {error} Expected "
                "images that all have the same shape."
            ) from error
    if not isinstance(X, np.ndarray):
        _refuse_other_shapes(X)
    return X


def _refuse_other_shapes(X):
    """Raise TypeError for containers whose features scikit-learn cannot count."""
    shape = getattr(X, "shape", None)
    if isinstance(shape, tuple) and len(shape) != 2:
        name = f"{type(X).__module__}.{type(X).__qualname__}"
        raise TypeError(
            f"Got X as a {name}, expected an array, a tensor or a data frame of "
            "pixels. Turn it into an array first, for example by "
            "np.stack([np.asarray(image) for image in X])."
        )


def _refuse_times(X):
    """Raise TypeError for dates and durations, which NumPy would turn into numbers."""
    some = X.head(1) if hasattr(X, "head") else X  # one row of a data frame is enough
    dtype = getattr(some, "dtype", None) or np.asarray(some).dtype
    if getattr(dtype, "kind", None) in ("m", "M"):
        raise TypeError(
            f"Got X of type {dtype}, expected numbers: the brightness of pixels."
        )


def _check_number(X, estimator):
    """Let scikit-learn check the number of images."""
    check_array(np.zeros((len(X), 1)), estimator=estimator)
