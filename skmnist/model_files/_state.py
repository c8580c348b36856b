"""A fitted classifier as plain facts and tensors, and back."""

import collections
import math
import numbers
import platform
from importlib.metadata import version

import numpy as np
import torch
from skorch.history import History

from skmnist.classifiers._batch_loader import Batches
from skmnist.classifiers._mnist_cnn import MnistCNNClassifier
from skmnist.classifiers._parameter_validation import (
    check_module_parameters,
    check_parameters,
)
from skmnist.model_files._json_values import from_plain, to_plain
from skmnist.networks import CNN, uncompiled

FORMAT = 1
"""Number of the way in which this is written down; another way has another number."""

LIBRARIES = ("skmnist", "torch", "torchvision", "skorch", "scikit-learn", "numpy")

PARTS = {
    "module": CNN,
    "criterion": torch.nn.modules.loss._Loss,
    "optimizer": torch.optim.Optimizer,
    "iterator_train": (Batches, torch.utils.data.DataLoader),
    "iterator_valid": (Batches, torch.utils.data.DataLoader),
}
"""What the parts can be that are classes."""

BATCHING = {"batch_size", "drop_last", "num_workers", "pin_memory", "shuffle"}

LIMITED = {
    "compile": {"dynamic", "fullgraph", "mode"},
    "iterator_train": BATCHING,
    "iterator_valid": BATCHING,
}
"""Parameters of parts of which others could start programs of somebody's choice."""

NETWORK = {
    *("module__channels", "module__kernel_size", "module__hidden_units"),
    "module__dropout",
}

LABEL_TYPES = "biuf"
"""Kinds of NumPy's numbers that labels can be, beside text and objects."""


def library_versions():
    """Versions of Python and of what a model depends on.

    Returns
    -------
    dict of str by str
    """
    versions = {library: version(library) for library in LIBRARIES}
    return {"python": platform.python_version(), **versions}


def pack(clf, parameters=None):
    """Take a fitted classifier apart.

    Parameters
    ----------
    clf : MnistCNNClassifier
    parameters : dict or None
        What to take for its parameters; None: those that it has.

    Returns
    -------
    facts : dict
        What JSON can hold.
    tensors : dict of tensors by name
        On the CPU.

    Raises
    ------
    TypeError
        If a parameter, a label or an entry of the history is nothing that JSON can
        hold; the message names it.
    """
    if parameters is None:
        parameters = clf.get_params(deep=False)
    for name, value in parameters.items():
        part, _, key = name.partition("__")
        limited = part in LIMITED and key and key not in LIMITED[part]
        if limited or (name == "torch_load_kwargs" and value is not None):
            raise TypeError(
                f"Got {name}={value!r}, which could let somebody else's programs in, "
                "so that no file may hold it. Leave it out before saving: "
                + (f"del clf.{name}." if limited else f"clf.set_params({name}=None).")
            )
    parameters = {name: to_plain(value, name) for name, value in parameters.items()}
    kinds, columns = _pack_history(clf.history)
    shape, dtype = clf._layout
    facts = {
        "format": FORMAT,
        "versions": library_versions(),
        "parameters": parameters,
        "classes": _pack_labels(clf.classes_),
        "image_shape": list(clf.image_shape_),
        "layout": [list(shape), dtype],
        "n_features": clf.n_features_in_,
        "feature_names": getattr(clf, "feature_names_in_", np.empty(0)).tolist(),
        "pixel_mean": clf.pixel_mean_.tolist(),
        "pixel_std": clf.pixel_std_.tolist(),
        "trained_on": str(clf.device_),
        "precision": clf.precision_,
        "seed": clf._seed,
        "weights_so_far": list(clf._weights_so_far),
        "n_earlier_epochs": clf._n_earlier_epochs,
        "history": kinds,
    }
    module = uncompiled(clf.module_)
    if type(module) is not CNN:
        raise TypeError(
            f"Got a network {type(module).__name__}, which a file that can execute "
            "nothing cannot hold. Pickle the classifier, for people who trust you."
        )
    facts["network"] = {
        "channels": [module.conv1.out_channels, module.conv2.out_channels],
        "kernel_size": module.conv1.kernel_size[0],
        "hidden_units": module.fc1.out_features,
        "dropout": module.dropout.p,
    }
    network = {
        f"network.{name}": values.detach().cpu()
        for name, values in module.state_dict().items()
    }
    return facts, network | columns


