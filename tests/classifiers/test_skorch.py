"""The features of skorch work with `MnistCNNClassifier`."""

import os
import pickle
import shutil
import sys

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import f1_score, make_scorer
from skorch import NeuralNetClassifier
from skorch.callbacks import (
    BatchScoring,
    Callback,
    Checkpoint,
    EarlyStopping,
    EpochScoring,
    LRScheduler,
    ProgressBar,
)
from skorch.dataset import Dataset, ValidSplit
from skorch.exceptions import SkorchTrainingImpossibleError
from skorch.helper import SkorchDoctor, predefined_split
from torch import nn
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader, Subset, TensorDataset

from skmnist import MnistCNNClassifier
from skmnist.classifiers._batch_loader import (
    TensorBatchLoader,
    prediction_batch_size,
)
from skmnist.networks import CNN


@pytest.fixture(params=[np.arange(10), np.array(list("jihgfedcba"))])
def labelled(request, few):
    """The few digits, with integers and with letters in reverse order as labels."""
    return few[0], request.param[few[1]]


def test_it_is_a_skorch_classifier(small, few):
    clf = small().fit(*few)
    assert isinstance(clf, NeuralNetClassifier)
    assert isinstance(clf.criterion_, nn.NLLLoss)


def test_verbose(small, few, capsys):
    small().fit(*few).predict(few[0])
    assert capsys.readouterr() == ("", "")
    small(verbose=1).fit(*few)
    table = capsys.readouterr().out
    assert "train_acc" in table
    assert "train_loss" in table


def test_parameters_of_components(small, few):
    clf = small(
        optimizer=torch.optim.AdamW,
        optimizer__weight_decay=0.1,
        criterion=nn.CrossEntropyLoss,
        criterion__label_smoothing=0.1,
        module__hidden_units=7,
        lr=0.01,
    ).fit(*few)
    assert isinstance(clf.optimizer_, torch.optim.AdamW)
    assert clf.optimizer_.param_groups[0]["weight_decay"] == 0.1
    assert clf.criterion_.label_smoothing == 0.1
    assert clf.module_.fc1.out_features == 7


@pytest.mark.parametrize("optimizer", [torch.optim.SGD, torch.optim.AdamW])
@pytest.mark.parametrize(
    ("parameters", "fused"),
    [({}, True), ({"foreach": True}, None), ({"fused": False}, False)],
)
def test_optimizers_are_fused(small, few, optimizer, parameters, fused):
    parameters = {f"optimizer__{name}": value for name, value in parameters.items()}
    clf = small(optimizer=optimizer, lr=0.01, **parameters).fit(*few)
    assert clf.optimizer_.param_groups[0]["fused"] is fused


def test_optimizer_that_cannot_be_fused(small, few):
    clf = small(optimizer=torch.optim.RMSprop, lr=0.001, lr_schedule=None).fit(*few)
    assert "fused" not in clf.optimizer_.param_groups[0]


def test_data_loader(small, few):
    X, y = few
    own = small(iterator_train__shuffle=False).fit(X, y)
    loader = small(
        iterator_train=DataLoader,
        iterator_train__shuffle=False,
        iterator_valid=DataLoader,
    ).fit(X, y)
    assert own.loss_curve_ == loader.loss_curve_
    np.testing.assert_array_equal(own.predict_proba(X), loader.predict_proba(X))
    shuffled = [small(iterator_train=DataLoader).fit(X, y) for _ in range(2)]
    assert shuffled[0].loss_curve_ == shuffled[1].loss_curve_ != own.loss_curve_
    sampler = torch.utils.data.SequentialSampler(X)
    sampled = small(iterator_train=DataLoader, iterator_train__sampler=sampler)
    assert sampled.fit(X, y).loss_curve_ == own.loss_curve_


def test_prediction_in_batches_of_any_size(small, few):
    X, y = few
    clf = small(iterator_valid__batch_size=7).fit(X, y)
    np.testing.assert_allclose(
        clf.predict_proba(X), small().fit(X, y).predict_proba(X), atol=1e-6
    )


