"""Parameters as JSON: plain values, and objects of a few known classes by name.

Whatever JSON has no word for is an object with one key, which says what it is:
`{"tuple": [1, 2]}`, `{"class": "torch.optim.SGD"}`. A class that is not in the list
below has no name here, so that no file can ask for it.
"""

import inspect
import math
import numbers

import numpy as np
import skorch.callbacks
import torch
from skorch.dataset import ValidSplit

from skmnist.augmentation import RandomAffine
from skmnist.classifiers._batch_loader import Batches
from skmnist.networks import CNN

CALLBACKS = (
    *("BatchScoring", "EarlyStopping", "EpochScoring", "EpochTimer"),
    *("GradientNormClipping", "LRScheduler", "PassthroughScoring", "PrintLog"),
    *("ProgressBar", "WarmRestartLR"),
)
"""Those of skorch's that touch no file and call nothing from outside."""


def _public_subclasses(module, base, prefix):
    return {
        f"{prefix}.{name}": value
        for name, value in vars(module).items()
        if inspect.isclass(value) and issubclass(value, base) and name[0] != "_"
    }


OBJECTS = {
    "skmnist.RandomAffine": RandomAffine,
    "skorch.dataset.ValidSplit": ValidSplit,
    **{
        f"skorch.callbacks.{name}": getattr(skorch.callbacks, name)
        for name in CALLBACKS
    },
}
"""Classes whose instances can be parameters."""

CLASSES = {
    "skmnist.CNN": CNN,
    "skmnist.Batches": Batches,
    "torch.utils.data.DataLoader": torch.utils.data.DataLoader,
    **_public_subclasses(torch.optim, torch.optim.Optimizer, "torch.optim"),
    **_public_subclasses(
        torch.optim.lr_scheduler,
        torch.optim.lr_scheduler.LRScheduler,
        "torch.optim.lr_scheduler",
    ),
    **_public_subclasses(torch.nn, torch.nn.modules.loss._Loss, "torch.nn"),
    **OBJECTS,
}
"""Classes that can be parameters themselves."""

_NAMES = {value: name for name, value in CLASSES.items()}


def to_plain(value, name):
    """Turn a value into what JSON can hold.

    Parameters
    ----------
    value : object
    name : str
        What the user calls it; for the error.

    Returns
    -------
    None, bool, int, float, str, list or dict

    Raises
    ------
    TypeError
        If it is, or holds, something that has no name here.
    """
    if value is None or isinstance(value, (bool, str)):
        return str(value) if isinstance(value, str) else value
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        value = float(value)
        return value if math.isfinite(value) else {"float": str(value)}
    if isinstance(value, (list, tuple)):
        items = [to_plain(item, f"{name}[{i}]") for i, item in enumerate(value)]
        return items if isinstance(value, list) else {"tuple": items}
    if isinstance(value, dict):
        pairs = [
            [to_plain(key, f"a key of {name}"), to_plain(item, f"{name}[{key!r}]")]
            for key, item in value.items()
        ]
        return {"dict": pairs}
    if isinstance(value, torch.device):
        return {"device": str(value)}
    if inspect.isclass(value) and value in _NAMES:
        return {"class": _NAMES[value]}
    if type(value) in OBJECTS.values():
        own = _set_parameters(value)
        _check_classes(own, name)
        parameters = {key: to_plain(item, f"{name}.{key}") for key, item in own.items()}
        return {"object": [_NAMES[type(value)], parameters]}
    parameter = name.split(".")[0].split("[")[0]
    raise TypeError(
        f"Got {name}={value!r}, which a file that can execute nothing cannot hold. "
        f"Replace it before saving, clf.set_params({parameter}=...), or pickle the "
        "classifier, for people who trust you."
    )


def from_plain(plain):
    """Turn what `to_plain` made back into the value.

    Parameters
    ----------
    plain : None, bool, int, float, str, list or dict

    Returns
    -------
    object

    Raises
    ------
    ValueError, TypeError
        If `to_plain` makes nothing of the kind.
    """
    if isinstance(plain, list):
        return [from_plain(item) for item in plain]
    if not isinstance(plain, dict):
        return plain
    if len(plain) != 1:
        raise ValueError(f"{len(plain)} keys where one says what the value is")
    ((kind, content),) = plain.items()
    if kind == "float" and content in ("inf", "-inf", "nan"):
        return float(content)
    if kind == "tuple" and isinstance(content, list):
        return tuple(from_plain(content))
    if kind == "dict" and isinstance(content, list):
        return {from_plain(key): from_plain(value) for key, value in content}
    if kind == "device" and isinstance(content, str):
        return torch.device(content)
    if kind == "class" and content in CLASSES:
        return CLASSES[content]
    if kind == "object":
        class_name, parameters = content
        if class_name in OBJECTS:
            values = {key: from_plain(value) for key, value in parameters.items()}
            _check_classes(values, class_name)
            return OBJECTS[class_name](**values)
    raise ValueError(f"{kind!r} with {content!r:.100} is nothing that is known here")


def _check_classes(parameters, owner):
    """Raise TypeError for a class where skorch would take it for a function."""
    for name, value in parameters.items():
        if inspect.isclass(value) and name != "policy":
            raise TypeError(
                f"Got {owner}.{name}={value!r}, which a file that can execute nothing "
                "cannot hold. Replace it before saving."
            )


def _set_parameters(instance):
    """Parameters of an instance that are not the defaults of its constructor."""
    if hasattr(instance, "get_params"):
        parameters = instance.get_params(deep=False)
    else:
        parameters = vars(instance)
    defaults = {
        name: parameter.default
        for name, parameter in inspect.signature(type(instance)).parameters.items()
    }
    missing = object()
    return {
        name: value
        for name, value in parameters.items()
        if defaults.get(name, missing) is not value
    }