def unpack(facts, tensors, device):
    """Put a classifier together again.

    Parameters
    ----------
    facts : dict
    tensors : dict of tensors by name
    device : torch.device
        Where the network is to be.

    Returns
    -------
    MnistCNNClassifier

    Raises
    ------
    Exception
        If `pack` makes nothing of the kind; whatever that leads to.
    """
    number = facts["format"]
    _expect(type(number) is int and number == FORMAT, f"a format {number!r:.20}")
    parameters = _unpack_parameters(facts["parameters"])
    built_with = {f"module__{key}": value for key, value in facts["network"].items()}
    _expect(built_with.keys() == NETWORK, "another network")
    # what the network was built with may have been set anew since; neither a device
    # that is missing here nor a compiler is needed until the next fit
    others = {k: v for k, v in parameters.items() if not k.startswith("module__")}
    clf = MnistCNNClassifier(**others | built_with)
    clf.set_params(device="cpu", compile=False)
    check_parameters(clf)
    n_features, image_shape = facts["n_features"], tuple(facts["image_shape"])
    side = math.isqrt(n_features - 1) + 1
    _expect(
        len(image_shape) == 3
        and all(type(n) is int and n > 0 for n in (n_features, *image_shape))
        and (math.prod(image_shape) == n_features or image_shape == (1, side, side)),
        f"images of shape {image_shape!r:.50} with {n_features!r:.20} features",
    )
    shape, dtype = facts["layout"]
    shapes = ([n_features], list(image_shape), list(image_shape[1:]))
    _expect(shape in shapes and dtype in ("uint8", "float32"), "another layout")
    mean, std = (
        np.array(facts[name], dtype=np.float64) for name in ("pixel_mean", "pixel_std")
    )
    _expect(mean.shape == std.shape == image_shape[:1], "other pixel statistics")
    _expect(np.isfinite(mean).all() and (std > 0).all(), "impossible statistics")
    precisions = ("float32", "bfloat16", "float64")
    _expect(facts["precision"] in precisions, "another precision")
    seed, n_earlier = facts["seed"], facts["n_earlier_epochs"]
    _expect(type(seed) is int and seed >= 0, "no seed")
    history = _unpack_history(facts["history"], tensors)
    _expect(type(n_earlier) is int and 0 <= n_earlier <= len(history), "lost epochs")
    n_images, sum_of_weights = facts["weights_so_far"]
    _expect(type(n_images) is int and type(sum_of_weights) is float, "no images")
    _expect(n_images > 0 and sum_of_weights > 0, "images that weigh nothing")
    vars(clf).update(
        classes_inferred_=_unpack_labels(facts["classes"]),
        n_features_in_=n_features,
        image_shape_=image_shape,
        pixel_mean_=mean,
        pixel_std_=std,
        precision_=facts["precision"],
        device_=device,
        _layout=(tuple(shape), dtype),
        _seed=seed,
        _weights_so_far=(n_images, sum_of_weights),
        _n_earlier_epochs=n_earlier,
    )
    if facts["feature_names"]:
        names = facts["feature_names"]
        _expect(
            len(names) == n_features and all(isinstance(n, str) for n in names),
            "other feature names",
        )
        clf.feature_names_in_ = np.array(names, dtype=object)
    network = {
        name.removeprefix("network."): values
        for name, values in tensors.items()
        if name.startswith("network.")
    }
    dtype = _check_network(clf, network)
    clf.initialize()
    clf.history_ = history
    clf.module_.to(dtype).load_state_dict(network)
    for name in built_with:
        del vars(clf)[name]
    vars(clf).update(parameters)
    check_module_parameters(clf)
    return clf


