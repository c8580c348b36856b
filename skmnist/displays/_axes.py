"""Axes, and images and text on them."""

import numpy as np


def get_axes(ax, **figure_options):
    """Return the axes to draw on and their figure; create both if `ax` is None."""
    if ax is None:
        from matplotlib import pyplot as plt

        ax = plt.figure(layout="constrained", **figure_options).subplots()
    return ax, ax.figure


def replace_by_subfigure(ax):
    """Hide axes and return a subfigure at the same position."""
    cell = ax.get_subplotspec()
    if cell is None:
        raise ValueError(
            "Got axes at a position of their own, expected axes of a grid, which can "
            "be divided. Create them with figure.subplots() or figure.add_subplot()."
        )
    ax.set_axis_off()
    return ax.figure.add_subfigure(cell)


def draw_image(ax, image):
    """Draw an image of any scale: its lowest value is white, its highest black."""
    span = max(np.ptp(image), 1e-12)
    ax.imshow((image - image.min()) / span, cmap="gray_r")


def write_text(ax, text):
    """Write a text in the middle of empty axes."""
    ax.text(0.5, 0.5, text, ha="center", va="center", transform=ax.transAxes)
