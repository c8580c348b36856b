"""Accuracy of each epoch."""

import numpy as np

from skmnist.displays._axes import get_axes, write_text
from skmnist.displays._history import get_column, get_history

ACCURACY_LABELS = {
    "train_acc": "training batches, as they were trained on",
    "train_acc_epoch_end": "whole training set, at the end of the epoch",
    "valid_acc": "validation set, at the end of the epoch",
}
"""Accuracies that a history may have, and what they are."""


class AccuracyCurveDisplay:
    """Accuracy after each epoch; the legend says on which images and when.

    Parameters
    ----------
    accuracies : dict of str to ndarray of shape (n_epochs,)
        What was measured, and its values in [0, 1]; NaN after epochs in which it was
        not measured.

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
            A fitted one; of a pipeline, its last step.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a new figure.

        Returns
        -------
        AccuracyCurveDisplay

        Raises
        ------
        NotFittedError
            Before `fit`.
        TypeError
            If `estimator` is no MnistCNNClassifier.
        """
        history = [epoch for epoch in get_history(estimator) if "train_loss" in epoch]
        curves = {
            label: get_column(history, key) for key, label in ACCURACY_LABELS.items()
        }
        return cls(
            {k: curve for k, curve in curves.items() if not np.isnan(curve).all()}
        ).plot(ax=ax)

    def plot(self, *, ax=None):
        """Draw the accuracies.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None makes a new figure.

        Returns
        -------
        AccuracyCurveDisplay
            The display itself.
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
            write_text(self.ax_, "No epoch was finished.")
        return self
