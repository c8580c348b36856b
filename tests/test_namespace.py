"""Names of the package, which are imported when they are first used."""

import ast
import pkgutil
import subprocess
import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import pytest

import skmnist


def python(code):
    """Run code in a new process and return what it prints."""
    command = [sys.executable, "-c", code]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_import_is_lazy():
    """A name imports what it needs, and `dir` lists all names without importing."""
    code = (
        "import sys, skmnist\n"
        "names = dir(skmnist)\n"
        "print(*names)\n"
        "print({'numpy', 'sklearn', 'skorch', 'torch'} & {*sys.modules})\n"
        "skmnist.MnistCNNClassifier\n"
        "print({'numpy', 'sklearn', 'skorch', 'torch'} - {*sys.modules})\n"
        "print({*names} - {*dir(skmnist)})\n"
    )
    names, *unexpected = python(code).splitlines()
    assert {*skmnist.__all__, "__version__", "datasets"} <= {*names.split()}
    assert unexpected == ["set()"] * 3


@pytest.mark.parametrize("name", skmnist.__all__)
def test_public_names(name):
    module = import_module(skmnist._MODULES[name])
    assert getattr(skmnist, name) is getattr(module, name)


def test_public_modules():
    """`import skmnist` makes all of them available, except commands."""
    public = {m.name for m in pkgutil.iter_modules(skmnist.__path__)}
    public = {name for name in public if not name.startswith("_")}
    assert public - {"cli", "demo"} == skmnist._SUBMODULES <= {*dir(skmnist)}
    for name in skmnist._SUBMODULES:
        assert getattr(skmnist, name) is sys.modules[f"skmnist.{name}"]


def test_each_module_can_be_imported_first():
    code = (
        "import sys\n"
        "from importlib import import_module\n"
        f"for name in {sorted(skmnist._SUBMODULES)} + ['cli', 'cli._report']:\n"
        "    for module in [*sys.modules]:\n"
        "        if module.partition('.')[0] == 'skmnist':\n"
        "            del sys.modules[module]\n"
        "    print(import_module(f'skmnist.{name}').__name__)\n"
    )
    assert len(python(code).splitlines()) == len(skmnist._SUBMODULES) + 2


def test_star_import():
    namespace = {}
    exec("from skmnist import *", namespace)
    assert namespace.keys() - {"__builtins__"} == {*skmnist.__all__}


def test_version():
    assert skmnist.__version__ == version("skmnist")


def test_unknown_names():
    assert not hasattr(skmnist, "MnistCnnClassifier")
    with pytest.raises(AttributeError, match="'skmnist' has no attribute 'fit'"):
        skmnist.fit  # noqa: B018
    with pytest.raises(ImportError, match="cannot import name 'fit'"):
        from skmnist import fit  # noqa: F401


def test_type_checkers_see_the_same_names():
    """The imports below `if TYPE_CHECKING` are those of `__getattr__`."""
    tree = ast.parse(Path(skmnist.__file__).read_text())
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    assert block.test.id == "TYPE_CHECKING"
    seen = {name.name: node.module for node in block.body for name in node.names}
    assert seen == skmnist._MODULES
    assert sorted(seen) == skmnist.__all__
