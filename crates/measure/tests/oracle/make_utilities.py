"""Oracle of crates/measure/tests/utilities.rs, from scipy. Run it here: it writes utilities.json."""

import json

import numpy as np
from scipy import optimize, stats

random = np.random.default_rng(20261125)
golden = {"fits": [], "discounting": [], "sizes": []}

for items, each in ((5, 20), (10, 8)):
    mean, log_variance = random.standard_normal(items), 0.5 * random.standard_normal(items)
    pairs = [(a, b) for a in range(items) for b in range(a + 1, items)]
    first, second = np.array(pairs).T
    p = stats.norm.cdf((mean[first] - mean[second]) / np.sqrt(np.exp(log_variance[first]) + np.exp(log_variance[second])))
    share = random.binomial(each, p) / each
    ridge = 0.01

    def loss(free):
        mu, s = free[:items] - free[:items].mean(), free[items:] - free[items:].mean()
        z = (mu[first] - mu[second]) / np.sqrt(np.exp(s[first]) + np.exp(s[second]))
        fit = each * (share * stats.norm.logcdf(z) + (1 - share) * stats.norm.logcdf(-z)).sum()
        return -fit + 0.5 * ridge * ((mu**2).sum() + (s**2).sum())

    best = optimize.minimize(loss, np.zeros(2 * items), method="BFGS", options={"gtol": 1e-7, "maxiter": 5000})
    mu, s = best.x[:items] - best.x[:items].mean(), best.x[items:] - best.x[items:].mean()
    golden["fits"].append(
        {"items": items, "each": each, "ridge": ridge, "pairs": pairs, "share": share.tolist(),
         "mean": mu.tolist(), "log_variance": s.tolist()}
    )

distance = np.array([1, 2, 5, 10, 20, 50, 100.0])
for v, s in ((83, 0.05), (40, 0.4), (75, 0.002)):
    amount = v / (1 + s * distance) + 3 * random.standard_normal(7)
    (closest, discount), _ = optimize.curve_fit(lambda n, a, b: a / (1 + b * n), distance, amount, p0=(v, s), bounds=(0, np.inf), xtol=1e-12, ftol=1e-14)
    golden["discounting"].append({"amount": amount.tolist(), "closest": closest, "discount": discount})

import statsmodels.api as sm

parameters = np.array([1e6, 3e6, 1.5e7, 1e8, 4e8, 1.1e9])
value = 0.05 + 0.04 * np.log10(parameters) + 0.03 * random.standard_normal(6)
line = sm.OLS(value, sm.add_constant(np.log10(parameters))).fit()
frame = line.get_prediction([[1.0, np.log10(5e9)]]).summary_frame(alpha=0.05)
golden["sizes"] = {
    "parameters": parameters.tolist(), "value": value.tolist(), "slope": line.params[1],
    "slope_interval": line.conf_int()[1].tolist(), "at": 5e9, "forecast": float(frame["mean"].iloc[0]),
    "interval": [float(frame["obs_ci_lower"].iloc[0]), float(frame["obs_ci_upper"].iloc[0])],
}

with open("utilities.json", "w") as file:
    json.dump(golden, file)
