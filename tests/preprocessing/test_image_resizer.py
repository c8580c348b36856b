"""`ImageResizer`: pictures of any size to images of one shape."""

import io

import numpy as np
import pytest
from PIL import Image
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

from skmnist.displays import PreprocessingDisplay
from skmnist.preprocessing import ImageResizer


@pytest.fixture
def picture():
    values = np.random.default_rng(0).integers(0, 256, (30, 20, 3), dtype=np.uint8)
    return Image.fromarray(values)


@pytest.mark.parametrize("image_shape", [(1, 8, 9), (3, 8, 9), (3, 40, 50)])
def test_kinds_of_pictures(picture, image_shape, tmp_path):
    path = tmp_path / "1.png"
    picture.save(path)
    values = np.asarray(picture)
    file = io.BytesIO(path.read_bytes())
    pictures = [path, str(path), file, picture, values, np.moveaxis(values, 2, 0)]
    images = ImageResizer(image_shape).transform(pictures)
    assert images.dtype == np.uint8
    assert images.shape == (6, *(image_shape if image_shape[0] == 3 else (8, 9)))
    assert (images == images[0]).all()
    for channel in range(image_shape[0]):
        found = images[0, channel] if image_shape[0] == 3 else images[0]
        expected = values[..., channel] if image_shape[0] == 3 else values
        assert found.mean() == pytest.approx(expected.mean(), abs=6)


def test_images_of_the_shape_are_not_changed():
    generator = np.random.default_rng(0)
    for shape in ((3, 7, 9), (1, 7, 9), (3, 2, 2)):
        X = generator.integers(0, 2, (5, *shape), dtype=np.uint8)
        resizer = ImageResizer(shape)
        found = resizer.transform(X)
        assert np.array_equal(found.reshape(X.shape), X)
        assert np.array_equal(resizer.transform(found), found)


def test_sides_are_scaled_separately():
    half = np.zeros((10, 40), np.uint8)
    half[:, 20:] = 200
    (image,) = ImageResizer((1, 8, 8)).transform([half])
    assert np.unique(image[:, :3]).tolist() == [0]
    assert np.unique(image[:, 5:]).tolist() == [200]


def test_transparent_parts_are_white():
    image = Image.new("RGBA", (10, 10))
    image.paste((0, 0, 255, 255), (0, 0, 5, 10))
    (image,) = ImageResizer((3, 10, 10)).transform([image])
    assert image[:, 0, 9].tolist() == [255, 255, 255]
    assert image[:, 0, 0].tolist() == [0, 0, 255]


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        ("photo.png", TypeError, r"Pass \[X\] for a single picture"),
        (["missing.png"], FileNotFoundError, "missing.png, but there is no such file"),
        ([np.ones((9, 9))], TypeError, "picture 0 as an array of type float64.*uint8"),
        ([np.ones(784, np.uint8)], ValueError, "Reshape rows of pixels first"),
        ([np.ones((9, 9, 7), np.uint8)], ValueError, "picture 0 of shape"),
        ([np.ones((0, 9), np.uint8)], ValueError, "which has no pixels"),
        ([Image.new("L", (0, 9))], ValueError, "which has no pixels"),
    ],
)
def test_other_input(X, error, message):
    with pytest.raises(error, match=message):
        ImageResizer((1, 8, 8)).transform(X)


def test_too_large_files(tmp_path, monkeypatch):
    monkeypatch.setattr("skmnist._picture_files.MAX_PIXELS", 99)
    Image.new("L", (10, 10)).save(tmp_path / "1.png")
    with pytest.raises(ValueError, match="at most 99 pixels are read") as error:
        ImageResizer((1, 8, 8)).transform([tmp_path / "1.png"])
    assert str(error.value).endswith("Reduce its size.")


@pytest.mark.parametrize("image_shape", [(2, 8, 8), (1, 8), (1, 8, 5000), None, 8.0])
def test_invalid_shapes(image_shape):
    resizer = ImageResizer(image_shape)
    for method in (resizer.fit, resizer.transform, resizer.explain):
        with pytest.raises((TypeError, ValueError), match="Got image_shape="):
            method([np.zeros((8, 8), np.uint8)])


def test_in_front_of_a_classifier(few, small, tmp_path):
    """A pipeline takes the paths of pictures."""
    X, y = few
    paths = np.array([str(tmp_path / f"{i}.png") for i in range(len(X))])
    for path, row in zip(paths, X, strict=True):
        Image.fromarray(row.reshape(28, 28).astype(np.uint8)).save(path)
    pipeline = make_pipeline(ImageResizer((1, 28, 28)), small(max_epochs=1))
    expected = clone(pipeline[-1]).fit(X.astype(np.uint8), y)
    assert np.array_equal(
        pipeline.fit(paths, y).predict_proba(paths),
        expected.predict_proba(X.astype(np.uint8)),
    )
    assert len(cross_val_score(pipeline, paths, y, cv=2)) == 2


@pytest.mark.parametrize("channels", [1, 3])
def test_display(picture, channels):
    resizer = ImageResizer((channels, 8, 9))
    display = PreprocessingDisplay.from_estimator(resizer, picture)
    assert [*display.axes_] == ["picture", "result"]
    shown = display.stages["result"]
    (image,) = resizer.transform([picture])
    assert np.array_equal(shown if channels == 1 else np.moveaxis(shown, 2, 0), image)
