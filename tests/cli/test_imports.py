"""The command imports torch and scikit-learn only when it works."""

import os
import re
import signal
import subprocess
import sys

import pytest
from cli_helpers import COMMAND

HEAVY = {
    *("PIL", "matplotlib", "mlxtend", "numpy", "pandas", "safetensors", "scipy"),
    *("skimage", "sklearn", "skorch", "starlette", "torch", "torchvision", "uvicorn"),
}
"""Packages that take long to import, or are not needed for help and errors."""


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([], 2),
        (["--help"], 0),
        (["--version"], 0),
        (["train", "--help"], 0),
        (["predict", "--help"], 0),
        (["demo", "--help"], 0),
        (["--speed"], 2),
        (["learn"], 2),
        (["train", "--speed"], 2),
        (["train", "--data", "fashion"], 2),
        (["train", "--epochs", "0"], 2),
        (["train", "--lr", "nan"], 2),
        (["train", "--device", "tpu"], 2),
        (["train", "--out", __file__], 1),
        (["train", "--resume", "missing"], 1),
        (["train", "--resume", "missing", "--seed", "1"], 1),
        (["predict", "missing", __file__], 2),
        (["predict", __file__, "missing.png"], 1),
        (["predict", __file__, "missing-*.png"], 1),
        (["predict", __file__, __file__, "--explain", __file__], 1),
        (["demo", "missing"], 2),
        (["demo", __file__, "--port", "65536"], 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_help_and_errors_need_no_heavy_imports(tmp_path, arguments, code):
    result = subprocess.run(
        [sys.executable, "-X", "importtime", *COMMAND[1:], *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert result.returncode == code, result.stderr
    imported = re.findall(r"^import time: .*\| +(\w+)", result.stderr, re.MULTILINE)
    assert "skmnist" in imported
    assert HEAVY.isdisjoint(imported)
    assert "Traceback" not in result.stderr


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT between processes")
@pytest.mark.parametrize(
    "arguments", [["train"], ["predict", "model", "one.png"], ["demo", "model"]]
)
def test_ctrl_c_during_the_imports(tmp_path, arguments):
    """The exit code of a command that Ctrl-C ended, without a traceback or files."""
    work = tmp_path / "work"
    work.mkdir()
    for name in ("model", "one.png"):
        (work / name).touch()
    (tmp_path / "torch.py").write_text(  # in place of torch
        "import os, signal, time\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "os.kill(os.getpid(), signal.SIGINT)\n"
        "time.sleep(60)\n"
    )
    path = [str(tmp_path), *sys.path]
    result = subprocess.run(
        [*COMMAND, *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path)},
        cwd=work,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 128 + signal.SIGINT, result.stderr
    assert "Traceback" not in result.stderr
    assert {path.name for path in work.iterdir()} == {"model", "one.png"}
