"""Values of fitted estimators as JSON and tensors, for safe files.

A value that JSON does not have is an object with one key that names its kind, for
example `{"tuple": [1, 2]}`. Arrays and tensors are stored separately, by name.
"""

import math
import numbers

import numpy as np
import torch
from skorch.history import History

from skmnist._safe_file import json_to_tensor, tensor_to_json


class StateEncoder:
    """Encode values as JSON; collect arrays and tensors.

    Attributes
    ----------
    tensors : dict of str to tensor
        Contents of the arrays and tensors encoded so far, on the CPU.
    """

    def __init__(self):
        self.tensors = {}

    def encode(self, value, name):
        """Encode a value.

        Parameters
        ----------
        value : object
            None, a bool, number, string or `torch.device`, an array, a tensor, or a
            list, tuple or dict of such values.
        name : str
            Unique name of the value, for its tensors and for error messages.

        Returns
        -------
        None, bool, int, float, str, list or dict

        Raises
        ------
        TypeError
            If it is, or contains, another type.
        """
        match value:
            case None | bool():
                return value
            case str():
                return str(value)
            case np.bool_():
                return bool(value)
            case numbers.Integral():
                return int(value)
            case numbers.Real():
                value = float(value)
                return value if math.isfinite(value) else {"float": str(value)}
            case list():
                return [self.encode(v, f"{name}[{i}]") for i, v in enumerate(value)]
            case tuple():
                return {"tuple": self.encode(list(value), name)}
            case dict():
                keys = self.encode([*value], f"keys of {name}")
                values = [self.encode(v, f"{name}.{k}") for k, v in value.items()]
                return {"dict": [*map(list, zip(keys, values, strict=True))]}
            case torch.device():
                return {"device": str(value)}
            case torch.Tensor():
                self.tensors[name] = value.detach().cpu().clone()
                return {"tensor": name}
            case np.ndarray() if not isinstance(value, np.ma.MaskedArray):
                return self._encode_array(value, name)
        return self.encode_other(value, name)

    def encode_other(self, value, name):
        """Encode a value of another type; a hook for subclasses."""
        raise TypeError(f"Got {name}={value!r:.300}, which a safe file cannot hold.")

    def _encode_array(self, array, name):
        if array.dtype.kind in "UO" and array.ndim == 1:
            dtype = "str" if array.dtype.kind == "U" else "object"
            return {"array_of": [dtype, self.encode(array.tolist(), name)]}
        if array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
            return self.encode_other(array, name)
        # products of matrices can differ in the last bits with their order in memory
        transposed = array.flags.f_contiguous and not array.flags.c_contiguous
        array = np.array(array.T if transposed else array, order="C")
        native = array.astype(array.dtype.newbyteorder("="), copy=False)
        self.tensors[name] = torch.from_numpy(native)
        return {"transposed_array" if transposed else "array": name}


class StateDecoder:
    """Decode what `StateEncoder` encoded.

    Parameters
    ----------
    tensors : dict of str to tensor

    Attributes
    ----------
    tensors : dict of str to tensor
        Tensors that are not decoded yet. Each can be decoded once, which bounds the
        memory that decoding takes.
    """

    def __init__(self, tensors):
        self.tensors = dict(tensors)

    def decode(self, encoded):
        """Decode a value.

        Parameters
        ----------
        encoded : None, bool, int, float, str, list or dict

        Returns
        -------
        object

        Raises
        ------
        Exception
            If `StateEncoder.encode` cannot have returned it.
        """
        if isinstance(encoded, list):
            return [self.decode(item) for item in encoded]
        if not isinstance(encoded, dict):
            return encoded
        ((kind, content),) = encoded.items()
        match kind, content:
            case "float", "inf" | "-inf" | "nan":
                return float(content)
            case "tuple", list():
                return tuple(self.decode(content))
            case "dict", list():
                return dict(self.decode(content))
            case "device", str():
                return torch.device(content)
            case "tensor", str():
                return self.tensors.pop(content)
            case "array", str():
                return self.tensors.pop(content).numpy()
            case "transposed_array", str():
                return self.tensors.pop(content).numpy().T
            case "array_of", ["str" | "object" as dtype, list(items)]:
                return _make_array(dtype, self.decode(items))
        return self.decode_other(kind, content)

    def decode_other(self, kind, content):
        """Decode a value of another kind; a hook for subclasses."""
        raise ValueError(f"{kind!r:.100} with {content!r:.100} is unknown")


def encode_history(history):
    """Encode a training history as JSON text in a tensor.

    Parameters
    ----------
    history : skorch.history.History

    Returns
    -------
    tensor of shape (n_bytes,), uint8

    Raises
    ------
    TypeError
        If an entry is not a number; the message names it.
    """
    epochs = [
        # Ctrl-C can leave a batch without entries
        {"batches": [_as_row(row) for row in epoch["batches"] if row], **_as_row(epoch)}
        for epoch in history
    ]
    return json_to_tensor(epochs)


def decode_history(tensor):
    """Decode a history encoded by `encode_history`.

    Parameters
    ----------
    tensor : tensor of shape (n_bytes,), uint8

    Returns
    -------
    skorch.history.History

    Raises
    ------
    Exception
        If `encode_history` cannot have returned it.
    """
    epochs = tensor_to_json(tensor)
    if not isinstance(epochs, list):
        raise ValueError("a history is a list of epochs")
    for epoch in epochs:
        if "epoch" not in _as_row(epoch) or not all(map(_as_row, epoch["batches"])):
            raise ValueError(f"{epoch!r:.100} is not an epoch of a history")
    return History(epochs)


def load_optimizer_state(optimizer, state_dict):
    """Load a state into an optimizer; check what fused optimizers do not.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer
    state_dict : dict
        From `optimizer.state_dict()` of an optimizer for the same parameters.

    Raises
    ------
    Exception
        If the state is of an optimizer for other parameters.
    """
    optimizer.load_state_dict(state_dict)
    for group in optimizer.param_groups:
        for parameter in group["params"] if group.get("fused") else ():
            state = optimizer.state.get(parameter, {})
            # they take the shapes, and the order in memory, for granted
            for name in state.keys() - {"step"}:
                values = state[name].view(parameter.shape)
                state[name] = torch.empty_like(parameter).copy_(values)


def _make_array(dtype, items):
    """An array of strings or Python objects, which the items bound in memory."""
    kinds = {str} if dtype == "str" else {bool, int, float, str, type(None)}
    if not {type(item) for item in items} <= kinds:
        raise ValueError(f"{items!r:.100} are not the items of an array of {dtype}")
    lengths = [len(item) for item in items if dtype == "str"]
    # in an array each string takes as much memory as the longest
    if len(lengths) * max(lengths, default=0) > 100 * sum(lengths) + 100_000:
        raise ValueError("one string is far longer than the others")
    return np.array(items, dtype=dtype)


def _as_row(row):
    """Numbers of an epoch or a batch in a history, as numbers of Python."""
    row = {name: value for name, value in row.items() if name != "batches"}
    for name, value in row.items():
        if not isinstance(value, (np.bool_, numbers.Real)):
            raise TypeError(
                f"Got {name}={value!r:.50} in the history, but a safe file can hold "
                "numbers only. Store it outside the history."
            )
    return {k: v.item() if isinstance(v, np.generic) else v for k, v in row.items()}
