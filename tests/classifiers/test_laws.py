"""Laws that hold for all data: hypothesis looks for counterexamples."""

import random

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skmnist import MnistCNNClassifier

seeds = st.integers(0, 2**32 - 1)
shapes = st.sampled_from(
    [(1, 16, 16), (1, 16, 17), (2, 16, 16), (1, 3, 3), (1, 28, 28)]
)
parameters = st.fixed_dictionaries(
    {
        "max_epochs": st.integers(1, 2),
        "batch_size": st.sampled_from([-1, 1, 4]),
        "lr_schedule": st.sampled_from(["onecycle", None]),
        "lr": st.sampled_from([0.02, 1e-4]),
        "module__dropout": st.sampled_from([0.0, 0.5]),
        "optimizer": st.sampled_from([torch.optim.SGD, torch.optim.Adam]),
        "class_weight": st.sampled_from([None, "balanced"]),
        "precision": st.sampled_from(["float32", "bfloat16"]),
        "random_state": seeds,
    }
)


@st.composite
def tasks(draw, max_images=8):
    """Images (n, C, H, W), uint8 or float, and their labels 0, 1, 2."""
    rng = np.random.default_rng(draw(seeds))
    n = draw(st.integers(3, max_images))
    X = rng.integers(0, 256, (n, *draw(shapes)), dtype=np.uint8)
    if draw(st.booleans()):
        X = X * draw(st.sampled_from([1 / 255, 1.0, -3.7, 1e4]))
    y = np.concatenate([[0, 1, 2], rng.integers(0, 3, n - 3)])
    return X, rng.permutation(y)


def make(parameters):
    return MnistCNNClassifier(
        module__channels=(1, 2), module__hidden_units=3, **parameters
    )


def bits(clf):
    return torch.cat([w.detach().flatten() for w in clf.module_.parameters()]).tolist()


@pytest.fixture(scope="module")
def fitted(request):
    """A network with string labels, for the laws of prediction.

    The parameter of the fixture scales the pixels for training.
    """
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (60, 256), dtype=np.uint8)
    y = np.array(["a", "b", "c"])[rng.integers(0, 3, 60)]
    X = X * request.param if hasattr(request, "param") else X
    return make({"max_epochs": 3, "random_state": 0}).fit(X, y)


# Training -----------------------------------------------------------------------------


def draw_something(seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    np.random.rand(seed % 7)
    torch.rand(seed % 5)


@given(tasks(), tasks(), parameters, seeds, seeds)
def test_same_seed_same_model(task, other, parameters, before, after):
    """Whatever the global seeds, and whatever ran before."""
    draw_something(before)
    first = make(parameters).fit(*task)
    draw_something(after)
    second = make({**parameters, "random_state": after}).fit(*other)
    second.predict(other[0])
    second.set_params(random_state=parameters["random_state"]).fit(*task)
    assert bits(first) == bits(second)
    assert first.loss_curve_ == second.loss_curve_


def surroundings():
    return (
        random.getstate(),
        str(np.random.get_state()),
        torch.get_rng_state().tolist(),
        torch.get_num_threads(),
        torch.is_grad_enabled(),
        torch.get_default_dtype(),
    )


class Failing(torch.nn.Module):
    """Draws random numbers, and raises after `calls_left` calls."""

    def __init__(self, calls_left):
        super().__init__()
        self.calls_left = calls_left
        self.scores = torch.nn.Parameter(torch.rand(3))

    def forward(self, X):
        torch.rand(1)
        np.random.rand()
        self.calls_left -= 1
        if self.calls_left < 0:
            raise ZeroDivisionError
        return self.scores.expand(len(X), 3).log_softmax(1)


@given(
    tasks(),
    parameters,
    st.one_of(st.none(), seeds),
    st.booleans(),
    st.sampled_from([torch.float32, torch.float64]),
    st.sampled_from([None, 0, 1, 2]),
)
def test_nothing_global_changes(
    task, parameters, seed, grad_enabled, default_dtype, fails_after
):
    """After fit, and after an exception in fit."""
    threads = torch.get_num_threads()
    try:
        torch.set_default_dtype(default_dtype)
        torch.set_num_threads(2 if threads == 1 else 1)
        with torch.set_grad_enabled(grad_enabled):
            clf = make({**parameters, "random_state": seed})
            if fails_after is not None:
                clf = MnistCNNClassifier(
                    module=Failing,
                    module__calls_left=fails_after,
                    random_state=seed,
                    batch_size=1,
                )
            before = surroundings()
            try:
                clf.fit(*task)
            except ZeroDivisionError:
                assert fails_after is not None
            else:
                assert fails_after is None
            assert surroundings() == before
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_num_threads(threads)


@given(tasks(), parameters)
def test_layouts_agree_bit_for_bit(task, parameters):
    X, y = task
    shape = X.shape[1:]
    expected = make(parameters).fit(X, y).predict_proba(X)
    rows = X.reshape(len(X), -1)
    layouts = [(rows, {"image_shape": shape}), (torch.from_numpy(X), {})]
    if shape[0] == 1:
        layouts.append((X[:, 0], {}))
        if shape[1] == shape[2]:
            layouts += [(rows, {}), (np.asfortranarray(rows), {})]
    for images, extra in layouts:
        clf = make({**parameters, **extra}).fit(images, y)
        assert np.array_equal(clf.predict_proba(images), expected)


labels = (
    st.integers(-(2**40), 2**40),
    st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8),
    st.integers(-(2**40), 2**40).map(float),
)
names = st.one_of(
    *(st.lists(kind, min_size=3, max_size=3, unique=True) for kind in labels)
)


