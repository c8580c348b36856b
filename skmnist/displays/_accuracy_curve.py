"""Accuracy after each epoch."""

import numpy as np

from skmnist.displays._axes import get_axes, write_text
from skmnist.displays._history import get_epoch_values, get_history

ACCURACY_LABELS = {
    "train_acc": "training batches, during the epoch",
    "train_acc_epoch_end": "whole training set, at the end of the epoch",
    "valid_acc": "validation set, at the end of the epoch",
}
"""Keys of accuracies in a history, and their labels in the legend."""


class AccuracyCurveDisplay:
    """Accuracy after each epoch, on training and validation images.

    Parameters
    ----------
    accuracies : dict of str to array-like of shape (n_epochs,)
        Accuracies in [0, 1], by their label in the legend; NaN for epochs without.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the curves.
    figure_ : matplotlib Figure
        Figure of the axes.

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
        """Plot the accuracies in the history of a fitted classifier.

        Parameters
        ----------
        estimator : ImageClassifier
            A fitted classifier. For a pipeline, pass its last step.
        ax : matplotlib Axes, default=None
            Axes to draw on. If None, create a new figure.

        Returns
        -------
        AccuracyCurveDisplay
            The plotted display.

        Raises
        ------
        NotFittedError
            If `estimator` is not fitted.
        TypeError
            If `estimator` is not an image classifier of this package.
        """
        history = [epoch for epoch in get_history(estimator) if "train_loss" in epoch]
        curves = {
            label: get_epoch_values(history, key)
            for key, label in ACCURACY_LABELS.items()
        }
        return cls(
            {
                label: curve
                for label, curve in curves.items()
                if not np.isnan(curve).all()
            }
        ).plot(ax=ax)

    def plot(self, *, ax=None):
        """Plot the accuracies.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. If None, create a new figure.

        Returns
        -------
        AccuracyCurveDisplay
            This display.
        """
        from matplotlib.ticker import MaxNLocator

        self.ax_, self.figure_ = get_axes(ax)
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
            write_text(self.ax_, "No epoch was completed.")
        return self
