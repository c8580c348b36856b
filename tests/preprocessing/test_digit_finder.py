"""`DigitFinder`: pictures of several digits to images in reading order."""

import itertools
import time

import numpy as np
import pytest
from PIL import Image, ImageDraw
from scipy import ndimage
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import NotFittedError

from skmnist import MnistCNNClassifier
from skmnist.datasets import make_digit_strings
from skmnist.preprocessing import DigitFinder, DigitPreprocessor

CLEAN = {"paper": "blank", "shade": 0, "noise": 0, "tilt": 0}


@pytest.fixture(scope="module")
def make(sample):
    """Makes pictures of numbers."""
    X, y = sample

    def make(**parameters):
        return make_digit_strings(X, y, **{"random_state": 0, **parameters})

    return make


@pytest.fixture(scope="module")
def number(make):
    """A picture of two rows of four digits, and where they are."""
    numbers = make(n_samples=1, length=4, n_rows=2, digit_size=(50, 50), **CLEAN)
    return numbers.images[0], numbers.boxes[0], numbers.rows[0]


def overlap(boxes, others):
    """Intersection over union of each pair of boxes."""
    boxes, others = np.asarray(boxes), np.asarray(others)
    low = np.maximum(boxes[:, :2], others[:, :2])
    high = np.minimum(boxes[:, 2:], others[:, 2:])
    shared = (high - low).clip(0).prod(axis=1)
    areas = [(b[:, 2:] - b[:, :2]).prod(axis=1) for b in (boxes, others)]
    return shared / (sum(areas) - shared)


def check(found, boxes, rows, least=0.7):
    assert np.array_equal(found.rows, rows)
    assert overlap(found.boxes, boxes).min() > least


def frame(picture, margin, value):
    """Put a margin of one grey level around a picture."""
    return np.pad(picture, margin, constant_values=value)


@pytest.mark.parametrize("paper", ["blank", "ruled", "squared"])
@pytest.mark.parametrize("tilt", [0, 10])
def test_boxes_and_rows(make, paper, tilt):
    numbers = make(n_samples=4, length=(2, 5), n_rows=(1, 3), paper=paper, tilt=tilt)
    n_right = 0
    for picture, boxes, rows in zip(
        numbers.images, numbers.boxes, numbers.rows, strict=True
    ):
        found = DigitFinder().find(picture)
        assert found.images.shape == (len(found.boxes), 28, 28)
        assert found.images.dtype == np.uint8
        assert found.boxes.dtype == found.rows.dtype == np.int64
        if len(found.boxes) == len(boxes):
            n_right += np.array_equal(found.rows, rows)
            assert np.median(overlap(found.boxes, boxes)) > 0.7
    assert n_right >= 3


def test_finds_what_is_drawn(number):
    picture, boxes, rows = number
    found = DigitFinder().find(picture)
    check(found, boxes, rows, least=0.8)
    assert found.quality_warnings == []
    for image in found.images:
        inked = np.argwhere(image)
        assert max(np.ptp(inked, axis=0)) + 1 == 20


def test_images_are_those_of_single_digits(number):
    picture, boxes, _ = number
    found = DigitFinder().find(picture)
    left, top, right, bottom = boxes[0]
    alone = frame(picture[top:bottom, left:right], 30, picture.max())
    expected = DigitPreprocessor().preprocess(alone).image
    assert np.corrcoef(found.images[0].ravel(), expected.ravel())[0, 1] > 0.85


@pytest.mark.parametrize("scale", [0.8, 2, 5])
def test_size_of_the_picture(number, scale):
    picture, boxes, rows = number
    image = Image.fromarray(picture)
    size = [round(scale * side) for side in image.size]
    found = DigitFinder().find(image.resize(size, Image.Resampling.LANCZOS))
    check(found, scale * boxes, rows)


