"""`DigitPreprocessor`: from pictures to rows like MNIST's."""

import io
import itertools
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image, ImageDraw
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import SkipTestWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_checks

from skmnist import MnistCNNClassifier
from skmnist._picture_files import FORMATS
from skmnist.displays import PreprocessingDisplay
from skmnist.preprocessing import DigitPreprocessor
from skmnist.preprocessing._background import _median_filter
from skmnist.preprocessing._speck_removal import drop_specks

STROKES = {
    1: [[(50, 15), (50, 85)]],
    4: [[(40, 10), (25, 55), (75, 55)], [(60, 30), (60, 90)]],
    7: [[(25, 15), (75, 15), (45, 90)]],
}


def draw(digit=4, size=(240, 200), width=9, ink=40, paper=235, place=(0.5, 0.5)):
    """A digit in a picture (height, width), uint8."""
    image = Image.new("L", (4 * size[1], 4 * size[0]), paper)
    canvas = ImageDraw.Draw(image)
    unit = 0.6 * min(size) / 100
    left, top = place[0] * size[1] - 50 * unit, place[1] * size[0] - 50 * unit
    for stroke in STROKES[digit]:
        points = [(4 * (left + unit * x), 4 * (top + unit * y)) for x, y in stroke]
        canvas.line(points, fill=ink, width=4 * width, joint="curve")
    return np.asarray(image.resize((size[1], size[0]), Image.Resampling.BOX))


def transform(*pictures, **parameters):
    return DigitPreprocessor(**parameters).transform(pictures).reshape(-1, 28, 28)


def alike(first, second):
    """Correlation of two images; one may be shifted by a pixel."""
    second = np.reshape(second, (28, 28))
    return max(
        np.corrcoef(np.ravel(first), np.roll(second, by, axis=(0, 1)).ravel())[0, 1]
        for by in itertools.product((-1, 0, 1), repeat=2)
    )


@pytest.fixture(scope="module")
def reader(sample):
    """A classifier trained on MNIST digits."""
    X, y = sample
    clf = MnistCNNClassifier.with_digits_recipe(max_epochs=4, random_state=0)
    return clf.fit(X, y)


@pytest.mark.parametrize("digit", STROKES)
def test_size_and_position_as_in_mnist(digit):
    (image,) = transform(draw(digit, place=(0.3, 0.6)))
    rows, columns = np.flatnonzero(image.any(1)), np.flatnonzero(image.any(0))
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20
    y, x = np.mgrid[:28, :28]
    for positions in (y, x):
        assert abs((positions * image).sum() / image.sum() - 13.5) <= 0.5
    assert image.dtype == np.uint8
    assert image.max() == 255
    assert image[0].max() == 0


def test_reads_drawings(reader):
    for digit in STROKES:
        (row,) = DigitPreprocessor().transform([draw(digit)])
        assert reader.predict([row]) == [digit]


@pytest.mark.parametrize(
    "changes",
    [
        {"place": (0.3, 0.7)},
        {"size": (480, 640)},
        {"size": (1500, 1100), "width": 45},
        {"ink": 150},
        {"ink": 230, "paper": 20},
        {"width": 3},
        {"width": 16},
    ],
)
def test_irrelevant_changes(changes):
    first, second = transform(draw()), transform(draw(**changes))
    assert alike(first, second) > 0.9


def test_shadow_and_vignette():
    picture = draw() / 255
    y, x = np.mgrid[-1 : 1 : picture.shape[0] * 1j, -1 : 1 : picture.shape[1] * 1j]
    expected = transform(picture)
    shadow = 0.45 + 0.55 / (1 + np.exp(15 * (x + 0.5 * y)))
    for light in (shadow, 1 - 0.3 * (x**2 + y**2)):
        assert alike(transform(picture * light), expected) > 0.95
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the shadow touches the edge
        even = transform(picture * shadow, flatten_background=False)
    assert alike(even, expected) < 0.9


@pytest.mark.parametrize("tilt", [0, 2])
@pytest.mark.parametrize("squared", [False, True])
def test_paper_lines(tilt, squared):
    picture, expected = draw(), transform(draw())
    y, x = np.mgrid[: picture.shape[0], : picture.shape[1]]
    slope = np.tan(np.radians(tilt))
    lines = (y - slope * x) % 45 < 2
    if squared:
        lines |= (x + slope * y) % 45 < 2
    ruled = np.where(lines, np.minimum(picture, 90), picture)
    assert alike(transform(ruled), expected) > 0.85
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the lines touch the edge, among other things
        assert alike(transform(ruled, remove_lines=False), expected) < 0.7


