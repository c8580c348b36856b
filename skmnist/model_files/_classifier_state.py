"""The state of a fitted classifier as JSON and tensors, and back."""

import math
import platform
from importlib.metadata import version

import numpy as np
import torch
from skorch import NeuralNetClassifier
from torch.nn.modules.loss import _Loss
from torch.utils.data import DataLoader

from skmnist._json_encoding import decode_history, encode_history
from skmnist.classifiers import MnistCNNClassifier, ResNetClassifier
from skmnist.classifiers._batch_loader import TensorBatchLoader
from skmnist.classifiers._parameter_validation import check_parameters
from skmnist.networks import CNN, PairCNN, ResNet, uncompiled

LIBRARIES = ("skmnist", "torch", "torchvision", "skorch", "scikit-learn", "numpy")

ATTRIBUTES = {
    "classes": "classes_inferred_",
    "feature_names": "feature_names_in_",
    "image_shape": "image_shape_",
    "layout": "_layout",
    "n_earlier_epochs": "_n_earlier_epochs",
    "n_features": "n_features_in_",
    "pixel_mean": "pixel_mean_",
    "pixel_range": "pixel_range_",
    "pixel_std": "pixel_std_",
    "precision": "precision_",
    "seed": "_seed",
    "weights_so_far": "_weights_so_far",
}
"""Fitted attributes of a classifier, by their names in a file.

Without the network, the history, and `device_`, which is chosen on reading.
"""

OPTIONAL_ATTRIBUTES = {"feature_names", "pixel_range"}
"""Attributes that a file may lack; earlier versions did not have the second."""

CLASSIFIERS = {cls.__name__: cls for cls in (MnistCNNClassifier, ResNetClassifier)}
"""Classifiers that a file can hold, by their names in it."""

NETWORKS = {cls.__name__: cls for cls in (CNN, PairCNN, ResNet)}
"""Networks that a file can hold, by their names in it."""

PARTS = {
    "module": tuple(NETWORKS.values()),
    "criterion": _Loss,
    "optimizer": torch.optim.Optimizer,
    "iterator_train": (TensorBatchLoader, DataLoader),
    "iterator_valid": (TensorBatchLoader, DataLoader),
}
"""Base classes of the parameters that are classes."""

LOADER_OPTIONS = {"batch_size", "drop_last", "num_workers", "pin_memory", "shuffle"}

OPTIONS = {
    "compile": {"dynamic", "fullgraph", "mode"},
    "iterator_train": LOADER_OPTIONS,
    "iterator_valid": LOADER_OPTIONS,
}
"""Allowed parameters of the parts of which others could start any program."""


def library_versions():
    """Versions of Python and the libraries that a model depends on.

    Returns
    -------
    dict of str to str
    """
    versions = {library: version(library) for library in LIBRARIES}
    return {"python": platform.python_version(), **versions}


def get_state(clf, encoder, prefix=""):
    """Encode a fitted classifier.

    Parameters
    ----------
    clf : MnistCNNClassifier or ResNetClassifier
    encoder : ModelEncoder
        Receives the tensors.
    prefix : str, default=""
        Put before the names of parameters in error messages, for a step of a pipeline.

    Returns
    -------
    dict
        JSON-serializable.

    Raises
    ------
    TypeError
        If a file cannot hold a parameter, the labels or an entry of the history; the
        message names it.
    """
    parameters = clf.get_params(deep=False)
    for name, value in parameters.items():
        if not _is_safe(name, value):
            reset = (
                f"del clf.{name}" if "__" in name else f"clf.set_params({name}=None)"
            )
            raise TypeError(
                f"Got {prefix}{name}={value!r:.300}, which could start any program, so "
                f"that a file cannot hold it. Reset it before saving: {reset}."
            )
    parameters = encoder.encode_items(parameters, prefix)
    module = uncompiled(clf.module_)
    if type(module) not in NETWORKS.values():
        raise TypeError(
            f"Got a network {type(module).__name__}, which a file that cannot execute "
            "code cannot hold. Use pickle, for recipients who trust you."
        )
    for name, values in module.state_dict().items():
        encoder.tensors[f"network.{name}"] = values.detach().cpu()
    encoder.tensors["history"] = encode_history(clf.history)
    return {
        "type": type(clf).__name__,
        "parameters": parameters,
        "attributes": {
            name: encoder.encode(getattr(clf, attribute), name)
            for name, attribute in ATTRIBUTES.items()
            if hasattr(clf, attribute)
        },
        # the parameters of `clf` may have changed since the network was built
        "network": {"type": type(module).__name__, **module.architecture},
    }


def from_state(state, decoder, device):
    """Create a fitted classifier from what `get_state` returned.

    No random numbers are drawn.

    Parameters
    ----------
    state : dict
    decoder : ModelDecoder
        Provides the tensors.
    device : torch.device
        Where to put the network.

    Returns
    -------
    MnistCNNClassifier or ResNetClassifier

    Raises
    ------
    Exception
        If `get_state` cannot have returned it.
    """
    parameters = decoder.decode_items(state["parameters"])
    if "label_smoothing" not in parameters:
        # earlier versions had neither this nor other classifiers and networks
        parameters["label_smoothing"] = 0.0
        types = {"type": "MnistCNNClassifier"}, {"type": "CNN"}
        state = {**types[0], **state, "network": {**types[1], **state["network"]}}
    cls = CLASSIFIERS[state["type"]]
    _check_parameters(parameters, cls)
    # the device of the training may be missing, and nothing is compiled before fit
    here = {"device": str(device), "compile": False}
    check_parameters(cls(**parameters | here))
    attributes = decoder.decode_items(state["attributes"])
    history = decode_history(decoder.tensors.pop("history"))
    _check_attributes(attributes, len(history))
    network = _make_network(state["network"], attributes, decoder.tensors)
    # from a network, skorch initializes its parts without random weights
    others = {k: v for k, v in parameters.items() if not k.startswith("module__")}
    clf = cls(**others | here | {"module": network})
    vars(clf).update({ATTRIBUTES[name]: value for name, value in attributes.items()})
    clf.device_ = device
    with torch.inference_mode(False):
        clf._initialize_augmentation()
        NeuralNetClassifier.initialize(clf)
    clf.history_ = history
    vars(clf).update(parameters)
    return clf


