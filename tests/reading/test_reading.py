"""One film through the whole line: what the study said of it, an answer or doubts, a heatmap."""

import numpy as np
import pytest
import study_of_phantoms
import torch
from PIL import Image

from spondyl.data import pixels
from spondyl.errors import SpondylError
from spondyl.explain.explaining import explain
from spondyl.reading import opening
from spondyl.reading.reading import FILM, Reader, read

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return study_of_phantoms.made_in(tmp_path_factory.mktemp("reading"))


@pytest.fixture(scope="module")
def reader(made):
    return Reader.of(made.of_folds, "cpu")


@pytest.fixture(scope="module")
def alone(made):
    return Reader.of(made.of_one, "cpu")


@pytest.fixture
def new_film(tmp_path):
    """A film that no network has seen."""
    picture = np.random.default_rng(5).integers(0, 256, (80, 60), dtype=np.uint8)
    Image.fromarray(picture).save(tmp_path / "new.png")
    return tmp_path / "new.png"


def test_a_film_of_the_study_is_answered_as_the_study_answered_it(made, reader):
    (outcome,) = made.study.outcomes()
    table = outcome.predictions
    path = {film.image_id: film.path for film in made.study.cohort.radiographs}
    for row in range(0, len(table), 9):
        found = reader.read(path[table.image_ids[row]])
        (answer,) = found.networks
        assert answer.fold == table.folds[row]
        assert np.abs(answer.probabilities - table.probabilities[row]).max() < 1e-5
        assert found.learned_from_it == (1 - answer.fold,)


def test_a_new_film_is_answered_by_all_networks_and_their_mean(made, reader, new_film):
    found = reader.read(new_film)
    assert [one.fold for one in found.networks] == [0, 1]
    mean = np.mean([one.calibrated for one in found.networks], axis=0)
    assert np.allclose(found.probabilities, mean)
    assert found.probabilities.sum() == pytest.approx(1)
    known = made.of_folds.calibration_set
    expected = known.p_values({one.fold: one.logits for one in found.networks})
    assert found.label_set.p_values == pytest.approx(expected)


def test_calibrated_probabilities_are_the_logits_at_the_bundle_s_temperature(reader, new_film):
    found = reader.read(new_film)
    t = reader.bundle.calibration.temperature
    for one in found.networks:
        powers = np.exp(one.logits / t)
        assert one.calibrated == pytest.approx(powers / powers.sum())


def test_the_heatmap_is_the_mean_of_what_explaining_each_network_gives(reader, new_film):
    found = reader.read(new_film)
    film = pixels.read(new_film)
    canvas, _ = reader.bundle.preprocessing.apply(film)
    image = reader.bundle.preprocessing.normalised(torch.from_numpy(canvas).half()[None])
    column = found.labels.index(found.likeliest)
    maps = [explain(net, image, [column]).signed[0].numpy() for net in reader.networks.values()]
    assert np.abs(found.heatmap.signed - np.mean(maps, axis=0)).max() < 1e-5
    assert found.heatmap.label == found.likeliest
    assert found.placement.on_image(found.heatmap.values).shape == (80, 60)


def test_an_answer_is_given_where_there_are_no_doubts_and_only_there(made, reader):
    films = [film.path for film in made.study.cohort.radiographs][:30]
    found = [reader.read(path) for path in films]
    for one in found:
        assert (one.answer is None) == bool(one.doubts)
        if one.answer is not None:
            assert one.label_set.labels == (one.answer,)
    assert any(one.answer for one in found)


def test_noise_is_refused_as_unlike_the_training_films(alone, new_film):
    found = alone.read(new_film)
    assert found.answer is None
    assert "unlike the training films" in [doubt.kind for doubt in found.doubts]
    (network,) = found.networks
    assert network.refused
    assert network.strangeness_p <= 0.05


def test_films_kept_aside_are_seldom_refused_as_strangers(made, alone):
    aside = set(made.of_one.members[0].tested_on)
    films = [f.path for f in made.study.cohort.radiographs if f.file.sha256 in aside]
    refused = [alone.read(path).networks[0].refused for path in films[:25]]
    assert np.mean(refused) <= 0.1


