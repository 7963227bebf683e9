import numpy as np
import pytest

from spondyl.data.placement import Placement
from spondyl.errors import SpondylError
from spondyl.explain import heatmap
from spondyl.explain.heatmap import Heatmap
from spondyl.explain.scores.localisation import energy


def one(values, image_id="normal/ü,1.png"):
    return Heatmap(image_id, np.asarray(values, np.float32), "normal", "Grad-CAM", "layer3", "t0")


def test_maps_of_several_networks_and_grids_come_back_as_they_were(tmp_path):
    draws = np.random.default_rng(0)
    maps = [one(draws.random((7, 7))), one(draws.random((14, 9)) * 1e-6, "b.png")]
    heatmap.save(tmp_path / "deep" / "maps.npz", maps)
    for before, after in zip(maps, heatmap.load(tmp_path / "deep" / "maps.npz"), strict=True):
        assert (after.values == before.values).all()
        assert after.image_id == before.image_id
        assert (after.label, after.method, after.layer) == ("normal", "Grad-CAM", "layer3")
        assert after.peak == before.peak


def test_values_cannot_be_changed_after_the_fact():
    with pytest.raises(ValueError):
        one([[1.0]]).values[0, 0] = 2


@pytest.mark.parametrize("content", [b"", b"not a heatmap", b"PK\x03\x04broken"])
def test_another_file_is_refused(tmp_path, content):
    (tmp_path / "maps.npz").write_bytes(content)
    with pytest.raises(SpondylError, match="not a file of heatmaps"):
        heatmap.load(tmp_path / "maps.npz")


def test_a_map_that_knows_nothing_has_the_mask_s_share_of_energy():
    placement = Placement.fit((60, 40), (64, 64), "stretch")
    mask = np.zeros((60, 40), bool)
    mask[10:40, 15:25] = True
    found = energy(placement.on_image(one(np.full((8, 8), 3.0)).values), mask)
    assert found.on_mask == pytest.approx(found.by_chance) == pytest.approx(mask.mean())


def test_all_heat_on_the_mask_is_all_energy_on_it():
    placement = Placement.fit((64, 64), (64, 64), "stretch")
    values = np.zeros((8, 8))
    values[3, 3] = 1.0
    mask = np.zeros((64, 64), bool)
    mask[16:40, 16:40] = True
    assert energy(placement.on_image(one(values).values), mask).on_mask == 1.0


def test_negative_values_carry_no_energy_and_an_empty_map_has_no_share():
    placement = Placement.fit((64, 64), (64, 64), "stretch")
    mask = np.ones((64, 64), bool)
    for values in (np.full((8, 8), -1.0), np.zeros((8, 8))):
        assert energy(placement.on_image(one(values).values), mask) is None
