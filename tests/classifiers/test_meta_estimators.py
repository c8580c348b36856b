"""`MnistCNNClassifier` in scikit-learn's meta-estimators, and metadata routing."""

import numpy as np
import pytest
import sklearn
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    RandomizedSearchCV,
    cross_validate,
    train_test_split,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.semi_supervised import SelfTrainingClassifier

from skmnist import MnistCNNClassifier

NAMES = np.array(list("jihgfedcba"))


@pytest.fixture
def clf():
    """A classifier that learns half of the 8x8 digits in half a second."""
    return MnistCNNClassifier(
        lr=0.01,
        max_epochs=4,
        batch_size=32,
        module__channels=(6, 12),
        module__hidden_units=50,
        random_state=0,
    )


@pytest.fixture
def split(digits):
    X, y = digits
    return train_test_split(
        X, NAMES[y], train_size=800, test_size=400, stratify=y, random_state=0
    )


@pytest.mark.parametrize(
    ("wrap", "min_score"),
    [
        (lambda clf: AdaBoostClassifier(clf, n_estimators=2, random_state=0), 0.85),
        (lambda clf: BaggingClassifier(clf, n_estimators=2, random_state=0), 0.85),
        (
            lambda clf: VotingClassifier(
                [("cnn", clf), ("linear", LogisticRegression(max_iter=1000))],
                voting="soft",
            ),
            0.9,
        ),
        (
            lambda clf: StackingClassifier(
                [("cnn", clf), ("linear", LogisticRegression(max_iter=1000))],
                final_estimator=LogisticRegression(max_iter=1000),
                cv=2,
            ),
            0.9,
        ),
        (lambda clf: CalibratedClassifierCV(clf, cv=2), 0.85),
        (lambda clf: CalibratedClassifierCV(clf, cv=2, method="isotonic"), 0.85),
        (lambda clf: OneVsRestClassifier(clf), 0.9),
    ],
    ids=lambda value: None,
)
def test_meta_classifiers(clf, split, wrap, min_score):
    X, X_test, y, y_test = split
    outer = wrap(clf).fit(X, y)
    assert outer.score(X_test, y_test) > min_score
    assert outer.predict_proba(X_test).shape == (400, 10)
    assert outer.classes_.tolist() == sorted(NAMES)
    assert not hasattr(clf, "module_")  # it was cloned


def test_ensembles_pass_sample_weight_to_the_network(clf, split):
    X, X_test, y, _ = split
    weight = (y != "a").astype(float)
    for outer in (
        AdaBoostClassifier(clf, n_estimators=1),
        BaggingClassifier(clf, n_estimators=2, random_state=0),
        VotingClassifier([("cnn", clf)], voting="soft"),
        CalibratedClassifierCV(clf, cv=2),
    ):
        outer.fit(X, y, sample_weight=weight)
        assert "a" not in outer.predict(X_test)


def test_self_training(clf, split):
    X, X_test, y, y_test = split
    y_encoded = NAMES.argsort()[np.searchsorted(np.sort(NAMES), y)]
    known = np.arange(800) < 400
    y_partial = np.where(known, y_encoded, -1)
    outer = SelfTrainingClassifier(clf, max_iter=2).fit(X, y_partial)
    assert outer.labeled_iter_.max() >= 1  # some labels were predicted
    assert (NAMES[outer.predict(X_test)] == y_test).mean() > 0.85


def test_calibration_of_a_frozen_classifier(clf, split):
    X, X_test, y, y_test = split
    fitted = clf.fit(X[:600], y[:600])
    calibrated = CalibratedClassifierCV(FrozenEstimator(fitted)).fit(X[600:], y[600:])
    assert calibrated.score(X_test, y_test) > 0.8


def test_classifier_chain(clf, split):
    X, X_test, y, _ = split
    targets = np.column_stack([y < "e", y < "c"]).astype(int)
    with pytest.warns(UserWarning, match="65 features, which is not a square number"):
        chain = ClassifierChain(clf).fit(X, targets)
    assert chain.predict(X_test).shape == (400, 2)


# Metadata routing ---------------------------------------------------------------------


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


class Spy(MnistCNNClassifier):
    """Records the weights that it receives."""

    seen = []  # noqa: RUF012 (clones share it)

    def fit(self, X, y, sample_weight=None):
        self.seen.append(("fit", sample_weight))
        return super().fit(X, y, sample_weight)

    def score(self, X, y, sample_weight=None):
        self.seen.append(("score", sample_weight))
        return super().score(X, y, sample_weight)


@pytest.mark.usefixtures("routing")
@pytest.mark.parametrize("requested", [True, False])
def test_sample_weight_reaches_fit_and_score(few, requested):
    X, y = few
    weight = 1.0 + np.arange(200)
    Spy.seen.clear()
    spy = Spy(max_epochs=1, module__channels=(2, 4), module__hidden_units=8)
    if requested:
        spy.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
    pipeline = Pipeline([("same", FunctionTransformer()), ("net", spy)])
    search = GridSearchCV(pipeline, {"net__lr": [0.1]}, cv=2, error_score="raise")
    if not requested:
        with pytest.raises(UnsetMetadataPassedError, match="sample_weight"):
            search.fit(X, y, sample_weight=weight)
        search.fit(X, y)
        assert all(seen is None for _, seen in Spy.seen)
        return
    search.fit(X, y, sample_weight=weight)
    found = [(name, len(seen), float(np.sum(seen))) for name, seen in Spy.seen]
    whole = weight.sum()
    fits = [entry for entry in found if entry[0] == "fit"]
    scores = [entry for entry in found if entry[0] == "score"]
    assert [length for _, length, _ in fits] == [100, 100, 200]
    assert sum(total for _, _, total in fits) == 2 * whole
    assert [length for _, length, _ in scores] == [100, 100]
    assert sum(total for _, _, total in scores) == whole


@pytest.mark.usefixtures("routing")
def test_routed_weights_take_effect(clf, split):
    X, _, y, _ = split
    weight = (y != "a").astype(float)
    clf.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
    pipeline = Pipeline([("same", FunctionTransformer()), ("net", clf)])
    pipeline.fit(X, y, sample_weight=weight)
    assert "a" not in pipeline.predict(X)
    scores = cross_validate(
        pipeline, X, y, cv=2, params={"sample_weight": weight}, return_estimator=True
    )
    assert scores["test_score"].min() > 0.8  # only the other classes count
    assert all("a" not in one.predict(X) for one in scores["estimator"])
    search = RandomizedSearchCV(pipeline, {"net__lr": [0.01]}, n_iter=1, cv=2)
    search.fit(X, y, sample_weight=weight)
    assert "a" not in search.predict(X)


@pytest.mark.usefixtures("routing")
def test_routing_without_requests(small, few):
    clf = small(train_split=None, early_stopping=True, validation_fraction=0.2)
    assert clf.fit(*few, sample_weight=1 + few[1]).n_iter_ == 2
    assert clf.partial_fit(*few).n_iter_ == 3