@pytest.mark.parametrize("degrees", [-8, 8])
def test_tilted_picture(number, degrees):
    picture, _, rows = number
    paper = int(picture.max())
    image = Image.fromarray(frame(picture, 60, paper))
    turned = image.rotate(degrees, Image.Resampling.BICUBIC, fillcolor=paper)
    found, upright = DigitFinder().find(turned), DigitFinder().find(image)
    assert np.array_equal(found.rows, rows)
    centers = [(f.boxes[:, :2] + f.boxes[:, 2:]) / 2 for f in (found, upright)]
    middle = np.array(image.size) / 2
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    expected = (centers[1] - middle) @ np.array([[cos, -sin], [sin, cos]]) + middle
    assert abs(centers[0] - expected).max() < 6


def test_light_strokes_on_dark_ground(number):
    picture, boxes, rows = number
    check(DigitFinder().find(255 - picture), boxes, rows)
    dark = DigitFinder(preprocessor=DigitPreprocessor(polarity="dark"))
    assert len(dark.find(picture).boxes) == len(boxes)


def test_uneven_light(number):
    picture, boxes, rows = number
    y, x = np.mgrid[-1 : 1 : picture.shape[0] * 1j, -1 : 1 : picture.shape[1] * 1j]
    vignette = 1 - 0.3 * (x**2 + y**2)
    check(DigitFinder().find((picture * vignette).astype(np.uint8)), boxes, rows)


def test_another_row(number):
    """A row below leaves those above it as they are."""
    picture, boxes, rows = number
    below = np.vstack([picture, picture])
    shifted = boxes + np.tile([0, len(picture)], 2)
    expected = np.vstack([boxes, shifted]), np.r_[rows, rows + 2]
    check(DigitFinder().find(below), *expected)


def test_specks_dots_and_commas_are_left_out(number):
    picture, boxes, rows = number
    picture = picture.copy()
    ink = picture.min()
    picture[5:8, 5:8] = ink
    for box in boxes[:2]:
        right, bottom = box[2], box[3]
        picture[bottom - 4 : bottom + 1, right + 2 : right + 5] = ink  # a dot
    right, bottom = boxes[-1][2:]
    picture[bottom - 4 : bottom + 8, right + 4 : right + 8] = ink  # a comma
    check(DigitFinder().find(picture), boxes, rows)


def test_thing_at_the_edge(number):
    picture, boxes, rows = number
    picture = frame(picture, 40, picture.max())
    picture[:30, :60] = 30
    picture[:, -12:] = 50
    check(DigitFinder().find(picture), boxes + 40, rows)


