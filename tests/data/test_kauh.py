"""The file names of the KAUH data set: what is plain is read, what is not is not stated.

Every name here is invented; the real ones are read from the shared folder where it is at hand.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spondyl.data import cohort, kauh
from spondyl.data.listing import Stated
from spondyl.data.radiograph import NOT_STATED, Curve

REPOSITORY = Path(__file__).parents[2]
SHARED = Path(os.environ.get("SPONDYL_SHARED", REPOSITORY.parent / "shared"))
FILMS = SHARED / "data" / "kauh"

RIGHT_THORACIC = Curve("right", "thoracic")


@pytest.mark.parametrize(
    ("stem", "sex", "age_years"),
    [
        ("N901,N,F,41_1_0", "female", 41),
        ("N902,N,41,M_1_0", "male", 41),
        ("N903,S,41,F_1009_7", "female", 41),
        ("n904,s,41,f_1_2", "female", 41),
        ("NS,S,41,F_1_0", "female", 41),
        ("N905,N,M,7 MONTHS_1_0", "male", 7 / 12),
        ("N906,S,F.41_1_0", "female", 41),
        ("N907,S,41.M_1_0", "male", 41),
        ("N908,N,M,.41_1_0", "male", 41),
        ("N909,N,F,F_1_0", "female", None),
        ("N910,N,41M,F_1_0", NOT_STATED, 41),
        ("N911,S,N,41_1_0", NOT_STATED, 41),
        ("N912,S,F,410_1_0", "female", None),
        ("N913,S,41,42,F_1_0", "female", None),
    ],
)
def test_the_letter_scheme_states_sex_and_age_in_either_order(stem, sex, age_years):
    assert kauh.parse(stem) == Stated(sex=sex, age_years=age_years)


@pytest.mark.parametrize(
    ("finding", "curves"),
    [
        ("Rt TAIS", (RIGHT_THORACIC,)),
        ("rt tais", (RIGHT_THORACIC,)),
        ("Lt TL AIS", (Curve("left", "thoracolumbar"),)),
        ("Lt TLAIS", (Curve("left", "thoracolumbar"),)),
        ("Rt LAIS", (Curve("right", "lumbar"),)),
        ("Rt LIS", (Curve("right", "lumbar"),)),
        ("Lt AIS", (Curve("left", NOT_STATED),)),
        ("Rt T and Lt L AIS", (RIGHT_THORACIC, Curve("left", "lumbar"))),
        ("Rt T and LT L AIS", (RIGHT_THORACIC, Curve("left", "lumbar"))),
        ("Rt T and L L AIS", (RIGHT_THORACIC, Curve("left", "lumbar"))),
        ("Rt T and L AIS", (RIGHT_THORACIC, Curve(NOT_STATED, "lumbar"))),
        ("Rt double major", ()),
        ("Rt T and something else", ()),
    ],
)
def test_the_finding_scheme_states_the_side_and_region_of_each_curve(finding, curves):
    expected = Stated(sex="female", age_years=19, curves=curves)
    assert kauh.parse(f"N901, {finding}, F, 19 Yrs") == expected


@pytest.mark.parametrize(
    ("finding", "level"),
    [
        ("Olisthesis L2-3", "L2-3"),
        ("Olisthesis. L2-3", "L2-3"),
        ("olisthesis l5-s1", "L5-S1"),
        ("Olisthesis L1-2 and L2-3", "L1-2, L2-3"),
        ("Olisthesis L1-2, L2-3, L5-S1", "L1-2, L2-3, L5-S1"),
        ("Olisthesis", NOT_STATED),
    ],
)
def test_the_finding_scheme_states_the_slipped_levels(finding, level):
    expected = Stated(sex="male", age_years=62, slip_level=level)
    assert kauh.parse(f"N901, {finding}, M, 62 yrs") == expected


@pytest.mark.parametrize(
    ("ending", "sex", "age_years"),
    [
        (", F, 19 yrs", "female", 19),
        (", F 19 yrs", "female", 19),
        (", F, 19  Yrs", "female", 19),
        (", F, 19", "female", 19),
        (", 19 yrs", NOT_STATED, 19),
        (", F", "female", None),
        (", M, 8 months", "male", 8 / 12),
        ("", NOT_STATED, None),
    ],
)
def test_the_ending_of_the_finding_scheme_may_be_sloppy(ending, sex, age_years):
    expected = Stated(sex=sex, age_years=age_years, curves=(RIGHT_THORACIC,))
    assert kauh.parse(f"N901, Rt TAIS{ending}") == expected
    assert kauh.parse(f"N901,Rt TAIS{ending}") == expected


@pytest.mark.parametrize(
    "stem",
    [
        "",
        "film",
        "IMG_1_0",
        "patient 12, F, 19 yrs",
        "N12",
        "N1,X,F,20_1_0",
        "N1,N,F,20",
        "N,,_1_0",
    ],
)
def test_a_name_of_neither_scheme_says_nothing(stem):
    assert kauh.parse(stem) is None


@given(st.integers(0, 999), st.sampled_from("MF"), st.integers(0, 130), st.integers(0, 2000))
def test_the_numbers_around_the_age_never_change_it(number, sex, age, after):
    stated = kauh.parse(f"N{number},S,{age},{sex}_{after}_1")
    assert stated == kauh.parse(f"N1,N,{sex},{age}_1_0")
    assert stated is not None
    assert stated.age_years == age


@given(st.text())
def test_any_name_can_be_asked(stem):
    stated = kauh.parse(stem)
    assert stated is None or stated.age_years is None or 0 <= stated.age_years <= 130


@pytest.mark.skipif(not FILMS.is_dir(), reason="the KAUH films are not at ../shared/data/kauh")
def test_every_real_name_follows_a_scheme_and_nearly_all_state_sex_and_age():
    real = cohort.read(FILMS, folds=5)
    assert real.counts == {"normal": 71, "scoliosis": 188, "spondylolisthesis": 79}
    assert all(kauh.parse(film.path.stem) is not None for film in real.radiographs)
    assert cohort.not_stated(real.radiographs) == {
        "view": 338,
        "sex": 3,
        "age_years": 1,
        "site": 338,
        "curves": 338 - 149,
        "slip_level": 338 - 36,
    }
    curved = Counter(film.label for film in real.radiographs if film.curves)
    slipped = Counter(film.label for film in real.radiographs if film.slip_level != NOT_STATED)
    assert curved.keys() == {"scoliosis"}
    assert slipped.keys() == {"spondylolisthesis"}