def test_uneven_light():
    picture = draw(size=(400, 300), width=5, place=(0.3, 0.3)) / 255
    falling = np.linspace(1, 0.5, 300)
    assert alike(transform(picture * falling), transform(picture)) > 0.95


def test_table_around_the_sheet():
    picture = np.full((300, 260), 60, np.uint8)
    picture[30:-30, 30:-30] = draw(7)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # there may be something along the edge
        found = transform(picture)
    assert alike(found, transform(draw(7))) > 0.95


@pytest.mark.parametrize("margin", [0, 8])
def test_frame_around_the_digit(margin):
    picture, expected = draw(7), transform(draw(7))
    framed = np.full_like(picture, 0)
    inner = (slice(margin + 2, -margin - 2),) * 2
    framed[inner] = picture[inner]
    if margin:
        outer = np.full_like(picture, 235)
        outer[margin:-margin, margin:-margin] = framed[margin:-margin, margin:-margin]
        framed = outer
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # there is something along the edge
        assert alike(transform(framed), expected) > 0.95


def test_specks():
    picture = draw().copy()
    expected = transform(picture)
    picture[10:14, 10:14] = picture[200:203, 180:183] = 30
    assert alike(transform(picture), expected) > 0.99
    assert alike(transform(picture, speck_size=0), expected) < 0.9


def test_pixels_that_share_a_corner_are_connected():
    """A thin slanted stroke is not dropped as a row of specks."""
    ink = np.zeros((40, 40), bool)
    ink[10:30, 5:15] = True
    tail = np.arange(10)
    ink[30 + tail[:5], 15 + tail[:5]] = True
    speck = np.zeros_like(ink)
    speck[5:7, 30:32] = True
    assert (drop_specks(ink | speck, 0.06) == ink).all()


def test_stroke_width_is_close_to_that_of_mnist(sample):
    X, _ = sample
    typical = np.median((X > 127).sum(1))
    for width in (2, 5, 12, 20):
        picture = draw(4, width=width)
        inked = (transform(picture) > 127).sum()
        assert 0.6 * typical < inked < 1.5 * typical
    thin = (transform(draw(width=2), stroke_width=None) > 127).sum()
    assert thin < 0.5 * typical
    inked = [
        (transform(draw(width=4), stroke_width=width) > 127).sum()
        for width in (1, 2, 3, 4)
    ]
    assert inked == sorted(inked)
    assert inked[0] < inked[-1]


def test_loops_stay_open():
    image = Image.new("L", (200, 200), "white")
    canvas = ImageDraw.Draw(image)
    canvas.ellipse((60, 20, 140, 180), outline="black", width=6)
    canvas.line((60, 100, 140, 100), fill="black", width=6)
    canvas.ellipse((88, 128, 112, 152), outline="black", width=6)
    (result,) = transform(image, stroke_width=6)
    assert (result[6:12, 12:16] < 128).any()


def test_mnist_digits_are_hardly_changed(sample, reader):
    X, y = sample
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the digits are small
        rows = DigitPreprocessor().transform(X[::50].reshape(-1, 28, 28))
    assert np.mean([alike(*pair) for pair in zip(rows, X[::50], strict=True)]) > 0.85
    assert reader.score(rows, y[::50]) > reader.score(X[::50], y[::50]) - 0.03


def test_polarity():
    dark, light = draw(), 255 - draw()
    assert (transform(dark, polarity="dark") == transform(dark)).all()
    assert (transform(light, polarity="light") == transform(light)).all()
    assert alike(transform(dark, polarity="light"), transform(dark)) < 0.8


