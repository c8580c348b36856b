"""Sphinx configuration: `python -m sphinx docs docs/_build/html`."""

import warnings
from contextlib import ExitStack
from importlib.metadata import version as version_of
from pathlib import Path

import matplotlib as mpl

mpl.use("agg")

project = "skmnist"
author = "The skmnist developers"
project_copyright = f"2026, {author}"
version = release = version_of("skmnist")

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build"]
templates_path = ["_templates"]

# Pages -------------------------------------------------------------------------------

myst_heading_anchors = 3

# API ---------------------------------------------------------------------------------

autosummary_generate = True
autodoc_inherit_docstrings = False  # hooks of skorch and torch stay undocumented
default_role = "literal"  # `name` in a docstring is a name
toc_object_entries_show_parents = "hide"
numpydoc_show_class_members = False

# Gallery -----------------------------------------------------------------------------


def set_warnings(gallery_conf, fname, when):
    """Make warnings errors while an example runs, but not in Sphinx itself."""
    if when == "before":
        around_example.enter_context(warnings.catch_warnings(action="error"))
    else:
        around_example.close()


around_example = ExitStack()

EXAMPLES = [
    "article",
    "pipeline_and_cross_validation",
    "searches",
    "optuna",
    "calibration",
    "mistakes_and_label_errors",
    "what_the_network_sees",
    "8x8_digits",
    "colour_images",
    "save_load_onnx",
    "own_handwriting",
    "numbers",
    "learning_curve_and_ensemble",
]
"""In the order of the gallery."""


def order(filename):
    return EXAMPLES.index(Path(filename).stem.removeprefix("plot_"))


suppress_warnings = ["config.cache"]  # a function in the configuration is meant
sphinx_gallery_conf = {
    "reset_modules": ("matplotlib", set_warnings),
    "reset_modules_order": "both",
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "backreferences_dir": "generated/backreferences",
    "doc_module": ("skmnist",),
    "ignore_pattern": r"benchmarks|cifar10",
    "within_subsection_order": order,
    "abort_on_example_error": True,
    "min_reported_time": 10_000,
    "write_computation_times": False,  # a page that needs the network
}

# Look --------------------------------------------------------------------------------

html_theme = "pydata_sphinx_theme"
html_title = "skmnist"
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_theme_options = {
    "show_prev_next": True,
    "navigation_with_keys": False,
    "secondary_sidebar_items": ["page-toc", "sg_download_links"],
    "header_links_before_dropdown": 6,
}
html_show_sourcelink = False
