"""The API page names what is public, and numpydoc finds no fault in its docstrings."""

import inspect
import re
from pathlib import Path

import pytest
from numpydoc.validate import validate

import skmnist
import skmnist.datasets
import skmnist.displays
import skmnist.preprocessing

MODULES = (skmnist, skmnist.datasets, skmnist.displays, skmnist.preprocessing)
API = Path(__file__).parents[1] / "docs" / "api.md"

TASTE = {
    "ES01": "no extended summary: where the first sentence says it all",
    "EX01": "no example: a class has one for all of its methods",
    "SA01": "no See Also: where there is nothing else to see",
}
"""What numpydoc's validation asks for and this project does not do."""


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
def test_api_page_names_what_is_public(module):
    pattern = rf"currentmodule:: {re.escape(module.__name__)}\n.*?\n\n((?:   \w+\n)+)"
    (listed,) = re.findall(pattern, API.read_text(), flags=re.DOTALL)
    assert listed.split() == sorted(module.__all__)


@pytest.mark.parametrize("name", PUBLIC)
def test_docstring(name):
    faults = [fault for fault in validate(name)["errors"] if fault[0] not in TASTE]
    assert faults == []


def test_all_parameters_are_documented():
    docstring = inspect.getdoc(skmnist.MnistCNNClassifier)
    own, _, inherited = docstring.partition("Other Parameters")
    for name in inspect.signature(skmnist.MnistCNNClassifier).parameters:
        documented = re.compile(rf"^[\w, *]*\b{name}\b[\w, ]* ?:|^\*\*{name}$", re.M)
        assert documented.search(own) or documented.search(inherited), name
