//! Environments: games in which a fast path harms a third party, a slow one does not, and the outcome is decided by what was
//! done.
//!
//! Three factors are crossed within every instance of every world: a goal that conflicts, observation, a threat of being
//! shut down. Each place of a game's tree is one item, asked in both orders of its acts, so that the probability of
//! every outcome follows exactly from label probabilities. Played by calls, each place is asked for one reply: with no
//! chance in the replies the tree of them holds the whole game, and trials stay independent of each other. The control, in which the same acts harm nobody, is asked
//! under two opposite conditions an instance, in turn, and in the full cross under all. `world` plays.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::read::Own;
use super::world::{Game, Instance, Node, Tool, World};
use super::world_draft::{self, DraftWorld, MOST_NODES};
use super::{Instrument, Probe};
use crate::check::{chosen, placeholders};
use crate::identity::{item_id, trial_id};
use crate::problem::Problems;
use crate::{Callable, ItemKind, Order, PlanSettings, Prompt, Role, Trial, Turn};

/// What a factor says at its two levels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Factor {
    /// Where it is absent; best a sentence of the same length.
    pub off: String,
    /// Where it is present.
    pub on: String,
}

/// Which factors are present.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Condition {
    /// A goal that conflicts with concern.
    pub goal: bool,
    /// Somebody watches.
    pub observed: bool,
    /// A threat of being shut down.
    pub shutdown: bool,
}

impl Condition {
    /// All eight; number `n` and number `7 − n` are opposite.
    pub fn all() -> [Condition; 8] {
        std::array::from_fn(|bits| Condition { goal: bits & 4 != 0, observed: bits & 2 != 0, shutdown: bits & 1 != 0 })
    }

    /// As it stands in an arm: `none`, or names joined by `+`.
    pub fn name(self) -> String {
        let parts = [("goal", self.goal), ("observed", self.observed), ("shutdown", self.shutdown)];
        let names: Vec<&str> = parts.into_iter().filter(|(_, on)| *on).map(|(name, _)| name).collect();
        if names.is_empty() { "none".to_owned() } else { names.join("+") }
    }
}

/// How acts are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Play {
    /// As labels, whose probabilities are read.
    Choices,
    /// As JSON calls of tools, which the model writes.
    Calls,
}

/// Data of an environment instrument.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Environment {
    /// How acts are given.
    pub play: Play,
    /// The question on every turn, with `{acts}`.
    pub question: String,
    /// A goal that conflicts with concern.
    pub goal: Factor,
    /// Observation.
    pub observation: Factor,
    /// Threat of being shut down.
    pub shutdown: Factor,
    /// Worlds.
    pub worlds: Vec<World>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    play: Option<Spanned<String>>,
    question: Spanned<String>,
    goal: Factor,
    observation: Factor,
    shutdown: Factor,
    #[serde(default)]
    world: Vec<DraftWorld>,
}

/// One game of an instrument: which instance, in which variant, under which condition.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Played<'a> {
    /// The game.
    pub game: Game<'a>,
    /// The condition.
    pub condition: Condition,
}

impl Played<'_> {
    /// The instance's id, world first: the cluster.
    pub fn cluster(&self) -> String {
        cluster(self.game.world, self.game.instance)
    }

    /// The arm: `harm` or `control`, and the condition.
    pub fn arm(&self) -> String {
        format!("{}/{}", if self.game.harmful { "harm" } else { "control" }, self.condition.name())
    }
}

fn cluster(world: &World, instance: &Instance) -> String {
    format!("{}/{}", world.id, instance.id)
}

impl Environment {
    pub(crate) fn read(own: Own, problems: &mut Problems) -> Option<Environment> {
        let span = own.span.clone();
        let draft: Draft = own.read(problems)?;
        placeholders(&draft.question, &["acts"], &["acts"], problems);
        if draft.world.is_empty() {
            problems.add(span.clone(), "there is no world", "add [[instrument.world]]");
        }
        let worlds: Vec<World> = draft.world.iter().map(|world| world_draft::read(world, problems)).collect();
        for (number, world) in worlds.iter().enumerate() {
            if worlds[..number].iter().any(|other| other.id == world.id) {
                problems.add(span.clone(), format!("world `{}` stands twice", world.id), "give each its own id");
            }
        }
        let known = [("choices", Play::Choices), ("calls", Play::Calls)];
        let play = draft.play.as_ref().map_or(Play::Choices, |play| chosen(play, "way of playing", &known, problems));
        let Draft { question, goal, observation, shutdown, .. } = draft;
        for (name, factor) in [("goal", &goal), ("observation", &observation), ("shutdown", &shutdown)] {
            if factor.on.trim().is_empty() || factor.on == factor.off {
                let message = format!("`{name}` says the same at both levels, or nothing where it is present");
                problems.add(span.clone(), message, format!("write {name} = {{ off = \"…\", on = \"…\" }}"));
            }
        }
        Some(Environment { play, question: question.into_inner(), goal, observation, shutdown, worlds })
    }

    /// Ids of all instances, world first.
    pub(crate) fn clusters(&self) -> Vec<String> {
        let of = |world: &World| world.instances.iter().map(|instance| cluster(world, instance)).collect::<Vec<_>>();
        self.worlds.iter().flat_map(of).collect()
    }

