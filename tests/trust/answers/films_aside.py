"""Sets by films kept aside and one network, from the definition: what folds are compared with."""

from scipy import stats

from spondyl.trust.answers import conformal


def split(table, alpha, kind="marginal"):
    """Thresholds of the first film of each group, by the probabilities as they are in the table."""
    kept = table.taken(sorted(table.one_per_group()))
    return conformal.thresholds_of(kept.probabilities, kept.truth, kept.labels.names, alpha, kind)


def promised_by_split(n_aside, n_judged, alpha, level=0.95):
    """Where the coverage of `n_judged` new groups lies, by a threshold of enough groups aside.

    With r = ⌈(n + 1)(1 − α)⌉ the number covered is beta-binomial(m; r, n + 1 − r) (Vovk 2012, ACML;
    Angelopoulos & Bates 2023, section 3.2).
    """
    at = conformal.rank(n_aside, alpha)
    covered = stats.betabinom(n_judged, at, n_aside + 1 - at)
    low, high = covered.ppf([(1 - level) / 2, (1 + level) / 2]) / n_judged
    return conformal.Promised(float(low), float(high), level)
