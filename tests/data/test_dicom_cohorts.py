"""DICOM films among others: in folders, in manifests, and as loose files."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from dicom_films import SECONDARY_CAPTURE, written
from PIL import Image

from spondyl.data import check, cohort, loose_films
from spondyl.data.cohort import Cohort
from spondyl.data.labels import SPINE_LABELS
from spondyl.data.radiograph import NOT_STATED
from spondyl.errors import SpondylError

CLASSES = ("normal", "scoliosis", "spondylolisthesis")


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (16, 12), dtype=np.uint8)


def dicom_folders(root: Path, **changes: object) -> Path:
    """Two films of one patient in each class, another patient for each class."""
    for column, name in enumerate(CLASSES):
        for number in range(2):
            path = root / name / f"IM{number}"
            written(path, noise(10 * column + number), PatientID=f"p{column}", **changes)
    return root


def manifest_of(root: Path, *lines: str) -> Path:
    path = root / "films.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_cohort_of_dicom_films_states_what_their_headers_state(tmp_path):
    read = cohort.read(dicom_folders(tmp_path), decode=True)
    assert {film.file.format for film in read.radiographs} == {"DICOM"}
    assert {film.view for film in read.radiographs} == {"frontal"}
    assert {film.sex for film in read.radiographs} == {"female"}
    assert {film.age_years for film in read.radiographs} == {51.0}


def test_the_films_of_one_patient_are_one_group(tmp_path):
    read = cohort.read(dicom_folders(tmp_path))
    groups = [film.group_id for film in read.radiographs]
    assert len(set(groups)) == 3
    for name in CLASSES:
        assert len({film.group_id for film in read.radiographs if film.label == name}) == 1
    assert all("p0" not in group and group.startswith("patient-") for group in groups)


def test_a_film_without_a_patients_number_is_a_group_of_its_own(tmp_path):
    for number in range(2):
        written(tmp_path / "normal" / f"IM{number}", noise(number), PatientID="")
    read = cohort.survey(tmp_path)
    assert len({film.group_id for film in read.radiographs}) == 2


def test_decoding_makes_no_difference_to_a_cohorts_hash_and_writing_none_either(tmp_path):
    dicom_folders(tmp_path)
    by_header, decoded = cohort.read(tmp_path), cohort.read(tmp_path, decode=True)
    assert by_header.sha256 == decoded.sha256
    assert Cohort.from_dict(by_header.as_dict()) == Cohort.from_dict(decoded.as_dict())


def test_a_manifest_wins_over_the_header_and_the_difference_is_told(tmp_path):
    for number in range(3):
        written(tmp_path / f"{number}.dcm", noise(number))
    path = manifest_of(
        tmp_path,
        "path,label,sex,age,view,patient",
        "0.dcm,normal,m,20,lateral,anna",
        "1.dcm,normal,f,51.5,pa,",
        "2.dcm,normal,,,,",
    )
    found = cohort.survey(path, require_labels=False)
    told, same, silent = found.radiographs
    assert (told.sex, told.age_years, told.view) == ("male", 20, "lateral")
    assert told.group_id == "anna"
    assert (same.sex, same.age_years, same.view) == ("female", 51.5, "frontal")
    assert (silent.sex, silent.age_years, silent.view) == ("female", 51.0, "frontal")
    assert same.group_id == silent.group_id != "anna"
    assert found.overruled == (
        "0.dcm: its view is stated as lateral; its header says frontal",
        "0.dcm: its sex is stated as male; its header says female",
        "0.dcm: its age is stated as 20 years; its header says 51",
    )
    findings = check.check(path, SPINE_LABELS, 1)
    assert findings.as_dict()["overruled"] == list(found.overruled)
    assert "DICOM headers that contradict what was stated: 3" in list(findings.lines())


def test_films_that_are_no_dicom_state_no_more_than_before(tmp_path):
    for name in CLASSES:
        for number in range(2):
            (tmp_path / name).mkdir(exist_ok=True)
            seed = 10 * CLASSES.index(name) + number
            Image.fromarray(noise(seed)).save(tmp_path / name / f"{number}.png")
    read = cohort.read(tmp_path)
    assert {film.view for film in read.radiographs} == {NOT_STATED}
    assert all(film.group_id == film.image_id for film in read.radiographs)


def test_a_dicom_object_that_is_no_film_is_a_problem_of_its_cohort(tmp_path):
    dicom_folders(tmp_path)
    written(tmp_path / "normal" / "slice", noise(99), SECONDARY_CAPTURE, Modality="CT")
    (problem,) = cohort.survey(tmp_path).problems
    assert (problem.where, problem.what) == (
        "normal/slice",
        "is DICOM, but its modality is CT, which is no radiograph",
    )


# --- loose films ---------------------------------------------------------------------------------


def test_in_a_folder_a_file_without_a_suffix_is_a_film_where_it_begins_as_dicom(tmp_path):
    for name in ("a.dcm", "b.DICOM", "IM0001", "1.2.840.113619.2"):
        written(tmp_path / name, noise(1))
    for name in ("notes", "4.5", "DICOMDIR", "c.txt"):
        (tmp_path / name).write_bytes(b"\0" * 128 + (b"DICM" if name == "DICOMDIR" else b"text"))
    written(tmp_path / "d.bak", noise(1))
    found = loose_films.listed([tmp_path])
    assert set(found.image_ids) == {"a.dcm", "b.DICOM", "IM0001", "1.2.840.113619.2"}
    passed_over = {path.name for path in found.passed_over}
    assert passed_over == {"notes", "4.5", "DICOMDIR", "c.txt", "d.bak"}


def test_a_pipe_in_a_folder_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    written(tmp_path / "IM1", noise(1))
    assert loose_films.listed([tmp_path]).image_ids == ("IM1",)


def test_a_folder_without_films_is_told_what_counts_as_one(tmp_path):
    with pytest.raises(SpondylError) as caught:
        loose_films.listed([tmp_path])
    assert ".dcm" in caught.value.hint
    assert "begin as DICOM does" in caught.value.hint
