"""Speed of prediction with plain skorch, torch, ONNX Runtime and skmnist.

    python examples/benchmarks/inference.py

All of them predict the same digits, as uint8 pixels, with the same network, in turn,
for `--rounds` rounds. The benchmark prints medians: images per second for all test
digits at once, and milliseconds for a single digit. The last column is the largest
difference between a probability and the one of skmnist.

"torch" is the bare network in inference mode, with the fastest memory format (channels
last). ONNX Runtime has as many threads as torch. Both use the fastest of
`--batch-sizes` on this machine, which is measured first. "bfloat16" uses the autocast
of torch; skmnist predicts in float32.
"""

import logging
import statistics
import tempfile
import warnings
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from _common import load_digits, make_parser, median_ratio, report, time_side_by_side
from _networks import FastNetwork, ProbabilityNetwork
from skorch import NeuralNetClassifier

from skmnist import MnistCNNClassifier

SINGLE_CALLS = 50
"""Number of calls with a single digit that are timed together."""


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
        default=[64, 128, 256, 512, 10_000],
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
    contenders["skmnist"] = clf.predict_proba

    expected = clf.predict_proba(X)
    differences = {
        name: float(abs(predict(X) - expected).max())
        for name, predict in contenders.items()
    }
    all_at_once, _ = time_side_by_side(
        {name: lambda _, f=f: f(X) for name, f in contenders.items()}, arguments.rounds
    )
    single, _ = time_side_by_side(
        {
            name: lambda _, f=f: [f(X[i : i + 1]) for i in range(SINGLE_CALLS)]
            for name, f in contenders.items()
        },
        arguments.rounds,
    )
    rows = [
        {
            "prediction": name,
            "images/s": round(len(X) / statistics.median(all_at_once[name])),
            "skmnist x this": round(
                median_ratio(all_at_once[name], all_at_once["skmnist"]), 2
            ),
            "one image, ms": round(
                1000 * statistics.median(single[name]) / SINGLE_CALLS, 3
            ),
            "largest difference": f"{differences[name]:.1e}",
        }
        for name in contenders
    ]
    report(arguments, rows, seconds=all_at_once, seconds_single=single)


if __name__ == "__main__":
    main()
