"""`make_digit_strings`."""

import sys

import numpy as np
import pytest
from scipy import ndimage
from skimage.measure import euler_number

from skmnist.datasets import load_mnist_sample, make_digit_strings

EVEN = {"paper": "blank", "shade": 0.0, "noise": 0.0}
"""Parameters with which all of the paper has the same grey level."""

ANY = {"length": (1, 4), "n_rows": (1, 3), "touching": 0.3, "tilt": 10.0}
"""Parameters with which pictures are as different as possible."""


@pytest.fixture(scope="module")
def digits():
    """Digits whose strokes are in one part, from faint grey to full ink."""
    X, y = load_mnist_sample(subset="test", return_X_y=True)
    X, y = X[:200], y[:200]
    eight = np.ones((3, 3))
    whole = [
        ndimage.label(image > 60, eight)[1] == 1 and ndimage.label(image > 140)[1] == 1
        for image in X.reshape(-1, 28, 28)
    ]
    X, y = X[whole], y[whole]
    assert len(np.unique(y)) == 10
    return X, y


def make(digits, **parameters):
    return make_digit_strings(
        *digits, **{"n_samples": 5, "random_state": 0} | parameters
    )


def find_ink(image):
    """Find the strokes, without their soft edges, of a picture on even paper."""
    return image < (image.max() / 2 + image.min() / 2)


def count_parts(image):
    return ndimage.label(find_ink(image), np.ones((3, 3)))[1]


def assert_same(one, other):
    for name in ("images", "boxes", "rows", "indices", "target"):
        for a, b in zip(one[name], other[name], strict=True):
            np.testing.assert_array_equal(a, b)


# What comes out -----------------------------------------------------------------------


def test_random_state_determines_the_pictures(digits):
    np.random.seed(0)
    expected = np.random.uniform()
    np.random.seed(0)
    numbers = make(digits, **ANY)
    assert np.random.uniform() == expected  # the global state is not used
    assert_same(numbers, make(digits, **ANY))
    rng = np.random.RandomState(0)
    assert_same(numbers, make(digits, **ANY, random_state=rng))
    other = make(digits, **ANY, random_state=rng)
    assert other.target.tolist() != numbers.target.tolist()


def test_fewer_pictures_are_the_first_of_more(digits):
    more, fewer = (make(digits, **ANY, n_samples=n) for n in (6, 3))
    for name in ("images", "boxes", "rows", "indices", "target"):
        more[name] = more[name][:3]
    assert_same(more, fewer)


def test_paper_and_light_do_not_change_the_digits(digits):
    look = {"brightness": (100, 120), "ink": (0.2, 0.3), "shade": 0.8, "noise": 9}
    numbers = make(digits, **ANY)
    for paper in ("blank", "ruled", "squared"):
        other = make(digits, **ANY, **look, paper=paper)
        assert not np.array_equal(other.images[0], numbers.images[0])
        assert_same(numbers, other | {"images": numbers.images})


def test_target_and_rows_belong_to_the_digits(digits):
    numbers = make(digits, **ANY, n_samples=20)
    assert len(numbers.images) == len(numbers.target) == 20
    for text, boxes, rows, indices in zip(
        numbers.target, numbers.boxes, numbers.rows, numbers.indices, strict=True
    ):
        assert len(boxes) == len(rows) == len(indices)
        lines = text.split("\n")
        assert 1 <= len(lines) <= 3
        assert {len(line) for line in lines} <= {1, 2, 3, 4}
        assert "".join(lines) == "".join(str(label) for label in digits[1][indices])
        assert rows.tolist() == [r for r, line in enumerate(lines) for _ in line]
    assert {len(text.split("\n")) for text in numbers.target} == {1, 2, 3}


def test_only_the_digits_of_indices_are_shown(digits):
    X, y = digits
    numbers = make(digits, **ANY)
    used = np.unique(np.concatenate(numbers.indices))
    assert used.max() < len(X)
    others = np.full_like(X, 255)
    others[:, :28] = 0
    others[used] = X[used]
    assert_same(numbers, make((others, y), **ANY))
    assert f"{len(used)} of the {len(X)} digits" in " ".join(numbers.DESCR.split())


