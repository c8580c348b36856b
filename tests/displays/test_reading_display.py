import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from PIL import Image

from skmnist.displays import ReadingDisplay
from skmnist.reading import Reading


@pytest.fixture
def reading():
    """Of a picture that is 300 pixels wide and 200 high."""
    return Reading(
        labels=np.array(["4", "2", "7"]),
        probabilities=np.array([[0.9, 0.1, 0.0], [0.3, 0.6, 0.1], [0.0, 0.0, 1.0]]),
        classes=np.array(["4", "2", "7"]),
        boxes=np.array([[10, 20, 50, 90], [100, 25, 150, 80], [200, 110, 290, 190]]),
        rows=np.array([0, 0, 1]),
        images=np.zeros((3, 28, 28), np.uint8),
        doubts=[],
    )


def check_boxes(display, reading):
    boxes = [box.get_bbox().extents.tolist() for box in display.boxes_]
    assert boxes == reading.boxes.tolist()
    assert [text.get_text() for text in display.ax_.texts] == reading.labels.tolist()
    colors = [box.get_edgecolor() for box in display.boxes_]
    assert colors[1] == to_rgba("C1")  # the least certain digit
    assert colors[0] == colors[2] == to_rgba("C0")


def test_boxes_and_labels(reading):
    display = ReadingDisplay(np.zeros((200, 300), np.uint8), reading)
    assert display.plot() is display
    check_boxes(display, reading)
    assert display.ax_.get_xlim() == (0, 300)
    assert display.ax_.get_ylim() == (200, 0)


@pytest.mark.parametrize("factor", [1, 10])
def test_boxes_are_in_pixels_of_the_picture(reading, tmp_path, factor):
    """Also where a large picture is read at a lower resolution."""
    reading.boxes[:] *= factor
    path = tmp_path / "picture.jpg"
    Image.new("L", (300 * factor, 200 * factor), 200).save(path)
    ax = Figure().subplots()
    display = ReadingDisplay.from_reading(reading, path, ax=ax)
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    check_boxes(display, reading)
    left, right, bottom, top = ax.images[0].get_extent()
    assert (left, top) == (0, 0)
    assert (right, bottom) == pytest.approx((300 * factor, 200 * factor), rel=0.01)


def test_nothing_read(reading):
    empty = Reading(
        **{
            name: getattr(reading, name)[:0]
            for name in ("labels", "probabilities", "boxes", "rows", "images", "doubts")
        },
        classes=reading.classes,
    )
    display = ReadingDisplay(np.zeros((200, 300, 3), np.uint8), empty).plot()
    assert display.boxes_ == []
