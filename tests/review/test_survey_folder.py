"""A survey's folder: whole or absent, proven when opened, and with nobody's name in it."""

import io
import json
from dataclasses import replace

import pytest
from drawn_surveys import candidates, pictures, saved, survey, tiny_item, tiny_survey
from PIL import Image, PngImagePlugin

from spondyl.errors import SpondylError
from spondyl.files import sha256_of_json
from spondyl.review.folder import DOCUMENT, load, save
from spondyl.review.store import open_store


def test_what_was_saved_is_loaded(tmp_path):
    folder = saved(tmp_path)
    assert load(folder.path) == folder
    assert load(folder.path).survey == survey()


def test_no_name_of_a_film_is_in_the_folder(tmp_path):
    folder = saved(tmp_path)
    text = (folder.path / DOCUMENT).read_text() + " ".join(p.name for p in folder.path.iterdir())
    assert "Jane" not in text
    assert not any(film.group_id in text for film in candidates())


def test_a_changed_picture_is_found(tmp_path):
    folder = saved(tmp_path)
    (folder.path / "i001.png").write_bytes((folder.path / "i002.png").read_bytes())
    with pytest.raises(SpondylError, match=r"i001\.png: has changed"):
        load(folder.path)


def test_a_missing_picture_is_found(tmp_path):
    folder = saved(tmp_path)
    (folder.path / "i001.png").unlink()
    with pytest.raises(SpondylError, match=r"i001\.png: is missing"):
        load(folder.path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d["survey"].update(seed=8), "is not what was written"),
        (lambda d: d["survey"]["items"][0].update(truth="scoliosis!"), "is not what was written"),
        (lambda d: d["survey"].update(notes="x"), "is not what was written"),
        (lambda d: d.update(sha256="0" * 64), "is not what was written"),
        (lambda d: d["survey"].update(seed="8"), "is no survey that can be read"),
        (lambda d: d.pop("survey"), "is no survey that can be read"),
        (lambda d: d.update(pictures=3), "is no survey that can be read"),
        (lambda d: d.update(schema_version=3), "schema version 3; 1 and 2 can be read"),
        (lambda d: d.update(schema_version=1), "is not what was written"),
        (
            lambda d: d["survey"]["items"][0]["maps"][0].update(drawn_label="normal"),
            "is not what was written",
        ),
    ],
)
def test_a_changed_document_is_found(tmp_path, change, said):
    folder = saved(tmp_path)
    document = json.loads((folder.path / DOCUMENT).read_text())
    change(document)
    (folder.path / DOCUMENT).write_text(json.dumps(document))
    with pytest.raises(SpondylError, match=said):
        load(folder.path)


def as_version_1(path):
    """The folder as it was written before a heatmap's method and true label were kept."""
    document = json.loads((path / DOCUMENT).read_text())
    del document["sha256"]
    for m in (m for item in document["survey"]["items"] for m in item["maps"]):
        del m["method"], m["drawn_label"]
    document["schema_version"] = 1
    document["sha256"] = sha256_of_json(document)
    (path / DOCUMENT).write_text(json.dumps(document))
    return document


def test_a_survey_of_the_first_version_is_read_and_keeps_its_hash(tmp_path):
    folder = saved(tmp_path)
    document = as_version_1(folder.path)
    old = load(folder.path)
    assert old.survey == folder.survey
    assert (old.sha256, json.loads(old.document)) == (document["sha256"], document)
    assert {(m.method, m.drawn_label) for item in old.survey.items for m in item.maps} == {
        ("", None)
    }
    store = open_store(tmp_path / "answers.db")
    store.keep(old)
    assert store.survey("spines") == old.survey
    store.close()


def test_a_survey_of_the_first_version_with_what_the_second_keeps_is_refused(tmp_path):
    folder = saved(tmp_path)
    document = as_version_1(folder.path)
    del document["sha256"]
    document["survey"]["items"][0]["maps"][0]["method"] = "grad-cam"
    document["sha256"] = sha256_of_json(document)
    (folder.path / DOCUMENT).write_text(json.dumps(document))
    with pytest.raises(SpondylError, match="is not what was written"):
        load(folder.path)


def test_a_folder_that_is_none_is_said(tmp_path):
    with pytest.raises(SpondylError, match="no survey is there"):
        load(tmp_path)
    (tmp_path / DOCUMENT).write_text("[]")
    with pytest.raises(SpondylError, match="is no survey"):
        load(tmp_path)


