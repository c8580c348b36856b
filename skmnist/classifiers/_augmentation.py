"""Build and apply the augmentation of training batches."""

import inspect

import torch

from skmnist.augmentation import RandomAffine


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