def test_boxes_are_tight_around_the_ink(digits):
    numbers = make(digits, **ANY, **EVEN, n_samples=20)
    for image, boxes in zip(numbers.images, numbers.boxes, strict=True):
        paper = image.max()
        height, width = image.shape
        outside = np.ones(image.shape, dtype=bool)
        for left, top, right, bottom in boxes:
            assert 0 <= left < right <= width
            assert 0 <= top < bottom <= height
            box = image[top:bottom, left:right]
            for edge in (box[0], box[-1], box[:, 0], box[:, -1]):
                assert edge.min() < paper
            outside[top:bottom, left:right] = False
        assert (image[outside] == paper).all()


@pytest.mark.parametrize("stroke_width", [None, (0.06, 0.14)])
def test_separate_digits_have_paper_between_them(digits, stroke_width):
    numbers = make(
        digits,
        **ANY | {"touching": 0, "spacing": (0, 0)},
        **EVEN,
        n_samples=20,
        stroke_width=stroke_width,
    )
    for image, boxes in zip(numbers.images, numbers.boxes, strict=True):
        assert ndimage.label(image < image.max(), np.ones((3, 3)))[1] == len(boxes)


@pytest.mark.parametrize("stroke_width", [None, (0.06, 0.14)])
def test_touching_digits_are_connected(digits, stroke_width):
    numbers = make(
        digits,
        **ANY | {"touching": 1},
        **EVEN,
        n_samples=20,
        stroke_width=stroke_width,
    )
    for image, text in zip(numbers.images, numbers.target, strict=True):
        assert count_parts(image) == len(text.split("\n"))


def test_some_digits_touch(digits):
    numbers = make(digits, touching=0.5, length=30, **EVEN, n_samples=2)
    for image in numbers.images:
        assert 5 < count_parts(image) < 26


def test_reading_order(digits):
    numbers = make(digits, **ANY, n_samples=20)
    for boxes, rows in zip(numbers.boxes, numbers.rows, strict=True):
        assert (np.diff(boxes[:, 0])[np.diff(rows) == 0] > 0).all()
        # a row of digits that were not tilted would lie below the one before it
        middle = [boxes[rows == row].mean(axis=0)[[1, 3]].mean() for row in set(rows)]
        assert (np.diff(middle) > 0).all()


# What the parameters do ---------------------------------------------------------------


