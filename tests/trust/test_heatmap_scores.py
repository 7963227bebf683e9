"""Which maps beat which: against loops over resamples, and what must not be claimed."""

import math

import numpy as np
import pytest

from spondyl.trust.heatmap_scores import enough_groups, judge

GROUPS = tuple(f"g{i % 25:02d}" for i in range(40))


def values(seed, mean=0.0, n=40):
    return np.random.default_rng(seed).normal(mean, 0.2, n)


def judged(direction="higher", methods=None, baselines=None, groups=GROUPS, **settings):
    methods = methods or {"Grad-CAM": values(1, 0.6), "CAM": values(2, 0.1)}
    baselines = baselines or {"random": values(3), "centre": values(4, 0.3)}
    return judge("energy", direction, methods, baselines, groups, seed=7, **settings)


def test_a_method_beats_what_lies_below_it_where_higher_is_better():
    found = judged()
    assert found.methods[0].beats == ("random", "centre")
    assert found.sentence("Grad-CAM") == "beats every baseline"
    assert "centre" in found.methods[1].does_not_beat


def test_where_lower_is_better_the_same_numbers_say_the_opposite():
    found = judged("lower")
    assert found.methods[0].beats == ()
    assert found.sentence("Grad-CAM") == "does not beat: random, centre"
    assert found.methods[1].beats == ("centre",)


def test_negated_values_in_the_other_direction_beat_the_same():
    methods = {"Grad-CAM": values(1, 0.6), "CAM": values(2, 0.1)}
    baselines = {"random": values(3), "centre": values(4, 0.3)}
    turned = judged(
        "lower",
        {name: -rows for name, rows in methods.items()},
        {name: -rows for name, rows in baselines.items()},
    )
    assert [m.beats for m in turned.methods] == [m.beats for m in judged().methods]


def test_a_score_without_a_direction_beats_nothing():
    found = judged("none")
    assert all(one.beats == () for one in found.methods)
    assert found.sentence("CAM") == "has no better or worse"


def test_differences_are_paired_film_by_film():
    films = np.linspace(0, 100, 40)
    better = films + values(5, 0.3)
    found = judged(methods={"A": better}, baselines={"B": films}).methods[0]
    assert found.differences[0].mean == pytest.approx((better - films).mean())
    assert found.beats == ("B",)  # though both spread a hundredfold wider than they differ
    assert found.average.interval.high - found.average.interval.low > 5


def test_intervals_are_quantiles_of_means_over_resampled_groups():
    rows = values(6)
    rows[::7] = np.nan
    found = judged(methods={"A": rows}, n_resamples=300).methods[0].average
    names = sorted(set(GROUPS))
    drawn = np.random.default_rng(7).multinomial(25, np.full(25, 1 / 25), size=300)
    means = []
    for counts in drawn:
        films = [
            value
            for name, times in zip(names, counts, strict=True)
            for _ in range(times)
            for value, group in zip(rows, GROUPS, strict=True)
            if group == name and not math.isnan(value)
        ]
        means.append(sum(films) / len(films))
    assert found.interval.low == pytest.approx(np.quantile(means, 0.025))
    assert found.interval.high == pytest.approx(np.quantile(means, 0.975))
    assert found.mean == pytest.approx(np.nanmean(rows))


def test_films_without_a_score_are_counted_and_left_out_of_both_sides():
    one, other = values(1, 0.5), values(2)
    one[:3], other[2:6] = np.nan, np.nan
    found = judged(methods={"A": one}, baselines={"B": other})
    assert (found.methods[0].average.n_defined, found.methods[0].average.n_films) == (37, 40)
    assert found.baselines[0].n_defined == 36
    difference = found.methods[0].differences[0]
    assert difference.n_films == 34
    assert difference.mean == pytest.approx((one - other)[6:].mean())


def test_a_method_without_any_score_beats_nothing():
    found = judged(methods={"A": np.full(40, np.nan)})
    assert math.isnan(found.methods[0].average.mean)
    assert math.isnan(found.methods[0].average.interval.low)
    assert found.methods[0].average.n_defined == 0
    assert found.sentence("A") == "does not beat: random, centre"


def test_copies_of_a_film_in_its_group_do_not_make_the_interval_narrower():
    rows, groups = values(8, n=20), tuple(f"g{i:02d}" for i in range(20))
    once = judged(methods={"A": rows}, baselines={"B": 0 * rows}, groups=groups)
    twice = judged(
        methods={"A": np.tile(rows, 2)}, baselines={"B": np.zeros(40)}, groups=groups * 2
    )
    one, two = once.methods[0].average.interval, twice.methods[0].average.interval
    assert (one.low, one.high) == pytest.approx((two.low, two.high))


@pytest.mark.parametrize(("n_groups", "beats"), [(1, ()), (5, ()), (6, ("B",))])
def test_a_few_groups_prove_nothing_however_much_they_agree(n_groups, beats):
    groups = tuple(f"g{i % n_groups}" for i in range(12))
    found = judged(methods={"A": np.ones(12)}, baselines={"B": np.zeros(12)}, groups=groups)
    assert found.methods[0].beats == beats


def test_enough_groups_is_what_a_sign_test_would_need():
    for n in range(1, 12):
        assert enough_groups(n) == (2 * 0.5**n <= 0.05 + 1e-12)
    assert not enough_groups(7, level=0.99)
    assert enough_groups(8, level=0.99)


def test_a_baseline_against_itself_is_never_beaten():
    rows = values(9)
    assert judged(methods={"A": rows}, baselines={"B": rows.copy()}).methods[0].beats == ()


def test_maps_that_know_nothing_are_seldom_said_to_beat_each_other():
    claims = 0
    for seed in range(200):
        one, other = values(2 * seed), values(2 * seed + 1)
        found = judged(methods={"A": one}, baselines={"B": other}, n_resamples=200)
        claims += len(found.methods[0].beats)
    assert claims <= 14  # 5 are expected at 2.5 %, and a percentile bootstrap is a little too sure


def test_equal_seeds_give_equal_judgements():
    assert judged() == judged()


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="A"):
        judged(methods={"A": np.zeros(3)})
    with pytest.raises(ValueError, match="names"):
        judged(methods={"random": values(1)})
    with pytest.raises(KeyError):
        judged().sentence("nobody")


def test_without_baselines_nothing_is_claimed():
    found = judge("energy", "higher", {"A": values(1)}, {}, GROUPS, seed=0)
    assert found.sentence("A") == "stands beside no baseline"
