"""Early stopping, as in `MLPClassifier`."""

import warnings

import numpy as np
import pytest
import torch
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.neural_network import MLPClassifier
from skorch.callbacks import Callback, EarlyStopping, LRScheduler
from skorch.dataset import ValidSplit
from torch.optim.lr_scheduler import StepLR

from skmnist import MnistCNNClassifier

NAMES = np.array(list("jihgfedcba"))


@pytest.fixture
def patient(small):
    """Return a factory of classifiers with early stopping."""

    def make(**parameters):
        defaults = {
            "early_stopping": True,
            "validation_fraction": 0.25,
            "n_iter_no_change": 3,
            "lr_schedule": None,
            "lr": 0.02,
            "optimizer": torch.optim.SGD,
            "optimizer__momentum": 0.9,
            "optimizer__nesterov": True,
            "max_epochs": 60,
            "batch_size": 20,
        }
        return small(**{**defaults, **parameters})

    return make


class Snapshots(Callback):
    """Records the weights at the end of each epoch."""

    def on_train_begin(self, net, **kwargs):
        self.weights_ = []

    def on_epoch_end(self, net, **kwargs):
        self.weights_.append(flat(net))


def flat(clf):
    return torch.cat([w.detach().flatten() for w in clf.module_.parameters()])


def epochs_without_improvement(scores, tol):
    """Count the epochs since the best score was last improved by at least tol."""
    misses, best = 0, -np.inf
    for score in scores:
        misses = misses + 1 if score < best + tol else 0
        best = max(best, score)
    return misses


@pytest.mark.parametrize("names", [np.arange(10), NAMES])
@pytest.mark.parametrize("tol", [1e-4, 0.05])
def test_training_stops_and_best_weights_are_restored(patient, few, names, tol):
    X, y = few[0], names[few[1]]
    clf = patient(tol=tol, callbacks=[("snapshots", Snapshots())]).fit(X, y)
    scores = clf.validation_scores_
    assert 4 < clf.n_iter_ == len(scores) < 60
    assert clf.best_validation_score_ == max(scores) > 0.5
    # stops as soon as more than n_iter_no_change epochs have not improved the score
    assert epochs_without_improvement(scores, tol) == 4
    assert all(
        epochs_without_improvement(scores[:n], tol) <= 3 for n in range(len(scores))
    )
    snapshots = dict(clf.callbacks_)["snapshots"].weights_
    assert len(snapshots) == clf.n_iter_  # callbacks are called for the last epoch too
    assert torch.equal(flat(clf), snapshots[int(np.argmax(scores))])
    assert not torch.equal(flat(clf), snapshots[-1])


def test_validation_data_are_a_stratified_fraction(patient, few):
    X, y = few
    held_out = []

    class Spy(Callback):
        def on_epoch_begin(self, net, dataset_valid, **kwargs):
            held_out.append(y[dataset_valid.indices])

    clf = patient(max_epochs=2, callbacks=[Spy()]).fit(X, y)
    assert np.bincount(held_out[0]).tolist() == [5] * 10
    assert sum(clf.history[0, "batches", :, "train_batch_size"]) == 150
    scores = clf.validation_scores_
    again = clf.fit(X, y)
    assert again.validation_scores_ == scores
    assert np.array_equal(held_out[0], held_out[-1])


def test_size_of_the_validation_data_is_rounded_up(patient, few):
    """9.2 images become 10, one of each class, which is sufficient."""
    clf = patient(max_epochs=1, validation_fraction=0.046).fit(*few)
    assert sum(clf.history[0, "batches", :, "train_batch_size"]) == 190


def test_warm_start_keeps_the_validation_data(patient, few):
    held_out = []

    class Spy(Callback):
        def on_epoch_begin(self, net, dataset_valid, **kwargs):
            held_out.append(dataset_valid.indices.tolist())

    clf = patient(max_epochs=1, warm_start=True, callbacks=[Spy()])
    clf.fit(*few).fit(*few)
    assert held_out[0] == held_out[1]
    assert len(clf.validation_scores_) == 2


