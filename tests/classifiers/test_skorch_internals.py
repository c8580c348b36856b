"""The parts of skorch that `ImageClassifier` relies on exist and are unchanged."""

import inspect

import pytest
from skorch import NeuralNet, NeuralNetClassifier
from skorch.callbacks import EarlyStopping, EpochScoring

from skmnist.classifiers import ImageClassifier, MnistCNNClassifier

FIXED = {
    "dataset": "data come from arrays",
    "predict_nonlinearity": "exp turns log-probabilities into probabilities",
    "classes": "they come from y",
    "args": "skorch passes them to NeuralNet, which takes no more",
}
"""Parameters of skorch that `ImageClassifier` does not have, and why."""

PRIVATE = {
    "_apply_virtual_params": ["self", "virtual_kwargs"],
    "_set_training": ["self", "training"],
    "_validate_params": ["self"],
}
"""Private methods of skorch that `ImageClassifier` calls or overrides."""

PUBLIC = {
    "check_data": ["self", "X", "y"],
    "check_is_fitted": ["self", "attributes", "args", "kwargs"],
    "check_training_readiness": ["self"],
    "evaluation_step": ["self", "batch", "training"],
    "fit_loop": ["self", "X", "y", "epochs", "_routing_method", "fit_params"],
    "get_dataset": ["self", "X", "y"],
    "get_default_callbacks": ["self"],
    "get_iterator": ["self", "dataset", "training"],
    "get_loss": ["self", "y_pred", "y_true", "args", "kwargs"],
    "get_params_for_optimizer": ["self", "prefix", "named_parameters"],
    "get_split_datasets": ["self", "X", "y", "fit_params"],
    "infer": ["self", "x", "fit_params"],
    "initialize": ["self"],
    "initialize_callbacks": ["self"],
    "initialize_module": ["self"],
    "initialize_optimizer": ["self", "triggered_directly"],
    "notify": ["self", "method_name", "cb_kwargs"],
    "on_batch_begin": ["self", "net", "batch", "training", "kwargs"],
    "on_batch_end": ["self", "net", "batch", "training", "kwargs"],
    "on_epoch_begin": ["self", "net", "dataset_train", "dataset_valid", "kwargs"],
    "on_epoch_end": ["self", "net", "dataset_train", "dataset_valid", "kwargs"],
    "on_grad_computed": [
        *("self", "net", "named_parameters", "batch", "training", "kwargs")
    ],
    "run_single_epoch": [
        *("self", "iterator", "training", "prefix", "step_fn", "fit_params")
    ],
    "train_step": ["self", "batch", "fit_params"],
    "train_step_single": ["self", "batch", "fit_params"],
    "validation_step": ["self", "batch", "fit_params"],
}
"""Public methods of skorch that `ImageClassifier` calls or overrides."""


@pytest.mark.parametrize(
    ("name", "parameters"), [*PRIVATE.items(), *PUBLIC.items()], ids=str
)
def test_methods(name, parameters):
    method = getattr(NeuralNetClassifier, name)
    assert list(inspect.signature(method).parameters) == parameters


@pytest.mark.parametrize("cls", [ImageClassifier, MnistCNNClassifier])
def test_every_parameter_of_skorch_is_accounted_for(cls):
    skorch = {
        name
        for parent in (NeuralNet, NeuralNetClassifier)
        for name in inspect.signature(parent.__init__).parameters
    }
    own = set(inspect.signature(cls.__init__).parameters)
    assert skorch - own == FIXED.keys()
    for name in FIXED.keys() - {"args", "dataset"}:
        assert name in vars(ImageClassifier), "its value is a class attribute"


def test_attributes_set_by_the_skorch_constructor():
    """They are class attributes here: unfitted instances have only parameters."""
    net = NeuralNetClassifier(module=None)
    parameters = {*inspect.signature(NeuralNet.__init__).parameters, "classes"}
    extra = vars(net).keys() - parameters
    assert extra == {
        "_params_to_validate",
        "history_",
        "initialized_",
        "virtual_params_",
    }
    for name in extra - {"_params_to_validate"}:
        assert vars(ImageClassifier)[name] == getattr(net, name)
    assert MnistCNNClassifier()._params_to_validate == net._params_to_validate == set()


def test_signatures_agree():
    """`MnistCNNClassifier` has the parameters of its parent, and its own recipe."""
    parent = inspect.signature(ImageClassifier.__init__).parameters
    child = inspect.signature(MnistCNNClassifier.__init__).parameters
    assert child.keys() == parent.keys()
    differing = {name for name in child if child[name].default != parent[name].default}
    assert differing == {"module", "lr", "batch_size", "label_smoothing", "optimizer"}


def test_skorch_early_stopping_records_that_it_stopped():
    stopping = EarlyStopping(patience=3)
    assert vars(stopping).keys() >= {"misses_", "patience"}
    with pytest.raises(KeyboardInterrupt):
        run_until_stopped(stopping)
    assert stopping.misses_ == stopping.patience


def run_until_stopped(stopping):
    class Net:
        history = {(-1, "valid_loss"): 1.0, (-1, "epoch"): 1}  # noqa: RUF012
        verbose = 0

    stopping.on_train_begin(Net)
    for _ in range(9):
        stopping.on_epoch_end(Net)


def test_signature_of_get_test_data():
    parameters = inspect.signature(EpochScoring.get_test_data).parameters
    assert list(parameters) == [
        *("self", "dataset_train", "dataset_valid", "use_caching")
    ]
