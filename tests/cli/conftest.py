"""Fixtures of the tests of the command."""

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import skmnist
from skmnist import MnistCNNClassifier
from skmnist.cli import app


@pytest.fixture
def run():
    """Run the command in this process."""

    def invoke(*arguments):
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return invoke


@pytest.fixture(scope="session")
def model(tmp_path_factory, sample):
    """The file of a quickly trained model."""
    X, y = sample
    clf = MnistCNNClassifier.with_digits_recipe(max_epochs=3, random_state=0)
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    skmnist.save(clf.fit(X, y), path)
    return path


@pytest.fixture
def pictures(tmp_path):
    """A folder with two ones, a blank sheet, two damaged files and a text file."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    sheet = np.full((120, 100), 240, np.uint8)
    Image.fromarray(sheet).save(folder / "blank.png")
    sheet[20:100, 46:54] = 30
    Image.fromarray(sheet).save(folder / "one.png")
    Image.fromarray(255 - sheet).save(folder / "one.jpg")
    (folder / "damaged.png").write_bytes((folder / "one.png").read_bytes()[:60])
    (folder / "empty.png").touch()
    (folder / "notes.txt").write_text("not a picture")
    return folder