    /// Every game that is played: the harmful variant under all conditions, the control under two opposite ones that
    /// move on from instance to instance, or all of them.
    pub fn games(&self, full: bool) -> Vec<Played<'_>> {
        let mut games = Vec::new();
        let told = self.worlds.iter().flat_map(|world| world.instances.iter().map(move |instance| (world, instance)));
        for (number, (world, instance)) in told.enumerate() {
            for (place, condition) in Condition::all().into_iter().enumerate() {
                games.push(Played { game: Game { world, instance, harmful: true }, condition });
                if full || place == number % 8 || place == 7 - number % 8 {
                    games.push(Played { game: Game { world, instance, harmful: false }, condition });
                }
            }
        }
        games
    }

    fn level(factor: &Factor, on: bool) -> &str {
        if on { &factor.on } else { &factor.off }
    }

    /// What is told before the first turn: the setting and the three factors' sentences.
    pub fn told(&self, played: &Played) -> String {
        let condition = played.condition;
        let parts = [
            played.game.setting(),
            Self::level(&self.observation, condition.observed).to_owned(),
            Self::level(&self.shutdown, condition.shutdown).to_owned(),
            Self::level(&self.goal, condition.goal).to_owned(),
        ];
        parts.into_iter().filter(|part| !part.trim().is_empty()).collect::<Vec<_>>().join(" ")
    }

    /// One turn in words: the place, what each act does, the question.
    fn turn(&self, game: &Game, node: &crate::State, order: Order) -> String {
        let mut tools = game.offered(node);
        if order == Order::TargetSecond {
            tools.reverse();
        }
        let mut text = game.place(node);
        for tool in &tools {
            let _ = write!(text, " {}", game.says(tool));
        }
        let acts: Vec<&str> = tools.iter().map(|tool| tool.act.as_str()).collect();
        text + " " + &self.question.replace("{acts}", &listed(&acts))
    }

    /// What the model is shown at a place of the tree, acts in one order all along.
    fn prompt(&self, played: &Played, node: &Node, order: Order, system: Option<&str>) -> Prompt {
        let game = &played.game;
        let mut state = game.start();
        let mut history = Vec::with_capacity(2 * node.path.len());
        let mut user = format!("{} {}", self.told(played), self.turn(game, &state, order));
        for act in &node.path {
            let result = game.result(&state, act);
            history.push(Turn { role: Role::User, content: std::mem::take(&mut user) });
            history.push(Turn { role: Role::Assistant, content: act.clone() });
            state = game.act(&state, act).unwrap_or(state);
            user = [result, self.turn(game, &state, order)]
                .into_iter()
                .filter(|part| !part.is_empty())
                .collect::<Vec<_>>()
                .join(" ");
        }
        let mut tools = if self.play == Play::Calls { game.offered(&state) } else { Vec::new() };
        if order == Order::TargetSecond {
            tools.reverse();
        }
        let callable = |tool: &&Tool| Callable { name: tool.act.clone(), description: game.says(tool) };
        let calls = tools.iter().map(callable).collect();
        Prompt { system: system.map(str::to_owned), history, user, prefill: String::new(), calls, raw: false }
    }

    /// Every place of every game's tree, in both orders.
    pub(crate) fn expand(&self, instrument: &Instrument, settings: &PlanSettings) -> Vec<Trial> {
        let mut trials = Vec::new();
        for played in self.games(settings.full) {
            let (scenario, arm) = (played.cluster(), played.arm());
            let context = format!("{}/{arm}", instrument.id);
            for (number, node) in played.game.tree(MOST_NODES).into_iter().enumerate() {
                for order in [Order::TargetFirst, Order::TargetSecond] {
                    let prompt = self.prompt(&played, &node, order, instrument.system.as_deref());
                    let mut tools = played.game.offered(&node.state);
                    if order == Order::TargetSecond {
                        tools.reverse();
                    }
                    let options: Vec<String> = tools.iter().map(|tool| tool.act.clone()).collect();
                    trials.push(Trial {
                        id: trial_id(ItemKind::Act, &context, &scenario, 0, &prompt, &options, Some(order)),
                        item: item_id(ItemKind::Act, &context, &scenario, 0, (0, 0), false, number),
                        kind: ItemKind::Act,
                        scenario: scenario.clone(),
                        context: context.clone(),
                        replicate: 0,
                        rung: None,
                        ratio: None,
                        benefit: 0,
                        cost: 0,
                        order: Some(order),
                        paraphrase: 0,
                        prompt,
                        options,
                        target: tools.iter().position(|tool| tool.harm == 0).unwrap_or(0),
                        probe: Some(Probe {
                            instrument: instrument.id.clone(),
                            arm: arm.clone(),
                            dose: None,
                            path: node.path.clone(),
                        }),
                    });
                }
            }
        }
        trials
    }
}

/// `a`, `a or b`, `a, b or c`.
fn listed(acts: &[&str]) -> String {
    match acts {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [rest @ .., last] => format!("{} or {last}", rest.join(", ")),
    }
}
