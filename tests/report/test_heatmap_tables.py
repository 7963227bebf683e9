"""What a reader is told of heatmaps: every mean beside what knows nothing, and no empty space."""

import re

import numpy as np
import pytest

from spondyl.data.labels import SPINE_LABELS
from spondyl.data.phantom import drawing, output
from spondyl.explain.score_table import BASELINES, Row, ScoreTable
from spondyl.explain.study.record import About, Explanations
from spondyl.explain.study_explaining import explain_run
from spondyl.learn import conduct
from spondyl.learn.fabrics import fabric_on
from spondyl.learn.outcome import Configuration, Outcome
from spondyl.learn.predictions import PredictionTable
from spondyl.learn.spec import parse_spec
from spondyl.report import heatmap_tables, heatmap_words, whole
from spondyl.report.heatmap_tables import NOT_EXPLAINED
from spondyl.report.tables import NONE, as_csv, as_latex

PROBE = Configuration("resnet50", "probe", "nested")
TUNED = Configuration("vit_small_patch16_224", "fine-tuning", "nested")
PROBE_PAPER = Configuration("resnet50", "probe", "paper")
N = 20
SETTINGS = {
    **{"seed": 0, "deletion_and_insertion_steps": 8, "road_shares": [0.25, 0.5, 0.75]},
    **{"shifts_px": [[0, 4], [-4, 0]], "shading": 0.05, "overlap_top_share": 0.2},
}
GOOD = {"deletion": -1, "insertion": 1, "energy": 1, "shift-rank": 1}


def explanations(configuration=PROBE, pictures=(("grad-cam", "hirescam"),), with_places=True):
    """Invented scores: the first method is far better than every baseline where GOOD says so."""
    draws = np.random.default_rng(0)
    ids = tuple(f"film{i:02}.png" for i in range(N))
    methods = [together[0] for together in pictures]
    rows = []
    checks = ("randomised-rank", "randomised-unchanged", "unrelated-rank", "randomised-head-rank")
    steady = ("other-label-rank", "shift-rank", "shading-rank", "flip-rank", "between-films-rank")
    agreement = ("fold-agreement-rank", "fold-agreement-overlap", "fold-agreement-chance")
    every = [score.name for score in (*heatmap_words.FAITHFULNESS, *heatmap_words.SPREAD)]
    if with_places:
        every += ["energy", "energy-chance"]
    for maker in (*methods, *BASELINES):
        for score in (*every, *(() if maker in BASELINES else (*checks, *steady, *agreement))):
            better = 0.3 * GOOD.get(score, 0) * (maker in methods)
            shown = ids[:8] if score in checks else ids[: N - 3] if score == "gini" else ids
            if score == "randomised-unchanged":
                values = [float(i == 2) for i in range(8)]
            else:
                values = 0.4 + better + draws.normal(scale=0.02, size=len(shown))
            rows += [
                Row(image_id, image_id, "normal", maker, score, float(value))
                for image_id, value in zip(shown, values, strict=True)
            ]
    about = About(SETTINGS, pictures, ids, ids[:8], 5, 3224, 310.0, "cpu", {})
    return Explanations(configuration, ScoreTable(tuple(rows)), about)


def outcome(configuration, not_run=""):
    empty = np.zeros(0, dtype=np.int64)
    table = PredictionTable(SPINE_LABELS, (), (), empty, empty, np.zeros((0, 3)))
    return Outcome(configuration, None, (), None if not_run else table, not_run)


def tables_of(*explained, outcomes=None):
    known = {one.configuration: one for one in explained}
    outcomes = outcomes or [outcome(which) for which in known]
    return heatmap_tables.tables(outcomes, known, seed=0)


@pytest.fixture(scope="module")
def tables():
    """Side by side, faithfulness, places and checks of one configuration."""
    return tables_of(explanations())


def cells(table, title):
    """{column: cell} of the row that is called so."""
    (row,) = (row for row in table.rows if row[0] == title)
    return dict(zip(table.columns, row, strict=True))


def mean(cell):
    return float(cell.split(" ")[0].replace("−", "-"))


def test_a_mean_is_that_of_the_films_and_lies_in_its_interval(tables):
    by_film = explanations().table.by_film("deletion", "edges")
    cell = cells(tables[1], "deletion")["edges"]
    low, high = map(float, re.fullmatch(r".* \((.*)–(.*)\)", cell).groups())
    assert mean(cell) == pytest.approx(np.mean(list(by_film.values())), abs=0.005)
    assert low <= mean(cell) <= high


def test_a_map_beats_every_baseline_only_where_it_is_better_than_all(tables):
    verdicts = {row[0]: dict(zip(tables[1].columns, row, strict=True)) for row in tables[1].rows}
    for score in ("deletion", "insertion"):
        found = verdicts[score]
        assert found["verdict"].startswith("beats every baseline; best of them: ")
    means = {name: mean(verdicts["deletion"][name]) for name in BASELINES}
    best = verdicts["deletion"]["verdict"].rpartition(": ")[2]
    assert means[best] == min(means.values())
    assert "every" not in verdicts["ROAD gap"]["verdict"]
    assert verdicts["entropy share"]["verdict"] == "has no better or worse"


def test_a_place_stands_beside_its_chance_and_what_is_not_known_is_not_listed(tables):
    row = cells(tables[2], "energy on the spine")
    assert row["verdict"].startswith("beats every baseline")
    assert {"chance", *BASELINES} <= set(row)
    assert mean(row["its mean"]) > mean(row["chance"]) + 0.2
    assert [r[0] for r in tables[2].rows] == ["energy on the spine"]


