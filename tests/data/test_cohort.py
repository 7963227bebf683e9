"""Cohorts from folders and manifests: read whole, or refused with all that is wrong."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from spondyl.data import cohort
from spondyl.data.labels import SPINE_LABELS, LabelSet
from spondyl.data.radiograph import NOT_STATED, Curve
from spondyl.errors import SpondylError

CLASSES = ("normal", "scoliosis", "spondylolisthesis")


def drawn(path: Path, seed: int) -> Path:
    """A small film that no other seed draws."""
    path.parent.mkdir(parents=True, exist_ok=True)
    film = np.random.default_rng(seed).integers(0, 256, (12, 9), dtype=np.uint8)
    Image.fromarray(film).save(path, "PNG")
    return path


def class_folders(root: Path, films: int = 2) -> Path:
    for column, name in enumerate(CLASSES):
        for number in range(films):
            drawn(root / name / f"film{number}.png", 100 * column + number)
    return root


def manifest_of(root: Path, *lines: str, name: str = "films.csv") -> Path:
    path = root / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def lines_of(*extra: str) -> list[str]:
    """A manifest of the six films of `class_folders`, with `extra` cells on its first line."""
    films = [f"{name}/film{number}.png,{name}" for name in CLASSES for number in range(2)]
    blank = "," * len(extra)
    return [",".join((films[0], *extra)), *(film + blank for film in films[1:])]


def problems_of(path: Path, **options: object) -> list[str]:
    found = cohort.survey(path, **options)
    assert all(problem.hint for problem in found.problems)
    return [str(problem) for problem in found.problems]


# --- class folders -------------------------------------------------------------------------------


def test_the_name_of_the_folder_is_the_label_of_its_films(tmp_path):
    read = cohort.read(class_folders(tmp_path), decode=True, folds=2)
    assert read.counts == dict.fromkeys(CLASSES, 2)
    assert list(read.counts) == list(SPINE_LABELS.names)
    ids = [film.image_id for film in read.radiographs]
    assert ids == sorted(ids)
    first = read.radiographs[0]
    assert first.image_id == first.group_id == "normal/film0.png"
    assert (first.label, first.file.format, first.file.height) == ("normal", "PNG", 12)
    assert first.path.is_file()


def test_folders_that_spell_a_class_differently_are_one_class(tmp_path):
    class_folders(tmp_path)
    drawn(tmp_path / "NormalFinal" / "other.png", 1000)
    assert cohort.read(tmp_path).counts["normal"] == 3


def test_folders_below_a_class_folder_belong_to_the_class(tmp_path):
    class_folders(tmp_path)
    drawn(tmp_path / "normal" / "2019" / "scoliosis" / "deep.png", 1000)
    assert cohort.read(tmp_path).counts["normal"] == 3


def test_an_archive_that_unpacked_into_one_more_folder_is_the_same_cohort(tmp_path):
    plain = cohort.read(class_folders(tmp_path / "plain"))
    wrapped = tmp_path / "wrapped"
    class_folders(wrapped / "The films" / "v1")
    (wrapped / "__MACOSX" / "normal").mkdir(parents=True)
    (wrapped / "SOURCE.txt").write_text("somewhere")
    read = cohort.read(wrapped)
    assert read.root == wrapped / "The films" / "v1"
    assert read.sha256 == plain.sha256


def test_what_systems_leave_behind_and_notes_are_passed_over_and_named(tmp_path):
    class_folders(tmp_path)
    for name in ("normal/Thumbs.db", "normal/.DS_Store", "README.md", "normal/film0.json"):
        (tmp_path / name).write_bytes(b"x")
    for name in (".git", "__MACOSX"):
        drawn(tmp_path / name / "normal" / "film.png", 1000)
    found = cohort.survey(tmp_path)
    assert not found.problems
    assert len(found.radiographs) == 6
    assert set(found.ignored) == {
        *("normal/Thumbs.db", "normal/.DS_Store", "README.md", "normal/film0.json"),
        *(".git", "__MACOSX"),
    }


def test_a_folder_of_no_class_is_named_with_the_spellings_that_are(tmp_path):
    class_folders(tmp_path)
    drawn(tmp_path / "kyphosis" / "film.png", 1000)
    (problem,) = cohort.survey(tmp_path).problems
    assert problem.where == "kyphosis"
    assert "normalfinal" in problem.hint


def test_every_problem_of_a_folder_is_told_at_once(tmp_path):
    class_folders(tmp_path)
    shutil.rmtree(tmp_path / "scoliosis")
    (tmp_path / "scoliosis").mkdir()
    drawn(tmp_path / "loose.png", 1000)
    (tmp_path / "normal" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "normal" / "empty.jpg").touch()
    (tmp_path / "normal" / "gone.png").symlink_to(tmp_path / "nowhere")
    (tmp_path / "normal" / "words.png").write_text("no film")
    told = "\n".join(problems_of(tmp_path))
    for piece in (
        "loose.png: lies beside the class folders",
        "normal/broken.png: cannot be decoded",
        "normal/empty.jpg: the file is empty",
        "normal/gone.png: no such file",
        "normal/words.png: is not an image",
        "scoliosis: the class folder holds no films",
        "scoliosis: no film has this label",
    ):
        assert piece in told
    with pytest.raises(SpondylError, match=r"7 problems in .*; and 2 more") as caught:
        cohort.read(tmp_path)
    assert len(caught.value.problems) == 7


def test_a_film_whose_header_is_whole_but_whose_pixels_are_not_is_found_by_decoding(tmp_path):
    class_folders(tmp_path)
    film = tmp_path / "normal" / "film0.png"
    film.write_bytes(film.read_bytes()[:-60])
    assert not cohort.survey(tmp_path, decode=False).problems
    (problem,) = cohort.survey(tmp_path).problems
    assert problem.where == "normal/film0.png"


def test_films_without_class_folders_are_one_problem(tmp_path):
    for number in range(3):
        drawn(tmp_path / f"{number}.png", number)
    (problem,) = problems_of(tmp_path)
    assert "3 files and no class folder" in problem


@pytest.mark.parametrize("content", [(), ("notes.txt",), (".hidden",)])
def test_a_folder_without_films_is_refused(tmp_path, content):
    for name in content:
        (tmp_path / name).touch()
    with pytest.raises(SpondylError, match="no film"):
        cohort.read(tmp_path)


def test_links_that_lead_in_circles_end(tmp_path):
    class_folders(tmp_path / "films")
    (tmp_path / "films" / "normal" / "again").symlink_to(tmp_path / "films" / "normal")
    (tmp_path / "films" / "normal" / "up").symlink_to(tmp_path / "films")
    found = cohort.survey(tmp_path / "films")
    assert "normal/again" in found.ignored
    (tmp_path / "round" / "and").mkdir(parents=True)
    (tmp_path / "round" / "and" / "round").symlink_to(tmp_path / "round")
    with pytest.raises(SpondylError):
        cohort.read(tmp_path / "round")


def test_a_name_that_is_no_text_is_refused_and_shown_in_one_line(tmp_path):
    class_folders(tmp_path)
    drawn(tmp_path / "normal" / "two\nlines.png", 1000)
    (problem,) = problems_of(tmp_path)
    assert "\n" not in problem


def test_one_file_under_two_labels_is_a_problem_and_under_one_label_is_none(tmp_path):
    class_folders(tmp_path)
    film = tmp_path / "normal" / "film0.png"
    shutil.copy(film, tmp_path / "normal" / "copy.png")
    assert not problems_of(tmp_path)
    shutil.copy(film, tmp_path / "scoliosis" / "copy.png")
    (problem,) = problems_of(tmp_path)
    assert "scoliosis/copy.png" in problem
    assert "normal/copy.png" in problem


def test_a_class_of_fewer_groups_than_folds_is_a_problem(tmp_path):
    class_folders(tmp_path, films=3)
    assert cohort.read(tmp_path, folds=3)
    with pytest.raises(SpondylError, match="normal: its films are of 3 groups, fewer than 4 folds"):
        cohort.read(tmp_path, folds=4)
    read = cohort.read(tmp_path)
    grouped = read.with_groups({f"normal/film{number}.png": "one" for number in range(3)})
    (problem,) = cohort.too_few_groups(grouped.radiographs, read.labels, 2)
    assert str(problem) == "normal: its films are of 1 group, fewer than 2 folds"


def test_names_that_follow_the_kauh_schemes_are_read_and_others_state_nothing(tmp_path):
    class_folders(tmp_path)
    drawn(tmp_path / "normal" / "N900,N,M,7 MONTHS_1_0.png", 1000)
    drawn(tmp_path / "scoliosis" / "N901, Rt T and Lt L AIS, F, 19 yrs.png", 1001)
    films = {film.path.stem[:4]: film for film in cohort.read(tmp_path).radiographs}
    assert (films["N900"].sex, films["N900"].age_years) == ("male", 7 / 12)
    assert films["N901"].curves == (Curve("right", "thoracic"), Curve("left", "lumbar"))
    assert films["film"].sex == NOT_STATED
    assert cohort.not_stated(list(films.values())) == {
        "view": 3,
        "sex": 1,
        "age_years": 1,
        "site": 3,
        "curves": 2,
        "slip_level": 3,
    }


def test_other_labels_than_ours_name_other_folders(tmp_path):
    drawn(tmp_path / "Frontal" / "a.png", 1)
    drawn(tmp_path / "lateral" / "b.png", 2)
    labels = LabelSet.of(("frontal", "lateral"))
    assert cohort.read(tmp_path, labels).counts == {"frontal": 1, "lateral": 1}


def test_progress_is_told_film_by_film(tmp_path):
    told = []

    def track(items, doing, total=None):
        for item in items:
            told.append((doing, total))
            yield item

    cohort.survey(class_folders(tmp_path), track=track)
    assert told == [("reading films", 6)] * 6


# --- the hash ------------------------------------------------------------------------------------


def test_the_hash_is_of_the_content_and_not_of_the_place(tmp_path):
    here = cohort.read(class_folders(tmp_path / "here"))
    shutil.copytree(tmp_path / "here", tmp_path / "some" / "where" / "else")
    there = cohort.read(tmp_path / "some" / "where" / "else")
    assert here.sha256 == there.sha256
    assert len(here.sha256) == 64


def test_anything_that_changes_what_is_learnt_changes_the_hash(tmp_path):
    class_folders(tmp_path)
    plain = cohort.read(manifest_of(tmp_path, "path,label,sex,patient", *lines_of("", "")))
    hashes = {plain.sha256}
    for sex, patient in (("F", ""), ("M", ""), ("", "p1")):
        said = manifest_of(tmp_path, "path,label,sex,patient", *lines_of(sex, patient))
        hashes.add(cohort.read(said).sha256)
    hashes.add(plain.with_groups({"normal/film0.png": "normal/film1.png"}).sha256)
    relabelled = lines_of("", "")
    relabelled[1] = relabelled[1].replace(",normal", ",scoliosis")
    hashes.add(cohort.read(manifest_of(tmp_path, "path,label,sex,patient", *relabelled)).sha256)
    drawn(tmp_path / "normal" / "film0.png", 1000)
    hashes.add(cohort.read(tmp_path).sha256)
    assert len(hashes) == 7


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.permutations(lines_of()))
def test_the_order_of_the_lines_means_nothing(tmp_path, lines):
    class_folders(tmp_path)
    assert cohort.read(manifest_of(tmp_path, "path,label", *lines)).sha256 == (
        cohort.read(tmp_path).sha256
    )


def test_regrouping_keeps_all_else_and_knows_only_its_own_films(tmp_path):
    read = cohort.read(class_folders(tmp_path))
    again = read.with_groups({"normal/film1.png": "p"})
    assert [film.group_id for film in again.radiographs].count("p") == 1
    assert again.with_groups({"normal/film1.png": "normal/film1.png"}) == read
    with pytest.raises(KeyError, match="stranger"):
        read.with_groups({"stranger": "p"})


# --- manifests -----------------------------------------------------------------------------------


@pytest.mark.parametrize("group", ["group", "group_id", "patient", "Patient ID", "PATIENT_ID"])
@pytest.mark.parametrize("age", ["age", "age_years", "Age (years)"])
def test_a_manifest_states_what_a_folder_cannot(tmp_path, group, age):
    class_folders(tmp_path)
    header = f"path,label,{group},sex,{age},view,site"
    said = manifest_of(tmp_path, header, *lines_of("p1", "F", "14.5", "AP", "Irbid"))
    first, second, *_ = cohort.read(said, decode=True).radiographs
    assert (first.group_id, first.sex, first.age_years) == ("p1", "female", 14.5)
    assert (first.view, first.site) == ("frontal", "Irbid")
    assert (second.group_id, second.sex, second.age_years) == (second.image_id, NOT_STATED, None)
    assert (second.view, second.site) == (NOT_STATED, NOT_STATED)


def test_a_manifest_as_spreadsheets_write_it_is_read(tmp_path):
    class_folders(tmp_path)
    lines = ["path;label", *(line.replace(",", ";") for line in lines_of()), ";", ""]
    text = "\r\n".join(lines).replace("normal/film0.png", '" normal\\film0.png "')
    (tmp_path / "films.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert cohort.read(tmp_path / "films.csv").sha256 == cohort.read(tmp_path).sha256


def test_the_names_of_a_manifests_films_state_nothing(tmp_path):
    class_folders(tmp_path)
    drawn(tmp_path / "N900,N,M,30_1_0.png", 1000)
    said = manifest_of(tmp_path, "path,label", *lines_of(), '"N900,N,M,30_1_0.png",normal')
    assert {film.sex for film in cohort.read(said).radiographs} == {NOT_STATED}


def test_one_patient_may_have_films_of_two_labels(tmp_path):
    class_folders(tmp_path)
    lines = [f"{line},p1" for line in lines_of()]
    assert cohort.read(manifest_of(tmp_path, "path,label,patient", *lines)).counts["normal"] == 2


def test_every_bad_line_is_told_with_its_number(tmp_path):
    class_folders(tmp_path)
    outside = drawn(tmp_path.parent / f"{tmp_path.name}-outside.png", 1000)
    said = manifest_of(
        tmp_path,
        "path,label,sex,age,view",
        *lines_of("", "", ""),
        "normal/film0.png,normal,,,",
        "normal/./film0.png,normal,,,",
        "nowhere.png,normal,,,",
        "a.png,normal",
        "a.png,sciatica,,,",
        "a.png,,,,",
        "a.png,normal,x,,",
        "a.png,normal,,old,",
        "a.png,normal,,131,",
        "a.png,normal,,-1,",
        "a.png,normal,,nan,",
        "a.png,normal,,,sideways",
        f"{outside},normal,,,",
        f"../{outside.name},normal,,,",
        ",normal,,,",
    )
    told = problems_of(said)
    for piece in (
        "line 8: normal/film0.png is listed on line 2 already",
        "line 9: normal/film0.png is listed on line 2 already",
        "line 10: nowhere.png: no such file",
        "line 11: 2 cells where the header has 5",
        "line 12: unknown label 'sciatica'",
        "line 13: the film has no label",
        "line 14: unknown sex 'x'",
        "line 15: age 'old' is not a number",
        "line 16: age '131' is not a number",
        "line 17: age '-1' is not a number",
        "line 18: age 'nan' is not a number",
        "line 19: unknown view 'sideways'",
        f"line 20: {outside} is outside the manifest's folder",
        f"line 21: ../{outside.name} is outside the manifest's folder",
        "line 22: its path is empty",
    ):
        assert any(line.startswith(piece) for line in told), piece


def test_an_absolute_path_inside_the_folder_is_the_same_film(tmp_path):
    class_folders(tmp_path)
    lines = lines_of()
    lines[0] = f"{tmp_path}/{lines[0]}"
    said = manifest_of(tmp_path, "path,label", *lines)
    assert cohort.read(said).sha256 == cohort.read(tmp_path).sha256


@pytest.mark.parametrize("header", ["path,label,gruop", "path,label,patiant", "path,label,sexe"])
def test_a_column_that_is_nearly_ours_is_a_problem(tmp_path, header):
    class_folders(tmp_path)
    (problem,) = cohort.survey(manifest_of(tmp_path, header, *lines_of("p1"))).problems
    assert problem.where == "line 1"
    assert "unknown column" in problem.what


@pytest.mark.parametrize("name", ["image", "stage", "hospital number", "comment", ""])
def test_any_other_column_is_passed_over_and_named(tmp_path, name):
    class_folders(tmp_path)
    found = cohort.survey(manifest_of(tmp_path, f"path,label,{name}", *lines_of("p1")))
    assert not found.problems
    assert found.ignored == (f"column {name!r}",)


def test_two_columns_of_one_meaning_are_a_problem(tmp_path):
    class_folders(tmp_path)
    said = manifest_of(tmp_path, "path,label,group,patient", *lines_of("a", "b"))
    assert "line 1: more than one column says the group" in problems_of(said)


@pytest.mark.parametrize(("header", "missing"), [("film,label", "path"), ("path,class", "label")])
def test_a_missing_column_is_a_problem(tmp_path, header, missing):
    class_folders(tmp_path)
    said = manifest_of(tmp_path, header, *lines_of())
    assert f"line 1: there is no column {missing!r}" in problems_of(said)


@pytest.mark.parametrize(("text", "expected"), [("", "is empty"), ("path,label\n", "no film")])
def test_an_empty_manifest_is_a_problem(tmp_path, text, expected):
    (tmp_path / "films.csv").write_text(text)
    (problem,) = problems_of(tmp_path / "films.csv")
    assert expected in problem


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("path,label\nn\xe4me,normal\n".encode("latin-1"), "not UTF-8"),
        ("path,label\n".encode("utf-16"), "not UTF-8"),
        (b"PK\x03\x04\0\0\0\0", "not CSV"),
        (b'path,label\n"never closed,normal\n', "not CSV"),
    ],
)
def test_a_file_that_is_no_csv_is_refused(tmp_path, content, expected):
    (tmp_path / "films.csv").write_bytes(content)
    with pytest.raises(SpondylError, match=expected):
        cohort.survey(tmp_path / "films.csv")


def test_labels_may_be_left_out_where_nobody_trains(tmp_path):
    class_folders(tmp_path)
    paths = [line.split(",")[0] for line in lines_of()]
    read = cohort.read(manifest_of(tmp_path, "path", *paths), require_labels=False)
    assert [film.label for film in read.radiographs] == [None] * 6
    assert sum(read.counts.values()) == 0
    lines = [f"{path},{'normal' if number == 0 else ''}" for number, path in enumerate(paths)]
    read = cohort.read(manifest_of(tmp_path, "path,label", *lines), require_labels=False)
    assert read.counts["normal"] == 1


def test_a_class_may_be_absent_only_where_nobody_trains(tmp_path):
    drawn(tmp_path / "scoliosis" / "film.png", 1)
    assert len(problems_of(tmp_path)) == 2
    assert cohort.read(tmp_path, require_labels=False).counts["scoliosis"] == 1


@pytest.mark.parametrize("name", ["nowhere", "film.png", "films.txt"])
def test_a_path_that_is_neither_folder_nor_manifest_is_refused(tmp_path, name):
    drawn(tmp_path / "film.png", 1)
    (tmp_path / "films.txt").write_text("path,label\n")
    with pytest.raises(SpondylError) as caught:
        cohort.survey(tmp_path / name)
    assert "CSV manifest" in caught.value.hint
