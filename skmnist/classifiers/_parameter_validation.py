"""Validation of the parameters of `ImageClassifier`."""

import inspect
import math
import numbers

import numpy as np
import torch
from sklearn.utils import check_scalar
from skorch.callbacks import Callback

from skmnist.augmentation import ImageTransform
from skmnist.classifiers._augmentation import (
    as_list,
    build_step,
    get_class,
    match_parameters,
)
from skmnist.classifiers._batch_loader import TensorBatchLoader
from skmnist.classifiers._device_and_precision import resolve_device
from skmnist.classifiers._fit_callbacks import has_lr_scheduler
from skmnist.classifiers._sample_weights import check_class_weight

LR_SCHEDULES = (None, "onecycle")
PRECISIONS = ("auto", "float32", "bfloat16")

LABEL_MIXING = {"MixUp", "CutMix", "MixAugmentationBaseV2"}
"""Transforms of torchvision and (by their base class) kornia that mix labels."""


def check_parameters(estimator):
    """Raise ValueError or TypeError for an invalid parameter.

    Parameters
    ----------
    estimator : ImageClassifier
    """
    check_scalar(
        estimator.lr, "lr", numbers.Real, min_val=0, include_boundaries="neither"
    )
    if not np.isfinite(estimator.lr):
        raise ValueError(f"Got lr={estimator.lr}, expected a finite number above 0.")
    check_scalar(estimator.max_epochs, "max_epochs", numbers.Integral, min_val=1)
    size = estimator.batch_size
    if not (isinstance(size, str) and size == "auto"):
        check_scalar(size, "batch_size", numbers.Integral, min_val=-1)
    if size == 0:
        raise ValueError(
            "Got batch_size=0, expected at least 1, -1 for one batch of all, or 'auto'."
        )
    _check_batches(estimator)
    smoothing = estimator.label_smoothing
    if not (isinstance(smoothing, numbers.Real) and 0 <= smoothing < 1):
        raise ValueError(
            f"Got label_smoothing={smoothing!r}, expected a fraction in [0, 1)."
        )
    if estimator.lr_schedule not in LR_SCHEDULES:
        raise ValueError(
            f"Got lr_schedule={estimator.lr_schedule!r}, expected one of "
            f"{LR_SCHEDULES}."
        )
    if estimator.precision not in PRECISIONS:
        raise ValueError(
            f"Got precision={estimator.precision!r}, expected one of {PRECISIONS}."
        )
    _check_augmentation(estimator)
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
            "callbacks or of pairs (name, callback). Disable a default one by its "
            "name, for example callbacks__print_log=None. Pass callbacks of "
            "scikit-learn to set_callbacks."
        )
    if estimator.lr_schedule is not None and has_lr_scheduler(estimator.callbacks):
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
    """Raise ValueError or TypeError for invalid loaders of batches."""
    for part in ("iterator_train", "iterator_valid"):
        name = f"{part}__batch_size"
        size = getattr(estimator, name, 1)
        if not isinstance(size, numbers.Integral) or size < -1 or size == 0:
            raise ValueError(
                f"Got {name}={size!r}, expected an integer of at least 1, or -1 for "
                "one batch of all."
            )
        if getattr(estimator, part) is not TensorBatchLoader:
            continue
        accepted = ("batch_size", "num_workers", "shuffle")
        for name in vars(estimator):
            if name.startswith(f"{part}__") and name.split("__")[1] not in accepted:
                raise TypeError(
                    f"Got {name}, but the default {part} takes {', '.join(accepted)} "
                    f"only. Leave it out, or pass {part}=torch.utils.data.DataLoader, "
                    "which takes more."
                )
        workers = getattr(estimator, f"{part}__num_workers", 0)
        if not isinstance(workers, numbers.Integral) or workers < 0:
            raise ValueError(
                f"Got {part}__num_workers={workers!r}, expected an integer of at least "
                "0: the number of processes that read images."
            )


