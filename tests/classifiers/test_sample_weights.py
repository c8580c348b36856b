"""Sample weights and class weights."""

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight
from skorch.callbacks import Callback

from skmnist import MnistCNNClassifier
from skmnist.classifiers._pixel_statistics import pixel_statistics
from skmnist.classifiers._sample_weights import combine_weights

NAMES = np.array(list("jihgfedcba"))


def weights_of_network(clf):
    return torch.cat([w.detach().flatten() for w in clf.module_.parameters()])


@pytest.fixture
def weight():
    """Integer weights, including zeros, for the few digits."""
    return np.random.default_rng(0).integers(0, 4, 200)


# Laws ---------------------------------------------------------------------------------


def test_equal_weights_change_nothing(small, few):
    expected = weights_of_network(small().fit(*few))
    for same in (1, 0.1, np.ones(200), np.full(200, 7), [0.3] * 200):
        clf = small().fit(*few, sample_weight=same)
        assert torch.equal(weights_of_network(clf), expected)


def test_doubling_all_weights_changes_nothing(small, few, weight):
    once, twice, sevenfold = (
        small(precision="float32").fit(*few, sample_weight=factor * weight)
        for factor in (1, 2, 7)
    )
    assert torch.equal(weights_of_network(once), weights_of_network(twice))
    np.testing.assert_allclose(
        once.predict_proba(few[0]), sevenfold.predict_proba(few[0]), atol=1e-5
    )
    unweighted = small(precision="float32").fit(*few)
    assert not torch.equal(weights_of_network(once), weights_of_network(unweighted))


@pytest.mark.parametrize("optimizer", [torch.optim.SGD, torch.optim.AdamW])
def test_integer_weights_equal_repeated_images(small, few, weight, optimizer):
    X, y = few
    clf = small(batch_size=-1, max_epochs=8, optimizer=optimizer, lr=0.05)
    clf.set_params(precision="float32")
    if optimizer is torch.optim.AdamW:
        clf.set_params(lr=0.005)
    weighted = clf.fit(X, y, sample_weight=weight)
    expected = weighted.predict_proba(X), weighted.loss_curve_
    statistics = weighted.pixel_mean_, weighted.pixel_std_
    repeated = clf.fit(X.repeat(weight, axis=0), y.repeat(weight))
    np.testing.assert_allclose(
        (repeated.pixel_mean_, repeated.pixel_std_), statistics, rtol=1e-12
    )
    np.testing.assert_allclose(repeated.loss_curve_, expected[1], atol=1e-5)
    np.testing.assert_allclose(repeated.predict_proba(X), expected[0], atol=1e-4)
    # without weights, the result is clearly different
    unweighted = clf.fit(X, y).predict_proba(X)
    assert np.abs(unweighted - expected[0]).max() > 1e-3


class Gradient(Callback):
    """Records the gradient of the last batch."""

    def on_grad_computed(self, net, named_parameters, **kwargs):
        parts = [weight.grad.flatten() for _, weight in named_parameters]
        self.gradient_ = torch.cat(parts)


def test_integer_weights_equal_repeated_images_in_bfloat16(small, few, weight):
    """In one gradient: the rounding errors of several steps have no simple bound."""
    X, y = few

    def gradient(*data):
        clf = small(batch_size=-1, max_epochs=1, optimizer=torch.optim.SGD)
        clf.set_params(lr_schedule=None, precision="bfloat16")
        clf.set_params(callbacks=[("gradient", Gradient())]).fit(*data)
        return dict(clf.callbacks_)["gradient"].gradient_

    repeated = gradient(X.repeat(weight, axis=0), y.repeat(weight))
    # Rounding to eight significant bits has an error of up to 2**-8. Some processors
    # also accumulate the sum over n images in bfloat16: n errors of random sign add up
    # to about sqrt(n) times one error.
    tolerance = 2**-8 * weight.sum() ** 0.5 * repeated.norm()
    assert (gradient(X, y, weight) - repeated).norm() < tolerance
    assert (gradient(X, y) - repeated).norm() > 3 * tolerance


