"""Tables of predictions: what is written comes back, and no film is counted twice."""

import csv
import io
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spondyl.data.labels import SPINE_LABELS, LabelSet
from spondyl.learn import predictions
from spondyl.learn.predictions import PredictionTable

NAMES = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=12)
LOGITS = st.floats(-1e300, 1e300)


@st.composite
def tables(draw):
    """Any table: odd names, logits of every size, folds in any order, no film at all."""
    ids = draw(st.lists(NAMES, max_size=8, unique=True))
    n = len(ids)

    def column(values):
        return np.array(draw(st.lists(values, min_size=n, max_size=n)), dtype=np.int64)

    logits = draw(st.lists(st.tuples(LOGITS, LOGITS, LOGITS), min_size=n, max_size=n))
    return PredictionTable(
        SPINE_LABELS,
        tuple(ids),
        tuple(draw(st.lists(NAMES, min_size=n, max_size=n))),
        column(st.integers(0, 9)),
        column(st.integers(0, 2)),
        np.array(logits, dtype=np.float64).reshape(n, 3),
    )


def table(n=6, seed=0, prefix="film") -> PredictionTable:
    draws = np.random.default_rng(seed)
    return PredictionTable(
        SPINE_LABELS,
        tuple(f"{prefix}{i}.png" for i in range(n)),
        tuple(f"g{i // 2}" for i in range(n)),
        np.arange(n) % 3,
        draws.integers(0, 3, n),
        draws.normal(size=(n, 3)),
    )


def equal(one: PredictionTable, other: PredictionTable) -> bool:
    texts = (one.labels, one.image_ids, one.group_ids) == (
        *(other.labels, other.image_ids, other.group_ids),
    )
    arrays = ("folds", "truth", "logits")
    return texts and all(getattr(one, a).tobytes() == getattr(other, a).tobytes() for a in arrays)


@settings(deadline=None)
@given(tables())
def test_a_table_comes_back_from_csv_bit_for_bit(before):
    assert equal(predictions.from_csv(predictions.as_csv(before), SPINE_LABELS), before)


@pytest.mark.parametrize(
    "image_id", ["a,b.png", 'say "ah".png', "line\nbreak.png", " edge .png", "=1+1.png", "ü/ß.png"]
)
def test_an_odd_name_comes_back_from_a_file(tmp_path, image_id):
    before = PredictionTable(
        SPINE_LABELS, (image_id,), ("g",), np.array([0]), np.array([1]), np.array([[0.1, 0.2, 0.3]])
    )
    path = tmp_path / "predictions.csv"
    path.write_text(predictions.as_csv(before), encoding="utf-8")
    assert equal(predictions.from_csv(path.read_text(encoding="utf-8"), SPINE_LABELS), before)


def test_the_csv_names_the_predicted_class_and_its_probability():
    one = table()
    rows = list(csv.DictReader(io.StringIO(predictions.as_csv(one))))
    for i, row in enumerate(rows):
        shown = {name: float(row[f"probability_{name}"]) for name in SPINE_LABELS.names}
        assert max(shown, key=shown.__getitem__) == row["predicted"]
        assert row["truth"] == SPINE_LABELS.names[one.truth[i]]


@settings(deadline=None)
@given(tables())
def test_probabilities_are_the_softmax_and_sum_to_one(one):
    assert np.allclose(one.probabilities.sum(axis=1), 1)
    for logits, row in zip(one.logits, one.probabilities, strict=True):
        highest = max(logits)
        parts = [math.exp(value - highest) for value in logits]
        assert row == pytest.approx([part / sum(parts) for part in parts])


def test_a_constant_added_to_the_logits_of_a_film_changes_no_probability():
    one = table()
    shifted = PredictionTable(
        *(one.labels, one.image_ids, one.group_ids, one.folds, one.truth, one.logits + 500)
    )
    assert np.allclose(shifted.probabilities, one.probabilities)


def test_folds_joined_stand_in_the_order_of_the_cohort():
    whole = table(9)
    parts = [whole.rows_of_fold(fold) for fold in (2, 0, 1)]
    assert equal(PredictionTable.joined(parts, whole.image_ids), whole)
    backwards = PredictionTable.joined(parts, whole.image_ids[::-1])
    assert backwards.image_ids == whole.image_ids[::-1]
    assert (backwards.logits == whole.logits[::-1]).all()


def test_films_of_a_fold_are_those_tested_in_it():
    whole = table(9)
    assert whole.rows_of_fold(1).image_ids == ("film1.png", "film4.png", "film7.png")
    assert len(whole.rows_of_fold(7)) == 0


def test_a_film_cannot_stand_in_a_table_twice():
    one = table(2)
    with pytest.raises(ValueError, match="more than once"):
        PredictionTable(one.labels, ("a", "a"), one.group_ids, one.folds, one.truth, one.logits)


def test_a_film_tested_in_two_folds_cannot_be_joined():
    one = table(4)
    with pytest.raises(ValueError, match="more than once"):
        PredictionTable.joined([one, one.rows_of_fold(0)], one.image_ids)


@pytest.mark.parametrize("column", ["group_ids", "folds", "truth", "logits"])
def test_columns_of_different_length_are_refused(column):
    one = table(4)
    columns = {
        name: getattr(one, name) for name in ("image_ids", "group_ids", "folds", "truth", "logits")
    }
    with pytest.raises(ValueError):
        PredictionTable(one.labels, **columns | {column: columns[column][:3]})


def test_logits_of_another_label_set_are_refused():
    one = table(4)
    with pytest.raises(ValueError, match="2 labels"):
        PredictionTable(
            LabelSet.of(("normal", "scoliosis")),
            *(one.image_ids, one.group_ids, one.folds, one.truth, one.logits),
        )