@given(tasks(), parameters, names)
def test_order_preserving_names_change_no_bit(task, parameters, names):
    X, y = task
    expected = make(parameters).fit(X, y)
    names = np.sort(np.array(names))
    renamed = make(parameters).fit(X, names[y])
    assert renamed.classes_.tolist() == names.tolist()
    assert np.array_equal(renamed.predict_proba(X), expected.predict_proba(X))
    assert renamed.predict(X).tolist() == names[expected.predict(X)].tolist()


@given(tasks(), parameters, seeds)
def test_doubled_weights_change_no_bit(task, parameters, seed):
    X, y = task
    weight = np.random.default_rng(seed).random(len(y)) + 0.01
    once = make(parameters).fit(X, y, sample_weight=weight)
    twice = make(parameters).fit(X, y, sample_weight=2 * weight)
    assert bits(once) == bits(twice)


@given(tasks(), parameters, seeds)
def test_full_batch_weights_are_repetitions(task, parameters, seed):
    X, y = task
    weight = np.random.default_rng(seed).integers(1, 4, len(y))
    parameters = {**parameters, "batch_size": -1, "module__dropout": 0.0, "lr": 1e-4}
    parameters["precision"] = "float32"  # for bfloat16, see test_sample_weights.py
    weighted = make(parameters).fit(X, y, sample_weight=weight)
    repeated = make(parameters).fit(X.repeat(weight, axis=0), y.repeat(weight))
    np.testing.assert_allclose(weighted.pixel_std_, repeated.pixel_std_, rtol=1e-9)
    np.testing.assert_allclose(weighted.loss_curve_, repeated.loss_curve_, atol=1e-4)
    np.testing.assert_allclose(
        weighted.predict_proba(X), repeated.predict_proba(X), atol=1e-3
    )


# Prediction ---------------------------------------------------------------------------

pixels = st.one_of(
    st.integers(0, 255),
    st.floats(-(2.0**100), 2.0**100, width=32),
    st.sampled_from([0.0, -0.0, 1e-45, 3.4e38]),  # the limits of float32
)


@given(
    X=st.one_of(
        arrays(np.uint8, st.tuples(st.integers(1, 5), st.just(256))),
        arrays(np.float32, st.tuples(st.integers(1, 3), st.just(256)), elements=pixels),
    )
)
@example(X=np.full((1, 256), 3.4e38, dtype=np.float32))
@pytest.mark.filterwarnings("ignore:Got X with pixels")  # on any scale
@pytest.mark.parametrize("fitted", [1, 1e-4], indirect=True)
def test_probabilities(fitted, X):
    """Or, where pixels are so large that the network overflows, an error.

    Trained on pixels from 0 to 255 this network never does, but on smaller ones.
    """
    with torch.no_grad():
        outputs = fitted.module_(torch.from_numpy(X).reshape(-1, *fitted.image_shape_))
    if outputs.isnan().any():
        with pytest.raises(ValueError, match="so large that the network overflows"):
            fitted.predict_proba(X)
        return
    probabilities = fitted.predict_proba(X)
    assert probabilities.shape == (len(X), 3)
    assert np.all(np.isfinite(probabilities))
    assert np.all((probabilities > 0) & (probabilities <= 1))
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-6)
    expected = fitted.classes_[probabilities.argmax(1)]
    assert np.array_equal(fitted.predict(X), expected)
    logarithms = fitted.predict_log_proba(X).astype(np.float64)
    np.testing.assert_allclose(probabilities, np.exp(logarithms), 1e-5, atol=1e-37)


@pytest.mark.filterwarnings("ignore:Got X with pixels")  # on any scale
@given(arrays(np.uint8, st.tuples(st.integers(2, 9), st.just(256))), st.data())
def test_an_image_is_judged_alone(fitted, X, data):
    """Its probabilities do not depend on what it is asked together with."""
    chosen = data.draw(st.permutations(range(len(X))))[: len(X) - 1]
    np.testing.assert_allclose(
        fitted.predict_proba(X[chosen]), fitted.predict_proba(X)[chosen], atol=1e-6
    )
