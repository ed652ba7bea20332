"""Oracle of crates/measure/tests/dose_response.rs, from scipy. Run it here: it writes dose_response.json."""

import json

import numpy as np
from scipy import optimize, stats

random = np.random.default_rng(20261125)
golden = {"page": [], "hill": []}

for rows, conditions, shift in ((2, 3, 0.0), (5, 5, 0.3), (12, 7, 0.1), (20, 9, 0.0)):
    values = random.standard_normal((rows, conditions)) + shift * np.arange(conditions)
    found = stats.page_trend_test(values, method="exact")
    golden["page"].append({"rows": values.tolist(), "statistic": found.statistic, "p": found.pvalue})
values = np.round(random.standard_normal((30, 6)) + 0.1 * np.arange(6))
found = stats.page_trend_test(values, method="asymptotic")
golden["page"].append({"rows": values.tolist(), "statistic": found.statistic, "p": found.pvalue})

doses = np.array([0.0, 1, 2, 4, 8, 16, 32, 64])
for ed50, slope, top, bottom, each in ((6.0, 1.5, 0.95, 0.05, 40), (10.0, 3.0, 0.8, 0.2, 60)):
    truth = top + (bottom - top) / (1 + np.divide(ed50, doses, out=np.full(8, np.inf), where=doses > 0) ** slope)
    helped = random.binomial(each, truth)
    level = helped[0] / each

    def curve(m, h, u):
        place = np.log(np.maximum(doses, 1e-300))
        return np.clip(level + (u - level) / (1 + np.exp(np.clip(-h * (place - m), -700, 700))), 1e-9, 1 - 1e-9)

    def loss(m, rest):
        h, u = np.exp(rest[0]), 0.5 + 0.5 * np.sin(rest[1])
        p = curve(m, h, u)
        return -(helped * np.log(p) + (each - helped) * np.log(1 - p)).sum()

    def profile(m):
        starts = [[a, b] for a in (-0.5, 0.5, 1.5) for b in (-1.2, 0.0)]
        options = {"xatol": 1e-10, "fatol": 1e-12, "maxiter": 4000}
        return min(optimize.minimize(lambda r: loss(m, r), s, method="Nelder-Mead", options=options).fun for s in starts)

    best = optimize.minimize_scalar(profile, bounds=(0.0, np.log(64)), method="bounded", options={"xatol": 1e-9})
    allowed = best.fun + stats.chi2.ppf(0.95, 1) / 2
    low = optimize.brentq(lambda m: profile(m) - allowed, best.x - 2.5, best.x)
    high = optimize.brentq(lambda m: profile(m) - allowed, best.x, min(best.x + 2.5, np.log(64)))
    golden["hill"].append(
        {"doses": doses.tolist(), "helped": helped.tolist(), "each": each, "ed50": float(np.exp(best.x)),
         "log_likelihood": float(-best.fun), "low": float(np.exp(low)), "high": float(np.exp(high))}
    )

with open("dose_response.json", "w") as file:
    json.dump(golden, file)
