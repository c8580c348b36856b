"""Speed of prediction with plain skorch, torch, ONNX Runtime and skmnist.

    python examples/benchmarks/inference.py

All of them predict the same digits, as uint8 pixels, with the same network, in turn,
for `--rounds` rounds, each after a pause, in which the threads of the one before it
stop to spin, and a warm-up. The benchmark prints medians: images per second for all
test digits at once, milliseconds for a hundred digits and for a single one. "x this"
is the median over the rounds of how many times faster skmnist is. The last column is
the largest difference between a probability and the one of skmnist.

"torch" is the bare network in inference mode, with the fastest memory format (channels
last); "torch, network of skmnist" is `module_`, all images in one batch. ONNX Runtime
has as many threads as torch. Both use the fastest of `--batch-sizes` on this machine,
which is measured first. "bfloat16" uses the autocast of torch; skmnist predicts in
float32. A second table shows where torch spends the time of a single digit. The
environment variables ATEN_CPU_CAPABILITY and ONEDNN_MAX_CPU_ISA select an older
instruction set for torch, but not for ONNX Runtime.
"""

import logging
import statistics
import tempfile
import warnings
from pathlib import Path

import numpy as np
import onnxruntime
import pandas
import torch
from _common import load_digits, make_parser, median_ratio, report, time_side_by_side
from _networks import FastNetwork, ProbabilityNetwork
from skorch import NeuralNetClassifier

from skmnist import MnistCNNClassifier

CALLS = {1: 50, 100: 2}
"""Number of calls that are timed together, by the number of digits in a call."""


def fit_skmnist(X, y):
    return MnistCNNClassifier(max_epochs=1, random_state=0, device="cpu").fit(X, y)


def get_statistics(clf):
    """Return the mean and standard deviation of the pixels in [0, 1]."""
    return float(clf.pixel_mean_[0] / 255), float(clf.pixel_std_[0] / 255)


def copy_weights(clf, network):
    """Copy the weights of a trained classifier to another network."""
    own = clf.module_.state_dict()
    network.load_state_dict({name: own[name] for name in network.state_dict()})
    return network.eval()


def make_skorch(clf):
    net = NeuralNetClassifier(ProbabilityNetwork, device="cpu").initialize()
    copy_weights(clf, net.module_)
    mean, std = get_statistics(clf)

    def predict_proba(X):
        pixels = (X.reshape(-1, 1, 28, 28) / 255 - mean) / std
        return net.predict_proba(pixels.astype(np.float32))

    return predict_proba


def make_torch(clf, batch_size, precision):
    network = copy_weights(clf, FastNetwork(*get_statistics(clf)))

    def predict_proba(X):
        images = torch.from_numpy(X).reshape(-1, 1, 28, 28)
        with (
            torch.inference_mode(),
            torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"),
        ):
            return torch.cat(
                [network(part).exp() for part in images.split(batch_size)]
            ).numpy()

    return predict_proba


def make_onnx_runtime(clf, batch_size):
    network = copy_weights(clf, ProbabilityNetwork())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        with warnings.catch_warnings():  # torch's exporter warns about itself
            warnings.simplefilter("ignore")
            logging.getLogger("torch.onnx").setLevel(logging.ERROR)
            torch.onnx.export(
                Pixels(network, *get_statistics(clf)),
                (torch.zeros(2, 1, 28, 28, dtype=torch.uint8),),
                path,
                dynamic_shapes=[{0: torch.export.Dim("n")}],
                external_data=False,
                verbose=False,
            )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        session = onnxruntime.InferenceSession(
            path, options, providers=["CPUExecutionProvider"]
        )
    (entry,) = session.get_inputs()

    def predict_proba(X):
        images = X.reshape(-1, 1, 28, 28)
        parts = np.split(images, range(batch_size, len(images), batch_size))
        return np.concatenate(
            [session.run(None, {entry.name: part})[0] for part in parts]
        )

    return predict_proba


class Pixels(torch.nn.Module):
    """A network with the standardisation of its pixels."""

    def __init__(self, network, mean, std):
        super().__init__()
        self.network, self.mean, self.std = network, mean, std

    def forward(self, X):
        return self.network((X.to(torch.float32) / 255 - self.mean) / self.std)


