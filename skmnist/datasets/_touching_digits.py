"""Images of two digits that touch."""

import numbers

import numpy as np
from sklearn.utils import (
    check_consistent_length,
    check_random_state,
    check_scalar,
    column_or_1d,
)

from skmnist._centering import CANVAS_SIZE, WIDE_CANVAS
from skmnist._dependencies import check_scikit_image
from skmnist.datasets._bunch import make_bunch
from skmnist.datasets._digit_images import (
    as_label_strings,
    check_digit_images,
    scale_to_uint8,
)
from skmnist.datasets._strokes import INK_LEVEL
from skmnist.preprocessing import DigitPreprocessor
from skmnist.preprocessing._binary_images import crop
from skmnist.preprocessing._pair_reading import normalize_pair

SINGLE = 1 / 2
"""Fraction of the images that show a single digit."""

ROTATION, SHEAR, SCALE = np.radians(8), np.radians(10), 0.12
"""Largest deformation of a digit: angles, and the change of its size."""

OFFSET, MAX_OFFSET = 2.2, 7
"""Standard deviation and largest value of the height of the second digit in pixels."""

OVERLAPS = (1, 2, 3)
"""Pixels by which the strokes overlap."""

ENLARGEMENT = 2
"""Factor by which drawings are enlarged before the width of their strokes is set."""

MIN_DISTANCE = 4
"""Smallest distance of the images of two digits in pixels."""

DESCR = """\
{n_samples:,} images of 28x48 pixels by make_touching_digits: two digits that touch, or
one.

`target` has their labels as strings.
"""


def make_touching_digits(X, y, *, n_samples=1000, random_state=None):
    """Generate images of two digits that touch, and of single digits.

    A classifier that is trained on them reads touching digits without cutting them
    apart [1]_. `skmnist.read` takes it as `pair_classifier`.

    Each digit is rotated by up to 8 degrees, sheared by up to 10 degrees and scaled by
    up to 12 %. The second one is moved up or down, and to the left until its strokes
    overlap those of the first one by one to three pixels. All strokes are then set to
    the width to which `skmnist.preprocessing.DigitFinder` sets them by default. Digits
    are drawn from X at random. Half of the images show a single digit. Nothing is
    downloaded.

    Parameters
    ----------
    X : array-like of shape (n_digits, 784), (n_digits, 28, 28) or \
            (n_digits, 1, 28, 28)
        Images of single digits, bright on 0, as those of MNIST.
    y : array-like of shape (n_digits,)
        Labels of one character, such as 7 or "7".
    n_samples : int, default=1000
        Number of images.
    random_state : int, RandomState instance or None, default=None
        Determines the images. Pass an int for reproducible results.

    Returns
    -------
    sklearn.utils.Bunch
        With the attributes:

        data : ndarray of shape (n_samples, 1344), uint8
            Pixels of the images, row by row.
        images : ndarray of shape (n_samples, 28, 48), uint8
            The same as images: what is drawn is scaled to a height of 20 pixels, or a
            width of 44, and its mass is centered.
        target : ndarray of shape (n_samples,) of str
            The labels of one or two digits, such as "7" or "42".
        target_names : ndarray of str
            Their sorted values.
        frame : None
            For consistency with the loaders.
        feature_names : list of str
            Names of the pixels.
        image_shape : tuple of int
            Channels, height and width.
        DESCR : str
            Description of the images.

    Raises
    ------
    ValueError
        If `n_samples` is out of range; if X has another shape, digits without ink,
        negative pixels or a bright background; if y has another length, or labels of
        several characters.
    TypeError
        If a parameter is of another type.
    ImportError
        If scikit-image, of the extra `images`, is not installed.

    See Also
    --------
    make_digit_strings : Generates pictures of whole numbers, on paper.

    References
    ----------
    .. [1] A. G. Hochuli, L. S. Oliveira, A. S. Britto Jr., R. Sabourin, "Handwritten
       digit segmentation: Is it still necessary?", Pattern Recognition 78, 2018.

    Examples
    --------
    >>> from skmnist.datasets import load_mnist_sample, make_touching_digits
    >>> X, y = load_mnist_sample(subset="train", return_X_y=True)
    >>> pairs = make_touching_digits(X, y, n_samples=50, random_state=0)
    >>> pairs.images.shape
    (50, 28, 48)
    >>> sorted({len(label) for label in pairs.target})
    [1, 2]
    """
    check_scalar(n_samples, "n_samples", numbers.Integral, min_val=1)
    check_scikit_image("make_touching_digits")
    digits = scale_to_uint8(check_digit_images(X))
    y = column_or_1d(y)
    check_consistent_length(digits, y)
    labels = as_label_strings(y)
    rng = check_random_state(random_state)
    first, second = rng.randint(len(digits), size=(2, n_samples))
    is_single = rng.uniform(size=n_samples) < SINGLE
    down = np.rint(rng.normal(0, OFFSET, n_samples)).astype(int)
    down = down.clip(-MAX_OFFSET, MAX_OFFSET)
    overlaps = rng.choice(OVERLAPS, size=n_samples)
    maps = _draw_maps(2 * n_samples, rng).reshape(2, n_samples, 6)
    stroke_width = DigitPreprocessor().stroke_width
    images = np.empty((n_samples, *WIDE_CANVAS), np.uint8)
    for number in range(n_samples):
        drawing = _deform(digits[first[number]], maps[0, number])
        if not is_single[number]:
            other = _deform(digits[second[number]], maps[1, number])
            drawing = _join(drawing, other, down[number], overlaps[number])
        images[number] = normalize_pair(_enlarge_ink(drawing), stroke_width)
    second_labels = np.where(is_single, "", labels[second])
    target = np.char.add(labels[first], second_labels)
    return make_bunch(
        images,
        target,
        DESCR.format(n_samples=n_samples),
        target_names=np.unique(target),
        return_X_y=False,
        as_frame=False,
    )


