"""Model files with a valid checksum and hostile content: anyone can compute it.

Each function changes the metadata and the tensors of a model file.
"""

import numpy as np
import torch

LARGE_HISTORY = "large history"
"""The kind of file that takes most memory, by its size."""


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
    key = "pixel_range"
    while key == "pixel_range":  # earlier versions did not have it
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
        "augmentation": [
            *("x", 3, [3], [["x"]], [{"class": "os.system"}]),
            {"object": ["skmnist.RandomAffine", {"shift": -1}]},
            [{"object": ["skmnist.RandomShift", {"max_shift": 0.5}]}],
        ],
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


def wrong_pixel_range(metadata, tensors, generator):
    bounds = [
        *([0.0], [0.0, 1.0, 2.0], [1.0, 0.0], [0, 255], [0.0, "x"], [0.0, None]),
        *([0.0, {"float": "inf"}], [{"float": "nan"}, 1.0], [{"float": "-inf"}, 1.0]),
    ]
    pixel_range = {"tuple": generator.choice(bounds)}
    get_parts(metadata)["attributes"]["pixel_range"] = pixel_range


def wrong_network(metadata, tensors, generator):
    wrong = {
        "hidden_units": [10**9, 10**18, 10**30, -1, 33, "x", [1]],
        "channels": [[10**9, 10**9], [], 7, [4, 9]],
        "kernel_size": [10**6, 0, -5, [1, 2, 3], 3],
        "dropout": [-1, 2, "x", [0]],
        "average_flips": ["x", None, [1], 2],
        "type": ["ResNet", "x", [1]],
        "warp": [9],
    }
    name = generator.choice(list(wrong))
    get_parts(metadata)["network"][name] = generator.choice(wrong[name])


def wrong_residual_network(metadata, tensors, generator):
    wrong = {
        "type": ["CNN", "x", None, ["ResNet"]],
        "channels": [[10**9, 10**9], [], 7, [4, 9], [4] * 100, [0, 4]],
        "patch_size": [10**6, 0, -5, 2.0, 3, "x"],
        "average_flips": ["x", None, [1], 2],
        "average_shifts": ["x", None, [1], 2],
        "mean": [0.0],
    }
    name = generator.choice(list(wrong))
    get_parts(metadata)["network"][name] = generator.choice(wrong[name])


def wrong_shape(metadata, tensors, generator):
    names = [n for n in tensors if n.startswith("network.") and tensors[n].ndim]
    name = generator.choice(names)
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
    name = generator.choice(
        [
            n
            for n in tensors
            if n.startswith("network.") and tensors[n].is_floating_point()
        ]
    )
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
    formats = [0, 1, 2, 99, "1", None, [1], True]
    now = repr(metadata["format"])
    metadata["format"] = generator.choice([f for f in formats if repr(f) != now])


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
    name = steps[-1][0]
    change = generator.randrange(4)
    if change == 0:
        other = [[3, None], [None, None], [name, None], [[], "passthrough"]]
        other += [["x", "os.system"], ["x", 3], ["x", {"class": "skmnist.CNN"}], "x", 3]
        steps.append(generator.choice(other))
    elif change == 1:
        pipeline["classifier"][0] = generator.choice([None, 3, name, [], {}])
    elif change == 2:
        pipeline["parameters"]["memory"] = generator.choice(["/tmp/x", 3, {}])
    else:
        owner = generator.choice([metadata, pipeline])
        key = generator.choice(sorted(owner.keys() - {"versions"}))
        owner[key] = other_value(generator, owner[key])


def wrong_resizer(metadata, tensors, generator):
    """Another shape, parameter or attribute of an `ImageResizer`."""
    (step,) = metadata["pipeline"]["steps"]
    _, parameters, attributes = step[1]["transformer"]
    shapes = [[1, 8], [2, 8, 8], [1, 0, 8], [1, 10**9, 10**9], [3, 8, 4097], [1, 8, -8]]
    change = generator.randrange(4)
    if change == 0:
        parameters["image_shape"] = {"tuple": generator.choice(shapes)}
    elif change == 1:
        parameters["image_shape"] = other_value(generator, parameters["image_shape"])
    elif change == 2:
        other = ["fit", "transform", "__class__", "max_pixels", "x"]
        parameters[generator.choice(other)] = {"class": "torch.optim.SGD"}
    else:
        attributes[generator.choice(["transform", "__dict__", "x_", "_open"])] = 3


def missing_shape(metadata, tensors, generator):
    (step,) = metadata["pipeline"]["steps"]
    del step[1]["transformer"][1]["image_shape"]


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
        "wrong pixel range": wrong_pixel_range,
        "wrong labels": wrong_labels,
        "wrong history": wrong_history,
        LARGE_HISTORY: large_history,
    },
    "residual network": {
        **HOSTILE_ANY,
        "wrong network": wrong_residual_network,
        "wrong labels": wrong_labels,
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
    "pictures": {
        "wrong resizer": wrong_resizer,
        "missing shape": missing_shape,
        "wrong steps": wrong_steps,
    },
}
"""Changes with a valid checksum, by the kind of file that is changed."""
