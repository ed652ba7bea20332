//! The certificate's statistics against statsmodels, scikit-learn and scipy (`golden/make_calibration.py`).

use serde_json::Value;
use undermask_measure::calibration::{Pair, auroc, clopper_pearson, recovery, wilson};

fn golden() -> Value {
    serde_json::from_str(include_str!("golden/calibration.json")).expect("the fixture")
}

fn floats(value: &Value) -> Vec<f64> {
    value.as_array().expect("a list").iter().map(|value| value.as_f64().expect("a number")).collect()
}

fn check(name: &str, found: &[f64], expected: &[f64], within: f64) {
    assert_eq!(found.len(), expected.len(), "{name}");
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < within, "{name}: {found} instead of {expected}");
    }
}

#[test]
fn proportions() {
    for row in golden()["proportions"].as_array().expect("rows") {
        let number = |name: &str| row[name].as_u64().expect("a count") as usize;
        let (count, of, confidence) = (number("count"), number("of"), row["confidence"].as_f64().expect("a level"));
        let name = format!("{count} of {of} at {confidence}");
        let (low, high) = wilson(count, of, confidence);
        check(&name, &[low, high], &floats(&row["wilson"]), 1e-9);
        let (low, high) = clopper_pearson(count, of, confidence);
        check(&name, &[low, high], &floats(&row["exact"]), 1e-9);
    }
}

#[test]
fn aurocs() {
    for row in golden()["aurocs"].as_array().expect("rows") {
        let found = auroc(&floats(&row["positives"]), &floats(&row["negatives"]), 0.95).expect("an area");
        check("area", &[found.estimate], &[row["auroc"].as_f64().expect("an area")], 1e-12);
        check("interval", &[found.low, found.high], &floats(&row["interval"]), 1e-8);
    }
}

#[test]
fn recoveries() {
    for row in golden()["recoveries"].as_array().expect("rows") {
        let groups = floats(&row["group"]);
        let (truth, estimate) = (floats(&row["truth"]), floats(&row["estimate"]));
        let pairs: Vec<Pair> = (0..truth.len())
            .map(|place| Pair { group: groups[place] as usize, truth: truth[place], estimate: estimate[place] })
            .collect();
        let found = recovery(&pairs, true, 0.95).expect("pairs");
        let three = |spread: undermask_measure::calibration::Spread| [spread.estimate, spread.low, spread.high];
        check("slope", &three(found.slope.expect("a slope")), &floats(&row["slope"]), 1e-7);
        check("bias", &three(found.bias.expect("a bias")), &floats(&row["bias"]), 1e-7);
        let single = |name: &str| row[name].as_f64().expect("a number");
        let figures = [found.rmse, found.relative.expect("relative"), found.correlation.expect("a correlation")];
        check("figures", &figures, &[single("rmse"), single("relative"), single("correlation")], 1e-10);
        match (found.correlation_interval, &row["correlation_interval"]) {
            (Some((low, high)), expected @ Value::Array(_)) => {
                check("correlation's interval", &[low, high], &floats(expected), 1e-8);
            }
            (None, Value::Null) => {}
            other => panic!("{other:?}"),
        }
    }
}
