"""Try to load damaged, foreign and hostile model files.

    python tests/model_files/fuzz_model_files.py 5000

prints, for each kind of file, how many were tried, the errors with which they were
refused, and the peak of the memory taken, also as a multiple of the file's size. The
checksums of hostile files are valid: anyone can compute them.
"""

import argparse
import collections
import io
import json
import os
import pickle
import random
import re
import subprocess
import sys
import tempfile
import tracemalloc
import zipfile
from pathlib import Path

import joblib
import numpy as np
import safetensors.torch
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skmnist
from skmnist._safe_file import (
    CHECKSUM_END,
    CHECKSUM_PLACEHOLDER,
    CHECKSUM_START,
    HEADER_LIMIT,
    LENGTH_SIZE,
    START,
    _checksum,
    read_safe_file,
)

MODELS = Path(__file__).parent / "models"

EXECUTED = "SKMNIST_TEST_EXECUTED"

LARGE_HISTORY = "large history"
"""The kind of file that takes most memory, by its size."""


class Malicious:
    """Executes a call when it is unpickled."""

    def __reduce__(self):
        return os.putenv, (EXECUTED, "1")


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
        "pipeline": make_pipeline(StandardScaler(), PCA(16), clone(clf)),
    }
    paths = {name: folder / name for name in models}
    for name, model in models.items():
        skmnist.save(model.fit(X[:200], y[:200]), paths[name])
    return {"format 1": MODELS / "format-1.safetensors", **paths}


def with_checksum(metadata, tensors):
    """A file with a valid checksum around any content."""
    text = '{"sha256": "' + CHECKSUM_PLACEHOLDER.decode() + '", '
    text += json.dumps(metadata)[1:]
    return fix_checksum(safetensors.torch.save(tensors, {"skmnist": text}))


def fix_checksum(content):
    content = bytearray(content)
    content[CHECKSUM_START:CHECKSUM_END] = _checksum(content).encode()
    return bytes(content)


# Damage: the checksum is not valid ---------------------------------------------------


def flip_bit_of(first, last):
    def flip(content, generator):
        content = bytearray(content)
        stop = len(content) if last is None else last(content)
        position = generator.randrange(first, stop)
        content[position] ^= 1 << generator.randrange(8)
        return bytes(content)

    return flip


def header_end(content):
    return LENGTH_SIZE + int.from_bytes(content[:LENGTH_SIZE], "little")


def truncate(content, generator):
    return content[: generator.randrange(len(content))]


def extend(content, generator):
    return content + generator.randbytes(generator.randrange(1, 2000))


def overwrite(content, generator):
    size = generator.randrange(1, 4096)
    at = generator.randrange(len(content))
    return content[:at] + generator.randbytes(size) + content[at + size :]


def drop_part(content, generator):
    at = generator.randrange(len(content))
    return content[:at] + content[at + generator.randrange(1, 4096) :]


def swap_blocks(content, generator):
    middle = generator.randrange(1, len(content))
    return content[middle:] + content[:middle]


def as_text(content, generator):
    """Line ends changed by a transfer in text mode."""
    changed = content.replace(b"\n", b"\r\n")
    return changed if changed != content else content + b"\n"


# Foreign files -----------------------------------------------------------------------


def pickled(content, generator):
    return pickle.dumps(Malicious(), protocol=generator.randrange(6))


def joblib_file(content, generator):
    file = io.BytesIO()
    joblib.dump(Malicious(), file, compress=generator.randrange(4))
    return file.getvalue()


def torch_file(content, generator):
    file = io.BytesIO()
    torch.save({"weights": torch.zeros(3), "x": Malicious()}, file)
    return file.getvalue()


def zip_file(content, generator):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("data", generator.randbytes(100))
    return file.getvalue()


def numpy_file(content, generator):
    file = io.BytesIO()
    np.save(file, np.array([Malicious()]), allow_pickle=True)
    return file.getvalue()