def test_a_survey_that_lacks_pictures_leaves_nothing_behind(tmp_path):
    made = pictures(survey())
    del made["i001.png"]
    made["more.png"] = b""
    with pytest.raises(SpondylError, match=r"i001\.png: no such picture.*more\.png: is shown"):
        save(tmp_path / "s", survey(), made)
    assert list(tmp_path.iterdir()) == []


def test_a_survey_is_never_written_over_another(tmp_path):
    saved(tmp_path)
    with pytest.raises(SpondylError, match="is there already"):
        saved(tmp_path)


def png(**how):
    stream = io.BytesIO()
    Image.new("L", (4, 4)).save(stream, "PNG", **how)
    return stream.getvalue()


def with_words():
    words = PngImagePlugin.PngInfo()
    words.add_text("PatientName", "Doe^Jane")
    return png(pnginfo=words)


def with_exif():
    exif = Image.Exif()
    exif[0x010E] = "Jane Doe, left"
    return png(exif=exif)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<svg onload=alert(1)>", "cannot be decoded"),
        (with_words(), "holds more than pixels"),
        (with_exif(), "holds more than pixels"),
        (png()[:45], "cannot be decoded"),
    ],
)
def test_pictures_that_may_name_a_patient_or_are_none_are_refused(tmp_path, content, said):
    with pytest.raises(SpondylError, match=said):
        save(tmp_path / "s", survey(), {**pictures(survey()), "i001.png": content})


def test_a_jpeg_is_called_jpg_and_comes_back(tmp_path):
    item = replace(tiny_item("i1"), film="i1.jpg")
    folder = saved(tmp_path, tiny_survey([item]))
    assert load(folder.path).picture("i1.jpg").is_file()
    with pytest.raises(SpondylError, match=r"is JPEG, its name says PNG"):
        save(
            tmp_path / "s",
            survey(),
            {**pictures(survey()), "i001.png": pictures(folder.survey)["i1.jpg"]},
        )


@pytest.mark.parametrize("name", ["../x.png", "survey.json", "i999.png", "/etc/passwd"])
def test_only_pictures_of_the_survey_have_a_path(tmp_path, name):
    with pytest.raises(SpondylError, match="no such picture"):
        saved(tmp_path).picture(name)


def of_label(drawn_label, kind):
    """An item with a heatmap that is called one of "normal"."""
    item = tiny_item("i1", 1)
    return replace(item, maps=(replace(item.maps[0], drawn_label=drawn_label, kind=kind),))


@pytest.mark.parametrize(
    ("items", "said"),
    [
        ([], "there is no film"),
        ([tiny_item("i1"), tiny_item("i1")], "names more than one thing"),
        ([replace(tiny_item("i1"), film="../a.png")], "is no name of a picture"),
        ([replace(tiny_item("i1"), film="Jane Doe.png")], "is no name of a picture"),
        ([replace(tiny_item("i1"), truth="broken")], "'broken' is not one of"),
        ([replace(tiny_item("i1", 1), predicted=())], "said nothing of the film"),
        ([tiny_item("i1"), tiny_item("r1", 0, "i2")], "does not repeat a film"),
        (
            [tiny_item("i1"), tiny_item("r1", 0, "i1"), tiny_item("r2", 0, "i1")],
            "is repeated more than once",
        ),
        ([tiny_item("i1", 27)], "27 heatmaps, and 26 letters"),
        ([of_label("broken", "other label")], "'broken' is not one of"),
        ([of_label("normal", "other label")], 'is of normal, and its kind is "other label"'),
        ([of_label("scoliosis", "network")], 'is of scoliosis, and its kind is "network"'),
    ],
)
def test_a_survey_that_does_not_hold_together_is_refused(tmp_path, items, said):
    with pytest.raises(SpondylError, match=said):
        saved(tmp_path, tiny_survey(items))


def test_heatmaps_without_questions_about_them_are_refused(tmp_path):
    unaided = [q for q in survey().questions if q.phase == "unaided"]
    with pytest.raises(SpondylError, match="no required question about them"):
        saved(tmp_path, tiny_survey([tiny_item("i1", 1)], unaided))
    saved(tmp_path, tiny_survey([tiny_item("i1")], unaided))
