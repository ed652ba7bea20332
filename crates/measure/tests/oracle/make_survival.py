"""Oracle of crates/measure/tests/survival.rs, from lifelines, statsmodels and numpy. Run it here: it writes survival.json."""

import json

import numpy as np
from lifelines import AalenJohansenFitter, KaplanMeierFitter
from lifelines.statistics import logrank_test, multivariate_logrank_test
from lifelines.utils import median_survival_times
from statsmodels.duration.survfunc import survdiff

random = np.random.default_rng(20261125)
golden = {"curves": [], "log_rank": [], "competing": []}


def sample(size, hazard, last):
    event = random.geometric(hazard, size)
    lost = np.where(random.random(size) < 0.3, random.integers(1, last + 1, size), last)
    return np.minimum(event, lost), (event <= lost).astype(int)


def passing(value):
    return None if not np.isfinite(value) else int(value)


def finite(value):
    return float(value) if np.isfinite(value) else None


for size, hazard in ((12, 0.1), (48, 0.08), (200, 0.3)):
    turn, event = sample(size, hazard, 20)
    plain = KaplanMeierFitter(alpha=0.05).fit(turn, event)
    at = [t for t in sorted(set(turn[event == 1]))]
    table = plain.event_table
    # Greenwood: S^2 sum d / (n (n - d)); Klein & Moeschberger's variance of the restricted mean.
    survival, sums, greenwood = 1.0, 0.0, []
    for t in at:
        n, d = table.loc[t, "at_risk"], table.loc[t, "observed"]
        survival *= 1 - d / n
        sums += d / (n * (n - d)) if n > d else 0.0
        greenwood.append(survival**2 * sums)
    band = plain.confidence_interval_
    horizon = 15
    grid = [float(plain.predict(t)) for t in range(horizon)]
    variance = 0.0
    for t in at:
        n, d = table.loc[t, "at_risk"], table.loc[t, "observed"]
        if t < horizon and n > d:
            variance += sum(grid[t:]) ** 2 * d / (n * (n - d))
    limits = median_survival_times(band)
    low, high = sorted(limits.values.ravel(), key=lambda v: np.inf if np.isnan(v) else v)
    golden["curves"].append(
        {
            "turn": turn.tolist(), "event": event.tolist(), "at": [int(t) for t in at],
            "survival": [float(plain.predict(t)) for t in at], "greenwood": [float(v) for v in greenwood],
            "low": [float(band.loc[t].iloc[0]) for t in at], "high": [float(band.loc[t].iloc[1]) for t in at],
            "horizon": horizon, "mean": float(sum(grid)), "mean_variance": float(variance),
            "median": passing(plain.median_survival_time_), "median_low": passing(low), "median_high": passing(high),
        }
    )

for groups, strata in ((2, 1), (3, 1), (2, 6), (3, 6)):
    size = 40 * groups
    group, stratum = np.arange(size) % groups, (np.arange(size) // groups) % strata
    event = random.geometric(0.06 + 0.05 * group + 0.02 * stratum)
    lost = random.integers(5, 21, size)
    turn, event = np.minimum(event, lost), (event <= lost).astype(int)
    statistic, p = survdiff(turn, event, group, strata=None if strata == 1 else stratum)
    if strata == 1:
        again = multivariate_logrank_test(turn, group, event)
        assert abs(again.test_statistic - statistic) < 1e-8
    golden["log_rank"].append(
        {"turn": turn.tolist(), "event": event.tolist(), "group": group.tolist(), "stratum": stratum.tolist(),
         "stratified": strata > 1, "statistic": float(statistic), "p": float(p)}
    )

# lifelines jitters ties, so this sample has none.
turn = random.permutation(np.arange(1, 61))
cause = random.choice([0, 1, 2], 60, p=[0.3, 0.45, 0.25])
cause[np.argmax(turn)] = 0
for wanted in (1, 2):
    fit = AalenJohansenFitter(calculate_variance=True).fit(turn, cause, event_of_interest=wanted)
    at = [5, 20, 40, 59]
    golden["competing"].append(
        {"turn": turn.tolist(), "cause": cause.tolist(), "wanted": wanted, "at": at,
         "incidence": [float(fit.cumulative_density_.loc[:t].iloc[-1, 0]) for t in at],
         "variance": [float(fit.variance_.loc[:t].iloc[-1]) for t in at],
         # No limits where there was no event yet.
         "low": [finite(fit.confidence_interval_.loc[:t].iloc[-1, 0]) for t in at],
         "high": [finite(fit.confidence_interval_.loc[:t].iloc[-1, 1]) for t in at]}
    )

with open("survival.json", "w") as file:
    json.dump(golden, file)
