"""A grid of images with their predictions."""

import numpy as np

from skmnist.classifiers._input_validation import as_labels
from skmnist.datasets import LazyImages
from skmnist.displays._axes import draw_image, get_axes, replace_by_subfigure
from skmnist.displays._images import to_displayable

KINDS = ("mistakes", "least_confident")


class DigitsDisplay:
    """A grid of images with a title for each.

    Parameters
    ----------
    images : ndarray of shape (n, height, width) or (n, height, width, 3)
        Pixels of any scale; the lowest value of an image is white, the highest black.
    titles : list of n str
        Title of each image.
    heading : str, default=""
        Title of the grid.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Hidden axes at the position of the grid.
    axes_ : ndarray of shape (n,) of matplotlib Axes
        Axes of each image.
    figure_ : matplotlib Figure
        Figure of the axes.

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
        """Plot the misclassified or the least confident images of a classifier.

        Parameters
        ----------
        estimator : classifier
            A fitted classifier or pipeline with `predict_proba`.
        X : array-like of shape (n, n_features), (n, height, width) or \
                (n, channels, height, width)
            Raw pixels of the images.
        y : array-like of shape (n,), default=None
            True labels. Optional if `kind="least_confident"`.
        kind : {"mistakes", "least_confident"}, default="mistakes"
            "mistakes": misclassified images, the most confident ones first.
            "least_confident": images whose predicted label has the lowest probability,
            correct or not, the lowest ones first. These are the ones to check or label
            next.
        n_images : int, default=40
            Maximum number of images.
        n_columns : int, default=8
            Number of columns of the grid.
        ax : matplotlib Axes, default=None
            Axes to draw on. If None, create a new figure.

        Returns
        -------
        DigitsDisplay
            The plotted display. The titles are the label in `y`, the predicted label
            and its probability.

        Raises
        ------
        NotFittedError
            If `estimator` is not fitted.
        ValueError
            If `kind` is not one of the two values, or if it is "mistakes" and `y` is
            None.
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
        """Plot the misclassified or the least confident images of given predictions.

        Parameters
        ----------
        X : array-like of shape (n, n_features), (n, height, width) or \
                (n, channels, height, width)
            Raw pixels of the images.
        y : array-like of shape (n,), or None
            True labels. May be None if `kind="least_confident"`.
        probabilities : array-like of shape (n, n_classes)
            Predicted probability of each class for each image, from
            `cross_val_predict(..., method="predict_proba")` for example.
        classes : array-like of shape (n_classes,), default=None
            Label of each column of `probabilities`. If None, the sorted labels in `y`,
            or the numbers from 0 if `y` is None.
        kind : {"mistakes", "least_confident"}, default="mistakes"
            As in `from_estimator`.
        image_shape : tuple of three int, default=None
            Channels, height and width of an image. If None, take it from `X`; rows of
            pixels are square images with one channel.
        n_images : int, default=40
            Maximum number of images.
        n_columns : int, default=8
            Number of columns of the grid.
        ax : matplotlib Axes, default=None
            Axes to draw on. If None, create a new figure.

        Returns
        -------
        DigitsDisplay
            The plotted display, as in `from_estimator`.

        Raises
        ------
        ValueError
            If `kind` is not one of the two values, if it is "mistakes" and `y` is None,
            or if the shapes of the arrays do not agree.
        """
        if kind not in KINDS:
            raise ValueError(f"Got kind={kind!r}, expected one of {list(KINDS)}.")
        if kind == "mistakes" and y is None:
            raise ValueError(
                "Got kind='mistakes' without y. Pass the true labels, or "
                "kind='least_confident', which does not need them."
            )
        is_lazy = isinstance(X, LazyImages)
        images = X if is_lazy else to_displayable(X, image_shape)
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
                f"and probabilities of shape {probabilities.shape}, expected one row "
                "for each image and one column for each class. Pass classes=... if y "
                "does not contain all classes."
            )
        predicted = classes[probabilities.argmax(axis=1)]
        confidence = probabilities.max(axis=1)
        if kind == "mistakes":
            wrong = np.flatnonzero(predicted != y)
            wrong = wrong[np.argsort(-confidence[wrong], kind="stable")]
            shown = wrong[:n_images]
            heading = f"{len(wrong):,} mistakes in {len(images):,} images"
            if len(shown) < len(wrong):
                heading += f", the {len(shown):,} most confident"
        else:
            shown = np.argsort(confidence, kind="stable")[:n_images]
            heading = f"The {len(shown):,} least confident of {len(images):,} images"
        heading += "\n(predicted label and its probability)"
        titles = [f"{predicted[i]}  {confidence[i]:.0%}" for i in shown]
        if y is not None:
            heading = heading.replace("(", "(label → ")
            # names of two classes are too long for one line
            names = [str(label) for label in classes]
            separator = "\n" if max(map(len, names), default=0) > 4 else " "
            titles = [
                f"{y[i]} →{separator}{t}" for i, t in zip(shown, titles, strict=True)
            ]
        images = images[shown]
        if is_lazy:  # the others are not read
            images = to_displayable(images.read(), image_shape)
        return cls(images, titles, heading).plot(n_columns=n_columns, ax=ax)

    def plot(self, *, n_columns=8, ax=None):
        """Plot the images.

        Parameters
        ----------
        n_columns : int, default=8
            Number of columns of the grid.
        ax : matplotlib Axes, default=None
            Axes that the grid replaces. If None, create a new figure.

        Returns
        -------
        DigitsDisplay
            This display.
        """
        n_rows = max(1, -(-len(self.images) // n_columns))
        size = (1.3 * n_columns, 1.6 * n_rows + 0.8)
        self.ax_, self.figure_ = get_axes(ax, figsize=size)
        subfigure = replace_by_subfigure(self.ax_)
        subfigure.suptitle(self.heading, fontsize=11)
        grid = subfigure.subplots(n_rows, n_columns, squeeze=False).ravel()
        for ax in grid:
            ax.set_axis_off()
        self.axes_ = grid[: len(self.images)]
        lines = [line for title in self.titles for line in title.splitlines()]
        fontsize = 9 if max(map(len, lines), default=0) < 17 else 7
        for ax, image, title in zip(self.axes_, self.images, self.titles, strict=True):
            draw_image(ax, image)
            ax.set_title(title, fontsize=fontsize)
        return self
