"""Models as files: one that can execute nothing, and ONNX for other programs."""

import copy
import json
import logging
import warnings

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted
from torch.nn import functional as F

from skmnist._classifier import MnistCNNClassifier
from skmnist._network import CNN, uncompiled
from skmnist._packing import pack, unpack
from skmnist._sealed_file import read_sealed, replacing, write_sealed
from skmnist._training import run_with_private_generators

__all__ = ["load", "save", "to_onnx"]


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
    _check_classifier(clf)
    facts, tensors = pack(clf)
    try:
        unpack(json.loads(json.dumps(facts)), tensors, torch.device("cpu"))
    except Exception as error:  # of whatever part a parameter does not fit
        raise ValueError(
            f"Got a classifier that could not be loaded again: {error} Set the "
            "parameters to what fit takes, and leave out attributes of your own."
        ) from error
    write_sealed(path, facts, tensors)


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
    facts, tensors = read_sealed(path)
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


def to_onnx(clf, path):
    """Write a fitted classifier as an ONNX model, for programs without Python.

    The model takes raw pixels, in the layout and on the scale of the training images,
    and gives labels and probabilities; the standardisation and the labels are inside.
    Needs the extra `onnx`.

    Parameters
    ----------
    clf : MnistCNNClassifier
        A fitted one.
    path : str or PathLike
        File to write, usually with the ending .onnx. It appears whole or not at all.

    Raises
    ------
    TypeError
        If `clf` is no `MnistCNNClassifier`, or has labels other than text or numbers.
    NotFittedError
        If it is not fitted.
    ImportError
        If what the extra `onnx` brings is not installed.
    OSError
        If the file cannot be written.

    Notes
    -----
    The input `pixels` has the shape of X in `fit`, (n, features), (n, height, width) or
    (n, channels, height, width), with any n. Its type is uint8 if the training images
    were uint8, float otherwise. The outputs are `label`, of shape (n,), int64, double,
    bool or string, and `probabilities`, float of shape (n, n_classes), in the order of
    `classes_`.

    Examples
    --------
    >>> import onnxruntime
    >>> from sklearn.datasets import load_digits
    >>> import skmnist, tempfile, os
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = skmnist.MnistCNNClassifier(max_epochs=1, random_state=0).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "digits.onnx")
    ...     skmnist.to_onnx(clf, path)
    ...     session = onnxruntime.InferenceSession(path)
    >>> pixels = X[:3].astype("float32")
    >>> label, probabilities = session.run(None, {"pixels": pixels})
    >>> label.tolist() == clf.predict(X[:3]).tolist()
    True
    """
    _check_classifier(clf)
    try:
        import onnx
        import onnxscript  # noqa: F401 (torch's exporter asks for it)
    except ImportError as error:
        raise ImportError(
            "to_onnx needs the packages onnx and onnxscript. Install them: "
            "pip install onnx onnxscript onnxruntime, the last to run the model."
        ) from error

    classes = clf.classes_
    if classes.dtype.kind == "O":
        classes = np.array(classes.tolist())  # text, or else numbers
    if classes.dtype.kind not in "biufU":
        raise TypeError(
            f"Got labels of type {clf.classes_.dtype}, {clf.classes_.tolist()!r:.80}; "
            "ONNX has text and numbers. Fit on such labels."
        )
    if classes.dtype.kind == "u" and classes.max() > np.iinfo(np.int64).max:
        raise TypeError(
            f"Got a label {classes.max()}, but those of ONNX go up to "
            f"{np.iinfo(np.int64).max}. Fit on other labels, for example y.astype(str)."
        )
    kinds = {"b": bool, "i": np.int64, "u": np.int64, "f": np.float64, "U": object}
    classes = classes.astype(kinds[classes.dtype.kind])
    model = _export(clf)
    model.graph.initializer.append(onnx.numpy_helper.from_array(classes, "classes"))
    model.graph.node.append(
        onnx.helper.make_node("Gather", ["classes", "code"], ["label"])
    )
    codes, _probabilities = model.graph.output
    label = onnx.helper.make_tensor_value_info(
        "label", model.graph.initializer[-1].data_type, ["n"]
    )
    codes.CopyFrom(label)
    onnx.checker.check_model(model, full_check=True)
    with replacing(path) as temporary:
        temporary.write_bytes(model.SerializeToString())


def _export(clf):
    """The network as an ONNX model with the outputs `code` and `probabilities`."""
    shape, dtype = clf._layout
    pixels = torch.zeros(2, *shape, dtype=getattr(torch, dtype))

    def export():
        return torch.onnx.export(
            _FromPixels(clf).eval(),
            (pixels.to(clf.device_),),
            input_names=["pixels"],
            output_names=["code", "probabilities"],
            dynamic_shapes=[{0: torch.export.Dim("n")}],
            dynamo=True,
            verbose=False,
        ).model_proto

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch's exporter about itself
        logger = logging.getLogger("torch.onnx")
        level = logger.level
        logger.setLevel(logging.ERROR)
        try:
            model = run_with_private_generators(clf.device_, export)
        finally:
            logger.setLevel(level)
    for node in model.graph.node:
        del node.metadata_props[:]  # paths of this machine
    return model


class _FromPixels(torch.nn.Module):
    """What `predict` does, from raw pixels to the position of the label."""

    def __init__(self, clf):
        super().__init__()
        # a copy: hooks, and a training in another thread, have nothing to do with it
        self.network = copy.deepcopy(uncompiled(clf.module_))
        self.image_shape = clf.image_shape_
        self.n_missing = int(np.prod(clf.image_shape_)) - clf.n_features_in_
        self.takes_any_type = isinstance(self.network, CNN)

    def forward(self, pixels):
        if self.n_missing:
            pixels = F.pad(pixels, (0, self.n_missing))
        images = pixels.reshape(-1, *self.image_shape)  # (n, C, H, W)
        if not self.takes_any_type:
            images = images.to(torch.get_default_dtype())
        probabilities = self.network(images).exp()  # (n, n_classes)
        probabilities = probabilities.clamp(min=torch.finfo(probabilities.dtype).tiny)
        return probabilities.argmax(dim=1), probabilities


def _check_classifier(clf):
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
