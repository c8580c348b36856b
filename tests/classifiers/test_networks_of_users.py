"""`ImageClassifier` around networks other than the article's."""

import copy
import functools
import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from skorch import NeuralNetClassifier
from skorch.callbacks import Callback
from torch import nn
from torch.utils.data import DataLoader

from skmnist.callbacks import StopTraining
from skmnist.classifiers import ImageClassifier, MnistCNNClassifier
from skmnist.networks import CNN


class Linear(nn.Module):
    def __init__(self, image_shape, n_classes, mean, std, scale=1.0):
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32))
        self.register_buffer("std", torch.tensor(std, dtype=torch.float32))
        self.scale = scale
        self.output = nn.Linear(int(np.prod(image_shape)), n_classes)

    def forward(self, X):
        X = (X - self.mean[:, None, None]) / self.std[:, None, None]
        return self.output(self.scale * X.flatten(1)).log_softmax(1)


class Prior(nn.Module):
    """Ignores the pixels; its output is a view of a parameter."""

    def __init__(self, n_classes):
        super().__init__()
        initial = torch.full((1, n_classes), -np.log(n_classes), dtype=torch.float32)
        self.log_probabilities = nn.Parameter(initial)

    def forward(self, X):
        return self.log_probabilities.expand(len(X), -1)


class Centred(Linear):
    """Is initialised from the training images, as a whitened first layer would be."""

    calls = 0

    def initialize_from_data(self, images, sample_weight):
        assert not torch.is_grad_enabled()
        self.calls += 1
        self.received = images, sample_weight
        self.noise = torch.rand(3)
        self.mean += 1


@pytest.fixture
def linear():
    def make(**parameters):
        defaults = {"module": Linear, "max_epochs": 20, "random_state": 0}
        return ImageClassifier(**{**defaults, **parameters})

    return make


def test_output_that_is_a_view_of_a_parameter(few):
    X, y = few
    clf = ImageClassifier(Prior, lr=1e-9, lr_schedule=None, max_epochs=1).fit(X, y)
    for predict in (clf.predict_proba, lambda X: np.exp(clf.predict_log_proba(X))):
        np.testing.assert_allclose(predict(X), np.full((len(X), 10), 0.1), rtol=1e-3)


def test_it_is_a_skorch_classifier(linear):
    assert isinstance(linear(), NeuralNetClassifier)
    assert issubclass(MnistCNNClassifier, ImageClassifier)


def test_the_network_is_required():
    with pytest.raises(TypeError, match="module"):
        ImageClassifier()


def test_positional_network(few):
    assert ImageClassifier(Linear, max_epochs=5, random_state=0).fit(*few).score(*few)


@pytest.mark.parametrize("labels", [np.arange(10), np.array(list("jihgfedcba"))])
@pytest.mark.parametrize("shape", [(784,), (28, 28), (1, 28, 28), (4, 14, 14)])
def test_contract(linear, few, labels, shape):
    X, y = few[0].reshape(-1, *shape), labels[few[1]]
    clf = linear().fit(X, y)
    assert clf.score(X, y) > 0.9
    assert clf.n_features_in_ == 784
    assert clf.classes_.tolist() == sorted(labels.tolist())
    np.testing.assert_allclose(clf.predict_proba(X).sum(1), 1, atol=1e-6)
    again = clone(clf).fit(X, y)
    np.testing.assert_array_equal(again.predict_proba(X), clf.predict_proba(X))
    for copied in (pickle.loads(pickle.dumps(clf)), copy.deepcopy(clf)):
        np.testing.assert_array_equal(copied.predict_proba(X), clf.predict_proba(X))


def test_searches_and_pipelines(linear, few):
    X, y = few
    search = GridSearchCV(linear(), {"module__scale": [1e-6, 1.0]}, cv=2).fit(X, y)
    assert search.best_params_ == {"module__scale": 1.0}
    pipeline = make_pipeline(MinMaxScaler(), linear())
    assert cross_val_score(pipeline, X, y, cv=2).mean() > 0.6


def test_same_as_the_subclass(few):
    """`MnistCNNClassifier` only adds a network and a recipe."""
    recipe = {
        name: getattr(MnistCNNClassifier(), name)
        for name in ("lr", "batch_size", "label_smoothing", "optimizer")
    }
    one = ImageClassifier(CNN, max_epochs=2, random_state=0, **recipe).fit(*few)
    other = MnistCNNClassifier(max_epochs=2, random_state=0).fit(*few)
    np.testing.assert_array_equal(
        one.predict_proba(few[0]), other.predict_proba(few[0])
    )
    assert one.loss_curve_ == other.loss_curve_


