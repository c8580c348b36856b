"""The state of a fitted classifier or detector, which is around a classifier."""

import math

from skmnist.classifiers import MnistCNNClassifier
from skmnist.model_files._classifier_state import CLASSIFIERS, from_state, get_state
from skmnist.outlier_detection import NonDigitDetector

DETECTOR = NonDigitDetector.__name__

ESTIMATORS = {**CLASSIFIERS, DETECTOR: NonDigitDetector}
"""Estimators that a file can hold, by their names in it."""


def get_estimator_state(estimator, encoder, prefix=""):
    """Encode a fitted classifier or detector.

    Parameters
    ----------
    estimator : MnistCNNClassifier, ResNetClassifier or NonDigitDetector
    encoder : ModelEncoder
        Receives the tensors.
    prefix : str, default=""
        Put before the names of parameters in error messages, for a step of a pipeline.

    Returns
    -------
    dict
        JSON-serializable.

    Raises
    ------
    TypeError
        If a file cannot hold a part of it; the message names it.
    """
    if not isinstance(estimator, NonDigitDetector):
        return get_state(estimator, encoder, prefix)
    names = getattr(estimator, "feature_names_in_", None)
    parameters = estimator.get_params(deep=False)
    return {
        "type": DETECTOR,
        "parameters": encoder.encode_items(parameters, prefix),
        "feature_names": encoder.encode(names, f"{prefix}feature_names_in_"),
        "offset": float(estimator.offset_),
        "classifier": get_state(estimator.classifier_, encoder, "classifier_."),
    }


def estimator_from_state(state, decoder, device):
    """Create a fitted estimator from what `get_estimator_state` returned.

    Parameters
    ----------
    state : dict
    decoder : ModelDecoder
        Provides the tensors.
    device : torch.device
        Where to put the network.

    Returns
    -------
    MnistCNNClassifier, ResNetClassifier or NonDigitDetector

    Raises
    ------
    Exception
        If `get_estimator_state` cannot have returned it.
    """
    if state.get("type") != DETECTOR:
        return from_state(state, decoder, device)
    detector = NonDigitDetector(**decoder.decode_items(state["parameters"]))
    detector._check_parameters()
    clf = from_state(state["classifier"], decoder, device)
    names = decoder.decode(state["feature_names"])
    if (
        type(clf) is not MnistCNNClassifier
        or clf.image_shape_ != (1, 28, 28)
        or clf.classes_.tolist() != [*range(-1, len(clf.classes_) - 1)]
    ):
        raise ValueError("its classifier cannot be that of a detector")
    if type(state["offset"]) is not float or not math.isfinite(state["offset"]):
        raise ValueError(f"its offset is {state['offset']!r:.100}")
    if names is not None:
        if names.shape != (784,) or {type(name) for name in names} != {str}:
            raise ValueError("its features have other names")
        detector.feature_names_in_ = names
    detector.n_features_in_ = clf.n_features_in_
    detector.classifier_ = clf
    detector.offset_ = state["offset"]
    return detector