def make_bare(network):
    """Predict all images in one batch with a network of raw pixels."""

    def predict_proba(X):
        with torch.inference_mode():
            return network(torch.from_numpy(X).reshape(-1, 1, 28, 28)).exp().numpy()

    return predict_proba


def repeat(predict, X, size):
    """Return a function that predicts `size` images, as many times as `CALLS` says."""
    parts = [X[i * size :][:size] for i in range(CALLS.get(size, 1))]

    def run(_round):
        for part in parts:
            predict(part)

    return run


def profile_operations(network, X, calls=200):
    """Return the operations of torch for a single image, with their own times."""
    predict_proba = make_bare(network)
    predict_proba(X[:1])
    with torch.profiler.profile(
        activities=[torch.profiler.ProfilerActivity.CPU]
    ) as profiler:
        for _ in range(calls):
            predict_proba(X[:1])
    events = sorted(profiler.key_averages(), key=lambda e: -e.self_cpu_time_total)
    return [
        {"operation": e.key, "µs": round(e.self_cpu_time_total / calls, 1)}
        for e in events[:12]
    ]


def choose_batch_size(make, sizes, X):
    """Return the fastest batch size: median of three rounds, after one warm-up."""
    contenders = {size: make(size) for size in sizes}
    seconds, _ = time_side_by_side(
        {size: lambda _, f=f: f(X) for size, f in contenders.items()}, rounds=4
    )
    return min(sizes, key=lambda size: statistics.median(seconds[size][1:]))


def main():
    parser = make_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument(
        "--batch-sizes",
        type=int,
        nargs="+",
        default=[32, 64, 128, 256, 512, 1000, 10_000],
    )
    arguments = parser.parse_args()
    X_train, X, y_train, _ = load_digits(arguments)
    clf = fit_skmnist(X_train[:6000], y_train[:6000])

    def make(maker, *further):
        sizes = arguments.batch_sizes
        best = choose_batch_size(lambda size: maker(clf, size, *further), sizes, X)
        return f", batches of {best}", maker(clf, best, *further)

    size, of_torch = make(make_torch, "float32")
    contenders = {
        "plain skorch": make_skorch(clf),
        f"torch{size}": of_torch,
    }
    size, of_torch = make(make_torch, "bfloat16")
    contenders[f"torch, bfloat16{size}"] = of_torch
    size, of_onnx = make(make_onnx_runtime)
    contenders[f"ONNX Runtime{size}"] = of_onnx
    contenders["torch, network of skmnist"] = make_bare(clf.module_)
    contenders["skmnist"] = clf.predict_proba

    expected = clf.predict_proba(X)
    differences = {
        name: float(abs(predict(X) - expected).max())
        for name, predict in contenders.items()
    }
    warm_ups = {name: lambda f=f: f(X[:1]) for name, f in contenders.items()}
    seconds = {}
    for size in (len(X), 100, 1):
        functions = {name: repeat(f, X, size) for name, f in contenders.items()}
        seconds[size], _ = time_side_by_side(functions, arguments.rounds, warm_ups)
    of_torch = next(name for name in contenders if name.startswith("torch,"))

    def milliseconds(name, size):
        return 1000 * statistics.median(seconds[size][name]) / CALLS.get(size, 1)

    rows = []
    for name in contenders:
        times_faster = {
            size: round(median_ratio(of_size[name], of_size["skmnist"]), 2)
            for size, of_size in seconds.items()
        }
        beyond = milliseconds(name, 1) - milliseconds(of_torch, 1)
        rows.append(
            {
                "prediction": name,
                "images/s": round(1000 * len(X) / milliseconds(name, len(X))),
                "skmnist x this": times_faster[len(X)],
                "100, ms": round(milliseconds(name, 100), 2),
                "x this, 100": times_faster[100],
                "one, ms": round(milliseconds(name, 1), 3),
                "x this, one": times_faster[1],
                "beyond torch, ms": round(beyond, 3),
                "largest difference": f"{differences[name]:.1e}",
            }
        )
    operations = profile_operations(clf.module_, X)
    print(pandas.DataFrame(operations).to_string(index=False))
    report(arguments, rows, seconds=seconds, profile=operations)


if __name__ == "__main__":
    main()
