"""Types that a model file may name: nothing else is imported, created or called."""

import inspect
from importlib import import_module

import skorch.callbacks
import torch
from skorch.dataset import ValidSplit
from torch.nn.modules.loss import _Loss
from torch.optim import Optimizer, lr_scheduler

from skmnist import augmentation
from skmnist._json_encoding import StateDecoder, StateEncoder
from skmnist.classifiers._batch_loader import TensorBatchLoader
from skmnist.networks import CNN, PairCNN, ResNet
from skmnist.optimizers import MuonAdamW

CALLBACKS = (
    *("BatchScoring", "EarlyStopping", "EpochScoring", "EpochTimer"),
    *("GradientNormClipping", "LRScheduler", "PassthroughScoring", "PrintLog"),
    *("ProgressBar", "WarmRestartLR"),
)
"""Callbacks of skorch that access no files and call nothing from outside."""

OBJECTS = {
    **{f"skmnist.{k}": getattr(augmentation, k) for k in augmentation.__all__},
    "skorch.dataset.ValidSplit": ValidSplit,
    **{f"skorch.callbacks.{k}": getattr(skorch.callbacks, k) for k in CALLBACKS},
}
"""Classes whose instances can be parameters of a classifier."""

CLASSES = {
    "skmnist.CNN": CNN,
    "skmnist.PairCNN": PairCNN,
    "skmnist.ResNet": ResNet,
    "skmnist.optimizers.MuonAdamW": MuonAdamW,
    "skmnist.Batches": TensorBatchLoader,  # its name in files of format 1
    "skmnist.TensorBatchLoader": TensorBatchLoader,
    "torch.utils.data.DataLoader": torch.utils.data.DataLoader,
    **{
        f"{module.__name__}.{name}": value
        for module, base in (
            (torch.optim, Optimizer),
            (lr_scheduler, lr_scheduler.LRScheduler),
            (torch.nn, _Loss),
        )
        for name, value in vars(module).items()
        if inspect.isclass(value) and issubclass(value, base) and name[0] != "_"
    },
    **OBJECTS,
}
"""Classes that can be parameters of a classifier."""

NAMES = {value: name for name, value in CLASSES.items()}

TRANSFORMERS = {
    "skmnist.preprocessing.DigitPreprocessor": "",
    "skmnist.preprocessing.ImageResizer": "",
    "sklearn.decomposition.PCA": (
        "_fit_svd_solver components_ explained_variance_ explained_variance_ratio_ "
        "mean_ n_components_ n_samples_ noise_variance_ singular_values_"
    ),
    "sklearn.feature_selection.VarianceThreshold": "variances_",
    "sklearn.preprocessing.Binarizer": "",
    "sklearn.preprocessing.FunctionTransformer": "",
    "sklearn.preprocessing.MaxAbsScaler": "max_abs_ n_samples_seen_ scale_",
    "sklearn.preprocessing.MinMaxScaler": (
        "data_max_ data_min_ data_range_ min_ n_samples_seen_ scale_"
    ),
    "sklearn.preprocessing.Normalizer": "",
    "sklearn.preprocessing.PowerTransformer": "_scaler lambdas_",
    "sklearn.preprocessing.QuantileTransformer": "n_quantiles_ quantiles_ references_",
    "sklearn.preprocessing.RobustScaler": "center_ scale_",
    "sklearn.preprocessing.StandardScaler": "mean_ n_samples_seen_ scale_ var_",
}
"""Classes of steps of a pipeline, and the attributes that `fit` gives them.

They are imported when a file names them.
"""

OPTIONAL_ATTRIBUTES = {
    *("feature_names_in_", "n_features_in_", "_scaler", "_sklearn_output_config")
}
"""Attributes that a transformer may lack."""


class ModelEncoder(StateEncoder):
    """Encode classes and instances, too, if they are allowed."""

    def encode_other(self, value, name):
        cls = type(value)
        if inspect.isclass(value) and value in NAMES:
            return {"class": NAMES[value]}
        if cls in OBJECTS.values():
            parameters = _non_default_parameters(value)
            _check_not_callable(parameters, f"{name}.")
            return {"object": [NAMES[cls], self.encode_items(parameters, f"{name}.")]}
        for known in TRANSFORMERS:
            if known.endswith(f".{cls.__name__}") and _import(known) is cls:
                return {"transformer": self._encode_transformer(known, value, name)}
        raise TypeError(
            f"Got {name}={value!r:.300}, which a file that cannot execute code cannot "
            "hold. Replace it before saving, or use pickle, for recipients who trust "
            "you."
        )

    def encode_items(self, items, prefix):
        """Encode the values of a dict; `prefix` is put before their names."""
        return {key: self.encode(value, prefix + key) for key, value in items.items()}

    def _encode_transformer(self, class_name, transformer, name):
        parameters = transformer.get_params(deep=False)
        _check_not_callable(parameters, f"{name}__")
        attributes = {k: v for k, v in vars(transformer).items() if k not in parameters}
        _check_attributes(class_name, attributes, f"{name}, ")
        items = parameters, dict(sorted(attributes.items()))
        return [class_name, *(self.encode_items(part, f"{name}__") for part in items)]


class ModelDecoder(StateDecoder):
    """Decode what `ModelEncoder` encoded."""

    def decode_other(self, kind, content):
        match kind, content:
            case "class", str() if content in CLASSES:
                return CLASSES[content]
            case "object", [str(name), dict(parameters)] if name in OBJECTS:
                return self._create(OBJECTS[name], parameters)
            case "transformer", [str(name), dict(parameters), dict(attributes)] if (
                name in TRANSFORMERS
            ):
                _check_attributes(name, attributes)
                transformer = self._create(_import(name), parameters)
                if name.startswith("skmnist."):
                    transformer.fit()  # only validates the parameters
                vars(transformer).update(self.decode_items(attributes))
                return transformer
        return super().decode_other(kind, content)

    def decode_items(self, items):
        """Decode the values of a dict."""
        return {key: self.decode(value) for key, value in items.items()}

    def _create(self, cls, parameters):
        parameters = self.decode_items(parameters)
        _check_not_callable(parameters, f"{cls.__name__}.")
        return cls(**parameters)


def _import(class_name):
    """Import one of the `TRANSFORMERS`."""
    module, _, name = class_name.rpartition(".")
    return getattr(import_module(module), name)


def _check_attributes(class_name, attributes, owner=""):
    """Raise TypeError if a transformer does not have the attributes that are known."""
    known = {*TRANSFORMERS[class_name].split()}
    if not known - OPTIONAL_ATTRIBUTES <= {*attributes} <= known | OPTIONAL_ATTRIBUTES:
        raise TypeError(
            f"Got {owner}a {class_name} with the attributes {sorted(attributes)}, "
            f"expected {sorted(known)}. Either it is not fitted, or this version of "
            "skmnist does not know the version of scikit-learn."
        )


def _check_not_callable(parameters, prefix):
    """Raise TypeError for a value that skorch or scikit-learn would call."""
    for name, value in parameters.items():
        if callable(value) and name != "policy":
            raise TypeError(
                f"Got {prefix}{name}={value!r:.300}, which a file that cannot execute "
                "code cannot hold. Replace it before saving."
            )


def _non_default_parameters(instance):
    parameters = vars(instance)
    if hasattr(instance, "get_params"):
        parameters = instance.get_params(deep=False)
    known = inspect.signature(type(instance)).parameters
    return {
        name: value
        for name, value in parameters.items()
        if name not in known or known[name].default is not value
    }
