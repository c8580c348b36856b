"""Pass random invalid input to `MnistCNNClassifier`, which must raise clear errors.

    python tests/classifiers/fuzz_inputs.py 10000

prints a table of the outcomes for each kind of input, and exits with status 1 if any
outcome is not a ValueError or TypeError: another exception, no exception, or a hang.
`test_fuzz_inputs.py` runs a fixed part of it.
"""

import random
import signal
import sys
import warnings
from collections import Counter, defaultdict
from contextlib import contextmanager

import numpy as np
import pandas as pd
import polars as pl
import torch
from scipy import sparse

from skmnist import MnistCNNClassifier

SECONDS = 10
"""Time after which a case counts as a hang."""


class Hang(BaseException):
    """Not an Exception, so that no `except Exception` catches it."""


class Odd:
    """An object unrelated to images."""


def no_data(rng):
    """Objects that are not data."""
    choices = [
        *(None, 0, -1.5, 1 + 2j, True, "digits", b"digits", float("nan"), ...),
        *({}, {"X": [1, 2]}, {1, 2}, frozenset(), (), [], [[]], [[[]]], range(0)),
        *(Odd(), Odd, len, np, lambda: 0, iter([]), (i for i in range(3))),
        *(np.float64(3), np.array(3.0), np.array("a"), np.datetime64("now")),
        *(torch.tensor(1.0), torch.nn.Linear(2, 2), pd.Series(["a"]), pl.Series(["a"])),
    ]
    return rng.choice(choices)


def ragged(rng):
    """Nested lists of different lengths."""
    depth = rng.randint(1, 3)

    def build(level):
        if level == 0:
            return [rng.randint(0, 255) for _ in range(rng.randint(1, 5))]
        return [build(level - 1) for _ in range(rng.randint(2, 5))]

    while True:
        nested = build(depth)
        try:
            np.asarray(nested, dtype=float)
        except ValueError:
            return nested


def _shape(rng):
    """Return the shape of twelve images in a random supported layout."""
    side = rng.choice([3, 4, 5, 8])
    return rng.choice(
        [(12, side * side), (12, side, side), (12, 1, side, side), (12, 2, side, side)]
    )


def not_finite(rng):
    """Valid pixels with some NaN or infinity."""
    dtype = rng.choice([np.float16, np.float32, np.float64])
    X = np.random.default_rng(rng.getrandbits(32)).random(_shape(rng)).astype(dtype)
    for _ in range(rng.randint(1, 5)):
        bad = rng.choice([np.nan, np.inf, -np.inf])
        X[tuple(rng.randrange(n) for n in X.shape)] = bad
    return rng.choice([X, X.tolist(), torch.from_numpy(X), X.astype(object)])


def too_large(rng):
    """Numbers that float32 cannot represent."""
    X = np.ones(_shape(rng))
    X[rng.randrange(12)] = rng.choice([1e39, -1e200, 1e308])
    return X


def not_numeric(rng):
    """Arrays, lists and frames with non-numeric values."""
    shape = (12, 9)
    fill = rng.choice(
        ["ink", "", None, Odd(), [1], {}, pd.NaT, pd.Timestamp(0), b"x", 1j, len]
    )
    X = np.ones(shape, dtype=object)
    for _ in range(rng.randint(1, 9)):
        X[rng.randrange(12), rng.randrange(9)] = fill
    times = np.zeros(shape, dtype=rng.choice(["M8[us]", "m8[ns]"]))
    kind = rng.randrange(9)
    if kind == 0:
        return np.full(shape, "ink")
    if kind == 1:
        return np.ones(shape, dtype=rng.choice(["complex64", "complex128"]))
    if kind == 2:
        return np.zeros(shape, dtype=rng.choice(["V3", "i4,f4"]))
    if kind == 3:
        return pd.DataFrame(X)
    if kind == 4:
        return pl.DataFrame({f"c{i}": ["ink"] * 12 for i in range(9)})
    if kind == 5:
        return rng.choice([times, list(times), list(map(list, times))])
    if kind == 6:
        return rng.choice([pd.DataFrame(times), pl.DataFrame(times)])
    return X if kind == 7 else X.tolist()


