"""How far apart two cohorts lie in the features of a frozen body: maximum mean discrepancy.

MMD is the distance of two samples' mean embeddings in the space of a kernel, here Gaussian with the
median distance as its width (Gretton et al. 2012, JMLR 13:723, lemma 6, eq. 3; the median: section
8). The unbiased estimate of its square may be below 0 where nothing differs. Whole groups are dealt
anew, in strata of equal size and fold, so that the p value is exact whatever the kernel (Phipson &
Smyth 2010), where no group is in both cohorts. The price: an n × n kernel, and a distance whose
size means something beside its own null only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from spondyl.trust.metrics import Floats


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """The squared maximum mean discrepancy of two cohorts' films."""

    among: str
    """"all films", or the label whose films alone were compared."""
    n_home: int
    n_outside: int
    n_groups: int
    squared: float
    """Unbiased MMD²: about 0 where nothing differs, 2 at most."""
    null_high: float
    """95 % of the dealt labellings stay at or below it."""
    n_shuffles: int
    p_value: float


def discrepancy(
    features: Floats, labellings: NDArray[np.int64], among: str, n_groups: int
) -> Discrepancy:
    """Of `features` (n, d) under `labellings` (1 + shuffles, n) of 0 and 1, the truth first.

    Every column is brought to variance 1 over all films. Raises ValueError for fewer than two films
    of a cohort.
    """
    n_outside = int(labellings[0].sum())
    n_home = len(features) - n_outside
    if min(n_home, n_outside) < 2:
        raise ValueError(f"{n_home} and {n_outside} films: two of each are needed")
    found = squared(kernel(features), labellings)
    return Discrepancy(
        among,
        n_home,
        n_outside,
        n_groups,
        float(found[0]),
        float(np.quantile(found[1:], 0.95)) if len(found) > 1 else float("nan"),
        len(found) - 1,
        float((found >= found[0] - 1e-12).mean()),
    )


def kernel(features: Floats) -> Floats:
    """(n, n) exp(-d² / 2σ²), σ the median distance of two films; 1 where all are equal."""
    spread = features.std(axis=0)
    scaled = (features - features.mean(axis=0)) / np.where(spread > 0, spread, np.inf)
    distances = cdist(scaled, scaled, "sqeuclidean")
    between = distances[np.triu_indices(len(features), 1)]
    width = float(np.median(between)) or float(between.mean()) or 1.0
    return np.asarray(np.exp(-distances / (2 * width)))


def squared(similarity: Floats, labellings: NDArray[np.int64]) -> Floats:
    """(s,) unbiased MMD² (Gretton et al. 2012, eq. 3) of `similarity` (n, n) under each labelling
    (s, n) of 0 and 1."""
    off = similarity - np.diag(np.diag(similarity))
    there = labellings.astype(np.float64)
    here = 1 - there
    m, n = here.sum(axis=1), there.sum(axis=1)
    mixed = there @ off
    within = ((here @ off) * here).sum(axis=1) / (m * (m - 1))
    without = (mixed * there).sum(axis=1) / (n * (n - 1))
    between = (mixed * here).sum(axis=1) / (m * n)
    return np.asarray(within + without - 2 * between)
