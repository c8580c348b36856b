"""Build and apply the augmentation of training batches."""

import inspect

import torch

from skmnist.augmentation import AlternatingFlip, RandomFlip, RandomShift

INPUTS = ("positions", "epoch")
"""What an augmentation may ask for beside the images, by parameters of these names."""

AVERAGES = {
    "average_flips": (AlternatingFlip, RandomFlip),
    "average_shifts": (RandomShift,),
}
"""Parameters of the networks, and the augmentations that set them by default."""


class Augmenter:
    """Apply augmentations in turn, each with the inputs that it asks for.

    Parameters
    ----------
    augmentation : callable, list of callables, or None

    Attributes
    ----------
    steps : list of tuple (callable, list of str)
        The augmentations, and which of the `INPUTS` they ask for.
    needs_positions : bool
        Whether one of them asks for the positions of the images.
    """

    def __init__(self, augmentation):
        self.steps = [(step, _find_inputs(step)) for step in as_list(augmentation)]
        self.needs_positions = any("positions" in names for _, names in self.steps)

    def __call__(self, images, **inputs):
        """Transform a batch of training images.

        Parameters
        ----------
        images : tensor of shape (n, C, H, W)
        **inputs
            Values of the `INPUTS`; positions only if one of the steps needs them.

        Returns
        -------
        tensor of shape (n, C, H, W), floating point

        Raises
        ------
        ValueError
            If an augmentation returns anything else.
        """
        shape = images.shape
        # a copy: the augmentation may work in place, and the batch belongs to the user
        images = images.to(torch.get_default_dtype(), copy=True)
        for step, names in self.steps:
            images = step(images, **{name: inputs[name] for name in names})
            if getattr(images, "shape", None) != shape:
                came = getattr(images, "shape", None)
                came = type(images).__name__ if came is None else tuple(came)
                raise ValueError(
                    f"Got from the augmentation {step!r}, for a batch of shape "
                    f"{tuple(shape)}, {came}; expected a tensor of the same shape."
                )
        return images


def build_augmentation(estimator):
    """Instantiate the augmentation of an `ImageClassifier` with its parameters.

    Parameters
    ----------
    estimator : ImageClassifier

    Returns
    -------
    callable, list of callables, or None
    """
    matched = match_parameters(estimator)
    steps = [build_step(step, parameters) for step, _, parameters in matched]
    if isinstance(estimator.augmentation, (list, tuple)):
        return steps
    return steps[0] if steps else None


def build_step(step, parameters):
    """Instantiate one augmentation.

    Parameters
    ----------
    step : class, or callable
    parameters : dict
        Parameters of the constructor, which replace those of an instance.

    Returns
    -------
    callable
    """
    if inspect.isclass(step):
        return step(**parameters)
    if parameters:
        return type(step)(**{**vars(step), **parameters})
    return step


def match_parameters(estimator):
    """Return the augmentations of an `ImageClassifier` with their parameters.

    Parameters
    ----------
    estimator : ImageClassifier

    Returns
    -------
    list of tuple (class or callable, str, dict)
        Each augmentation, the prefix of its parameters, and these without the prefix.
    """
    parameters = estimator.get_params_for("augmentation")
    steps = as_list(estimator.augmentation)
    prefixes = [""] * len(steps)
    if isinstance(estimator.augmentation, (list, tuple)):
        prefixes = [f"{name}__" for name in _list_names(steps)]
    return [
        (step, f"augmentation__{prefix}", _select(parameters, prefix))
        for step, prefix in zip(steps, prefixes, strict=True)
    ]


def as_list(augmentation):
    """Return the augmentations of the parameter `augmentation` as a list."""
    if isinstance(augmentation, (list, tuple)):
        return list(augmentation)
    return [] if augmentation is None else [augmentation]


def get_class(step):
    """Return the class of an augmentation, which may be a class itself."""
    return step if inspect.isclass(step) else type(step)


def find_averages(augmentation):
    """Return over which copies of an image the networks should average predictions.

    Returns
    -------
    dict of str to bool
        `average_flips` if the augmentation mirrors training images, and
        `average_shifts` if it shifts them.
    """
    classes = [get_class(step) for step in as_list(augmentation)]
    return {
        name: any(issubclass(cls, kinds) for cls in classes)
        for name, kinds in AVERAGES.items()
    }


def _list_names(steps):
    """Return the names that scikit-learn's `make_pipeline` would give to steps."""
    names = [get_class(step).__name__.lower() for step in steps]
    return [
        name if names.count(name) == 1 else f"{name}-{names[:i].count(name)}"
        for i, name in enumerate(names, start=1)
    ]


def _select(parameters, prefix):
    """Return the parameters with a prefix, without it."""
    return {
        name.removeprefix(prefix): value
        for name, value in parameters.items()
        if name.startswith(prefix)
    }


def _find_inputs(step):
    """Return those of the `INPUTS` that an augmentation asks for."""
    # the signature of a module is that of a wrapper of forward
    function = step.forward if isinstance(step, torch.nn.Module) else step
    try:
        parameters = inspect.signature(function).parameters
    except ValueError:  # some functions of torch and Python have none
        return []
    return [name for name in INPUTS if name in parameters]
