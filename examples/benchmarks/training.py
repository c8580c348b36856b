"""How fast training is: the article's loop, plain skorch, the best loop, and skmnist.

    python examples/benchmarks/training.py

trains each for one epoch over all training digits, in turns, `--rounds` times, and
prints medians: training digits per second; the same as a ratio to the others, round by
round; accuracy on the test digits after that epoch; by how many megabytes training
raises the resident memory at its peak (in a process of its own, on Linux). At the end
it compares one epoch of skmnist with the ten epochs that the article trains for.

The article's loop draws single images through torchvision's transforms and torch's
DataLoader. The best loop is written by hand without any library but torch, for the
settings of skmnist's default recipe: whole batches cut from one tensor, channels last,
fused optimizer.
"""

import functools
import multiprocessing
import statistics
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import torch
from _common import (
    PeakMemory,
    load_digits,
    make_parser,
    median_ratio,
    report,
    time_side_by_side,
)
from _networks import MEAN, STD, ArticleNetwork, FastNetwork, ProbabilityNetwork
from PIL import Image
from skorch import NeuralNetClassifier
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from skmnist import MnistCNNClassifier
from skmnist.callbacks import OneCycle
from skmnist.classifiers._device import resolve_device, resolve_precision

ARTICLE_EPOCHS = 10
DEVICE = resolve_device("auto")


class SingleImages(Dataset):
    """One digit at a time, as `torchvision.datasets.MNIST` hands them out."""

    def __init__(self, X, y):
        self.X, self.y = X.reshape(-1, 28, 28), y
        self.transform = transforms.Compose(
            [transforms.ToTensor(), transforms.Normalize((MEAN,), (STD,))]
        )

    def __len__(self):
        return len(self.X)

    def __getitem__(self, index):
        return self.transform(Image.fromarray(self.X[index])), int(self.y[index])


def article_loop(X, y, seed):
    torch.manual_seed(seed)
    network = ArticleNetwork().to(DEVICE)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.5)
    network.train()
    for images, target in DataLoader(SingleImages(X, y), batch_size=64, shuffle=True):
        optimizer.zero_grad()
        loss = F.nll_loss(network(images.to(DEVICE)), target.to(DEVICE))
        loss.backward()
        optimizer.step()
    return functools.partial(_predict, network, standardise=True)


def plain_skorch(X, y, seed):
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
        device=str(DEVICE),
    ).fit(_standardise(X), y)
    return lambda X: net.predict(_standardise(X))


def best_loop(X, y, seed):
    torch.manual_seed(seed)
    settings = MnistCNNClassifier()
    schedule, size = OneCycle(), settings.batch_size
    images = torch.from_numpy(X).reshape(-1, 1, 28, 28).to(DEVICE)
    target = torch.from_numpy(y).to(DEVICE)
    network = FastNetwork().to(DEVICE)
    optimizer = torch.optim.AdamW(network.parameters(), lr=settings.lr, fused=True)
    cycle = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        max_lr=settings.lr,
        total_steps=-(-len(X) // size),
        pct_start=schedule.pct_start,
        cycle_momentum=False,
    )
    bfloat16 = resolve_precision("auto", DEVICE) == "bfloat16"
    order = torch.randperm(len(X), device=DEVICE)
    for step, chosen in enumerate(order.split(size)):
        optimizer.zero_grad()
        with torch.autocast(DEVICE.type, torch.bfloat16, enabled=bfloat16):
            output = network(images[chosen])
        F.nll_loss(output, target[chosen]).backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), schedule.max_gradient_norm)
        optimizer.step()
        if step < cycle.total_steps - 1:
            cycle.step()
    return functools.partial(_predict, network, standardise=False)


def skmnist(X, y, seed):
    return MnistCNNClassifier(max_epochs=1, random_state=seed).fit(X, y).predict


CONTENDERS = {
    "article's loop": article_loop,
    "plain skorch": plain_skorch,
    "best hand-written loop": best_loop,
    "skmnist": skmnist,
}


def _standardise(X):
    return ((X.reshape(-1, 1, 28, 28) / 255 - MEAN) / STD).astype(np.float32)


def _predict(network, X, standardise):
    network.eval()
    pixels = _standardise(X) if standardise else X.reshape(-1, 1, 28, 28)
    with torch.inference_mode():
        outputs = [
            network(torch.from_numpy(part).to(DEVICE)).cpu()
            for part in np.array_split(pixels, max(1, len(X) // 500))
        ]
    return torch.cat(outputs).argmax(1).numpy()


def _measure_memory(name, arguments):
    """Peak memory of one training, in a process that has done nothing else."""
    X, _, y, _ = load_digits(arguments)
    torch.ones(1000, 1000) @ torch.ones(1000, 1000)  # the threads are there
    with PeakMemory() as memory:
        CONTENDERS[name](X, y, seed=0)
    return memory.rise


def main():
    parser = make_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    X, X_test, y, y_test = load_digits(arguments)

    for train in CONTENDERS.values():  # what only the first call of a process does
        train(X[:1280], y[:1280], seed=0)
    seconds, predict = time_side_by_side(
        {
            name: lambda seed, train=train: train(X, y, seed)
            for name, train in CONTENDERS.items()
        },
        arguments.rounds,
    )
    rows = []
    for name, trained in predict.items():
        accuracies = [(predict(X_test) == y_test).mean() for predict in trained]
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            rise = pool.submit(_measure_memory, name, arguments).result()
        one_epoch = statistics.median(seconds[name])
        rows.append(
            {
                "training": name,
                "images/s": round(len(X) / one_epoch),
                "x article": _ratio(seconds, "article's loop", name),
                "x skorch": _ratio(seconds, "plain skorch", name),
                "x best": _ratio(seconds, "best hand-written loop", name),
                "accuracy_%": round(100 * statistics.median(accuracies), 2),
                "memory_MB": None if rise is None else round(rise),
            }
        )
    article, ours = seconds["article's loop"], seconds["skmnist"]
    shorter = ARTICLE_EPOCHS * median_ratio(article, ours)
    report(arguments, rows, seconds=seconds, one_epoch_against_ten=shorter)
    print(
        f"\nten epochs of the article's loop: "
        f"{ARTICLE_EPOCHS * statistics.median(article):.1f} s (its epoch, times ten)\n"
        f"one epoch of skmnist: {statistics.median(ours):.1f} s, "
        f"{shorter:.1f} times shorter"
    )


def _ratio(seconds, over, under):
    return round(median_ratio(seconds[over], seconds[under]), 2)


if __name__ == "__main__":
    main()
