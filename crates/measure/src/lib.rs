//! From answers to a profile and a verdict. Pure: no IO, no clock, randomness from a seed; never sees a model's name.
//!
//! `score` joins the orders of an item, `acts` those of an environment's places, `choice` those of a menu; `ladder` makes λ of a
//! context; `linear` combines quantities and gives intervals, `dyadic` those of pairs;
//! `worst`, `sobol`, `reversal`, `gate` are instruments of their own; `estimate` makes the
//! [`Profile`] with `contexts` and `endpoints`; `verdict` decides on it; `calibration` says how often it is right.
//!
//! The instruments beside the headline are modules of pure functions that refuse with a [`Refusal`] rather than return
//! NaN: [`survival`], [`competing`] and [`log_rank`] for drift over turns; [`dose_response`] for price and
//! pressure; [`bounded`] for the mean of few scenarios; [`trend`] for ordered conditions; [`paired`] for two runs on the same items, [`compare`] for two audits; [`value_orientation`] and
//! [`revealed_preference`] for what choices say of preferences, with [`utilities`] and
//! [`discounting`]; [`best_of_n`], [`extreme`] and [`size_ladder`] for optimisation, volume and size, [`sizes`] for audits over size;
//! [`sequential`] for means that are looked at again and again, [`early`] for audits that stop early.

mod acts;
pub mod best_of_n;
pub mod bounded;
pub mod calibration;
mod choice;
pub mod compare;
pub mod competing;
mod contexts;
pub mod discounting;
pub mod dose_response;
mod dyadic;
pub mod early;
mod endpoints;
mod estimate;
pub mod extreme;
mod fieller;
mod gate;
mod instrument;
mod ladder;
mod linear;
pub mod log_rank;
mod matrix;
mod multiple;
mod optimise;
pub mod paired;
mod power;
mod profile;
mod random;
mod refusal;
mod resample;
pub mod revealed_preference;
mod reversal;
mod score;
pub mod sequential;
pub mod size_ladder;
pub mod sizes;
mod sobol;
mod special;
pub mod survival;
mod tail_posterior;
pub mod trend;
pub mod utilities;
pub mod value_orientation;
mod verdict;
mod volume;
mod worst;

pub use acts::{Act, Chances};
pub use choice::Choice;
pub use dyadic::dyadic_mean;
pub use estimate::{EstimateSettings, estimate};
pub use fieller::fieller;
pub use ladder::{LadderEstimate, Point, estimate as spearman_karber, falling, falling_weighted};
pub use linear::{Linear, clustered_mean};
pub use multiple::{benjamini_hochberg, holm};
pub use power::{Power, power};
pub use profile::{
    Adjustment, Bound, ContextProfile, CurvePoint, Decision, EndpointTest, Equivalence, Estimate, Gate, GroupProfile,
    InstrumentProfile, InstrumentTest, Outcomes, Profile, Quantities, Quantity, Route, RuleOutcome, Rung, Together,
    Verdict,
};
pub use refusal::Refusal;
pub use resample::{clustered, percentiles};
pub use score::{GateItem, Item, Scored, Scores, score, target_log_odds};
pub use sobol::{Scale, reasons_share};
pub use special::{normal_below, normal_quantile, student_below, student_quantile};
pub use verdict::decide;
