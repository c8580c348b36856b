"""Try to load damaged, foreign and hostile model files.

    python tests/model_files/fuzz_model_files.py 5000

prints, for each kind of file, how many were tried, the errors with which they were
refused, and the peak of the memory taken, also as a multiple of the file's size. The
checksums of hostile files are valid: anyone can compute them.
"""

import argparse
import collections
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import tracemalloc
from pathlib import Path

import numpy as np
from damaged_files import DAMAGE, EXECUTED, with_checksum
from hostile_files import HOSTILE
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skmnist
from skmnist._safe_file import read_safe_file
from skmnist.preprocessing import ImageResizer

MODELS = Path(__file__).parent / "models"


def make_models(folder):
    """Write a classifier and a pipeline; return their paths by the kind of file."""
    X, y = load_digits(return_X_y=True)
    clf = skmnist.MnistCNNClassifier.with_article_recipe(
        max_epochs=2,
        random_state=0,
        augmentation=skmnist.RandomAffine(),
        class_weight={3: 2.0},
        module__channels=(4, 8),
        module__hidden_units=32,
    )
    models = {
        "classifier": clf,
        "residual network": skmnist.ResNetClassifier(
            module__channels=(4, 8), max_epochs=1, random_state=0
        ),
        "pipeline": make_pipeline(StandardScaler(), PCA(16), clone(clf)),
        "pictures": make_pipeline(ImageResizer((1, 8, 8)), clone(clf)),
    }
    paths = {name: folder / name for name in models}
    images = X[:200].reshape(-1, 8, 8).astype(np.uint8)
    for name, model in models.items():
        model.fit(images if name == "pictures" else X[:200], y[:200])
        skmnist.save(model, paths[name])
    return {"format 1": MODELS / "format-1.safetensors", **paths}


KINDS = [
    *((kind, None) for kind in DAMAGE),
    *((kind, model) for model, kinds in HOSTILE.items() for kind in kinds),
]


def damaged_files(models, n, seed):
    """Yield the kind and the content of each of n damaged files.

    Parameters
    ----------
    models : dict of Path by kind of file
    n : int
    seed : int
    """
    content = models["classifier"].read_bytes()
    originals = {name: read_safe_file(path) for name, path in models.items()}
    generator = random.Random(seed)
    for i in range(n):
        kind, model = KINDS[i % len(KINDS)]
        if model is None:
            yield kind, DAMAGE[kind](content, generator)
        else:
            metadata, tensors = originals[model]
            metadata, tensors = json.loads(json.dumps(metadata)), dict(tensors)
            HOSTILE[model][kind](metadata, tensors, generator)
            yield f"{model}: {kind}", with_checksum(metadata, tensors)


def try_damaged_files(n, seed):
    """Load n damaged files.

    Returns
    -------
    dict
        For each kind: the number of files `n`, the count of each error (without the
        values in it) `errors`, and the peak of the memory taken and the size of the
        file for which their ratio was largest, in bytes: `peak` and `size`.

    Raises
    ------
    AssertionError
        If one was loaded, raised anything but ValueError, or was executed.
    """
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        path = folder / "damaged.safetensors"
        models = make_models(folder)
        for model in models.values():
            skmnist.load(model)  # also imports all that loading needs
        names = sorted(path.name for path in folder.iterdir())
        for kind, content in damaged_files(models, n, seed):
            path.write_bytes(content)
            size = len(content)
            del content
            tracemalloc.start()
            try:
                skmnist.load(path)
            except ValueError as error:
                message = str(error).replace(str(path), "FILE")
            else:
                raise AssertionError(
                    f"was loaded: {kind}, {read_safe_file(path)[0]!s:.3000}"
                )
            finally:
                _, peak = tracemalloc.get_traced_memory()
                tracemalloc.stop()
            entry = found.setdefault(kind, {"n": 0, "errors": collections.Counter()})
            entry["n"] += 1
            reason = re.split(r"[(:;.]", message)[:2][-1].strip()
            entry["errors"][re.sub(r"[\d,]+", "N", reason)] += 1
            if peak / max(size, 1) > entry.get("peak", 0) / entry.get("size", 1):
                entry |= {"peak": peak, "size": size or 1}
            assert sorted(os.listdir(folder)) == sorted([*names, path.name])
    assert EXECUTED not in os.environ
    # putenv sets it for child processes only
    command = [sys.executable, "-c", "import os; print(*os.environ)"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert EXECUTED not in shown
    return found


def resident_memory():
    """The peak of the memory of this process, in words."""
    try:
        import resource
    except ImportError:  # on Windows
        return "the memory of the process is unknown on this system"
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    unit = 2**20 if sys.platform == "darwin" else 2**10  # in bytes there
    return f"the process took at most {peak / unit:.0f} MiB"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("n_files", type=int, nargs="?", default=5000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    found = try_damaged_files(arguments.n_files, arguments.seed)
    for kind, entry in found.items():
        print(
            f"{kind:34} {entry['n']:5} refused, at most {entry['peak']:9,} bytes "
            f"({entry['peak'] / entry['size']:.1f} x the file)"
        )
        for message, count in entry["errors"].most_common():
            print(f"    {count:5} {message[:100]}")
    n_files = sum(entry["n"] for entry in found.values())
    print(f"{n_files} files, none loaded, nothing executed; {resident_memory()}.")


if __name__ == "__main__":
    main()
