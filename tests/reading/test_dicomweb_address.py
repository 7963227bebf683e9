"""What a user may name, and who asks: what could lead elsewhere or be read by others is refused."""

import os

import dicom_films
import numpy as np
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from spondyl.errors import SpondylError
from spondyl.reading.dicomweb import sending
from spondyl.reading.dicomweb.address import address, is_uid, same_origin, uid
from spondyl.reading.dicomweb.credentials import credentials
from spondyl.reading.dicomweb.retrieving import Wanted
from spondyl.reading.dicomweb.searching import Question

HERE = address("https://pacs.example.org/dicom-web", "--to")
SECRET = "quite-Secret-17"


@pytest.fixture(autouse=True)
def no_netrc(monkeypatch, tmp_path):
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://PACS.example.org:443/dicom-web/", "https://pacs.example.org/dicom-web"),
        ("https://pacs.example.org:8443", "https://pacs.example.org:8443"),
        ("http://localhost:8042/dicom-web", "http://localhost:8042/dicom-web"),
        ("http://127.0.0.1/", "http://127.0.0.1"),
        ("http://[::1]:8042/dicom-web", "http://[::1]:8042/dicom-web"),
        ("https://[2001:db8::1]/rs", "https://[2001:db8::1]/rs"),
    ],
)
def test_an_address_is_written_one_way(text, url):
    assert address(text, "--to").url == url


@pytest.mark.parametrize(
    "text",
    [
        *("", "pacs.example.org", "ftp://pacs.example.org", "file:///etc/passwd", "https://"),
        *("https://pacs.example.org?study=1", "https://pacs.example.org/#a", "https://a b/"),
        *("https://pacs.example.org:99999/", "https://pacs.example.org:0/", "https://[::1/"),
        *("https://-pacs/", "https://pacs.example.org/\\@evil.example.org", "https://a\nb/"),
        *("https://пакс.example.org/", "https://pacs.example.org/<x>", "https://[fe80::zz]/"),
    ],
)
def test_what_is_no_root_of_a_server_is_refused(text):
    with pytest.raises(SpondylError) as told:
        address(text, "--to")
    assert told.value.hint


@pytest.mark.parametrize(
    "text", [f"https://me:{SECRET}@pacs.example.org/", f"http://{SECRET}@localhost/"]
)
def test_a_password_on_the_command_line_is_refused_and_never_repeated(text):
    with pytest.raises(SpondylError, match="a user or a password") as told:
        address(text, "--to")
    assert SECRET not in told.value.message + told.value.hint


@pytest.mark.parametrize("host", ["pacs.example.org", "10.0.0.1", "localhost.example.org", "127.1"])
def test_plain_http_to_another_machine_needs_to_be_insisted_on(host):
    with pytest.raises(SpondylError, match="everybody on the way can read"):
        address(f"http://{host}/dicom-web", "--to")
    assert address(f"http://{host}/dicom-web", "--to", insecure_http=True).host == host


@pytest.mark.parametrize(
    ("url", "same"),
    [
        ("https://pacs.example.org/elsewhere", True),
        ("https://PACS.example.org:443/", True),
        ("http://pacs.example.org/", False),
        ("https://pacs.example.org:8443/", False),
        ("https://pacs.example.org.evil.example/", False),
        ("https://pacs.example.org@evil.example/", False),
        ("https://user@pacs.example.org/", False),
        ("https://pacs.example.org:x/", False),
        ("", False),
    ],
)
def test_only_scheme_host_and_port_together_are_the_same_server(url, same):
    assert same_origin(url, HERE) is same


@given(st.text("0123456789./a%\n ", max_size=70))
def test_an_identifier_is_what_ps3_5_says_it_is(text):
    parts = text.split(".")
    by_definition = len(text) <= 64 and all(
        part and set(part) <= set("0123456789") and (part == "0" or part[0] != "0")
        for part in parts
    )
    assert is_uid(text) == by_definition


@pytest.mark.parametrize(
    "text",
    ["1.2/../../patients", "1.02", "1..2", ".1", "1.", "", "1.2?x=1", "1" * 65, "1.2\n", "١"],
)
def test_what_is_no_identifier_never_enters_an_address(text):
    with pytest.raises(SpondylError, match=r"PS3.5 9.1"):
        uid(text, "--study")
    with pytest.raises(SpondylError):
        Wanted(text)
    for more in ({"series": text}, {"series": "1.2", "instance": text}) if text else ():
        with pytest.raises(SpondylError):
            Wanted("1.2", **more)


def test_an_instance_needs_its_series():
    with pytest.raises(SpondylError, match="without --series"):
        Wanted("1.2", instance="1.3")
    assert Wanted("1.2", "1.3", "1.4").path == "/studies/1.2/series/1.3/instances/1.4"


