"""The command line as a user calls it, in this process."""

import functools
import sys

import pytest
import typer.main

from spondyl import cli

# Typer builds every command anew for each call, which takes longer than most calls do.
typer.main.get_command = functools.cache(typer.main.get_command)


def spondyl(words) -> int:
    """The exit code of `spondyl WORDS`."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(sys, "argv", ["spondyl", *map(str, words)])
        with pytest.raises(SystemExit) as left:
            cli.main()
    return left.value.code or 0
