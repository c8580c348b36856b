"""Callbacks that every `fit` uses, and helpers for those of the user."""

import inspect
from collections import Counter

import torch
from skorch.callbacks import Callback, EarlyStopping, EpochScoring, LRScheduler

from skmnist.callbacks import StopTraining, TrainingCheckpoint
from skmnist.classifiers._batch_loader import get_sample_weight
from skmnist.classifiers._random_state import fork_rng


class ValidationScoring(EpochScoring):
    """Accuracy on the validation data, weighted by their sample weights.

    Its parameters are those of `EpochScoring`.
    """

    def get_test_data(self, dataset_train, dataset_valid, use_caching):
        # the data set itself, also without caching: it has the weights
        _X, y, y_pred = super().get_test_data(dataset_train, dataset_valid, use_caching)
        return dataset_valid, y, y_pred


class TrainingAccuracy(EpochScoring):
    """Accuracy of the training batches at the time they are trained on.

    It counts correct predictions. `EpochScoring` would keep the outputs of all batches
    until the end of the epoch, more memory than the images of a batch; it still does if
    `scoring` is not "accuracy". Its parameters are those of `EpochScoring`.
    """

    def counts(self, net):
        """Return whether `on_batch_end` counts, and takes encoded labels, too."""
        caches = self.use_caching if net.use_caching == "auto" else net.use_caching
        return self.on_train and self.scoring == "accuracy" and caches

    def on_epoch_begin(self, net, **kwargs):
        super().on_epoch_begin(net, **kwargs)
        self.n_images_ = self.n_correct_ = 0

    def on_batch_end(self, net, batch, y_pred, training, **kwargs):
        if not self.counts(net):
            super().on_batch_end(net, batch, y_pred, training, **kwargs)
        elif training:
            _images, y = batch
            if not isinstance(y, torch.Tensor):
                y = torch.from_numpy(net.classes_.searchsorted(y))
            correct = y_pred.detach().argmax(1) == y.to(y_pred.device)
            self.n_images_ += len(y)
            self.n_correct_ += correct.sum()

    def on_epoch_end(self, net, **kwargs):
        if not self.counts(net):
            super().on_epoch_end(net, **kwargs)
        elif self.n_images_:
            self.n_correct_ = int(self.n_correct_)  # pickles hold no tensor of a GPU
            self._record_score(net.history, self.n_correct_ / self.n_images_)


class TrainingControl(Callback):
    """Report epochs to scikit-learn's callbacks, and end the training when requested.

    It comes last, so that all other callbacks see the last epoch.

    Parameters
    ----------
    task : CallbackContext
        Root task of scikit-learn's callbacks.
    fit_info : dict
        Passed to their hooks.
    """

    def __init__(self, task, fit_info):
        self.task_ = task
        self.fit_info_ = fit_info
        self.epoch_ = None

    def on_epoch_begin(self, net, **kwargs):
        self.epoch_ = self.task_.subcontext(task_name="epoch")
        # the epoch is seeded already; hooks that draw do not change it
        fork_rng(
            net.device_, lambda: self.epoch_.call_on_fit_task_begin(**self.fit_info_)
        )

    def on_epoch_end(self, net, **kwargs):
        should_stop = any(
            getattr(callback, "should_stop_", False) for _, callback in net.callbacks_
        )
        if self.end_epoch() or should_stop:
            raise StopTraining

    def end_epoch(self):
        """End the task of the epoch, and return whether the training should end."""
        if self.epoch_ is None:
            return False
        epoch, self.epoch_ = self.epoch_, None
        return epoch.call_on_fit_task_end(**self.fit_info_)

    def get_params(self, deep=True):
        return {}  # not a parameter of the estimator


def drop_training_control(callbacks):
    """Return initialized callbacks without the one that belongs to a running `fit`."""
    return [item for item in callbacks if not isinstance(item[1], TrainingControl)]


def score_validation_data(net, X, y):
    """Return the accuracy on validation data, weighted by their sample weights."""
    return net.score(X, y, get_sample_weight(X))


def find_checkpoint(estimator):
    """Return the `TrainingCheckpoint` among the callbacks of the user, or None.

    Parameters
    ----------
    estimator : ImageClassifier

    Raises
    ------
    TypeError, ValueError
        If it is a class, or there are several.
    """
    found = []
    for name, callback in _name_callbacks(estimator.callbacks):
        callback = getattr(estimator, f"callbacks__{name}", callback)
        if callback is TrainingCheckpoint:
            raise TypeError(
                "Got the class TrainingCheckpoint in callbacks, expected an instance "
                "with the path of its file: TrainingCheckpoint(path)."
            )
        if _is_checkpoint(callback):
            parameters = estimator.get_params_for(f"callbacks__{name}")
            callback.set_params(**parameters)  # as skorch does later
            found.append(callback)
    if len(found) > 1:
        raise ValueError(f"Got {len(found)} TrainingCheckpoints, expected at most one.")
    return found[0] if found else None


def move_checkpoint_to_end(callbacks):
    """Sort callbacks so that a `TrainingCheckpoint` sees what the others record.

    Parameters
    ----------
    callbacks : list of tuple (name, callback)

    Returns
    -------
    list of tuple (name, callback)
    """
    return sorted(callbacks, key=lambda item: _is_checkpoint(item[1]))


def get_callback_names(callbacks):
    """Return the names under which skorch knows the callbacks of the user."""
    names = [name for name, _ in _name_callbacks(callbacks)]
    return {
        name if n == 1 else f"{name}_{i}"
        for name, n in Counter(names).items()
        for i in range(1, n + 1)
    }


def has_lr_scheduler(callbacks):
    """Return whether a callback of the user sets the learning rate."""
    return any(
        cb is LRScheduler or isinstance(cb, LRScheduler)
        for _, cb in _name_callbacks(callbacks)
    )


def is_stopped_by_skorch(callbacks):
    """Return whether skorch's `EarlyStopping` has ended the training.

    It raises KeyboardInterrupt, as Ctrl-C does.
    """
    return any(
        isinstance(callback, EarlyStopping)
        and 0 < callback.patience <= callback.misses_
        for _, callback in callbacks
    )


def _name_callbacks(callbacks):
    """Yield each callback of the user with its name."""
    for item in callbacks or []:
        if isinstance(item, (tuple, list)):
            yield tuple(item)
        else:
            cls = item if inspect.isclass(item) else type(item)
            yield cls.__name__, item


def _is_checkpoint(callback):
    return isinstance(callback, TrainingCheckpoint)
