"""Parts come out of an answer as they were put in, however it is cut into chunks."""

import email
import email.policy
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spondyl.reading.dicomweb.multipart import BrokenAnswerError, boundary_of, parts

NEARLY = st.lists(st.sampled_from([b"\r", b"\n", b"-", b"--", b"B", b"\r\n--", b"x", b"\0"]))
CONTENTS = NEARLY.map(b"".join).filter(
    lambda content: b"\r\n--B" not in b"\r\n" + content + b"\r\n"
)


def written(contents, before=b"", after=b""):
    """RFC 2046, 5.1.1, as it stands there."""
    bodies = (b"\r\n--B\r\nContent-Type: application/dicom\r\n\r\n" + one for one in contents)
    return before + b"".join(bodies) + b"\r\n--B--" + after


def chunked(body, cuts):
    places = sorted({cut % (len(body) + 1) for cut in cuts} | {0, len(body)})
    return iter([body[a:b] for a, b in itertools.pairwise(places)])


def read(chunks):
    return [(kind, b"".join(pieces)) for kind, pieces in parts(chunks, "B")]


@given(st.lists(CONTENTS, min_size=1, max_size=4), st.lists(st.integers(0, 10_000), max_size=20))
def test_parts_are_what_was_written_wherever_the_chunks_end(contents, cuts):
    found = read(chunked(written(contents), cuts))
    assert found == [("application/dicom", content) for content in contents]


@given(st.lists(CONTENTS, min_size=1, max_size=3), st.integers(0, 10_000))
def test_an_answer_that_is_cut_anywhere_is_broken(contents, cut):
    body = written(contents)
    with pytest.raises(BrokenAnswerError):
        read(iter([body[: cut % len(body)]]))


def test_the_same_parts_come_out_as_of_pythons_own_reader():
    contents = [b"one", b"", b"-- two", b"B"]
    body = written(contents, before=b"for people", after=b"\r\nfor nobody")
    head = b'Content-Type: multipart/related; boundary="B"\r\n\r\n'
    theirs = email.message_from_bytes(head + body, policy=email.policy.HTTP)
    expected = [part.get_payload(decode=True) for part in theirs.iter_parts()]
    assert [content for _, content in read(iter([body]))] == expected == contents


def test_no_more_than_a_chunk_is_held_back():
    body = written([b"x" * 1000])
    chunks = (body[at : at + 10] for at in range(0, len(body), 10))
    ((_, pieces),) = ((kind, list(pieces)) for kind, pieces in parts(chunks, "B"))
    assert max(map(len, pieces)) <= 20
    assert len(pieces) >= 50


def test_spaces_may_follow_a_boundary_and_headers_come_in_any_order_and_case():
    body = b"--B \t\r\nX-Other: 1\r\ncontent-TYPE: Application/DICOM; x=y\r\n\r\none\r\n--B--"
    assert read(iter([body])) == [("application/dicom", b"one")]


@pytest.mark.parametrize(
    ("said", "boundary"),
    [
        ('multipart/related; type="application/dicom"; boundary=abc', "abc"),
        ('Multipart/Related; boundary="a b;c"', "a b;c"),
        ("multipart/related", None),
        ("multipart/related; boundary=", None),
        ("multipart/related; boundary=" + "x" * 201, None),
        ("multipart/related; boundary*=utf-8''%0d%0a", None),
        ("multipart/form-data; boundary=abc", None),
        ("text/html", None),
        ("", None),
    ],
)
def test_a_boundary_is_taken_from_multipart_related_only(said, boundary):
    assert boundary_of(said) == boundary
