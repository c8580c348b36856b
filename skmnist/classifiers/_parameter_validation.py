"""What the parameters of `MnistCNNClassifier` may be."""

import inspect
import numbers

import numpy as np
import torch
from sklearn.utils import check_scalar
from skorch.callbacks import Callback

from skmnist.callbacks import sets_learning_rate
from skmnist.classifiers._batch_loader import Batches
from skmnist.classifiers._device import resolve_device
from skmnist.classifiers._sample_weights import check_class_weight

LR_SCHEDULES = (None, "onecycle")
PRECISIONS = ("auto", "float32", "bfloat16")

LABEL_MIXING = {"MixUp", "CutMix", "MixAugmentationBaseV2"}
"""Transforms of torchvision and, by their base class, of kornia that mix labels too."""


def check_parameters(estimator):
    """Raise ValueError or TypeError for a parameter that cannot be used."""
    check_scalar(
        estimator.lr, "lr", numbers.Real, min_val=0, include_boundaries="neither"
    )
    if not np.isfinite(estimator.lr):
        raise ValueError(f"Got lr={estimator.lr}, expected a finite number above 0.")
    check_scalar(estimator.max_epochs, "max_epochs", numbers.Integral, min_val=1)
    check_scalar(estimator.batch_size, "batch_size", numbers.Integral, min_val=-1)
    if estimator.batch_size == 0:
        raise ValueError(
            "Got batch_size=0, expected at least 1, or -1 for one batch of all."
        )
    _check_batches(estimator)
    if estimator.lr_schedule not in LR_SCHEDULES:
        raise ValueError(
            f"Got lr_schedule={estimator.lr_schedule!r}, expected one of "
            f"{LR_SCHEDULES}."
        )
    if estimator.precision not in PRECISIONS:
        raise ValueError(
            f"Got precision={estimator.precision!r}, expected one of {PRECISIONS}."
        )
    _check_augmentation(estimator.augmentation)
    if estimator.image_shape is not None and not (
        isinstance(estimator.image_shape, (tuple, list))
        and len(estimator.image_shape) == 3
        and all(
            isinstance(n, numbers.Integral) and n > 0 for n in estimator.image_shape
        )
    ):
        raise ValueError(
            f"Got image_shape={estimator.image_shape!r}, expected three integers above "
            "0: (channels, height, width). Leave it out for square grey images."
        )
    if estimator.callbacks is not None and not (
        isinstance(estimator.callbacks, list)
        and all(_is_callback(item) for item in estimator.callbacks)
    ):
        raise TypeError(
            f"Got callbacks={estimator.callbacks!r}, expected a list of skorch "
            "callbacks or of pairs (name, callback). Leave a default one out by its "
            "name, for example callbacks__print_log=None. Callbacks of scikit-learn's "
            "go into set_callbacks."
        )
    if estimator.lr_schedule is not None and sets_learning_rate(estimator.callbacks):
        raise ValueError(
            f"Got an LRScheduler in callbacks and lr_schedule="
            f"{estimator.lr_schedule!r}, but only one can set the learning rate. "
            "Pass lr_schedule=None."
        )
    if estimator.train_split is not None and not callable(estimator.train_split):
        raise TypeError(
            f"Got train_split={estimator.train_split!r}, expected a callable such as "
            "skorch.dataset.ValidSplit(0.1, stratified=True), or None."
        )
    _check_stopping(estimator)
    check_class_weight(estimator.class_weight)
    if not callable(estimator.module):
        raise TypeError(
            f"Got module={estimator.module!r}, expected a torch.nn.Module, class or "
            "instance."
        )
    check_module_parameters(estimator)
    resolve_device(estimator.device)


