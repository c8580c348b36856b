"""Reading of two digits that touch, with a classifier of pairs."""

import numpy as np

from skmnist._centering import (
    DIGIT_SIZE,
    WIDE_CANVAS,
    WIDE_SIZE,
    center_in_canvas,
)
from skmnist.preprocessing._stroke_width import set_stroke_width


def check_pair_classifier(pair_classifier, classifier):
    """Check that a classifier of pairs reads the digits that another one reads.

    Parameters
    ----------
    pair_classifier : object
        None is valid.
    classifier : fitted classifier, or None

    Raises
    ------
    TypeError
        If it is no classifier with `predict_proba`.
    ValueError
        If it was fitted on other images or labels, or there is no other classifier.
    sklearn.exceptions.NotFittedError
        If it is not fitted.
    """
    from sklearn.utils.validation import check_is_fitted

    if pair_classifier is None:
        return
    if not hasattr(pair_classifier, "predict_proba") or isinstance(
        pair_classifier, type
    ):
        raise TypeError(
            f"Got pair_classifier={pair_classifier!r:.100}, expected a fitted "
            "classifier with the method predict_proba, or None."
        )
    if not hasattr(pair_classifier, "classes_"):
        check_is_fitted(pair_classifier)
    if classifier is None:
        raise ValueError(
            "Got a pair_classifier without a classifier, which finds where to cut two "
            "digits. Pass both."
        )
    shape = getattr(pair_classifier, "image_shape_", (1, *WIDE_CANVAS))
    pairs = [str(label) for label in pair_classifier.classes_]
    single = {str(label) for label in classifier.classes_}
    if (
        shape != (1, *WIDE_CANVAS)
        or not set().union(*pairs) <= single
        or not {1, 2} == set(map(len, pairs))
    ):
        raise ValueError(
            f"Got a pair_classifier of images of shape {shape} with {len(pairs)} "
            f"classes such as {pairs[-1]!r:.100}, expected one that was fitted on "
            "skmnist.datasets.make_touching_digits with the labels of the classifier: "
            f"{', '.join(sorted(single)):.100}."
        )


def normalize_pair(mask, stroke_width):
    """Make an image of one digit or two for a classifier of pairs.

    Parameters
    ----------
    mask : ndarray of shape (height, width), bool
        Cropped to its ink.
    stroke_width : float or None
        Width of the strokes in pixels of the image. None leaves them as they are.

    Returns
    -------
    ndarray of shape (28, 48), uint8
        Scaled to a height of 20 pixels, or a width of 44, with the mass centered.
    """
    if stroke_width is not None:
        factor = min(np.divide(WIDE_SIZE, mask.shape))
        # for set_stroke_width, the longer side of the image has 20 pixels
        width = stroke_width * DIGIT_SIZE / (factor * max(mask.shape))
        mask = set_stroke_width(mask, width)
    return center_in_canvas(mask, WIDE_CANVAS, WIDE_SIZE)


def predict_pair(image, pair_classifier, classes):
    """Read two digits, and tell how probable it is that there are two.

    Parameters
    ----------
    image : ndarray of shape (28, 48)
    pair_classifier : fitted classifier
    classes : ndarray of shape (n_classes,)
        Labels of single digits.

    Returns
    -------
    pair : ndarray of shape (n_classes, n_classes)
        Probability of each left and right digit, given that there are two.
    probability : float
        That there are two.
    """
    columns = {str(label): column for column, label in enumerate(classes)}
    pair = np.zeros((len(classes), len(classes)))
    (probabilities,) = pair_classifier.predict_proba(image[None])
    for label, probability in zip(
        map(str, pair_classifier.classes_), probabilities, strict=True
    ):
        if len(label) == 2:
            pair[columns[label[0]], columns[label[1]]] = probability
    probability = pair.sum()
    return pair / max(probability, np.finfo(float).tiny), probability
