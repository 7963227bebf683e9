"""Films to a real server and back: what arrives is what was sent, and names nobody."""

import hashlib
import json

import dicom_films
import numpy as np
import orthanc
import pydicom
import pytest
from command_line import spondyl
from dicom_films import ROOT
from dicomweb_client.api import DICOMwebClient
from pydicom.uid import (
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from spondyl.data import pixels
from spondyl.errors import Problem, SpondylError
from spondyl.reading.dicomweb import retrieving, searching, sending, storing
from spondyl.reading.dicomweb.address import address
from spondyl.reading.dicomweb.connection import Connection
from spondyl.reading.dicomweb.credentials import credentials
from spondyl.reading.dicomweb.retrieving import Wanted, file_name
from spondyl.reading.dicomweb.searching import Question

archive = orthanc.archive
LEVELS = np.random.default_rng(7).integers(0, 4096, (40, 30), dtype=np.uint16)
SECRET = "quite-Secret-17"


@pytest.fixture(autouse=True)
def nobody_asks(monkeypatch, tmp_path):
    """No user, no token and no netrc but those of a test."""
    for name in ("USER", "PASSWORD", "TOKEN"):
        monkeypatch.delenv(f"SPONDYL_DICOMWEB_{name}", raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "no-netrc"))


@pytest.fixture
def server(archive):
    archive.empty()
    return archive


@pytest.fixture
def told(capfd):
    """A function that runs a command and gives the exit code, stdout and stderr."""

    def call(*words):
        code = spondyl(words)
        printed = capfd.readouterr()
        return code, printed.out, printed.err

    return call


def connected(server):
    there = address(server.url, "--to")
    return Connection(there, credentials(there))


def film(path, number=1, **changes):
    given = {"SOPInstanceUID": f"{ROOT}1.1.{number}", "BitsStored": 12, **changes}
    return dicom_films.written(path, LEVELS, **given)


def push(server, *paths):
    with connected(server) as connection:
        return list(storing.store(sending.files(paths).sent, connection))


def fetch(server, out, *wanted):
    with connected(server) as connection:
        return retrieving.fetch(wanted or [Wanted(f"{ROOT}1")], connection, out)


def test_a_film_comes_back_with_all_its_elements_and_the_same_pixels(server, tmp_path):
    path = film(tmp_path / "film.dcm")
    (stored,) = push(server, path)
    assert stored.warnings == ()
    assert server.instances == [f"{ROOT}1.1.1"]
    (fetched,) = fetch(server, tmp_path / "out")
    there = tmp_path / "out" / fetched.name
    assert pydicom.dcmread(there) == pydicom.dcmread(path)
    assert there.read_bytes() == path.read_bytes()
    assert np.array_equal(pixels.read(there).grey, pixels.read(path).grey)
    assert fetched.transfer_syntax == ExplicitVRLittleEndian
    assert fetched.sop_class == dicom_films.CR


@pytest.mark.parametrize(
    "syntax",
    [
        *(ImplicitVRLittleEndian, ExplicitVRBigEndian, RLELossless, JPEGLosslessSV1),
        *(JPEGLSLossless, JPEG2000Lossless),
    ],
)
def test_what_is_compressed_stays_compressed_and_what_is_not_stays_so(server, tmp_path, syntax):
    path = film(tmp_path / "film.dcm", transfer_syntax=syntax)
    push(server, path)
    (fetched,) = fetch(server, tmp_path / "out")
    assert fetched.transfer_syntax == syntax
    assert (tmp_path / "out" / fetched.name).read_bytes() == path.read_bytes()


def test_another_client_reads_what_we_sent(server, tmp_path):
    path = film(tmp_path / "film.dcm")
    push(server, path)
    client = DICOMwebClient(server.url)
    (theirs,) = client.retrieve_study(f"{ROOT}1")
    assert theirs == pydicom.dcmread(path)
    assert np.array_equal(theirs.pixel_array, LEVELS)


def test_a_film_that_is_sent_twice_is_there_once_and_both_times_it_is_said_to_be(server, tmp_path):
    path = film(tmp_path / "film.dcm")
    first, again = push(server, path), push(server, path)
    assert [one.n_bytes for one in first + again] == [path.stat().st_size] * 2
    assert len(server.instances) == 1


