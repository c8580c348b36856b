"""Draw the network for the manual: `python docs/draw_network.py`."""

from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle

from skmnist.datasets import load_mnist_sample
from skmnist.networks import CNN

TARGET = Path(__file__).parent / "images" / "network.png"
WIDTH, HEIGHT = 900, 625  # all lengths are in pixels

LINE, FILL, MARK = "0.3", "0.93", "tab:blue"
LARGE, SMALL = 15.5, 14.5  # font sizes in points, legible at less than half the size
TIMES = "\N{MULTIPLICATION SIGN}"

PIXEL = 4.6  # side of a pixel of the image and of a value of a feature map
SHEET = 5.0  # distance between feature maps that are drawn behind each other


class Canvas:
    """Axes of the drawing, and methods for its parts."""

    def __init__(self):
        self.figure = Figure(figsize=(WIDTH / 100, HEIGHT / 100), dpi=100)
        self.ax = self.figure.add_axes((0, 0, 1, 1))
        self.ax.set_axis_off()

    def finish(self):
        self.ax.set(xlim=(0, WIDTH), ylim=(0, HEIGHT), aspect="auto")
        return self.figure

    def write(self, x, y, text, size=SMALL, **kwargs):
        self.ax.text(x, y, text, fontsize=size, ha="center", va="center", **kwargs)

    def rectangle(self, x, y, width, height, **kwargs):
        self.ax.add_patch(Rectangle((x, y), width, height, **kwargs))

    def stack(self, x, y, side, n_sheets):
        """Draw feature maps behind each other; return the corner of the front one."""
        for sheet in reversed(range(n_sheets)):
            shift = SHEET * (sheet - (n_sheets - 1) / 2)
            corner = x - side / 2 + shift, y - side / 2 + shift
            self.rectangle(*corner, side, side, fc=FILL, ec=LINE, lw=1.2)
        return corner

    def draw_receptive_field(self, corner, at, size, target):
        """Draw a square of `size` values, and lines to the value it is mapped to."""
        x, y = (start + PIXEL * n for start, n in zip(corner, at, strict=True))
        side = PIXEL * size
        self.rectangle(x, y, side, side, fc="none", ec=MARK, lw=2.2, zorder=6)
        for edge in (y, y + side):
            self.ax.plot(
                (x + side, target[0]), (edge, target[1]), color=MARK, lw=1.3, zorder=5
            )
        self.ax.plot(*target, "s", color=MARK, markersize=6, zorder=6)

    def draw_full_connection(self, left, right, bottoms, tops):
        """Draw a band from one column of values to the next."""
        corners = (
            *((left, bottoms[0]), (right, bottoms[1])),
            *((right, tops[1]), (left, tops[0])),
        )
        self.ax.add_patch(Polygon(corners, fc=MARK, alpha=0.25, lw=0))


def count_parameters(layer):
    """Return the number of weights and biases of a layer as text."""
    return f"{sum(weights.numel() for weights in layer.parameters()):,} parameters"


def draw_convolutions(canvas, network):
    """Draw the upper half: from the image to 50 feature maps."""
    columns, middle = (90, 285, 470, 640, 805), 472
    maps = ((1, 28), (20, 24), (20, 12), (50, 8), (50, 4))
    corners = []
    for x, (channels, side) in zip(columns, maps, strict=True):
        n_sheets = {1: 1, 20: 4, 50: 8}[channels]
        corners.append(canvas.stack(x, middle, PIXEL * side, n_sheets))
        text = f" {TIMES} ".join(map(str, (channels, side, side)))
        canvas.write(x, 377, text, LARGE, weight="bold")
    (x, y), side = corners[0], 28 * PIXEL
    digit = load_mnist_sample().images[1003]
    canvas.ax.imshow(digit, cmap="gray_r", extent=(x, x + side, y, y + side), zorder=2)
    for left, at, size, right, target in (
        (0, (17, 12), 5, 1, (10, 15)),
        (1, (17, 14), 2, 2, (5, 7)),
        (2, (6, 4), 5, 3, (3, 4)),
        (3, (5, 4), 2, 4, (1.5, 2)),
    ):
        point = [c + PIXEL * n for c, n in zip(corners[right], target, strict=True)]
        canvas.draw_receptive_field(corners[left], at, size, point)
    for x, name, text in (
        (188, "conv1", f"convolution 5 {TIMES} 5\n{count_parameters(network.conv1)}"),
        (378, "", f"max-pooling\n2 {TIMES} 2, ReLU"),
        (556, "conv2", f"convolution 5 {TIMES} 5\n{count_parameters(network.conv2)}"),
        (730, "", f"max-pooling\n2 {TIMES} 2, ReLU"),
    ):
        canvas.write(x, 606, name, LARGE, weight="bold")
        canvas.write(x, 569, text)


def draw_full_connections(canvas, network):
    """Draw the lower half: from 800 values to the probabilities of ten digits."""
    columns, middle, width = (105, 405, 680), 163, 28
    heights = (230, 144, 200)
    sides = [(middle - height / 2, middle + height / 2) for height in heights]
    for x, (bottom, top), n in zip(columns, sides, (800, 500, 10), strict=True):
        canvas.rectangle(x, bottom, width, top - bottom, fc=FILL, ec=LINE, lw=1.2)
        canvas.write(x + width / 2, bottom - 24, str(n), LARGE, weight="bold")
    for left in (0, 1):
        (low, high), (low_after, high_after) = sides[left : left + 2]
        begin, end = columns[left] + width, columns[left + 1]
        canvas.draw_full_connection(begin, end, (low, low_after), (high, high_after))
    x, (bottom, top) = columns[2], sides[2]
    cell = (top - bottom) / 10
    for digit in range(10):
        y = top - (digit + 1) * cell
        shade = MARK if digit == 2 else FILL
        canvas.rectangle(x, y, width, cell, fc=shade, ec=LINE, lw=1.2)
        canvas.write(x + width + 16, y + cell / 2, str(digit))
    text = "log-softmax:\nlogarithms of\nprobabilities"
    canvas.write(812, middle, text)
    for x, name, layer, text in (
        (269, "fc1", network.fc1, "fully connected, ReLU"),
        (556, "fc2", network.fc2, "fully connected"),
    ):
        canvas.write(x, middle + 30, name, LARGE, weight="bold")
        canvas.write(x, middle - 10, f"{text}\n{count_parameters(layer)}")


def draw():
    """Draw the whole network and return the figure."""
    canvas, network = Canvas(), CNN()
    draw_convolutions(canvas, network)
    draw_full_connections(canvas, network)
    # the last feature maps become one column of values
    canvas.ax.plot((805, 805, 119, 119), (358, 316, 316, 300), color=LINE, lw=1.8)
    canvas.ax.plot(119, 293, "v", color=LINE, markersize=9)
    canvas.write(475, 333, f"50 {TIMES} 4 {TIMES} 4 = 800 numbers")
    return canvas.finish()


if __name__ == "__main__":
    draw().savefig(TARGET)