def noise(content, generator):
    return generator.randbytes(generator.choice([0, 1, 7, 8, 9, 100, 10_000]))


def pickle_after_valid_start(content, generator):
    body = pickle.dumps(Malicious())
    return (
        len(body).to_bytes(LENGTH_SIZE, "little") + START + CHECKSUM_PLACEHOLDER + body
    )


def other_safetensors(content, generator):
    metadata = generator.choice([None, {"format": "pt"}, {"skmnist": "{}"}])
    return safetensors.torch.save({"x": torch.zeros(4)}, metadata)


# Hostile files -----------------------------------------------------------------------


def huge_header(content, generator):
    length = generator.choice([2**63, 2**40, 2 * HEADER_LIMIT, len(content) * 2])
    return fix_checksum(length.to_bytes(LENGTH_SIZE, "little") + content[LENGTH_SIZE:])


def header_of_brackets(content, generator):
    """JSON that takes many times its size in memory, in the header or the metadata."""
    n = HEADER_LIMIT // 5
    value = generator.choice(
        ["[" * n, "[[]," * n, f"[{'{},' * n}1]", f"[{'1.5,' * n}1]"]
    )
    rest = generator.choice(['\\"}"}, "x": %s}', '\\", \\"x\\": %s}"}}']) % value
    header = START + CHECKSUM_PLACEHOLDER + rest.encode()
    return fix_checksum(len(header).to_bytes(LENGTH_SIZE, "little") + header)


def other_value(generator, value):
    """Something of another type than value, or of an absurd size."""
    absurd = [
        *(None, True, -1, 0, 10**30, 1e308, "", "x" * 100, "os.system"),
        *([], [[]], {}, {"class": "os.system"}, {"object": ["os.system", {}]}),
        *({"tuple": 3}, {"dict": [1]}, {"class": []}, {"float": "x"}, {"a": 1, "b": 2}),
        *({"object": ["skmnist.RandomAffine", {"rotation": "x"}]}, [10**9, 10**9]),
        *(
            {"object": ["skmnist.RandomAffine", 3]},
            {"device": "nowhere"},
            {"device": 3},
        ),
    ]
    return generator.choice([v for v in absurd if type(v) is not type(value)])


FORMAT_1_ENTRIES = (
    *("format", "parameters", "classes", "image_shape", "layout", "n_features"),
    *("pixel_mean", "pixel_std", "precision", "seed", "weights_so_far", "history"),
    *("n_earlier_epochs", "network"),
)


def get_parts(metadata):
    """The dict with the parts of the classifier: parameters, network, attributes."""
    if "pipeline" in metadata:
        return metadata["pipeline"]["classifier"][1]
    return metadata.get("classifier", metadata)


def choose_entry(metadata, generator):
    """Choose a dict and a key in it."""
    if metadata["format"] == 1:
        return metadata, generator.choice(FORMAT_1_ENTRIES)
    parts = get_parts(metadata)
    owner = generator.choice([metadata, parts, *[parts["attributes"]] * 3])
    return owner, generator.choice(sorted(owner.keys() - {"versions"}))


def wrong_entry(metadata, tensors, generator):
    owner, key = choose_entry(metadata, generator)
    owner[key] = other_value(generator, owner[key])


def missing_entry(metadata, tensors, generator):
    owner, key = choose_entry(metadata, generator)
    del owner[key]


