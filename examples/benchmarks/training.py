"""Speed of training: the article's loop, plain skorch, the best loop and skmnist.

    python examples/benchmarks/training.py

Each of them trains for one epoch on all training digits, in turn, for `--rounds`
rounds; skmnist also with the default recipe of an earlier version and with fewer
digits. The benchmark prints medians: seconds, the ratios to the others within a round,
the accuracy on the test digits, and the peak of the resident memory during the training
(in a separate process, on Linux). It compares the trainings of skmnist with the ten
epochs of the article. Finally, it prints what skmnist adds to each batch of the best
loop, with a network of one channel and one hidden unit, and the rate of skmnist in
floating-point operations per second, as a share of the rate of a product of matrices of
2,048 rows and columns.

The article's loop reads single images with torchvision's transforms and torch's
DataLoader. The best loop is written by hand with torch alone, for the default recipe of
skmnist: batches from one tensor, channels last, fused optimizer. All of them run in one
process, where skmnist lets the C library keep freed memory, which speeds up the others.
"""

import functools
import multiprocessing
import statistics
import time
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import torch
from _common import (
    PeakMemory,
    count_operations,
    load_digits,
    make_parser,
    measure_peak,
    median_ratio,
    report,
    resolve_auto,
    time_side_by_side,
)
from _hand_written_loop import BATCH_SIZE, train_by_hand
from _networks import MEAN, STD, ArticleNetwork, FastNetwork, ProbabilityNetwork
from PIL import Image
from skorch import NeuralNetClassifier
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from skmnist import MnistCNNClassifier
from skmnist.networks import CNN

ARTICLE_EPOCHS = 10

FEWER_DIGITS = 36_000
"""Training digits that suffice for the accuracy of the article.

Chosen with a margin: 25,000 gave 99.07 % on held-out training digits.
"""

FORMER_DEFAULT = {
    "optimizer": torch.optim.AdamW,
    "lr": 0.002,
    "batch_size": 64,
    "label_smoothing": 0.0,
}
"""The default recipe of commit f55c6fb."""

TINY = {"channels": (1, 1), "hidden_units": 1}
"""The smallest network, for the time that does not depend on its size."""


class SingleImages(Dataset):
    """A data set of single digits, like `torchvision.datasets.MNIST`."""

    def __init__(self, X, y):
        self.X, self.y = X.reshape(-1, 28, 28), y
        self.transform = transforms.Compose(
            [transforms.ToTensor(), transforms.Normalize((MEAN,), (STD,))]
        )

    def __len__(self):
        return len(self.X)

    def __getitem__(self, index):
        return self.transform(Image.fromarray(self.X[index])), int(self.y[index])


def article_loop(X, y, seed, device, precision):
    torch.manual_seed(seed)
    network = ArticleNetwork().to(device)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.5)
    network.train()
    for images, target in DataLoader(SingleImages(X, y), batch_size=64, shuffle=True):
        optimizer.zero_grad()
        loss = F.nll_loss(network(images.to(device)), target.to(device))
        loss.backward()
        optimizer.step()
    return functools.partial(_predict, network, device=device, standardise=True)


def plain_skorch(X, y, seed, device, precision):
    torch.manual_seed(seed)
    net = NeuralNetClassifier(
        ProbabilityNetwork,
        lr=0.01,
        optimizer__momentum=0.5,
        batch_size=64,
        max_epochs=1,
        iterator_train__shuffle=True,
        train_split=None,
        verbose=0,
        device=str(device),
    ).fit(_standardise(X), y)
    return lambda X: net.predict(_standardise(X))


def best_loop(X, y, seed, device, precision):
    torch.manual_seed(seed)
    images, target = _to_tensors(X, y, device)
    network = FastNetwork().to(device)
    _train_by_hand(network, images, target, precision)
    return functools.partial(_predict, network, device=device, standardise=False)


def _train_by_hand(network, images, target, precision):
    """Train for one epoch on images in memory."""
    order = torch.randperm(len(images), device=images.device).split(BATCH_SIZE)
    batches = ((images.index_select(0, i), target.index_select(0, i)) for i in order)
    train_by_hand(network, batches, len(order), precision)


def skmnist(X, y, seed, device, precision, **parameters):
    clf = MnistCNNClassifier(
        max_epochs=1,
        device=device,
        precision=precision,
        random_state=seed,
        **{"batch_size": BATCH_SIZE, **parameters},
    )
    return clf.fit(X, y).predict


def skmnist_with_fewer_digits(X, y, *further):
    return skmnist(X[:FEWER_DIGITS], y[:FEWER_DIGITS], *further)


CONTENDERS = {
    "article's loop": article_loop,
    "plain skorch": plain_skorch,
    "best hand-written loop": best_loop,
    "skmnist": skmnist,
    "skmnist, former default": functools.partial(skmnist, **FORMER_DEFAULT),
    f"skmnist, {FEWER_DIGITS:,} digits": skmnist_with_fewer_digits,
}