def test_no_film_of_many_is_lost_between_two_requests(server, tmp_path):
    paths = [film(tmp_path / f"{number}.dcm", number) for number in range(1, 61)]
    assert [one for one in push(server, *paths) if isinstance(one, Problem)] == []
    assert len(server.instances) == 60


def test_films_of_a_study_are_fetched_together_by_series_or_alone(server, tmp_path):
    second = f"{ROOT}1.2"
    push(
        server,
        film(tmp_path / "1.dcm"),
        film(tmp_path / "2.dcm", 2, SeriesInstanceUID=second, transfer_syntax=JPEG2000Lossless),
        film(tmp_path / "3.dcm", 3, SeriesInstanceUID=second),
        film(tmp_path / "4.dcm", 4, StudyInstanceUID=f"{ROOT}2"),
    )
    for wanted, numbers in (
        (Wanted(f"{ROOT}1"), (1, 2, 3)),
        (Wanted(f"{ROOT}1", second), (2, 3)),
        (Wanted(f"{ROOT}1", second, f"{ROOT}1.1.3"), (3,)),
    ):
        out = tmp_path / f"out-{len(numbers)}"
        fetched = fetch(server, out, wanted)
        assert {one.name for one in fetched} == {file_name(f"{ROOT}1.1.{n}") for n in numbers}
        assert {path.name for path in out.iterdir()} == {one.name for one in fetched}


def test_a_file_is_called_by_the_hash_of_its_object(server, tmp_path):
    push(server, film(tmp_path / "DOE_JANE.dcm"))
    (fetched,) = fetch(server, tmp_path / "out")
    digest = hashlib.sha256(f"{ROOT}1.1.1".encode()).hexdigest()
    assert fetched.name == f"{digest[:16]}.dcm"


def test_a_bad_file_stops_no_other_and_the_good_ones_are_on_the_server(server, tmp_path):
    paths = [film(tmp_path / f"{n}.dcm", n) for n in (1, 2, 3)]
    paths[1].write_bytes(paths[1].read_bytes()[:400])
    (tmp_path / "note.dcm").write_text("no film")
    outcomes = push(server, *paths, tmp_path / "note.dcm", tmp_path / "missing.dcm")
    assert [isinstance(one, Problem) for one in outcomes] == [False, True, False, True, True]
    assert server.instances == [f"{ROOT}1.1.1", f"{ROOT}1.1.3"]
    cut, note, missing = (one for one in outcomes if isinstance(one, Problem))
    assert "cannot read it as DICOM" in cut.what
    assert "no DICOM file" in note.what
    assert "No such file" in missing.what


def test_a_data_set_without_a_meta_header_is_told_to_lack_one(server, tmp_path):
    whole = film(tmp_path / "film.dcm").read_bytes()
    length = int.from_bytes(whole[140:144], "little")
    (tmp_path / "bare.dcm").write_bytes(whole[144 + length :])
    (problem,) = push(server, tmp_path / "bare.dcm")
    assert "without the meta header of PS3.10" in problem.what
    assert server.instances == []


@pytest.mark.parametrize(
    ("question", "numbers"),
    [
        (Question(patient_id="made-up-17"), {1, 2}),
        (Question(patient_id="made-up-99"), set()),
        (Question(date="20210401"), {1}),
        (Question(date="20210101-20211231"), {1, 2}),
        (Question(date="-20210401"), {1}),
        (Question(date="20210402-"), {2, 3}),
        (Question(modalities=("DX",)), {2}),
        (Question(modalities=("CR", "DX")), {1, 2, 3}),
        (Question(modalities=("MR",)), set()),
        (Question(accession="A-3"), {3}),
        (Question(patient_id="made-up-17", date="20210401", modalities=("CR",)), {1}),
    ],
)
def test_a_search_finds_the_studies_that_were_asked_for(server, tmp_path, question, numbers):
    facts = {
        1: {},
        2: {"StudyDate": "20210701", "sop_class": dicom_films.DX},
        3: {"StudyDate": "20220101", "PatientID": "made-up-18", "AccessionNumber": "A-3"},
    }
    for number, changes in facts.items():
        uids = {"StudyInstanceUID": f"{ROOT}{number}", "SeriesInstanceUID": f"{ROOT}{number}.1"}
        push(server, film(tmp_path / f"{number}.dcm", number, **uids, **changes))
    with connected(server) as connection:
        found = searching.studies(question, connection)
    assert {study.uid for study in found} == {f"{ROOT}{number}" for number in numbers}
    assert all(study.n_instances == 1 for study in found)


