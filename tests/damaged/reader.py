"""The process that reads damaged films: one JSON line in for each, one JSON line out.

It lives apart, so that a crash, a hang or a memory that runs over ends it and not the tests. What
anything prints meanwhile, from Python or from C, is caught where the process's own output begins.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from damaged.sound import films
from damaged.sound_dicom import PARTICULARS
from spondyl.data import pixels
from spondyl.errors import SpondylError

GUARD = 4 * 2**30
"""Bytes beyond idle that the process may claim at all: the machine's protection, not the limit."""
LONGEST = 400
"""Characters of an error or a hint, beside the path."""


def memory(field: str) -> int:
    """Bytes, by /proc/self/status: VmRSS now, VmHWM at most since the last reset."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith(field)).split()[1])


def faults_of(found: pixels.Pixels) -> list[str]:
    """What is wrong with a reading that was not refused."""
    faults = []
    grey, rgb = found.grey, found.rgb
    if grey.ndim != 2 or grey.dtype != np.float32 or min(grey.shape) < pixels.SMALLEST_SIDE:
        faults.append(f"grey is {grey.dtype} {grey.shape}")
    if grey.size > pixels.LARGEST_PIXELS:
        faults.append(f"{grey.shape} is over the limit")
    if rgb is not None and (rgb.dtype != np.float32 or rgb.shape != (*grey.shape, 3)):
        faults.append(f"rgb is {rgb.dtype} {rgb.shape}")
    for name, array in (("grey", grey), ("rgb", rgb)):
        if array is not None and not (array.min() >= 0 and array.max() <= 1):  # NaN is neither
            faults.append(f"{name} spans {array.min()} … {array.max()}")
    if (found.facts.height, found.facts.width) != grey.shape:
        faults.append(f"facts say {found.facts.height} × {found.facts.width}, not {grey.shape}")
    spacing = found.spacing_mm
    if spacing is not None and not all(0 < side < np.inf for side in spacing):
        faults.append(f"a spacing of {spacing}")
    return faults


def faults_of_words(error: SpondylError, path: str) -> list[str]:
    """What is wrong with how a refusal is said."""
    faults = []
    for line in (error.message, error.hint):
        said = line.replace(path, "")
        if not said.strip() or len(said) > LONGEST:
            faults.append(f"says {len(said)} characters: {said[:80]!r}")
        if not said.isprintable():
            faults.append(f"says what cannot be printed: {said!r}")
    return faults


def leaks(*said: object) -> list[str]:
    """Which of the patient's particulars are in what was said."""
    return [
        f"tells {secret!r}" for secret in PARTICULARS if any(secret in str(one) for one in said)
    ]


def read(path: str) -> tuple[str, str, list[str]]:
    """ "read", "refused" or "raised"; the words; what is wrong with them."""
    try:
        found = pixels.read(path)
        dicom = found.dicom
        shown = dicom.notes if dicom else ""
        return "read", "", faults_of(found) + leaks(shown, dicom and dicom.patient_key)
    except SpondylError as error:
        return (
            "refused",
            error.message,
            faults_of_words(error, path) + leaks(*error.args, error.hint),
        )
    except BaseException as error:  # noqa: BLE001
        return "raised", f"{type(error).__name__}: {error}", [f"raised {error!r}"[:600]]


def facts(path: str) -> list[str]:
    """What is wrong with the header's facts, or with how they are refused."""
    try:
        pixels.facts(path)
    except SpondylError as error:
        return faults_of_words(error, path) + leaks(error.message, error.hint)
    except BaseException as error:  # noqa: BLE001
        return [f"facts raised {error!r}"[:600]]
    return []


def answered(path: str, heard: int, as_nobody: bool) -> dict[str, Any]:
    """All that came of one file."""
    Path("/proc/self/clear_refs").write_text("5")
    before, began = os.fstat(heard).st_size, perf_counter()
    rights = os.geteuid()
    if as_nobody and rights == 0:
        os.seteuid(65_534)
    faults = facts(path)
    outcome, words, more = read(path)
    os.seteuid(rights)
    seconds = perf_counter() - began
    sys.stdout.flush()
    sys.stderr.flush()
    said = os.pread(heard, 2000, before).decode(errors="replace")
    faults += more + ([f"printed {said[:300]!r}"] if said else []) + leaks(said)
    return {
        **{"outcome": outcome, "words": words.replace(path, "…"), "faults": faults},
        **{"seconds": seconds, "peak": memory("VmHWM")},
    }


def warmed() -> None:
    """Every decoder loaded and used once."""
    with tempfile.NamedTemporaryFile() as file:
        for content in films().values():
            Path(file.name).write_bytes(content)
            with suppress(SpondylError):  # whether sound films are read is another test
                pixels.read(file.name)


def main() -> None:
    """Answer until the questions end."""
    answers = os.fdopen(os.dup(1), "w")
    with tempfile.TemporaryFile() as caught:
        heard = caught.fileno()
        warmed()
        os.set_inheritable(heard, True)
        os.dup2(heard, 1)
        os.dup2(heard, 2)
        logging.basicConfig(level=logging.WARNING)  # as an application does, that shows its logs
        idle = memory("VmRSS")
        limit = memory("VmSize") + GUARD
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        print(json.dumps({"idle": idle}), file=answers, flush=True)
        for line in sys.stdin:
            asked = json.loads(line)
            answer = answered(asked["path"], heard, asked["as_nobody"])
            print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
