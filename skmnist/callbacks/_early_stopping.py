"""Early stopping."""

import copy

import numpy as np
from skorch.callbacks import Callback


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


class EarlyStopping(Callback):
    """Stop training when a monitored value stops improving, as `MLPClassifier` does.

    Training ends when, for more than `patience` consecutive epochs, the value has not
    improved on the best one so far by at least `threshold`. It needs an
    `ImageClassifier`. In contrast to skorch's `EarlyStopping`, all callbacks see the
    last epoch. Epochs without validation, as in `partial_fit`, are ignored.

    Parameters
    ----------
    monitor : str, default="valid_loss"
        Name of the value in the history.
    lower_is_better : bool, default=True
        Whether an improvement is a decrease.
    patience : int, default=10
        Number of consecutive epochs without an improvement that are tolerated.
    threshold : float, default=1e-4
        Minimum improvement, absolute.
    load_best : bool, default=False
        Whether to restore the weights of the best epoch, even if it improved by less
        than `threshold`.
    sink : callable, default=print
        Receives the messages; `print` only if the classifier is verbose.

    Attributes
    ----------
    should_stop_ : bool
        Whether the training has to end after this epoch.

    Raises
    ------
    ValueError
        In training, if the history does not have the monitored value.

    See Also
    --------
    skmnist.MnistCNNClassifier : Uses it if `early_stopping=True`.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skmnist import MnistCNNClassifier
    >>> from skmnist.callbacks import EarlyStopping
    >>> from skorch.dataset import ValidSplit
    >>> clf = MnistCNNClassifier(
    ...     train_split=ValidSplit(5, stratified=True),
    ...     callbacks=[EarlyStopping(patience=2, threshold=0.02, load_best=True)],
    ...     lr_schedule=None,
    ...     max_epochs=50,
    ...     random_state=0,
    ... )
    >>> X, y = load_digits(return_X_y=True)
    >>> clf.fit(X[:500], y[:500]).n_iter_ < 50
    True
    """

    def __init__(
        self,
        monitor="valid_loss",
        lower_is_better=True,
        patience=10,
        threshold=1e-4,
        load_best=False,
        sink=print,
    ):
        self.monitor = monitor
        self.lower_is_better = lower_is_better
        self.patience = patience
        self.threshold = threshold
        self.load_best = load_best
        self.sink = sink

    def initialize(self):
        self._reset()
        return self

    def on_train_begin(self, net, **kwargs):
        self._reset()

    def on_epoch_end(self, net, dataset_valid=None, **kwargs):
        if self.monitor not in net.history[-1]:
            if dataset_valid is None and self.monitor.startswith("valid_"):
                return
            raise ValueError(
                f"Early stopping waits for {self.monitor!r}, which the history does "
                f"not have; it has {sorted(net.history[-1].keys() - {'batches'})}."
            )
        sign = -1 if self.lower_is_better else 1
        score = sign * float(net.history[-1, self.monitor])
        improved = score >= self.best_score_ + self.threshold
        self.misses_ = 0 if improved else self.misses_ + 1
        self.should_stop_ = self.misses_ > self.patience
        if score > self.best_score_:
            self.best_score_ = score
            self.best_epoch_ = net.history[-1, "epoch"]
            if self.load_best:
                self.best_weights_ = copy.deepcopy(net.module_.state_dict())

    def on_train_end(self, net, **kwargs):
        if self.should_stop_:
            self._print(
                net,
                f"Stopping since {self.monitor} has not improved by {self.threshold} "
                f"in the last {self.misses_} epochs.",
            )
        if self.best_weights_ is not None:
            if self.best_epoch_ != net.history[-1, "epoch"]:
                net.module_.load_state_dict(self.best_weights_)
                self._print(net, f"Restoring the weights of epoch {self.best_epoch_}.")
            self.best_weights_ = None  # free the memory

    def __getstate__(self):
        return {**vars(self), "best_weights_": None}  # not twice in a pickle

    def _reset(self):
        self.misses_ = 0
        self.best_score_ = -np.inf  # higher is better
        self.best_epoch_ = 0
        self.best_weights_ = None
        self.should_stop_ = False

    def _print(self, net, text):
        if self.sink is not print or net.verbose:
            self.sink(text)
