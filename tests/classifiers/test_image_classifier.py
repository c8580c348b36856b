"""`MnistCNNClassifier` follows scikit-learn's conventions for estimators."""

import copy
import inspect
import os
import pickle
import random
import re
import signal
import subprocess
import sys
import threading

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse
from sklearn.base import clone
from sklearn.callback import ProgressBar
from sklearn.exceptions import NotFittedError
from sklearn.metrics import accuracy_score, confusion_matrix, roc_curve
from sklearn.model_selection import (
    GridSearchCV,
    cross_val_predict,
    cross_val_score,
    train_test_split,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback, EpochScoring
from skorch.dataset import ValidSplit
from torch.utils.data import DataLoader, TensorDataset

from skmnist import MnistCNNClassifier, RandomAffine

NAMES = np.array(
    ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
)


def weights(clf):
    return torch.cat([w.detach().flatten() for w in clf.module_.parameters()])


@pytest.fixture(params=["integers", "strings"])
def labelled(request, few):
    """The few digits, with integers and with strings as labels."""
    X, y = few
    return X, (NAMES[y] if request.param == "strings" else y)


# Fitted attributes --------------------------------------------------------------------


def test_fitted_attributes(small, labelled):
    X, y = labelled
    clf = small(batch_size=64)
    assert clf.fit(X, y) is clf
    assert clf.classes_.tolist() == sorted(set(y))
    assert clf.n_features_in_ == 784
    assert clf.image_shape_ == (1, 28, 28)
    assert clf.device_.type in ("cpu", "cuda", "mps")
    assert clf.n_iter_ == len(clf.loss_curve_) == 2
    assert all(isinstance(loss, float) for loss in clf.loss_curve_)
    losses = np.array(clf.history[:, "batches", :, "train_loss"])
    assert losses.shape == (2, 4)
    # the last batch has 8 of the 200 images
    sizes = [64, 64, 64, 8]
    np.testing.assert_allclose(
        clf.loss_curve_, np.average(losses, axis=1, weights=sizes)
    )
    assert all(0 <= accuracy <= 1 for accuracy in clf.history[:, "train_acc"])
    assert "valid_loss" not in clf.history[-1]  # trained on all the data


def test_train_acc_is_the_accuracy_during_training(small, few):
    class Counter(torch.nn.Module):
        """Always predicts class 0, and counts the images."""

        def __init__(self):
            super().__init__()
            self.bias = torch.nn.Parameter(torch.zeros(1))
            self.images = 0

        def forward(self, X):
            self.images += len(X)
            scores = torch.zeros(len(X), 10) + self.bias
            scores[:, 0] += 9
            return scores.log_softmax(1)

    X, y = few
    clf = MnistCNNClassifier(module=Counter, max_epochs=3).fit(X, y)
    assert clf.history[:, "train_acc"] == [pytest.approx(np.mean(y == 0))] * 3
    # no second pass over the images, except for two that check the network's output
    assert clf.module_.images == 3 * len(X) + 2


@pytest.mark.parametrize("watched", [False, True])
def test_train_acc_is_counted_without_the_outputs(small, few, watched):
    """It is what skorch's callback computes, which keeps the outputs of an epoch."""
    kept = []

    class Watcher(Callback):
        def on_epoch_end(self, net, **kwargs):
            kept.append(dict(net.callbacks_)["train_acc"].y_preds_)

    class BatchWatcher(Watcher):
        def on_batch_end(self, net, batch, **kwargs):
            pass

    X, y = few
    scoring = EpochScoring("accuracy", False, on_train=True, name="of_skorch")
    callbacks = [scoring, BatchWatcher() if watched else Watcher()]
    clf = small(callbacks=callbacks, max_epochs=2).fit(X, y.astype(str))
    assert clf.history[:, "train_acc"] == clf.history[:, "of_skorch"]
    assert kept == [[], []]


def test_train_acc_with_another_scoring(small, few):
    clf = small(callbacks__train_acc__scoring="neg_log_loss", max_epochs=1).fit(*few)
    assert clf.history[-1, "train_acc"] < 0


def test_prediction_methods_are_consistent(small, labelled):
    X, y = labelled
    clf = small().fit(X, y)
    probabilities = clf.predict_proba(X)
    assert probabilities.shape == (200, 10)
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-6)
    logarithms = clf.predict_log_proba(X)
    np.testing.assert_allclose(np.log(probabilities), logarithms, 1e-6, atol=1e-6)
    predicted = clf.predict(X)
    np.testing.assert_array_equal(predicted, clf.classes_[probabilities.argmax(1)])
    assert clf.score(X, y) == accuracy_score(y, predicted)
    weight = (y == clf.classes_[0]).astype(float)
    assert clf.score(X, y, weight) == accuracy_score(y, predicted, sample_weight=weight)


@pytest.mark.usefixtures("precision")
def test_layouts_and_containers_agree_bit_for_bit(small, few):
    X, y = few
    reference = small().fit(X, y)
    expected = reference.predict_proba(X)
    frame = pd.DataFrame(X, columns=[f"pixel_{i}" for i in range(784)])
    for images in (
        X.reshape(-1, 28, 28),
        X.reshape(-1, 1, 28, 28),
        torch.from_numpy(X),
        np.asfortranarray(X),
        X.tolist(),
        frame,
    ):
        clf = small().fit(images, y)
        assert clf.n_features_in_ == 784
        assert clf.image_shape_ == (1, 28, 28)
        np.testing.assert_array_equal(clf.predict_proba(images), expected)
        if images is not frame:
            np.testing.assert_array_equal(reference.predict_proba(images), expected)
    assert clf.feature_names_in_.tolist() == frame.columns.tolist()
    assert small().fit(torch.from_numpy(X), torch.from_numpy(y)).score(
        X, torch.from_numpy(y)
    ) == reference.score(X, y)