KINDS = {
    "grey": lambda a: a,
    "floats to 1": lambda a: a / 255,
    "floats to 255": lambda a: a.astype(float),
    "16 bits": lambda a: a.astype(np.uint16) * 257,
    "bool": lambda a: a > 128,
    "one channel": lambda a: a[:, :, None],
    "colour": lambda a: np.dstack([a] * 3),
    "channels first": lambda a: np.stack([a] * 3),
    "alpha": lambda a: np.dstack([a, np.full_like(a, 255)]),
    "colour and alpha": lambda a: np.dstack([a] * 3 + [np.full_like(a, 255)]),
    "tensor": lambda a: torch.tensor(a)[None],
    "list": lambda a: a.tolist(),
    "image": Image.fromarray,
    "palette": lambda a: Image.fromarray(a).convert("P"),
    "CMYK": lambda a: Image.fromarray(a).convert("CMYK"),
    "I;16": lambda a: Image.fromarray(a.astype(np.uint16) * 257),
    "F": lambda a: Image.fromarray(a.astype(np.float32)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_any_kind_of_picture(kind):
    picture = draw()
    assert alike(transform(KINDS[kind](picture)), transform(picture)) > 0.98


def test_scale_of_arrays():
    """Brightness is absolute: dark pictures are not brightened."""
    picture = draw(ink=40, paper=200)
    expected = DigitPreprocessor().explain(picture)["luminance"]
    for kind in ("floats to 1", "floats to 255", "16 bits", "I;16", "F"):
        found = DigitPreprocessor().explain(KINDS[kind](picture))["luminance"]
        np.testing.assert_array_equal(found, expected)


def test_strokes_on_a_transparent_background():
    ink = 255 - draw(ink=0, paper=255)
    for colour in (0, 255):  # also white strokes, which are invisible on white
        rgba = np.dstack([np.full_like(ink, colour)] * 3 + [ink])
        assert alike(transform(rgba), transform(draw())) > 0.95


def test_files_folders_and_mixed_lists(tmp_path):
    picture = draw()
    image = Image.fromarray(picture)
    files = []
    for suffix in ("png", "bmp", "gif", "tif", "webp", "ppm"):
        files.append(tmp_path / f"four.{suffix}")
        image.save(files[-1], **({"lossless": True} if suffix == "webp" else {}))
    content = files[0].read_bytes()
    pictures = [*files, str(files[0]), io.BytesIO(content), image, picture]
    with open(files[0], "rb") as file:
        rows = transform(*pictures, file)
    assert len(rows) == len(pictures) + 1
    for row in rows:
        assert alike(row, rows[0]) > 0.98


def test_orientation_from_exif(tmp_path):
    image = Image.fromarray(draw(7))
    exif = Image.Exif()
    exif[0x0112] = 6  # rotate by 90 degrees clockwise
    path = tmp_path / "seven.jpg"
    image.transpose(Image.Transpose.ROTATE_90).save(path, exif=exif, quality=95)
    assert alike(transform(path), transform(image)) > 0.97


def test_large_photo_is_decoded_at_a_lower_resolution(tmp_path):
    path = tmp_path / "large.jpg"
    Image.fromarray(draw(size=(4000, 3000), width=120)).save(path)
    stages = DigitPreprocessor().explain(path)
    assert max(stages["picture"].shape) <= 2048
    assert alike(stages["result"], transform(draw(size=(400, 300), width=12))) > 0.9


def test_explain():
    picture = np.dstack([draw()] * 3)
    stages = DigitPreprocessor().explain(picture)
    assert list(stages) == [
        *("picture", "luminance", "background", "contrast", "ink", "digit"),
        *("strokes", "result"),
    ]
    for name, stage in stages.items():
        assert stage.dtype == np.uint8
        assert stage.ndim == (3 if name == "picture" else 2)
    assert (stages["result"] == transform(picture)[0]).all()
    assert (stages["picture"] == picture).all()
    display = PreprocessingDisplay.from_estimator(DigitPreprocessor(), picture)
    assert list(display.axes_) == list(stages)
    nothing = DigitPreprocessor().explain(np.full((50, 50), 7, np.uint8))
    assert list(nothing) == list(stages)


@pytest.mark.parametrize(
    ("picture", "reason"),
    [
        (np.full((60, 60), 200, np.uint8), "No digit found"),
        (np.hstack([draw(1), draw(7)]), "2 separate parts lie side by side"),
        (draw(place=(0.5, 0.15)), "touch the edge"),
        (draw(size=(12, 12), width=1), "only 6 pixels large"),
    ],
)
def test_warnings(picture, reason):
    with pytest.warns(UserWarning, match=f"picture 0: .*{reason}"):
        rows = transform(picture)
    assert rows.any() == ("No digit" not in reason)


@pytest.mark.parametrize("blank", [False, True])
def test_preprocess(blank):
    """All that is known of one picture, from one pass, without a warning."""
    picture = np.full((60, 60), 200, np.uint8) if blank else draw(place=(0.5, 0.15))
    preprocessor = DigitPreprocessor()
    result = preprocessor.preprocess(picture)
    assert result.found != blank
    (reason,) = result.quality_warnings
    with pytest.warns(UserWarning, match="picture 0") as caught:
        (row,) = preprocessor.transform([picture])
    assert [str(warning.message) for warning in caught] == [f"picture 0: {reason}"]
    assert (result.image == row.reshape(28, 28)).all()
    stages = preprocessor.explain(picture)
    assert list(result.stages) == list(stages)
    assert all((result.stages[name] == stages[name]).all() for name in stages)
    assert preprocessor.preprocess(draw()).quality_warnings == []


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "array"])
def test_size_is_that_in_the_picture(kind):
    """The size of a digit is that in the file, not in the downscaled picture."""
    picture = np.full((3000, 2500), 235, np.uint8)
    picture[1400:1424, 1200:1216] = 40
    file = picture
    if kind != "array":
        file = io.BytesIO()
        Image.fromarray(picture).save(file, kind)
        file.seek(0)
    assert transform(file).any()  # without a warning that it is small