def test_same_rule_as_mlp_classifier(patient, few, monkeypatch):
    """Given the same scores, both stop after the same number of epochs."""
    X, y = few
    rng = np.random.default_rng(0)
    for _ in range(5):
        given = np.cumsum(rng.normal(0.02, 0.03, 40)).round(2)
        for tol, patience in ((1e-4, 2), (0.05, 3), (0.0, 1)):
            mlp = MLPClassifier(
                [1],
                early_stopping=True,
                tol=tol,
                n_iter_no_change=patience,
                max_iter=40,
                random_state=0,
            )
            scores = iter(given.tolist())
            monkeypatch.setattr(
                mlp, "_score", lambda *_, scores=scores, **__: next(scores)
            )
            with warnings.catch_warnings():  # MLPClassifier may warn
                warnings.simplefilter("ignore")
                mlp.fit(X[:40], y[:40] % 2)
            clf = patient(tol=tol, n_iter_no_change=patience, max_epochs=40)
            scores = iter(given.tolist())
            monkeypatch.setattr(
                "skmnist.classifiers._image_classifier.score_validation_data",
                lambda *_, scores=scores: next(scores),
            )
            clf.fit(X[:40], y[:40] % 2)
            assert clf.n_iter_ == len(mlp.validation_scores_)
            assert clf.validation_scores_ == mlp.validation_scores_
            assert clf.best_validation_score_ == mlp.best_validation_score_


def test_training_loss_is_monitored_without_early_stopping(patient, few):
    clf = patient(early_stopping=False, tol=10.0)
    assert clf.fit(*few).n_iter_ == 5  # the first, three without improvement, one more
    assert clf.validation_scores_ is None
    assert clf.best_validation_score_ is None
    # but not if the learning rate is scheduled, or if tol is None
    assert patient(early_stopping=False, tol=None, max_epochs=7).fit(*few).n_iter_ == 7
    for scheduled in (
        {"lr_schedule": "onecycle"},
        {"callbacks": [LRScheduler(StepLR, step_size=5)]},
    ):
        clf = patient(early_stopping=False, tol=10.0, max_epochs=7, **scheduled)
        assert clf.fit(*few).n_iter_ == 7


def test_stopping_rule_for_the_training_loss(patient, few):
    """Stops after more than n_iter_no_change epochs without a decrease of tol."""
    clf = patient(early_stopping=False, tol=0.01, lr=0.05, n_iter_no_change=2)
    losses = -np.array(clf.fit(*few).loss_curve_)
    assert 5 < len(losses) < 60
    assert epochs_without_improvement(losses, 0.01) == 3
    assert all(
        epochs_without_improvement(losses[:n], 0.01) <= 2 for n in range(len(losses))
    )


def test_best_score_belongs_to_the_restored_weights(patient, few):
    X, y = few
    clf = patient(warm_start=True).fit(X, y)
    first = clf.best_validation_score_
    clf.set_params(lr=1.0, max_epochs=3).fit(X, y)  # makes it worse
    assert clf.best_validation_score_ == max(clf.validation_scores_[-3:]) < first


def test_split_depends_on_random_state(patient, few):
    held_out = []

    class Spy(Callback):
        def on_epoch_begin(self, net, dataset_valid, **kwargs):
            held_out.append(dataset_valid.indices.tolist())

    for seed in (0, 1):
        patient(max_epochs=1, callbacks=[Spy()], random_state=seed).fit(*few)
    assert held_out[0] != held_out[1]
    patient(max_epochs=1, random_state=None).fit(*few)  # a seed of 128 bits


def test_article_recipe(few):
    recipe = MnistCNNClassifier.with_article_recipe
    assert recipe().tol is None
    clf = recipe(early_stopping=True, n_iter_no_change=1, tol=0.9, max_epochs=9)
    assert clf.fit(*few).n_iter_ == 3
    stopping = recipe(early_stopping=True, n_iter_no_change=1, lr=1e-9)
    assert stopping.tol == MnistCNNClassifier().tol
    assert stopping.fit(*few).n_iter_ == 3  # it learns nothing


def test_unknown_monitor_raises(patient, few):
    for parameters in (
        {"callbacks__stopping__monitor": "valid_accuracy"},
        {"callbacks__valid_acc": None},
    ):
        with pytest.raises(
            ValueError, match=r"waits for 'valid_acc.*it has .*'train_a"
        ):
            patient(**parameters).fit(*few)
    # also without validation data
    for method in ("fit", "partial_fit"):
        clf = patient(early_stopping=False, callbacks__stopping__monitor="train_los")
        classes = {"classes": np.arange(10)} if method == "partial_fit" else {}
        with pytest.raises(ValueError, match=r"waits for 'train_los'.*'train_loss'"):
            getattr(clf, method)(*few, **classes)
    with pytest.raises(ValueError, match="no callback 'stopping'"):
        patient(early_stopping=False, tol=None, callbacks__stopping__patience=3).fit(
            *few
        )


def test_custom_callback_named_early_stopping(small, few):
    split = {"train_split": ValidSplit(4), "lr_schedule": None}
    small(callbacks=[("early_stopping", EarlyStopping())], **split).fit(*few)


def test_best_weights_are_not_stored_twice(patient, few):
    clf = patient(max_epochs=4).fit(*few)
    assert dict(clf.callbacks_)["stopping"].best_weights_ is None


