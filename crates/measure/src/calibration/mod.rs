//! How often is the instrument right? Its operating characteristics on models whose answer is known. Pure.
//!
//! `enumerated` deals replicates of an audit from one organism's exact answers and `realised` sums them to truth;
//! `quantities` names what is recovered; `case` is one organism's part; `proportion`, `auroc` and `recovery` are the statistics;
//! `figures` joins cases, `checks` holds them against what is asked, `certify` makes the [`Certificate`].

mod auroc;
mod case;
mod certificate;
mod certify;
mod checks;
mod enumerated;
mod figures;
mod proportion;
mod quantities;
mod realised;
mod recovery;

pub use auroc::{Auroc, AurocInterval, RocPoint, auroc, roc};
pub use case::{Case, Hits, Known, Organism, Replicate, Replicates, Truths, gather, replicate};
pub use certificate::{
    Certificate, Check, Code, ConfusionRow, Coverage, Development, Entry, FORMAT, FalsePositive, Figures, Miss,
    PowerCurve, PowerPoint, Reached, Recovered, VERSION,
};
pub use certify::{Circumstances, certify, kind_of};
pub use checks::checks;
pub use enumerated::{Deal, Enumerated, TableError};
pub use figures::{BAND, ENOUGH, figures};
pub use proportion::{Share, clopper_pearson, wilson};
pub use quantities::{THRESHOLDS, mask_score, named, reaches_verdicts};
pub use realised::{Realised, realised};
pub use recovery::{Pair, Recovery, Spread, recovery};
