import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").glob("*.md")), ROOT / "CONTRIBUTING.md"]


def python_of(page):
    return re.findall(r"```python\n(.*?)```", page.read_text(), flags=re.DOTALL)


def test_python_example(capsys):
    (code,) = python_of(README)
    assert len(code.strip().splitlines()) <= 7
    exec(compile(code, "README.md", "exec"), {})
    accuracy = float(capsys.readouterr().out)
    assert 0.9 < accuracy <= 1


@pytest.mark.parametrize("page", PAGES[1:-1], ids=lambda page: page.stem)
def test_examples_of_a_page(page):
    code = python_of(page)
    assert code
    namespace = {"__name__": "__main__"}
    for block in code:
        if "LocalCluster" in block:
            continue  # test_parallel.py has it, and a cluster takes its time
        exec(compile(block, page.name, "exec"), namespace)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\((.*?)\)", page.read_text()):
        if not target.startswith("https://"):
            assert (page.parent / target).is_file()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_files_that_are_named_exist(page):
    for name in re.findall(r"(?:examples|tests|skmnist)/[\w/]+\.py", page.read_text()):
        assert (ROOT / name).is_file()


@pytest.mark.parametrize("extra", ["sample", "test"])
def test_commands_name_extras_that_exist(extra):
    assert f'python -m pip install -e ".[{extra}]"' in README.read_text()
    project = (README.parent / "pyproject.toml").read_text()
    assert re.search(rf"^{extra} = \[", project, flags=re.MULTILINE)
