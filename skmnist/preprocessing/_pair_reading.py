"""Reading of two digits that touch, with a classifier of pairs."""

import numpy as np

from skmnist._centering import WIDE_CANVAS


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
    pair : ndarray of shape (2, n_classes)
        Probabilities of the classes for the left and the right digit, given that there
        are two.
    probability : float
        That there are two.
    """
    columns = {str(label): column for column, label in enumerate(classes)}
    pair = np.zeros((2, len(classes)))
    (probabilities,) = pair_classifier.predict_proba(image[None])
    for label, probability in zip(
        map(str, pair_classifier.classes_), probabilities, strict=True
    ):
        if len(label) == 2:
            for digit, name in zip(pair, label, strict=True):
                digit[columns[name]] += probability
    probability = pair[0].sum()
    return pair / max(probability, np.finfo(float).tiny), probability
