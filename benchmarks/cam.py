"""Grad-CAM's cost in forward passes: ours, and that of other libraries, on two networks of the
paper. `spondyl bench cam` tells more."""

from collections.abc import Iterator

from spondyl.bench import cam


def run(rounds: int = cam.ROUNDS) -> Iterator[str]:
    """A table."""
    yield from cam.lines(cam.rows(methods=["grad-cam"], rounds=rounds))
