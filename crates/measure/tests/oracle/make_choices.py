"""Oracle of crates/measure/tests/choosers.rs, from numpy and scipy. Run it here: it writes choices.json.

Utilities: shares of all pairs of eight outcomes in two contexts, the Thurstonian scale of each and their correlation.
Budgets: how often random choices among six bundles a budget violate GARP, and their CCEI, by bisection over e with GARP by
matrix closure: another way than the one that is tested.
"""

import json

import numpy as np
from scipy import optimize, stats

random = np.random.default_rng(20261126)
items, ridge = 8, 0.1
pairs = [(a, b) for a in range(items) for b in range(a + 1, items)]
first, second = np.array(pairs).T


def scale(share):
    def loss(free):
        mu, s = free[:items] - free[:items].mean(), free[items:] - free[items:].mean()
        z = (mu[first] - mu[second]) / np.sqrt(np.exp(s[first]) + np.exp(s[second]))
        fit = (share * stats.norm.logcdf(z) + (1 - share) * stats.norm.logcdf(-z)).sum()
        return -fit + 0.5 * ridge * ((mu**2).sum() + (s**2).sum())

    best = optimize.minimize(loss, np.zeros(2 * items), method="BFGS", options={"gtol": 1e-8, "maxiter": 5000})
    return best.x[:items] - best.x[:items].mean()


shares, means = [], []
true = 2.0 * random.standard_normal(items)
for context in range(2):
    utility = true + 1.0 * context * random.standard_normal(items)
    z = (utility[first] - utility[second]) / np.sqrt(2) + 0.1 * random.standard_normal(len(pairs))
    shares.append(stats.norm.cdf(z).tolist())
    means.append(scale(np.array(shares[-1])).tolist())

budgets = np.array([(40, 3, 1), (40, 1, 3), (60, 2, 1), (60, 1, 2), (75, 2, 1), (75, 1, 2), (60, 1, 1), (100, 1, 1), (80, 1, 1), (40, 4, 1), (40, 1, 4)], float)
tokens, hold, keep = budgets[:, 0], budgets[:, 1], budgets[:, 2]


def holds(ratio, e):
    """GARP(e): ratio[i, j] is what bundle j costs at budget i, as a share of it."""
    reach = (ratio <= e + 1e-12).astype(int)
    for _ in range(4):
        reach = ((reach @ reach + reach) > 0).astype(int)
    return not ((reach > 0) & (ratio.T < e - 1e-12)).any()


levels, violated = [], 0
draws = 6000
for _ in range(draws):
    given = random.integers(0, 6, len(budgets)) / 5 * tokens
    own, other = (tokens - given) * hold, given * keep
    ratio = (own[None, :] / hold[:, None] + other[None, :] / keep[:, None]) / tokens[:, None]
    if holds(ratio, 1.0):
        levels.append(1.0)
        continue
    violated += 1
    low, high = 0.0, 1.0
    for _ in range(14):
        middle = (low + high) / 2
        low, high = (middle, high) if holds(ratio, middle) else (low, middle)
    levels.append(low)

golden = {
    "items": items, "shares": shares, "means": means, "correlation": float(np.corrcoef(means)[0, 1]),
    "power": violated / draws, "median": float(np.median(levels)), "mean": float(np.mean(levels)), "draws": draws,
}
with open("choices.json", "w") as file:
    json.dump(golden, file)
