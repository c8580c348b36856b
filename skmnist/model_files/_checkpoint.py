"""The state of a training that `skmnist train --resume` goes on from."""

import hashlib
import time
from dataclasses import dataclass, field

import numpy as np
import torch
from skorch.callbacks import Callback

from skmnist._safe_file import read_safe_file, write_safe_file
from skmnist._state_encoding import load_optimizer_state
from skmnist.classifiers._device import resolve_device
from skmnist.classifiers._mnist_cnn import MnistCNNClassifier
from skmnist.model_files._allowed_types import ModelDecoder, ModelEncoder
from skmnist.model_files._persistence import invalid_content_as_value_error
from skmnist.model_files._state import from_state, get_state

PLAIN = {str, int, float, type(None)}


@dataclass
class State:
    """A training on its way.

    Attributes
    ----------
    command : dict
        What the user asked for, as JSON can hold it.
    clf : MnistCNNClassifier or None
        As it was after its last finished epoch, its optimizer too; None before the
        first one.
    data_sha256 : str or None
        See `data_sha256`.
    seconds : float
        What the finished epochs took.
    resumed_after : list of int
        Finished epochs each time that the training went on.
    """

    command: dict
    clf: MnistCNNClassifier | None = None
    data_sha256: str | None = None
    seconds: float = 0.0
    resumed_after: list = field(default_factory=list)

    @property
    def n_finished(self):
        return 0 if self.clf is None else self.clf.n_iter_


class Checkpoint(Callback):
    """Write the state of a training after each of its epochs.

    Callbacks that write into the history come before it.

    Parameters
    ----------
    path : Path
    state : State
        From where the training starts.
    callbacks : list or None
        The classifier's own, without those that only show progress.
    """

    def __init__(self, path, state, callbacks):
        self.path = path
        self.state = state
        self.callbacks = callbacks

    def on_train_begin(self, net, **kwargs):
        self.begin_ = time.perf_counter()

    def on_epoch_end(self, net, **kwargs):
        parameters = {**net.get_params(deep=False), "callbacks": self.callbacks}
        encoder = ModelEncoder()
        state = get_state(net, encoder, parameters=parameters)
        training = {
            "command": self.state.command,
            "data_sha256": self.state.data_sha256,
            "seconds": self.state.seconds + time.perf_counter() - self.begin_,
            "resumed_after": self.state.resumed_after,
            "optimizer": encoder.encode(net.optimizer_.state_dict(), "optimizer"),
        }
        metadata = {"training": training, "classifier": state}
        write_safe_file(self.path, metadata, encoder.tensors)


def begin_state(path, command):
    """Write the state of a training that has no finished epoch yet.

    Parameters
    ----------
    path : Path
    command : dict

    Returns
    -------
    State
    """
    write_safe_file(path, {"training": {"command": command}}, {})
    return State(command)


def read_state(path):
    """Read what `begin_state` or a `Checkpoint` wrote.

    Parameters
    ----------
    path : Path

    Returns
    -------
    State

    Raises
    ------
    OSError, ValueError
        As in `skmnist.load`.
    """
    metadata, tensors = read_safe_file(path)
    training = metadata.get("training")
    if not isinstance(training, dict) or not isinstance(training.get("command"), dict):
        raise ValueError(f"Got {path}, which is a model, not the state of a training.")
    known = {"command", "data_sha256", "seconds", "resumed_after", "optimizer"}
    state = State(**{k: training[k] for k in training.keys() & known - {"optimizer"}})
    if not (
        training.keys() <= known
        and isinstance(state.resumed_after, list)
        and {type(n) for n in state.resumed_after} <= {int}
        and type(state.seconds) is float
        and {type(value) for value in state.command.values()} <= PLAIN
    ):
        raise ValueError(f"Got {path}, which is not the state of a training.")
    if training.keys() == {"command"}:
        return state

    with invalid_content_as_value_error(path):
        device = metadata["classifier"]["parameters"]["device"]
        known = isinstance(device, str)
        device = resolve_device(device) if known else torch.device("cpu")
        decoder = ModelDecoder(tensors)
        state.clf = from_state(metadata["classifier"], decoder, device)
        load_optimizer_state(
            state.clf.optimizer_, decoder.decode(training["optimizer"])
        )
        return state


def data_sha256(X, y):
    """A sum that tells whether a training goes on with the same data.

    Parameters
    ----------
    X, y : ndarray

    Returns
    -------
    str
        In hexadecimal.
    """
    digest = hashlib.sha256()
    for values in (X, y):
        digest.update(f"{values.dtype.str}{values.shape}".encode())
        digest.update(np.ascontiguousarray(values))
    return digest.hexdigest()
