"""Sessions that a maintainer runs before a release; see CONTRIBUTING.

An environment takes about 5 GB, so each session removes its own when it ends.
"""

import functools
import os
import re
import shlex
import shutil
import tempfile
from pathlib import Path

import nox

ROOT = Path(__file__).parent
PYTHONS = ["3.11", "3.12", "3.13"]

nox.options.default_venv_backend = "uv"


def session_with_environment(**options):
    """Define a session that removes its environment when it ends."""

    def decorate(function):
        @nox.session(**options)
        @functools.wraps(function)
        def run(session):
            try:
                function(session)
            finally:
                shutil.rmtree(session.virtualenv.location)

        return run

    return decorate


def command(beginning):
    """Return the command in CONTRIBUTING that begins with `beginning`."""
    for line in (ROOT / "CONTRIBUTING.md").read_text().splitlines():
        if line.startswith(beginning):
            return shlex.split(line)
    raise ValueError(f"CONTRIBUTING.md has no command that begins with {beginning!r}.")


@session_with_environment(python=PYTHONS)
def tests(session):
    """Run the tests with the newest versions of the dependencies."""
    session.install("-e", ".[test]")
    session.run(*command("pytest"))


@session_with_environment(python=PYTHONS[0])
def floor(session):
    """Run the tests and build the manual with the lowest supported versions."""
    session.install("--resolution", "lowest-direct", "-e", ".[dev]")
    session.run(*command("pytest"))
    session.run(*command("python -m sphinx"))


@session_with_environment()
def lint(session):
    """Run the version of ruff that pyproject.toml pins."""
    extras = nox.project.load_toml()["project"]["optional-dependencies"]
    session.install(*(entry for entry in extras["dev"] if entry.startswith("ruff")))
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")


@session_with_environment()
def docs(session):
    """Build the manual and its gallery with only the docs extra installed."""
    session.install("-e", ".[docs]")
    session.run(*command("python -m sphinx"))


@session_with_environment()
def package(session):
    """Build, check and install the distributions, and run README's first example."""
    session.install("build", "twine")
    readme = (ROOT / "README.md").read_text()
    six_lines = re.search(r"```python\n(.*?)```", readme, flags=re.DOTALL)[1]
    with tempfile.TemporaryDirectory() as temporary:
        outside = Path(temporary)
        session.run("python", "-m", "build", "--outdir", str(outside / "dist"))
        files = sorted(map(str, (outside / "dist").iterdir()))
        session.run("twine", "check", "--strict", *files)
        (wheel,) = (file for file in files if file.endswith(".whl"))
        session.run("uv", "venv", str(outside / "venv"), external=True)
        python = outside / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
        into = ("--python", str(python))
        session.run(
            "uv", "pip", "install", *into, f"{wheel}[images,sample]", external=True
        )
        session.chdir(outside)
        session.run(str(python), "-c", six_lines, external=True)
