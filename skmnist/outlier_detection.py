"""`NonDigitDetector`: which images show no digit."""

import numbers

import numpy as np
from scipy.special import logsumexp
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils import (
    check_consistent_length,
    check_random_state,
    check_scalar,
    column_or_1d,
)
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from skmnist.classifiers import MnistCNNClassifier
from skmnist.classifiers._input_validation import as_rows
from skmnist.datasets import make_non_digits
from skmnist.datasets._digit_images import check_digit_images
from skmnist.datasets._strokes import redraw_digits

__all__ = ["NonDigitDetector"]

REDRAWN_FRACTION = 0.3
"""Number of digits that are drawn again, relative to the number of digits.

Without them, the network could tell strokes that are drawn by `make_non_digits` from
those of MNIST, instead of letters from digits.
"""

NO_DIGIT = -1
"""Label of images without a digit, in front of those of the digits."""

MIN_DIGITS = 10
"""Fewest digits that can be divided into training and held-out digits."""


class NonDigitDetector(OutlierMixin, BaseEstimator):
    """Detector of images that show no digit, such as letters, scribbles and noise.

    A classifier of digits reads a digit in any image, often with a probability near 1.
    This outlier detector tells which images to doubt. In `fit`, an `MnistCNNClassifier`
    learns to distinguish the given digits from the images of
    `skmnist.datasets.make_non_digits` (outlier exposure [1]_). The threshold is
    a quantile of the scores of digits that are held out, so that its meaning is the
    fraction of digits that are doubted in vain.

    The classifier that reads the digits stays as it is.

    Parameters
    ----------
    contamination : float, default=0.01
        Fraction of digits like those of the training to doubt, in (0, 0.5]. It
        determines `offset_`.
    validation_fraction : float, default=0.1
        Fraction of the digits to hold out for `offset_`, in (0, 1).
    max_epochs : int, default=3
        Number of passes over the training images, at least 1.
    device : "auto", str or torch.device, default="auto"
        Device for training and prediction, as in `MnistCNNClassifier`.
    random_state : int, RandomState instance or None, default=None
        Determines which digits are held out, the images without digits and the
        training. Pass an int for reproducible results.
    verbose : int, default=0
        0 is silent, 1 prints one line per epoch.

    Attributes
    ----------
    classifier_ : MnistCNNClassifier
        Classifier with the class -1 for no digit, and the positions of the sorted
        labels of the digits, or 0 if there were no labels.
    offset_ : float
        Threshold of `score_samples`: images with lower scores are doubted.
    n_features_in_ : int
        Number of pixels of an image, 784.
    feature_names_in_ : ndarray of shape (784,), object
        Names of the columns of X, if X was a data frame with such names.

    See Also
    --------
    skmnist.datasets.make_non_digits : The images that it learns to doubt.
    sklearn.ensemble.IsolationForest : An outlier detector for tables.

    References
    ----------
    .. [1] D. Hendrycks, M. Mazeika, T. Dietterich, "Deep Anomaly Detection with Outlier
       Exposure", ICLR 2019, arXiv:1812.04606.

    Examples
    --------
    >>> import numpy as np
    >>> from skmnist import NonDigitDetector
    >>> from skmnist.datasets import load_mnist_sample
    >>> X, y = load_mnist_sample(subset="train", return_X_y=True)
    >>> detector = NonDigitDetector(max_epochs=1, random_state=0).fit(X, y)
    >>> noise = np.random.default_rng(0).integers(256, size=(2, 784), dtype=np.uint8)
    >>> detector.predict(noise)
    array([-1, -1])
    """

    def __init__(
        self,
        *,
        contamination=0.01,
        validation_fraction=0.1,
        max_epochs=3,
        device="auto",
        random_state=None,
        verbose=0,
    ):
        self.contamination = contamination
        self.validation_fraction = validation_fraction
        self.max_epochs = max_epochs
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X, y=None):
        """Learn to distinguish digits from other images.

        Parameters
        ----------
        X : array-like of shape (n, 784), (n, 28, 28) or (n, 1, 28, 28)
            Images of at least 10 single digits, bright on 0, as those of MNIST.
        y : array-like of shape (n,), default=None
            Labels of the digits. With them, the network also learns to distinguish the
            digits from each other, and detects more.

        Returns
        -------
        NonDigitDetector
            The fitted detector itself.

        Raises
        ------
        ValueError, TypeError
            If a parameter is invalid; if X has another shape, too few images, images
            without ink, negative pixels or a bright background; or if y has another
            length or is not labels.
        """
        self._check_parameters()
        rows, _ = as_rows(X)
        digits = check_digit_images(X)
        if len(digits) < MIN_DIGITS:
            raise ValueError(
                f"Got X with n_samples = {len(digits)}, expected at least {MIN_DIGITS} "
                "digits: some are held out to set the threshold."
            )
        labels = _encode_labels(digits, y)
        validate_data(self, rows, skip_check_array=True)  # sets n_features_in_
        rng = check_random_state(self.random_state)
        order = rng.permutation(len(digits))
        n_held_out = max(1, int(self.validation_fraction * len(digits)))
        held_out, training = order[:n_held_out], order[n_held_out:]
        chosen = rng.choice(training, size=int(REDRAWN_FRACTION * len(training)))
        redrawn = redraw_digits(digits[chosen], rng)
        others = make_non_digits(
            digits[training], n_samples=len(training), random_state=rng
        )
        self.classifier_ = MnistCNNClassifier(
            max_epochs=self.max_epochs,
            device=self.device,
            verbose=self.verbose,
            random_state=rng.randint(2**31),
        )
        self.classifier_.fit(
            _concatenate(digits[training], redrawn, others.images),
            np.concatenate(
                [labels[training], labels[chosen], np.full(len(training), NO_DIGIT)]
            ),
        )
        scores = self._score(digits[held_out])
        self.offset_ = float(np.quantile(scores, self.contamination))
        return self

    def score_samples(self, X):
        """Compute how much each image looks like a digit.

        Parameters
        ----------
        X : array-like of shape (n, 784), (n, 28, 28) or (n, 1, 28, 28)
            Images on the scale of the training images.

        Returns
        -------
        ndarray of shape (n,)
            Logarithm of the odds that an image shows a digit, according to the network:
            the lower, the more doubtful.
        """
        check_is_fitted(self)
        rows, _ = as_rows(X)
        validate_data(self, rows, reset=False, skip_check_array=True)
        return self._score(np.asarray(X) if hasattr(X, "columns") else X)

    def decision_function(self, X):
        """Compute the scores relative to the threshold.

        Parameters
        ----------
        X : array-like of shape (n, 784), (n, 28, 28) or (n, 1, 28, 28)
            Images on the scale of the training images.

        Returns
        -------
        ndarray of shape (n,)
            `score_samples` minus `offset_`: negative for images that show no digit.
        """
        return self.score_samples(X) - self.offset_

    def predict(self, X):
        """Tell which images show a digit.

        Parameters
        ----------
        X : array-like of shape (n, 784), (n, 28, 28) or (n, 1, 28, 28)
            Images on the scale of the training images.

        Returns
        -------
        ndarray of shape (n,), int64
            1 for a digit, -1 for none.
        """
        return np.where(self.decision_function(X) < 0, -1, 1)

    def _score(self, X):
        no_digit, *digits = self.classifier_.predict_log_proba(X).T
        return logsumexp(digits, axis=0) - no_digit

    def _check_parameters(self):
        """Raise TypeError or ValueError for invalid parameters."""
        fraction = {"target_type": numbers.Real, "min_val": 0}
        check_scalar(
            self.contamination,
            "contamination",
            **fraction,
            max_val=0.5,
            include_boundaries="right",
        )
        check_scalar(
            self.validation_fraction,
            "validation_fraction",
            **fraction,
            max_val=1,
            include_boundaries="neither",
        )
        check_scalar(self.max_epochs, "max_epochs", numbers.Integral, min_val=1)


def _encode_labels(digits, y):
    """Integers from 0 for the labels of the digits, which may be missing."""
    if y is None:
        return np.zeros(len(digits), np.int64)
    y = column_or_1d(y, warn=True)
    check_consistent_length(digits, y)
    check_classification_targets(y)
    return np.unique(y, return_inverse=True)[1]


def _concatenate(digits, redrawn, others):
    """Join images whose pixels are up to 255 to digits on any scale."""
    scale = digits.max() / 255
    if scale == 1 and digits.dtype == np.uint8:
        return np.concatenate([digits, redrawn, others])
    return np.concatenate([digits, redrawn * scale, others * scale], dtype=np.float32)