def _check_batches(estimator):
    """Raise ValueError or TypeError for what cannot cut data into batches."""
    for part in ("iterator_train", "iterator_valid"):
        name = f"{part}__batch_size"
        size = getattr(estimator, name, 1)
        if not isinstance(size, numbers.Integral) or size < -1 or size == 0:
            raise ValueError(
                f"Got {name}={size!r}, expected an integer of at least 1, or -1 for "
                "one batch of all."
            )
        if getattr(estimator, part) is not Batches:
            continue
        for name in vars(estimator):
            if name.startswith(f"{part}__") and name not in (
                f"{part}__batch_size",
                f"{part}__shuffle",
            ):
                raise TypeError(
                    f"Got {name}, but the default {part} takes batch_size and shuffle "
                    f"only. Leave it out, or pass {part}=torch.utils.data.DataLoader, "
                    "which takes more."
                )


def _check_augmentation(augmentation):
    """Raise TypeError for what cannot be an augmentation."""
    if augmentation is None:
        return
    if not callable(augmentation):
        raise TypeError(
            f"Got augmentation={augmentation!r}, expected a class such as "
            "skmnist.RandomAffine, a function of a batch of images, or None."
        )
    for part in _list_transforms(augmentation):
        cls = part if inspect.isclass(part) else type(part)
        if any(
            base.__name__ in LABEL_MIXING
            and base.__module__.startswith(("torchvision.", "kornia."))
            for base in cls.__mro__
        ):
            raise TypeError(
                f"Got augmentation={augmentation!r}, but {cls.__name__} mixes images "
                "with their labels, and an augmentation sees images only. Leave it out."
            )


def _list_transforms(transform):
    """A transform, and those that it is composed of."""
    parts = [transform]
    if isinstance(transform, torch.nn.Module):
        parts.extend(transform.modules())
    for part in list(parts):  # torchvision keeps those of a Compose in a plain list
        inner = getattr(part, "transforms", ())
        if isinstance(inner, (list, tuple)):
            parts.extend(p for item in inner for p in _list_transforms(item))
    return parts


def check_module_parameters(estimator):
    """Raise TypeError for a `module__...` that the constructor of a class has not."""
    if not inspect.isclass(estimator.module):
        return
    parameters = inspect.signature(estimator.module).parameters
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return
    for name in vars(estimator):
        if name.startswith("module__") and name.split("__")[1] not in parameters:
            raise TypeError(
                f"Got {name}, but the network {estimator.module.__name__} takes no "
                f"{name.removeprefix('module__')}; it takes {', '.join(parameters)}. "
                "Pass one of these with module__ in front, or correct the name."
            )


def _is_callback(item):
    """Whether skorch takes this in `callbacks`."""
    if isinstance(item, (tuple, list)):
        if len(item) != 2 or not isinstance(item[0], str):
            return False
        item = item[1]
    return isinstance(item, Callback) or (
        inspect.isclass(item) and issubclass(item, Callback)
    )


def _check_stopping(estimator):
    """Raise ValueError or TypeError for what cannot say when to stop."""
    if not isinstance(estimator.early_stopping, (bool, np.bool_)):
        raise TypeError(
            f"Got early_stopping={estimator.early_stopping!r}, expected True or False."
        )
    if estimator.early_stopping and estimator.train_split is not None:
        raise ValueError(
            f"Got early_stopping=True and train_split={estimator.train_split!r}, but "
            "only one can hold data out. Leave one of them out; with train_split, "
            "skorch's EarlyStopping in callbacks stops early."
        )
    check_scalar(
        estimator.validation_fraction,
        "validation_fraction",
        numbers.Real,
        min_val=0,
        max_val=1,
        include_boundaries="neither",
    )
    check_scalar(
        estimator.n_iter_no_change, "n_iter_no_change", numbers.Integral, min_val=1
    )
    if estimator.tol is not None:
        check_scalar(estimator.tol, "tol", numbers.Real, min_val=0)
        if not np.isfinite(estimator.tol):
            raise ValueError(
                f"Got tol={estimator.tol}, expected a finite number of at least 0, or "
                "None for no stop."
            )