def _check_augmentation(estimator):
    """Raise TypeError or ValueError for an invalid augmentation or its parameters."""
    augmentation = estimator.augmentation
    for step in as_list(augmentation):
        if not callable(step):
            raise TypeError(
                f"Got augmentation={augmentation!r}, expected a class such as "
                "skmnist.RandomAffine, a function of a batch of images, a list of "
                "these, or None."
            )
        _check_label_mixing(step)
    matched = match_parameters(estimator)
    known = tuple(prefix for _, prefix, _ in matched)
    for name in vars(estimator):
        if known and name.startswith("augmentation__") and not name.startswith(known):
            raise ValueError(
                f"Got {name} and augmentation={augmentation!r}, whose parameters start "
                f"with {' or '.join(known)}. Correct the name, or leave it out."
            )
    for step, prefix, parameters in matched:
        own = issubclass(get_class(step), ImageTransform)
        if parameters and not own and not inspect.isclass(step):
            raise ValueError(
                f"Got {prefix}{min(parameters)} and augmentation={augmentation!r}, "
                f"but {step!r} takes no parameters. Pass a class, such as "
                "augmentation=RandomAffine."
            )
        _check_accepted(get_class(step), prefix, parameters)
        if own:
            build_step(step, parameters)  # checks the values


def _check_label_mixing(augmentation):
    """Raise TypeError for a transform that mixes labels."""
    for part in _list_transforms(augmentation):
        cls = get_class(part)
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
    """Return a transform and its components."""
    parts = [transform]
    if isinstance(transform, torch.nn.Module):
        parts.extend(transform.modules())
    for part in list(parts):  # torchvision's Compose has them in a plain list
        inner = getattr(part, "transforms", ())
        if isinstance(inner, (list, tuple)):
            parts.extend(p for item in inner for p in _list_transforms(item))
    return parts


def check_module_parameters(estimator):
    """Raise TypeError for a `module__...` that the constructor of a class lacks.

    Parameters
    ----------
    estimator : ImageClassifier
    """
    if inspect.isclass(estimator.module):
        _check_accepted(
            estimator.module, "module__", estimator.get_params_for("module")
        )


def _check_accepted(cls, prefix, names):
    """Raise TypeError for a parameter that the constructor of a class lacks."""
    if not names:
        return
    accepted = inspect.signature(cls).parameters
    if any(p.kind is p.VAR_KEYWORD for p in accepted.values()):
        return
    for name in names:
        if name.split("__")[0] not in accepted:
            raise TypeError(
                f"Got {prefix}{name}, but {cls.__name__} takes no {name}; it takes "
                f"{', '.join(accepted) or 'no parameters'}. Pass one of these with "
                f"{prefix} in front, or correct the name."
            )


def _is_callback(item):
    """Return whether skorch accepts an item of `callbacks`."""
    if isinstance(item, (tuple, list)):
        if len(item) != 2 or not isinstance(item[0], str):
            return False
        item = item[1]
    return isinstance(item, Callback) or (
        inspect.isclass(item) and issubclass(item, Callback)
    )


def _check_stopping(estimator):
    """Raise ValueError or TypeError for invalid parameters of early stopping."""
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
                "None to disable it."
            )


def check_class_counts(estimator, y, weighted):
    """Raise ValueError for too few classes, or too few images of one.

    Parameters
    ----------
    estimator : ImageClassifier
    y : ndarray of shape (n,)
        Labels of the images with a weight above 0.
    weighted : bool
        Whether there are weights, for the message.
    """
    classes, counts = np.unique(y, return_counts=True)
    of_weight = " with a weight above 0" if weighted else ""
    if len(classes) < 2:
        raise ValueError(
            f"Got y with 1 class{of_weight}, {classes.tolist()}, expected at least "
            "2. Pass images of more than one class."
        )
    if not estimator.early_stopping:
        return
    if counts.min() < 2:
        raise ValueError(
            f"Got only 1 image{of_weight} of the labels "
            f"{classes[counts < 2].tolist()}, but early_stopping=True needs one to "
            "train on and one to hold out. Pass more images of these labels, or "
            "early_stopping=False."
        )
    n_valid = math.ceil(estimator.validation_fraction * len(y))
    if min(n_valid, len(y) - n_valid) < len(classes):
        raise ValueError(
            f"Got validation_fraction={estimator.validation_fraction}, which splits "
            f"{len(y)} images{of_weight} into {len(y) - n_valid} to train on and "
            f"{n_valid} to hold out, but each part needs room for one of each of "
            f"the {len(classes)} classes. Pass another validation_fraction, more "
            "images, or early_stopping=False."
        )