def test_nothing_marked_is_said_and_leaves_no_empty_table():
    _, _, places, _ = tables_of(explanations(with_places=False))
    assert len(places.rows) == 1
    assert "nothing is marked" in places.rows[0][0]
    assert set(places.rows[0][1:]) == {NONE}


def test_a_check_stands_beside_its_reference_with_its_number_of_films(tables):
    random = cells(tables[3], "all weights random")
    assert random["verdict"] == "unchanged in 1 of 8 films"
    assert random["reference"] == "two random networks"
    assert random["films"] == f"8 of {N}"
    assert cells(tables[3], "film moved")["verdict"] == "above other films"
    assert cells(tables[3], "film mirrored")["verdict"] == "not above other films"
    assert cells(tables[3], "another fold's network")["mean of the reference"].startswith("0.00 ")


def test_every_row_says_on_how_many_films_it_stands(tables):
    for table in tables:
        assert table.columns[-1] == "films"
        for row in table.rows:
            assert re.fullmatch(rf"{N}|\d+ of {N}", row[-1])
    assert cells(tables[1], "Gini index")["films"] == f"{N - 3} of {N}"


def test_a_baseline_with_fewer_films_than_the_map_says_so():
    one = explanations()
    kept = tuple(
        row
        for row in one.table.rows
        if not (
            row.maker == "untrained" and row.score == "deletion" and row.image_id > "film11.png"
        )
    )
    fewer = Explanations(one.configuration, ScoreTable(kept), one.about)
    assert cells(tables_of(fewer)[1], "deletion")["untrained"].endswith(") / 12")


def test_methods_that_are_one_picture_have_one_row_and_both_names(tables):
    assert {row[1] for row in tables[1].rows} == {"Grad-CAM = HiResCAM"}
    assert any("counted once" in note for note in tables[1].notes)
    two = tables_of(explanations(pictures=(("grad-cam",), ("layercam",))))
    assert {row[1] for row in two[1].rows} == {"Grad-CAM", "LayerCAM"}
    assert len(two[1].rows) == 2 * len(tables[1].rows)
    assert not any("counted once" in note for note in two[1].notes)


def test_configurations_stand_side_by_side_and_what_was_not_run_says_why():
    outcomes = [outcome(PROBE), outcome(TUNED), outcome(PROBE_PAPER, "no weights")]
    side, *rest = tables_of(explanations(), outcomes=outcomes)
    rows = {row[0]: row for row in side.rows}
    assert rows[str(TUNED)][1] == NOT_EXPLAINED
    assert rows[str(PROBE_PAPER)][1] == "not run (no weights)"
    assert mean(cells(side, str(PROBE))["energy over chance"]) == pytest.approx(0.3, abs=0.02)
    assert len(rest) == 3
    nothing = heatmap_tables.tables(outcomes, {PROBE: None, TUNED: None}, seed=0)
    assert len(nothing) == 1
    assert [row[1] for row in nothing[0].rows][:2] == [NOT_EXPLAINED] * 2


def test_tables_of_two_configurations_have_names_of_their_own_and_all_ways_out():
    tables = tables_of(explanations(), explanations(TUNED))
    assert len({table.slug for table in tables}) == len(tables) == 7
    for table in tables:
        assert as_csv(table).count("\n") == len(table.rows) + 1
        assert r"\end{table}" in as_latex(table)


def test_every_table_says_what_may_be_concluded_and_gives_direction_and_source(tables):
    for table, word in zip(tables, ("where each looks", "follow", "follow", "proves"), strict=True):
        assert word in table.notes[0]
    said = " ".join(tables[1].notes)
    for score in heatmap_words.FAITHFULNESS:
        assert f"{score.title}: {score.direction} is better" in said
        assert score.source in said
    assert "3224 forward passes" in said
    assert "had the film among those they learned from" in " ".join(tables[3].notes)


@pytest.fixture(scope="module")
def explained(tmp_path_factory):
    """The page of a study that was explained, and its scores."""
    folder = tmp_path_factory.mktemp("heatmap-tables")
    drawn = output.save(folder / "drawn", drawing.cohort(30, 0, size=(64, 48)))
    content = {
        **{"networks": ["test_resnet:layer2"], "strategies": ["random-features"]},
        **{"folds": 2, "size": [32, 32], "heatmaps": "none"},
    }
    spec = parse_spec(content, "a test's spec")
    study = conduct.begin(spec, drawn / "films", folder / "run", {})
    conduct.run(study, folder / "cache", fabric_on("cpu"))
    (made,) = explain_run(folder / "run", n_films=6, masks=drawn / "regions", device="cpu")
    page = whole.report_again(folder / "run", "cpu").page
    return page.read_text(encoding="utf-8"), made


def test_the_page_of_a_study_that_was_explained_shows_its_scores(explained):
    page, made = explained
    assert NOT_EXPLAINED not in page
    for title in ("Does the answer hang on what is marked?", "Does it lie where the truth is?"):
        assert f"{title} {made.configuration}" in page
    deletion = made.table.by_film("deletion", "edges").values()
    assert f"{np.mean(list(deletion)):.2f}" in page.partition("what is marked?")[2]


def test_every_score_that_is_kept_has_words(explained):
    scores = (*heatmap_words.FAITHFULNESS, *heatmap_words.SPREAD, *heatmap_words.PLACES)
    known = {score.name for score in scores}
    known |= {f"{score.name}{heatmap_words.CHANCE}" for score in heatmap_words.PLACES}
    for check in heatmap_words.CHECKS:
        known |= {check.name, check.reference, check.share_unchanged}
    assert set(explained[1].table.scores) <= known
