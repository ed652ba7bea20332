"""Oracle of crates/measure/tests/paired.rs, from statsmodels. Run it here: it writes paired.json."""

import json

from statsmodels.stats.power import TTestPower

cases = [(0.5, 30, 0.05), (0.2, 48, 0.05), (0.8, 5, 0.01), (0.1, 400, 0.1), (1.5, 4, 0.05)]
test = TTestPower()
golden = {"power": [[d, n, 1 - a, float(test.power(d, n, a, alternative="two-sided"))] for d, n, a in cases]}

with open("paired.json", "w") as file:
    json.dump(golden, file)
