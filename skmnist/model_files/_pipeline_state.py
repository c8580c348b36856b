"""The state of a fitted pipeline that ends with a classifier or detector."""

from sklearn.pipeline import Pipeline

from skmnist.model_files._detector_state import (
    estimator_from_state,
    get_estimator_state,
)


def get_pipeline_state(pipeline, encoder):
    """Encode a fitted pipeline.

    Parameters
    ----------
    pipeline : Pipeline
        The last step is an `MnistCNNClassifier`, `ResNetClassifier` or
        `NonDigitDetector`.
    encoder : ModelEncoder
        Receives the tensors.

    Returns
    -------
    dict
        JSON-serializable.

    Raises
    ------
    TypeError
        If a file cannot hold a step, or a parameter; the message names it.
    """
    parameters = pipeline.get_params(deep=False)
    *steps, (name, clf) = parameters.pop("steps")
    if parameters["memory"] is not None:
        raise TypeError(
            f"Got memory={parameters['memory']!r}, a cache of pickles, which a file "
            "that cannot execute code cannot hold. Reset it before saving: "
            "pipeline.set_params(memory=None)."
        )
    return {
        "parameters": encoder.encode_items(parameters, ""),
        "steps": [[key, encoder.encode(step, key)] for key, step in steps],
        "classifier": [name, get_estimator_state(clf, encoder, f"{name}__")],
    }


def pipeline_from_state(state, decoder, device):
    """Create a fitted pipeline from what `get_pipeline_state` returned.

    Parameters
    ----------
    state : dict
    decoder : ModelDecoder
        Provides the tensors.
    device : torch.device
        Where to put the network.

    Returns
    -------
    Pipeline

    Raises
    ------
    Exception
        If `get_pipeline_state` cannot have returned it.
    """
    parameters = decoder.decode_items(state["parameters"])
    if parameters["memory"] is not None:
        raise ValueError("it contains a cache of pickles")
    steps = [(name, decoder.decode(step)) for name, step in state["steps"]]
    for name, step in steps:
        if not (step in (None, "passthrough") or hasattr(step, "transform")):
            raise ValueError(f"{name!r:.100} is not a transformer: {step!r:.100}")
    name, clf = state["classifier"]
    steps.append((name, estimator_from_state(clf, decoder, device)))
    names = [name for name, _ in steps]
    if {type(name) for name in names} != {str} or len({*names}) < len(names):
        raise ValueError(f"{names!r:.100} are not the names of steps")
    return Pipeline(steps, **parameters)
