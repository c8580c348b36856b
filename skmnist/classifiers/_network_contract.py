"""What a network may declare, what it receives and what it must return."""

import copy
import inspect

import numpy as np
import torch
from torch import nn

from skmnist.classifiers._batch_loader import get_sample_weight
from skmnist.classifiers._random_state import fork_rng
from skmnist.networks import uncompiled

INITIALIZATION_IMAGES = 5000
"""Largest number of images that `initialize_from_data` passes to a network."""


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
    declared = vars(type(module)).get(name)
    if declared is None:
        declared = vars(type(uncompiled(module))).get(name, False)
    return declared


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


def check_batch_normalization(estimator, batch, error):
    """Explain an error in training if it may come from batch normalization.

    Parameters
    ----------
    estimator : ImageClassifier
    batch : tuple
        Images and what belongs to them.
    error : ValueError
        What the network raised.

    Raises
    ------
    ValueError
        If the batch is a single image and the network normalizes batches.
    """
    layers = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)
    module = uncompiled(estimator.module_)
    if len(batch[0]) > 1 or not any(isinstance(m, layers) for m in module.modules()):
        return
    raise ValueError(
        f"Got a batch of a single image to train a {type(module).__name__} on, but "
        f"batch normalization needs at least two: {error} Pass more images, a larger "
        "batch_size, or, with a DataLoader, iterator_train__drop_last=True."
    ) from error


def initialize_from_data(estimator, train):
    """Pass training images to a network that asks for them.

    At most `INITIALIZATION_IMAGES`, evenly spaced: there may be more than fit into
    memory.

    Parameters
    ----------
    estimator : ImageClassifier
    train : LabelledImages or Subset
    """
    module = uncompiled(estimator.module_)
    if hasattr(module, "initialize_from_data"):
        n, weights = len(train), get_sample_weight(train)
        positions = np.arange(0, n, -(-n // INITIALIZATION_IMAGES))
        images, _ = train[positions]  # a copy
        weights = None if weights is None else weights[positions]
        with torch.no_grad():
            module.initialize_from_data(images, weights)
        estimator.initialize_optimizer()  # the parameters may be others now
