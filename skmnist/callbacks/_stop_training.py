"""The exception by which a callback ends the training."""


class StopTraining(Exception):
    """Raised by a callback to end the training of an `ImageClassifier`.

    The estimator keeps what it has learned, as after the last epoch.

    Examples
    --------
    >>> from skorch.callbacks import Callback
    >>> from skmnist.callbacks import StopTraining
    >>> class StopAtLoss(Callback):
    ...     def on_epoch_end(self, net, **kwargs):
    ...         if net.history[-1, "train_loss"] < 0.1:
    ...             raise StopTraining
    """