def test_custom_subclass(few):
    class LinearClassifier(ImageClassifier):
        def __init__(self, module=Linear, *, lr=0.01, **kwargs):
            super().__init__(module, lr=lr, **kwargs)

    clf = LinearClassifier(max_epochs=5, module__scale=0.5, random_state=0)
    assert clf.get_params(deep=False) == {
        **ImageClassifier(Linear).get_params(deep=False),
        "lr": 0.01,
        "max_epochs": 5,
        "module__scale": 0.5,
        "random_state": 0,
    }
    clf.fit(*few)
    np.testing.assert_array_equal(
        clone(clf).fit(*few).predict_proba(few[0]), clf.predict_proba(few[0])
    )


def test_constructor_without_kwargs_can_be_cloned(few):
    class Closed(ImageClassifier):
        def __init__(self, *, lr=0.01, random_state=None):
            super().__init__(Linear, lr=lr, random_state=random_state, max_epochs=3)

    clf = Closed(random_state=0).set_params(module__scale=2.0).fit(*few)
    assert set(clf.get_params(deep=False)) == {"lr", "random_state", "module__scale"}
    assert clone(Closed(lr=0.1)).lr == 0.1


class Normalized(nn.Module):
    def __init__(self, image_shape, n_classes):
        super().__init__()
        n_pixels = int(np.prod(image_shape))
        self.layers = nn.Sequential(
            nn.Flatten(),
            nn.BatchNorm1d(n_pixels),
            nn.Linear(n_pixels, n_classes),
            nn.LogSoftmax(dim=1),
        )

    def forward(self, X):
        return self.layers(X)


class NormalizedPlanes(Linear):
    def __init__(self, image_shape, n_classes, mean, std):
        super().__init__(image_shape, n_classes, mean, std)
        self.norm = nn.BatchNorm2d(1)

    def forward(self, X):
        return super().forward(self.norm(X))


def test_batch_normalization(linear, few):
    X, y = few[0][:65], few[1][:65]
    clf = linear(module=Normalized, batch_size=16, max_epochs=2).fit(X, y)
    assert clf.history[-1, "batches", :, "train_batch_size"] == [16, 16, 16, 17]
    n_tracked = clf.module_.layers[1].num_batches_tracked
    assert n_tracked == 8
    # the cycle of the learning rate counts four batches, too
    other = clone(clf).fit(X[:64], y[:64])
    learning_rates = [c.history[:, "batches", :, "event_lr"] for c in (clf, other)]
    assert learning_rates[0] == learning_rates[1]
    expected = clf.predict_proba(X)
    for image in (0, 64):
        found = clf.predict_proba(X[image : image + 1])
        np.testing.assert_allclose(found[0], expected[image], atol=1e-6)
    copied = pickle.loads(pickle.dumps(clf))
    np.testing.assert_array_equal(copied.predict_proba(X), expected)
    assert copied.module_.layers[1].num_batches_tracked == n_tracked


@pytest.mark.parametrize(
    "parameters",
    [{"batch_size": 1}, {"iterator_train": DataLoader}],
    ids=str,
)
def test_batch_normalization_refuses_a_single_image(linear, few, parameters):
    X, y = few[0][:65], few[1][:65]
    message = "batch of a single image to train a Normalized on.*Expected more than 1"
    clf = linear(module=Normalized, **parameters)
    with pytest.raises(ValueError, match=message):
        clf.fit(X, y)
    assert not clf.initialized_
    with pytest.raises(ValueError, match=message):
        clf.partial_fit(X[:1], y[:1], classes=range(10))
    linear(module=Normalized, max_epochs=1).fit(X, y).partial_fit(X[1:3], y[1:3])
    remedy = {"iterator_train": DataLoader, "iterator_train__drop_last": True}
    linear(module=Normalized, max_epochs=1, **remedy).fit(X, y)


@pytest.mark.parametrize("module", [Linear, NormalizedPlanes])
def test_networks_that_can_train_on_a_single_image_do(linear, few, module):
    X, y = few[0][:5], few[1][:5]
    linear(module=module, batch_size=1, max_epochs=1).fit(X, y)


def test_other_errors_of_networks_are_their_own(linear, few):
    class Broken(Linear):
        def forward(self, X):
            if self.training:
                raise ValueError("broken")
            return super().forward(X)

    for batch_size in (1, 64):
        with pytest.raises(ValueError, match=r"^broken$"):
            linear(module=Broken, batch_size=batch_size).fit(*few)


