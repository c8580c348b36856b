"""Run a fixed part of `python tests/classifiers/fuzz_inputs.py 10000`."""

import signal

import fuzz_inputs
import pytest


@pytest.mark.filterwarnings("ignore:the matrix subclass")  # one of the inputs
def test_invalid_input_raises_a_clear_error():
    kinds = set()
    for number, (kind, call) in enumerate(fuzz_inputs.cases(1500)):
        kinds.add(kind)
        name, message = fuzz_inputs.outcome(call)
        assert name in ("ValueError", "TypeError"), (number, kind, name, message)
        assert len(message) > 10
    assert len(kinds) == 18  # all kinds occurred


def hang():
    while True:
        pass


def test_outcomes_are_recognised(monkeypatch):
    monkeypatch.setattr(fuzz_inputs, "SECONDS", 0.1)
    assert fuzz_inputs.outcome(lambda: None)[0] == "success"
    assert fuzz_inputs.outcome(lambda: 1 / 0)[0] == "ZeroDivisionError"
    assert fuzz_inputs.outcome(lambda: int("a"))[0] == "ValueError"
    if hasattr(signal, "setitimer"):
        assert fuzz_inputs.outcome(hang)[0] == "hang"
