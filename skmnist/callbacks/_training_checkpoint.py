"""The state of a training in a file, from which `fit` resumes it."""

import functools
import hashlib
import inspect
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from skorch.callbacks import Callback, LRScheduler, PrintLog
from skorch.history import History

from skmnist._safe_file import (
    json_to_tensor,
    read_safe_file,
    tensor_to_json,
    write_safe_file,
)

IGNORED_PARAMETERS = {"callbacks", "device", "verbose"}
"""Parameters that may differ when a training is resumed."""

MAX_DEPTH = 5
"""Levels of nested objects that are compared."""


class TrainingCheckpoint(Callback):
    """Write the state of a training after each epoch, so that `fit` can resume it.

    If the process is killed, run the same program again: `fit`, called with the same
    parameters and data and a `TrainingCheckpoint` with the same path, continues after
    the last completed epoch. The result is bit-identical to that of an uninterrupted
    training, on the same processor and with the same number of threads.

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
        images : tensor of shape (n, C, H, W)
        y : ndarray of shape (n,)
        sample_weight : ndarray of shape (n,) or None

        Returns
        -------
        n_finished : int
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
            },
            "data": _compute_checksum(images.numpy(), y, sample_weight),
        }
        path = Path(self.path)
        if path.is_dir() or not path.parent.is_dir():
            raise FileNotFoundError(
                f"Got {self!r}, expected a file in an existing folder."
            )
        if not path.exists():
            return 0
        metadata, tensors = self._read()
        with self._no_damage():
            training = tensor_to_json(tensors["training"])
            self._check_fingerprint(training["fingerprint"])
            history = History(training["history"])
            n_earlier = int(training["n_earlier_epochs"])
            self.state_ = {
                "seed": int(training["seed"]),
                "n_earlier_epochs": n_earlier,
                "history": history,
                "module": _select(tensors, "module."),
                "criterion": _select(tensors, "criterion."),
                "optimizer": _from_json(training["optimizer"], tensors),
                "schedulers": _from_json(training["schedulers"], tensors),
                "callbacks": _from_json(training["callbacks"], tensors),
            }
            n_epochs = len(history) - n_earlier
            return int(net.max_epochs) if metadata["finished"] else n_epochs

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
            _load_optimizer(net.optimizer_, state["optimizer"])
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
                callbacks[name].lr_scheduler_.load_state_dict(scheduler)
            # new schedulers have changed the learning rates
            _load_optimizer(net.optimizer_, state["optimizer"])

    def on_epoch_end(self, net, **kwargs):
        if self.fingerprint_ is not None:
            self._write(net)

    def on_train_end(self, net, interrupted=False, **kwargs):
        if self.fingerprint_ is None or interrupted:
            return
        if self.keep:
            self._write(net, finished=True)
        else:
            Path(self.path).unlink(missing_ok=True)

    def _write(self, net, finished=False):
        tensors = _prefix("module.", net.module_.state_dict())
        if isinstance(net.criterion_, torch.nn.Module):
            tensors |= _prefix("criterion.", net.criterion_.state_dict())
        callbacks = {
            name: _select_state(vars(callback))
            for name, callback in net.callbacks_
            if callback is not self and not isinstance(callback, PrintLog)
        }
        schedulers = {
            name: callback.lr_scheduler_.state_dict()
            for name, callback in net.callbacks_
            if isinstance(callback, LRScheduler) and callback.lr_scheduler_ is not None
        }
        training = {
            "fingerprint": self.fingerprint_,
            "seed": net._seed,
            "n_earlier_epochs": net._n_earlier_epochs,
            "history": _to_plain(list(net.history)),
            "optimizer": _to_json(net.optimizer_.state_dict(), tensors, "optimizer"),
            "schedulers": _to_json(schedulers, tensors, "schedulers"),
            "callbacks": _to_json(callbacks, tensors, "callbacks"),
        }
        try:
            tensors["training"] = json_to_tensor(training)
        except TypeError as error:
            raise TypeError(
                f"Got a history, an optimizer or a callback with a value that {self!r} "
                f"cannot write: {error}. Use numbers, strings and tensors there."
            ) from error
        n_epochs = len(net.history) - net._n_earlier_epochs
        metadata = {"training": {"n_epochs": n_epochs, "finished": finished}}
        write_safe_file(self.path, metadata, tensors)

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

    def _check_fingerprint(self, found):
        """Raise ValueError if the file belongs to another training."""
        remedy = "or delete the file to train from the beginning."
        expected, written = self.fingerprint_["parameters"], found["parameters"]
        different = [
            name
            for name in sorted(expected.keys() | written.keys())
            if expected.get(name) != written.get(name)
        ]
        if different:
            raise ValueError(
                f"Got {self.path}, which holds a training with other parameters: "
                + ", ".join(f"{n}={written.get(n)!r:.80}" for n in different)
                + " instead of "
                + ", ".join(f"{n}={expected.get(n)!r:.80}" for n in different)
                + f". Use the same parameters to resume it, {remedy}"
            )
        if self.fingerprint_["data"] != found["data"]:
            raise ValueError(
                f"Got {self.path}, which holds a training on other images, labels or "
                f"weights. Use the same data to resume it, {remedy}"
            )

    @contextmanager
    def _no_damage(self):
        """Turn errors about the content of a file with a valid checksum into one."""
        try:
            yield
        except (AttributeError, IndexError, KeyError, RuntimeError, TypeError) as error:
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
        return [name, _describe(value.state_dict(), depth + 1)]
    if isinstance(value, functools.partial):
        return [name, _describe([value.func, value.args, value.keywords], depth + 1)]
    if depth < MAX_DEPTH and hasattr(value, "__dict__"):
        return [name, _describe(vars(value), depth + 1)]
    return name


def _compute_checksum(*arrays):
    """SHA-256 of arrays, hexadecimal."""
    digest = hashlib.sha256()
    for array in arrays:
        array = np.asarray(array)
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        if array.dtype.kind == "O":
            digest.update(repr(array.tolist()).encode())
        else:
            digest.update(np.ascontiguousarray(array))
    return digest.hexdigest()


def _select_state(attributes):
    """Select the fitted attributes of a callback that a file can hold."""
    return {
        name: value
        for name, value in attributes.items()
        if name[-1] == "_" != name[-2] and _is_plain(value)
    }


def _is_plain(value):
    if isinstance(value, dict):
        return all(_is_plain(item) for item in value.values())
    return isinstance(
        value, (bool, int, float, str, np.generic, torch.Tensor, type(None))
    )


def _prefix(prefix, tensors):
    return {prefix + name: tensor.detach() for name, tensor in tensors.items()}


def _select(tensors, prefix):
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }


def _to_json(value, tensors, key):
    """Turn nested dicts and lists into JSON, and put their tensors into `tensors`."""
    if isinstance(value, torch.Tensor):
        tensors[key] = value.detach().clone()  # safetensors allows no shared memory
        return {"tensor": key}
    if isinstance(value, dict):
        items = [
            [k, _to_json(item, tensors, f"{key}.{k}")] for k, item in value.items()
        ]
        return {"items": items}
    if isinstance(value, (list, tuple)):
        return [_to_json(v, tensors, f"{key}.{i}") for i, v in enumerate(value)]
    if isinstance(value, np.generic):
        return value.item()
    return value


def _from_json(value, tensors):
    """Undo `_to_json`; tuples come back as lists."""
    if isinstance(value, dict):
        if "tensor" in value:
            return tensors[value["tensor"]]
        return {k: _from_json(item, tensors) for k, item in value["items"]}
    if isinstance(value, list):
        return [_from_json(item, tensors) for item in value]
    return value


def _to_plain(value):
    """Turn NumPy's numbers in a history into Python's."""
    if isinstance(value, dict):
        return {key: _to_plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_to_plain(item) for item in value]
    if isinstance(value, (np.generic, torch.Tensor)):
        return value.item()
    return value


def _load_optimizer(optimizer, state):
    """Load a state dict whose tensors may have other strides than the parameters."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    for number, values in state["state"].items():
        for name, tensor in values.items():
            parameter = parameters[number]
            if isinstance(tensor, torch.Tensor) and tensor.shape == parameter.shape:
                # fused optimizers rely on the strides
                values[name] = torch.empty_like(parameter).copy_(tensor)
    optimizer.load_state_dict(state)
