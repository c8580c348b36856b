"""Pictures of a training and of a trained classifier, in the form of scikit-learn's.

What scikit-learn draws itself (`ConfusionMatrixDisplay`, `RocCurveDisplay` ...) is not
here: it works with `MnistCNNClassifier` as it is.
"""

import numpy as np

from skmnist._images import as_labels, as_rows

ACCURACY_LABELS = {
    "train_acc": "training batches, as they were trained on",
    "train_acc_epoch_end": "whole training set, at the end of the epoch",
    "valid_acc": "validation set, at the end of the epoch",
}
"""Accuracies that a history may have, and what they are."""


class LossCurveDisplay:
    """Training loss of each batch, with its moving mean.

    Parameters
    ----------
    batch_loss : ndarray of shape (n_batches,)
        Loss of each batch, in the order of training.
    epoch_ends : ndarray of shape (n_epochs,)
        Number of batches up to the end of each epoch.
    valid_loss : ndarray of shape (n_epochs,), default=None
        Mean validation loss after each epoch.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> import numpy as np
    >>> from matplotlib.figure import Figure
    >>> from skmnist.displays import LossCurveDisplay
    >>> display = LossCurveDisplay(np.linspace(2, 0, 20), np.array([10, 20]))
    >>> display.plot(ax=Figure().subplots()).ax_.get_xlabel()
    'Batch'
    """

    def __init__(self, batch_loss, epoch_ends, valid_loss=None):
        self.batch_loss = batch_loss
        self.epoch_ends = epoch_ends
        self.valid_loss = valid_loss

    @classmethod
    def from_estimator(cls, estimator, *, window=10, ax=None):
        """Draw the losses in the history of a fitted classifier.

        Parameters
        ----------
        estimator : MnistCNNClassifier
            A fitted one.
        window : int, default=10
            Batches that the moving mean looks at, as in the article.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a new figure.

        Returns
        -------
        LossCurveDisplay
        """
        history = estimator.history
        losses = [
            # the last batch of an interrupted epoch may have none
            [batch["train_loss"] for batch in epoch["batches"] if "train_loss" in batch]
            for epoch in history
        ]
        valid_loss = [epoch["valid_loss"] for epoch in history if "valid_loss" in epoch]
        return cls(
            np.concatenate([[], *losses]),
            np.cumsum([len(epoch) for epoch in losses]),
            np.asarray(valid_loss) if valid_loss else None,
        ).plot(window=window, ax=ax)

    def plot(self, *, window=10, ax=None):
        """Draw the losses.

        Parameters
        ----------
        window : int, default=10
            Batches that the moving mean looks at.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a new figure.

        Returns
        -------
        self
        """
        self.ax_, self.figure_ = _axes(ax)
        batches = np.arange(1, len(self.batch_loss) + 1)
        self.ax_.plot(
            batches, self.batch_loss, color="0.75", linewidth=0.8, label="each batch"
        )
        if len(batches) >= window:
            means = np.convolve(self.batch_loss, np.ones(window) / window, mode="valid")
            label = f"mean of {window} batches"
            self.ax_.plot(batches[window - 1 :], means, color="tab:blue", label=label)
        for end in self.epoch_ends[:-1]:
            self.ax_.axvline(end + 0.5, color="0.85", linewidth=0.8, zorder=0)
        if self.valid_loss is not None:
            ends = self.epoch_ends[: len(self.valid_loss)]
            self.ax_.plot(
                ends, self.valid_loss, "ks--", markersize=4, label="validation set"
            )
        self.ax_.set(
            xlabel="Batch",
            ylabel="Negative log-likelihood",
            title="Training loss (vertical lines: ends of epochs)",
        )
        self.ax_.set_ylim(bottom=0)
        self.ax_.legend()
        return self


