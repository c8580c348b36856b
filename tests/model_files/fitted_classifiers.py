"""Fitted classifiers of many kinds."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.datasets import load_digits
from skorch.callbacks import EarlyStopping, EpochScoring, LRScheduler
from skorch.dataset import ValidSplit
from torch import nn

import skmnist
from skmnist import MnistCNNClassifier, RandomAffine, RandomShift, augmentation

NAMES = np.array(
    ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
)


def default(few, small):
    return MnistCNNClassifier(max_epochs=1, random_state=0).fit(*few)


def with_momentum(few, small):
    return small(optimizer=torch.optim.SGD, optimizer__momentum=0.9, lr=0.05).fit(*few)


def as_text(few, small):
    X, y = few
    return small().fit(X, NAMES[y])


def as_objects(few, small):
    X, y = few
    return small().fit(X, NAMES[y].astype(object))


def as_floats(few, small):
    X, y = few
    return small().fit(X, y * 2.0)


def two_classes(few, small):
    X, y = few
    return small().fit(X, y > 4)


def squares(few, small):
    X, y = few
    return small().fit(X.reshape(-1, 28, 28), y)


def channels(few, small):
    X, y = few
    return small().fit(np.stack([X, X]).reshape(-1, 2, 28, 28), y)


def small_squares(few, small):
    X, y = load_digits(return_X_y=True)
    return small().fit(X[:200], y[:200])


def no_squares(few, small):
    X, y = few
    with pytest.warns(UserWarning, match="not a square number"):
        return small().fit(X[:, :700], y)


def data_frame(few, small):
    X, y = few
    X = pd.DataFrame(X, columns=[f"pixel {i}" for i in range(784)])
    return small().fit(X, y)


def stopping_early(few, small):
    return small(early_stopping=True, lr_schedule=None, n_iter_no_change=1).fit(*few)


def augmented(few, small):
    return small(augmentation=RandomAffine(rotation=5.0)).fit(*few)


def augmented_by_class(few, small):
    return small(augmentation=RandomAffine, augmentation__shift=2.0).fit(*few)


def augmented_by_list(few, small):
    steps = [getattr(skmnist, name)() for name in augmentation.__all__]
    parameters = {"augmentation__randomshift__max_shift": 1}
    return small(augmentation=steps, **parameters).fit(*few)


def augmented_by_tuple(few, small):
    return small(augmentation=(RandomShift, RandomShift(max_shift=3))).fit(*few)


def with_callbacks(few, small):
    callbacks = [
        EpochScoring("f1_micro", name="f1", lower_is_better=False),
        ("stop", EarlyStopping(patience=7)),
        ("rate", LRScheduler("StepLR", step_size=3)),
        EarlyStopping,
    ]
    split = ValidSplit(0.25, stratified=True, random_state=3)
    clf = small(callbacks=callbacks, lr_schedule=None, train_split=split)
    return clf.fit(*few)


def many_parameters(few, small):
    return small(
        class_weight={np.int64(3): np.float32(2.0), 5: 0.5},
        lr=np.float64(0.001),
        max_epochs=np.int32(2),
        criterion=nn.NLLLoss,
        criterion__ignore_index=-5,
        image_shape=[1, 28, 28],
        callbacks__print_log=None,
        callbacks__lr_schedule__pct_start=0.3,
        iterator_valid=torch.utils.data.DataLoader,
        iterator_valid__batch_size=50,
        device=torch.device("cpu"),
        precision="bfloat16",
        tol=None,
        warm_start=np.True_,
        random_state=None,
    ).fit(*few)


def streamed(few, small):
    X, y = few
    return small().partial_fit(X, y, classes=range(12)).partial_fit(X, y)


def weighted(few, small):
    X, y = few
    return small(class_weight="balanced").fit(X, y, sample_weight=y + 1.0)


def interrupted(few, small):
    clf = small().fit(*few)
    clf.history.new_epoch()  # one that Ctrl-C ended has batches, but no mean
    clf.history.record("epoch", 3)
    clf.history.new_batch()
    clf.history.record_batch("train_loss", 0.5)
    return clf


KINDS = [
    *(default, with_momentum, as_text, as_objects, as_floats, two_classes, squares),
    *(channels, small_squares, no_squares, data_frame, stopping_early, augmented),
    *(augmented_by_class, augmented_by_list, augmented_by_tuple),
    *(with_callbacks, many_parameters, streamed, weighted),
    interrupted,
]


class OwnNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(784, 10)

    def forward(self, X):
        return torch.log_softmax(self.layer(X.flatten(1)), dim=1)


class OwnClassifier(MnistCNNClassifier):
    pass