@pytest.mark.parametrize("height", [1, 2, 3, 4, 5, 15, 16, 17, 30])
def test_median_of_very_wide_pictures(height):
    """SciPy's filter is wrong and random for images 2 to 4 pixels high."""
    image = np.random.default_rng(0).random((height, 60))
    padded = np.pad(image, 16, mode="symmetric")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (33, 33))
    expected = np.median(windows, axis=(2, 3))
    np.testing.assert_array_equal(_median_filter(image, radius=16), expected)


def test_noise_is_not_a_digit():
    noise = np.random.default_rng(0).normal(200, 6, (200, 200)).clip(0, 255)
    with pytest.warns(UserWarning, match="No digit found"):
        assert not transform(noise.astype(np.uint8)).any()


def write(path, content):
    path.write_bytes(content)
    return path


def png(image):
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


FILES = {
    "empty": (b"", "cannot be read as an image"),
    "text": (b"not a picture", "cannot be read as an image"),
    "truncated": (png(Image.fromarray(draw()))[:700], "damaged or not an image"),
    "bomb": (png(Image.new("1", (20_000, 20_000))), "too large to decode"),
    "postscript": (b"%!PS-Adobe-3.0 EPSF-3.0\n", "cannot be read as an image"),
    "drawing": (
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        "cannot be read as an image",
    ),
}


@pytest.mark.parametrize("kind", FILES)
def test_bad_files(tmp_path, kind):
    content, message = FILES[kind]
    path = write(tmp_path / "x.png", content)
    with pytest.raises(ValueError, match=message) as error:
        transform(path)
    assert str(path) in str(error.value)


def test_every_cut_of_a_file_is_one_error(tmp_path):
    for format_ in ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP"):
        file = io.BytesIO()
        Image.fromarray(draw(size=(60, 60), width=4)).save(file, format_)
        content = file.getvalue()
        for end in range(0, len(content), 1 + len(content) // 30):
            try:
                transform(write(tmp_path / "x", content[:end]))
            except ValueError as error:
                assert "x" in str(error)  # noqa: PT017 (some formats tolerate it)
            except UserWarning:
                pass  # no digit in the part that is left


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.float32(1e9), "values up to 1000000000.0"),
        (np.float32(-1), "below 0"),
        (np.float32(np.nan), "NaN"),
        (np.int32(70_000), "values up to 70000"),
    ],
)
def test_errors_name_the_file(tmp_path, value, message):
    path = tmp_path / "x.tif"
    Image.fromarray(np.full((20, 20), value)).save(path)
    with pytest.raises(ValueError, match=message) as error:
        transform(path)
    assert str(error.value).startswith(f"Got {path} ")


def test_paths_that_are_not_files(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no such file"):
        transform(tmp_path / "missing.png")
    with pytest.raises(IsADirectoryError):
        transform(tmp_path)


def test_max_pixels(tmp_path):
    path = write(tmp_path / "x.png", png(Image.fromarray(draw())))
    transform(path, max_pixels=240 * 200)
    with pytest.raises(ValueError, match="it has 48,000 pixels; at most 47,999 pixels"):
        transform(path, max_pixels=240 * 200 - 1)


@pytest.mark.parametrize(
    ("picture", "error", "message"),
    [
        (np.zeros(784), ValueError, r"X.reshape\(-1, 28, 28\)"),
        (np.zeros((0, 5)), ValueError, "no pixels"),
        (np.ones(1), ValueError, r"of shape \(1,\)"),
        (np.full((5, 5), np.inf, np.float16), ValueError, "infinite"),
        (np.zeros((2, 3, 4, 5)), ValueError, r"of shape \(2, 3, 4, 5\)"),
        (np.full((5, 5), np.nan), ValueError, "NaN"),
        (np.full((5, 5), -1), ValueError, "below 0"),
        (np.full((5, 5), 1e9), ValueError, "expected at most 65535"),
        (None, TypeError, "expected a path, a file, an image or an array"),
        ({}, TypeError, "expected a path, a file, an image or an array"),
        (np.array([["a", "b"]]), TypeError, "of type <U1"),
    ],
)
def test_bad_pictures(picture, error, message):
    with pytest.raises(error, match=message):
        transform(picture)


@pytest.mark.parametrize("X", ["four.png", Path("four.png"), b"x", None, 3])
def test_single_pictures_are_refused(X):
    with pytest.raises(TypeError, match="expected a list of pictures"):
        DigitPreprocessor().transform(X)
    with pytest.raises(TypeError, match=r"Pass \[X\]"):
        DigitPreprocessor().transform(Image.new("L", (5, 5)))


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"polarity": "blue"}, ValueError),
        ({"flatten_background": 1}, TypeError),
        ({"remove_lines": "yes"}, TypeError),
        ({"threshold": 0}, ValueError),
        ({"threshold": 0.9}, ValueError),
        ({"speck_size": -0.1}, ValueError),
        ({"speck_size": 1}, ValueError),
        ({"stroke_width": 0}, ValueError),
        ({"stroke_width": "thin"}, TypeError),
        ({"max_pixels": 0}, ValueError),
        ({"max_pixels": 10**9}, ValueError),
    ],
)
def test_bad_parameters(parameters, error):
    preprocessor = DigitPreprocessor(**parameters)
    for method in ("fit", "transform", "preprocess", "explain"):
        with pytest.raises(error, match=next(iter(parameters))):
            getattr(preprocessor, method)([draw()])


