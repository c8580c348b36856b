"""`save` and `load`: models as files that cannot execute code."""

import json
from contextlib import contextmanager

import torch
from sklearn.utils.validation import check_is_fitted

from skmnist._safe_file import read_safe_file, write_safe_file
from skmnist.classifiers._mnist_cnn import MnistCNNClassifier
from skmnist.model_files import _format_1
from skmnist.model_files._allowed_types import ModelDecoder, ModelEncoder
from skmnist.model_files._state import from_state, get_state, library_versions

FORMAT = 2
"""Number of the format that `save` writes; another format gets another number."""


def save(clf, path):
    """Write a fitted classifier into one file that cannot execute code.

    The file is a safetensors file [1]_: the weights, the history, and one JSON string
    with the parameters, the labels, the versions of the libraries and a SHA-256 of the
    whole file. It contains no pickle. The same classifier gives the same bytes each
    time, in each process. The file is written beside `path` first and then renamed, so
    that `path` is never half written.

    The file does not hold the training data, the state of the optimizer, and what
    `set_callbacks` and the methods for metadata routing have set.

    Parameters
    ----------
    clf : MnistCNNClassifier
        A fitted classifier, not of a derived class. Its parameters are plain values,
        arrays, losses and optimizers of torch, `RandomAffine`, `ValidSplit` of skorch
        and those callbacks of skorch that access no files; `random_state` is an int or
        None.
    path : str or PathLike
        File to write, usually with the suffix .safetensors.

    Raises
    ------
    TypeError
        If `clf` is not an `MnistCNNClassifier`, or has a parameter or labels that the
        file cannot hold, such as a function or a network of your own; the message names
        it.
    ValueError
        If parameters that were set after `fit` do not fit each other, or the names of
        features take more space than the network.
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
    encoder = ModelEncoder()
    metadata = {
        "format": FORMAT,
        "versions": library_versions(),
        "classifier": get_state(clf, encoder),
    }
    try:
        _decode(json.loads(json.dumps(metadata)), encoder.tensors)
    except Exception as error:  # any part may reject a parameter
        raise ValueError(
            f"Got a classifier that could not be loaded again: {error} Set the "
            "parameters to what fit takes, and remove attributes of your own."
        ) from error
    write_safe_file(path, metadata, encoder.tensors)


def load(path):
    """Read a file written by `save`; the classifier is on the CPU.

    Nothing in the file is executed, whoever wrote it. A file that is damaged, truncated
    or of another kind is an error.

    Parameters
    ----------
    path : str or PathLike
        File to read.

    Returns
    -------
    MnistCNNClassifier
        Its predictions are those of the saved one, to the last bit with the same number
        of threads and the same kind of processor. Its parameters are the same too,
        including `device`, which the next `fit` uses.

    Raises
    ------
    FileNotFoundError
        If the file does not exist.
    ValueError
        If `save` did not write it, or a later version did.

    See Also
    --------
    save : Write the file; has an example.
    """
    metadata, tensors = read_safe_file(path)
    if "training" in metadata:
        raise ValueError(
            f"Got {path}, which is the state of a training that was cut off, not a "
            "model. Resume it: skmnist train --resume and the name of its folder."
        )
    with invalid_content_as_value_error(path):
        return _decode(metadata, tensors)


def _decode(metadata, tensors):
    """Create what the metadata and tensors of a file describe."""
    number = metadata["format"]
    if number == 1:
        metadata, tensors = _format_1.convert(metadata, tensors)
    elif number != FORMAT:
        raise ValueError(f"Got format {number!r:.20}, expected {FORMAT}.")
    decoder = ModelDecoder(tensors)
    clf = from_state(metadata["classifier"], decoder, torch.device("cpu"))
    if decoder.tensors:
        raise ValueError(f"Got unknown tensors {sorted(decoder.tensors)!r:.100}.")
    return clf


@contextmanager
def invalid_content_as_value_error(path):
    """Turn any error into one ValueError: with a forged checksum, all are possible."""
    try:
        yield
    except Exception as error:
        raise ValueError(
            f"Got {path}, which is intact, but not what this version of skmnist "
            f"writes: {type(error).__name__}: {str(error)!s:.300} It comes from a "
            "later version, which you need to read it, or it is forged."
        ) from error


def check_classifier(clf):
    """Raise TypeError, NotFittedError or ValueError for what cannot be saved."""
    if type(clf) is not MnistCNNClassifier:
        raise TypeError(
            f"Got a {type(clf).__name__}, expected an MnistCNNClassifier. Of a search, "
            "pass the best estimator: search.best_estimator_."
        )
    check_is_fitted(clf)
    if clf.criterion_ is None:
        raise ValueError(
            f"Got a {type(clf).__name__} that was trimmed for prediction, so that its "
            "parameters are gone. Save it before trimming it, or use pickle."
        )
