"""Figures of an external test against slow oracles written from their definitions."""

import numpy as np
import pytest

from spondyl.data.labels import SPINE_LABELS
from spondyl.data.radiograph import FileFacts, Radiograph
from spondyl.errors import SpondylError
from spondyl.learn.predictions import PredictionTable
from spondyl.trust.data_audit.probes import NotAsked, probe_of
from spondyl.trust.external import asking, bands, figures, label_shift
from spondyl.trust.external.asking import Said
from spondyl.trust.external.discrepancy import discrepancy, kernel, squared
from spondyl.trust.external.telling_apart import ALL, Mixed, single_numbers, told
from spondyl.trust.intervals import NotRun


def table(truth, predicted, groups=None, folds=None, sure=4.0, noise=0.0, seed=0):
    """A table in which film i of label truth[i] is called predicted[i]."""
    n = len(truth)
    logits = sure * np.eye(3)[predicted]
    logits = logits + noise * np.random.default_rng(seed).normal(size=(n, 3))
    return PredictionTable(
        SPINE_LABELS,
        tuple(f"film {i:03}" for i in range(n)),
        tuple(groups or (f"group {i}" for i in range(n))),
        np.array(folds if folds is not None else [i % 2 for i in range(n)]),
        np.array(truth),
        logits,
    )


def said(logits, truth, groups=None):
    """Networks' (folds, films, labels) answers to films of `truth`."""
    n = len(truth)
    names = tuple(f"outside {i}" for i in range(n))
    groups = tuple(groups or names)
    folds = tuple(range(len(logits)))
    refusing = NotRun("nobody asked")
    truth = np.array(truth)
    return Said("a test", folds, names, groups, truth, np.array(logits), None, None, refusing)


HOME = table([0, 1, 2] * 20, [0, 1, 2] * 18 + [1, 1, 2, 0, 2, 2], sure=2.0, noise=0.5)


def softmax(row):
    powers = [np.exp(value) for value in row]
    return [power / sum(powers) for power in powers]


class TestAnswers:
    def test_the_ensemble_is_the_mean_of_the_networks_probabilities(self):
        logits = np.random.default_rng(3).normal(size=(4, 6, 3))
        voted = asking.voted(said(logits, [0, 1] * 3), 1.7, HOME)
        for film in range(6):
            means = np.mean([softmax(logits[fold, film] / 1.7) for fold in range(4)], axis=0)
            assert voted.probabilities[film] == pytest.approx(means)

    def test_the_temperature_is_the_studys_whatever_the_other_films_are(self):
        one, another = (
            figures.figures(said(scale * np.ones((2, 8, 3)) * [3, 1, 0], [0, 1] * 4), HOME)
            for scale in (1, 40)
        )
        assert one.temperature == another.temperature

    def test_an_answer_outside_the_other_labels_is_wrong(self):
        logits = np.zeros((2, 4, 3))
        logits[:, :, 2] = 5  # all called spondylolisthesis, which none of them is
        found = figures.figures(said(logits, [0, 1, 1, 1]), HOME)
        assert found.changes[0].outside.value == 0
        assert found.confusion.tolist() == [[0, 0, 1], [0, 0, 3], [0, 0, 0]]
        assert found.by_label[0].share_of("spondylolisthesis").share.value == 1

    def test_films_that_networks_call_differently_are_counted(self):
        logits = np.zeros((2, 3, 3))
        logits[0, :, 0] = logits[1, :2, 0] = logits[1, 2, 1] = 4
        assert figures.figures(said(logits, [0, 1, 0]), HOME).disagreeing == 1

    def test_areas_need_films_of_the_label_and_others(self):
        logits = np.random.default_rng(0).normal(size=(2, 9, 3))
        assert figures.figures(said(logits, [1] * 9), HOME).areas == ()
        found = figures.figures(said(logits, [0, 0, 0, *[1] * 6]), HOME)
        assert [(one.label, one.n, one.n_others) for one in found.areas] == [
            ("normal", 3, 6),
            ("scoliosis", 6, 3),
        ]
        p = found.table.probabilities[:, 1]
        pairs = [(p[i] > p[j]) + 0.5 * (p[i] == p[j]) for i in range(3, 9) for j in range(3)]
        assert found.areas[1].auc.value == pytest.approx(np.mean(pairs))

    def test_sets_are_those_of_the_study_and_counted_by_their_size(self):
        logits = np.random.default_rng(5).normal(0, 3, size=(2, 20, 3))
        found = figures.figures(said(logits, [0, 1] * 10), HOME, alpha=0.2)
        kept = found.p_values > 0.2
        assert found.sets.empty.value == np.mean(kept.sum(axis=1) == 0)
        assert found.sets.singletons.value == np.mean(kept.sum(axis=1) == 1)
        held = [kept[i, truth] for i, truth in enumerate([0, 1] * 10)]
        assert found.sets.coverage.value == np.mean(held)