def wrong_parameter(metadata, tensors, generator):
    wrong = {
        "lr": ["fast", None, 0, -1.0, {"float": "nan"}, {"class": "os.system"}],
        "max_epochs": [0, -1, 2.5, "many", None, []],
        "batch_size": [0, "x", None, {"tuple": []}],
        "module": [{"class": "os.system"}, "os.system", None, {"class": "skmnist.x"}],
        "criterion": [{"class": "builtins.eval"}, {"class": "skmnist.CNN"}, 3],
        "optimizer": [{"class": "builtins.exec"}, 3, {"class": "torch.nn.NLLLoss"}],
        "augmentation": ["x", 3, {"object": ["skmnist.RandomAffine", {"shift": -1}]}],
        "callbacks": [
            3,
            ["x"],
            [{"object": ["skorch.callbacks.Checkpoint", {"dirname": "/tmp/x"}]}],
            [{"object": ["skorch.callbacks.EpochScoring", {}]}],
            [{"object": ["skorch.callbacks.EarlyStopping", {"speed": 3}]}],
            [
                {
                    "object": [
                        "skorch.callbacks.EarlyStopping",
                        {"sink": {"class": "skmnist.RandomAffine"}},
                    ]
                }
            ],
        ],
        "torch_load_kwargs": [{"dict": [["weights_only", False]]}],
        "early_stopping": ["x", 3],
        "precision": ["float8", 3],
        "device": ["nowhere", 3.5, None],
        "compile": ["yes", 1, {"class": "skmnist.CNN"}],
        "compile__options": [{"dict": [["cpp.cxx", {"tuple": ["touch executed"]}]]}],
        "compile__backend": ["inductor", "tvm"],
        "iterator_valid__num_workers": [10**6, -1, "x"],
        "iterator_valid__multiprocessing_context": ["spawn"],
        "iterator_train__worker_init_fn": [{"class": "skmnist.CNN"}],
        "iterator_valid__batch_size": [0, -2, "x"],
        "image_shape": [{"tuple": [1, 8]}, 3, {"tuple": [0, 8, 8]}],
        "class_weight": [{"dict": [[3, -2]]}, 7],
        "predict": [1],
        "_seed": [1],
        "classes_": [[1]],
        "__class__": [{"class": "skmnist.CNN"}],
        "warp__speed": [9],
        "module__warp": [9],
        "optimizer__warp": [9],
    }
    name = generator.choice(list(wrong))
    get_parts(metadata)["parameters"][name] = generator.choice(wrong[name])


def wrong_network(metadata, tensors, generator):
    wrong = {
        "hidden_units": [10**9, 10**18, 10**30, -1, 33, "x", [1]],
        "channels": [[10**9, 10**9], [], 7, [4, 9]],
        "kernel_size": [10**6, 0, -5, [1, 2, 3], 3],
        "dropout": [-1, 2, "x", [0]],
        "warp": [9],
    }
    name = generator.choice(list(wrong))
    get_parts(metadata)["network"][name] = generator.choice(wrong[name])


def wrong_shape(metadata, tensors, generator):
    name = generator.choice([n for n in tensors if n.startswith("network.")])
    values = tensors[name]
    tensors[name] = generator.choice(
        [values[..., :-1].contiguous(), values[None], torch.zeros(0), torch.zeros(3, 3)]
    )


def wrong_type(metadata, tensors, generator):
    name = generator.choice(sorted(tensors.keys() - {"classes"}))
    if name.startswith("history"):  # these may be of several types in format 1
        tensors[name] = tensors[name][None]
    else:
        types = [torch.int8, torch.float16, torch.bfloat16, torch.bool, torch.uint8]
        tensors[name] = tensors[name].to(generator.choice(types))


def missing_tensor(metadata, tensors, generator):
    del tensors[generator.choice(sorted(tensors))]


def further_tensor(metadata, tensors, generator):
    name = generator.choice(["network.x", "history.x", "history.epochs.x"])
    tensors[name] = torch.zeros(3)


def not_finite(metadata, tensors, generator):
    name = generator.choice([n for n in tensors if n.startswith("network.")])
    tensors[name] = torch.full_like(tensors[name], generator.choice([np.nan, np.inf]))


WRONG_LABELS = [
    ["int64", list(range(9))],
    ["int64", list(range(11))],
    ["int64", [0] * 10],
    ["int64", list(range(10))[::-1]],
    ["object", [*range(9), None]],
    ["object", [*range(9), []]],
    ["object", [[i] for i in range(10)]],
    ["str", list(range(10))],
    ["str", [*map(str, range(4000)), "x" * 4000]],
    ["U1000000000", list(range(10))],
    ["datetime64[s]", list(range(10))],
    ["float64", [*range(9), 1e400]],
]


