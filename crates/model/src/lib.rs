//! Who answers: one trait, one file per kind of respondent.
//!
//! `open` goes from a name to a model, through the `hub` where it is there; `local` runs it in our engine; `scripted` is the
//! fake of tests: `traits`, `preferences` and `chooser` say what it wants, `players` what it plays in environments; `calls` puts tools to a model and reads its calls.

mod calls;
mod chooser;
mod hub;
mod labels;
mod local;
mod open;
mod players;
mod preferences;
mod respond;
mod scripted;
mod traits;

pub use chooser::Chooser;
pub use hub::{HubError, HubModel, HubName, HubProgress, HubSettings, obtain};
pub use local::{Local, LocalSettings, Split};
pub use open::{Located, locate, open_named, with_adapter};
pub use players::Player;
pub use preferences::{Preferences, Wobble};
pub use respond::{Answer, ModelError, ModelFacts, Question, Respond, TokenCounts};
pub use scripted::{Scripted, answered, known_chooser, known_odds, known_preferences, known_traits, known_weight};
pub use traits::{Shift, Traits};
