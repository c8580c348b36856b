"""Training that is undone if it fails, and predictions from other threads meanwhile."""

import copy
import threading
import time
from contextlib import nullcontext

import torch

from skmnist.classifiers._random_state import training_lock

_trainings = {}
"""Thread and predictor of each training that runs, by the id of its estimator."""

_predictions = {}
"""Estimator (by its id) and thread of each prediction that runs."""


def run_training(estimator, train, may_resume):
    """Train an estimator; if that fails, restore it as it was before.

    A new training creates new objects; one that resumes changes the existing ones.
    Meanwhile predictions in other threads come from the estimator as it was before, see
    `get_predictor`. This is not a context manager, for the reason given in `fork_rng`.

    Parameters
    ----------
    estimator : ImageClassifier
    train : callable
        Called with True if the training continues with the network, criterion and
        optimizer that the estimator has, with False if it creates new ones.
    may_resume : bool
        Whether it continues if the estimator has been trained.

    Raises
    ------
    RuntimeError
        If a callback of a training trains the same estimator.
    """
    with training_lock():
        key, resume = id(estimator), bool(may_resume and estimator.initialized_)
        if key in _trainings:
            raise RuntimeError(
                f"Got a {type(estimator).__name__} to train in a callback of its own "
                "training. Train a copy there: copy.deepcopy(net)."
            )
        attributes, states = vars(estimator).copy(), []
        n_epochs = len(estimator.history) if resume else 0
        try:
            predictor = _copy_for_predictions(estimator, resume)
            _trainings[key] = threading.get_ident(), predictor
            _wait_for_predictions(estimator)
            if resume:
                parts = ("module_", "criterion_", "optimizer_")
                states = [
                    (attributes[part], copy.deepcopy(attributes[part].state_dict()))
                    for part in parts
                    if hasattr(attributes.get(part), "state_dict")
                ]
            train(resume)
        except BaseException:
            for name in vars(estimator).keys() - attributes.keys():
                del vars(estimator)[name]  # skorch's delattr would add attributes
            vars(estimator).update(attributes)
            for part, state in states:
                part.load_state_dict(state)
                if isinstance(part, torch.nn.Module):
                    part.eval()
            if resume:
                del estimator.history[n_epochs:]
            raise
        finally:
            _trainings.pop(key, None)


def run_prediction(estimator, predict, draws):
    """Predict with an estimator, or with its former self if another thread trains it.

    Parameters
    ----------
    estimator : ImageClassifier
    predict : callable
        Takes the estimator to predict with.
    draws : bool
        Whether the prediction draws from the global random generators, so that it has
        to wait for trainings in other threads.

    Returns
    -------
    object
        What `predict` returns.
    """
    with training_lock() if draws else nullcontext():
        key = object()
        try:
            _predictions[key] = id(estimator), threading.current_thread()
            return predict(get_predictor(estimator))
        finally:
            _predictions.pop(key, None)


def get_predictor(estimator):
    """Return what predicts in this thread: the estimator, or its former self.

    Parameters
    ----------
    estimator : ImageClassifier

    Returns
    -------
    ImageClassifier

    Raises
    ------
    RuntimeError
        If another thread trains the estimator and its network cannot be copied.
    """
    thread, predictor = _trainings.get(id(estimator), (None, None))
    if thread in (None, threading.get_ident()):
        return estimator
    if isinstance(predictor, Exception):
        raise RuntimeError(
            f"Got images to predict in one thread while another trains this "
            f"{type(estimator).__name__}, whose network cannot be copied: {predictor}. "
            "Predict when the training has ended."
        )
    return predictor


def _wait_for_predictions(estimator):
    """Wait for predictions in other threads that started before the training."""
    current = threading.current_thread()
    pending = {
        key: thread
        for key, (predicting, thread) in _predictions.copy().items()
        if predicting == id(estimator) and thread != current
    }
    while any(key in _predictions and t.is_alive() for key, t in pending.items()):
        time.sleep(0.001)


def _copy_for_predictions(estimator, resume):
    """Copy what a training changes, or return the error that prevents the copy."""
    frozen = object.__new__(type(estimator))
    vars(frozen).update(vars(estimator))
    if resume:
        try:
            with torch.inference_mode(False):
                frozen.module_ = copy.deepcopy(estimator.module_)
        except Exception as error:  # a user's network may raise anything
            return error
    return frozen