@pytest.mark.parametrize("touching", [False, True])
def test_printed_grid(number, touching):
    """Frames around the digits are removed, also where a digit crosses one."""
    picture, boxes, rows = number
    picture = frame(picture, 40, picture.max())
    boxes = boxes + 40
    image = Image.fromarray(picture)
    canvas = ImageDraw.Draw(image)
    for row in (0, 1):
        of_row = boxes[rows == row]
        top, bottom = of_row[:, 1].min() - 6, of_row[:, 3].max() + 5
        if touching:
            bottom -= 9
        edges = [of_row[0, 0] - 8, *((of_row[1:, 0] + of_row[:-1, 2]) // 2)]
        edges.append(of_row[-1, 2] + 8)
        for left, right in itertools.pairwise(edges):
            canvas.rectangle((left, top, right, bottom), outline=int(picture.min()))
    found = DigitFinder().find(image)
    check(found, boxes, rows, least=0.6)


def test_digit_in_two_parts(number):
    picture, boxes, rows = number
    picture = picture.copy()
    left, top, right, bottom = boxes[2]
    middle = (top + bottom) // 2
    picture[middle - 1 : middle + 2, left:right] = picture.max()
    check(DigitFinder().find(picture), boxes, rows)


def test_bar_of_a_five():
    """A bar at the top of a digit is a part of it, and one beside it is a dash."""
    image = Image.new("L", (300, 200), 235)
    canvas = ImageDraw.Draw(image)
    canvas.line([(60, 50), (60, 90), (90, 105), (60, 140)], fill=40, width=8)
    canvas.line([(72, 50), (105, 46)], fill=40, width=8)
    canvas.line([(220, 48), (220, 142)], fill=40, width=8)
    canvas.line([(150, 95), (190, 95)], fill=40, width=8)
    (five, one) = DigitFinder().find(image).boxes
    assert five[2] > 100
    assert one[0] > 200


def test_orientation_from_exif(number, tmp_path):
    picture, boxes, rows = number
    image = Image.fromarray(picture)
    exif = Image.Exif()
    exif[0x0112] = 6  # rotate by 90 degrees clockwise
    path = tmp_path / "number.jpg"
    image.transpose(Image.Transpose.ROTATE_90).save(path, exif=exif, quality=95)
    check(DigitFinder().find(path), boxes, rows)


def test_large_photo(number, tmp_path):
    """Boxes are in pixels of the file, which is decoded at a lower resolution."""
    picture, boxes, rows = number
    path = tmp_path / "large.jpg"
    scale = 3000 / max(picture.shape)
    image = Image.fromarray(picture)
    image.resize([round(scale * side) for side in image.size]).save(path)
    check(DigitFinder().find(path), scale * boxes, rows)


@pytest.mark.parametrize("value", [0, 128, 255])
def test_blank_picture(value):
    found = DigitFinder().find(np.full((60, 90), value, np.uint8))
    assert found.images.shape == (0, 28, 28)
    assert found.boxes.shape == (0, 4)
    assert found.rows.shape == (0,)
    (reason,) = found.quality_warnings
    assert reason.startswith("No digits found")


def test_tall_strokes_are_no_lines():
    """Even where they are almost as high as the picture."""
    picture = Image.new("L", (300, 100), 235)
    canvas = ImageDraw.Draw(picture)
    canvas.ellipse([30, 10, 90, 90], outline=40, width=6)
    canvas.line([150, 8, 147, 92], fill=40, width=6)
    canvas.line([220, 8, 220, 92], fill=40, width=6)
    assert len(DigitFinder().find(picture).boxes) == 3


def test_little_ink_on_rough_paper(make):
    """The paper varies more than the ink darkens the picture as a whole."""
    numbers = make(n_samples=1, length=4, digit_size=(30, 30), ink=(1, 1), **CLEAN)
    rng = np.random.default_rng(0)
    rough = ndimage.gaussian_filter(rng.normal(0, 1, (1000, 750)), 1.5)
    picture = 150 + 12 * rough / rough.std()
    number = numbers.images[0] / numbers.images[0].max()
    height, width = number.shape
    picture[600:][:height, 200:][:, :width] *= number
    found = DigitFinder().find(picture.clip(0, 255).astype(np.uint8))
    check(found, numbers.boxes[0] + [200, 600, 200, 600], numbers.rows[0], 0.5)


@pytest.mark.parametrize("tilt", [0, 3])
def test_frame_with_rounded_corners(make, tilt):
    """Its sides end before the edge of what is in the frame."""
    numbers = make(n_samples=1, length=3, digit_size=(80, 80), **CLEAN)
    picture = Image.fromarray(frame(numbers.images[0], 60, 250))
    box = [30, 30, picture.width - 30, picture.height - 30]
    ImageDraw.Draw(picture).rounded_rectangle(box, 25, outline=40, width=4)
    picture = picture.rotate(tilt, Image.Resampling.BILINEAR, True, fillcolor=250)
    assert len(DigitFinder().find(picture).boxes) == 3


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_finger_at_the_edge_is_no_one(number, side):
    picture, boxes, rows = number
    margins = ((60, 60), (200, 200))
    framed = np.pad(picture, margins, constant_values=int(np.median(picture)))
    framed = Image.fromarray(framed)
    edge, inwards = (-1, 1) if side == "left" else (framed.width, -1)
    middle = framed.height // 2
    finger = [(edge, middle - 25), (edge + 8 * inwards, middle), (edge, middle + 25)]
    ImageDraw.Draw(framed).polygon(finger, fill=60)
    check(DigitFinder().find(framed), boxes + np.array([200, 60, 200, 60]), rows)


def test_noise_is_no_number():
    noise = np.random.default_rng(0).normal(200, 6, (200, 300)).clip(0, 255)
    assert not len(DigitFinder().find(noise.astype(np.uint8)).boxes)


@pytest.mark.parametrize("size", [2, 6])
def test_ten_thousand_specks(number, size):
    """The work is bounded."""
    rng = np.random.default_rng(0)
    picture = np.full((1024, 1024), 230, np.uint8)
    cells = rng.choice(128 * 128, 10_000, replace=False)
    for row, column in zip(*np.divmod(cells, 128), strict=True):
        picture[8 * row :, 8 * column :][:size, :size] = 40
    begin = time.process_time()
    found = DigitFinder().find(picture)
    assert len(found.boxes) <= 500
    assert time.process_time() - begin < 20


def test_warnings(make, number):
    picture, boxes, _ = number
    cut = picture[boxes[:, 1].min() :]
    (reason,) = DigitFinder().find(cut).quality_warnings
    assert "digits at the edge" in reason
    small = Image.fromarray(picture).resize([side // 6 for side in picture.shape[::-1]])
    reasons = DigitFinder().find(small).quality_warnings
    assert any("pixels high" in reason for reason in reasons)


def test_touching_digits_are_cut_with_a_classifier(make):
    numbers = make(n_samples=5, length=2, touching=1, spacing=(0, 0), **CLEAN)

    class Halves:
        """Takes shapes for digits that are at most as wide as high."""

        classes_ = np.array([0, 1])

        def predict_proba(self, X):
            assert X.shape[1:] == (784,)
            images = X.reshape(-1, 28, 28) > 0
            wide = images.any(1).sum(1) > images.any(2).sum(1)
            return np.column_stack(
                [np.where(wide, 0.6, 0.99), np.where(wide, 0.4, 0.01)]
            )

    for picture, boxes in zip(numbers.images, numbers.boxes, strict=True):
        assert len(DigitFinder().find(picture).boxes) == 1
        width, height = boxes[:, 2:].max(0) - boxes[:, :2].min(0)
        if width > 1.2 * height:
            found = DigitFinder(classifier=Halves()).find(picture)
            assert len(found.boxes) == 2
            assert found.boxes[0, 0] < found.boxes[1, 0]


class Unsure(ClassifierMixin, BaseEstimator):
    """Takes every shape for the same digit, without being sure."""

    classes_ = np.arange(10)

    def __init__(self, digit=5):
        self.digit = digit

    def __sklearn_is_fitted__(self):
        return True

    def predict_proba(self, X):
        assert X.shape[1:] == (784,)
        return np.tile(np.where(self.classes_ == self.digit, 0.55, 0.05), (len(X), 1))


class Pairs(ClassifierMixin, BaseEstimator):
    """Takes every shape for a 4 and a 2, or a 4 and a 3, or for a single 7."""

    classes_ = np.array(["42", "43", "7"])
    image_shape_ = (1, 28, 48)

    def __init__(self, probabilities):
        self.probabilities = probabilities
        self.images = []

    def __sklearn_is_fitted__(self):
        return True

    def predict_proba(self, X):
        self.images.extend(X)
        return np.tile([self.probabilities], (len(X), 1))


def test_touching_digits_are_read_with_a_pair_classifier(make):
    numbers = make(n_samples=3, length=2, touching=1, **CLEAN)
    for picture, boxes in zip(numbers.images, numbers.boxes, strict=True):
        pairs = Pairs([0.75, 0.245, 0.005])
        finder = DigitFinder(classifier=Unsure(), pair_classifier=pairs)
        found = finder.find(picture)
        assert len(found.boxes) == 2
        assert found.boxes[0, 0] < found.boxes[1, 0]
        whole = [*found.boxes[:, :2].min(0), *found.boxes[:, 2:].max(0)]
        expected = [*boxes[:, :2].min(0), *boxes[:, 2:].max(0)]
        np.testing.assert_allclose(whole, expected, atol=3)
        np.testing.assert_allclose(
            found.probabilities[0], np.arange(10) == 4, atol=1e-3
        )
        np.testing.assert_allclose(found.probabilities[1][2], 0.75 / 0.995, atol=1e-3)
        (image,) = pairs.images
        rows, columns = np.nonzero(image)
        assert image.shape == (28, 48)
        assert 18 <= np.ptp(rows) + 1 <= 20 or 40 <= np.ptp(columns) + 1 <= 44
        finder = DigitFinder(
            classifier=Unsure(), pair_classifier=Pairs([0.3, 0.1, 0.6])
        )
        assert len(finder.find(picture).boxes) == 1


@pytest.mark.parametrize("digit", [2, 3])
def test_the_classifier_helps_to_read_touching_digits(make, digit):
    (picture,) = make(n_samples=1, length=2, touching=1, **CLEAN).images
    finder = DigitFinder(
        classifier=Unsure(digit), pair_classifier=Pairs([0.499, 0.499, 0.002])
    )
    found = finder.find(picture)
    np.testing.assert_array_equal(found.probabilities.argmax(axis=1), [4, digit])


@pytest.mark.parametrize(
    ("pair_classifier", "classifier", "error", "message"),
    [
        (3, Unsure(), TypeError, "Got pair_classifier=3, expected a fitted classifier"),
        (Pairs, Unsure(), TypeError, "expected a fitted classifier"),
        (MnistCNNClassifier(), Unsure(), NotFittedError, "not fitted yet"),
        (Pairs([1, 0, 0]), None, ValueError, "without a classifier"),
        (Unsure(), Unsure(), ValueError, r"10 classes such as '9', expected one"),
    ],
)
def test_bad_pair_classifiers(pair_classifier, classifier, error, message):
    finder = DigitFinder(classifier=classifier, pair_classifier=pair_classifier)
    with pytest.raises(error, match=message):
        finder.find(np.zeros((30, 30), np.uint8))


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"preprocessor": "auto"}, TypeError, "expected a DigitPreprocessor"),
        ({"classifier": 3}, TypeError, "expected a fitted classifier"),
        (
            {"preprocessor": DigitPreprocessor(threshold=2)},
            ValueError,
            "threshold == 2",
        ),
    ],
)
def test_bad_parameters(parameters, error, message):
    with pytest.raises(error, match=message):
        DigitFinder(**parameters).find(np.zeros((30, 30), np.uint8))


def test_bad_pictures(tmp_path):
    path = tmp_path / "picture.png"
    with pytest.raises(FileNotFoundError, match="there is no such file"):
        DigitFinder().find(path)
    path.write_bytes(b"not a picture")
    with pytest.raises(ValueError, match="cannot be read as an image"):
        DigitFinder().find(path)
    with pytest.raises(TypeError, match="the picture"):
        DigitFinder().find(None)


def test_large_strokes_of_a_single_digit():
    """The vertical stroke of a four is as long as a printed line."""
    picture = Image.new("L", (600, 300), 255)
    canvas = ImageDraw.Draw(picture)
    canvas.line([(255, 45), (240, 165), (360, 165)], 0, 20)
    canvas.line([(348, 45), (336, 264)], 0, 20)
    found = DigitFinder().find(picture)
    assert overlap(found.boxes, [(235, 45, 360, 264)]) > 0.9
    expected = DigitPreprocessor().preprocess(picture).image
    np.testing.assert_array_equal(found.images, expected[None])
