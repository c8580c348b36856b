"""Build the network and the augmentation, and check what they return."""

import copy
import inspect

import numpy as np
import torch

from skmnist.augmentation import RandomAffine
from skmnist.classifiers._random_state import fork_rng
from skmnist.networks import uncompiled


def build_module(estimator):
    """Instantiate the network for the data of an `ImageClassifier`.

    Parameters
    ----------
    estimator : ImageClassifier
        With `image_shape_`, `classes_`, `pixel_mean_` and `pixel_std_`.

    Returns
    -------
    torch.nn.Module
    """
    module, kwargs = estimator.module, estimator.get_params_for("module")
    if isinstance(module, torch.nn.Module):
        module = copy.deepcopy(module)  # fit changes no parameter
    if inspect.isclass(module) or kwargs:
        task = {
            "image_shape": estimator.image_shape_,
            "n_classes": len(estimator.classes_),
            "mean": estimator.pixel_mean_,
            "std": estimator.pixel_std_,
        }
        constructor = module if inspect.isclass(module) else type(module)
        accepted = inspect.signature(constructor).parameters
        kwargs = {**{k: v for k, v in task.items() if k in accepted}, **kwargs}
    return estimator.initialized_instance(module, kwargs)


def build_augmentation(estimator):
    """Instantiate the augmentation of an `ImageClassifier` with its parameters.

    Parameters
    ----------
    estimator : ImageClassifier

    Returns
    -------
    callable or None

    Raises
    ------
    ValueError
        If there are parameters for an augmentation that takes none.
    """
    augmentation = estimator.augmentation
    kwargs = estimator.get_params_for("augmentation")
    if inspect.isclass(augmentation):
        return augmentation(**kwargs)
    if kwargs and isinstance(augmentation, RandomAffine):
        return type(augmentation)(**{**vars(augmentation), **kwargs})
    if kwargs:
        names = ", ".join(f"augmentation__{name}" for name in kwargs)
        raise ValueError(
            f"Got {names} and augmentation={augmentation!r}, which takes no "
            "parameters. Pass a class, such as augmentation=RandomAffine."
        )
    return augmentation


def apply_augmentation(augmentation, images):
    """Transform a batch of training images.

    Parameters
    ----------
    augmentation : callable
    images : tensor of shape (n, C, H, W)

    Returns
    -------
    tensor of shape (n, C, H, W), floating point

    Raises
    ------
    ValueError
        If the augmentation returns anything else.
    """
    # a copy: the augmentation may work in place, and the batch belongs to the user
    images = images.to(torch.get_default_dtype(), copy=True)
    augmented = augmentation(images)
    if getattr(augmented, "shape", None) != images.shape:
        shape = getattr(augmented, "shape", None)
        came = type(augmented).__name__ if shape is None else tuple(shape)
        raise ValueError(
            f"Got from augmentation={augmentation!r}, for a batch of shape "
            f"{tuple(images.shape)}, {came}; expected a tensor of the same shape."
        )
    return augmented


def check_log_probabilities(estimator, images):
    """Raise ValueError if the network does not return log-probabilities.

    Parameters
    ----------
    estimator : ImageClassifier
    images : tensor of shape (n, C, H, W)
    """
    with torch.no_grad():
        output = fork_rng(estimator.device_, lambda: estimator.infer(images))
    shape = tuple(getattr(output, "shape", ()))
    expected = (len(images), len(estimator.classes_))
    sums = output.exp().sum(1).tolist() if shape == expected else None
    if shape != expected or not np.allclose(sums, 1, atol=1e-3):
        came = (
            f"a {type(output).__name__} of shape {shape}"
            if sums is None
            else f"a tensor whose exp sums to {sums[0]:.4g} over the classes"
        )
        raise ValueError(
            f"Got from the module {type(estimator.module_).__name__}, for "
            f"{len(images)} images, {came}; expected log-probabilities of shape "
            f"{expected}. End its forward method with "
            "torch.nn.functional.log_softmax(..., dim=1)."
        )


def declares(module, name):
    """Return whether the class of a network itself, not a parent, declares a feature.

    A subclass may compute differently; it has to declare the feature again.

    Parameters
    ----------
    module : torch.nn.Module
    name : {"accepts_raw_pixels", "supports_bfloat16"}

    Returns
    -------
    bool
    """
    return vars(type(uncompiled(module))).get(name, False)