def test_size_of_the_digits(digits):
    same = {"tilt": 0, "digit_size": (50, 50), "stroke_width": None}
    numbers = make(digits, **same, size_variation=0)
    for boxes in numbers.boxes:
        longer = (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
        assert (abs(longer - 50) <= 2).all()
    numbers = make(digits, **same, size_variation=0.2)
    longer = np.concatenate([(b[:, 2:] - b[:, :2]).max(axis=1) for b in numbers.boxes])
    assert 38 <= longer.min() < 45
    assert 55 < longer.max() <= 62


@pytest.mark.parametrize("width", [0.05, 0.2])
def test_width_of_the_strokes(width):
    X = np.zeros((1, 28, 28))
    X[0, 4:24, 13:16] = 1  # three pixels wide, 0.15 of the length
    numbers = make(
        (X, [1]),
        **EVEN,
        n_samples=1,
        length=1,
        tilt=0,
        size_variation=0,
        digit_size=(80, 80),
        stroke_width=(width, width),
    )
    thickness = find_ink(numbers.images[0]).sum(axis=1).max()
    assert thickness == pytest.approx(80 * width, abs=2)


def test_thin_strokes_are_whole(digits):
    """Neither parts nor holes come or go when strokes are thinned."""
    same = EVEN | {"length": 1, "n_samples": 50, "digit_size": (60, 60)}
    broad, fine = (make(digits, **same, stroke_width=(w, w)) for w in (0.1, 0.03))
    assert [count_parts(image) for image in fine.images] == [1] * 50
    numbers = [
        [euler_number(find_ink(image), connectivity=2) for image in bunch.images]
        for bunch in (broad, fine)
    ]
    assert len(set(numbers[1])) == 3  # digits without a hole, with one and with two
    assert np.mean(np.equal(*numbers)) > 0.9  # the broad pen may close a small hole


def test_tilt(digits):
    level, steep = (
        make(digits, **EVEN, length=12, tilt=tilt, n_samples=10) for tilt in (0, 30)
    )

    def measure_slopes(numbers):
        return np.array(
            [
                np.polyfit(boxes[:, ::2].mean(axis=1), boxes[:, 3], 1)[0]
                for boxes in numbers.boxes
            ]
        )

    assert abs(measure_slopes(level)).max() < 0.03
    slopes = measure_slopes(steep)
    assert slopes.min() < -0.1
    assert slopes.max() > 0.1
    assert abs(slopes).max() < np.tan(np.radians(30)) + 0.03


def test_digits_are_tilted_with_their_row():
    X = np.zeros((1, 28, 28))
    X[0, 12:15, 4:24] = 1  # a dash
    numbers = make((X, ["-"]), **EVEN, length=6, spacing=(1, 1), tilt=30, n_samples=10)
    for image, boxes in zip(numbers.images, numbers.boxes, strict=True):
        row = np.polyfit(boxes[:, ::2].mean(axis=1), boxes[:, 1::2].mean(axis=1), 1)[0]
        for left, top, right, bottom in boxes:
            rows, columns = np.nonzero(find_ink(image[top:bottom, left:right]))
            assert np.polyfit(columns, rows, 1)[0] == pytest.approx(row, abs=0.1)


@pytest.mark.parametrize("paper", ["ruled", "squared"])
def test_lines_of_the_paper(digits, paper):
    numbers = make(
        digits, **EVEN | {"paper": paper}, tilt=0, length=2, margin=(2.1, 2.1)
    )
    for image, boxes in zip(numbers.images, numbers.boxes, strict=True):
        above = image[: boxes[:, 1].min()]
        beside = image[:, : boxes[:, 0].min()]
        dark = image.max() - 5
        rows, columns = beside.max(axis=1) < dark, above.max(axis=0) < dark
        assert 0 < rows.mean() < 0.3
        assert (0 < columns.mean() < 0.3) == (paper == "squared")
        assert image[find_ink(image)].mean() < beside.min()


def test_several_papers(digits):
    numbers = make(digits, paper=["blank", "ruled"], shade=0, noise=0, n_samples=20)
    n_blank = sum(
        np.ptp(image[0]) == np.ptp(image[:, 0]) == 0 for image in numbers.images
    )
    assert 2 < n_blank < 18


def test_grey_levels(digits):
    numbers = make(digits, **EVEN, brightness=(200, 200), ink=(0.6, 0.6))
    for image in numbers.images:
        assert image.max() == 200
        assert image.min() == 80


def test_light(digits):
    same = EVEN | {"brightness": (250, 250), "n_samples": 20}
    darkest = []
    for image in make(digits, **same | {"shade": 0.5}).images:
        corners = image[[0, 0, -1, -1], [0, -1, 0, -1]]
        assert corners.min() >= 125
        darkest.append(corners.min())
        assert image.max() > 240
    assert min(darkest) < 160
    assert max(darkest) > 200


def test_noise(digits):
    clean, noisy = (make(digits, shade=0, noise=noise) for noise in (0, 4))
    for a, b in zip(clean.images, noisy.images, strict=True):
        paper = (a > 100) & (a < 220)  # where the noise is not cut off at 0 and 255
        assert np.std(b[paper].astype(int) - a[paper]) == pytest.approx(4, rel=0.1)


def test_margin(digits):
    numbers = make(digits, margin=(0, 0), length=(1, 3))
    for image, boxes in zip(numbers.images, numbers.boxes, strict=True):
        assert boxes[:, :2].min(axis=0).tolist() == [0, 0]
        assert boxes[:, 2:].max(axis=0).tolist() == [*image.shape[::-1]]


# What goes in -------------------------------------------------------------------------


def test_layouts_and_types_of_the_digits(digits):
    X, y = digits
    before = X.copy()
    numbers = make((X, y))
    np.testing.assert_array_equal(X, before)
    for images in (X.reshape(-1, 28, 28), X.reshape(-1, 1, 28, 28), X.tolist()):
        assert_same(numbers, make((images, y)))
    assert_same(numbers, make((X, y.astype(str))))
    float_numbers = make((X / 255, y.tolist()))
    assert float_numbers.target.tolist() == numbers.target.tolist()


def test_stray_pixels_do_not_widen_the_box():
    X = np.zeros((2, 28, 28))
    X[:, 4:24, 13:16] = 1
    X[1, 8, 3] = 1
    numbers = make((X, [1, 1]), n_samples=10, length=1, tilt=0)
    assert {index.item() for index in numbers.indices} == {0, 1}
    for boxes in numbers.boxes:
        left, top, right, bottom = boxes[0]
        assert right - left < (bottom - top) / 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda X, y: (X[:, :700], y),
            r"X of shape \(\d+, 700\), expected images of 28",
        ),
        (lambda X, y: (X[0].reshape(28, 28), y[:28]), r"X of shape \(28, 28\)"),
        (lambda X, y: (X, y[:-1]), "inconsistent numbers of samples"),
        (lambda X, y: (X / 255 - 0.5, y), "pixel -0.5, expected 0 for the background"),
        (lambda X, y: (255 - X, y), "bright corners.* Invert the images"),
        (lambda X, y: (X * (np.arange(len(X)) != 3)[:, None], y), "first at index 3"),
        (lambda X, y: (X * np.nan, y), "NaN"),
        (lambda X, y: (X, y + 5), "label '10', expected labels of one character"),
        (lambda X, y: (X, y.astype(float)), "label '0.0'"),
    ],
)
def test_bad_digits(digits, change, message):
    with pytest.raises(ValueError, match=message):
        make(change(*digits))


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"n_samples": 0}, ValueError),
        ({"n_samples": 2.0}, TypeError),
        ({"length": 0}, ValueError),
        ({"length": (3, 2)}, ValueError),
        ({"length": (1, 2, 3)}, TypeError),
        ({"n_rows": "2"}, TypeError),
        ({"touching": 1.1}, ValueError),
        ({"touching": True}, TypeError),
        ({"touching": float("nan")}, ValueError),
        ({"spacing": (-0.1, 0.1)}, ValueError),
        ({"spacing": 0.1}, TypeError),
        ({"digit_size": (8, 20)}, ValueError),
        ({"size_variation": 0.6}, ValueError),
        ({"stroke_width": (0, 0.1)}, ValueError),
        ({"tilt": 45}, ValueError),
        ({"margin": (0, float("inf"))}, ValueError),
        ({"paper": "lined"}, ValueError),
        ({"paper": ()}, ValueError),
        ({"paper": None}, ValueError),
        ({"brightness": (200, 300)}, ValueError),
        ({"ink": (0, 0.5)}, ValueError),
        ({"shade": 1}, ValueError),
        ({"noise": -1}, ValueError),
    ],
)
def test_bad_parameters(digits, parameters, error):
    with pytest.raises(error, match=f"Got {next(iter(parameters))}=.*, expected "):
        make(digits, **parameters)


def test_without_scikit_image(digits, monkeypatch):
    monkeypatch.setitem(sys.modules, "skimage", None)
    with pytest.raises(
        ImportError, match=r"pip install scikit-image.*stroke_width=None"
    ):
        make(digits)
    assert len(make(digits, stroke_width=None).images) == 5
