"""The state of a training in a file, from which `fit` resumes it."""

import functools
import hashlib
import inspect
import re
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from skorch.callbacks import Callback, LRScheduler, PrintLog

from skmnist._json_encoding import (
    StateDecoder,
    StateEncoder,
    decode_history,
    encode_history,
    load_optimizer_state,
)
from skmnist._safe_file import (
    json_to_tensor,
    read_safe_file,
    tensor_to_json,
    write_safe_file,
)
from skmnist.datasets import LazyImages

IGNORED_PARAMETERS = {"callbacks", "device", "verbose"}
"""Parameters that may differ when a training is resumed."""

CHUNK = 1000
"""Lazy images that are read at a time."""

MAX_DEPTH = 5
"""Levels of nested objects that are compared."""


class TrainingCheckpoint(Callback):
    """Write the state of a training after each epoch, so that `fit` can resume it.

    If the process is killed, run the same program again: `fit`, called with the same
    parameters and data and a `TrainingCheckpoint` with the same path, continues after
    the last completed epoch. The result is bit-identical to that of an uninterrupted
    training, on the same processor and with the same number of threads. Each training
    needs a path of its own: cross-validation and searches cannot share one.

    The file holds the network, the optimizer, learning rate schedulers, the history,
    the random seed and the state of the other callbacks: those of their attributes with
    a trailing underscore that are numbers, strings, None, tensors, or dicts of these.
    The file executes nothing when it is read, and it is written whole or not at all.

    Parameters
    ----------
    path : str or PathLike
        File to write, in an existing folder, usually with the suffix .safetensors.
    keep : bool, default=False
        Whether to keep the file when the training is complete. `fit` then restores the
        trained network without training. If the training ended early by Ctrl-C, the
        file is always kept.

    Raises
    ------
    ValueError
        In `fit`, if the file belongs to a training with other parameters or data, or is
        damaged.
    OSError
        In `fit`, if the file cannot be written.

    Examples
    --------
    >>> from skmnist import MnistCNNClassifier
    >>> from skmnist.callbacks import TrainingCheckpoint
    >>> checkpoint = TrainingCheckpoint("training.safetensors")
    >>> clf = MnistCNNClassifier(callbacks=[("checkpoint", checkpoint)])
    """

    fingerprint_ = None
    state_ = None

    def __init__(self, path, keep=False):
        self.path = path
        self.keep = keep

    @property
    def n_epochs(self):
        """Number of completed epochs in the file; 0 if there is no file."""
        if not Path(self.path).exists():
            return 0
        metadata, _tensors = self._read()
        return metadata["n_epochs"]

    def prepare(self, net, images, y, sample_weight):
        """Look for the state of an interrupted training; `fit` calls it first.

        Parameters
        ----------
        net : ImageClassifier
            The estimator to train; its parameters are compared with those of the file.
        images : tensor or LazyImages of shape (n, channels, height, width)
            The training images, on the CPU.
        y : ndarray of shape (n,)
            Their labels.
        sample_weight : ndarray of shape (n,) or None
            Their weights.

        Returns
        -------
        int
            Number of completed epochs; 0 if there is no file.

        Raises
        ------
        ValueError, OSError
            As described for the class.
        """
        self.state_ = None
        parameters = net.get_params(deep=False)
        self.fingerprint_ = {
            "parameters": {
                name: _describe(value)
                for name, value in sorted(parameters.items())
                if name not in IGNORED_PARAMETERS
                and not (name.startswith("callbacks__") and not _is_plain(value))
            },
            "data": _compute_checksum(images, y, sample_weight),
            "start": "new",
        }
        if net.warm_start and net.initialized_:
            weights = [w.cpu().numpy() for w in net.module_.state_dict().values()]
            self.fingerprint_["start"] = _compute_checksum(len(net.history), *weights)
        path = self.file_ = Path(self.path).absolute()
        if path.is_dir() or not path.parent.is_dir():
            raise FileNotFoundError(
                f"Got {self!r}, expected a file in an existing folder."
            )
        if not path.exists():
            return 0
        metadata, tensors = self._read()
        with self._no_damage():
            encoded = tensor_to_json(tensors.pop("state"))
            differences = self._compare(encoded.pop("fingerprint"))
            history = decode_history(tensors.pop("history"))
            decoder = StateDecoder(tensors)
            state = {name: decoder.decode(value) for name, value in encoded.items()}
        if differences:
            raise ValueError(
                f"Got {self.path}, which holds a training with other {differences}. "
                "Use the same parameters and data to resume it, or delete the file to "
                "train from the beginning."
            )
        self.state_ = {**state, "history": history}
        # a training that was stopped early has no epochs left
        return int(net.max_epochs) if metadata["finished"] else metadata["n_epochs"]

    def restore(self, net):
        """Restore the state that `prepare` found; `fit` calls it before its epochs.

        Parameters
        ----------
        net : ImageClassifier
            Its network, criterion, optimizer and callbacks are initialized.

        Raises
        ------
        ValueError
            If the file does not fit the estimator, although its checksum is right.
        """
        if self.state_ is None:
            return
        state = self.state_
        with self._no_damage():
            net.module_.load_state_dict(state["module"])
            if isinstance(net.criterion_, torch.nn.Module):
                net.criterion_.load_state_dict(state["criterion"])
            for name, parameter in net.module_.named_parameters():
                parameter.requires_grad_(state["requires_grad"][name])
            load_optimizer_state(net.optimizer_, state["optimizer"])
            net.history_ = state["history"]
            net._seed = state["seed"]
            net._n_earlier_epochs = state["n_earlier_epochs"]

    def on_train_begin(self, net, incremental=False, **kwargs):
        if incremental:  # partial_fit
            self.fingerprint_ = None
            return
        if self.state_ is None:
            return
        state, self.state_ = self.state_, None
        callbacks = dict(net.callbacks_)
        with self._no_damage():
            for name, attributes in state["callbacks"].items():
                if name in callbacks:
                    vars(callbacks[name]).update(_select_state(attributes))
            for name, scheduler in state["schedulers"].items():
                if name in callbacks:
                    callbacks[name].lr_scheduler_.load_state_dict(scheduler)
            # new schedulers have changed the learning rates
            load_optimizer_state(net.optimizer_, state["optimizer"])

    def on_epoch_end(self, net, **kwargs):
        if self.fingerprint_ is not None:
            stopping = (getattr(cb, "should_stop_", False) for _, cb in net.callbacks_)
            self._write(net, finished=any(stopping))

    def on_train_end(self, net, interrupted=False, **kwargs):
        if self.fingerprint_ is None or interrupted:
            return
        if self.keep:
            self._write(net, finished=True)
        else:
            self.file_.unlink(missing_ok=True)

    def _write(self, net, finished=False):
        schedulers = {
            name: callback.lr_scheduler_.state_dict()
            for name, callback in net.callbacks_
            if isinstance(callback, LRScheduler) and callback.lr_scheduler_ is not None
        }
        callbacks = {
            name: _select_state(vars(callback))
            for name, callback in net.callbacks_
            if callback is not self and not isinstance(callback, PrintLog)
        }
        criterion = net.criterion_
        state = {
            "module": dict(net.module_.state_dict()),
            "requires_grad": {
                name: parameter.requires_grad
                for name, parameter in net.module_.named_parameters()
            },
            "criterion": dict(criterion.state_dict())
            if isinstance(criterion, torch.nn.Module)
            else {},
            "optimizer": net.optimizer_.state_dict(),
            "schedulers": schedulers,
            "callbacks": callbacks,
        }
        encoder = StateEncoder()
        encoded = {name: encoder.encode(value, name) for name, value in state.items()}
        encoded["fingerprint"] = self.fingerprint_
        encoded["seed"] = net._seed
        encoded["n_earlier_epochs"] = net._n_earlier_epochs
        tensors = {
            **encoder.tensors,
            "state": json_to_tensor(encoded),
            "history": encode_history(net.history),
        }
        n_epochs = len(net.history) - net._n_earlier_epochs
        metadata = {"training": {"n_epochs": n_epochs, "finished": finished}}
        write_safe_file(self.file_, metadata, tensors)

    def _read(self):
        """Read the file, and return what it says about the training and its tensors."""
        metadata, tensors = read_safe_file(self.path)
        training = metadata.get("training")
        if not isinstance(training, dict) or not (
            type(training.get("n_epochs")) is int
            and type(training.get("finished")) is bool
        ):
            raise ValueError(
                f"Got {self.path}, which is not the checkpoint of a training. Pass "
                "another path to TrainingCheckpoint."
            )
        return training, tensors

    def _compare(self, found):
        """Describe what differs from the training in the file; "" if nothing does."""
        expected, written = self.fingerprint_["parameters"], found["parameters"]
        names = [
            name
            for name in sorted(expected.keys() | written.keys())
            if expected.get(name) != written.get(name)
        ]
        if names:
            before, now = (
                ", ".join(f"{name}={values.get(name)!r:.80}" for name in names)
                for values in (written, expected)
            )
            return f"parameters, {before} instead of {now}"
        if self.fingerprint_["data"] != found["data"]:
            return "images, labels or weights"
        if self.fingerprint_["start"] != found["start"]:
            return "initial weights, of another warm start"
        return ""

    @contextmanager
    def _no_damage(self):
        """Turn errors about the content of a file with a valid checksum into one."""
        try:
            yield
        except Exception as error:  # with a forged checksum, anything can happen
            raise ValueError(
                f"Got {self.path}, which does not hold a training of this version of "
                f"skmnist: {type(error).__name__}: {error!s:.300}. Delete it."
            ) from error

    def __repr__(self):
        return f"{type(self).__name__}({str(self.path)!r})"

    def __getstate__(self):
        return {"path": self.path, "keep": self.keep}