def _is_safe(name, value):
    """Whether a parameter can have no effects outside the classifier."""
    part, _, option = name.partition("__")
    if option and part in OPTIONS:
        return option in OPTIONS[part]
    return name != "torch_load_kwargs" or value is None


def _check_parameters(parameters, cls):
    """Check what `check_parameters` does not, because `fit` allows more."""
    known = cls().get_params(deep=False)
    for name, value in parameters.items():
        _check(name.partition("__")[0] in known and _is_safe(name, value), name)
    for name, base in PARTS.items():
        _check(issubclass(parameters[name], base), name)
    for name in ("iterator_train__num_workers", "iterator_valid__num_workers"):
        n_workers = parameters.get(name, 0)
        _check(type(n_workers) is int and 0 <= n_workers <= 64, name)
    _check(type(parameters["compile"]) is bool, "compile")
    device = parameters["device"]
    _check(device == "auto" or torch.device(device), "device")


def _check_attributes(attributes, n_epochs):
    """Check that the fitted attributes are possible, and fit each other."""
    _check(ATTRIBUTES.keys() - attributes.keys() <= OPTIONAL_ATTRIBUTES, "attributes")
    n_features, image_shape = attributes["n_features"], attributes["image_shape"]
    _check(type(image_shape) is tuple and len(image_shape) == 3, "image_shape")
    sizes = (n_features, *image_shape)
    _check(all(type(size) is int and size > 0 for size in sizes), "image_shape")
    side = math.isqrt(n_features - 1) + 1
    fits = math.prod(image_shape) == n_features or image_shape == (1, side, side)
    _check(fits, "image_shape")
    shape, dtype = attributes["layout"]
    shapes = ((n_features,), image_shape, image_shape[1:])
    _check(shape in shapes and dtype in ("uint8", "float32"), "layout")
    names = attributes.get("feature_names")
    _check(names is None or names.shape == (n_features,), "feature_names")
    _check(names is None or {type(name) for name in names} == {str}, "feature_names")
    mean, std = attributes["pixel_mean"], attributes["pixel_std"]
    for values in (mean, std):
        _check(values.dtype == np.float64 and values.shape == image_shape[:1], "pixels")
    _check(np.isfinite(mean).all() and (std > 0).all(), "pixels")
    pixel_range = attributes.get("pixel_range", (0.0, 1.0))
    _check(type(pixel_range) is tuple and len(pixel_range) == 2, "pixel_range")
    _check(all(type(bound) is float for bound in pixel_range), "pixel_range")
    _check(-math.inf < pixel_range[0] <= pixel_range[1] < math.inf, "pixel_range")
    precisions = ("float32", "bfloat16", "float64")
    _check(attributes["precision"] in precisions, "precision")
    _check(type(attributes["seed"]) is int and attributes["seed"] >= 0, "seed")
    n_earlier = attributes["n_earlier_epochs"]
    _check(type(n_earlier) is int and 0 <= n_earlier <= n_epochs, "n_earlier_epochs")
    n_images, sum_of_weights = attributes["weights_so_far"]
    _check(type(n_images) is int and type(sum_of_weights) is float, "weights_so_far")
    _check(n_images > 0 and sum_of_weights > 0, "weights_so_far")
    classes = attributes["classes"]
    _check(classes.ndim == 1 and len(classes) > 1, "classes")
    _check(np.all(classes[:-1] < classes[1:]), "classes")
    _check(classes.dtype.kind in "UO" or np.isfinite(classes).all(), "classes")


def _make_network(parameters, attributes, tensors):
    """Create the network from its weights, which it must fit."""
    names = [name for name in tensors if name.startswith("network.")]
    weights = {name.removeprefix("network."): tensors.pop(name) for name in names}
    for name, values in weights.items():
        _check(torch.isfinite(values).all(), name)
    shape, n_classes = attributes["image_shape"], len(attributes["classes"])
    cls = NETWORKS[parameters.pop("type")]
    with torch.device("meta"):  # shapes without memory and random numbers
        network = cls(image_shape=shape, n_classes=n_classes, **parameters)
    # files of earlier versions lack parameters that have been added since
    _check(network.architecture == network.architecture | parameters, parameters)
    dtypes = set()
    for name, expected in network.state_dict().items():
        dtype = weights[name].dtype
        if expected.is_floating_point():
            dtypes.add(dtype)
        else:
            _check(dtype == expected.dtype, name)
    _check(dtypes in ({torch.float32}, {torch.float64}), dtypes)
    network.load_state_dict(weights, assign=True)
    return network.eval()


def _check(condition, name):
    if not condition:
        raise ValueError(f"it cannot contain this {name!r:.100}")
