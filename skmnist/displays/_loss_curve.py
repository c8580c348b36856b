"""Training loss of each batch."""

import numpy as np

from skmnist.displays._axes import get_axes
from skmnist.displays._history import get_column, get_history


class LossCurveDisplay:
    """Training loss of each batch, with its moving mean.

    Parameters
    ----------
    batch_loss : ndarray of shape (n_batches,)
        Loss of each batch, in the order of training.
    epoch_ends : ndarray of shape (n_epochs,)
        Number of batches up to the end of each epoch.
    valid_loss : ndarray of shape (n_epochs,), default=None
        Mean validation loss after each epoch; NaN after epochs without validation.

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
            A fitted one; of a pipeline, its last step.
        window : int, default=10
            Batches that the moving mean looks at, as in the article.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a new figure.

        Returns
        -------
        LossCurveDisplay

        Raises
        ------
        NotFittedError
            Before `fit`.
        TypeError
            If `estimator` is no MnistCNNClassifier.
        """
        history = get_history(estimator)
        losses = [
            # the last batch of an interrupted epoch may have none
            [batch["train_loss"] for batch in epoch["batches"] if "train_loss" in batch]
            for epoch in history
        ]
        valid_loss = get_column(history, "valid_loss")
        return cls(
            np.concatenate([[], *losses]),
            np.cumsum([len(epoch) for epoch in losses]),
            None if np.isnan(valid_loss).all() else valid_loss,
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
        LossCurveDisplay
            The display itself.
        """
        self.ax_, self.figure_ = get_axes(ax)
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