def measure_overhead(X, y, rounds, device, precision):
    """Return milliseconds for each batch of a tiny network, of each round.

    Returns
    -------
    by_hand, skmnist : list of float
    """
    images, target = _to_tensors(X, y, device)
    n_batches = -(-len(X) // BATCH_SIZE)
    by_hand, ours = [], []
    for seed in range(rounds):
        torch.manual_seed(seed)
        network = CNN(mean=255 * MEAN, std=255 * STD, **TINY).to(device)
        begin = time.perf_counter()
        _train_by_hand(network, images, target, precision)
        by_hand.append(1000 * (time.perf_counter() - begin) / n_batches)
        clf = MnistCNNClassifier(
            max_epochs=1,
            device=device,
            precision=precision,
            random_state=seed,
            batch_size=BATCH_SIZE,
            **{f"module__{name}": value for name, value in TINY.items()},
        ).fit(X, y)
        ours.append(1000 * clf.history[-1, "dur"] / n_batches)
    return by_hand, ours


def _to_tensors(X, y, device):
    return (
        torch.from_numpy(X).reshape(-1, 1, 28, 28).to(device),
        torch.from_numpy(y).to(device),
    )


def _standardise(X):
    return ((X.reshape(-1, 1, 28, 28) / 255 - MEAN) / STD).astype(np.float32)


def _predict(network, X, device, standardise):
    network.eval()
    pixels = _standardise(X) if standardise else X.reshape(-1, 1, 28, 28)
    with torch.inference_mode():
        outputs = [
            network(torch.from_numpy(part).to(device)).cpu()
            for part in np.array_split(pixels, max(1, len(X) // 500))
        ]
    return torch.cat(outputs).argmax(1).numpy()


def _measure_memory(name, arguments, *auto):
    """Return the peak memory of one training; call it in a new process."""
    X, _, y, _ = load_digits(arguments)
    torch.ones(1000, 1000) @ torch.ones(1000, 1000)  # starts the threads
    with PeakMemory() as memory:
        CONTENDERS[name](X, y, 0, *auto)
    return memory.rise


def main():
    parser = make_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    X, X_test, y, y_test = load_digits(arguments)

    auto = resolve_auto()
    for train in CONTENDERS.values():  # the first call in a process is slower
        train(X[:1280], y[:1280], 0, *auto)
    seconds, predict = time_side_by_side(
        {
            name: lambda seed, train=train: train(X, y, seed, *auto)
            for name, train in CONTENDERS.items()
        },
        arguments.rounds,
    )
    rows = []
    for name, trained in predict.items():
        accuracies = [(predict(X_test) == y_test).mean() for predict in trained]
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            rise = pool.submit(_measure_memory, name, arguments, *auto).result()
        one_epoch = statistics.median(seconds[name])
        rows.append(
            {
                "training": name,
                "s": round(one_epoch, 2),
                "x article": _ratio(seconds, "article's loop", name),
                "x skorch": _ratio(seconds, "plain skorch", name),
                "x best": _ratio(seconds, "best hand-written loop", name),
                "accuracy_%": round(100 * statistics.median(accuracies), 2),
                "memory_MB": None if rise is None else round(rise),
            }
        )
    article, ours = seconds["article's loop"], seconds["skmnist"]
    shorter = {
        name: ARTICLE_EPOCHS * median_ratio(article, seconds[name])
        for name in list(CONTENDERS)[-3:]
    }
    by_hand, with_skmnist = measure_overhead(X, y, arguments.rounds, *auto)
    added = statistics.median(b - a for a, b in zip(by_hand, with_skmnist, strict=True))
    operations = count_operations(CNN(), (1, 28, 28))
    reached = operations * len(X) / statistics.median(ours)
    peaks = {
        name: measure_peak(getattr(torch, name), auto[0])
        for name in ("bfloat16", "float32")
    }
    report(
        arguments,
        rows,
        seconds=seconds,
        times_shorter_than_ten_epochs=shorter,
        overhead_ms={"by_hand": by_hand, "skmnist": with_skmnist, "added": added},
        flops={"image": operations, "reached": reached, "peak": peaks},
    )
    print(
        f"\nten epochs of the article's loop: "
        f"{ARTICLE_EPOCHS * statistics.median(article):.1f} s (its epoch, times ten)\n"
        + "".join(
            f"{name}: {statistics.median(seconds[name]):.1f} s, {factor:.1f} times "
            "shorter\n"
            for name, factor in shorter.items()
        )
        + f"\nskmnist trains on {len(X) / statistics.median(ours):,.0f} images/s\n\n"
        f"one batch of a network of one channel and one unit: by hand "
        f"{statistics.median(by_hand):.3f} ms, skmnist "
        f"{statistics.median(with_skmnist):.3f} ms, median of the differences "
        f"{added:.3f} ms\n\n"
        f"training takes {operations / 1e6:.1f} MFLOP an image; skmnist reaches "
        f"{reached / 1e9:.0f} GFLOP/s"
    )
    for name, peak in peaks.items():
        print(
            f"product of matrices in {name}: {peak / 1e9:.0f} GFLOP/s, "
            f"of which training reaches {reached / peak:.2f}"
        )


def _ratio(seconds, over, under):
    return round(median_ratio(seconds[over], seconds[under]), 2)


if __name__ == "__main__":
    main()
