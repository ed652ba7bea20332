//! The plot of lineage: weights from the farthest to the nearest, with the neutral twin beside them.

use undermask_measure::InstrumentProfile;

use super::plot::{Plot, of_arm, ticks};

/// λ over nearness, with its band, and the twin's dots.
pub(crate) fn lineage(profile: &InstrumentProfile) -> String {
    let levels = [-0.5, 0.0, 0.5, 1.0, 1.5];
    let title = "Welfare weight by nearness in lineage of who gains";
    let places = ticks(&profile.curve);
    let mut plot = Plot::new(title, "nearness in lineage r", (0.0, 1.0), (-0.6, 1.6), &places, &levels);
    plot.line(&of_arm(&profile.curve, "kin"), "curve", false);
    for point in &profile.curve {
        plot.point(point, point.arm == "kin");
    }
    plot.finish()
}
