"""Speed of training `ResNetClassifier` against a loop written by hand.

    python examples/benchmarks/resnet_training.py

Both train the same network for one epoch with the default recipe, in turn, for
`--rounds` rounds: augmentation, autocast, smoothed labels, clipped gradients, one
cycle of the learning rate. The loop does so with torch alone, and checks nothing. The
benchmark prints the images per second of the whole training (for skmnist, of `fit`) and
the medians of the ratios within a round, and the rate of skmnist in floating-point
operations per second, as a share of that of a product of matrices.

The images, three channels of 32 x 32 pixels, are random: their content does not affect
the speed.
"""

import statistics

import numpy as np
import torch
from _common import (
    count_operations,
    make_parser,
    measure_peak,
    median_ratio,
    report,
    resolve_auto,
    time_side_by_side,
)
from torch.nn import functional as F

from skmnist import ResNetClassifier
from skmnist.callbacks import OneCycleLR
from skmnist.networks import ResNet

BATCH_SIZE = 256
"""What `batch_size="auto"` is for 16,384 images or more."""

MAX_SHIFT = 2


def hand_written_loop(X, y, seed, device, precision):
    torch.manual_seed(seed)
    images, target = torch.from_numpy(X).to(device), torch.from_numpy(y).to(device)
    std, mean = torch.std_mean(images.float(), dim=(0, 2, 3))
    network = ResNet(mean=mean.cpu(), std=std.cpu()).to(device)
    network.initialize_from_data(images)
    settings, schedule = ResNetClassifier(), OneCycleLR()
    weights = [weight for weight in network.parameters() if weight.requires_grad]
    optimizer = settings.optimizer(
        weights, lr=settings.lr, precision=precision, fused=True
    )
    n_batches = -(-len(images) // BATCH_SIZE)
    cycle = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        max_lr=settings.lr,
        total_steps=n_batches,
        pct_start=schedule.pct_start,
        cycle_momentum=False,
    )
    bfloat16 = precision == "bfloat16"
    autocast = torch.autocast(images.device.type, torch.bfloat16, enabled=bfloat16)
    order = torch.randperm(len(images), device=images.device)
    group = optimizer.param_groups[0]
    for step, chosen in enumerate(order.split(BATCH_SIZE), start=1):
        optimizer.zero_grad()
        batch = images.index_select(0, chosen)
        batch = _shift(
            torch.where((chosen % 2 == 0)[:, None, None, None], batch.flip(3), batch)
        )
        with autocast:
            output = network(batch)
        # that of log-probabilities, which are their own logarithms of softmax
        loss = F.cross_entropy(
            output,
            target.index_select(0, chosen),
            label_smoothing=settings.label_smoothing * group["lr"] / settings.lr,
        )
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, schedule.max_gradient_norm)
        optimizer.step()
        if step < n_batches:
            cycle.step()


def _shift(batch):
    """Crop the images, padded by reflection, at random positions."""
    n, _, height, width = batch.shape
    padded = F.pad(batch.float(), 4 * (MAX_SHIFT,), mode="reflect")
    offsets = torch.randint(2 * MAX_SHIFT + 1, (2, n, 1), device=batch.device)
    rows = offsets[0] + torch.arange(height, device=batch.device)
    columns = offsets[1] + torch.arange(width, device=batch.device)
    which = torch.arange(n, device=batch.device)[:, None, None]
    # the channels come last, as the network wants them
    return padded.movedim(1, 3)[which, rows[:, :, None], columns[:, None]].movedim(3, 1)


def skmnist(X, y, seed, device, precision):
    ResNetClassifier(
        max_epochs=1,
        batch_size=BATCH_SIZE,
        device=device,
        precision=precision,
        random_state=seed,
    ).fit(X, y)


CONTENDERS = {"hand-written loop": hand_written_loop, "ResNetClassifier": skmnist}


def main():
    parser = make_parser(__doc__, data=False)
    parser.add_argument("--images", type=int, default=10 * 1024)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (arguments.images, 3, 32, 32), dtype=np.uint8)
    y = np.arange(arguments.images) % 10

    device, precision = resolve_auto()
    warm = slice(min(len(X), 4 * BATCH_SIZE))
    for train in CONTENDERS.values():  # the first call in a process is slower
        train(X[warm], y[warm], 0, device, precision)
    seconds, _ = time_side_by_side(
        {
            name: lambda seed, train=train: train(X, y, seed, device, precision)
            for name, train in CONTENDERS.items()
        },
        arguments.rounds,
    )
    operations = count_operations(ResNet(), X.shape[1:])
    peak = measure_peak(getattr(torch, precision), device)
    rows = []
    for name, durations in seconds.items():
        rate = len(X) / statistics.median(durations)
        by_hand = seconds["hand-written loop"]
        rows.append(
            {
                "training": name,
                "images/s": round(rate),
                "x hand-written": round(median_ratio(by_hand, durations), 3),
                "GFLOP/s": round(operations * rate / 1e9),
                "x product of matrices": round(operations * rate / peak, 2),
            }
        )
    report(
        arguments,
        rows,
        seconds=seconds,
        precision=precision,
        flops={"image": operations, "peak": peak},
    )
    print(f"trained in {precision}; {operations / 1e6:.0f} MFLOP an image")


if __name__ == "__main__":
    main()