@pytest.mark.parametrize(
    "dtype", ["bool", "int8", "int64", "uint16", "float16", "float32", "float64", "O"]
)
def test_numeric_types_agree(small, few, dtype):
    X, y = few
    X = X // 128  # exact in all dtypes
    clf = small(precision="float32")
    expected = clf.fit(X.astype(np.uint8), y).predict_proba(X)
    found = clf.fit(X.astype(dtype), y).predict_proba(X.astype(dtype))
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_uint8_images_are_neither_converted_nor_copied(small, few):
    X, y = few
    seen = []

    class Spy(Callback):
        def on_train_begin(self, net, **kwargs):
            net.module_.register_forward_pre_hook(lambda _, inputs: seen.extend(inputs))

    clf = small(callbacks=[Spy()], batch_size=-1, iterator_train__shuffle=False)
    clf.fit(X, y)
    assert seen[0].dtype == torch.uint8
    assert seen[0].data_ptr() == X.ctypes.data or clf.device_.type != "cpu"


def test_colour_images(small):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (60, 3, 20, 24), dtype=np.uint8)
    y = rng.integers(0, 3, 60)
    X[np.arange(60), y] //= 8  # the class is the dark channel
    clf = small(max_epochs=20, batch_size=10).fit(X, y)
    assert clf.image_shape_ == (3, 20, 24)
    assert clf.n_features_in_ == 3 * 20 * 24
    assert clf.pixel_mean_.shape == clf.pixel_std_.shape == (3,)
    assert clf.score(X, y) > 0.9
    rows = X.reshape(60, -1)
    np.testing.assert_array_equal(clf.predict_proba(rows), clf.predict_proba(X))
    same = clone(clf).set_params(image_shape=(3, 20, 24)).fit(rows, y)
    assert torch.equal(weights(same), weights(clf))


@pytest.mark.parametrize(
    "labels",
    [
        np.array([10, -3, 7]),
        np.array(["cat", "a longer name", "dog"]),
        np.array(["cat", "a longer name", "dog"], dtype=object),
        pd.Series(["cat", "a longer name", "dog"]),
        pd.Series(["cat", "a longer name", "dog"], dtype="category"),
        np.array([2.0, 1.0, 4.0]),
        [True, False, True],
        torch.tensor([5, 3, 4]),
    ],
)
def test_labels_of_any_type(small, few, labels):
    X = few[0][:60]
    y_encoded = np.arange(60) % 3
    y = (
        labels[y_encoded]
        if hasattr(labels, "shape")
        else np.asarray(labels)[y_encoded].tolist()
    )
    clf = small().fit(X, y)
    assert clf.classes_.tolist() == np.unique(np.asarray(labels)).tolist()
    assert set(clf.predict(X)) <= set(np.asarray(labels).tolist())
    assert 0 <= clf.score(X, y) <= 1


def test_8x8_digits(digits):
    X, y = digits
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=400, stratify=y, random_state=0
    )
    clf = MnistCNNClassifier(random_state=0).fit(X_train, y_train)  # default recipe
    assert clf.image_shape_ == (1, 8, 8)
    assert clf.score(X_test, y_test) >= 0.97


def test_scale_of_the_pixels_does_not_matter(small, few):
    X, y = few
    raw = small(precision="float32").fit(X, y)
    scaled = small(precision="float32").fit(X / 255, y)
    np.testing.assert_allclose(scaled.pixel_mean_, raw.pixel_mean_ / 255, rtol=1e-6)
    np.testing.assert_allclose(scaled.loss_curve_, raw.loss_curve_, atol=1e-4)
    np.testing.assert_allclose(
        scaled.predict_proba(X / 255), raw.predict_proba(X), atol=1e-3
    )


# Randomness ---------------------------------------------------------------------------


@pytest.mark.usefixtures("precision")
def test_same_seed_gives_bit_identical_results(small, few):
    first = small(module__dropout=0.3).fit(*few)
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)
    second = small(module__dropout=0.3).fit(*few)
    assert torch.equal(weights(first), weights(second))
    assert first.loss_curve_ == second.loss_curve_
    refitted = first.fit(few[0][:50], few[1][:50]).fit(*few)
    assert torch.equal(weights(refitted), weights(second))
    split = [small(train_split=ValidSplit(0.2)).fit(*few).loss_curve_ for _ in "ab"]
    assert split[0] == split[1]
    other = small(module__dropout=0.3, random_state=1).fit(*few)
    assert not torch.equal(weights(other), weights(second))


def test_random_state_none_and_instance(small, few):
    unseeded = [weights(small(random_state=None).fit(*few)) for _ in range(2)]
    assert not torch.equal(*unseeded)
    state = np.random.RandomState(0)
    from_one_state = [weights(small(random_state=state).fit(*few)) for _ in range(2)]
    assert not torch.equal(*from_one_state)
    again = weights(small(random_state=np.random.RandomState(0)).fit(*few))
    assert torch.equal(again, from_one_state[0])


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("random_state", [None, 0])
def test_global_state_is_unchanged(small, few, fails, random_state):
    X, y = few
    draws = {"train_split": ValidSplit(0.2), "iterator_valid": DataLoader}

    class Failing(small().module):
        def forward(self, X):
            raise ZeroDivisionError

    def global_state():
        return (
            random.getstate(),
            np.random.get_state()[1].tolist(),
            torch.get_rng_state().tolist(),
            torch.get_num_threads(),
            torch.is_grad_enabled(),
            torch.get_default_dtype(),
        )

    with torch.set_grad_enabled(random_state is None):  # fit works with both
        before = global_state()
        if fails:
            with pytest.raises(ZeroDivisionError):
                small(random_state=random_state, module=Failing, **draws).fit(X, y)
        else:
            small(random_state=random_state, **draws).fit(X, y).predict(X)
        assert global_state() == before