def test_a_search_that_finds_more_than_was_allowed_is_refused_not_cut(server, tmp_path):
    for number in (1, 2, 3):
        push(server, film(tmp_path / f"{number}.dcm", number, StudyInstanceUID=f"{ROOT}{number}"))
    with connected(server) as connection:
        assert len(searching.studies(Question(modalities=("CR",)), connection, 3)) == 3
        with pytest.raises(SpondylError, match="more than 2 such studies"):
            searching.studies(Question(modalities=("CR",)), connection, 2)


def test_an_unknown_study_is_told_and_leaves_no_folder(server, tmp_path):
    with pytest.raises(SpondylError, match="has nothing there"):
        fetch(server, tmp_path / "out", Wanted("1.2.3"))
    assert not (tmp_path / "out").exists()
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_root_is_told_by_push_and_by_pull(server, tmp_path, told):
    path, wrong = film(tmp_path / "film.dcm"), server.url.replace("dicom-web", "nowhere")
    code, _, err = told("push", path, "--to", wrong)
    assert code == 2
    assert "takes no objects there" in err
    assert "the root of the DICOMweb services" in err
    words = ("pull", "--from", wrong, "--study", f"{ROOT}1", "--out", tmp_path / "out")
    code, _, err = told(*words)
    assert code == 2
    assert len(err.splitlines()) == 3  # "fetching", error and hint
    assert not (tmp_path / "out").exists()


def test_who_is_not_known_is_refused_and_who_is_known_is_let_in(tmp_path, monkeypatch, told):
    path = film(tmp_path / "film.dcm")
    known = {"AuthenticationEnabled": True, "RegisteredUsers": {"reader": SECRET}}
    with orthanc.orthanc(tmp_path / "orthanc", **known) as guarded:
        code, out, err = told("push", path, "--to", guarded.url)
        assert code == 2
        assert "does not know who asks" in err
        monkeypatch.setenv("SPONDYL_DICOMWEB_USER", "reader")
        monkeypatch.setenv("SPONDYL_DICOMWEB_PASSWORD", f"{SECRET}!")
        code, out, err = told("push", path, "--to", guarded.url)
        assert code == 2
        assert SECRET not in out + err
        monkeypatch.setenv("SPONDYL_DICOMWEB_PASSWORD", SECRET)
        code, out, err = told("push", path, "--to", guarded.url, "--json")
        assert code == 0
        assert SECRET not in out + err
        assert guarded.instances == [f"{ROOT}1.1.1"]
        monkeypatch.delenv("SPONDYL_DICOMWEB_USER")
        monkeypatch.delenv("SPONDYL_DICOMWEB_PASSWORD")
        netrc = tmp_path / "netrc"
        netrc.write_text(f"machine 127.0.0.1 login reader password {SECRET}\n")
        netrc.chmod(0o600)
        monkeypatch.setenv("NETRC", str(netrc))
        assert len(fetch(guarded, tmp_path / "out")) == 1


def test_the_commands_tell_what_was_done_and_name_nobody(server, tmp_path, told):
    folder = tmp_path / "films"
    for number in (1, 2):
        film(folder / f"DOE_JANE_{number}.dcm", number)
    (folder / "DOE_JANE_3.dcm").write_bytes(b"no film")
    (folder / "DOE_JANE.txt").write_text("a note")
    code, out, err = told("push", folder, "--to", server.url, "--json")
    document = json.loads(out)
    assert code == 1
    assert [one["name"] for one in document["stored"]] == ["file-1", "file-2"]
    assert [one["name"] for one in document["failed"]] == ["file-3"]
    assert "2 stored, 1 failed, 1 passed over" in err
    assert "DOE" not in out + err
    target = tmp_path / "out"
    words = ("--from", server.url, "--patient-id", "made-up-17", "--out", target)
    code, out, err = told("pull", *words, "--json")
    document = json.loads(out)
    assert code == 0
    assert document["studies"] == 1
    assert {one["name"] for one in document["files"]} == {path.name for path in target.iterdir()}
    assert "2 objects of 1 study" in err
    assert not any(told in out + err for told in ("Nobody", "made-up", "1970", ROOT))


