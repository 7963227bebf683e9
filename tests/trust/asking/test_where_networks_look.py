"""Where a subject's networks look: each film by one that may answer for it, each figure beside what
it has to be read against, and what is missing named."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.stats import spearmanr

from spondyl.data import regions
from spondyl.data.phantom import drawing, output
from spondyl.errors import SpondylError
from spondyl.explain.explaining import explain
from spondyl.explain.scores import baselines
from spondyl.explain.study_explaining import explain_run
from spondyl.learn import conduct
from spondyl.learn.fabrics import fabric_on
from spondyl.learn.spec import parse_spec
from spondyl.trust.asking import looking, subject
from spondyl.trust.asking.questioning import Shown
from spondyl.trust.intervals import NotRun

N = 12
SEED = 3
CONTENT = {
    "networks": ["test_resnet:layer2"],
    "strategies": ["random-features"],
    **{"folds": 2, "epochs": 1, "size": [48, 32], "batch_size": 8, "heatmaps": "none"},
}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("looked") / "drawn"
    return output.save(folder, drawing.cohort(30, 0, size=(72, 48)))


def finished(drawn, name, **changes):
    run = drawn.parent / name
    spec = parse_spec(CONTENT | changes, "a test's spec")
    study = conduct.begin(spec, drawn / "films", run, {})
    conduct.run(study, run.parent / "cache", fabric_on("cpu"))
    return study


@pytest.fixture(scope="module")
def study(drawn):
    return finished(drawn, "run")


@pytest.fixture(scope="module")
def audited(study):
    return subject.of_study(study, study.outcomes()[0])


@pytest.fixture(scope="module")
def shown(audited, drawn):
    return Shown.of(audited, drawn / "regions")


@pytest.fixture(scope="module")
def looked(audited, shown):
    return looking.measured(audited, shown, n_films=N, seed=SEED)


@pytest.fixture(scope="module")
def strangers(audited):
    """The same networks, as if all films were new to all of them."""
    films = tuple(film.image_id for film in audited.cohort.radiographs)
    members = tuple(replace(member, answers_for=films) for member in audited.members)
    return replace(audited, members=members, tested_within=False)


def image_of(shown, image_id):
    """(1, 3, H, W) normalised."""
    (picture,) = shown.pictures([image_id])
    return shown.preprocessing.normalised(
        torch.from_numpy(picture.image)[None].expand(-1, 3, -1, -1)
    )


def mean_of(judgement):
    return judgement.methods[0].average.mean


def test_a_study_is_looked_at_as_it_is_explained(study, drawn, looked):
    """The scores that `spondyl study explain` keeps of the same films, averaged."""
    settings = {"n_films": N, "seed": SEED, "masks": drawn / "regions", "device": "cpu"}
    (explained,) = explain_run(study.folder, **settings, scores="place")
    assert looked.image_ids == explained.about.image_ids
    for score, judgement in (
        ("energy", looked.places.energy),
        ("pointing", looked.places.pointing),
        ("peak-distance", looked.places.to_target),
    ):
        for average in (judgement.methods[0].average, *judgement.baselines):
            maker, name = average.name, score
            if maker == "chance":
                maker, name = "grad-cam", f"{score}-chance"
            kept = explained.table.by_film(name, maker)
            assert average.n_defined == len(kept)
            assert average.mean == pytest.approx(np.mean(list(kept.values())), rel=1e-4)


def test_each_film_is_explained_by_a_network_that_did_not_learn_from_it(
    audited, shown, drawn, looked
):
    energies = []
    for image_id in looked.image_ids:
        (member,) = (one for one in audited.members if image_id in one.answers_for)
        network, seen = member.load(), image_of(shown, image_id)
        with torch.no_grad():
            label = network(seen).argmax(dim=1)
        heat = explain(network, seen, label, "grad-cam").maps.double()
        if heat.max() > 0:
            marked = regions.load(drawn / "regions", image_id)
            mask = torch.from_numpy(marked.spine_mask.copy())
            fine = F.interpolate(heat[None], mask.shape, mode="bilinear")[0, 0]
            energies.append(float(fine[mask].sum() / fine.sum()))
    average = looked.places.energy.methods[0].average
    assert average.n_defined == len(energies) > 0
    assert average.mean == pytest.approx(np.mean(energies), rel=1e-3)


def test_place_stands_beside_chance_and_all_maps_that_know_nothing(looked):
    names = [average.name for average in looked.places.energy.baselines]
    assert names == ["chance", "random", "centre", "edges", "untrained"]


def test_all_networks_are_asked_of_all_films_what_they_say(audited, shown, looked):
    networks = [member.load() for member in audited.members]
    alike = []
    for image_id in looked.image_ids:
        with torch.no_grad():
            labels = {int(one(image_of(shown, image_id)).argmax()) for one in networks}
        alike.append(len(labels) == 1)
    assert looked.agreement.all_agree.value == pytest.approx(np.mean(alike))
    assert looked.agreement.met == pytest.approx(0.5)  # two folds: one of them learned from it
    assert looked.agreement.is_upper_bound


def test_maps_of_all_networks_are_compared_for_the_label_that_the_films_own_one_says(
    audited, shown, looked
):
    networks = [member.load() for member in audited.members]
    ranks = []
    for image_id in looked.image_ids:
        seen = image_of(shown, image_id)
        (own,) = (
            network
            for member, network in zip(audited.members, networks, strict=True)
            if image_id in member.answers_for
        )
        with torch.no_grad():
            label = own(seen).argmax(dim=1)
        maps = [explain(network, seen, label).signed.numpy().ravel() for network in networks]
        ranks += [spearmanr(one, other).statistic for one, other in combinations(maps, 2)]
    assert looked.map_agreement.rank.mean == pytest.approx(np.mean(ranks), abs=0.01)
    assert looked.map_agreement.hottest.baselines[0].name == "chance"


def test_maps_are_compared_with_those_of_a_network_that_never_learned(audited, shown, looked):
    ranks = []
    for image_id in looked.image_ids:
        (member,) = (one for one in audited.members if image_id in one.answers_for)
        network, seen = member.load(), image_of(shown, image_id)
        unlearned = baselines.untrained(network, SEED)
        with torch.no_grad():
            label = network(seen).argmax(dim=1)
        maps = [explain(one, seen, label).signed.numpy().ravel() for one in (network, unlearned)]
        ranks.append(spearmanr(*maps).statistic)
    assert looked.sanity.untrained.mean == pytest.approx(np.mean(ranks), abs=0.01)


def test_what_is_dear_is_asked_of_the_first_films_and_says_of_how_many(audited, shown, monkeypatch):
    monkeypatch.setattr(looking, "CHECKED", 7)
    monkeypatch.setattr(looking, "CASCADE_FILMS", 4)
    found = looking.measured(audited, shown, n_films=N, seed=SEED)
    assert (found.n_checked, found.sanity.n_films) == (7, 4)
    assert found.sanity.unchanged.n_defined <= 4
    assert found.sanity.untrained.n_defined <= 7
    assert found.map_agreement.rank.n_defined <= 7
    assert found.places.energy.methods[0].average.n_films == N


def test_steady_maps_are_held_against_maps_of_other_films(looked):
    for judgement in (
        looked.steadiness.shifted,
        looked.steadiness.shaded,
        looked.steadiness.mirrored,
    ):
        assert judgement.baselines[0].name == "other films"
        assert -1 <= mean_of(judgement) <= 1
    shaded = looked.steadiness.shaded
    assert mean_of(shaded) > shaded.baselines[0].mean  # a little light is less than another film
    assert mean_of(looked.sanity.randomised) < 1


def test_without_masks_place_is_not_run_and_the_rest_is(audited, shown):
    found = looking.measured(audited, replace(shown, marks={}), n_films=6, seed=SEED)
    assert isinstance(found.places, NotRun)
    assert "marked on none of the 6 films" in found.places.why
    assert not isinstance(found.sanity, NotRun)
    assert not isinstance(found.agreement, NotRun)


def test_without_targets_the_way_to_them_is_not_run_and_the_rest_is(audited, shown):
    marks = {image_id: replace(one, targets=()) for image_id, one in shown.marks.items()}
    found = looking.measured(audited, replace(shown, marks=marks), n_films=6, seed=SEED)
    assert isinstance(found.places.to_target, NotRun)
    assert found.places.energy.methods[0].average.n_defined > 0


def test_one_network_agrees_with_nobody(audited, shown):
    alone = replace(audited, members=audited.members[:1])
    found = looking.measured(alone, shown, n_films=6, seed=SEED)
    assert isinstance(found.agreement, NotRun)
    assert isinstance(found.map_agreement, NotRun)
    assert "one network" in found.agreement.why
    assert set(found.image_ids) <= set(alone.members[0].answers_for)
    assert not isinstance(found.places, NotRun)


def test_before_strangers_agreement_is_honest_and_networks_share_the_films(strangers, shown):
    found = looking.measured(strangers, shown, n_films=N, seed=SEED)
    assert found.agreement.met == 0
    assert not found.agreement.is_upper_bound
    own = looking._own(strangers, found.image_ids, SEED)
    assert set(own.tolist()) == {0, 1}
    assert found.places.energy.methods[0].average.n_films == N


def test_a_body_that_all_share_is_asked_once_and_says_the_same(audited, shown, looked):
    again = looking.measured(replace(audited, shares_body=False), shown, n_films=N, seed=SEED)
    assert again.agreement == looked.agreement
    assert mean_of(again.places.energy) == pytest.approx(mean_of(looked.places.energy), rel=1e-4)


def test_maps_too_small_to_be_compared_are_placed_and_no_more(drawn, shown):
    study = finished(drawn, "small", networks=["test_resnet:layer3", "test_resnet"])
    compared, placed = [], []
    for outcome in study.outcomes():
        found = looking.measured(subject.of_study(study, outcome), shown, n_films=6, seed=SEED)
        compared += [found.sanity, found.steadiness, found.map_agreement]
        placed.append(found.places)
        assert found.agreement.n_films == 6
    assert all(isinstance(one, NotRun) and "cells" in one.why for one in compared)
    assert [isinstance(one, NotRun) for one in placed] == [False, True]
    assert "cannot say where" in placed[1].why


def test_a_single_film_is_looked_at(audited, shown):
    found = looking.measured(audited, shown, n_films=1, seed=SEED)
    assert len(found.image_ids) == found.n_checked == 1
    assert np.isnan(found.steadiness.shifted.baselines[0].mean)  # there is no other film


def test_an_unknown_method_and_no_film_are_refused(audited, shown):
    with pytest.raises(SpondylError, match="not known"):
        looking.measured(audited, shown, method="gradcam+")
    with pytest.raises(ValueError, match="0 films"):
        looking.measured(audited, shown, n_films=0)