def wrong_shape(rng):
    """Too few or too many dimensions, or an empty one."""
    n = rng.choice([0, 1, 2, 5, 7])
    if n == 0:
        return np.zeros(rng.choice([(0, 9), (0, 3, 3), (12, 0), (12, 0, 3), (0,)]))
    if n == 2:  # channels last
        return np.zeros((12, 5, 5, rng.choice([1, 3, 4])))
    return np.zeros((12, *[2] * (n - 1)))


def wrong_container(rng):
    """Numbers in an unsupported container."""
    X = np.random.default_rng(rng.getrandbits(32)).random((12, 9))
    form = rng.choice(["csr", "csc", "coo", "lil", "dok", "bsr"])
    return rng.choice(
        [
            getattr(sparse, f"{form}_array")(X),
            getattr(sparse, f"{form}_matrix")(X),
            torch.from_numpy(X).to_sparse(),
            torch.zeros(12, 9, device="meta"),
            torch.zeros(12, 9, dtype=torch.complex64),
            torch.utils.data.DataLoader(torch.from_numpy(X)),
            np.asmatrix(X),
            {"X": X},
            [Odd()] * 12,
            np.array([Odd()] * 12, dtype=object),
            X.tobytes(),
            map(list, X),
        ]
    )


def wrong_length(rng):
    """More or fewer images than labels."""
    n = rng.choice([1, 2, 11, 13, 24])
    return np.zeros((n, *_shape(rng)[1:]))


X_KINDS = (
    no_data,
    ragged,
    not_finite,
    too_large,
    not_numeric,
    wrong_shape,
    wrong_container,
)


def bad_labels(rng):
    """Invalid labels for twelve images, or labels of a single class."""
    n = rng.choice([0, 1, 11, 13, 100])
    choices = [
        *(None, 3, "label", b"label", {}, {1, 2}, Odd(), len, [], [[]], ...),
        [rng.randrange(3) for _ in range(n)],
        np.arange(24).reshape(12, 2),
        np.zeros((12, 2, 2), int),
        np.random.default_rng(rng.getrandbits(32)).random(12),
        np.where(np.arange(12) == rng.randrange(12), np.nan, 1.0),
        np.where(np.arange(12) == rng.randrange(12), np.inf, 1.0),
        np.array(["a", 1] * 6, dtype=object),
        np.array([None, "a"] * 6, dtype=object),
        np.array([Odd(), Odd()] * 6, dtype=object),
        [[1], [1, 2]] * 6,
        [(), (1,)] * 6,
        [b"a", b"b"] * 6,
        np.full(12, rng.randrange(9)),
        ["only"] * 12,
        np.ones(12, dtype=complex) * 1j,
        sparse.csr_array(np.eye(12)),
        torch.zeros(12, 2),
        torch.zeros(12, device="meta"),
        pd.Series(["a", None] * 6),
        (i for i in range(12)),
    ]
    return rng.choice(choices)


def bad_weights(rng):
    """Invalid sample weights for twelve images."""
    n = rng.choice([1, 11, 13, 100])
    some = np.random.default_rng(rng.getrandbits(32)).random(12)
    some[rng.randrange(12)] = rng.choice([-1, -np.inf, np.inf, np.nan, -1e-9])
    choices = [
        *("heavy", {}, {0: 1}, Odd(), len, [], [[]], (), ..., {1, 2}),
        some,
        some.tolist(),
        np.ones(n),
        np.ones((12, 2)),
        np.zeros(12),
        ["heavy"] * 12,
        [None] * 12,
        np.ones(12, dtype=complex),
        sparse.csr_array(np.eye(12)),
        np.array([Odd()] * 12, dtype=object),
        [[1], [1, 2]] * 6,
        -1,
        float("nan"),
    ]
    return rng.choice(choices)