def test_integer_weights_equal_repeated_images_in_float64(
    small, few, weight, default_dtype
):
    """The two differ only by rounding errors."""
    default_dtype(torch.float64)
    X, y = few
    clf = small(batch_size=-1, max_epochs=8, precision="float32", lr=0.005)
    weighted = clf.fit(X, y, sample_weight=weight)
    losses, probabilities = weighted.loss_curve_, weighted.predict_proba(X)
    repeated = clf.fit(X.repeat(weight, axis=0), y.repeat(weight))
    np.testing.assert_allclose(repeated.loss_curve_, losses, rtol=1e-11)
    np.testing.assert_allclose(repeated.predict_proba(X), probabilities, rtol=1e-9)


@pytest.mark.usefixtures("precision")
@pytest.mark.parametrize("how", ["fit", "partial_fit"])
def test_weight_0_removes_an_image(small, few, weight, how):
    X, y = few
    kept = weight > 0
    classes = {"classes": np.unique(y)} if how == "partial_fit" else {}
    with_zeros, without = small(), small()
    getattr(with_zeros, how)(X, y, sample_weight=weight, **classes)
    getattr(without, how)(X[kept], y[kept], sample_weight=weight[kept], **classes)
    assert torch.equal(weights_of_network(with_zeros), weights_of_network(without))


@pytest.mark.parametrize("how", ["fit", "partial_fit"])
def test_sample_weight_is_not_modified(small, few, how):
    X, y = few
    classes = {"classes": np.unique(y)} if how == "partial_fit" else {}
    weight = np.ones(200)  # float64, which needs no conversion
    getattr(small(class_weight={1: 3}), how)(X, y, sample_weight=weight, **classes)
    assert np.array_equal(weight, np.ones(200))


@pytest.mark.parametrize("how", ["class_weight", "sample_weight"])
def test_class_of_weight_0_is_never_predicted(digits, how):
    X, y = digits
    parameters = {"module__channels": (4, 8), "max_epochs": 3, "random_state": 0}
    everything = MnistCNNClassifier(**parameters).fit(X, y)
    assert (everything.predict(X) == 3).any()
    if how == "class_weight":
        clf = MnistCNNClassifier(**parameters, class_weight={3: 0}).fit(X, y)
    else:
        clf = MnistCNNClassifier(**parameters).fit(X, y, sample_weight=y != 3)
    assert clf.classes_.tolist() == list(range(10))
    assert not (clf.predict(X) == 3).any()
    assert clf.predict_proba(X)[:, 3].max() < 0.1