@pytest.mark.parametrize(
    "more",
    [
        *({"patient_id": "made-up-*"}, {"patient_id": "made-up-?7"}, {"patient_id": "a\\b"}),
        *({"patient_id": "x" * 65}, {"accession": "x" * 17}, {"accession": "a\tb"}),
        *({"date": "2021-04-01"}, {"date": "20210230"}, {"date": "-"}, {"date": "20210101-2022"}),
        *({"date": "20220101-20210101"}, {"modalities": ("cr",)}, {"modalities": ("CR&x=1",)}),
        *({"modalities": ("",)}, {"date": "yesterday"}),
    ],
)
def test_a_question_that_would_find_something_else_is_refused(more):
    with pytest.raises(SpondylError) as told:
        Question(**more)
    assert "made-up" not in told.value.message


def shown(given):
    """The Authorization header that a server would see."""
    request = requests.Request("GET", HERE.url, auth=given).prepare()
    return request.headers.get("Authorization")


def test_who_asks_is_token_then_environment_then_netrc_then_nobody(tmp_path):
    (tmp_path / "netrc").write_text(f"machine pacs.example.org login nina password {SECRET}\n")
    (tmp_path / "netrc").chmod(0o600)
    named = {"SPONDYL_DICOMWEB_USER": "Ünal", "SPONDYL_DICOMWEB_PASSWORD": SECRET}
    assert shown(credentials(HERE, {"SPONDYL_DICOMWEB_TOKEN": "a.b-c"})) == "Bearer a.b-c"
    of_environment = requests.auth._basic_auth_str("Ünal".encode(), SECRET.encode())
    assert shown(credentials(HERE, named)) == of_environment
    assert shown(credentials(HERE, {})) == requests.auth._basic_auth_str("nina", SECRET)
    assert credentials(address("https://other.example.org", "--to"), {}) is None
    (tmp_path / "netrc").unlink()
    assert credentials(HERE, {}) is None


@pytest.mark.parametrize(
    "environment",
    [
        {"SPONDYL_DICOMWEB_USER": "nina"},
        {"SPONDYL_DICOMWEB_PASSWORD": SECRET},
        {"SPONDYL_DICOMWEB_TOKEN": f"{SECRET}\r\nX-Evil: 1"},
        {"SPONDYL_DICOMWEB_TOKEN": f"{SECRET} ü"},
        {"SPONDYL_DICOMWEB_TOKEN": SECRET, "SPONDYL_DICOMWEB_USER": "nina"},
        {"SPONDYL_DICOMWEB_USER": f"ni:{SECRET}", "SPONDYL_DICOMWEB_PASSWORD": SECRET},
    ],
)
def test_half_or_unsound_credentials_are_refused_and_never_repeated(environment):
    with pytest.raises(SpondylError) as told:
        credentials(HERE, environment)
    assert SECRET not in told.value.message + told.value.hint


def test_a_damaged_netrc_is_told_instead_of_passed_over(tmp_path):
    (tmp_path / "netrc").write_text(f"machine pacs.example.org nonsense {SECRET}\n")
    (tmp_path / "netrc").chmod(0o600)
    with pytest.raises(SpondylError, match="netrc file cannot be read") as told:
        credentials(HERE, {})
    assert SECRET not in told.value.message


def test_credentials_do_not_show_where_they_are_printed():
    named = {"SPONDYL_DICOMWEB_USER": "nina", "SPONDYL_DICOMWEB_PASSWORD": SECRET}
    for environment in (named, {"SPONDYL_DICOMWEB_TOKEN": SECRET}):
        assert SECRET not in repr(credentials(HERE, environment))


def test_of_a_folder_what_begins_as_dicom_is_sent_whatever_it_is_called(tmp_path):
    levels = np.zeros((4, 4), np.uint8)
    for name in ("a.dcm", "b", "1.2.840.7", "deep/c.IMA", ".hidden.dcm"):
        dicom_films.written(tmp_path / name, levels)
    dicom_films.written(tmp_path / "DICOMDIR", levels)
    (tmp_path / "d.dcm").write_text("no film, but called so")
    (tmp_path / "note.txt").write_text("a note")
    os.mkfifo(tmp_path / "pipe.dcm")
    (tmp_path / "again.dcm").symlink_to(tmp_path / "a.dcm")
    found = sending.files([tmp_path / "a.dcm", tmp_path])
    sent = [one.path.relative_to(tmp_path).as_posix() for one in found.sent]
    assert sent == ["a.dcm", "1.2.840.7", "b", "d.dcm", "deep/c.IMA"]
    assert [one.said for one in found.sent] == [
        str(tmp_path / "a.dcm"),
        *(f"file-{n}" for n in (2, 3, 4, 5)),
    ]
    assert [path.name for path in found.passed_over] == ["DICOMDIR", "note.txt", "pipe.dcm"]


def test_a_folder_without_dicom_is_refused(tmp_path):
    (tmp_path / "note.txt").write_text("a note")
    with pytest.raises(SpondylError, match="no DICOM file in there"):
        sending.files([tmp_path])
