"""Decoders that say nothing, in any number of threads, and everything as it was afterwards."""

from __future__ import annotations

import logging
import os
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from damaged.sound import films

from spondyl.data import pixels
from spondyl.data.unheard import PRINTS_UNHEARD, WARNINGS_UNHEARD


def state():
    levels = [logging.getLogger(name).level for name in ("PIL", "tifffile", "pydicom")]
    return list(warnings.filters), levels, os.fstat(2).st_ino


@pytest.mark.parametrize("name", ["PIL.TiffImagePlugin", "tifffile", "pydicom"])
def test_a_library_s_warnings_and_logs_are_unheard_inside_and_heard_behind(name, caplog, recwarn):
    with WARNINGS_UNHEARD:
        warnings.warn("unheard", stacklevel=1)
        logging.getLogger(name).warning("unheard")
    warnings.warn("heard", stacklevel=1)
    logging.getLogger(name).warning("heard")
    assert [str(one.message) for one in recwarn] == ["heard"]
    assert caplog.messages == ["heard"]


def test_what_is_printed_from_c_is_unheard_inside_and_heard_behind(capfd):
    with PRINTS_UNHEARD:
        os.write(2, b"unheard\n")
    os.write(2, b"heard\n")
    assert capfd.readouterr().err == "heard\n"


def test_all_is_as_it_was_after_an_error():
    before = state()
    with pytest.raises(ZeroDivisionError), WARNINGS_UNHEARD, PRINTS_UNHEARD:
        raise ZeroDivisionError
    assert state() == before


def test_threads_that_leave_in_the_order_in_which_they_came_leave_all_as_it_was(capfd):
    """Of two contexts that are not nested the first would restore what the second had changed."""
    before = state()
    inside, leave = threading.Event(), threading.Event()

    def first():
        with WARNINGS_UNHEARD, PRINTS_UNHEARD:
            inside.set()
            leave.wait()

    thread = threading.Thread(target=first)
    thread.start()
    inside.wait()
    with WARNINGS_UNHEARD, PRINTS_UNHEARD:
        leave.set()
        thread.join()
        os.write(2, b"unheard\n")  # the other has left, this one has not
        assert os.fstat(2).st_ino == Path(os.devnull).stat().st_ino
    assert state() == before
    assert capfd.readouterr().err == ""


def test_films_of_all_formats_read_in_threads_leave_all_as_it_was(tmp_path):
    paths = [tmp_path / str(number) for number in range(len(films()))]
    for path, content in zip(paths, films().values(), strict=True):
        path.write_bytes(content)
    before = state()
    with ThreadPoolExecutor(6) as pool:
        assert len(list(pool.map(pixels.read, paths * 5))) == 5 * len(paths)
    assert state() == before


def test_a_process_without_standard_error_decodes_as_well():
    kept = os.dup(2)
    os.close(2)
    try:
        with PRINTS_UNHEARD:
            pass
        with pytest.raises(OSError):
            os.fstat(2)
    finally:
        os.dup2(kept, 2)
        os.close(kept)