def unpack_optimizer(clf, param_groups, tensors):
    """Give a classifier's optimizer the state that it had.

    Parameters
    ----------
    clf : MnistCNNClassifier
    param_groups : list
        What `to_plain` made of those in the optimizer's `state_dict`.
    tensors : dict of tensors by name
        Among them `optimizer.<number of the parameter>.<name>`.
    """
    parameters = [
        parameter
        for group in clf.optimizer_.param_groups
        for parameter in group["params"]
    ]
    state = {}
    for name, values in tensors.items():
        if not name.startswith("optimizer."):
            continue
        number, key = name.removeprefix("optimizer.").split(".")
        parameter = parameters[int(number)]
        if values.ndim:
            _expect(values.shape == parameter.shape, f"{name} of another shape")
            # in the same order in memory, which fused optimizers take for granted
            values = torch.empty_like(parameter).copy_(values)
        state.setdefault(int(number), {})[key] = values
    clf.optimizer_.load_state_dict(
        {"state": state, "param_groups": from_plain(param_groups)}
    )


def _unpack_parameters(plain):
    parameters = {name: from_plain(value) for name, value in plain.items()}
    known = MnistCNNClassifier._get_signature_names([MnistCNNClassifier])
    prefixes = {*MnistCNNClassifier.prefixes_, "module", "criterion", "optimizer"}
    for name in parameters:
        prefix, *further = name.split("__")
        _expect(
            prefix in prefixes and further if "__" in name else name in known,
            f"a parameter {name!r:.50}",
        )
        part, _, key = name.partition("__")
        if part in LIMITED and key:
            _expect(key in LIMITED[part], f"{name!r:.50}, which may do harm")
    _expect(parameters["torch_load_kwargs"] is None, "torch_load_kwargs")
    _expect(type(parameters["compile"]) is bool, "a way to compile")
    for name in ("iterator_train__num_workers", "iterator_valid__num_workers"):
        n_workers = parameters.get(name, 0)
        _expect(type(n_workers) is int and 0 <= n_workers <= 64, "too many workers")
    device = parameters["device"]
    _expect(device == "auto" or torch.device(device), "no device")
    for name, kind in PARTS.items():
        _expect(issubclass(parameters[name], kind), f"a {name} that is none")
    return parameters


def _pack_labels(classes):
    if classes.dtype.kind not in LABEL_TYPES + "UO":
        raise TypeError(
            f"Got labels of type {classes.dtype}, which a file cannot hold; expected "
            "numbers or text. Fit on labels of these types, for example y.astype(str)."
        )
    kind = "str" if classes.dtype.kind == "U" else classes.dtype.name
    return [kind, to_plain(classes.tolist(), "classes_")]


def _unpack_labels(packed):
    kind, values = packed
    _expect(isinstance(values, list) and len(values) > 1, "no labels")
    types = {type(value) for value in values}
    if kind == "str":
        _expect(types == {str}, "labels that are no text")
        lengths = [len(value) for value in values]
        # as an array each takes as much memory as the longest
        wasteful = len(values) * max(lengths) > 100 * sum(lengths) + 100_000
        _expect(not wasteful, "one label that is very much longer than the others")
    elif kind != "object":
        _expect(np.dtype(kind).kind in LABEL_TYPES, f"labels of type {kind!r:.20}")
        _expect(types <= {bool, int, float}, "labels that are no numbers")
    _expect(types <= {bool, int, float, str}, "labels of another type")
    classes = np.array(values, dtype=kind)
    _expect(kind in ("str", "object") or np.isfinite(classes).all(), "no finite labels")
    _expect(np.all(classes[:-1] < classes[1:]), "labels in no order")
    return classes