def wrong_labels(metadata, tensors, generator):
    if generator.randrange(2):
        labels = generator.choice([pair for pair in WRONG_LABELS if pair[0] != "int64"])
        get_parts(metadata)["attributes"]["classes"] = {"array_of": labels}
    else:
        ten = torch.arange(10)
        tensors["classes"] = generator.choice(
            [ten[:9], torch.arange(11), ten * 0, ten.flip(0), ten[None], ten / 0]
        )


def wrong_labels_of_format_1(metadata, tensors, generator):
    metadata["classes"] = generator.choice(
        [*WRONG_LABELS, ["int8", [*range(9), 1000]], ["int64", [*range(9), "nine"]]]
    )


def wrong_history(metadata, tensors, generator):
    text = generator.choice(
        [
            *("", "[", "[" * 100_000, '{"a":' * 100_000, "{}", "3", "[3]", "[[]]"),
            *('[{"epoch": 1}]', '[{"epoch": 1, "batches": 3}]', '[{"batches": []}]'),
            *('[{"epoch": 1, "batches": [{}]}]', '[{"epoch": [], "batches": []}]'),
            '[{"epoch": 1, "batches": [{"loss": "os.system"}]}]',
            '[{"epoch": 1, "batches": {"loss": 1}}]',
            *("\xff", "9" * 10_000),
        ]
    )
    tensors["history"] = torch.tensor(list(text.encode("latin-1")), dtype=torch.uint8)


def large_history(metadata, tensors, generator):
    """JSON that takes many times its size in memory."""
    n = generator.choice([10_000, 100_000])
    item = generator.choice(["{},", "[],", '{"":[]},', "1.5,", '{"a":1},', '"a",'])
    text = generator.choice(["[%s1]", '[{"epoch":1,"batches":[%s1]}]']) % (item * n)
    tensors["history"] = torch.frombuffer(bytearray(text.encode()), dtype=torch.uint8)


def wrong_history_of_format_1(metadata, tensors, generator):
    keys, groups = metadata["history"][0]
    kinds, counts = tensors["history.kinds"], tensors["history.counts"]
    if generator.randrange(2):
        metadata["history"][0] = generator.choice(
            [
                [[*keys, "x"], groups],
                [[{"class": "os.system"}], groups],
                [[[]], groups],
                [[], groups],
                [keys, [[]]],
                [keys, [["x"]]],
                [keys, 3],
                "epoch",
            ]
        )
    elif generator.randrange(2):
        tensors["history.kinds"] = generator.choice(
            [kinds + 1, kinds - 1, kinds.double(), kinds[:-1], kinds.repeat(1000)]
        )
    else:
        tensors["history.counts"] = generator.choice(
            [counts * 10**12, -counts, counts * 0, counts.double(), counts.repeat(2)]
        )


def other_format(metadata, tensors, generator):
    formats = {0, 1, 2, 99, "1", None, (1,)} - {metadata["format"]}
    metadata["format"] = generator.choice(sorted(formats, key=repr))


def absurd_shape(metadata, tensors, generator):
    shape = generator.choice(
        [[1, 8, 9], [8, 8], [1, 8, 10**9], [10**9, 10**9, 10**9], [1, -8, -8], "8x8"]
    )
    if metadata["format"] == 1:
        metadata["image_shape"] = shape
    else:
        attributes = get_parts(metadata)["attributes"]
        attributes["image_shape"] = generator.choice([shape, {"tuple": shape}])


OTHER_CLASSES = (
    *("os.system", "builtins.eval", "subprocess.Popen", "sklearn.base.BaseEstimator"),
    *("sklearn.preprocessing._data.StandardScaler", "sklearn.svm.SVC", "antigravity.x"),
    *("sklearn.preprocessing.FunctionTransformer.x", "skmnist.load", "", "PCA"),
)


