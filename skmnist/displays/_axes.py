"""Axes, and what is drawn on them."""

import numpy as np


def get_axes(ax, **options):
    """The axes to draw on, new ones if None, and their figure."""
    if ax is None:
        from matplotlib import pyplot as plt

        ax = plt.figure(layout="constrained", **options).subplots()
    return ax, ax.figure


def replace_by_subfigure(ax):
    """Hide axes and return a subfigure in their place."""
    place = ax.get_subplotspec()
    if place is None:
        raise ValueError(
            "Got axes at a place of their own, expected those of a grid, which can be "
            "divided. Make them with figure.subplots() or figure.add_subplot()."
        )
    ax.set_axis_off()
    return ax.figure.add_subfigure(place)


def draw_image(ax, image):
    """Draw pixels on any scale: the darkest is white, the brightest black."""
    span = max(np.ptp(image), 1e-12)
    ax.imshow((image - image.min()) / span, cmap="gray_r")


def write_text(ax, text):
    """Put a text in the middle of axes that have nothing else to show."""
    ax.text(0.5, 0.5, text, ha="center", va="center", transform=ax.transAxes)