class TestHomeAndOutside:
    def test_the_mix_of_labels_is_the_other_cohorts(self):
        outside = table([0] * 4 + [1] * 12, [0] * 2 + [1] * 14)
        rates = [
            np.mean([p == t for p, t in zip(HOME.predicted, HOME.truth, strict=True) if t == c])
            for c in (0, 1)
        ]
        by_name = {one.what: one for one in figures.changes(HOME, outside, 0)}
        mixed = by_name["at home in the other films' mix of labels"]
        assert mixed.home.value == pytest.approx(0.25 * rates[0] + 0.75 * rates[1])
        assert mixed.outside.value == by_name["all films"].outside.value == 14 / 16
        assert by_name["normal, called so"].outside.value == 0.5
        assert "spondylolisthesis, called so" not in by_name

    def test_a_cohort_like_home_is_not_told_to_be_worse(self):
        difference = figures.changes(HOME, HOME, 0)[0].difference
        assert difference.value == 0
        assert difference.interval.low < 0 < difference.interval.high
        assert difference.interval.n_units == 120

    def test_copies_of_one_group_are_one_piece_of_evidence(self):
        truth = [0, 1] * 20
        called = [0, 1] * 10 + [1, 0] * 10
        alone = table(truth, called)
        grouped = table(truth, called, groups=[f"group {i // 20}" for i in range(40)])
        narrow, wide = (
            figures.changes(HOME, one, 0)[0].outside.interval for one in (alone, grouped)
        )
        assert wide.high - wide.low > narrow.high - narrow.low


class TestBands:
    def test_every_film_is_in_one_band_and_lower_edges_belong_to_theirs(self):
        values = np.array([9.99, 10.0, 24.9, 25.0, 80.0, np.nan])
        outside = table([0, 1, 1, 1, 1, 1], [0, 0, 1, 1, 1, 2])
        found = bands.by_number(outside, values, (10, 25), 0)
        assert [(one.name, one.n) for one in found] == [
            ("below 10", 1),
            ("10 to below 25", 2),
            ("25 and above", 2),
            ("not stated", 1),
        ]
        assert found[1].share_of("scoliosis").share.value == 0.5
        assert found[3].share_of("spondylolisthesis").n == 1

    def test_a_band_without_a_film_says_so(self):
        found = bands.by_number(table([0], [0]), np.array([3.0]), (10, 25), 0)
        assert [(one.name, one.n, one.called) for one in found[1:]] == [
            ("10 to below 25", 0, ()),
            ("25 and above", 0, ()),
        ]

    @pytest.mark.parametrize("text", ["", "a", "10,10", "20,10", "nan", "10,inf", "10,,20"])
    def test_edges_that_are_not_rising_numbers_are_refused(self, text):
        with pytest.raises(SpondylError, match="not rising numbers"):
            bands.edges(text)

    @pytest.mark.parametrize("cell", ["steep", "nan", "inf"])
    def test_a_cell_that_is_no_number_is_refused(self, cell):
        with pytest.raises(SpondylError, match="is no number"):
            bands.numbers({"a": "1", "b": cell}, ("a", "b"), "cobb")

    def test_a_column_that_says_nothing_is_refused(self):
        with pytest.raises(SpondylError, match="says nothing"):
            bands.numbers({"a": ""}, ("a", "b"), "cobb")


class TestLabelShift:
    def test_shares_are_found_where_nothing_but_shares_shifted(self):
        """Rates at home: normal 3/4, scoliosis 1/2 and 1/2 …; outside the same rates, other mix."""
        home = table([0] * 8 + [1] * 8 + [2] * 8, [0] * 6 + [1] * 2 + [1] * 6 + [2] * 2 + [2] * 8)
        outside = table([0] * 4 + [1] * 24, [0] * 3 + [1] + [1] * 18 + [2] * 6)
        found = label_shift.label_shift(home, outside, 0)
        assert [one.estimated.value for one in found.labels] == pytest.approx([1 / 7, 6 / 7, 0])
        assert [one.outside for one in found.labels] == pytest.approx([1 / 7, 6 / 7, 0])

    def test_labels_that_are_called_alike_are_not_estimated(self):
        home = table([0, 1, 2] * 8, [0, 0, 2] * 8)
        found = label_shift.label_shift(home, home, 0)
        assert "so alike" in found.not_estimated
        assert all(one.estimated is None for one in found.labels)


