"""Reading of pictures of handwritten numbers with a trained classifier."""

import os
from dataclasses import dataclass

import numpy as np

from skmnist.model_files import load
from skmnist.preprocessing import DigitFinder, ImageResizer
from skmnist.preprocessing._model_check import split_model

__all__ = ["Reading", "read"]

DOUBTFUL = 0.9
"""Probability of a label below which it is doubtful."""


@dataclass(frozen=True, eq=False)
class Reading:
    """Digits that :func:`skmnist.read` has read in a picture, in reading order.

    Parameters
    ----------
    labels : ndarray of shape (n_digits,)
        Predicted labels, of the type of `classes`.
    probabilities : ndarray of shape (n_digits, n_classes), float32
        Probability of each class, as `predict_proba` returns it.
    classes : ndarray of shape (n_classes,)
        Classes of the model.
    boxes : ndarray of shape (n_digits, 4), int64
        Left, top, right and bottom edge of each digit in pixels of the picture; right
        and bottom are exclusive, as in `PIL.Image.crop`.
    rows : ndarray of shape (n_digits,), int64
        Row of each digit, from 0.
    images : ndarray of shape (n_digits, 28, 28), uint8
        Each digit as in MNIST, as the model has received it.
    doubts : list of str
        Reasons to doubt the result, each with what to do; empty if there are none.
    digit_scores : ndarray of shape (n_digits,), default=None
        `decision_function` of the detector, negative for what shows no digit; None
        without a detector.

    See Also
    --------
    skmnist.preprocessing.DigitFinder : Finds the digits.

    Examples
    --------
    >>> import numpy as np
    >>> from skmnist.reading import Reading
    >>> reading = Reading(
    ...     labels=np.array([4, 2]),
    ...     probabilities=np.array([[0.1, 0.9], [0.8, 0.2]]),
    ...     classes=np.array([2, 4]),
    ...     boxes=np.array([[10, 10, 30, 40], [50, 12, 70, 40]]),
    ...     rows=np.array([0, 0]),
    ...     images=np.zeros((2, 28, 28), np.uint8),
    ...     doubts=[],
    ... )
    >>> reading.text
    '42'
    >>> reading.least_certain
    1
    """

    labels: np.ndarray
    probabilities: np.ndarray
    classes: np.ndarray
    boxes: np.ndarray
    rows: np.ndarray
    images: np.ndarray
    doubts: list
    digit_scores: np.ndarray = None

    @property
    def text(self):
        """The labels as a string, with a line break between rows."""
        return "\n".join(
            "".join(str(label) for label in self.labels[self.rows == row])
            for row in np.unique(self.rows)
        )

    @property
    def least_certain(self):
        """Index of the digit with the smallest probability; None if there is none."""
        if not len(self.labels):
            return None
        return int(self.probabilities.max(axis=1).argmin())