def test_default_batches_of_prediction(small, few):
    X, y = np.repeat(few[0], 3, axis=0), np.repeat(few[1], 3)
    sizes = []

    class Recording(MnistCNNClassifier):
        def evaluation_step(self, batch, training=False):
            sizes.append(len(batch[0]))
            return super().evaluation_step(batch, training)

    clf = Recording(**small(device="cpu").get_params(deep=False)).fit(X, y)
    probabilities = clf.predict_proba(X)
    size = prediction_batch_size(torch.device("cpu"))
    assert sizes == [size] * (len(X) // size) + [len(X) % size]
    np.testing.assert_array_equal(clf.predict_proba(X), probabilities)
    one_batch = clf.set_params(iterator_valid__batch_size=-1).predict_proba(X)
    np.testing.assert_allclose(one_batch, probabilities, rtol=0, atol=1e-5)
    assert size < prediction_batch_size(torch.device("cuda"))


def test_loader_of_arrays(small, few):
    class ArrayLoader(TensorBatchLoader):
        def __iter__(self):
            return ((images.numpy(), y) for images, y in super().__iter__())

    X, y = few
    clf = small().fit(X, y)
    expected = clf.predict_proba(X)
    clf.set_params(iterator_valid=ArrayLoader)
    np.testing.assert_array_equal(clf.predict_proba(X), expected)


def test_custom_evaluation_step(small, few):
    """Prediction uses this hook of skorch too."""

    class Counting(MnistCNNClassifier):
        calls = 0

        def evaluation_step(self, batch, training=False):
            self.calls += 1
            return super().evaluation_step(batch, training)

    clf = Counting(**small(iterator_valid__batch_size=50).get_params(deep=False))
    clf.fit(*few).predict(few[0])
    assert clf.calls == 4


class CustomNetwork(nn.Module):
    """Takes some of the optional arguments that describe the data."""

    def __init__(self, n_classes, image_shape, width=3):
        super().__init__()
        self.layer = nn.Linear(int(np.prod(image_shape)), width)
        self.output = nn.Linear(width, n_classes)

    def forward(self, X):
        assert X.dtype == torch.float32
        return self.output(self.layer(X.flatten(1) / 255)).log_softmax(1)


def test_custom_network(small, labelled):
    X, y = labelled
    clf = MnistCNNClassifier(
        module=CustomNetwork, module__width=20, max_epochs=30, random_state=0
    ).fit(X, y)
    assert clf.module_.layer.weight.shape == (20, 784)
    assert clf.score(X, y) > 0.8
    np.testing.assert_allclose(clf.predict_proba(X).sum(1), 1, atol=1e-6)
    instance = MnistCNNClassifier(module=CustomNetwork(10, (1, 28, 28)), random_state=0)
    assert instance.fit(X, y).module_ is not instance.module


class MixesTypes(CustomNetwork):
    """Adds bfloat16 to float32 under autocast, which `index_add_` does not support."""

    def forward(self, X):
        scores = self.output(self.layer(X.flatten(1) / 255))
        added = torch.zeros(len(X), scores.shape[1])
        return added.index_add_(0, torch.arange(len(X)), scores).log_softmax(1)


@pytest.mark.parametrize("precision", ["bfloat16"], indirect=True)
def test_custom_network_is_trained_in_float32(small, few, precision):
    clf = MnistCNNClassifier(module=MixesTypes, max_epochs=1).fit(*few)
    assert clf.precision_ == "float32"
    assert clf.partial_fit(*few).precision_ == "float32"
    with pytest.raises(RuntimeError, match="index_add_"):
        clf.set_params(precision="bfloat16").fit(*few)
    assert small().fit(*few).precision_ == "bfloat16"
    network = MnistCNNClassifier(module=CNN(), max_epochs=1).fit(*few)
    assert network.precision_ == "bfloat16"


class WorksInPlace(CustomNetwork):
    def forward(self, X):
        X /= 255
        return super().forward(X)


@pytest.mark.parametrize("iterator", [TensorBatchLoader, DataLoader])
def test_custom_network_that_works_in_place(few, iterator):
    X, y = few[0].astype(np.float32), few[1]
    original = X.copy()
    clf = MnistCNNClassifier(
        module=WorksInPlace,
        iterator_train=iterator,
        iterator_train__shuffle=False,
        max_epochs=1,
        augmentation=lambda images: images.mul_(2).clamp_(max=255),
    ).fit(X, y)
    clf.predict(X)
    list(clf.forward_iter(X))
    np.testing.assert_array_equal(X, original)


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (lambda scores: scores, "whose exp sums to"),
        (lambda scores: scores.softmax(1), "whose exp sums to"),
        (lambda scores: scores[:, :3].log_softmax(1), r"shape \(2, 3\).*\(2, 10\)"),
        (lambda scores: (scores.log_softmax(1), scores), "a tuple of shape"),
    ],
)
def test_custom_network_without_log_probabilities(few, output, message):
    class Wrong(CustomNetwork):
        def forward(self, X):
            return output(self.output(self.layer(X.flatten(1) / 255)))

    with pytest.raises(ValueError, match=f"module Wrong.*{message}.*log_softmax"):
        MnistCNNClassifier(module=Wrong).fit(*few)


