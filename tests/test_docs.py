"""Examples, links and names in the README and the manual."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").glob("*.md")), ROOT / "CONTRIBUTING.md"]


def python_of(page):
    return re.findall(r"```python\n(.*?)```", page.read_text(), flags=re.DOTALL)


def sections_of(page):
    """Return the anchors of a page, derived from its headings."""
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)
    return [
        re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in headings
    ]


WITH_EXAMPLES = [page for page in PAGES[1:] if python_of(page)]


def test_python_example(capsys):
    first, search = python_of(README)
    assert len(first.strip().splitlines()) <= 7
    namespace = {}
    exec(compile(first, "README.md", "exec"), namespace)
    accuracy = float(capsys.readouterr().out)
    assert 0.9 < accuracy <= 1
    exec(compile(search, "README.md", "exec"), namespace)
    assert "module__hidden_units" in capsys.readouterr().out


def test_pages_with_examples_are_found():
    assert len(WITH_EXAMPLES) >= 8


@pytest.mark.parametrize("page", WITH_EXAMPLES, ids=lambda page: page.stem)
def test_examples_of_a_page(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where examples may write files
    namespace = {"__name__": "__main__"}
    for block in python_of(page):
        if "LocalCluster" in block:
            continue  # slow to start, and covered by test_parallel.py
        exec(compile(block, page.name, "exec"), namespace)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_link_targets_exist(page):
    for target in re.findall(r"\]\((.*?)\)", page.read_text()):
        if target.startswith(("https://", "auto_examples/")):
            continue  # Sphinx generates and checks the latter
        name, _, section = target.partition("#")
        linked = page.parent / name if name else page
        assert linked.is_file()
        if section:
            assert section in sections_of(linked)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_named_files_exist(page):
    for name in re.findall(r"(?:examples|tests|skmnist)/[\w/]+\.py", page.read_text()):
        assert (ROOT / name).is_file()
    for name in re.findall(r"auto_examples/(plot_\w+)", page.read_text()):
        assert (ROOT / "examples" / f"{name}.py").is_file()


@pytest.mark.parametrize(
    ("extras", "options"), [("images,sample", ""), ("test", "-e ")]
)
def test_extras_in_commands_exist(extras, options):
    assert f'python -m pip install {options}".[{extras}]"' in README.read_text()
    project = (README.parent / "pyproject.toml").read_text()
    for extra in extras.split(","):
        assert re.search(rf"^{extra} = \[", project, flags=re.MULTILINE)