def test_names_are_told_where_they_are_asked_for(server, tmp_path, told):
    folder = tmp_path / "films"
    film(folder / "DOE_JANE.dcm")
    (folder / "DOE_JANE.txt").write_text("a note")
    _, out, err = told("push", folder, "--to", server.url, "--names", "--json")
    assert json.loads(out)["stored"][0]["name"].endswith("DOE_JANE.dcm")
    assert "passed over: " in err
    assert "DOE_JANE.txt" in err


def test_a_list_holds_what_leads_to_a_study_and_no_patient(server, tmp_path, told):
    push(server, film(tmp_path / "1.dcm"), film(tmp_path / "2.dcm", 2))
    code, out, err = told("pull", "--from", server.url, "--date", "20210401", "--list")
    assert code == 0
    assert out == f"{ROOT}1  20210401  CR  2 instances\n"
    assert "--out fetches" in err
    _, out, _ = told("pull", "--from", server.url, "--date", "20210401", "--list", "--json")
    (row,) = json.loads(out)["studies"]
    assert row == {"study": f"{ROOT}1", "date": "20210401", "modalities": ["CR"], "instances": 2}


def test_of_a_study_with_several_modalities_only_the_one_that_is_named_is_fetched(
    server, tmp_path, told
):
    other = {"SeriesInstanceUID": f"{ROOT}1.2", "sop_class": dicom_films.SECONDARY_CAPTURE}
    push(server, film(tmp_path / "1.dcm"), film(tmp_path / "2.dcm", 2, **other))
    ways = (("--study", f"{ROOT}1"), ("--patient-id", "made-up-17"))
    for place, words in enumerate(ways):
        out = tmp_path / f"out-{place}"
        code, _, _ = told("pull", "--from", server.url, *words, "--modality", "CR", "--out", out)
        assert code == 0
        assert [path.name for path in out.iterdir()] == [file_name(f"{ROOT}1.1.1")]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "nothing is asked for"),
        (("--study", "1.2"), "--study without --out"),
        (("--study", "1.2", "--date", "20210401", "--out", "x"), "--study beside a search"),
        (
            ("--study", "1.2", "--series", "1.3", "--modality", "CR", "--out", "x"),
            "--series beside",
        ),
        (("--study", "1.2/..", "--out", "x"), "is not a DICOM unique identifier"),
        (("--series", "1.2", "--date", "20210401", "--out", "x"), "without --study"),
        (
            ("--instance", "1.2", "--date", "20210401", "--out", "x"),
            "without --study",
        ),
        (("--patient-id", "made-up-*", "--out", "x"), "not one whole identifier"),
        (("--modality", "CR,", "--out", "x"), "not codes of DICOM"),
        (("--date", "20210401", "--limit", "0", "--list"), "not a number of studies"),
        (("--date", "20210401"), "neither --out nor --list"),
        (("--date", "20210401", "--list", "--out", "x"), "--list beside --out"),
        (("--study", "1.2", "--list"), "--list beside --study"),
    ],
)
def test_a_pull_that_cannot_be_meant_is_refused_in_two_lines(
    tmp_path, monkeypatch, told, words, said
):
    monkeypatch.chdir(tmp_path)
    code, out, err = told("pull", "--from", "http://localhost:9/dicom-web", *words)
    error, hint = err.splitlines()
    assert code == 2
    assert said in error
    assert hint.startswith("hint: ")
    assert out == ""
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_sent_over_plain_http_to_another_machine(tmp_path, told):
    code, _, err = told("push", film(tmp_path / "film.dcm"), "--to", "http://pacs.example.org/rs")
    assert code == 2
    assert "everybody on the way can read" in err


def test_nothing_is_fetched_into_a_folder_that_is_there(server, tmp_path, told):
    push(server, film(tmp_path / "film.dcm"))
    target = tmp_path / "out"
    target.mkdir()
    (target / "kept.txt").write_text("kept")
    words = ("pull", "--from", server.url, "--study", f"{ROOT}1", "--out", target)
    code, _, err = told(*words)
    assert code == 2
    assert "is there already" in err
    assert [path.name for path in target.iterdir()] == ["kept.txt"]