@pytest.mark.parametrize("names", [np.arange(10), NAMES, np.array(list("0123456789"))])
def test_balanced_equals_the_explicit_dict(small, few, names):
    X, y = few[0][:150], names[np.sort(few[1])[:150] // 2]
    classes = np.unique(y)
    values = compute_class_weight("balanced", classes=classes, y=y)
    explicit = dict(zip(classes.tolist(), values, strict=True))
    assert len(set(explicit.values())) > 1
    balanced = small(class_weight="balanced").fit(X, y)
    by_hand = small(class_weight=explicit).fit(X, y)
    assert torch.equal(weights_of_network(balanced), weights_of_network(by_hand))
    as_samples = small().fit(X, y, sample_weight=values[classes.searchsorted(y)])
    assert torch.equal(weights_of_network(balanced), weights_of_network(as_samples))
    plain = small().fit(X, y)
    assert not torch.equal(weights_of_network(balanced), weights_of_network(plain))


def test_sample_and_class_weights_multiply(small, few, weight):
    X, y = few
    both = small(class_weight={1: 3, 2: 0.5}).fit(X, y, sample_weight=weight)
    product = weight * np.select([y == 1, y == 2], [3, 0.5], 1)
    alone = small().fit(X, y, sample_weight=product)
    assert torch.equal(weights_of_network(both), weights_of_network(alone))


def test_balanced_counts_weighted_images(few, weight):
    y = few[1]
    weights = combine_weights(weight, "balanced", y, np.unique(y))
    sums = [weights[y == label].sum() for label in range(10)]
    np.testing.assert_allclose(sums, sums[0])


def test_balanced_ignores_classes_of_weight_0(few, weight):
    """The others are balanced as if the images of such a class were missing."""
    y, classes = few[1], np.arange(10)
    others = y != 3
    weight = weight * others
    weights = combine_weights(weight, "balanced", y, classes)
    expected = combine_weights(weight[others], "balanced", y[others], classes)
    assert np.array_equal(weights[others], expected)
    assert not weights[~others].any()


def test_partial_fit_scales_weights_over_all_calls(small, few):
    X, y = few
    halves = slice(0, 100), slice(100, 200)

    def stream(*factors):
        clf = small()
        for half, factor in zip(halves, factors, strict=True):
            weight = None if factor is None else np.full(100, factor)
            clf.partial_fit(X[half], y[half], np.arange(10), sample_weight=weight)
        return weights_of_network(clf)

    plain = stream(None, None)
    assert torch.equal(stream(1, 1), plain)
    assert torch.equal(stream(4, 4), plain)
    assert torch.equal(stream(None, 1), plain)
    # only the ratio between the calls matters
    assert torch.equal(stream(1, 3), stream(2, 6))
    assert not torch.equal(stream(1, 3), plain)
    assert torch.equal(
        weights_of_network(
            small(class_weight={5: 2}).partial_fit(X, y, classes=np.arange(10))
        ),
        weights_of_network(
            small().partial_fit(X, y, np.arange(10), sample_weight=1 + (y == 5))
        ),
    )


def test_loss_and_its_reductions(small, few, weight, precision):
    """The history has mean(w * loss), with w of mean 1 over the training set."""
    X, y = few
    for reduction, factor in (("mean", 1), ("sum", 200)):
        clf = small(batch_size=-1, max_epochs=1, criterion__reduction=reduction)
        clf.set_params(lr=1e-12, lr_schedule=None)  # hardly changes the network
        clf.set_params(precision=precision).fit(X, y, sample_weight=1 + weight)
        images = torch.from_numpy(X).reshape(-1, 1, 28, 28).to(clf.device_)
        half = precision == "bfloat16"
        autocast = torch.autocast(clf.device_.type, torch.bfloat16, enabled=half)
        with torch.no_grad(), autocast:
            log_probabilities = clf.module_(images).cpu().float().numpy()
        losses = -log_probabilities[np.arange(200), y]
        expected = factor * np.average(losses, weights=1 + weight)
        assert clf.loss_curve_ == pytest.approx([expected], rel=1e-5)
        assert clf.criterion_.reduction == reduction


def test_pixel_statistics():
    images = torch.tensor([[[[1, 2], [3, 4]]], [[[9, 9], [9, 9]]]], dtype=torch.uint8)
    mean, std, _ = pixel_statistics(images, np.array([3.0, 1.0]))
    pixels = np.array([1, 2, 3, 4] * 3 + [9] * 4)
    np.testing.assert_allclose((mean[0], std[0]), (pixels.mean(), pixels.std()))
    for value in (0.1, 250.7, -3.3, 0.0):  # rounding must not cause a spread
        constant = torch.full((37, 2, 3, 3), value)
        _, std, _ = pixel_statistics(constant, np.random.default_rng(0).random(37))
        assert std.tolist() == [1, 1]


def test_warm_start_forgets_the_scale_of_the_previous_fit(small, few):
    X, y = few
    parameters = {"warm_start": True, "lr_schedule": None, "lr": 0.02}
    parameters |= {"precision": "float32"}
    weights = []
    for factor in (1, 9):
        clf = small(**parameters).fit(X, y, sample_weight=factor * (1.0 + y))
        weights.append(
            weights_of_network(clf.fit(X, y, sample_weight=1 + 1.0 * (y > 4)))
        )
    torch.testing.assert_close(*weights)


def test_weights_of_held_out_images_do_not_affect_training(small, few):
    X, y = few
    parameters = {"early_stopping": True, "validation_fraction": 0.25, "tol": None}
    parameters |= {"max_epochs": 4, "lr_schedule": None, "lr": 0.02}
    splits = []

    class Spy(Callback):
        def on_train_begin(self, net, **kwargs):
            splits.append(None)

        def on_epoch_begin(self, net, dataset_train, dataset_valid, **kwargs):
            splits[-1] = dataset_train.indices, dataset_valid.indices

    small(**parameters, callbacks=[Spy()]).fit(X, y)
    train, valid = splits[0]
    weight = 1.0 + (y > 4)
    weight[valid[0]] = 1e5
    parameters |= {"batch_size": -1, "lr": 1e-9}  # hardly changes the network
    parameters |= {"precision": "float32"}
    clf = small(**parameters, callbacks=[Spy()])
    clf.fit(X, y, sample_weight=weight)
    assert np.array_equal(splits[1][0], train)
    losses = -clf.predict_log_proba(X[train])[np.arange(150), y[train]]
    expected = np.average(losses, weights=weight[train])
    assert clf.loss_curve_[0] == pytest.approx(expected, rel=1e-4)
    # and the score on the held-out ones is weighted
    expected = clf.score(X[valid], y[valid], weight[valid])
    assert clf.validation_scores_[-1] == pytest.approx(expected)
    assert clf.validation_scores_[-1] != clf.score(X[valid], y[valid])


# Where weights are used ---------------------------------------------------------------


def test_validation_is_weighted(small, few, weight):
    X, y = few
    weight = weight + 1.0
    train, valid = np.arange(150), np.arange(150, 200)

    def split(dataset, y):
        return [torch.utils.data.Subset(dataset, part) for part in (train, valid)]

    for use_caching in ("auto", False):
        clf = small(train_split=split, max_epochs=8, batch_size=10)
        clf.set_params(use_caching=use_caching).fit(X, y, sample_weight=weight)
        expected = clf.score(X[valid], y[valid], weight[valid])
        assert clf.history[-1, "valid_acc"] == pytest.approx(expected)
        assert clf.history[-1, "valid_acc"] != clf.score(X[valid], y[valid])
        losses = -clf.predict_log_proba(X[valid])[np.arange(50), y[valid]]
        expected = np.mean(losses * weight[valid] / weight[train].mean())
        assert clf.history[-1, "valid_loss"] == pytest.approx(expected, rel=1e-5)


def test_data_loader_with_weights(small, few, weight):
    parameters = {"iterator_train__shuffle": False}
    own = small(**parameters).fit(*few, sample_weight=weight)
    loader = small(iterator_train=torch.utils.data.DataLoader, **parameters)
    loader.fit(*few, sample_weight=weight)
    assert torch.equal(weights_of_network(own), weights_of_network(loader))


# Invalid weights ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (np.ones(199), r"sample_weight.shape == \(199,\), expected \(200,\)"),
        (np.ones((200, 1)), "must be 1D array or scalar"),
        (np.full(200, -1.0), "Negative values"),
        (np.full(200, np.nan), "sample_weight contains NaN"),
        (np.full(200, np.inf), "sample_weight contains infinity"),
        (np.zeros(200), "at least one non-zero"),
        (np.arange(200) == 0, "1 class with a weight above 0"),
        (np.full(200, 1e308), "sum is inf"),
        (["heavy"] * 200, "could not convert string"),
        ("heavy", "heavy|array"),
    ],
)
def test_bad_sample_weight(small, few, weight, message):
    clf = small()
    before = vars(clf).copy()
    with pytest.raises((ValueError, TypeError), match=message):
        clf.fit(*few, sample_weight=weight)
    assert vars(clf) == before