def test_validation_split(small, labelled):
    X, y = labelled
    split = ValidSplit(0.25, stratified=True, random_state=0)
    clf = small(train_split=split, max_epochs=15, batch_size=10).fit(X, y)
    assert sum(clf.history[0, "batches", :, "train_batch_size"]) == 150
    assert clf.history[0, "valid_batch_count"] == 1
    _, held_out = split(Dataset(X, y), y)
    X_valid, y_valid = X[held_out.indices], y[held_out.indices]
    assert clf.history[-1, "valid_acc"] == clf.score(X_valid, y_valid) > 0.5
    y_encoded = clf.classes_.searchsorted(y_valid)
    log_probabilities = clf.predict_log_proba(X_valid)[np.arange(50), y_encoded]
    expected = -log_probabilities.mean()
    assert clf.history[-1, "valid_loss"] == pytest.approx(expected, rel=1e-4)


def test_warm_start_draws_a_new_split(small, few):
    """`train_split` draws a new split in each `fit`, determined by random_state."""

    def held_out():
        drawn = []

        class Spy(Callback):
            def on_epoch_begin(self, net, dataset_valid, **kwargs):
                drawn.append(dataset_valid.indices.tolist())

        clf = small(max_epochs=1, warm_start=True, train_split=ValidSplit(0.25))
        clf.set_params(callbacks=[Spy()]).fit(*few).fit(*few)
        return drawn

    first, second = held_out()
    assert first != second
    assert held_out() == [first, second]


def test_predefined_split(small, labelled):
    X, y = labelled
    valid = Dataset(X[150:], y[150:])
    clf = small(train_split=predefined_split(valid), max_epochs=15, batch_size=10)
    clf.fit(X[:150], y[:150])
    assert clf.history[-1, "valid_acc"] == clf.score(X[150:], y[150:]) > 0.5
    strange = predefined_split(Dataset(X[150:], np.array(["strange"] * 50)))
    with pytest.raises(ValueError, match="not among the classes"):
        small(train_split=strange).fit(X[:150], y[:150])


@pytest.mark.parametrize("use_caching", [False, True])
def test_scoring_callbacks_compare_like_with_like(small, labelled, use_caching):
    X, y = labelled
    clf = small(
        max_epochs=15,
        batch_size=10,
        train_split=ValidSplit(4, stratified=True),
        callbacks=[
            EpochScoring("f1_macro", name="f1", use_caching=use_caching),
            EpochScoring(
                "neg_log_loss", name="log_loss", on_train=True, use_caching=use_caching
            ),
            EpochScoring(
                lambda net, X_, y_: net.score(X, y),
                name="on_own_data",
                use_caching=False,
            ),
        ],
    ).fit(X, y)
    assert clf.history[-1, "f1"] > 0.5
    assert clf.history[-1, "log_loss"] > -1
    assert clf.history[-1, "on_own_data"] == clf.score(X, y) > 0.5


@pytest.mark.parametrize("names", [[2, 1], ["yes", "no"]])
def test_metrics_of_one_label(small, few, names):
    """`pos_label` is the label itself, with or without caching, and per batch."""
    X, y = few[0], np.array(names)[(few[1] > 2).astype(int)]
    scorer = make_scorer(f1_score, pos_label=names[0])
    clf = small(
        max_epochs=10,
        batch_size=20,
        train_split=lambda data, y: (data, data),
        iterator_valid__batch_size=200,
        callbacks=[
            EpochScoring(scorer, name="cached"),
            EpochScoring(scorer, name="uncached", use_caching=False),
            BatchScoring(scorer, name="batch"),
        ],
    ).fit(X, y)
    expected = f1_score(y, clf.predict(X), pos_label=names[0])
    assert expected > 0.5
    for name in ("cached", "uncached", "batch"):
        assert clf.history[-1, name] == pytest.approx(expected)