def test_training_data_are_passed_once(linear, few):
    X, y = few
    weights = np.random.default_rng(0).integers(0, 3, len(y)).astype(float)
    clf = linear(module=Centred).fit(X, y, weights)
    module = clf.module_
    assert module.calls == 1
    images, sample_weight = module.received
    assert images.shape == (np.sum(weights > 0), 1, 28, 28)
    assert images.dtype == torch.uint8
    np.testing.assert_allclose(sample_weight.mean(), 1, rtol=1e-6)
    np.testing.assert_allclose(
        sample_weight / sample_weight[0], weights[weights > 0] / weights[weights > 0][0]
    )
    np.testing.assert_allclose(module.mean, clf.pixel_mean_ + 1, rtol=1e-6)
    again = linear(module=Centred).fit(X, y, weights)
    assert torch.equal(again.module_.noise, module.noise)  # drawn from the seed
    clf.set_params(warm_start=True).fit(X, y).partial_fit(X, y)
    assert clf.module_.calls == 1


def test_validation_data_are_not_passed(linear, few):
    clf = linear(module=Centred, early_stopping=True, validation_fraction=0.25)
    images, sample_weight = clf.fit(*few).module_.received
    assert len(images) == 150
    assert sample_weight is None


def test_raw_pixels_and_bfloat16_are_declared(linear, few, precision):
    seen = []

    class Undeclared(Linear):
        def forward(self, X):
            seen.append(X.dtype)
            return super().forward(X)

    class Declared(Undeclared):
        accepts_raw_pixels = True
        supports_bfloat16 = True

    class Derived(Declared):
        """Inherits the declarations, which apply only to the parent."""

    for module, dtype, trained_in in (
        (Undeclared, torch.float32, "float32"),
        (Declared, torch.uint8, precision),
        (Derived, torch.float32, "float32"),
    ):
        seen.clear()
        clf = linear(module=module).fit(*few)
        assert set(seen) == {dtype}
        assert clf.precision_ == trained_in


def test_stop_training(linear, few):
    ends = []

    class StopAfterTwo(Callback):
        def on_epoch_end(self, net, **kwargs):
            if len(net.history) == 2:
                raise StopTraining

        def on_train_end(self, net, **kwargs):
            ends.append(len(net.history))

    clf = linear(callbacks=[StopAfterTwo()]).fit(*few)
    assert clf.n_iter_ == 2
    assert ends == [2]
    assert clf.score(*few) > 0.5


def test_interruption_by_a_callback_is_reported(linear, few):
    class Interrupt(Callback):
        def on_epoch_end(self, net, **kwargs):
            raise KeyboardInterrupt

    with pytest.warns(UserWarning, match="interrupted by user after 1 full epochs"):
        clf = linear(callbacks=[Interrupt()]).fit(*few)
    assert clf.n_iter_ == 1


@pytest.mark.parametrize(
    "parameters",
    [
        {"module": CNN(n_classes=7)},
        {"module": functools.partial(CNN, hidden_units=9)},
        {"module": CNN, "module__n_classes": 12},
    ],
)
def test_number_of_outputs_is_checked(few, parameters):
    X, y = few
    with pytest.raises(ValueError, match=r"expected log-probabilities of shape \(2, 3"):
        ImageClassifier(**parameters).fit(X[y < 3], y[y < 3])


def test_training_data_are_not_changed(linear, few):
    class InPlace(Linear):
        def initialize_from_data(self, images, sample_weight):
            images.zero_()
            self.output.weight = nn.Parameter(torch.zeros_like(self.output.weight))

    X = few[0].astype(np.float32)
    before = X.copy()
    clf = linear(module=InPlace).fit(X, few[1])
    np.testing.assert_array_equal(X, before)
    assert torch.any(clf.module_.output.weight != 0), "a new parameter is trained, too"


@pytest.mark.parametrize("hook", ["on_train_begin", "on_train_end"])
def test_stop_training_in_any_hook(linear, few, hook):
    class Stop(Callback):
        pass

    def stop(self, net, **kwargs):
        raise StopTraining

    setattr(Stop, hook, stop)
    clf = linear(callbacks=[Stop()], max_epochs=2).fit(*few)
    assert clf.n_iter_ == (0 if hook == "on_train_begin" else 2)
    assert len(clf.predict(few[0])) == 200


def test_copies_in_callbacks_hold_nothing_of_the_running_fit(linear, few):
    copies = []

    class Copy(Callback):
        def on_epoch_end(self, net, **kwargs):
            copies.append(copy.deepcopy(net))

    clf = linear(callbacks=[Copy()], max_epochs=2).fit(*few)
    for copied in (*copies, clf):
        assert "_control" not in dict(copied.callbacks_)