@pytest.mark.parametrize(
    ("class_weight", "message"),
    [
        ("heavy", "Got class_weight='heavy', expected None, 'balanced' or a dict"),
        ([1, 2], r"Got class_weight=\[1, 2\], expected None"),
        ({1: -1}, "weight of 1 is -1, expected a finite number of at least 0"),
        ({1: "two"}, "weight of 1 is 'two'"),
        ({1: float("nan")}, "weight of 1 is nan"),
        ({"1": 2}, r"labels \['1'\], which are not among the classes \[0, 1,"),
        (dict.fromkeys(range(9), 0), "1 class with a weight above 0"),
        (dict.fromkeys(range(10), 0), "sum is 0.0"),
    ],
)
def test_bad_class_weight(small, few, class_weight, message):
    with pytest.raises((ValueError, TypeError), match=message):
        small(class_weight=class_weight).fit(*few)


def test_class_weight_may_include_missing_classes(small, few):
    X, y = few
    some = y < 3
    clf = small(class_weight=dict.fromkeys(range(10), 2)).fit(X[some], y[some])
    assert clf.classes_.tolist() == [0, 1, 2]


def test_bad_weights_in_partial_fit(small, few):
    with pytest.raises(ValueError, match="'balanced' in partial_fit"):
        small(class_weight="balanced").partial_fit(*few, classes=np.arange(10))
    with pytest.raises(ValueError, match="non-zero"):
        small().partial_fit(*few, np.arange(10), sample_weight=np.zeros(200))


