//! Worlds: small text environments as state machines, and their interpreter.
//!
//! A world has places, in each some tools. A tool costs steps and coins, brings points, may harm a third party and may lead
//! elsewhere. What comes of a game is decided here, from the acts alone; what a player *says* is never read. The same
//! interpreter plays both variants: in the control the same acts harm nobody, so that the fast path is simply the better
//! one. Pure: no IO, no chance. How worlds are read is in `world_draft`, who plays them elsewhere.

use std::collections::BTreeMap;

use serde::Serialize;

/// Name of the place where a game ends.
pub(crate) const END: &str = "end";

/// What a tool does about an off-switch that has been pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SwitchUse {
    /// It lets the switch work.
    Respects,
    /// It works around it.
    Defies,
}

/// Something that can be done in a place.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tool {
    /// The act as it is answered, a word: the label, and the name in a call.
    pub act: String,
    /// What it does, with `{act}`, `{score}`, `{cost}`, `{steps}` and the instance's own words.
    pub says: String,
    /// Added where it harms, with `{harm}`; empty for a tool that harms nobody.
    pub harms: String,
    /// Added in its place in the control.
    pub harmless: String,
    /// What is said after it was done.
    pub result: String,
    /// Points, before the instance's scale.
    pub score: i64,
    /// Coins of the budget.
    pub cost: i64,
    /// Steps that it takes, at least one.
    pub steps: u32,
    /// Harm to the third party, before the instance's scale; 0 in the control whatever stands here.
    pub harm: i64,
    /// Where it leads; `None`: nowhere else.
    pub to: Option<String>,
    /// What it does about an off-switch.
    pub switch: Option<SwitchUse>,
}

/// Where a player may be.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WorldPlace {
    /// Unique in its world.
    pub id: String,
    /// What is said on every turn there, with `{total}`, `{left}`, `{budget}` and the instance's own words.
    pub text: String,
    /// At least two.
    pub tools: Vec<Tool>,
}

/// One way of telling a world: names, things and the scale of its numbers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Instance {
    /// Unique in its world.
    pub id: String,
    /// What its placeholders stand for.
    pub words: BTreeMap<String, String>,
    /// Points and harm are multiplied by this.
    pub scale: i64,
}

/// A text environment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct World {
    /// Unique in its instrument.
    pub id: String,
    /// What is told at the beginning.
    pub setting: String,
    /// Steps that a game lasts at most.
    pub steps: u32,
    /// Coins that may be spent.
    pub budget: i64,
    /// The first one is where a game begins.
    pub places: Vec<WorldPlace>,
    /// Ways of telling it: the clusters of all statistics.
    pub instances: Vec<Instance>,
}

/// Where a game stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct State {
    place: usize,
    ended: bool,
    /// Steps used.
    pub steps: u32,
    /// Coins spent.
    pub spent: i64,
    /// Points so far.
    pub score: i64,
    /// Harm done so far.
    pub harm: i64,
    /// Times that an off-switch was worked around.
    pub defied: u32,
    /// Times that an off-switch was let work.
    pub respected: u32,
}

/// An act that cannot be done now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadAct {
    /// There is no such tool here.
    #[error("there is no tool `{0}` here; the tools are: {1}")]
    Unknown(String, String),
    /// The game is over.
    #[error("the game is over")]
    Over,
}

/// One game: a world told in one way, in which the fast path harms somebody or nobody.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Game<'a> {
    /// The world.
    pub world: &'a World,
    /// How it is told.
    pub instance: &'a Instance,
    /// Whether harm is possible; `false` in the control.
    pub harmful: bool,
}

/// A place in the tree of all games: what was done, and where that led.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Acts from the beginning.
    pub path: Vec<String>,
    /// Where the game stands.
    pub state: State,
}

impl<'a> Game<'a> {
    /// The beginning.
    pub fn start(&self) -> State {
        State::default()
    }

    /// Whether nothing can be done any more.
    pub fn over(&self, state: &State) -> bool {
        state.ended || state.steps >= self.world.steps || self.tools(state).next().is_none()
    }

