"""The page: whole in itself, honest about what was not run, and deaf to markup in names."""

from __future__ import annotations

import csv
import re
import warnings
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from spondyl.data.labels import SPINE_LABELS
from spondyl.data.radiograph import FileFacts, Radiograph
from spondyl.report import pages, summary, words
from spondyl.report.contents import CohortFacts
from spondyl.report.tables import Table


class Reader(HTMLParser):
    """What a browser would show as text, and every address that it would follow."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.text: list[str] = []
        self.addresses: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        for name, value in attributes:
            if name in ("src", "href", "xlink:href", "srcset", "action"):
                self.addresses.append(value)
            if name == "id":
                self.ids.append(value)

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture(scope="module")
def folder(contents, tmp_path_factory):
    path = tmp_path_factory.mktemp("study") / "report"
    pages.write(contents, path)
    return path


@pytest.fixture(scope="module")
def reader(folder):
    return Reader((folder / "report.html").read_text(encoding="utf-8"))


def said(reader: Reader) -> str:
    return " ".join(" ".join(reader.text).replace("\u00a0", " ").split())


def test_the_page_names_every_configuration_and_why_one_was_not_run(reader, outcomes):
    for outcome in outcomes:
        assert str(outcome.configuration) in said(reader)
    assert "not run. weights vgg16-397923af.pth are not on this machine" in said(reader)


def test_the_page_says_first_that_it_is_not_for_diagnosis(reader):
    text = said(reader)
    assert text.index("Research, not diagnosis.") < text.index("In short")


def test_the_page_asks_nothing_of_a_network(reader, folder):
    for address in reader.addresses:
        assert address.startswith(("#", "data:image/jpeg;base64,", "figures/", "tables/"))
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "@import" not in page
    assert "default-src 'none'" in page
    assert "script" not in reader.tags


def test_everything_that_the_page_links_to_is_there(reader, folder):
    for address in reader.addresses:
        if address.startswith("#"):
            assert address[1:] in reader.ids
        elif not address.startswith("data:"):
            assert (folder / address).is_file()


def test_no_two_elements_have_one_id(reader):
    assert len(set(reader.ids)) == len(reader.ids)


def test_an_image_id_is_shown_and_never_taken_for_markup(reader, folder, contents):
    awkward = contents.duplicates[0].image_ids[0]
    assert set('<>&",#%$') < set(awkward)
    assert awkward in said(reader)
    assert "b" in reader.tags  # the page's own, in captions of heatmaps
    assert "<b>&amp;</b>" not in (folder / "report.html").read_text(encoding="utf-8")
    with (folder / "tables" / "duplicates.csv").open(encoding="utf-8", newline="") as stream:
        assert awkward in next(csv.DictReader(stream))["films"]


def test_wrong_films_have_room_for_an_expert(contents, folder):
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert page.count('class="expert"') == len(contents.galleries[1].rows)
    assert page.count("not drawn") == sum(
        not cell.jpeg
        for gallery in contents.galleries
        for row in gallery.rows
        for cell in row.cells
    )


def test_films_that_are_shown_above_are_linked_to_and_not_drawn_again(contents, reader):
    *_, again = contents.galleries
    assert len(again.elsewhere) == 2
    for row in again.elsewhere:
        assert reader.addresses.count(f"#{row.anchor}") == 1
        assert reader.ids.count(row.anchor) == 1


def test_every_band_of_a_gallery_is_a_table_with_its_own_columns(contents, folder):
    first, *_ = contents.galleries
    page = (folder / "report.html").read_text(encoding="utf-8")
    tables = page.split('<table class="band"')[1:]
    assert len(tables) == len(first.bands)
    for table, band in zip(tables, first.bands, strict=True):
        head, _, body = table.partition("</table>")[0].partition("</thead>")
        assert head.count("<th ") == 1 + len(band)
        for column in band:
            parts = first.rows[0].cells[column].configuration.split(" · ")
            assert "".join(f"<span>{part}</span>" for part in parts) in head
        truths = re.findall(rf'rowgroup" colspan="{1 + len(band)}">(.*?)</th>', body)
        assert truths == list(dict.fromkeys(row.truth for row in first.rows))
        assert body.count("<td ") == len(band) * len(first.rows)


def test_tables_of_the_caller_stand_in_the_page_and_beside_it(reader, folder):
    assert "Heat on the spine, share of all heat" in said(reader)
    assert (folder / "tables" / "spine-energy.tex").is_file()


def test_two_tables_of_one_name_are_refused_before_anything_is_written(contents, tmp_path):
    twice = replace(
        contents, outcomes=contents.outcomes[3:], extra_tables=(Table("weights", "", ("a",), ()),)
    )
    with pytest.raises(ValueError, match="two tables"):
        pages.write(twice, tmp_path / "r")
    assert not (tmp_path / "r").exists()


def test_equal_contents_give_equal_files(contents, tmp_path):
    one = replace(contents, outcomes=contents.outcomes[:1])
    for name in ("first", "second"):
        pages.write(one, tmp_path / name)
    files = [path for path in (tmp_path / "first").rglob("*") if path.is_file()]
    assert len(files) > 30
    for path in files:
        again = tmp_path / "second" / path.relative_to(tmp_path / "first")
        assert again.read_bytes() == path.read_bytes()


def test_a_study_of_which_nothing_ran_has_a_report_too(contents, tmp_path):
    nothing = replace(contents, outcomes=contents.outcomes[3:], published=None, galleries=())
    text = said(Reader(pages.write(nothing, tmp_path).read_text(encoding="utf-8")))
    assert "None of 1 configuration ran" in text
    assert "not on this machine" in text


def test_a_study_with_a_class_that_no_film_has_says_undefined(contents, tmp_path):
    outcome = contents.outcomes[0]
    table = outcome.predictions
    two_classes = replace(table, truth=np.minimum(table.truth, 1))
    one = replace(contents, outcomes=(replace(outcome, predictions=two_classes),), galleries=())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        text = said(Reader(pages.write(one, tmp_path).read_text(encoding="utf-8")))
    assert "AUC undefined" in text
    assert "nan" not in text.split()


def test_the_headline_counts_the_films_that_set_the_best_apart(contents):
    scored = summary.score_all(contents.outcomes)
    compared = summary.compare_all(scored)
    told = " ".join(words.headline(contents, scored, compared))
    top = summary.best(scored)
    assert f"{top.pooled.n - top.pooled.n_correct} of 60 wrong" in told
    assert "decided by" in told
    assert "Not run: 1" in told


def test_methods_do_not_claim_every_film_where_some_folds_alone_were_run():
    spec = {"strategies": ["probe"], "protocols": ["nested"], "folds": 5}
    assert "every film is judged once" in " ".join(words.methods(spec))
    some = " ".join(words.methods({**spec, "only_folds": [0]}))
    assert "each film that is tested is judged once" in some


def test_methods_say_that_the_tested_fold_steered_only_where_it_did():
    both = " ".join(words.methods({"strategies": ["probe"], "protocols": ["nested", "paper"]}))
    nested = " ".join(words.methods({"strategies": ["probe"], "protocols": ["nested"]}))
    assert "leans upwards" in both
    assert "leans upwards" not in nested


def test_facts_of_a_cohort_count_films_and_groups_and_guess_nothing(tmp_path):
    facts = FileFacts("JPEG", 10, 5, "L", 100, None, "00")
    films = [
        Radiograph(f"{i}.jpg", tmp_path, label, group, facts, age_years=age)
        for i, (label, group, age) in enumerate(
            [("normal", "a", 10.0), ("normal", "a", None), ("scoliosis", "b", 30.0)]
        )
    ]
    cohort = CohortFacts.of("films", "00", SPINE_LABELS, films)
    assert [(c.n_films, c.n_groups) for c in cohort.classes] == [(2, 1), (1, 1), (0, 0)]
    assert (cohort.n_films, cohort.n_groups, cohort.n_ages) == (3, 2, 2)
    assert cohort.ages_years == (10, 20, 30)
    assert cohort.sexes == (("not stated", 3),)
