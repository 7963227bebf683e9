"""What engines are asked to do in tests: functions that any process finds by name, and that load
nothing heavy. Each unit has a folder in which its calls can be counted from outside."""

import os
import signal
from pathlib import Path

from spondyl.errors import SpondylError


def square(n):
    return n * n


def threads(unit):
    return os.environ.get("OMP_NUM_THREADS")


def process_id(unit):
    return os.getpid()


def called(folder, name):
    """How often the unit of that name was begun."""
    return len(list(Path(folder).glob(f"{name}.*")))


def eventful(unit):
    """Does what its name says."""
    folder, name = unit
    Path(folder, f"{name}.{os.getpid()}.{os.urandom(4).hex()}").touch()
    if name == "refuses":
        raise SpondylError("the film is black", "Give another film.")
    if name == "breaks":
        raise ZeroDivisionError("a fault of ours")
    if name == "dies once" and called(folder, name) == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    if name == "always dies":
        os.kill(os.getpid(), signal.SIGKILL)
    if name == "cannot be sent":
        return lambda: None
    return name