def _pack_history(history):
    """Split a history into the names of its figures and the figures.

    Returns
    -------
    kinds : list of [keys, list of keys of batches]
        Names of the figures that an epoch can have, and of those of its batches:
        batches in a row with the same ones are a group.
    columns : dict of tensors by name
        `history.kinds`, the position of each epoch's kind; `history.counts`, the number
        of batches in each group; and the figures of each name, over all epochs, or all
        batches, that have it.
    """
    kinds, columns = [], collections.defaultdict(list)

    def add(of, row):
        for key, value in row.items():
            if not isinstance(value, (np.bool_, numbers.Real)):
                raise TypeError(
                    f"Got {key}={value!r:.50} in the history, where a file can hold "
                    "numbers only. Let your callback keep it elsewhere."
                )
            columns[f"history.{of}.{key}"].append(value)
        return list(row)

    for epoch in history:
        groups = []
        for batch in filter(None, epoch["batches"]):  # Ctrl-C leaves one without any
            keys = add("batches", batch)
            if not groups or groups[-1] != keys:
                groups.append(keys)
                columns["history.counts"].append(0)
            columns["history.counts"][-1] += 1
        figures = {key: value for key, value in epoch.items() if key != "batches"}
        kind = [add("epochs", figures), groups]
        if kind not in kinds:
            kinds.append(kind)
        columns["history.kinds"].append(kinds.index(kind))
    return kinds, {name: _as_column(name, values) for name, values in columns.items()}


def _as_column(name, values):
    if all(isinstance(value, (bool, np.bool_)) for value in values):
        # a byte for each batch would become many in memory
        dtype = torch.bool if name.startswith("history.epochs.") else torch.int64
    elif all(isinstance(value, numbers.Integral) for value in values):
        dtype = torch.int64
    else:
        dtype = torch.float64
    return torch.tensor(values, dtype=dtype)


def _unpack_history(kinds, tensors):
    columns = {
        name: values for name, values in tensors.items() if name.startswith("history.")
    }
    for name, values in columns.items():
        wide = values.dtype in (torch.int64, torch.float64)
        flag = values.dtype == torch.bool and name.startswith("history.epochs.")
        _expect(values.ndim == 1 and (wide or flag), f"{name} of another type")
    chosen, counts = (
        columns.pop(name, torch.zeros(0)).tolist()
        for name in ("history.kinds", "history.counts")
    )
    _expect(all(type(i) is int and 0 <= i < len(kinds) for i in chosen), "other epochs")
    _expect(all(type(n) is int and n > 0 for n in counts), "no batches")
    _expect(all("epoch" in keys for keys, _ in kinds), "epochs without a number")
    _expect(all(all(groups) for _, groups in kinds), "batches without figures")
    lengths = collections.Counter()
    remaining = iter(counts)
    for i in chosen:
        keys, groups = kinds[i]
        lengths.update(f"history.epochs.{key}" for key in keys)
        for group in groups:
            n = next(remaining)
            for key in group:
                lengths[f"history.batches.{key}"] += n
    found = {name: len(values) for name, values in columns.items()}
    _expect(lengths == found and next(remaining, None) is None, "other figures")
    values = {name: iter(column.tolist()) for name, column in columns.items()}
    history, remaining = History(), iter(counts)
    for i in chosen:
        keys, groups = kinds[i]
        history.new_epoch()
        figures = {key: next(values[f"history.epochs.{key}"]) for key in keys}
        history[-1].update(figures)
        history[-1]["batches"] = [
            {key: next(values[f"history.batches.{key}"]) for key in group}
            for group in groups
            for _ in range(next(remaining))
        ]
    return history


def _check_network(clf, network):
    """Compare tensors with the network that the parameters speak of; make none yet."""
    with torch.device("meta"):  # which has shapes, but no memory
        expected = clf._build_module().state_dict()
    shapes = {name: tuple(values.shape) for name, values in expected.items()}
    found = {name: tuple(values.shape) for name, values in network.items()}
    _expect(shapes == found, f"weights of shapes {found} instead of {shapes}")
    dtypes = {values.dtype for values in network.values()}
    _expect(
        dtypes in ({torch.float32}, {torch.float64}), f"weights of types {dtypes!r:.80}"
    )
    for name, values in network.items():
        _expect(torch.isfinite(values).all(), f"{name} with values that are not finite")
    return dtypes.pop()


def _expect(holds, what):
    if not holds:
        raise ValueError(f"it speaks of {what}")