def test_tol_none_restores_without_stopping(patient, few):
    clf = patient(tol=None, max_epochs=15, callbacks=[("snapshots", Snapshots())])
    clf.fit(*few)
    assert clf.n_iter_ == 15
    best = int(np.argmax(clf.validation_scores_))
    assert torch.equal(flat(clf), dict(clf.callbacks_)["snapshots"].weights_[best])


def test_verbose(patient, few, capsys):
    patient(verbose=1).fit(*few)
    printed = capsys.readouterr().out
    assert "Stopping since valid_acc has not improved by 0.0001 in the last 4" in (
        printed
    )
    assert "Restoring the weights of epoch" in printed


def test_ctrl_c_restores_the_best_weights(patient, few, ctrl_c):
    class Impatient(Callback):
        def on_batch_end(self, net, **kwargs):
            if len(net.history) == 12:
                ctrl_c()

    clf = patient(
        n_iter_no_change=50, callbacks=[("snapshots", Snapshots()), Impatient()]
    )
    with pytest.warns(UserWarning, match="interrupted by user after 11 full epochs"):
        clf.fit(*few)
    best = int(np.argmax(clf.validation_scores_))
    assert torch.equal(flat(clf), dict(clf.callbacks_)["snapshots"].weights_[best])


@pytest.mark.parametrize("names", [np.arange(10), NAMES])
def test_in_a_grid_search(patient, few, names):
    X, y = few[0], names[few[1]]
    grid = {"validation_fraction": [0.2, 0.3], "early_stopping": [True, False]}
    search = GridSearchCV(patient(max_epochs=8), grid, cv=2, error_score="raise")
    search.fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_skorch_early_stopping_in_a_grid_search(small, few):
    split = ValidSplit(0.25, stratified=True)
    clf = small(train_split=split, callbacks=[EarlyStopping(patience=2)])
    search = GridSearchCV(clf, {"lr": [0.05]}, cv=2, error_score="raise")
    assert np.isfinite(search.fit(*few).best_score_)


def test_partial_fit_trains_on_all_images(patient, few):
    clf = patient(early_stopping=True)
    for _ in range(6):
        clf.partial_fit(*few, classes=np.arange(10))
    assert clf.n_iter_ == 6
    assert clf.history[0, "batches", :, "train_batch_size"] == [20] * 10
    assert clf.validation_scores_ is None


def test_early_stopping_saves_epochs(patient, digits):
    """It takes fewer epochs, and the accuracy is about the same."""
    X, y = digits
    X, X_test, y, y_test = train_test_split(X, y, stratify=y, random_state=0)
    clf = patient(validation_fraction=0.15, n_iter_no_change=5).fit(X, y)
    assert clf.n_iter_ < 60
    assert clf.score(X_test, y_test) > 0.93


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"early_stopping": "yes"}, "Got early_stopping='yes', expected True or False"),
        ({"train_split": ValidSplit(5)}, "early_stopping=True and train_split=.*one"),
        ({"validation_fraction": 0}, "validation_fraction == 0, must be > 0"),
        ({"validation_fraction": 1.0}, "validation_fraction == 1.0, must be < 1"),
        ({"validation_fraction": "0.1"}, "validation_fraction must be an instance"),
        ({"n_iter_no_change": 0}, "n_iter_no_change == 0, must be >= 1"),
        ({"n_iter_no_change": 2.5}, "n_iter_no_change must be an instance"),
        ({"tol": -1}, "tol == -1, must be >= 0"),
        ({"tol": "small"}, "tol must be an instance"),
        ({"tol": float("nan")}, "Got tol=nan, expected a finite number"),
        ({"tol": float("inf")}, "Got tol=inf, expected a finite number"),
        (
            {"validation_fraction": 0.04},
            "which splits 200 images into 192 to train on and 8 to hold out.*10 class",
        ),
        (
            {"validation_fraction": 0.96},
            "which splits 200 images into 8 to train on and 192 to hold out",
        ),
        (
            {"validation_fraction": 0.954},
            "which splits 200 images into 9 to train on and 191 to hold out",
        ),
    ],
)
def test_bad_parameters(patient, few, parameters, message):
    with pytest.raises((ValueError, TypeError), match=message):
        patient(**parameters).fit(*few)


def test_class_of_one_image_raises(patient, few):
    X, y = few
    y = np.where(np.arange(200) == 7, 77, y)
    with pytest.raises(ValueError, match=r"only 1 image of the labels \[77\]"):
        patient().fit(X, y)


def test_no_best_score_after_partial_fit(patient, few):
    clf = patient(max_epochs=3).fit(*few)
    assert clf.best_validation_score_ is not None
    assert clf.partial_fit(*few).best_validation_score_ is None
