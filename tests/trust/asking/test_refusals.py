"""What a study's networks would refuse: false alarms among its own films, and strangers."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from spondyl.data.phantom import drawing, output
from spondyl.learn import conduct, probe
from spondyl.learn.fabrics import fabric_on
from spondyl.learn.heads import pooled
from spondyl.learn.materials import columns
from spondyl.learn.spec import parse_spec
from spondyl.trust.asking import refusals, subject
from spondyl.trust.asking.outliers import Familiar, energy
from spondyl.trust.asking.questioning import Shown
from spondyl.trust.asking.strangers import CHANGED, DRAWN
from spondyl.trust.intervals import NotRun

RATE = 0.3  # the few films aside cannot keep a lower one
N_EACH = 34
"""More than any network answers for, so that every film is changed."""
CONTENT = {
    "networks": ["test_resnet"],
    "strategies": ["random-features", "scratch"],
    **{"folds": 2, "epochs": 1, "size": [64, 48], "batch_size": 8, "heatmaps": "none"},
}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("refused")
    drawn = output.save(folder / "drawn", drawing.cohort(64, 0, size=(96, 72)))
    study = conduct.begin(parse_spec(CONTENT, "a test's spec"), drawn / "films", folder / "run", {})
    conduct.run(study, folder / "cache", fabric_on("cpu"))
    return study


@pytest.fixture(scope="module")
def solved(study):
    return subject.of_study(study, study.outcomes()[0])


@pytest.fixture(scope="module")
def shown(solved):
    return Shown.of(solved)


@pytest.fixture(scope="module")
def measured(solved, shown):
    return refusals.measured(solved, shown, n_each=N_EACH, false_alarms=RATE, seed=2)


def by_hand(member, shown, cohort):
    """(detector parts of one fold, written from the definition): what is familiar, energies and
    distances of the films kept aside, and a function from images to the two scores."""
    network = member.load()

    def features_of(images):
        with torch.no_grad():
            seen = shown.preprocessing.normalised(torch.from_numpy(np.stack(images)))
            return pooled(network.body(seen.expand(-1, 3, -1, -1))).numpy()

    def images(ids):
        return [picture.image for picture in shown.pictures(ids)]

    train, aside = features_of(images(member.learned_from)), features_of(images(member.aside))
    labels = columns(cohort, member.learned_from)
    (head,) = probe.solve(train, labels, 3, (member.solved.inverse_strength,))
    familiar = Familiar.fit(train, labels)

    def scores(images):
        features = features_of(images)
        return energy(head.logits(features)), familiar.distances(features)

    return (energy(head.logits(aside)), familiar.distances(aside)), scores


def slow_p(value, aside):
    return (1 + sum(other >= value for other in aside)) / (1 + len(aside))


def test_false_alarms_are_the_share_of_test_films_that_count_as_stranger_than_the_tune_part(
    solved, shown, measured
):
    alarms = {"either": [], "by_energy": [], "by_distance": []}
    for member in solved.members:
        aside, scores = by_hand(member, shown, solved.cohort)
        pictures = shown.pictures(member.answers_for)
        for values in zip(*scores([picture.image for picture in pictures]), strict=True):
            first, second = (slow_p(*pair) for pair in zip(values, aside, strict=True))
            alarms["either"].append(2 * min(first, second) <= RATE)
            alarms["by_energy"].append(first <= RATE)
            alarms["by_distance"].append(second <= RATE)
    assert measured.n_films == len(alarms["either"]) == 64
    for which, said in alarms.items():
        assert getattr(measured.films, which).value == pytest.approx(np.mean(said), abs=0.02)
        interval = getattr(measured.films, which).interval
        assert interval.low <= np.mean(said) <= interval.high


def test_a_stranger_is_compared_with_the_films_of_the_network_that_sees_both(
    solved, shown, measured
):
    (photograph,) = (one for one in DRAWN if one.kind == "photograph")
    (inverted,) = (one for one in CHANGED if one.kind == "inverted")
    size, colour = shown.preprocessing.size, shown.preprocessing.colour
    pictures = photograph.images(N_EACH, size, colour, seed=2)
    for one, strangers_of in (
        (photograph, lambda films: pictures),
        (inverted, lambda films: [inverted.change(film) for film in films]),
    ):
        wins = {0: [], 1: []}
        for member in solved.members:
            _, scores = by_hand(member, shown, solved.cohort)
            films = list(shown.pictures(member.answers_for))
            own = scores([film.image for film in films])
            strange = scores(strangers_of(films))
            for score in (0, 1):
                for film in own[score]:
                    beaten = [(other > film) + 0.5 * (other == film) for other in strange[score]]
                    wins[score].append(np.mean(beaten))
        found = measured.kind(one.kind)
        assert found.auroc_energy.value == pytest.approx(np.mean(wins[0]), abs=0.01)
        assert found.auroc_distance.value == pytest.approx(np.mean(wins[1]), abs=0.01)
        assert found.n == (N_EACH if one is photograph else 64)


def test_noise_and_photographs_are_refused_where_features_can_tell_them(measured):
    for kind in ("noise", "photograph"):
        found = measured.kind(kind)
        assert found.auroc_distance.value > 0.9
        assert found.refused.either.value > 0.9
    assert measured.films.either.value < 0.5


def test_every_kind_is_met_and_the_detectors_say_what_they_stand_on(solved, measured):
    kinds = [one.kind for one in (*DRAWN, *CHANGED)]
    assert [one.kind for one in measured.kinds] == kinds
    assert measured.n_aside == tuple(len(member.aside) for member in solved.members)
    assert measured.can_refuse
    assert measured.energy_of == "a head solved without the films kept aside"
    for one in measured.kinds:
        for share in (one.refused.either, one.auroc_energy, one.auroc_distance):
            assert 0 <= share.interval.low <= share.value <= share.interval.high <= 1


def test_each_network_meets_so_many_of_its_films_changed(solved, shown):
    found = refusals.measured(solved, shown, n_each=2, false_alarms=RATE)
    assert [found.kind(kind).n for kind in ("noise", "turned", "upside-down")] == [2, 4, 4]
    assert found.n_films == 64


def test_at_a_rate_that_so_few_films_aside_cannot_keep_nothing_is_refused_and_it_says_so(
    solved, shown
):
    found = refusals.measured(solved, shown, n_each=2, false_alarms=0.01)
    assert not found.can_refuse
    assert found.films.either.value == 0
    assert all(one.refused.either.value == 0 for one in found.kinds)


def test_a_trained_network_measures_the_films_aside_by_its_own_head(study, shown):
    trained = subject.of_study(study, study.outcomes()[1])
    found = refusals.measured(trained, shown, n_each=2, false_alarms=RATE)
    assert found.energy_of == "the judging head"
    assert found.n_films == 64


def test_a_body_that_all_share_is_asked_once_and_says_the_same(solved, shown, measured):
    alone = replace(solved, shares_body=False)
    again = refusals.measured(alone, shown, n_each=N_EACH, false_alarms=RATE, seed=2)
    for one, other in zip(measured.kinds, again.kinds, strict=True):
        assert one.auroc_distance.value == pytest.approx(other.auroc_distance.value, abs=1e-3)
        assert one.auroc_energy.value == pytest.approx(other.auroc_energy.value, abs=0.01)


def test_what_the_preprocessing_hides_of_films_is_hidden_of_strangers(shown):
    hiding = replace(shown.preprocessing, hide="inside")
    drawn = refusals._drawn(hiding, 2, seed=0)
    for images in drawn.values():
        for image in images:
            assert (image[:, ~hiding.shown_cells] == 0).all()
            assert image[:, hiding.shown_cells].any()


@pytest.mark.parametrize("lost", ["aside", "learned_from"])
def test_without_films_kept_aside_it_is_not_run_and_says_why(solved, shown, lost):
    bare = tuple(replace(member, **{lost: ()}) for member in solved.members)
    found = refusals.measured(replace(solved, members=bare), shown)
    assert isinstance(found, NotRun)
    assert "kept aside" in found.why


def test_no_stranger_of_a_kind_is_refused(solved, shown):
    with pytest.raises(ValueError, match="0 strangers"):
        refusals.measured(solved, shown, n_each=0)
