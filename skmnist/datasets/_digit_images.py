"""Validation of images of single digits."""

import numpy as np
from sklearn.utils import check_array

DIGIT_SHAPES = ((784,), (28, 28), (1, 28, 28))
"""Shapes of one digit."""


def check_digit_images(X):
    """Check that X holds images of single digits like MNIST's.

    Parameters
    ----------
    X : array-like of shape (n, 784), (n, 28, 28) or (n, 1, 28, 28)

    Returns
    -------
    ndarray of shape (n, 28, 28)

    Raises
    ------
    ValueError
        If X has another shape, digits without ink, negative pixels or a bright
        background.
    """
    X = check_array(X, allow_nd=True, input_name="X")
    if X.shape[1:] not in DIGIT_SHAPES:
        raise ValueError(
            f"Got X of shape {X.shape}, expected images of 28x28 pixels: "
            "(n, 784), (n, 28, 28) or (n, 1, 28, 28)."
        )
    X = X.reshape(-1, 28, 28)
    if X.min() < 0:
        raise ValueError(
            f"Got X with the pixel {X.min()}, expected 0 for the background and more "
            "for ink. Pass the digits before they are standardized."
        )
    empty = np.flatnonzero(X.reshape(len(X), -1).max(axis=1) == 0)
    if len(empty):
        raise ValueError(
            f"Got X with {len(empty):,} images without ink, the first at index "
            f"{empty[0]}. Remove them."
        )
    if np.median(X[:, [0, 0, -1, -1], [0, -1, 0, -1]]) > X.max() / 2:
        raise ValueError(
            "Got X with bright corners, expected bright digits on 0. Invert the "
            "images, such as 255 - X."
        )
    return X


def scale_to_uint8(digits):
    """Scale digits so that the brightest pixel is 255.

    Parameters
    ----------
    digits : ndarray of shape (n, 28, 28)
        As `check_digit_images` returns them.

    Returns
    -------
    ndarray of shape (n, 28, 28), uint8
    """
    if digits.dtype == np.uint8 and digits.max() == 255:
        return digits
    return np.rint(digits * (255 / digits.max())).astype(np.uint8)


def as_label_strings(y):
    """Convert labels to strings of one character.

    Parameters
    ----------
    y : ndarray of shape (n,)

    Returns
    -------
    ndarray of shape (n,) of str

    Raises
    ------
    ValueError
        If a label has another length.
    """
    labels = [str(label) for label in y.tolist()]
    others = sorted(label for label in set(labels) if len(label) != 1)
    if others:
        raise ValueError(
            f"Got y with the label {others[0]!r}, expected labels of one character, "
            "such as 7 or '7'."
        )
    return np.array(labels)