def films(n, prefix, label="scoliosis", n_groups=None):
    return [
        Radiograph(
            f"{prefix}{i}",
            None,
            label,
            f"{prefix}{i % (n_groups or n)}",
            FileFacts("PNG", 100, 50, "L", 999, None, f"{prefix}{i}"),
        )
        for i in range(n)
    ]


class TestShift:
    def test_groups_of_one_name_are_two_groups_in_two_cohorts(self):
        mixed = Mixed.of(films(3, "x"), films(3, "x"))
        assert len({film.group_id for film in mixed.films}) == 6

    def test_what_differs_tells_the_cohorts_apart_and_what_does_not_does_not(self):
        mixed = Mixed.of(films(30, "a"), films(20, "b"))
        draws = np.random.default_rng(1)
        shifted = draws.normal(size=(50, 1)) + 6 * mixed.outside[:, None]
        alike = draws.normal(size=(50, 1))
        asked = [probe_of("frame", ("x",), shifted), probe_of("histogram", ("x",), alike)]
        found, lacking = told(asked, mixed, ("scoliosis",), 0)
        assert [(one.name, one.among) for one in found] == [
            ("frame", ALL),
            ("frame", "scoliosis"),
            ("histogram", ALL),
            ("histogram", "scoliosis"),
        ]
        assert not lacking
        assert found[0].auc.value > 0.99
        assert found[0].p_corrected == pytest.approx(4 * found[0].p_value)
        assert found[2].p_value > 0.05
        assert (found[0].n_home, found[0].n_outside, found[0].n_groups) == (30, 20, 50)
        assert found[0].question.endswith("tell the two cohorts apart?")

    def test_what_cannot_be_asked_is_said(self):
        mixed = Mixed.of(films(30, "a"), films(8, "b", n_groups=4))
        numbers = probe_of("frame", ("x",), np.zeros((38, 1)))
        silent = NotAsked("text", "not-anatomy", "?", "no film has text")
        found, lacking = told([numbers, silent], mixed, (), 0)
        assert not found
        assert "fewer than 5 folds" in lacking[0].why
        assert lacking[1].why == "no film has text"

    def test_a_single_numbers_chance_is_that_of_pairs(self):
        mixed = Mixed.of(films(4, "a"), films(3, "b"))
        values = np.array([1.0, 2, 3, 4, 2, 5, 6])
        pairs = [(b > a) + 0.5 * (a == b) for a in values[:4] for b in values[4:]]
        found = single_numbers({"size": values}, mixed, 0)["size"]
        assert found.value == pytest.approx(np.mean(pairs))


class TestDiscrepancy:
    def test_it_is_grettons_unbiased_estimate(self):
        features = np.random.default_rng(2).normal(size=(9, 4))
        similarity = kernel(features)
        here, there = range(5), range(5, 9)

        def mean(pairs):
            return np.mean([similarity[i, j] for i, j in pairs])

        slow = (
            mean((i, j) for i in here for j in here if i != j)
            + mean((i, j) for i in there for j in there if i != j)
            - 2 * mean((i, j) for i in here for j in there)
        )
        labelling = np.array([[0] * 5 + [1] * 4])
        assert squared(similarity, labelling)[0] == pytest.approx(slow)

    def test_the_kernels_width_is_the_median_distance(self):
        features = np.array([[0.0], [1.0], [3.0]]) / np.std([0, 1, 3])
        distances = sorted([1.0, 2.0, 3.0])
        expected = np.exp(-(distances[0] ** 2) / (2 * distances[1] ** 2))
        assert kernel(features)[0, 1] == pytest.approx(expected)

    def test_its_p_value_is_uniform_where_nothing_differs(self):
        """Mean of many p values near a half, and few of them small."""
        draws = np.random.default_rng(7)
        found = []
        for _ in range(60):
            features = draws.normal(size=(24, 3))
            dealt = np.array([draws.permutation([0] * 14 + [1] * 10) for _ in range(80)])
            found.append(discrepancy(features, dealt, ALL, 24).p_value)
        assert 0.38 < np.mean(found) < 0.62
        assert np.mean(np.array(found) <= 0.1) < 0.25

    def test_one_film_is_no_cohort(self):
        with pytest.raises(ValueError, match="two of each"):
            discrepancy(np.zeros((3, 2)), np.array([[0, 0, 1]]), ALL, 3)
