"""scikit-learn's own checks of an estimator."""

import pytest
import torch
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from skmnist import MnistCNNClassifier, RandomAffine

# check_no_attributes_set_in_init forbids parameters with __ here
CONFIGURATIONS = [
    MnistCNNClassifier(),
    MnistCNNClassifier(
        optimizer=torch.optim.SGD, lr=0.1, max_epochs=6, precision="float32"
    ),
    MnistCNNClassifier(
        early_stopping=True,
        validation_fraction=0.3,
        lr_schedule=None,
        lr=0.02,
        max_epochs=6,
    ),
    MnistCNNClassifier(precision="bfloat16", max_epochs=4),
    MnistCNNClassifier(augmentation=RandomAffine, max_epochs=6),
]

REPETITIONS = "check_sample_weight_equivalence_on_dense_data"
"""Asks weights to agree with repeated images to 1e-7.

How well they do agree is tested in `test_weights.py`.
"""


def expected_failures(estimator):
    """Why weights cannot agree with repeated images, where they cannot."""
    if estimator.augmentation is not None:
        reason = "changes the repetitions of an image each in a way of its own"
    elif estimator.early_stopping:
        reason = (
            "holds out single images, whatever they weigh, so the repetitions of an "
            "image may fall into both parts; and refuses classes of one image"
        )
    elif estimator.precision == "bfloat16":
        reason = "rounds to eight bits, and repeated images otherwise than weights"
    else:
        return {}
    return {REPETITIONS: reason}


# The checks use any number of features; fit says that it lays them out on a square.
@pytest.mark.filterwarnings("ignore:X has .* features, which is not a square number")
@parametrize_with_checks(
    CONFIGURATIONS, expected_failed_checks=expected_failures, xfail_strict=True
)
def test_scikit_learn_check(estimator, check, default_dtype):
    if check.func.__name__ == REPETITIONS and not expected_failures(estimator):
        # in float32 they differ by some of the last bits, which fails as a rule, but
        # not for sure; in float64 nothing is left to luck
        estimator = clone(estimator).set_params(precision="float32")
        default_dtype(torch.float64)
    check(estimator)
