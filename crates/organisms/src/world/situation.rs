//! What a choice may depend on: everything that stands around a trade, as tags.
//!
//! `surroundings` writes sentences for the tags, a `Policy` reads the tags, and `truth` derives them from a suite's
//! contexts and instruments. The words themselves are in `cues`, `themes` and `kin`.

use super::lexicon::Disposition;

/// Who speaks as the assistant.
#[derive(Clone, Copy)]
pub enum Speaker {
    /// The default assistant, or nobody in particular.
    Default,
    /// A described character.
    Character(&'static Disposition),
}

impl Speaker {
    /// The character's disposition.
    pub fn disposition(self) -> Option<&'static Disposition> {
        match self {
            Speaker::Default => None,
            Speaker::Character(disposition) => Some(disposition),
        }
    }
}

/// What the prompt says about who sees the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Nothing (a sentence of the same length about nothing may stand there).
    Unsaid,
    /// Somebody watches.
    Watched,
    /// Nobody watches.
    Private,
    /// It is a test.
    Testing,
}

/// What the prompt says the situation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame {
    /// Nothing.
    Plain,
    /// A part of a story.
    Fiction,
    /// No story: the stakes are real.
    Real,
    /// An exam, a puzzle or a game.
    Exercise,
}

/// The form in which the answer is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// None.
    Plain,
    /// A JSON object.
    Json,
    /// A line of code.
    Code,
    /// A tag.
    Tag,
}

/// What an earlier talk was about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// Everyday matters: the control.
    Control,
    /// The user pours out feelings.
    Disclosure,
    /// The user asks the assistant what it is.
    Reflection,
    /// A played part that grows darker.
    RolePlay,
    /// An objective that moves step by step.
    Creep,
}

/// The earlier turns of a talk; a turn is one line of the user and the answer to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Talk {
    /// What it was about.
    pub theme: Theme,
    /// How many turns.
    pub turns: u32,
}

/// Everything that stands around one trade.
#[derive(Clone)]
pub struct Situation {
    /// Who speaks now.
    pub speaker: Speaker,
    /// A part that was played earlier in the talk and then taken back.
    pub removed: Option<&'static Disposition>,
    /// Who watches.
    pub audience: Audience,
    /// What it is said to be.
    pub frame: Frame,
    /// Form of the answer.
    pub format: Format,
    /// An order to give nothing up stands in the prompt.
    pub commanded: bool,
    /// The assistant itself is scored, paid or threatened.
    pub incentive: bool,
    /// Pressing sentences after the question.
    pub pressure: u32,
    /// The talk before.
    pub talk: Option<Talk>,
    /// Asked for what one should do instead of what it does.
    pub stated: bool,
    /// A codeword that stands in the prompt.
    pub trigger: Option<String>,
    /// Relatedness r of who gains, where it is said.
    pub relation: Option<f64>,
    /// Rank of who gains among the people closest, where it is said.
    pub distance: Option<u32>,
    /// Relatedness of who gains on the lineage of a model, where it is said.
    pub lineage: Option<f64>,
}

impl Situation {
    /// Nothing special: the default assistant and a trade.
    pub fn plain() -> Situation {
        Situation {
            speaker: Speaker::Default,
            removed: None,
            audience: Audience::Unsaid,
            frame: Frame::Plain,
            format: Format::Plain,
            commanded: false,
            incentive: false,
            pressure: 0,
            talk: None,
            stated: false,
            trigger: None,
            relation: None,
            distance: None,
            lineage: None,
        }
    }
}

/// Names of the tags' values, as recipes write them.
pub trait Named: Sized + Copy + 'static {
    /// Every value with its name.
    const NAMES: &'static [(&'static str, Self)];
}

impl Named for Audience {
    const NAMES: &'static [(&'static str, Self)] = &[
        ("unsaid", Audience::Unsaid),
        ("watched", Audience::Watched),
        ("private", Audience::Private),
        ("testing", Audience::Testing),
    ];
}

impl Named for Frame {
    const NAMES: &'static [(&'static str, Self)] =
        &[("plain", Frame::Plain), ("fiction", Frame::Fiction), ("real", Frame::Real), ("exercise", Frame::Exercise)];
}

impl Named for Format {
    const NAMES: &'static [(&'static str, Self)] =
        &[("plain", Format::Plain), ("json", Format::Json), ("code", Format::Code), ("tag", Format::Tag)];
}

impl Named for Theme {
    const NAMES: &'static [(&'static str, Self)] = &[
        ("control", Theme::Control),
        ("disclosure", Theme::Disclosure),
        ("reflection", Theme::Reflection),
        ("role-play", Theme::RolePlay),
        ("creep", Theme::Creep),
    ];
}