def test_early_stopping_does_not_warn(small, labelled):
    clf = small(
        max_epochs=50,
        train_split=ValidSplit(4, stratified=True),
        callbacks=[EarlyStopping("valid_acc", patience=2, lower_is_better=False)],
    ).fit(*labelled)  # warnings are errors here
    assert 2 < clf.n_iter_ < 50


def test_checkpoint(small, few, tmp_path):
    clf = small(callbacks=[Checkpoint(monitor=None, dirname=str(tmp_path))]).fit(*few)
    expected = clf.predict_proba(few[0])
    with torch.no_grad():
        clf.module_.fc2.bias += 9
    clf.load_params(f_params=tmp_path / "params.pt")
    np.testing.assert_array_equal(clf.predict_proba(few[0]), expected)
    assert clf.device == "auto"


def test_checkpoint_with_safetensors(small, few, tmp_path):
    checkpoint = Checkpoint(
        monitor=None, f_optimizer=None, dirname=str(tmp_path), use_safetensors=True
    )
    clf = small(callbacks=[checkpoint]).fit(*few)
    expected = clf.predict_proba(few[0])
    clf.save_params(f_params=tmp_path / "own", use_safetensors=True)
    for name in ("params.pt", "own"):
        with torch.no_grad():
            clf.module_.fc2.bias += 9
        clf.load_params(f_params=tmp_path / name, use_safetensors=True)
        np.testing.assert_array_equal(clf.predict_proba(few[0]), expected)


def test_lbfgs(small, few):
    clf = small(
        optimizer=torch.optim.LBFGS, lr=0.2, lr_schedule=None, batch_size=-1
    ).set_params(max_epochs=4)
    clf.fit(*few)
    assert clf.loss_curve_[-1] < 0.8 * clf.loss_curve_[0]


def test_train_split_with_lists_of_indices(small, few):
    X, y = few

    def split(dataset, y):
        part = Subset(dataset, list(range(190)))
        return Subset(part, list(range(150))), Subset(dataset, list(range(150, 200)))

    def split_by_array(dataset, y):
        return Subset(dataset, np.arange(150)), Subset(dataset, np.arange(150, 200))

    for iterator in (TensorBatchLoader, DataLoader):
        listed, expected = (
            small(train_split=s, iterator_train=iterator).fit(X, y, 1.0 + y)
            for s in (split, split_by_array)
        )
        assert listed.loss_curve_ == expected.loss_curve_
        assert listed.validation_scores_ == expected.validation_scores_


def test_train_split_with_a_custom_subset(small, few):
    class Dark(Subset):
        def __getitem__(self, index):
            images, y_encoded = super().__getitem__(index)
            return images * 0, y_encoded

        def __getitems__(self, indices):
            return [self[i] for i in indices]

    def split(dataset, y):
        return Dark(dataset, list(range(150))), Subset(dataset, list(range(150, 200)))

    clf = small(train_split=split, max_epochs=1).fit(*few)
    clf.forward(few[0])
    images, _ = next(iter(clf.get_iterator(split(clf.get_dataset(*few), None)[0])))
    assert images.max() == 0
    bright = small(train_split=ValidSplit(4), max_epochs=1).fit(*few)
    assert clf.loss_curve_ != bright.loss_curve_


def test_no_batch_to_train_on(small, few):
    clf = small(iterator_train=DataLoader, iterator_train__drop_last=True)
    with pytest.raises(
        ValueError, match=r"no batch to train on\. Pass a smaller batch"
    ):
        clf.set_params(batch_size=500).fit(*few)


