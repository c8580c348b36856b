"""One pass over the batches, without the cost of hooks that nobody uses."""

import torch
from skorch import NeuralNet
from skorch.callbacks import Callback, EpochScoring
from skorch.dataset import get_len

from skmnist.callbacks import OneCycleLR
from skmnist.classifiers._fit_callbacks import TrainingAccuracy

BATCH_HOOKS = ("on_batch_begin", "on_grad_computed", "on_batch_end")
"""Hooks that skorch calls for each batch."""

BATCH_METHODS = (
    *BATCH_HOOKS,
    *("notify", "train_step", "train_step_single", "validation_step"),
)
"""Methods of an estimator that skorch calls for each batch with a loss or labels."""

_EMPTY = {getattr(Callback, name) for name in BATCH_HOOKS}
_BLIND = {
    *(getattr(NeuralNet, name) for name in BATCH_HOOKS),
    *(OneCycleLR.on_grad_computed, OneCycleLR.on_batch_end),
}
"""Hooks that look at neither the batch nor its loss."""

_SCORING = {EpochScoring.on_batch_end, TrainingAccuracy.on_batch_end}
"""Hooks that look at labels and outputs only."""


def is_watched(net, step_fn, cls):
    """Return whether code of the user may look at each batch, its loss or its output.

    Parameters
    ----------
    net : ImageClassifier
        With initialized callbacks.
    step_fn : callable
        Trains on a batch, or computes its loss.
    cls : class
        `ImageClassifier`; a class derived from it may replace methods.

    Returns
    -------
    bool
    """
    return (
        step_fn not in (net.train_step, net.validation_step)
        or any(
            _get_function(getattr(net, name)) is not getattr(cls, name)
            for name in BATCH_METHODS
        )
        or any(
            _get_function(hook) not in _BLIND | _SCORING
            for name in BATCH_HOOKS
            for hook in _find_hooks(net, name)
        )
    )


def run_unwatched_epoch(net, iterator, training, prefix, step_fn, **fit_params):
    """Do what `skorch.NeuralNet.run_single_epoch` does, if nobody watches the batches.

    At the end of the epoch the history is the same. The losses are read from a GPU only
    then, so that it does not wait for each of them, and callbacks that score the whole
    epoch receive all batches as one.

    Parameters
    ----------
    net : ImageClassifier
    iterator : iterable of batches
    training : bool
        Whether the batches are trained on.
    prefix : str
        "train" or "valid", for the names in the history.
    step_fn : callable
        Trains on a batch, or computes its loss.
    **fit_params
        Passed to `step_fn`.
    """
    hooks = _find_hooks(net, "on_batch_end")
    scorers = [hook for hook in hooks if _get_function(hook) in _SCORING]
    counters = [hook for hook in scorers if _counts(hook, net)]
    # the others would have the outputs of all batches kept for nothing
    scorers = [
        hook
        for hook in scorers
        if hook not in counters and hook.__self__.on_train == training
    ]
    schedules = [hook for hook in hooks if _get_function(hook) in _BLIND]
    epoch = net.history[-1]
    rows, losses, outputs, labels = [], [], [], []
    try:
        for batch in iterator:
            row = {}
            epoch["batches"].append(row)
            step = step_fn(batch, **fit_params)
            loss = step["loss"].detach()
            losses.append(loss if is_slow_to_read(loss) else loss.item())
            rows.append(row)
            row[f"{prefix}_loss"] = None  # until the end of the epoch
            row[f"{prefix}_batch_size"] = get_len(batch[0])
            for schedule in schedules:
                schedule(net, batch=batch, training=training)
            for counter in counters:
                y = _get_encoded_labels(batch)
                counter(net, batch=(None, y), y_pred=step["y_pred"], training=training)
            if scorers:
                outputs.append(step["y_pred"].detach())
                labels.append(_get_encoded_labels(batch))
    finally:  # an interrupted epoch keeps its losses, too
        for row, loss in zip(rows, _read(losses), strict=False):
            row[f"{prefix}_loss"] = loss
    epoch[f"{prefix}_batch_count"] = len(rows)
    if outputs:
        y = net.classes_[torch.cat(labels).numpy()]
        y_pred = torch.cat(outputs)
        for scorer in scorers:
            scorer(net, batch=(None, y), y_pred=y_pred, training=training)


def is_slow_to_read(loss):
    """Return whether reading a loss would wait for a GPU.

    On the CPU, losses are better read at once: tensors that stay lie scattered in the
    memory that the batches free, and large ones no longer find room there.
    """
    return loss.device.type != "cpu"


def notify_of_batch(net, name, batch, **kwargs):
    """Call a hook of the callbacks that implement it.

    Those of the user receive the labels, as `predict` returns them, and outputs without
    their graph, because some keep them.

    Parameters
    ----------
    net : ImageClassifier
    name : str
        Name of the hook, among `BATCH_HOOKS`.
    batch : tuple
        Images and encoded labels, with or without weights and positions.
    **kwargs
        Further arguments of the hook.
    """
    hooks = [getattr(net, name), *_find_hooks(net, name)]
    if any(_get_function(hook) not in _BLIND for hook in hooks):
        batch = batch[0], net.classes_[_get_encoded_labels(batch).numpy()]
    if kwargs.get("y_pred") is not None:
        kwargs["y_pred"] = kwargs["y_pred"].detach()
    for hook in hooks:
        hook(net, batch=batch, **kwargs)


def _find_hooks(net, name):
    """Return the methods of this name of all callbacks that implement it."""
    hooks = [getattr(callback, name) for _, callback in net.callbacks_]
    return [hook for hook in hooks if _get_function(hook) not in _EMPTY]


def _counts(hook, net):
    scorer = hook.__self__
    return isinstance(scorer, TrainingAccuracy) and scorer.counts(net)


def _get_encoded_labels(batch):
    _images, targets = batch
    while not isinstance(targets, torch.Tensor):  # weights and positions come after
        targets, _others = targets
    return targets


def _read(losses):
    """Return losses as floats; those on a GPU are copied from it all at once."""
    if not losses or isinstance(losses[0], float):
        return losses
    return torch.stack([loss.reshape(()) for loss in losses]).tolist()


def _get_function(method):
    """Return the function behind a method, which all instances share."""
    return getattr(method, "__func__", method)