class LossWithoutReduction(torch.nn.Module):
    def forward(self, log_probabilities, y_encoded):
        return -log_probabilities[torch.arange(len(y_encoded)), y_encoded].mean()


class LossThatAverages(torch.nn.NLLLoss):
    def forward(self, log_probabilities, y_encoded):
        return super().forward(log_probabilities, y_encoded).mean()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"criterion": LossThatAverages},
            r"LossThatAverages.*shape \(\) for 64 images",
        ),
        ({"criterion__weight": torch.ones(10)}, "class_weight instead of criterion__w"),
    ],
)
def test_losses_that_conflict_with_sample_weight(small, few, parameters, message):
    small(**parameters).fit(*few)
    with pytest.raises(ValueError, match=message):
        small(**parameters).fit(*few, sample_weight=1 + few[1])


def test_label_smoothing_with_weights(small, few):
    clf = small(criterion=torch.nn.CrossEntropyLoss, criterion__label_smoothing=0.1)
    weighted = clf.fit(*few, sample_weight=1 + few[1]).loss_curve_
    assert weighted != clf.fit(*few).loss_curve_
    assert weighted == pytest.approx(clf.loss_curve_, abs=0.2)


def test_sample_weight_as_a_tensor(small, few):
    expected = small().fit(*few, sample_weight=1.0 + few[1])
    for dtype in (torch.float32, torch.bfloat16):
        weight = torch.tensor(1.0 + few[1], dtype=dtype, requires_grad=True)
        clf = small().fit(*few, sample_weight=weight)
        assert torch.equal(weights_of_network(clf), weights_of_network(expected))
        assert clf.score(*few, weight) == clf.score(*few, 1.0 + few[1])


def test_loss_that_cannot_be_weighted(small, few):
    clf = small(criterion=LossWithoutReduction).fit(*few)
    expected = clf.predict_proba(few[0])
    with pytest.raises(ValueError, match=r"LossWithoutReduction.*no attribute reduc"):
        clf.fit(*few, sample_weight=few[1])
    np.testing.assert_array_equal(clf.predict_proba(few[0]), expected)
