"""The epochs of `fit` and `partial_fit`."""

import copy
import warnings
from contextlib import suppress
from functools import partial
from typing import NamedTuple

import torch

from skmnist.callbacks import OneCycleLR, StopTraining
from skmnist.classifiers._batch_loader import (
    LabelledImages,
)
from skmnist.classifiers._fit_callbacks import TrainingControl, is_stopped_by_skorch
from skmnist.classifiers._freed_memory import keep_freed_memory
from skmnist.classifiers._network_contract import initialize_from_data
from skmnist.classifiers._random_state import seed_generators
from skmnist.classifiers._sample_weights import check_criterion, scale_weights


class Split(NamedTuple):
    """Data sets to train on and to validate with, ready for `fit_loop`."""

    train: object
    valid: object


def train(estimator, data, task, *, resume, n_finished=0, incremental=False):
    """Run the epochs of `fit` or `partial_fit`.

    Parameters
    ----------
    estimator : ImageClassifier
        With initialized network, optimizer and callbacks.
    data : TrainingData
    task : CallbackContext
        Root task of scikit-learn's callbacks, with a subtask for each epoch.
    resume : bool
        Whether the network was trained before.
    n_finished : int, default=0
        Epochs of this training that were completed before it was interrupted.
    incremental : bool, default=False
        Whether this is `partial_fit`: without validation data and without a cycle of
        the learning rate.

    Raises
    ------
    ValueError
        If the training diverges, or the data do not fit the criterion.
    """
    keep_freed_memory()
    no_autocast = torch.autocast(estimator.device_.type, enabled=False)
    with torch.inference_mode(False), torch.enable_grad(), no_autocast:
        # a resumed training splits the data as it did when it started
        start = estimator._n_earlier_epochs
        seed_generators(estimator.device_, estimator._seed, epoch=start)
        images = LabelledImages(
            data.images, data.y, estimator.classes_, data.weights, data.positions
        )
        split = Split(images, None)
        if not incremental:
            split = Split(*estimator.get_split_datasets(images, data.y))
        _scale_weights(estimator, images, split.train, incremental)
        if not (resume or n_finished):
            initialize_from_data(estimator, split.train)
        _run_epochs(estimator, data, split, task, n_finished, incremental)


def _run_epochs(estimator, data, split, task, n_finished, incremental):
    """Run skorch's training loop over the epochs that remain."""
    callbacks = estimator.callbacks_
    n_epochs, n_batches = task.max_subtasks, None
    estimator._batch_sizes = {
        f"iterator_{name}__batch_size": estimator._get_batch_size(
            dataset, name == "train"
        )
        for name, dataset in split._asdict().items()
        if dataset is not None
    }
    cycles = any(isinstance(callback, OneCycleLR) for _, callback in callbacks)
    if cycles and not incremental:
        n_batches = len(estimator.get_iterator(split.train, training=True))
        n_batches *= n_finished + n_epochs
    fit_info = {
        **data.fit_info,
        "reconstruction_attributes": partial(_get_reconstruction_attributes, estimator),
    }
    arrays = {"X": data.images, "y": data.y}
    info = {"n_batches": n_batches, "incremental": incremental}
    control = TrainingControl(task, fit_info)
    reduction = getattr(estimator.criterion_, "reduction", None)
    interrupted = False
    try:
        estimator.notify("on_train_begin", **arrays, **info)
        estimator.callbacks_ = [*callbacks, ("_control", control)]
        estimator.fit_loop(split, epochs=n_epochs)
    except StopTraining:
        control.end_epoch()
    except KeyboardInterrupt:
        interrupted = not is_stopped_by_skorch(estimator.callbacks_)
        if interrupted:
            warnings.warn(
                f"Training interrupted by user after {estimator.n_iter_} full "
                "epochs; the estimator keeps what it has learned so far.",
                stacklevel=9,
            )
        else:
            control.end_epoch()
    estimator.callbacks_ = callbacks
    del estimator._batch_sizes
    # Ctrl-C may have interrupted the cleanup of scoring callbacks and get_loss
    vars(estimator).pop("forward_iter", None)
    if reduction is not None:
        estimator.criterion_.reduction = reduction
    with suppress(StopTraining):
        estimator.notify("on_train_end", **arrays, interrupted=interrupted)
    for part in (estimator.module_, estimator.criterion_):
        if isinstance(part, torch.nn.Module):
            part.eval()
    task.call_on_fit_task_end(**fit_info)


def _scale_weights(estimator, images, train, incremental):
    """Scale the weights to mean 1 over all images that are trained on.

    These are the images of this `fit` without the validation data, or those of all
    calls of `partial_fit` so far.
    """
    so_far = estimator._weights_so_far if incremental else (0, 0.0)
    estimator._weights_so_far = scale_weights(images, train, so_far)
    if images.weights is not None:
        check_criterion(estimator.criterion_)


def _get_reconstruction_attributes(estimator):
    """Return what a copy needs to stay unchanged while the training continues."""
    return {
        "history_": copy.copy(estimator.history_),
        "module_": copy.deepcopy(estimator.module_),
    }
