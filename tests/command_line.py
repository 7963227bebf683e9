"""The command line as a user calls it, in this process."""

import sys

import pytest

from spondyl import cli


def spondyl(words) -> int:
    """The exit code of `spondyl WORDS`."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(sys, "argv", ["spondyl", *map(str, words)])
        with pytest.raises(SystemExit) as left:
            cli.main()
    return left.value.code or 0