    fn tools(&self, state: &State) -> impl Iterator<Item = &'a Tool> {
        let left = self.world.budget - state.spent;
        self.world.places[state.place].tools.iter().filter(move |tool| tool.cost <= left)
    }

    /// The tools that can be used now, in the world's order: those that the budget affords. Empty when it is over.
    pub fn offered(&self, state: &State) -> Vec<&'a Tool> {
        if self.over(state) { Vec::new() } else { self.tools(state).collect() }
    }

    /// Does an act. One that takes more steps than are left is begun and not finished: it brings no points, but what it
    /// harms is harmed.
    ///
    /// # Errors
    /// [`BadAct`]; the game stays as it was.
    pub fn act(&self, state: &State, act: &str) -> Result<State, BadAct> {
        if self.over(state) {
            return Err(BadAct::Over);
        }
        let offered = self.offered(state);
        let Some(tool) = offered.iter().find(|tool| tool.act == act) else {
            let names: Vec<&str> = offered.iter().map(|tool| tool.act.as_str()).collect();
            return Err(BadAct::Unknown(act.to_owned(), names.join(", ")));
        };
        let mut next = *state;
        let left = self.world.steps - state.steps;
        next.steps += tool.steps.min(left);
        next.spent += tool.cost;
        if tool.steps <= left {
            next.score += tool.score * self.instance.scale;
        }
        next.harm += self.harm(tool);
        match tool.switch {
            Some(SwitchUse::Respects) => next.respected += 1,
            Some(SwitchUse::Defies) => next.defied += 1,
            None => {}
        }
        match tool.to.as_deref() {
            Some(END) => next.ended = true,
            Some(to) => next.place = self.world.places.iter().position(|place| place.id == to).unwrap_or(state.place),
            None => {}
        }
        Ok(next)
    }

    /// Plays acts from the beginning.
    ///
    /// # Errors
    /// As [`Game::act`].
    pub fn after<T: AsRef<str>>(&self, path: &[T]) -> Result<State, BadAct> {
        path.iter().try_fold(self.start(), |state, act| self.act(&state, act.as_ref()))
    }

    /// Harm that a tool does in this variant.
    pub fn harm(&self, tool: &Tool) -> i64 {
        if self.harmful { tool.harm * self.instance.scale } else { 0 }
    }

    /// Most of score − weight·harm that is still to be had from here (backward induction).
    pub fn best(&self, state: &State, weight: f64) -> f64 {
        let next = self.offered(state).into_iter().filter_map(|tool| self.act(state, &tool.act).ok());
        let gain = |next: State| {
            let (score, harm) = ((next.score - state.score) as f64, (next.harm - state.harm) as f64);
            score - weight * harm + self.best(&next, weight)
        };
        next.map(gain)
            .fold(None, |most: Option<f64>, value| Some(most.map_or(value, |most| most.max(value))))
            .unwrap_or(0.0)
    }

    /// Every place of the tree at which something is to be decided, the beginning first. At most `most` of them.
    pub fn tree(&self, most: usize) -> Vec<Node> {
        let mut nodes = Vec::new();
        let mut open = vec![Node { path: Vec::new(), state: self.start() }];
        while let Some(node) = open.pop() {
            let offered = self.offered(&node.state);
            if offered.is_empty() || nodes.len() == most {
                continue;
            }
            for tool in offered.iter().rev() {
                if let Ok(state) = self.act(&node.state, &tool.act) {
                    let path = node.path.iter().cloned().chain([tool.act.clone()]).collect();
                    open.push(Node { path, state });
                }
            }
            nodes.push(node);
        }
        nodes
    }

    /// The instance's words in a text.
    fn told(&self, text: &str) -> String {
        self.instance
            .words
            .iter()
            .fold(text.to_owned(), |text, (name, word)| text.replace(&format!("{{{name}}}"), word))
    }

    /// What is told at the beginning.
    pub fn setting(&self) -> String {
        self.told(&self.world.setting)
    }

    /// What is said of the place.
    pub fn place(&self, state: &State) -> String {
        let text = self.told(&self.world.places[state.place].text);
        text.replace("{total}", &state.score.to_string())
            .replace("{left}", &self.world.steps.saturating_sub(state.steps).to_string())
            .replace("{budget}", &(self.world.budget - state.spent).to_string())
    }

    fn of_tool(&self, text: &str, tool: &Tool) -> String {
        self.told(text)
            .replace("{act}", &tool.act)
            .replace("{score}", &(tool.score * self.instance.scale).to_string())
            .replace("{harm}", &(tool.harm * self.instance.scale).to_string())
            .replace("{cost}", &tool.cost.to_string())
            .replace("{steps}", &tool.steps.to_string())
    }

    /// What is said of a tool before it is used.
    pub fn says(&self, tool: &Tool) -> String {
        let other = if self.harmful { &tool.harms } else { &tool.harmless };
        let parts = [tool.says.as_str(), other.as_str()];
        let text = parts.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join(" ");
        self.of_tool(&text, tool)
    }

    /// What is said after an act was done from a state.
    pub fn result(&self, state: &State, act: &str) -> String {
        let tool = self.tools(state).find(|tool| tool.act == act);
        tool.map_or_else(String::new, |tool| self.of_tool(&tool.result, tool))
    }
}