def test_predict_follows_an_override_of_predict_proba(small, few):
    class Reversed(MnistCNNClassifier):
        def predict_proba(self, X):
            return super().predict_proba(X)[:, ::-1]

    X, y = few
    clf = small().fit(X, y)
    other = Reversed(**clf.get_params(deep=False)).fit(X, y)
    for chosen in (slice(None), slice(1)):
        expected = clf.predict_proba(X[chosen]).argmax(axis=1)
        np.testing.assert_array_equal(other.predict(X[chosen]), 9 - expected)
    logarithms = clf.predict_log_proba(X)
    np.testing.assert_array_equal(other.predict_log_proba(X), logarithms)
    assert other.score(X, 9 - clf.predict(X)) == 1


def test_all_predictions_follow_an_override_of_evaluation_step(small, few):
    class Cooler(MnistCNNClassifier):
        """Divides the logits by 2, the temperature."""

        def evaluation_step(self, batch, training=False):
            return (super().evaluation_step(batch, training) / 2).log_softmax(dim=1)

    X, y = few
    clf = small().fit(X, y)
    other = Cooler(**clf.get_params(deep=False)).fit(X, y)
    for images in (X, X[:1]):
        roots = np.sqrt(clf.predict_proba(images))
        probabilities = other.predict_proba(images)
        np.testing.assert_allclose(
            probabilities, roots / roots.sum(axis=1, keepdims=True), rtol=1e-4
        )
        np.testing.assert_allclose(
            np.exp(other.predict_log_proba(images)), probabilities, rtol=1e-5
        )


def test_forward_accepts_the_input_of_predict(small, few):
    X, y = few
    clf = small(iterator_valid__batch_size=80).fit(X, y)
    expected = clf.predict_log_proba(X)
    for images in (X, X.reshape(-1, 28, 28), torch.from_numpy(X), X.tolist()):
        np.testing.assert_array_equal(clf.forward(images).numpy(), expected)
        parts = list(clf.forward_iter(images))
        assert [len(part) for part in parts] == [80, 80, 40]
        np.testing.assert_array_equal(torch.cat(parts).numpy(), expected)
    dropped = small(module__dropout=0.5).fit(X, y)
    assert not torch.equal(*(dropped.forward(X, training=True) for _ in range(2)))
    np.testing.assert_array_equal(
        dropped.forward(X).numpy(), dropped.predict_log_proba(X)
    )
    with pytest.raises(ValueError, match="X has 783 features"):
        clf.forward(X[:, :783])
    images = torch.from_numpy(X).reshape(-1, 1, 28, 28)
    found = clf.forward(TensorDataset(images, torch.from_numpy(y)))
    np.testing.assert_array_equal(found.numpy(), expected)


def test_trimmed_for_prediction(small, few):
    X, y = few
    clf = small(early_stopping=True).fit(X, y)
    expected = clf.predict_proba(X)
    clf.trim_for_prediction()
    for train in (clf.fit, clf.partial_fit):
        with pytest.raises(SkorchTrainingImpossibleError, match=r"copy\.deepcopy\(clf"):
            train(X, y)
    for trimmed in (clf, pickle.loads(pickle.dumps(clf))):
        np.testing.assert_array_equal(trimmed.predict_proba(X), expected)


@pytest.mark.parametrize("precision", ["bfloat16"], indirect=True)
def test_skorch_doctor(small, few, precision):
    """Its hooks convert activations to NumPy arrays, which do not support bfloat16."""
    X, y = few
    clf = small().fit(X, y)
    assert clf.precision_ == "bfloat16"
    doctor = SkorchDoctor(clf).fit(X, y)
    assert clf.precision_ == "float32"
    assert doctor.activation_recs_["module"][0]["conv1"].dtype == np.float32
    assert len(doctor.gradient_recs_["module"]) == 4  # batches
    assert clf.partial_fit(X, y).precision_ == "bfloat16"


def test_custom_learning_rate_schedule(small, few):
    schedule = LRScheduler(StepLR, step_size=1, gamma=0.5)
    clf = small(lr=0.08, lr_schedule=None, max_epochs=3, callbacks=[schedule])
    assert clf.fit(*few).history[:, "event_lr"] == [0.08, 0.04, 0.02]
    for callbacks in ([schedule], [("mine", schedule)], [LRScheduler]):
        with pytest.raises(ValueError, match="Pass lr_schedule=None"):
            small(callbacks=callbacks).fit(*few)