def test_probabilities_are_never_0(few):
    class Certain(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.scores = torch.nn.Parameter(-300 * torch.arange(2.0))

        def forward(self, X):
            return self.scores.expand(len(X), 2).log_softmax(1)

    X, y = few
    clf = MnistCNNClassifier(module=Certain, lr=1e-9, lr_schedule=None, max_epochs=1)
    probabilities = clf.fit(X, y > 4).predict_proba(X)  # exp(-104) is 0 in float32
    assert probabilities.dtype == np.float32
    assert clf.predict_log_proba(X).min() == pytest.approx(-300)
    assert np.log(probabilities).min() == pytest.approx(np.log(1.2e-38), abs=0.1)


def test_fit_does_not_change_parameters_or_data(small, few):
    X, y = few[0].copy(), few[1].copy()
    network = small().module(channels=(4, 8), hidden_units=32)
    clf = small(module=network, device="auto")
    del clf.module__channels, clf.module__hidden_units
    untrained = [w.clone() for w in network.parameters()]
    before = clf.get_params(deep=False)
    clf.fit(X, y)
    after = clf.get_params(deep=False)
    assert before.keys() == after.keys()
    assert all(before[name] is after[name] for name in before)
    assert all(map(torch.equal, untrained, network.parameters()))
    np.testing.assert_array_equal(X, few[0])
    np.testing.assert_array_equal(y, few[1])


# Continued training -------------------------------------------------------------------


@pytest.mark.usefixtures("precision")
def test_warm_start_equals_uninterrupted_training(small, few):
    constant = {"lr_schedule": None, "lr": 0.02, "module__dropout": 0.2}
    straight = small(max_epochs=4, **constant).fit(*few)
    clf = small(max_epochs=2, warm_start=True, **constant).fit(*few).fit(*few)
    assert clf.n_iter_ == 4
    assert clf.loss_curve_ == straight.loss_curve_
    assert torch.equal(weights(clf), weights(straight))


def test_warm_start_rejects_other_classes_and_shapes(small, few):
    X, y = few
    clf = small(warm_start=True).fit(X, y)
    before = clf.predict_proba(X)
    with pytest.raises(ValueError, match=r"the classes \[0, 1, 2\].*warm_start=False"):
        clf.fit(X[y < 3], y[y < 3])
    with pytest.raises(
        ValueError, match=r"image shape \(1, 14, 56\).*warm_start=False"
    ):
        clf.fit(X.reshape(-1, 14, 56), y)
    with pytest.raises(ValueError, match="X has 783 features, but"):
        clf.set_params(image_shape=(1, 27, 29)).fit(X[:, :783], y)
    np.testing.assert_array_equal(clf.predict_proba(X), before)


def test_partial_fit(small, few):
    X, y = few
    clf = small(train_split=lambda dataset, y: 1 / 0)  # never called
    for begin in range(0, 200, 50):
        chunk = slice(begin, begin + 50)
        clf.partial_fit(X[chunk], y[chunk], classes=np.arange(12))
    assert clf.classes_.tolist() == list(range(12))
    assert clf.n_iter_ == 4
    assert clf.predict_proba(X).shape == (200, 12)
    clf.partial_fit(X[:50], y[:50])
    assert clf.n_iter_ == 5


def test_partial_fit_is_as_accurate_as_fit(digits):
    X, y = (array[np.random.RandomState(0).permutation(1797)] for array in digits)
    parameters = {"batch_size": 16, "module__channels": (8, 16), "random_state": 0}
    stream = MnistCNNClassifier(**parameters)
    for begin in range(0, 1500, 100):
        chunk = slice(begin, begin + 100)
        stream.partial_fit(X[chunk], y[chunk], classes=np.arange(10))
    whole = MnistCNNClassifier(lr=0.002, lr_schedule=None, max_epochs=1, **parameters)
    whole.fit(X[:1500], y[:1500])
    accuracies = [clf.score(X[1500:], y[1500:]) for clf in (stream, whole)]
    assert min(accuracies) > 0.75
    # slightly more than two standard errors of the difference on 297 digits
    assert abs(accuracies[0] - accuracies[1]) < 0.07


def test_partial_fit_rejects_unknown_classes(small, few):
    X, y = few
    with pytest.raises(ValueError, match="Got no classes in the first call"):
        small().partial_fit(X, y)
    with pytest.raises(ValueError, match=r"labels \[9\], which are not among"):
        small().partial_fit(X, y, classes=range(9))
    with pytest.raises(ValueError, match=r"labels \[0, .*, which are not among"):
        small().partial_fit(X, y, classes=list("0123456789"))
    clf = small().partial_fit(X, y, classes=range(10))
    with pytest.raises(ValueError, match="continues with a network for the classes"):
        clf.partial_fit(X, y, classes=range(11))
    with pytest.raises(ValueError, match=r"labels \[10, 11\], which are not among"):
        clf.partial_fit(X[:2], [10, 11])


def test_set_params_keeps_the_trained_network(small, few):
    X, y = few
    clf = small().fit(X, y)
    before = clf.predict_proba(X)
    clf.set_params(module__hidden_units=16, lr=0.05, optimizer__weight_decay=0.8)
    np.testing.assert_array_equal(clf.predict_proba(X), before)
    assert clf.get_params()["optimizer__weight_decay"] == 0.8
    assert clf.optimizer_.param_groups[0]["weight_decay"] == 0.8
    expected = small(module__hidden_units=16, lr=0.05, optimizer__weight_decay=0.8)
    assert torch.equal(weights(clf.fit(X, y)), weights(expected.fit(X, y)))


def test_failed_fit_leaves_the_estimator_unchanged(small, few):
    X, y = few
    clf = small().fit(X, y)
    before, losses = clf.predict_proba(X), clf.loss_curve_
    for wrong in (
        {"module__kernel_size": 99},
        {"optimizer__no_such_thing": 1},
        {"no_such_part__x": 1},
        {"train_split": lambda dataset, y: 1 / 0},
    ):
        broken = pickle.loads(pickle.dumps(clf)) if "train_split" not in wrong else clf
        broken.set_params(**wrong)
        with pytest.raises((ValueError, TypeError, ZeroDivisionError)):
            broken.fit(X[:, :676], y)
        np.testing.assert_array_equal(broken.predict_proba(X), before)
        assert broken.loss_curve_ == losses


@pytest.mark.parametrize("how", ["partial_fit", "warm start"])
def test_failed_continuation_leaves_the_estimator_unchanged(small, few, how):
    X, y = few
    parameters = {"warm_start": True, "lr_schedule": None, "lr": 0.02}
    parameters |= {"optimizer": torch.optim.SGD, "optimizer__momentum": 0.9}
    clf = small(**parameters).fit(X, y)
    expected = pickle.loads(pickle.dumps(clf))
    train = clf.partial_fit if how == "partial_fit" else clf.fit
    with pytest.raises(ValueError, match="Training diverged in epoch 3"):
        train(X * 1e30, y)
    np.testing.assert_array_equal(clf.predict_proba(X), expected.predict_proba(X))
    assert clf.loss_curve_ == expected.loss_curve_
    clean = small(**parameters).fit(X, y)
    for estimator in (clf, clean):  # the momentum is unchanged too
        estimator.partial_fit(X, y)
    assert torch.equal(weights(clf), weights(clean))


def test_unknown_parameters_raise_when_training_continues(small, few):
    clf = small(warm_start=True).fit(*few).set_params(no_such_part__x=1)
    for train in (clf.fit, clf.partial_fit):
        with pytest.raises(ValueError, match="no_such_part__x"):
            train(*few)
    with pytest.raises(ValueError, match=r"no callback 'prnt_log'.*there are \['epoch"):
        small(callbacks__prnt_log__sink=print).fit(*few)


def test_inference_mode(small, few):
    expected = weights(small().fit(*few))
    with torch.inference_mode():
        clf = small().fit(*few)
        clf.partial_fit(*few)
    assert torch.equal(weights(small().fit(*few)), expected)
    assert clf.partial_fit(*few).n_iter_ == 4


def test_ctrl_c_keeps_the_trained_network(small, few, ctrl_c):
    class Impatient(Callback):
        def on_train_begin(self, net, **kwargs):
            threading.Timer(0.5, ctrl_c).start()

    clf = small(max_epochs=1000, callbacks=[Impatient()])
    message = r"interrupted by user after \d+ full epochs"
    with pytest.warns(UserWarning, match=message) as caught:
        clf.fit(*few)
    assert caught[0].filename == __file__
    assert 0 < clf.n_iter_ < 1000
    assert clf.predict(few[0]).shape == (200,)
    assert clf.set_params(max_epochs=1, callbacks=None).fit(*few).n_iter_ == 1


class InterruptAt:
    """Simulates Ctrl-C at the nth function call, where Python handles signals.

    Finalizers and generators (which may be called to be closed) are not counted, since
    an exception there is printed and ignored.
    """

    def __init__(self, n):
        self.n = n

    def __call__(self, frame, event, arg):
        code = frame.f_code
        if code.co_flags & inspect.CO_GENERATOR or code.co_name == "__del__":
            return
        self.n -= 1
        if self.n == 0:
            signal.default_int_handler(signal.SIGINT, frame)

    def run(self, function):
        before = sys.gettrace()
        sys.settrace(self)
        try:
            function()
        finally:
            sys.settrace(before)


@pytest.mark.filterwarnings("ignore:Training interrupted by user")
def test_ctrl_c_anywhere(small, few):
    """Global state is unchanged, and the estimator is unchanged or partly trained."""
    X, y = few
    clf = small(max_epochs=1, batch_size=-1, train_split=ValidSplit(4)).fit(X, y)
    probabilities = clf.predict_proba(X)

    def global_state():
        return (
            random.getstate(),
            str(np.random.get_state()),
            torch.get_rng_state().tolist(),
            torch.is_grad_enabled(),
            torch.is_autocast_enabled("cpu"),
        )

    def fit():
        clf.fit(X, y, sample_weight=1 + y)

    count = InterruptAt(0)
    count.run(fit)
    n_calls, trained = -count.n, clf.predict_proba(X)
    assert not np.array_equal(trained, probabilities)
    random.seed(0)
    before = global_state()
    moments = {*range(1, n_calls, n_calls // 40), *range(n_calls - 40, n_calls)}
    for n in sorted(moments):
        clf.fit(X, y)
        assert global_state() == before
        try:
            InterruptAt(n).run(fit)
        except KeyboardInterrupt:  # outside the epochs
            found = clf.predict_proba(X)
            assert any(np.array_equal(found, p) for p in (probabilities, trained))
        assert global_state() == before
        assert clf.criterion_.reduction == "mean"
        assert clf.n_iter_ <= 1
        assert not any(layer.training for layer in clf.module_.modules())
        assert not hasattr(clf, "_held_out_weights")


def test_ctrl_c_in_a_loss(small, few):
    """Also in a loss that delegates its attributes, as compiled losses do."""

    class Inner:
        reduction = "mean"

    class Interrupted(torch.nn.NLLLoss):
        def __init__(self):
            super().__init__()
            del self.reduction
            self.inner, self.n_calls = Inner(), 0

        @property
        def reduction(self):
            return vars(self)["inner"].reduction if "inner" in vars(self) else "mean"

        @reduction.setter
        def reduction(self, reduction):
            if "inner" in vars(self):
                vars(self)["inner"].reduction = reduction
                self.n_calls += 1
                if self.n_calls == 3:
                    raise KeyboardInterrupt

        @reduction.deleter
        def reduction(self):
            pass

    clf = small(criterion=Interrupted)
    with pytest.warns(UserWarning, match="interrupted by user"):
        clf.fit(*few, sample_weight=1 + few[1])
    assert clf.criterion_.n_calls > 3
    assert clf.criterion_.reduction == "mean"


def test_ctrl_c_between_two_layers(small, few):
    """One is already in evaluation mode, the other still in training mode."""

    class Interrupted(small().module):
        is_interrupted = False

        def train(self, mode=True):
            if not mode and any(epoch["batches"] for epoch in clf.history_ or []):
                self.training = False
                if not self.is_interrupted:
                    self.is_interrupted = True
                    raise KeyboardInterrupt
            return super().train(mode)

    clf = small(module=Interrupted, train_split=ValidSplit(4))
    with pytest.warns(UserWarning, match="interrupted by user after 0 full epochs"):
        clf.fit(*few)
    assert clf.module_.is_interrupted
    assert not any(layer.training for layer in clf.module_.modules())


def test_ctrl_c_before_training_changes_nothing(small, few, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    clf = small().fit(*few)
    expected = clf.predict_proba(few[0])
    monkeypatch.setattr(clf.optimizer, "__init__", interrupt)
    with pytest.raises(KeyboardInterrupt):
        clf.fit(*few)
    np.testing.assert_array_equal(clf.predict_proba(few[0]), expected)


# scikit-learn's tools -----------------------------------------------------------------


def test_clone_and_repr(small, few):
    clf = small(lr=0.05).fit(*few)
    copy = clone(clf)
    assert not hasattr(copy, "module_")
    assert copy.get_params(deep=False) == clf.get_params(deep=False)
    assert repr(copy) == (
        "MnistCNNClassifier(batch_size=64, lr=0.05, max_epochs=2,\n"
        "                   module__channels=(4, 8), module__hidden_units=32,\n"
        "                   random_state=0)"
    )


def test_html_shows_what_differs_from_the_defaults(small, few):
    clf = small(lr=0.05, callbacks=[EpochScoring("f1_macro")])
    for estimator in (clf, clf.fit(*few), make_pipeline(clf)):
        html = estimator._repr_html_()
        set_by_user = set(
            re.findall(r'class="user-set">.*?class="param">(\w+)<', html, re.DOTALL)
        )
        assert set_by_user - {"steps"} == {
            *("batch_size", "lr", "max_epochs", "callbacks", "random_state"),
            *("module__channels", "module__hidden_units"),
        }
    assert "train_acc" not in clf._get_params_html(deep=True)._repr_html_inner()


def test_get_params(small, few):
    signature = inspect.signature(MnistCNNClassifier).parameters
    expected = {name for name in signature if name != "kwargs"}
    clf = MnistCNNClassifier()
    assert clf.get_params(deep=False).keys() == expected
    clf.set_params(max_epochs=1, optimizer__weight_decay=0.5)
    before = clf.get_params(deep=False)
    assert before.keys() == expected | {"optimizer__weight_decay"}
    assert clf.fit(*few).get_params(deep=False) == before
    clf.partial_fit(*few).predict(few[0])
    assert clf.get_params(deep=False) == before


@pytest.mark.parametrize("library", [pickle, joblib])
def test_pickles(small, labelled, library, tmp_path):
    X, y = labelled
    clf = small(callbacks=[], train_split=None).fit(X, y)
    path = tmp_path / "model"
    with path.open("wb") as file:
        library.dump(clf, file)
    with path.open("rb") as file:
        loaded = library.load(file)
    np.testing.assert_array_equal(loaded.predict_proba(X), clf.predict_proba(X))
    assert loaded.get_params(deep=False) == clf.get_params(deep=False)
    assert loaded.device_ == clf.device_
    assert loaded.loss_curve_ == clf.loss_curve_
    assert not hasattr(pickle.loads(pickle.dumps(small())), "module_")


def test_pickle_contains_little_besides_network_and_history(small, few):
    """No training data, no predictions, no momentum."""
    X, y = few
    split = {"train_split": ValidSplit(0.2, stratified=True)}
    stop = {"early_stopping": True, "validation_fraction": 0.2}
    monitor = {"callbacks": [EpochScoring("f1_macro", lower_is_better=False)]}
    for parameters in ({}, split, stop, {**split, **monitor}):
        clf = MnistCNNClassifier(random_state=0, max_epochs=3, **parameters)
        clf.fit(X, y, sample_weight=1 + y)
        network = pickle.dumps(clf.module_.state_dict())
        besides = len(pickle.dumps(clf)) - len(network) - len(pickle.dumps(clf.history))
        assert besides < 64 * 1024


def test_training_continues_from_a_pickle(small, few, tmp_path):
    X, y = few
    clf = small().fit(X, y)
    loaded, with_momentum = (pickle.loads(pickle.dumps(clf)) for _ in range(2))
    clf.save_params(f_optimizer=tmp_path / "optimizer.pt")
    with_momentum.load_params(f_optimizer=tmp_path / "optimizer.pt")
    for estimator in (clf, loaded, with_momentum):
        estimator.set_params(lr=0.005).partial_fit(X, y)
        assert estimator.n_iter_ == 3
    expected = clf.predict_proba(X)
    np.testing.assert_array_equal(with_momentum.predict_proba(X), expected)
    assert 0 < np.abs(loaded.predict_proba(X) - expected).max() < 0.2


def test_pickle_in_another_process(small, few, tmp_path):
    """With different numbers of threads, and without a GPU."""
    clf = small().fit(*few)
    np.save(tmp_path / "X.npy", few[0])
    (tmp_path / "model").write_bytes(pickle.dumps(clf))
    code = (
        "import pickle, numpy as np, torch\n"
        "X = np.load('X.npy')\n"
        "for threads in 1, 3:\n"
        "    torch.set_num_threads(threads)\n"
        "    clf = pickle.load(open('model', 'rb'))\n"
        "    assert clf.device_.type == 'cpu'\n"
        "    np.save(f'with_{threads}.npy', clf.predict_proba(X))\n"
    )
    command = [sys.executable, "-W", "error", "-c", code]
    no_gpu = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    subprocess.run(command, check=True, cwd=tmp_path, env=no_gpu)
    for threads in 1, 3:
        found = np.load(tmp_path / f"with_{threads}.npy")
        np.testing.assert_allclose(found, clf.predict_proba(few[0]), atol=1e-6)


def test_cross_validation(small, labelled):
    X, y = labelled
    clf = small(max_epochs=8, batch_size=16)
    scores = cross_val_score(clf, X, y, cv=2)
    assert scores.shape == (2,)
    assert scores.min() > 0.3
    probabilities = cross_val_predict(clf, X, y, cv=2, method="predict_proba")
    classes = np.unique(y)
    matrix = confusion_matrix(y, classes[probabilities.argmax(1)])
    assert matrix.sum() == 200
    assert matrix.trace() > 60
    false_positives, true_positives, _ = roc_curve(y == classes[3], probabilities[:, 3])
    assert np.trapezoid(true_positives, false_positives) > 0.7


def test_numpy_scalars_as_parameters(small, few):
    grid = {"max_epochs": np.arange(1, 3), "batch_size": np.array([20]), "lr": [0.05]}
    search = GridSearchCV(small(), grid, cv=2, error_score="raise").fit(*few)
    assert search.best_estimator_.n_iter_ in (1, 2)


class OpenSubclass(MnistCNNClassifier):
    def __init__(self, *, extra=1, **kwargs):
        super().__init__(**kwargs)
        self.extra = extra


class ClosedSubclass(MnistCNNClassifier):
    def __init__(self, *, lr=0.05, max_epochs=1):
        super().__init__(lr=lr, max_epochs=max_epochs, batch_size=50)


def test_subclasses(few):
    opened = clone(OpenSubclass(extra=2, max_epochs=1, module__hidden_units=9))
    assert (opened.extra, opened.max_epochs, opened.batch_size) == (2, 1, "auto")
    assert opened.fit(*few).module_.fc1.out_features == 9
    closed = clone(ClosedSubclass(lr=0.02))
    assert closed.get_params(deep=False) == {"lr": 0.02, "max_epochs": 1}
    assert len(closed.fit(*few).history[0, "batches"]) == 4
    closed._note = "kept"
    for copied in (pickle.loads(pickle.dumps(closed)), copy.deepcopy(closed)):
        np.testing.assert_array_equal(
            copied.predict_proba(few[0]), closed.predict_proba(few[0])
        )
        assert copied._note == "kept"
        assert len(copied.fit(*few).history[0, "batches"]) == 4
    assert cross_val_score(closed, *few, cv=2, n_jobs=2, error_score="raise").all()


def test_pipeline(small, labelled):
    X, y = labelled
    pipeline = make_pipeline(StandardScaler(), small(max_epochs=8, batch_size=16))
    pipeline.fit(X, y)
    assert pipeline.score(X, y) > 0.8
    assert pipeline.predict_proba(X).shape == (200, 10)


def test_grid_search_in_parallel(small, labelled):
    X, y = labelled
    grid = {"lr": [0.02, 0.1], "batch_size": [16, 32], "module__hidden_units": [8, 32]}
    # the search, not the training, is tested here
    search = GridSearchCV(
        small(max_epochs=3), grid, cv=2, n_jobs=2, error_score="raise"
    )
    search.fit(X, y)
    assert len(search.cv_results_["params"]) == 8
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.best_params_.keys() == grid.keys()
    units = search.best_params_["module__hidden_units"]
    assert search.best_estimator_.module_.fc1.out_features == units
    assert set(search.predict(X)) <= set(y)


# Invalid input ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"image_shape": (1, 28, 27)},
            r"image_shape=\(1, 28, 27\), but X has 784 feat",
        ),
        ({"image_shape": (28, 28)}, r"Got image_shape=\(28, 28\), expected three"),
        ({"image_shape": "square"}, "Got image_shape='square', expected three"),
        ({"max_epochs": 0}, "max_epochs == 0, must be >= 1"),
        ({"max_epochs": 1.5}, "max_epochs must be an instance of"),
        ({"batch_size": 0}, "Got batch_size=0, expected at least 1, -1 for"),
        ({"batch_size": -2}, "batch_size == -2, must be >= -1"),
        ({"batch_size": -5}, "batch_size == -5, must be >= -1"),
        (
            {"iterator_train__batch_size": -5},
            "Got iterator_train__batch_size=-5, expected an integer of at least 1, or",
        ),
        ({"iterator_valid__batch_size": 0}, "Got iterator_valid__batch_size=0, expect"),
        ({"iterator_valid__batch_size": 2.5}, "iterator_valid__batch_size=2.5, expect"),
        ({"batch_size": "all"}, "batch_size must be an instance of"),
        ({"lr": 0}, "lr == 0, must be > 0"),
        ({"lr": -0.1}, "lr == -0.1, must be > 0"),
        ({"lr": float("nan")}, "Got lr=nan, expected a finite number"),
        ({"lr": float("inf")}, "Got lr=inf, expected a finite number"),
        ({"lr": "fast"}, "lr must be an instance of"),
        ({"lr_schedule": "cosine"}, "Got lr_schedule='cosine', expected one of"),
        ({"precision": "half"}, "Got precision='half', expected one of"),
        ({"device": "tpu"}, "Got device='tpu'.*Expected 'auto'"),
        ({"callbacks": 3}, "Got callbacks=3, expected a list"),
        ({"callbacks": "disable"}, "callbacks__print_log=None"),
        ({"callbacks": [3]}, r"Got callbacks=\[3\], expected a list of skorch"),
        ({"callbacks": [("timer",)]}, r"Got callbacks=\[\('timer',\)\], expected a li"),
        ({"callbacks": [ProgressBar]}, "scikit-learn to set_callbacks"),
        ({"train_split": 0.2}, "Got train_split=0.2, expected a callable"),
        ({"module": "CNN"}, "Got module='CNN', expected a torch.nn.Module"),
        ({"random_state": "lucky"}, "'lucky' cannot be used to seed"),
        ({"learning_rate": 1}, r"unexpected argument\(s\) learning_rate"),
        ({"optimiser__momentum": 1}, "unexpected.*optimiser__momentum"),
        ({"iterator_train__drop_last": True}, "drop_last, but the default.*DataL"),
        (
            {"iterator_valid__pin_memory": 1},
            "pin_memory, but the default iterator",
        ),
        ({"module_hidden_units": 1}, "did you mean module__hidden_units"),
        ({"module__hidden": 1}, "CNN takes no hidden; it takes"),
    ],
)
def test_bad_parameters(small, few, parameters, message):
    with pytest.raises((ValueError, TypeError), match=message):
        small(**parameters).fit(*few)


def test_unknown_parameter_in_set_params(small):
    with pytest.raises(ValueError, match="Invalid parameter 'epochs' for estimator"):
        small().set_params(epochs=3)


def bad_data():
    rng = np.random.default_rng(0)
    X, y = rng.random((20, 784)), np.arange(20) % 2
    nan, inf = X.copy(), X.copy()
    nan[3, 5], inf[3, 5] = np.nan, np.inf
    dataset = TensorDataset(torch.zeros(20, 784), torch.zeros(20))
    return {
        "NaN": (nan, y, "NaN"),
        "infinity": (inf, y, "infinity"),
        "empty": (X[:0], y[:0], "0 sample"),
        "empty squares": (np.zeros((0, 28, 28)), y[:0], "0 sample"),
        "no pixels": (np.zeros((20, 0)), y, "0 feature"),
        "lengths": (X, y[:-1], "inconsistent numbers of samples"),
        "one class": (X, np.ones(20), "1 class"),
        "continuous": (X, rng.random(20), "continuous"),
        "no y": (X, None, "requires y to be passed"),
        "y of two columns": (X, np.stack([y, y], 1), "y should be a 1d array"),
        "y with NaN": (X, np.where(y, np.nan, 0), "NaN"),
        "1-D": (X[0], y, "Expected 2D array, got 1D array"),
        "5-D": (X.reshape(20, 1, 1, 28, 28), y, "5 dimensions"),
        "sparse": (sparse.csr_matrix(X), y, "Sparse data was passed"),
        "complex": (X.astype(complex), y, "Complex data not supported"),
        "words": (
            X.astype(str).tolist()[:1] + [["ink"] * 784] * 19,
            y,
            "numeric|convert",
        ),
        "labels of two types": (
            X,
            np.array(["a", 1] * 10, object),
            "uniformly strings or numbers",
        ),
        "None": (None, y, "Expected 2D array|NoneType|None"),
        "data set of pairs": ([dataset[0], dataset[1]], None, "LazyImages"),
        "channels last": (np.zeros((20, 28, 28, 1)), y, "channels last"),
    }


@pytest.mark.parametrize("kind", bad_data())
def test_bad_data(small, kind):
    X, y, message = bad_data()[kind]
    clf = small()
    before = vars(clf).copy()
    with pytest.raises((ValueError, TypeError), match=message):
        clf.fit(X, y)
    assert vars(clf) == before  # nothing was trained or stored


def test_predict_before_fit(small, few):
    for method in ("predict", "predict_proba", "predict_log_proba"):
        with pytest.raises(NotFittedError, match="not fitted yet"):
            getattr(small(), method)(few[0])
    with pytest.raises(NotFittedError):
        small().score(*few)
    assert not hasattr(small(), "loss_curve_")
    assert not hasattr(small(), "n_iter_")
    assert not hasattr(small(), "classes_")
    with pytest.raises(ValueError, match="Call fit or partial_fit"):
        small().initialize()


def test_predict_with_invalid_data(small, few):
    X, y = few
    clf = small().fit(X, y)
    for images, message in (
        (X[:, :783], "X has 783 features, but MnistCNNClassifier is expecting 784"),
        (X.reshape(-1, 14, 56), r"\(1, 14, 56\), but .* trained on \(1, 28, 28\)"),
        (X[0], "Expected 2D array, got 1D array"),
        (X[:0], "0 sample"),
        (X * np.nan, "NaN"),
        (sparse.csr_matrix(X), "Sparse data was passed"),
        (TensorDataset(torch.from_numpy(X[:, :9])), "X has 9 features"),
    ):
        for method in (clf.predict, clf.predict_proba):
            with pytest.raises((ValueError, TypeError), match=message):
                method(images)


def test_feature_names_are_checked(small, few):
    X, y = few
    clf = small().fit(pd.DataFrame(X).rename(columns=str), y)
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        clf.predict(X)


def test_overflow_in_prediction_raises(small, few):
    X, y = few
    clf = small().fit(X, y)
    clf.module_.fc1.weight.data *= 1e6
    assert np.isfinite(clf.predict_proba(X)).all()
    extreme = np.where(X > 0, np.float32(3e38), 0)
    one_of_many = np.where(np.arange(200)[:, None] == 7, extreme, X)
    for images in (extreme, one_of_many):
        with pytest.raises(ValueError, match=r"so large that the network over.*scale"):
            clf.predict(images)


def test_divergence_is_detected_before_callbacks_are_called(small, few):
    """A checkpoint keeps its last good state, and no callback predicts with NaN."""
    X, y = few
    finished = []

    class Checkpoint(Callback):
        def on_epoch_end(self, net, **kwargs):
            assert all(torch.isfinite(w).all() for w in net.module_.parameters())
            finished.append(len(net.history))
            net.set_params(lr=1e4)
            for group in net.optimizer_.param_groups:
                group["lr"] = 1e4

    clf = MnistCNNClassifier.with_article_recipe(random_state=0)
    clf.set_params(callbacks=[*clf.callbacks, Checkpoint()])
    with pytest.raises(ValueError, match=r"diverged in epoch \d+: .*smaller lr"):
        clf.fit(X, y)
    assert finished
    with pytest.raises(ValueError, match=r"diverged in epoch 1: .*lr \(it is 10000"):
        MnistCNNClassifier.with_article_recipe(lr=1e4, random_state=0).fit(X, y)


def test_weights_that_overflow_in_the_last_batch(small, few):
    """The loss of that batch is still finite."""
    clf = small(lr=1e38, lr_schedule=None, max_epochs=1, batch_size=-1)
    clf.set_params(optimizer=torch.optim.SGD, optimizer__momentum=0.9)
    clf.set_params(optimizer__weight_decay=1e5)
    with pytest.raises(ValueError, match="the weights of the network"):
        clf.fit(*few)
    assert not hasattr(clf, "module_")


def test_frozen_parameters_need_not_be_finite(few):
    class Masked(torch.nn.Module):
        def __init__(self, n_classes):
            super().__init__()
            self.layer = torch.nn.Linear(784, n_classes)
            mask = torch.tensor([0, -torch.inf])
            self.mask = torch.nn.Parameter(mask, requires_grad=False)

        def forward(self, X):
            return self.layer(X.flatten(1) / 255).log_softmax(1)

    assert MnistCNNClassifier(module=Masked, max_epochs=1).fit(*few).n_iter_ == 1


def test_loss_curve_without_the_train_loss_callback(small, few):
    clf = small(callbacks__train_loss=None).fit(*few)
    assert clf.loss_curve_ == small().fit(*few).loss_curve_
    assert clf.n_iter_ == 2
    with pytest.raises(ValueError, match="Training diverged in epoch 1"):
        clf.set_params(lr=1e12, lr_schedule=None).fit(*few)


def test_failed_fit_restores_the_criterion(small, few):
    class Learned(torch.nn.NLLLoss):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.scale = torch.nn.Parameter(torch.ones(1))

        def forward(self, log_probabilities, y_encoded):
            loss = super().forward(log_probabilities, y_encoded)
            return loss * self.scale - self.scale.log()

    parameters = {"warm_start": True, "lr_schedule": None, "lr": 0.02, "verbose": 0}
    clf = small(criterion=Learned, **parameters).fit(*few)
    before = clf.criterion_.scale.item()
    assert before != 1
    with pytest.raises(ValueError, match="diverged"):
        clf.set_params(lr=1e12).fit(*few)
    assert clf.criterion_.scale.item() == before
    clf.set_params(lr=0.02).fit(
        *few, sample_weight=1 + few[1]
    )  # the loss uses the parameters
    assert clf.criterion_.scale.item() != before


def test_autocast_of_the_caller_has_no_effect(small, few):
    clf = small(precision="float32").fit(*few)
    expected = clf.predict_proba(few[0])
    with torch.autocast("cpu", torch.bfloat16):
        found = clf.predict_proba(few[0])
        again = small(precision="float32").fit(*few)
    np.testing.assert_array_equal(found, expected)
    assert torch.equal(weights(again), weights(clf))


@pytest.mark.parametrize("precision", ["auto", "float32", "bfloat16"])
def test_precision_in_float64(small, few, default_dtype, precision):
    """With this default dtype networks are float64, whatever the precision."""

    class CustomNetwork(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(784, 10)

        def forward(self, X):
            return self.layer(X.flatten(1) / 255).log_softmax(1)

    default_dtype(torch.float64)
    for parameters in ({}, {"module": CustomNetwork}):
        clf = MnistCNNClassifier(max_epochs=1, precision=precision, **parameters)
        assert clf.fit(*few).precision_ == "float64"
        assert {w.dtype for w in clf.module_.parameters()} == {torch.float64}
        assert clf.predict_proba(few[0]).dtype == np.float64


def test_network_is_left_in_evaluation_mode(small, few):
    clf = small(module__dropout=0.5).fit(*few)
    for estimator in (clf, clf.partial_fit(*few), pickle.loads(pickle.dumps(clf))):
        assert not any(layer.training for layer in estimator.module_.modules())
    with pytest.raises(ValueError, match="diverged"):
        clf.set_params(lr=1e12).partial_fit(*few)
    assert not any(layer.training for layer in clf.module_.modules())
    clf.module_.train()  # predictions use evaluation mode anyway
    np.testing.assert_array_equal(clf.predict_proba(few[0]), clf.predict_proba(few[0]))


def test_exploding_loss_raises(small, few):
    X, y = few
    clf = small(lr=1e12, lr_schedule=None)
    with pytest.raises(ValueError, match=r"training loss became .* smaller lr"):
        clf.fit(X, y)
    assert not hasattr(clf, "module_")
    clf = small().fit(X, y)
    expected = clf.predict_proba(X)
    with pytest.raises(ValueError, match=r"training loss became .* smaller lr"):
        clf.set_params(lr=1e12, lr_schedule=None).fit(X, y)
    np.testing.assert_array_equal(clf.predict_proba(X), expected)


def test_digits_recipe(few):
    clf = MnistCNNClassifier.with_digits_recipe(max_epochs=1, random_state=0)
    assert clf.max_epochs == 1
    clf.fit(*few)
    assert isinstance(clf.augmentation_, RandomAffine)
    assert clf.set_params(augmentation__shift=1).fit(*few).augmentation_.shift == 1
    other = MnistCNNClassifier.with_digits_recipe(augmentation=None)
    assert other.augmentation is None


def test_misspelt_parameter_of_the_network(few):
    with pytest.raises(TypeError, match=r"module__hidden_unit, .*CNN.*hidden_units"):
        MnistCNNClassifier(module__hidden_unit=3).fit(*few)


# The full MNIST -----------------------------------------------------------------------


def test_full_mnist_statistics_and_scale(mnist):
    X_train, y_train, X_test, y_test = mnist
    clf = MnistCNNClassifier(max_epochs=1, random_state=0).fit(X_train, y_train)
    assert round(clf.pixel_mean_[0] / 255, 4) == 0.1307
    assert round(clf.pixel_std_[0] / 255, 4) == 0.3081
    assert clf.score(X_test, y_test) >= 0.985

    X, y = X_train[:6000], y_train[:6000]
    clf.set_params(precision="float32")
    raw, scaled = clone(clf).fit(X, y), clone(clf).fit(X / 255, y)
    first = [clf.history[0, "batches", :5, "train_loss"] for clf in (raw, scaled)]
    np.testing.assert_allclose(*first, atol=1e-4)
    assert (raw.predict(X_test) == scaled.predict(X_test / 255)).mean() >= 0.99