def test_without_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "skimage", None)
    with pytest.raises(
        ImportError, match=r"DigitPreprocessor .* pip install scikit-image"
    ):
        transform(draw())


# scikit-learn's contract ------------------------------------------------------------


def test_estimator_checks():
    with warnings.catch_warnings():
        # scikit-learn has no pictures for its checks
        warnings.simplefilter("ignore", SkipTestWarning)
        results = estimator_checks.check_estimator(DigitPreprocessor(), on_fail="raise")
    assert results
    for name in (
        "check_estimator_repr",
        "check_get_params_invariance",
        "check_set_params",
        "check_no_attributes_set_in_init",
        "check_parameters_default_constructible",
        "check_mixin_order",
        "check_estimator_tags_renamed",
    ):
        getattr(estimator_checks, name)("DigitPreprocessor", DigitPreprocessor())


def test_contract():
    preprocessor = DigitPreprocessor(stroke_width=3.0)
    assert preprocessor.fit([draw()]) is preprocessor
    assert clone(preprocessor).get_params() == preprocessor.get_params()
    names = preprocessor.get_feature_names_out()
    assert names[0] == "pixel0"
    assert len(names) == 784
    assert preprocessor.transform([]).shape == (0, 784)
    table = preprocessor.set_output(transform="pandas").transform([draw()])
    assert list(table.columns) == list(names)
    state = np.random.get_state()[1].copy()
    first, second = (DigitPreprocessor().fit_transform([draw()]) for _ in range(2))
    assert (first == second).all()
    assert (np.random.get_state()[1] == state).all()


def test_pipeline_and_search(reader, tmp_path):
    paths, labels = [], []
    for number in range(4):
        for digit in STROKES:
            paths.append(str(tmp_path / f"{digit}-{number}.png"))
            Image.fromarray(draw(digit, width=6 + number)).save(paths[-1])
            labels.append(digit)
    pipeline = make_pipeline(DigitPreprocessor(), reader)
    assert pipeline.predict(paths).tolist() == labels
    assert pipeline.predict(np.array(paths)).tolist() == labels
    assert pipeline.predict(pd.Series(paths)).tolist() == labels
    small = MnistCNNClassifier(
        max_epochs=1, module__channels=(4, 8), module__hidden_units=16, random_state=0
    )
    grid = {"digitpreprocessor__stroke_width": [2.0, 3.0]}
    search = GridSearchCV(make_pipeline(DigitPreprocessor(), small), grid, cv=2)
    search.fit(paths, labels)
    assert set(search.predict(paths)) <= set(STROKES)
    columns = ColumnTransformer([("pictures", DigitPreprocessor(), ["path"])])
    rows = columns.fit_transform(pd.DataFrame({"path": paths}))
    assert (rows == DigitPreprocessor().transform(paths)).all()


def test_formats_are_known_to_pillow():
    Image.init()
    assert set(FORMATS) - {"AVIF"} <= set(Image.OPEN)


def test_import_needs_no_extra():
    extras = ("PIL", "skimage", "onnx", "onnxruntime", "onnxscript", "starlette")
    code = (
        "import sys\n"
        f"sys.modules.update(dict.fromkeys({extras}))\n"
        "import skmnist.preprocessing, skmnist.displays\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