def _draw_maps(n, rng):
    """Draw affine maps around the middle of an image, as `Image.transform` takes them.

    Returns
    -------
    ndarray of shape (n, 6)
    """
    angle, shear = (rng.uniform(-limit, limit, n) for limit in (ROTATION, SHEAR))
    scale_x, scale_y = rng.uniform(1 - SCALE, 1 + SCALE, (2, n))
    cos, sin, slant = np.cos(angle), np.sin(angle), np.tan(shear)
    a, b = cos / scale_x, (sin + slant * cos) / scale_y
    d, e = -sin / scale_x, (cos - slant * sin) / scale_y
    middle = CANVAS_SIZE / 2
    c, f = middle - (a + b) * middle, middle - (d + e) * middle
    return np.stack([a, b, c, d, e, f], axis=1)


def _deform(digit, coefficients):
    """Apply an affine map to a digit, as bright as possible; its overhang is lost."""
    from PIL import Image

    digit = np.rint(digit * (255 / digit.max())).astype(np.uint8)
    deformed = Image.fromarray(digit).transform(
        digit.shape,
        Image.Transform.AFFINE,
        tuple(coefficients),
        Image.Resampling.BILINEAR,
    )
    return np.asarray(deformed) if deformed.getbbox() else digit


def _join(left, right, down, overlap):
    """Move a digit to the left until its strokes overlap those of another one.

    Parameters
    ----------
    left, right : ndarray of shape (28, 28), uint8
    down : int
        Rows by which the right digit is lower.
    overlap : int
        Pixels.

    Returns
    -------
    ndarray of shape (height, width), uint8
    """
    side, margin = CANVAS_SIZE, MAX_OFFSET
    canvas = np.zeros((side + 2 * margin, 3 * side), np.uint8)
    moved = np.zeros((side + 2 * margin, side), np.uint8)
    canvas[margin:-margin, :side] = left
    moved[margin + down :][:side] = right
    ink, moved_ink = (part >= INK_LEVEL * part.max() for part in (canvas, moved))
    shared = ink.any(axis=1) & moved_ink.any(axis=1)
    column = side  # beside each other, if no row of pixels has both
    if shared.any():
        ends = 3 * side - ink[shared, ::-1].argmax(axis=1)
        column = (ends - moved_ink[shared].argmax(axis=1)).max() - overlap
    place = canvas[:, max(column, MIN_DISTANCE) :][:, :side]
    np.maximum(place, moved, out=place)
    return canvas


def _enlarge_ink(drawing):
    """Enlarge a drawing, and return where it has ink, cropped to that."""
    from PIL import Image

    image = Image.fromarray(drawing)
    image = image.crop(image.getbbox())
    size = [ENLARGEMENT * side for side in image.size]
    large = np.asarray(image.resize(size, Image.Resampling.BILINEAR))
    return crop(large > INK_LEVEL * drawing.max())
