"""Training loss of each batch."""

import numpy as np

from skmnist.displays._axes import get_axes
from skmnist.displays._history import get_epoch_values, get_history


class LossCurveDisplay:
    """Training loss of each batch and its moving average.

    Parameters
    ----------
    batch_loss : ndarray of shape (n_batches,)
        Loss of each batch, in the order of training.
    epoch_ends : ndarray of shape (n_epochs,)
        Number of batches up to the end of each epoch.
    valid_loss : ndarray of shape (n_epochs,), default=None
        Mean validation loss after each epoch; NaN for epochs without validation.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the curves.
    figure_ : matplotlib Figure
        Figure of the axes.

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
        """Plot the losses in the history of a fitted classifier.

        Parameters
        ----------
        estimator : ImageClassifier
            A fitted classifier. For a pipeline, pass its last step.
        window : int, default=10
            Number of batches in the moving average; 10 as in the article.
        ax : matplotlib Axes, default=None
            Axes to draw on. If None, create a new figure.

        Returns
        -------
        LossCurveDisplay
            The plotted display.

        Raises
        ------
        NotFittedError
            If `estimator` is not fitted.
        TypeError
            If `estimator` is not an image classifier of this package.
        """
        history = get_history(estimator)
        losses = [
            # the last batch of an interrupted epoch may have no loss
            [batch["train_loss"] for batch in epoch["batches"] if "train_loss" in batch]
            for epoch in history
        ]
        valid_loss = get_epoch_values(history, "valid_loss")
        return cls(
            np.concatenate([[], *losses]),
            np.cumsum([len(epoch) for epoch in losses]),
            None if np.isnan(valid_loss).all() else valid_loss,
        ).plot(window=window, ax=ax)

    def plot(self, *, window=10, ax=None):
        """Plot the losses.

        Parameters
        ----------
        window : int, default=10
            Number of batches in the moving average.
        ax : matplotlib Axes, default=None
            Axes to draw on. If None, create a new figure.

        Returns
        -------
        LossCurveDisplay
            This display.
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
