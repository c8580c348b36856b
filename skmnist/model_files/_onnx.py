"""`to_onnx`: models for programs without Python."""

import copy
import logging
import warnings

import numpy as np
import torch
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted
from torch.nn import functional as F

from skmnist._safe_file import replace_atomically
from skmnist.classifiers import ImageClassifier
from skmnist.classifiers._network_contract import declares
from skmnist.classifiers._random_state import fork_rng
from skmnist.networks import uncompiled


def to_onnx(clf, path):
    """Write a fitted classifier as an ONNX model, for programs without Python.

    The input of the model is raw pixels, in the layout and on the scale of the training
    images; the outputs are labels and probabilities. The model contains the
    standardisation and the labels. Needs the extra `onnx`.

    Parameters
    ----------
    clf : ImageClassifier
        A fitted `MnistCNNClassifier` or `ResNetClassifier`, or another classifier of
        images whose network torch can export. A pipeline is refused: the model would
        lose its other steps.
    path : str or PathLike
        File to write, usually with the suffix .onnx. It appears whole or not at all.

    Raises
    ------
    TypeError
        If `clf` is not an `ImageClassifier`, or has labels other than text or numbers.
    NotFittedError
        If it is not fitted.
    ImportError
        If the packages of the extra `onnx` are not installed.
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
    if isinstance(clf, Pipeline):
        raise TypeError(
            f"Got a {type(clf).__name__}, but an ONNX model would lose its other steps "
            f"({', '.join(name for name, _ in clf.steps[:-1])}) and predict something "
            "else. Fit a classifier without them. Or pass pipeline[-1], and apply the "
            "other steps to the input of the ONNX model yourself."
        )
    if not isinstance(clf, ImageClassifier):
        raise TypeError(
            f"Got a {type(clf).__name__}, expected an MnistCNNClassifier or another "
            "ImageClassifier. Of a search, pass the best estimator: "
            "search.best_estimator_."
        )
    check_is_fitted(clf)
    try:
        import onnx
        import onnxscript  # noqa: F401 (torch's exporter needs it)
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
            "ONNX supports text and numbers. Fit on such labels."
        )
    if classes.dtype.kind == "u" and classes.max() > np.iinfo(np.int64).max:
        raise TypeError(
            f"Got a label {classes.max()}, but the largest of ONNX is "
            f"{np.iinfo(np.int64).max}. Fit on other labels, for example y.astype(str)."
        )
    kinds = {"b": bool, "i": np.int64, "u": np.int64, "f": np.float64, "U": object}
    classes = classes.astype(kinds[classes.dtype.kind])
    model = _export(clf)
    model.graph.initializer.append(onnx.numpy_helper.from_array(classes, "classes"))
    model.graph.node.append(
        onnx.helper.make_node("Gather", ["classes", "code"], ["label"])
    )
    y_encoded, _probabilities = model.graph.output
    label = onnx.helper.make_tensor_value_info(
        "label", model.graph.initializer[-1].data_type, ["n"]
    )
    y_encoded.CopyFrom(label)
    onnx.checker.check_model(model, full_check=True)
    with replace_atomically(path) as temporary:
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
        warnings.simplefilter("ignore")  # torch's exporter warns about itself
        logger = logging.getLogger("torch.onnx")
        level = logger.level
        logger.setLevel(logging.ERROR)
        try:
            model = fork_rng(clf.device_, export)
        finally:
            logger.setLevel(level)
    for node in model.graph.node:
        del node.metadata_props[:]  # contains paths of this machine
    return model


class _FromPixels(torch.nn.Module):
    """The computation of `predict`, from raw pixels to the index of the label."""

    def __init__(self, clf):
        super().__init__()
        # a copy: neither hooks nor a training in another thread are affected
        self.network = copy.deepcopy(uncompiled(clf.module_))
        self.image_shape = clf.image_shape_
        self.n_missing = int(np.prod(clf.image_shape_)) - clf.n_features_in_
        self.accepts_raw_pixels = declares(self.network, "accepts_raw_pixels")

    def forward(self, pixels):
        if self.n_missing:
            pixels = F.pad(pixels, (0, self.n_missing))
        images = pixels.reshape(-1, *self.image_shape)  # (n, C, H, W)
        if not self.accepts_raw_pixels:
            images = images.to(torch.get_default_dtype())
        probabilities = self.network(images).exp()  # (n, n_classes)
        probabilities = probabilities.clamp(min=torch.finfo(probabilities.dtype).tiny)
        return probabilities.argmax(dim=1), probabilities