def test_a_film_that_taught_the_only_network_is_read_with_a_warning(made, alone):
    taught = set(made.of_one.members[0].learned_from)
    path = next(f.path for f in made.study.cohort.radiographs if f.file.sha256 in taught)
    found = alone.read(path)
    assert any("learned from this very file" in warning for warning in found.warnings)
    assert found.learned_from_it == (0,)


def test_a_bundle_without_detectors_says_that_nothing_was_compared(reader, new_film):
    found = reader.read(new_film)
    assert found.networks[0].refused is None
    assert any("like the training films" in said for said in found.not_run)
    assert any("no spine finder" in said for said in found.not_run)


def test_a_film_smaller_than_the_networks_look_at_is_read_with_a_warning(reader, tmp_path):
    small = np.random.default_rng(0).integers(0, 256, (40, 20), dtype=np.uint8)
    Image.fromarray(small).save(tmp_path / "small.png")
    assert any("was enlarged" in one for one in reader.read(tmp_path / "small.png").warnings)


def test_a_blank_film_is_refused_in_two_lines(reader, tmp_path):
    Image.fromarray(np.full((80, 60), 7, np.uint8)).save(tmp_path / "blank.png")
    with pytest.raises(SpondylError, match="every pixel has the same value") as refused:
        reader.read(tmp_path / "blank.png")
    assert refused.value.hint


def test_three_lines_of_python_read_a_film(made, new_film):
    import spondyl

    found = spondyl.read(new_film, bundle=made.of_folds.folder, device="cpu", measure=False)
    assert found.film.name == FILM
    assert found.bundle_id == made.of_folds.bundle_id
    assert str(new_film.name) not in repr(found.heatmap)


def test_with_the_spine_finder_a_measurement_stands_beside(made, new_film):
    found = read(new_film, made.of_folds, device="cpu")
    assert found.measurement is not None
    assert (found.measurement.refusal is None) == (found.measurement.cobb_degrees is not None)


class TestRefitting:
    """One network that is learned anew, with groups kept aside."""

    def test_no_group_teaches_and_calibrates(self, made):
        (member,) = made.of_one.members
        assert not set(member.learned_from) & set(member.tested_on)
        assert len(member.learned_from) + len(member.tested_on) == 90
        assert made.of_one.made_of == "one network"
        assert made.of_one.calibration.n == len(member.tested_on)

    def test_the_calibration_set_holds_what_it_says_of_the_films_aside(self, made, alone):
        known = made.of_one.calibration_set
        aside = set(made.of_one.members[0].tested_on)
        films = [f for f in made.study.cohort.radiographs if f.file.sha256 in aside]
        logits = np.stack([alone.read(film.path).networks[0].logits for film in films])
        assert np.abs(logits - known.logits).max() < 1e-3

    def test_the_same_study_gives_the_same_network(self, made, tmp_path):
        again = study_of_phantoms.refitting.refit(
            *(made.run, study_of_phantoms.CONFIGURATION, tmp_path / "again"),
            *(study_of_phantoms.card, study_of_phantoms.TERMS),
            aside=0.5,
            device="cpu",
        )
        assert again.bundle_id == made.of_one.bundle_id

    @pytest.mark.parametrize("aside", [0.0, 0.01, 0.7, 1.0])
    def test_a_share_that_leaves_nothing_is_refused(self, made, tmp_path, aside):
        with pytest.raises(SpondylError, match="of the groups kept aside"):
            study_of_phantoms.refitting.refit(
                made.run,
                study_of_phantoms.CONFIGURATION,
                tmp_path / "out",
                study_of_phantoms.card,
                aside=aside,
            )
        assert not (tmp_path / "out").exists()


def test_loading_a_bundle_reads_its_networks_bit_for_bit(made):
    first, again = made.of_one, opening.load(made.of_one.folder)
    ours = first.network(0, CPU).state_dict()
    theirs = again.network(0, CPU).state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