def cases(n, seed=0):
    """Yield n cases: a kind of invalid input, and a call that must fail."""
    rng = random.Random(seed)
    clean = np.random.default_rng(0).random((12, 9)) * 255
    labels = np.arange(12) % 3

    def make(**parameters):
        return MnistCNNClassifier(
            max_epochs=1,
            module__channels=(1, 1),
            module__hidden_units=2,
            random_state=0,
            **parameters,
        )

    fitted = make().fit(clean, labels)
    weighted = make().fit(clean, labels, sample_weight=1 + labels)
    known = set(np.unique(labels).tolist())

    def train(X, y, **kwargs):
        how = rng.randrange(4)
        if how == 0:
            return lambda: make().partial_fit(X, y, classes=range(3), **kwargs)
        if how == 1:
            return lambda: make(early_stopping=True).fit(X, y, **kwargs)
        if how == 2:
            return lambda: make(class_weight="balanced").fit(X, y, **kwargs)
        return lambda: make().fit(X, y, **kwargs)

    def predict(X):
        clf = rng.choice([fitted, weighted])
        method = rng.choice(["predict", "predict_proba", "predict_log_proba"])
        return lambda: getattr(clf, method)(X)

    for _ in range(n):
        what = rng.randrange(6)
        if what < 2:
            kind = rng.choice(X_KINDS)
            yield f"fit X: {kind.__name__}", train(kind(rng), labels)
        elif what == 2:
            kind = rng.choice(X_KINDS)
            yield f"predict X: {kind.__name__}", predict(kind(rng))
        elif what == 3:
            X = np.zeros((12, rng.choice([1, 2, 8, 10, 16])))
            yield "predict X: other images", predict(X)
        elif what == 4:
            y = bad_labels(rng)
            if _is_one_known_class(y, known):  # partial_fit accepts it
                yield "fit y: bad_labels", lambda y=y: make().fit(clean, y)
            else:
                yield "fit y: bad_labels", train(clean, y)
        elif rng.random() < 0.3:
            yield "fit X: wrong_length", train(wrong_length(rng), labels)
        else:
            weight = bad_weights(rng)
            yield (
                "fit sample_weight: bad_weights",
                train(clean, labels, sample_weight=weight),
            )


def _is_one_known_class(y, known):
    return isinstance(y, np.ndarray) and y.ndim == 1 and set(y.tolist()) <= known


@contextmanager
def time_limit(seconds):
    """Raise Hang after this time, if the system has interval timers."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def give_up(signum, frame):
        raise Hang

    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def outcome(call):
    """Return the name of the outcome of a call, and the error message."""
    try:
        with time_limit(SECONDS), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            call()
    except (ValueError, TypeError) as error:
        name = "ValueError" if isinstance(error, ValueError) else "TypeError"
        return name, str(error)
    except Exception as error:
        return type(error).__name__, str(error)
    except Hang:
        return "hang", f"no answer within {SECONDS} s"
    return "success", "no error"


def main(n):
    """Run n cases, print a table, and return the number of wrong outcomes."""
    counts, wrong, messages = defaultdict(Counter), [], Counter()
    for number, (kind, call) in enumerate(cases(n)):
        name, message = outcome(call)
        counts[kind][name] += 1
        messages[message.split("\n")[0][:70]] += 1
        if name not in ("ValueError", "TypeError"):
            wrong.append((number, kind, name, message))
    columns = sorted({name for row in counts.values() for name in row})
    print(f"{'input':34}" + "".join(f"{name:>12}" for name in columns))
    for kind, row in sorted(counts.items()):
        print(f"{kind:34}" + "".join(f"{row[name]:12}" for name in columns))
    total = sum(counts.values(), Counter())
    print(f"{'all':34}" + "".join(f"{total[name]:12}" for name in columns))
    print(f"{len(messages)} different messages; {len(wrong)} wrong outcomes")
    for number, kind, name, message in wrong[:20]:
        print(f"  case {number}, {kind}: {name}: {message}")
    return len(wrong)


if __name__ == "__main__":
    sys.exit(min(1, main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)))
