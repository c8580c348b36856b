"""The API page lists all public names, and their docstrings pass numpydoc's checks."""

import inspect
import re
from pathlib import Path

import pytest
from numpydoc.validate import validate

import skmnist
import skmnist.callbacks
import skmnist.classifiers
import skmnist.datasets
import skmnist.displays
import skmnist.networks
import skmnist.optimizers
import skmnist.preprocessing
import skmnist.reading

MODULES = (
    skmnist,
    skmnist.callbacks,
    skmnist.classifiers,
    skmnist.datasets,
    skmnist.displays,
    skmnist.networks,
    skmnist.optimizers,
    skmnist.preprocessing,
    skmnist.reading,
)
API = Path(__file__).parents[1] / "docs" / "api.md"

IGNORED = {
    "ES01": "no extended summary: the first sentence may be sufficient",
    "EX01": "no example: a class has one example for all its methods",
    "SA01": "no See Also: not everything has a counterpart",
}
"""Checks of numpydoc that this project does not apply, with the reason."""


def list_public_names():
    names = []
    for module in MODULES:
        for name in module.__all__:
            names.append(f"{module.__name__}.{name}")
            members = vars(getattr(module, name))
            for key, member in members.items():
                function = getattr(member, "__func__", member)
                if (
                    inspect.isclass(getattr(module, name))
                    and inspect.isfunction(function)
                    and function.__module__.startswith("skmnist")
                    and function.__doc__
                    and not key.startswith("_")
                ):
                    names.append(f"{module.__name__}.{name}.{key}")
    return names


PUBLIC = list_public_names()


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_api_page_lists_public_names(module):
    pattern = rf"currentmodule:: {re.escape(module.__name__)}\n.*?\n\n((?:   \w+\n)+)"
    (listed,) = re.findall(pattern, API.read_text(), flags=re.DOTALL)
    elsewhere = set() if module is skmnist else set(skmnist.__all__)
    assert listed.split() == sorted(set(module.__all__) - elsewhere)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_classes_have_examples(module):
    for name in module.__all__:
        public = getattr(module, name)
        assert not inspect.isclass(public) or ">>> " in public.__doc__, name


@pytest.mark.parametrize("name", PUBLIC)
def test_docstring(name):
    errors = [error for error in validate(name)["errors"] if error[0] not in IGNORED]
    assert errors == []


def test_all_parameters_are_documented():
    docstring = inspect.getdoc(skmnist.MnistCNNClassifier)
    own, _, inherited = docstring.partition("Other Parameters")
    for name in inspect.signature(skmnist.MnistCNNClassifier).parameters:
        documented = re.compile(rf"^[\w, *]*\b{name}\b[\w, ]* ?:|^\*\*{name}$", re.M)
        assert documented.search(own) or documented.search(inherited), name