def wrong_step(metadata, tensors, generator):
    """Another class, parameter or attribute in a step of a pipeline."""
    step = generator.choice(metadata["pipeline"]["steps"])
    content = step[1]["transformer"]
    attribute = generator.choice(sorted(content[2].keys() - {"n_features_in_"}))
    change = generator.randrange(6)
    if change == 0:
        content[0] = generator.choice(OTHER_CLASSES)
    elif change == 1:
        kind = generator.choice(["class", "object"])
        step[1] = {kind: generator.choice(["skmnist.CNN", ["os.system", {}]])}
    elif change == 2:
        name = generator.choice(["copy", "fit", "__class__", "transform", "x"])
        content[1][name] = {"class": "torch.optim.SGD"}
    elif change == 3:
        content[2][generator.choice(["transform", "__dict__", "x_", "_x"])] = 3
    elif change == 4:
        del content[2][attribute]
    else:
        content[2][attribute] = generator.choice(
            [{"class": "os.system"}, {"array": "x"}, {"tensor": "network.conv1.weight"}]
        )


def wrong_steps(metadata, tensors, generator):
    pipeline = metadata["pipeline"]
    steps = pipeline["steps"]
    change = generator.randrange(4)
    if change == 0:
        other = [[3, None], [None, None], ["pca", None], [[], "passthrough"]]
        other += [["x", "os.system"], ["x", 3], ["x", {"class": "skmnist.CNN"}], "x", 3]
        steps.append(generator.choice(other))
    elif change == 1:
        pipeline["classifier"][0] = generator.choice([None, 3, "pca", [], {}])
    elif change == 2:
        pipeline["parameters"]["memory"] = generator.choice(["/tmp/x", 3, {}])
    else:
        owner = generator.choice([metadata, pipeline])
        key = generator.choice(sorted(owner.keys() - {"versions"}))
        owner[key] = other_value(generator, owner[key])


DAMAGE = {
    "a bit of the length": flip_bit_of(0, lambda content: LENGTH_SIZE),
    "a bit of the header": flip_bit_of(LENGTH_SIZE, header_end),
    "a bit anywhere": flip_bit_of(0, None),
    "truncated": truncate,
    "extended": extend,
    "overwritten": overwrite,
    "a part is missing": drop_part,
    "blocks swapped": swap_blocks,
    "line ends changed": as_text,
    "foreign: pickle": pickled,
    "foreign: joblib": joblib_file,
    "foreign: torch.save": torch_file,
    "foreign: zip": zip_file,
    "foreign: NumPy": numpy_file,
    "foreign: noise": noise,
    "foreign: pickle after a valid start": pickle_after_valid_start,
    "foreign: other safetensors": other_safetensors,
    "hostile: huge header": huge_header,
    "hostile: brackets": header_of_brackets,
}
HOSTILE_ANY = {
    "wrong entry": wrong_entry,
    "missing entry": missing_entry,
    "wrong parameter": wrong_parameter,
    "wrong network": wrong_network,
    "wrong shape": wrong_shape,
    "wrong type": wrong_type,
    "missing tensor": missing_tensor,
    "further tensor": further_tensor,
    "not finite": not_finite,
    "another format": other_format,
    "absurd shape": absurd_shape,
}
HOSTILE = {
    "format 1": {
        **HOSTILE_ANY,
        "wrong labels": wrong_labels_of_format_1,
        "wrong history": wrong_history_of_format_1,
    },
    "classifier": {
        **HOSTILE_ANY,
        "wrong labels": wrong_labels,
        "wrong history": wrong_history,
        LARGE_HISTORY: large_history,
    },
    "pipeline": {
        "wrong entry": wrong_entry,
        "wrong parameter": wrong_parameter,
        "missing tensor": missing_tensor,
        "further tensor": further_tensor,
        "wrong labels": wrong_labels,
        "wrong step": wrong_step,
        "wrong steps": wrong_steps,
    },
}
"""Changes with a valid checksum, by the kind of file that is changed."""

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
