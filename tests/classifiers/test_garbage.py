"""A fixed part of what `python tests/classifiers/garbage.py 10000` tries."""

import signal

import garbage
import pytest


@pytest.mark.filterwarnings("ignore:the matrix subclass")  # is garbage too
def test_garbage_gets_a_clear_error():
    kinds = set()
    for number, (kind, call) in enumerate(garbage.pieces(1500)):
        kinds.add(kind)
        name, message = garbage.outcome(call)
        assert name in ("ValueError", "TypeError"), (number, kind, name, message)
        assert len(message) > 10
    assert len(kinds) == 18  # all kinds came


def hang():
    while True:
        pass


def test_the_script_would_notice(monkeypatch):
    monkeypatch.setattr(garbage, "SECONDS", 0.1)
    assert garbage.outcome(lambda: None)[0] == "success"
    assert garbage.outcome(lambda: 1 / 0)[0] == "ZeroDivisionError"
    assert garbage.outcome(lambda: int("a"))[0] == "ValueError"
    if hasattr(signal, "setitimer"):
        assert garbage.outcome(hang)[0] == "hang"
