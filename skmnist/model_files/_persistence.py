"""A fitted classifier as a file that can execute nothing."""

import json

import torch
from sklearn.utils.validation import check_is_fitted

from skmnist._safe_file import read_safe_file, write_safe_file
from skmnist.classifiers._mnist_cnn import MnistCNNClassifier
from skmnist.model_files._state import pack, unpack


def save(clf, path):
    """Write a fitted classifier into one file that can execute nothing.

    The file is a safetensors file [1]_: the weights, and one JSON string with the
    parameters, the labels, the history, the versions of the libraries and a SHA-256 of
    the whole. It holds no pickle. The same classifier gives the same bytes each time,
    in each process. It is written beside `path` first and then renamed, so that a file
    of that name is the old one or the new one, never half of it.

    Not in the file: the training data, the state of the optimizer, and what
    `set_callbacks` and `set_fit_request` and the like have set.

    Parameters
    ----------
    clf : MnistCNNClassifier
        A fitted one, of this very class. Its parameters are plain values, losses and
        optimizers of torch's, `RandomAffine`, skorch's `ValidSplit` and those of its
        callbacks that touch no files; `random_state` is an int or None.
    path : str or PathLike
        File to write, usually with the ending .safetensors.

    Raises
    ------
    TypeError
        If `clf` is no `MnistCNNClassifier`, or has a parameter or labels that the file
        cannot hold, such as a function or a network of your own; the message names it.
    ValueError
        If parameters that were set after `fit` do not fit each other, or the names of
        features are so long that they take more room than the network.
    NotFittedError
        If it is not fitted.
    OSError
        If the file cannot be written.

    See Also
    --------
    load : Read the file.

    References
    ----------
    .. [1] https://huggingface.co/docs/safetensors

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklearn.datasets import load_digits
    >>> import skmnist
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = skmnist.MnistCNNClassifier(max_epochs=1, random_state=0).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "digits.safetensors"
    ...     skmnist.save(clf, path)
    ...     loaded = skmnist.load(path)
    >>> bool((loaded.predict_proba(X) == clf.predict_proba(X)).all())
    True
    """
    check_classifier(clf)
    facts, tensors = pack(clf)
    try:
        unpack(json.loads(json.dumps(facts)), tensors, torch.device("cpu"))
    except Exception as error:  # of whatever part a parameter does not fit
        raise ValueError(
            f"Got a classifier that could not be loaded again: {error} Set the "
            "parameters to what fit takes, and leave out attributes of your own."
        ) from error
    write_safe_file(path, facts, tensors)


def load(path):
    """Read what `save` wrote; the classifier is on the CPU.

    Nothing in the file is executed, whoever made it, and a file that is damaged, cut
    off or something else altogether is an error.

    Parameters
    ----------
    path : str or PathLike
        File to read.

    Returns
    -------
    MnistCNNClassifier
        It predicts as the one that was saved, to the last bit with the same number of
        threads and the same kind of processor. Its parameters are the same too:
        `device` as well, which the next `fit` uses.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not what `save` wrote, or comes from a later version.

    See Also
    --------
    save : Write the file; an example is there.
    """
    facts, tensors = read_safe_file(path)
    if "training" in facts:
        raise ValueError(
            f"Got {path}, which is the state of a training that was cut off, not a "
            "model. Go on with it: skmnist train --resume and the name of its folder."
        )
    return restore(path, facts, tensors, torch.device("cpu"))


def restore(path, facts, tensors, device, finish=lambda clf: clf):
    """`unpack`, then `finish`, with one kind of error, whatever is in the file."""
    try:
        return finish(unpack(facts, tensors, device))
    except Exception as error:  # a checksum can be forged, and then all is possible
        raise ValueError(
            f"Got {path}, which is whole, but not what this version of skmnist writes: "
            f"{type(error).__name__}: {str(error)!s:.300}. It comes from a later "
            "version, so that you need that one, or from somebody who forged it."
        ) from error


def check_classifier(clf):
    """Raise TypeError or NotFittedError for what cannot be saved."""
    if type(clf) is not MnistCNNClassifier:
        raise TypeError(
            f"Got a {type(clf).__name__}, expected an MnistCNNClassifier. Of a "
            "pipeline or a search pass that part: pipeline[-1], search.best_estimator_."
        )
    check_is_fitted(clf)
    if clf.criterion_ is None:
        raise ValueError(
            f"Got a {type(clf).__name__} that was trimmed for prediction, so that its "
            "parameters are gone. Save it before you trim it, or pickle it."
        )