def _describe(value, depth=0):
    """Describe a parameter by JSON values that are the same in each process."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (list, tuple)):
        return [_describe(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {str(key): _describe(item, depth + 1) for key, item in value.items()}
    if isinstance(value, torch.Tensor):
        return _compute_checksum(value.detach().cpu().numpy())
    if isinstance(value, np.ndarray):
        return _compute_checksum(value)
    if inspect.isclass(value) or inspect.isroutine(value):
        return f"{value.__module__}.{value.__qualname__}"
    name = f"{type(value).__module__}.{type(value).__qualname__}"
    if isinstance(value, torch.nn.Module):
        text = re.sub("0x[0-9a-f]+", "", repr(value))  # addresses differ
        return [name, text, _describe(value.state_dict(), depth + 1)]
    if isinstance(value, functools.partial):
        return [name, _describe([value.func, value.args, value.keywords], depth + 1)]
    if depth < MAX_DEPTH and hasattr(value, "__dict__"):
        return [name, _describe(vars(value), depth + 1)]
    return name


def _compute_checksum(*arrays):
    """SHA-256 of arrays, hexadecimal."""
    digest = hashlib.sha256()
    for array in arrays:
        if not isinstance(array, LazyImages):
            array = np.asarray(array)
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        if isinstance(array, LazyImages):
            for start in range(0, len(array), CHUNK):
                digest.update(array.read(slice(start, start + CHUNK)))
        elif array.dtype.kind == "O":
            digest.update(repr(array.tolist()).encode())
        else:
            digest.update(np.ascontiguousarray(array))
    return digest.hexdigest()


def _select_state(attributes):
    """Select the fitted attributes of a callback that a file can hold."""
    return {
        name: value
        for name, value in attributes.items()
        if name.endswith("_") and not name.endswith("__") and _is_plain(value)
    }


def _is_plain(value):
    if isinstance(value, dict):
        return all(isinstance(k, str) and _is_plain(v) for k, v in value.items())
    if isinstance(value, torch.Tensor):
        return value.layout == torch.strided and not value.is_complex()
    return isinstance(value, (bool, int, float, str, np.number, np.bool_, type(None)))