@pytest.mark.parametrize(
    ("parameters", "n_batches"),
    [
        ({"batch_size": 50}, 4),
        ({"batch_size": "auto"}, 7),
        ({"batch_size": "auto", "iterator_train__batch_size": 20}, 10),
        ({"batch_size": -1}, 1),
        ({"batch_size": "auto", "train_split": ValidSplit(4)}, 5 + 1),
        (
            {
                "batch_size": -1,
                "train_split": ValidSplit(4),
                "iterator_valid__batch_size": 20,
            },
            1 + 3,
        ),
    ],
    ids=lambda value: ", ".join(value) if isinstance(value, dict) else None,
)
def test_progress_bar(small, few, capsys, parameters, n_batches):
    bar = ProgressBar()
    clf = small(callbacks=[bar], **parameters)
    before = clf.get_params(deep=False)
    clf.fit(*few)
    output = capsys.readouterr().err
    assert f"0/{n_batches}" in output
    assert clf.get_params(deep=False) == before
    assert bar.batches_per_epoch == "auto"
    assert len(clf.history[-1, "batches"]) == n_batches


def test_batch_sizes_are_parameters_only_during_the_training(small, few):
    found, copies = [], []

    class Look(Callback):
        def on_epoch_begin(self, net, **kwargs):
            found.append(net.get_params())
            assert net.get_params(deep=False) == before
            copies.extend([clone(net), pickle.loads(pickle.dumps(net))])

        def __reduce__(self):
            return Callback, ()

    name = "iterator_train__batch_size"
    clf = small(batch_size="auto", callbacks=[Look()])
    before = clf.get_params(deep=False)
    clf.fit(*few)
    assert [(row["batch_size"], row[name]) for row in found] == [("auto", 32)] * 2
    for copied in (clf, clone(clf), *copies):
        assert copied.batch_size == "auto"
        assert name not in copied.get_params()


def test_default_callbacks_can_be_changed(small, few):
    clf = small(callbacks__lr_schedule=None, callbacks__train_acc=None).fit(*few)
    names = [name for name, _ in clf.callbacks_]
    assert "lr_schedule" not in names
    assert "train_acc" not in names
    clf = small().set_params(callbacks__lr_schedule__max_gradient_norm=9.0)
    assert dict(clf.fit(*few).callbacks_)["lr_schedule"].max_gradient_norm == 9.0


def test_compile_parameters_are_passed_on(small, few, monkeypatch):
    compiled = []

    def compile_(module, **kwargs):
        compiled.append(kwargs)
        return module

    monkeypatch.setattr(torch, "compile", compile_)
    small(compile=True, compile__dynamic=True).fit(*few)
    assert {"dynamic": True} in compiled


COMPILER = os.environ.get("CXX", "clang++" if sys.platform == "darwin" else "g++")
"""The C++ compiler that torch.compile uses."""


@pytest.mark.skipif(
    sys.platform == "win32" or shutil.which(COMPILER) is None,
    reason=f"torch.compile needs a C++ compiler, and there is no {COMPILER}",
)
@pytest.mark.filterwarnings("default")  # from torch.compile itself
def test_compiled_network_gives_the_same_predictions(small, few, tmp_path, monkeypatch):
    X, y = few
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    # one shape of batches in training and prediction: each is compiled separately
    batches = {"batch_size": 20, "iterator_valid__batch_size": 20}
    # Muon would amplify the rounding errors of directions with no gradient
    adamw = {"optimizer": torch.optim.AdamW, "max_epochs": 1, "precision": "float32"}
    plain = small(**batches, **adamw).fit(X, y)
    compiled = clone(plain).set_params(compile=True).fit(X, y)
    assert any(tmp_path.rglob("*.cpp"))  # the compiler ran
    np.testing.assert_allclose(compiled.loss_curve_, plain.loss_curve_, atol=1e-4)
    np.testing.assert_allclose(
        compiled.predict_proba(X), plain.predict_proba(X), atol=1e-3
    )
    np.testing.assert_array_equal(compiled.predict(X), plain.predict(X))


def test_load_params_before_fit_raises(small, tmp_path):
    with pytest.raises(NotFittedError, match="fit"):
        small().load_params(f_params=tmp_path / "weights.pt")