class AccuracyCurveDisplay:
    """Accuracy after each epoch; the legend says on which images and when.

    Parameters
    ----------
    accuracies : dict of str to ndarray of shape (n_epochs,)
        What was measured, and its values in [0, 1].

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from skmnist.displays import AccuracyCurveDisplay
    >>> display = AccuracyCurveDisplay({"validation set": [0.9, 0.97]})
    >>> display.plot(ax=Figure().subplots()).ax_.get_ylabel()
    'Accuracy (%)'
    """

    def __init__(self, accuracies):
        self.accuracies = accuracies

    @classmethod
    def from_estimator(cls, estimator, *, ax=None):
        """Draw the accuracies in the history of a fitted classifier.

        Parameters
        ----------
        estimator : MnistCNNClassifier
            A fitted one.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a new figure.

        Returns
        -------
        AccuracyCurveDisplay
        """
        curves = {
            label: np.array([epoch[key] for epoch in estimator.history if key in epoch])
            for key, label in ACCURACY_LABELS.items()
        }
        return cls(
            {label: curve for label, curve in curves.items() if len(curve)}
        ).plot(ax=ax)

    def plot(self, *, ax=None):
        """Draw the accuracies.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None makes a new figure.

        Returns
        -------
        self
        """
        from matplotlib.ticker import MaxNLocator

        self.ax_, self.figure_ = _axes(ax)
        styles = ("o-", "s--", "^:")
        for style, (label, curve) in zip(styles, self.accuracies.items(), strict=False):
            epochs = np.arange(1, len(curve) + 1)
            self.ax_.plot(epochs, 100 * np.asarray(curve), style, label=label)
        self.ax_.set(
            xlabel="Epoch", ylabel="Accuracy (%)", title="Accuracy of each epoch"
        )
        self.ax_.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        self.ax_.grid(alpha=0.3)
        if self.accuracies:
            self.ax_.legend(loc="lower right")
        else:
            _say(self.ax_, "No epoch was finished.")
        return self


class DigitsDisplay:
    """A grid of images with a title for each.

    Parameters
    ----------
    images : ndarray of shape (n, height, width) or (n, height, width, 3)
        Pixels; the darkest and brightest of each image become black and white.
    titles : list of n str
        What stands above each image.
    heading : str, default=""
        What stands above the grid.

    Attributes
    ----------
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
    def from_estimator(cls, estimator, X, y, *, n_images=40, n_columns=8, figure=None):
        """Draw the images that a fitted classifier gets wrong, most confident first.

        Parameters
        ----------
        estimator : MnistCNNClassifier
            A fitted one.
        X : array-like
            Images in any layout of `MnistCNNClassifier.fit`.
        y : array-like of shape (n,)
            True labels.
        n_images : int, default=40
            How many to draw at most.
        n_columns : int, default=8
            Images in a row of the grid.
        figure : matplotlib Figure, default=None
            Where to draw. None makes a new one.

        Returns
        -------
        DigitsDisplay
            Titles are the true label, the predicted label and its probability.
        """
        probabilities = estimator.predict_proba(X)
        predicted = estimator.classes_[probabilities.argmax(axis=1)]
        confidence = probabilities.max(axis=1)
        y = np.asarray(as_labels(y))
        wrong = np.flatnonzero(predicted != y)
        shown = wrong[np.argsort(-confidence[wrong], kind="stable")][:n_images]
        pixels = np.asarray(as_rows(X)[0])[shown].reshape(-1, *estimator.image_shape_)
        titles = [f"{y[i]} → {predicted[i]}  {confidence[i]:.0%}" for i in shown]
        heading = (
            f"{len(wrong)} mistakes in {len(y):,} images"
            + (f", the {len(shown)} most confident" if len(shown) < len(wrong) else "")
            + "\n(true label → predicted label, probability of the predicted one)"
        )
        images = np.moveaxis(pixels, 1, -1) if pixels.shape[1] == 3 else pixels[:, 0]
        return cls(images, titles, heading).plot(n_columns=n_columns, figure=figure)

    def plot(self, *, n_columns=8, figure=None):
        """Draw the images.

        Parameters
        ----------
        n_columns : int, default=8
            Images in a row of the grid.
        figure : matplotlib Figure, default=None
            Where to draw. None makes a new one.

        Returns
        -------
        self
        """
        n_rows = max(1, -(-len(self.images) // n_columns))
        if figure is None:
            from matplotlib import pyplot as plt

            size = (1.3 * n_columns, 1.6 * n_rows + 0.8)
            figure = plt.figure(figsize=size, layout="constrained")
        self.figure_ = figure
        grid = figure.subplots(n_rows, n_columns, squeeze=False).ravel()
        for ax in grid:
            ax.set_axis_off()
        self.axes_ = grid[: len(self.images)]
        for ax, image, title in zip(self.axes_, self.images, self.titles, strict=True):
            span = max(np.ptp(image), 1e-12)
            ax.imshow((image - image.min()) / span, cmap="gray_r")
            ax.set_title(title, fontsize=9)
        figure.suptitle(self.heading, fontsize=11)
        return self


def _axes(ax):
    """The axes to draw on, new ones if None, and their figure."""
    if ax is None:
        from matplotlib import pyplot as plt

        ax = plt.figure(layout="constrained").subplots()
    return ax, ax.figure


def _say(ax, text):
    """Put a text in the middle of axes that have nothing else to show."""
    ax.text(0.5, 0.5, text, ha="center", va="center", transform=ax.transAxes)
