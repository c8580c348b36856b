import re
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"


def test_python_example(capsys):
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text(), flags=re.DOTALL)
    assert len(code.strip().splitlines()) <= 7
    exec(compile(code, "README.md", "exec"), {})
    accuracy = float(capsys.readouterr().out)
    assert 0.9 < accuracy <= 1


def test_pictures_exist():
    pictures = re.findall(r"!\[.*?\]\((.*?)\)", README.read_text())
    assert pictures
    for picture in pictures:
        assert (README.parent / picture).is_file()


@pytest.mark.parametrize("extra", ["sample", "test"])
def test_commands_name_extras_that_exist(extra):
    assert f'python -m pip install -e ".[{extra}]"' in README.read_text()
    project = (README.parent / "pyproject.toml").read_text()
    assert re.search(rf"^{extra} = \[", project, flags=re.MULTILINE)
