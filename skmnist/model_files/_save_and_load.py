"""`save` and `load`: models as files that cannot execute code."""

import json
from contextlib import contextmanager

import torch
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from skmnist._safe_file import read_safe_file, write_safe_file
from skmnist.classifiers import ImageClassifier
from skmnist.model_files._allowed_types import ModelDecoder, ModelEncoder
from skmnist.model_files._classifier_state import library_versions
from skmnist.model_files._detector_state import (
    ESTIMATORS,
    estimator_from_state,
    get_estimator_state,
)
from skmnist.model_files._format_1_reader import convert_format_1
from skmnist.model_files._pipeline_state import get_pipeline_state, pipeline_from_state

FORMAT = 2
"""Number of the format that `save` writes; another format gets another number."""


def save(clf, path):
    """Write a fitted estimator or pipeline into one file that cannot execute code.

    The file is a safetensors file [1]_: the weights, the history, and one JSON string
    with the parameters, the labels, the versions of the libraries and a SHA-256 of the
    whole file. It contains no pickle. The same classifier gives the same bytes each
    time, in each process. The file is written beside `path` first and then renamed, so
    that `path` is never half written.

    The file does not hold the training data, the state of the optimizer, and what
    `set_callbacks` and the methods for metadata routing have set.

    Parameters
    ----------
    clf : MnistCNNClassifier, ResNetClassifier, NonDigitDetector or Pipeline
        A fitted classifier or detector, or a fitted pipeline of scikit-learn that ends
        with one; not of a derived class. Parameters of the classifier are plain values,
        arrays, losses and optimizers of torch, `MuonAdamW`, the transforms of
        `skmnist.augmentation`, `ValidSplit` of skorch and those callbacks of skorch
        that access no files; `random_state` is an int or None. The other steps of a
        pipeline are "passthrough", `DigitPreprocessor`, `ImageResizer`, or of
        scikit-learn: `Binarizer`, `FunctionTransformer` without a function,
        `MaxAbsScaler`, `MinMaxScaler`, `Normalizer`, `PCA`, `PowerTransformer`,
        `QuantileTransformer`, `RobustScaler`, `StandardScaler`, `VarianceThreshold`.
    path : str or PathLike
        File to write, usually with the suffix .safetensors.

    Raises
    ------
    TypeError
        If `clf` is something else, or has a step, a parameter or labels that the file
        cannot hold, such as a function or a network of your own; the message names it.
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
    encoder = ModelEncoder()
    metadata = {"format": FORMAT, "versions": library_versions()}
    if type(clf) is Pipeline:
        check_classifier(clf[-1], " as the last step of a pipeline")
        metadata["pipeline"] = get_pipeline_state(clf, encoder)
    else:
        check_classifier(clf)
        metadata["classifier"] = get_estimator_state(clf, encoder)
    try:
        _decode(json.loads(json.dumps(metadata)), encoder.tensors)
    except Exception as error:  # any part may reject a parameter
        raise ValueError(
            f"Got a {type(clf).__name__} that could not be loaded again: {error} Set "
            "the parameters to what fit takes, and remove attributes of your own."
        ) from error
    write_safe_file(path, metadata, encoder.tensors)


def load(path):
    """Read a file written by `save`; the network is on the CPU.

    Nothing in the file is executed, whoever wrote it. A file that is damaged, truncated
    or of another kind is an error.

    Parameters
    ----------
    path : str or PathLike
        File to read.

    Returns
    -------
    MnistCNNClassifier, ResNetClassifier, NonDigitDetector or Pipeline
        What was saved. The predictions are the same, to the last bit with the same
        number of threads, the same kind of processor and the same versions of the
        libraries. So are the parameters, including `device`, which the next `fit` uses.

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
            f"Got {path}, which is the checkpoint of a training, not a model. Resume "
            "the training with skmnist.callbacks.TrainingCheckpoint, or with skmnist "
            "train --resume and its folder."
        )
    with invalid_content_as_value_error(path, metadata.get("versions")):
        return _decode(metadata, tensors)


def _decode(metadata, tensors):
    """Create what the metadata and tensors of a file describe."""
    if metadata["format"] == 1 and metadata["format"] is not True:
        metadata, tensors = convert_format_1(metadata, tensors)
    if metadata["format"] != FORMAT:
        raise ValueError(f"it has the format {metadata['format']!r:.20}")
    decoder, device = ModelDecoder(tensors), torch.device("cpu")
    if "pipeline" in metadata:
        model = pipeline_from_state(metadata["pipeline"], decoder, device)
    else:
        model = estimator_from_state(metadata["classifier"], decoder, device)
    if decoder.tensors:
        raise ValueError(f"it contains unknown tensors {[*decoder.tensors]!r:.100}")
    return model


@contextmanager
def invalid_content_as_value_error(path, versions=None):
    """Turn any error into a ValueError: a file with a forged checksum can cause all.

    Parameters
    ----------
    path : str or PathLike
    versions : dict, default=None
        Of the libraries, according to the file.
    """
    try:
        yield
    except Exception as error:
        raise ValueError(
            f"Got {path}, which is intact, but not what this version of skmnist "
            f"writes: {type(error).__name__}: {str(error)!s:.300} Either it was "
            f"written with other versions of the libraries ({versions!s:.300}), which "
            "you need to read it, or it is forged."
        ) from error


def check_classifier(clf, role=""):
    """Raise TypeError, NotFittedError or ValueError for what cannot be saved.

    Parameters
    ----------
    clf : object
    role : str, default=""
        Put after its type in the error message.
    """
    if type(clf) not in ESTIMATORS.values():
        remedy = (
            "A file that cannot execute code holds no classes of your own: use pickle, "
            "for recipients who trust you."
            if isinstance(clf, ImageClassifier)
            else "Of a search, pass the best estimator: search.best_estimator_."
        )
        raise TypeError(
            f"Got a {type(clf).__name__}{role}, expected one of "
            f"{[*ESTIMATORS]}. " + remedy
        )
    check_is_fitted(clf)
    if getattr(clf, "classifier_", clf).criterion_ is None:
        raise ValueError(
            f"Got a {type(clf).__name__} that was trimmed for prediction, so that its "
            "parameters are gone. Save it before trimming it, or use pickle."
        )