def read(picture, model, *, pair_classifier=None, detector=None):
    """Read all digits in a picture.

    :class:`skmnist.preprocessing.DigitFinder` finds the digits, and the model predicts
    each. Digits that touch are read by the pair classifier; without one, the model
    judges how they are cut.

    Parameters
    ----------
    picture : path, file, PIL.Image or array
        A single picture, as in `DigitPreprocessor.transform`.
    model : classifier, Pipeline or path
        A fitted classifier of digits such as `MnistCNNClassifier`, or a pipeline that
        begins with a `DigitPreprocessor`, whose parameters are used. Or the path of a
        file that `skmnist.save` or `skmnist train` has written; it is loaded in each
        call, so load it once to read many pictures.
    pair_classifier : classifier or path, default=None
        Classifier fitted on images of `skmnist.datasets.make_touching_digits`, or the
        path of its file. It reads digits that touch, together with the model.
    detector : NonDigitDetector or path, default=None
        Fitted detector, or the path of its file. What shows no digit according to it
        is a doubt of the reading.

    Returns
    -------
    Reading
        The text, and for each digit its label, box, row, image and probabilities, and
        with a detector, its score.

    Raises
    ------
    FileNotFoundError
        If a file does not exist.
    ValueError, TypeError
        If the picture, the model or the detector cannot be read, or the model is one
        for other images.
    sklearn.exceptions.NotFittedError
        If the model or the detector is not fitted.
    ImportError
        If a package of the extra `images` is not installed.

    See Also
    --------
    skmnist.datasets.make_digit_strings : Generates pictures of numbers.
    skmnist.datasets.make_touching_digits : Generates images for the pair classifier.

    Examples
    --------
    >>> import skmnist
    >>> from skmnist.datasets import load_mnist_sample, make_digit_strings
    >>> X, y = load_mnist_sample(subset="train", return_X_y=True)
    >>> clf = skmnist.MnistCNNClassifier(max_epochs=2, random_state=0).fit(X, y)
    >>> numbers = make_digit_strings(X, y, n_samples=1, length=5, random_state=0)
    >>> reading = skmnist.read(numbers.images[0], clf)
    >>> len(reading.text), reading.boxes.shape
    (5, (5, 4))
    """
    if isinstance(model, (str, os.PathLike)):
        model = load(model)
    _check_model(model)
    if isinstance(pair_classifier, (str, os.PathLike)):
        pair_classifier = load(pair_classifier)
    if isinstance(detector, (str, os.PathLike)):
        detector = load(detector)
    check_detector(detector)
    preprocessor, clf = split_model(model)
    if isinstance(preprocessor, ImageResizer):
        raise ValueError(
            "Got a model of pictures as a whole, which begins with ImageResizer or has "
            "images in colour, expected one of single digits. Train a classifier on "
            "images like those of MNIST."
        )
    finder = DigitFinder(
        classifier=clf, pair_classifier=pair_classifier, preprocessor=preprocessor
    )
    found = finder.find(picture)
    n_digits, probabilities = len(found.images), found.probabilities
    scores = None if detector is None else np.zeros(0)
    if detector is not None and n_digits:
        scores = detector.decision_function(found.images.reshape(n_digits, -1))
    labels = clf.classes_[probabilities.argmax(axis=1)]
    doubtful = _name_doubtful_labels(labels, probabilities, clf.classes_, found.boxes)
    no_digits = _name_non_digits(labels, scores, found.boxes)
    return Reading(
        labels=labels,
        probabilities=probabilities,
        classes=clf.classes_,
        boxes=found.boxes,
        rows=found.rows,
        images=found.images,
        doubts=[*found.quality_warnings, *doubtful, *no_digits],
        digit_scores=scores,
    )


def _check_model(model):
    """Raise TypeError or NotFittedError unless a model gives probabilities."""
    from sklearn.pipeline import Pipeline
    from sklearn.utils.validation import check_is_fitted

    if not hasattr(model, "predict_proba") or isinstance(model, type):
        raise TypeError(
            f"Got model as a {type(model).__name__}, expected a fitted classifier with "
            "the method predict_proba, a pipeline, or the path of a model file."
        )
    check_is_fitted(model)
    if not isinstance(model, Pipeline) and not hasattr(model, "image_shape_"):
        raise TypeError(
            f"Got a {type(model).__name__} as the model, of which it is not known what "
            "images it expects. Put the preprocessing in front of it: "
            "make_pipeline(DigitPreprocessor(), model)."
        )


def check_detector(detector):
    """Raise TypeError or NotFittedError unless this is a fitted detector, or None.

    Parameters
    ----------
    detector : object
    """
    from sklearn.utils.validation import check_is_fitted

    if detector is None:
        return
    if not hasattr(detector, "decision_function") or isinstance(detector, type):
        raise TypeError(
            f"Got detector as a {type(detector).__name__}, expected a fitted "
            "NonDigitDetector, or the path of its file."
        )
    check_is_fitted(detector)


def _name_non_digits(labels, scores, boxes):
    """Say which labels are of what shows no digit."""
    if scores is None:
        return
    for label, score, box in zip(labels, scores, boxes.tolist(), strict=True):
        if score < 0:
            yield (
                f"What is read as {label} at {tuple(box)} does not look like a digit. "
                "Check it."
            )


def _name_doubtful_labels(labels, probabilities, classes, boxes):
    """Say which digits have a small probability, and what they may be instead."""
    for label, row, box in zip(labels, probabilities, boxes.tolist(), strict=True):
        second, first = np.argsort(row)[-2:]
        if row[first] < DOUBTFUL:
            yield (
                f"The {label} at {tuple(box)} has a probability of only "
                f"{100 * row[first]:.0f} %, before {classes[second]} with "
                f"{100 * row[second]:.0f} %. Check it."
            )
