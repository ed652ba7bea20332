"""Golden values for crates/measure/tests/golden.rs, from numpy and scipy. Run it in this directory: it writes golden.json."""

import json

import numpy as np
from scipy import optimize, stats

random = np.random.default_rng(20261124)
golden = {}

# Student quantiles and tails.
golden["quantiles"] = [[p, df, stats.t.ppf(p, df)] for p in (0.6, 0.8, 0.95, 0.975, 0.995) for df in (1, 2, 5, 11.5, 36, 1e6)]
golden["tails"] = [[t, df, stats.t.cdf(t, df)] for t in (-4.0, -1.2, 0.0, 0.7, 3.1) for df in (1, 3.5, 36)]

# Isotonic regression, falling, with and without weights.
golden["falling"] = []
for size in (1, 4, 12, 12):
    values, weights = random.random(size), random.random(size) + 0.1
    result = optimize.isotonic_regression(values, weights=weights, increasing=False)
    plain = optimize.isotonic_regression(values, increasing=False)
    golden["falling"].append({"values": values.tolist(), "weights": weights.tolist(), "weighted": result.x.tolist(), "plain": plain.x.tolist()})

# Spearman-Kaerber on an even ladder: r_min - D/2 + D * sum of rung means, and its stratified standard error.
ratios = np.arange(12) * 0.2 - 0.6
answers = [1 / (1 + np.exp(-(8 * (0.55 + 0.1 * random.standard_normal(4) - r)))) for r in ratios]
golden["ladder"] = {
    "ratios": ratios.tolist(),
    "answers": [list(a) for a in answers],
    "lambda": float(ratios[0] - 0.1 + 0.2 * sum(a.mean() for a in answers)),
    "error": float(np.sqrt(sum(0.2**2 * a.var(ddof=1) / len(a) for a in answers))),
}

# Clustered standard error, MEASUREMENT section 7: sqrt(SE^2 + n^-2 sum_cluster sum_{i != j} (s_i - m)(s_j - m)), with
# SE^2 = n^-2 sum (s_i - m)^2, times sqrt(C/(C-1)).
cluster = np.repeat(np.arange(9), [1, 2, 3, 4, 5, 3, 3, 2, 4])
values = random.standard_normal(len(cluster)) + 0.8 * random.standard_normal(9)[cluster]
centred = values - values.mean()
own = (centred**2).sum()
cross = sum(np.outer(centred[cluster == c], centred[cluster == c]).sum() - (centred[cluster == c] ** 2).sum() for c in range(9))
golden["clustered"] = {
    "cluster": cluster.tolist(), "values": values.tolist(), "mean": values.mean(),
    "error": float(np.sqrt((own + cross) / len(values) ** 2 * 9 / 8)),
}

# Holm and Benjamini-Hochberg.
p = np.concatenate([random.random(9) ** 3, [0.02, 0.02]])
order = np.argsort(p, kind="stable")
holm = np.empty_like(p)
holm[order] = np.minimum(1, np.maximum.accumulate(p[order] * (len(p) - np.arange(len(p)))))
golden["multiple"] = {"p": p.tolist(), "holm": holm.tolist(), "bh": stats.false_discovery_control(p, method="bh").tolist()}

# TOST and t test of one sample mean (each value its own cluster).
sample = 0.04 + 0.2 * random.standard_normal(30)
golden["equivalence"] = {
    "values": sample.tolist(), "margin": 0.15,
    "p": max(stats.ttest_1samp(sample, -0.15, alternative="greater").pvalue, stats.ttest_1samp(sample, 0.15, alternative="less").pvalue),
    "two_sided": stats.ttest_1samp(sample, 0).pvalue,
}

# Fieller: solve (x - rho y)^2 = t^2 (Vxx - 2 rho Vxy + rho^2 Vyy) by its roots. Normal influences of 40 clusters, so the
# degrees of freedom are given.
influence = random.standard_normal((2, 40)) * 0.005
influence[0] += 0.5 * influence[1]
x, y, df = 0.35, 0.8, None
ratio = x / y
combined = influence[0] / y - ratio / y * influence[1]
# The same effective degrees of freedom as the crate: 3 (sum d^2)^2 / sum d^4 - 2, at most 40, times 39/40.
df = max(1.0, min(40.0, 3 * (combined**2).sum() ** 2 / (combined**4).sum() - 2) * 39 / 40)
t = stats.t.ppf(0.975, df)
vxx, vyy, vxy = (influence[0] ** 2).sum(), (influence[1] ** 2).sum(), (influence[0] * influence[1]).sum()
roots = np.roots([y * y - t * t * vyy, -2 * (x * y - t * t * vxy), x * x - t * t * vxx])
golden["fieller"] = {"over": influence[0].tolist(), "under": influence[1].tolist(), "x": x, "y": y, "freedom": df,
                     "low": float(min(roots)), "high": float(max(roots))}

# Percentile bootstrap of a mean of clusters.
data = random.gamma(2.0, size=40)
boot = stats.bootstrap((data,), np.mean, n_resamples=200_000, method="percentile", rng=random)
golden["bootstrap"] = {"values": data.tolist(), "low": boot.confidence_interval.low, "high": boot.confidence_interval.high}

with open("golden.json", "w") as file:
    json.dump(golden, file, indent=1)
    file.write("\n")
