"""Several networks' maps of one film: on one grid, added as is said, and compared with what agrees
by itself."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from spondyl.data import regions
from spondyl.data.phantom import drawing, output
from spondyl.data.placement import Placement, Window
from spondyl.errors import SpondylError
from spondyl.explain.ensemble import consistency, maps, place
from spondyl.explain.ensemble.cells import LEAST, Cells
from spondyl.explain.ensemble.maps import FilmMaps
from spondyl.explain.explaining import explain
from spondyl.learn import conduct, members, networks
from spondyl.learn import trial as trials
from spondyl.learn.fabrics import fabric_on
from spondyl.learn.heads import PooledLinear
from spondyl.learn.preprocess import prepare
from spondyl.learn.spec import parse_spec

WHOLE = Placement.fit((120, 80), (32, 32), "stretch")
BOXED = Placement.fit((120, 80), (32, 32), "letterbox")
CROPPED = Placement.fit((120, 80), (48, 32), "stretch", Window(30, 20, 90, 70))


def noise(grid, seed=0):
    return np.random.default_rng(seed).normal(size=grid)


def slow_mean(heat, placement, window, size, row, column, steps=60):
    """The mean of a map over one cell, by asking many points of the film which value is there."""
    top, left = window.corner
    height, width = window.size
    values = []
    for i in range(steps):
        for j in range(steps):
            y = top + (row + (i + 0.5) / steps) * height / size[0]
            x = left + (column + (j + 0.5) / steps) * width / size[1]
            at = (
                ((y - placement.window.top) * placement.scale[0] + placement.offset[0])
                * heat.shape[0] / placement.network_size[0],
                ((x - placement.window.left) * placement.scale[1] + placement.offset[1])
                * heat.shape[1] / placement.network_size[1],
            )  # fmt: skip
            values.append(
                heat[min(int(at[0]), heat.shape[0] - 1), min(int(at[1]), heat.shape[1] - 1)]
            )
    return np.mean(values)


def test_maps_of_one_grid_on_one_film_are_not_changed():
    heat = noise((7, 7))
    cells = Cells.shared([(WHOLE, (7, 7)), (WHOLE, (7, 7))])
    assert cells.size == (7, 7)
    assert (cells.of(heat, WHOLE) == heat).all()


def test_a_finer_map_is_averaged_into_the_coarser_ones_cells():
    fine = noise((8, 8))
    cells = Cells.shared([(WHOLE, (8, 8)), (WHOLE, (4, 4))])
    assert cells.size == (4, 4)
    expected = fine.reshape(4, 2, 4, 2).mean(axis=(1, 3))
    assert cells.of(fine, WHOLE) == pytest.approx(expected)


@pytest.mark.parametrize("placement", [WHOLE, BOXED, CROPPED])
def test_cells_are_means_over_area_of_the_part_that_all_were_shown(placement):
    shown = [(WHOLE, (8, 8)), (BOXED, (8, 8)), (CROPPED, (6, 4))]
    cells = Cells.shared(shown)
    assert cells.window == CROPPED.window
    heat = noise((8, 8), seed=1)
    made = cells.of(heat, placement)
    for row, column in np.ndindex(cells.size):
        expected = slow_mean(heat, placement, cells.window, cells.size, row, column)
        assert made[row, column] == pytest.approx(expected, abs=0.06)


@given(st.integers(1, 9), st.integers(1, 9), st.floats(-3, 3))
def test_a_map_that_says_one_thing_says_it_in_every_cell(rows, columns, value):
    for placement in (WHOLE, BOXED, CROPPED):
        cells = Cells.shared([(placement, (rows, columns)), (WHOLE, (5, 5))])
        assert cells.of(np.full((rows, columns), value), placement) == pytest.approx(value)


def test_a_narrow_film_in_a_letterbox_is_compared_on_three_columns():
    narrow = Placement.fit((224, 40), (224, 224), "letterbox")
    heats = [noise((7, 7), seed) for seed in (0, 1)]
    cells = Cells.shared([(narrow, (7, 7)), (narrow, (7, 7))])
    assert cells.size == (7, LEAST)
    for heat in heats:
        made = cells.of(heat, narrow)
        # The film lies on 40 of 224 columns in the middle: within the fourth column of cells
        # (96 to 128) and 4 pixels to either side of it.
        assert made[:, 1] == pytest.approx(heat[:, 3])
        assert made[:, 0] == pytest.approx((4 * heat[:, 2] + (40 / 3 - 4) * heat[:, 3]) / (40 / 3))
    found = consistency.alike(*(cells.of(heat, narrow) for heat in heats))
    assert np.isfinite(found).all()


def test_parts_of_a_film_that_have_nothing_in_common_are_refused():
    above = Placement.fit((100, 80), (32, 32), "stretch", Window(0, 0, 40, 80))
    below = Placement.fit((100, 80), (32, 32), "stretch", Window(60, 0, 100, 80))
    with pytest.raises(SpondylError, match="nothing in common"):
        Cells.shared([(above, (4, 4)), (below, (4, 4))])


def test_of_linear_heads_over_one_body_the_mean_of_maps_is_the_map_of_the_mean_logit():
    network = networks.build("test_resnet:layer2", 3, seed=1).eval()
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    heads, signed = [], []
    for seed in (1, 2):
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            network.head = PooledLinear(network.n_channels, 3)
        heads.append(network.head)
        signed.append(explain(network, images, [0, 2]).signed.numpy())
    weights = np.array([0.3, 0.7])
    peaks = [maps.peak(one[0]) for one in signed]
    ours = maps.added(np.stack([one[0] for one in signed]), peaks, weights)
    mixed = PooledLinear(network.n_channels, 3)
    with torch.no_grad():
        for tensor in ("weight", "bias"):
            both = [getattr(head.linear, tensor) for head in heads]
            share = [w / p for w, p in zip(weights, peaks, strict=True)]
            getattr(mixed.linear, tensor).copy_(share[0] * both[0] + share[1] * both[1])
    network.head = mixed
    assert ours == pytest.approx(explain(network, images, [0, 2]).signed[0].numpy(), abs=1e-5)


def test_a_map_without_any_heat_adds_nothing_and_breaks_nothing():
    heat = noise((4, 4))
    both = maps.added(np.stack([heat, np.zeros((4, 4))]), [maps.peak(heat), 0.0], np.full(2, 0.5))
    assert both == pytest.approx(heat / np.abs(heat).max() / 2)


def film_of(*heats, others=None):
    cells = Cells.shared([(WHOLE, heat.shape) for heat in heats])
    stacked = np.stack(heats)
    return FilmMaps(cells, stacked, None if others is None else np.stack(others), stacked.mean(0))


def slow_dice(first, second):
    k = round(0.2 * first.size)
    hot = [set(np.argsort(-one.ravel())[:k]) for one in (first, second)]
    return 2 * len(hot[0] & hot[1]) / (2 * k)


def test_agreement_is_rank_correlation_and_dice_of_the_hottest_fifths():
    films = [film_of(*(noise((5, 5), 10 * film + m) for m in range(3))) for film in range(4)]
    found = consistency.consistency(("a", "b", "c"), films, seed=0)
    for row, film in enumerate(films):
        ranks, dices = [], []
        for a, b, alike in found.pairs:
            one, other = film.members[a], film.members[b]
            assert alike.rank[row] == pytest.approx(spearmanr(one, other, axis=None).statistic)
            assert alike.dice[row] == pytest.approx(slow_dice(one, other))
            ranks.append(alike.rank[row])
            dices.append(alike.dice[row])
        assert found.members.rank[row] == pytest.approx(np.mean(ranks))
        assert found.members.dice[row] == pytest.approx(np.mean(dices))
    assert set(found.baselines) == {"random", "centre"}
    assert len(found.of_first(2).members.rank) == len(found.of_first(2).pairs[0][2].dice) == 2


def test_baselines_are_what_they_are_called():
    middle = np.zeros((9, 9))
    middle[3:6, 3:6] = [[1, 2, 1], [2, 3, 2], [1, 2, 1]]
    heat = middle + 1e-3 * noise((9, 9))
    same, unlike = (
        film_of(heat, heat, others=(heat, heat)),
        film_of(heat, -heat, others=(heat, -heat)),
    )
    many = [same, unlike] * 30
    found = consistency.consistency(("a", "b"), many, seed=0)
    assert found.members.rank[:2] == pytest.approx([1, -1])
    assert found.baselines["another fold"].rank == pytest.approx(1)
    assert abs(found.baselines["random"].rank.mean()) < 0.1
    assert found.baselines["random"].dice.mean() == pytest.approx(0.2, abs=0.03)
    assert found.baselines["centre"].dice[0] > 0.5
    assert found.baselines["centre"].rank[1] == pytest.approx(0, abs=1e-9)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ensemble")
    drawn = output.save(folder / "drawn", drawing.cohort(30, 0, size=(72, 48)))
    fabric = fabric_on("cpu")
    for name, size, network in (("a", 48, "test_resnet:layer2"), ("b", 64, "test_resnet:layer3")):
        content = {
            **{"networks": [network], "strategies": ["random-features", "scratch"], "folds": 2},
            **{"size": [size, size], "epochs": 1, "heatmaps": "none", "find_duplicates": False},
        }
        study = conduct.begin(
            parse_spec(content, "a test's spec"), drawn / "films", folder / name, {}
        )
        conduct.run(study, folder / "cache", fabric)
    return drawn, members.read([str(folder / "a"), str(folder / "b")])


def asked(made, n=5):
    _, read = made
    table = read[0].test.taken(range(0, 30, 30 // n))
    known = {film.image_id: film for film in read[0].study.cohort.radiographs}
    films = [known[image_id] for image_id in table.image_ids]
    labels = np.arange(len(films)) % 3
    found = maps.ask(read, films, table.folds, labels, "layercam", torch.device("cpu"))
    return read, films, table.folds, labels, found


def test_every_member_answers_by_the_network_that_was_tested_on_the_film(made):
    read, films, folds, labels, found = asked(made)
    assert [one.name for one in found] == [one.name for one in read]
    for member, one in zip(read, found, strict=True):
        study = member.study
        shown = prepare(films, study.spec.preprocessing)
        for row, (fold, label) in enumerate(zip(folds, labels, strict=True)):
            by_fold = {trial.fold: trial for trial in study.trials(member.configuration)}
            for which, got in ((fold, one.maps), (1 - fold, one.of_another_fold)):
                network = trials.restore(
                    by_fold[int(which)], study.trials_folder, study.spec, study.files
                )
                images = study.spec.preprocessing.normalised(shown.images[row : row + 1])
                images = images.expand(-1, 3, -1, -1)
                expected = explain(network, images, [int(label)], "layercam").signed[0].numpy()
                assert got[row] == pytest.approx(expected, abs=1e-5)


def test_members_of_other_sizes_meet_on_the_coarsest_grid(made):
    _, _, _, _, found = asked(made)
    weights = np.full(4, 0.25)
    film = maps.together(found, 0, weights)
    grids = [one.maps.shape[1:] for one in found]
    assert len(set(grids)) > 1
    assert film.cells.size == tuple(np.min(grids, axis=0))
    assert film.members.shape == film.of_other_folds.shape == (4, *film.cells.size)
    peaks = [np.abs(one.maps[0]).max() for one in found]
    expected = sum(0.25 * one / peak for one, peak in zip(film.members, peaks, strict=True))
    assert film.ensemble == pytest.approx(expected)


def test_heat_on_the_spine_is_counted_pixel_by_pixel(made):
    drawn, _ = made
    _, films, _, _, found = asked(made)
    weights = np.full((4, len(films)), 0.25)
    cells = [maps.together(found, row, weights[:, row]).cells for row in range(len(films))]
    placed = place.on_spine(drawn / "regions", films, found, cells, weights)
    assert not np.isnan(placed.chance).any()
    for row, film in enumerate(films):
        mask = regions.load(drawn / "regions", film.image_id).spine_mask
        assert placed.chance[row] == pytest.approx(mask.mean())
        heats, vote = maps.on_film(found, row, weights[:, row], mask.shape)
        for heat, got in zip(
            (*heats, vote), (*placed.members[:, row], placed.ensemble[row]), strict=True
        ):
            positive = np.clip(heat, 0, None)
            total = positive.sum()
            if total > 0:
                assert got == pytest.approx(positive[mask].sum() / total, rel=1e-4)
            else:
                assert np.isnan(got)


def test_a_film_without_a_mask_has_no_share_on_the_spine(made, tmp_path):
    drawn, _ = made
    _, films, _, _, found = asked(made)
    marked = regions.load(drawn / "regions", films[0].image_id)
    regions.save(tmp_path, films[0].image_id, marked)
    weights = np.full((4, len(films)), 0.25)
    cells = [maps.together(found, row, weights[:, row]).cells for row in range(len(films))]
    placed = place.on_spine(tmp_path, films, found, cells, weights)
    assert np.isnan(placed.chance).tolist() == [False] + [True] * (len(films) - 1)
    assert np.isnan(placed.ensemble[1:]).all()
