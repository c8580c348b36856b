"""A grid of images with the predictions for them."""

import numpy as np

from skmnist.classifiers._input_validation import as_labels
from skmnist.displays._axes import draw_image, get_axes, replace_by_subfigure
from skmnist.displays._images import to_displayable

KINDS = ("mistakes", "least_confident")


class DigitsDisplay:
    """A grid of images with a title for each.

    Parameters
    ----------
    images : ndarray of shape (n, height, width) or (n, height, width, 3)
        Pixels; the darkest and brightest of each image become white and black.
    titles : list of n str
        What stands above each image.
    heading : str, default=""
        What stands above the grid.

    Attributes
    ----------
    ax_ : matplotlib Axes
        What the grid lies on.
    axes_ : ndarray of matplotlib Axes
        One for each image.
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skmnist.displays import DigitsDisplay
    >>> digits = load_digits()
    >>> titles = [str(target) for target in digits.target[:10]]
    >>> display = DigitsDisplay(digits.images[:10], titles).plot()
    >>> len(display.axes_)
    10
    """

    def __init__(self, images, titles, heading=""):
        self.images = images
        self.titles = titles
        self.heading = heading

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        y=None,
        *,
        kind="mistakes",
        n_images=40,
        n_columns=8,
        ax=None,
    ):
        """Draw the images that a fitted classifier gets wrong, or is least sure of.

        Parameters
        ----------
        estimator : classifier
            A fitted one with `predict_proba`: a MnistCNNClassifier, or a pipeline.
        X : array-like
            Images in any layout of `MnistCNNClassifier.fit`.
        y : array-like of shape (n,), default=None
            True labels. May be left out with `kind="least_confident"`.
        kind : {"mistakes", "least_confident"}, default="mistakes"
            "mistakes": the misclassified images, the most confident mistakes first.
            "least_confident": the images whose predicted label has the lowest
            probability, right or wrong, the lowest first; what to look at, or to label,
            next.
        n_images : int, default=40
            How many to draw at most.
        n_columns : int, default=8
            Images in a row of the grid.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a new figure.

        Returns
        -------
        DigitsDisplay
            Titles are the label in `y`, the predicted label and its probability.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If `kind` is neither of the two, or needs `y` and there is none.
        """
        return cls.from_predictions(
            X,
            y,
            estimator.predict_proba(X),
            classes=estimator.classes_,
            kind=kind,
            image_shape=getattr(estimator, "image_shape_", None),
            n_images=n_images,
            n_columns=n_columns,
            ax=ax,
        )

    @classmethod
    def from_predictions(
        cls,
        X,
        y,
        probabilities,
        *,
        classes=None,
        kind="mistakes",
        image_shape=None,
        n_images=40,
        n_columns=8,
        ax=None,
    ):
        """Draw images by what was predicted for them, in cross-validation for example.

        Parameters
        ----------
        X : array-like
            Images in any layout of `MnistCNNClassifier.fit`.
        y : array-like of shape (n,), or None
            True labels. May be None with `kind="least_confident"`.
        probabilities : array-like of shape (n, n_classes)
            Predicted probability of each class for each image.
        classes : array-like of shape (n_classes,), default=None
            Label of each column of `probabilities`. None: the labels in `y`, sorted, or
            the numbers from 0 without `y`.
        kind : {"mistakes", "least_confident"}, default="mistakes"
            As in `from_estimator`.
        image_shape : tuple of three int, default=None
            Channels, height and width, as in `MnistCNNClassifier`.
        n_images : int, default=40
            How many to draw at most.
        n_columns : int, default=8
            Images in a row of the grid.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a new figure.

        Returns
        -------
        DigitsDisplay
            As `from_estimator` makes it.

        Raises
        ------
        ValueError
            If `kind` is neither of the two, or needs `y` and there is none, or if the
            lengths of the arrays do not agree.
        """
        if kind not in KINDS:
            raise ValueError(f"Got kind={kind!r}, expected one of {list(KINDS)}.")
        if kind == "mistakes" and y is None:
            raise ValueError(
                "Got kind='mistakes' without y. Pass the true labels, or "
                "kind='least_confident', which needs none."
            )
        images = to_displayable(X, image_shape)
        probabilities = np.asarray(probabilities)
        y = None if y is None else np.asarray(as_labels(y))
        if classes is None:
            classes = np.arange(probabilities.shape[1]) if y is None else np.unique(y)
        classes = np.asarray(classes)
        n_labels = len(images) if y is None else len(y)
        if probabilities.shape != (len(images), len(classes)) or n_labels != len(
            images
        ):
            raise ValueError(
                f"Got {len(images)} images, {n_labels} labels, {len(classes)} classes "
                f"and probabilities of shape {probabilities.shape}; expected one row "
                "for each image, one column for each class. Pass classes=... if y does "
                "not have them all."
            )
        predicted = classes[probabilities.argmax(axis=1)]
        confidence = probabilities.max(axis=1)
        if kind == "mistakes":
            found = np.flatnonzero(predicted != y)
            found = found[np.argsort(-confidence[found], kind="stable")]
            shown = found[:n_images]
            heading = f"{len(found):,} mistakes in {len(images):,} images"
            if len(shown) < len(found):
                heading += f", the {len(shown):,} most confident"
        else:
            shown = np.argsort(confidence, kind="stable")[:n_images]
            heading = f"The {len(shown):,} least confident of {len(images):,} images"
        heading += "\n(predicted label and its probability)"
        titles = [f"{predicted[i]}  {confidence[i]:.0%}" for i in shown]
        if y is not None:
            heading = heading.replace("(", "(label → ")
            titles = [f"{y[i]} → {t}" for i, t in zip(shown, titles, strict=True)]
        return cls(images[shown], titles, heading).plot(n_columns=n_columns, ax=ax)

    def plot(self, *, n_columns=8, ax=None):
        """Draw the images.

        Parameters
        ----------
        n_columns : int, default=8
            Images in a row of the grid.
        ax : matplotlib Axes, default=None
            Where to draw: the grid takes its place. None makes a new figure.

        Returns
        -------
        DigitsDisplay
            The display itself.
        """
        n_rows = max(1, -(-len(self.images) // n_columns))
        size = (1.3 * n_columns, 1.6 * n_rows + 0.8)
        self.ax_, self.figure_ = get_axes(ax, figsize=size)
        place = replace_by_subfigure(self.ax_)
        place.suptitle(self.heading, fontsize=11)
        grid = place.subplots(n_rows, n_columns, squeeze=False).ravel()
        for ax in grid:
            ax.set_axis_off()
        self.axes_ = grid[: len(self.images)]
        for ax, image, title in zip(self.axes_, self.images, self.titles, strict=True):
            draw_image(ax, image)
            ax.set_title(title, fontsize=9)
        return self
