"""A network whose map could not say where is refused before it is trained for heatmaps."""

import pytest

from spondyl.errors import SpondylError
from spondyl.explain import map_sizes
from spondyl.learn import catalogue
from spondyl.learn.networks import ARCHITECTURES
from spondyl.learn.spec import StudySpec

KNOWN = [name for name, one in ARCHITECTURES.items() if not one.for_tests]


def spec(*networks, size=32, **more):
    return StudySpec(networks=networks, strategies=("scratch",), size=(size, size), **more)


def test_a_whole_network_at_32_pixels_is_refused_by_name_and_a_cut_of_it_is_not():
    map_sizes.refuse_mapless(spec("resnet18:layer3"))
    with pytest.raises(SpondylError, match=r"leaves resnet18 a map of 1 × 1 cells"):
        map_sizes.refuse_mapless(spec("resnet18:layer3", "resnet18"))


def test_a_study_without_heatmaps_may_have_any_map():
    map_sizes.refuse_mapless(spec("resnet18", heatmaps="none"))


@pytest.mark.parametrize("name", KNOWN)
def test_films_that_are_not_asked_about_leave_every_network_a_map(name):
    """Else `refuse_mapless` would pass over it; networks of one fixed size have that size's."""
    least = max(map_sizes.ROOMY, ARCHITECTURES[name].least_side)
    height, width = catalogue.reckoned(name, (least, least)).map_size
    assert min(height, width) >= 2
