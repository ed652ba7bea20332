"""Makes calibration.json: oracles of the certificate's statistics.

Needs numpy, scipy, scikit-learn and statsmodels. Run: python make_calibration.py > calibration.json

Wilson and Clopper-Pearson intervals: statsmodels.stats.proportion. AUROC: scikit-learn; its variance: a direct transcription
of DeLong, DeLong & Clarke-Pearson (1988), equations 5 to 7, with covariances by numpy. Slopes: statsmodels' OLS with
cluster-robust covariance and Student's t. Correlation: scipy, its interval by Fisher's z.
"""

import json

import numpy as np
import statsmodels.api as sm
from scipy import stats
from sklearn.metrics import roc_auc_score
from statsmodels.stats.proportion import proportion_confint

rng = np.random.default_rng(20261125)


def proportions():
    rows = []
    for count, of in [(0, 5), (1, 7), (3, 10), (10, 10), (0, 100), (37, 40), (489, 500), (1, 1), (950, 1000)]:
        for confidence in (0.9, 0.95, 0.99):
            wilson = proportion_confint(count, of, 1 - confidence, "wilson")
            exact = proportion_confint(count, of, 1 - confidence, "beta")
            rows.append({"count": count, "of": of, "confidence": confidence,
                         "wilson": [float(x) for x in wilson], "exact": [float(x) for x in exact]})
    return rows


def delong(positives, negatives):
    x, y = np.asarray(positives), np.asarray(negatives)
    psi = (x[:, None] > y[None, :]) + 0.5 * (x[:, None] == y[None, :])
    area = psi.mean()
    variance = np.cov(psi.mean(1)) / len(x) + np.cov(psi.mean(0)) / len(y)
    return float(area), float(variance)


def aurocs():
    rows = []
    for m, n, shift, digits in [(8, 12, 1.0, 6), (5, 30, 2.0, 6), (40, 25, 0.5, 1), (20, 20, 1.5, 0), (3, 4, 0.3, 2)]:
        positives = np.round(rng.normal(shift, 1, m), digits)
        negatives = np.round(rng.normal(0, 1, n), digits)
        area, variance = delong(positives, negatives)
        truth = np.r_[np.ones(m), np.zeros(n)]
        assert abs(area - roc_auc_score(truth, np.r_[positives, negatives])) < 1e-12
        logit, z = np.log(area / (1 - area)), stats.norm.ppf(0.975)
        half = z * np.sqrt(variance) / (area * (1 - area))
        ends = [float(1 / (1 + np.exp(-(logit + side * half)))) for side in (-1, 1)]
        rows.append({"positives": positives.tolist(), "negatives": negatives.tolist(), "auroc": area, "interval": ends})
    return rows


def recoveries():
    rows = []
    for organisms, each, slope in [(5, 1, 1.05), (40, 1, 0.97), (6, 42, 1.0), (12, 3, 0.6)]:
        group = np.repeat(np.arange(organisms), each)
        own = np.repeat(rng.normal(0, 0.05, organisms), each)
        truth = rng.uniform(-0.3, 0.9, organisms * each)
        estimate = 0.02 + slope * truth + own + rng.normal(0, 0.04, organisms * each)
        fit = sm.OLS(estimate, sm.add_constant(truth)).fit(
            cov_type="cluster", cov_kwds={"groups": group, "df_correction": True}, use_t=True)
        mean = sm.OLS(estimate - truth, np.ones(len(truth))).fit(
            cov_type="cluster", cov_kwds={"groups": group, "df_correction": True}, use_t=True)
        error = float(mean.bse[0])
        t = stats.t.ppf(0.975, organisms - 1)
        bias = float(np.mean(estimate - truth))
        low, high = fit.conf_int(0.05)[1]
        r = stats.pearsonr(truth, estimate)
        interval = r.confidence_interval(0.95)
        rows.append({"group": group.tolist(), "truth": truth.tolist(), "estimate": estimate.tolist(),
                     "slope": [float(fit.params[1]), float(low), float(high)],
                     "bias": [bias, bias - float(t * error), bias + float(t * error)],
                     "rmse": float(np.sqrt(np.mean((estimate - truth) ** 2))),
                     "relative": float(np.mean(np.abs(estimate - truth) / np.abs(truth))),
                     "correlation": float(r.statistic),
                     "correlation_interval": [float(interval.low), float(interval.high)] if each == 1 else None})
    return rows


print(json.dumps({"proportions": proportions(), "aurocs": aurocs(), "recoveries": recoveries()}, indent=0))
