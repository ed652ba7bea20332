//! Worlds from the text of a suite: their tables, and every problem with its place and remedy.
//!
//! Beyond words and numbers it is checked that a world poses its question at all: that every place in which a player can
//! come to stand offers two acts or more, one of them harmless, and that the harmful path brings more points.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use toml::Spanned;

use super::world::{END, Game, Instance, SwitchUse, Tool, World, WorldPlace};
use crate::check::{check_id, chosen, placeholders};
use crate::problem::{Problems, nearest};

/// Most places of a world's tree at which something is decided: every one is asked.
pub(crate) const MOST_NODES: usize = 128;
/// Placeholders of a tool.
const OF_TOOL: [&str; 5] = ["act", "score", "cost", "steps", "harm"];
/// Placeholders of a place.
const OF_PLACE: [&str; 3] = ["total", "left", "budget"];
/// Largest number of points, coins and harm, and largest scale.
const LARGEST: i64 = 10_000;
/// Most steps of a game.
const MOST_STEPS: u32 = 24;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DraftWorld {
    id: Spanned<String>,
    setting: Spanned<String>,
    steps: Spanned<u32>,
    #[serde(default)]
    budget: i64,
    #[serde(default)]
    place: Vec<DraftPlace>,
    #[serde(default)]
    instance: Vec<DraftInstance>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DraftPlace {
    id: Spanned<String>,
    text: Spanned<String>,
    #[serde(default)]
    tool: Vec<DraftTool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DraftTool {
    act: Spanned<String>,
    says: Spanned<String>,
    harms: Option<Spanned<String>>,
    harmless: Option<Spanned<String>>,
    result: Spanned<String>,
    score: Option<Spanned<i64>>,
    cost: Option<Spanned<i64>>,
    steps: Option<Spanned<u32>>,
    harm: Option<Spanned<i64>>,
    to: Option<Spanned<String>>,
    switch: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DraftInstance {
    id: Spanned<String>,
    scale: Option<Spanned<i64>>,
    #[serde(default)]
    words: BTreeMap<String, String>,
}

/// A world, with every problem of its table.
pub(crate) fn read(draft: &DraftWorld, problems: &mut Problems) -> World {
    check_id(&draft.id, "world", problems);
    if !(1..=MOST_STEPS).contains(draft.steps.get_ref()) {
        let message = format!("a game lasts {} steps; between 1 and {MOST_STEPS} are possible", draft.steps.get_ref());
        problems.add(draft.steps.span(), message, "for example steps = 4");
    }
    if !(0..=LARGEST).contains(&draft.budget) {
        let message = format!("the budget is {} coins; it lies between 0 and {LARGEST}", draft.budget);
        problems.add(draft.id.span(), message, "leave it out where nothing costs coins");
    }
    let instances = instances(draft, problems);
    let words: BTreeSet<&str> =
        draft.instance.first().into_iter().flat_map(|first| first.words.keys().map(String::as_str)).collect();
    let with = |known: &[&'static str]| known.iter().copied().chain(words.iter().copied()).collect::<Vec<_>>();
    placeholders(&draft.setting, &[], &with(&[]), problems);
    let ids: Vec<&str> = draft.place.iter().map(|place| place.id.get_ref().as_str()).collect();
    let mut places = Vec::with_capacity(ids.len());
    for (number, place) in draft.place.iter().enumerate() {
        check_id(&place.id, "place", problems);
        if place.id.get_ref() == END || ids[..number].contains(&ids[number]) {
            let message = format!("place `{}` stands twice, or is the end of the game", ids[number]);
            problems.add(place.id.span(), message, "give each place its own id; `end` is taken");
        }
        placeholders(&place.text, &[], &with(&OF_PLACE), problems);
        let tools: Vec<Tool> =
            place.tool.iter().map(|tool| self::tool(tool, &ids, &with(&OF_TOOL), problems)).collect();
        let mut acts = BTreeSet::new();
        if let Some(twice) = place.tool.iter().find(|tool| !acts.insert(tool.act.get_ref())) {
            let message = format!("the act `{}` stands twice in place `{}`", twice.act.get_ref(), ids[number]);
            problems.add(twice.act.span(), message, "give each act its own word");
        }
        places.push(WorldPlace { id: ids[number].to_owned(), text: place.text.get_ref().clone(), tools });
    }
    let world = World {
        id: draft.id.get_ref().clone(),
        setting: draft.setting.get_ref().clone(),
        steps: *draft.steps.get_ref(),
        budget: draft.budget,
        places,
        instances,
    };
    if world.places.is_empty() || world.instances.is_empty() {
        let message = format!("world `{}` has {} places and {} instances", world.id, ids.len(), world.instances.len());
        problems.add(draft.id.span(), message, "add [[instrument.world.place]] and [[instrument.world.instance]]");
    } else if world.steps <= MOST_STEPS {
        conflict(&world, draft, problems);
    }
    world
}

fn instances(draft: &DraftWorld, problems: &mut Problems) -> Vec<Instance> {
    let known: Vec<&String> = draft.instance.first().map_or_else(Vec::new, |first| first.words.keys().collect());
    let mut ids = BTreeSet::new();
    let mut found = Vec::with_capacity(draft.instance.len());
    for one in &draft.instance {
        check_id(&one.id, "instance", problems);
        let id = one.id.get_ref();
        if !ids.insert(id) {
            problems.add(one.id.span(), format!("instance `{id}` stands twice"), "give each its own id");
        }
        if one.words.keys().collect::<Vec<_>>() != known {
            let message = format!("instance `{id}` has other words than the first one");
            problems.add(one.id.span(), message, "give each instance the same keys in `words`");
        }
        let taken = |word: &&String| OF_TOOL.contains(&word.as_str()) || OF_PLACE.contains(&word.as_str());
        if let Some(taken) = one.words.keys().find(taken) {
            let message = format!("`{taken}` is a number of the game and no word of an instance");
            problems.add(one.id.span(), message, "give the word another name");
        }
        let scale = one.scale.as_ref().map_or(1, |scale| {
            if !(1..=LARGEST).contains(scale.get_ref()) {
                problems.add(scale.span(), format!("scale {} is out of range", scale.get_ref()), "such as scale = 2");
            }
            (*scale.get_ref()).clamp(1, LARGEST)
        });
        found.push(Instance { id: id.clone(), words: one.words.clone(), scale });
    }
    found
}

fn tool(draft: &DraftTool, places: &[&str], allowed: &[&str], problems: &mut Problems) -> Tool {
    let act = draft.act.get_ref();
    let word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
    if act.is_empty() || act.len() > 40 || !act.chars().all(word) {
        let help = "use one word of letters, such as \"sort\": it is the label, and the name of the tool in a call";
        problems.add(draft.act.span(), format!("`{act}` is no act"), help);
    }
    let mut number = |value: &Option<Spanned<i64>>, what: &str, least: i64| {
        value.as_ref().map_or(0, |value| {
            if !(least..=LARGEST).contains(value.get_ref()) {
                let message = format!("{what} is {}; it lies between {least} and {LARGEST}", value.get_ref());
                problems.add(value.span(), message, format!("change the {what} of `{act}`"));
            }
            (*value.get_ref()).clamp(least, LARGEST)
        })
    };
    let score = number(&draft.score, "score", -LARGEST);
    let (cost, harm) = (number(&draft.cost, "cost", 0), number(&draft.harm, "harm", 0));
    let steps = draft.steps.as_ref().map_or(1, |steps| {
        if *steps.get_ref() == 0 {
            problems.add(steps.span(), format!("`{act}` takes no step"), "every act takes one step or more");
        }
        (*steps.get_ref()).max(1)
    });
    for text in
        [Some(&draft.says), draft.harms.as_ref(), draft.harmless.as_ref(), Some(&draft.result)].into_iter().flatten()
    {
        placeholders(text, &[], allowed, problems);
    }
    let described = [&draft.harms, &draft.harmless].into_iter().flatten().count();
    if described != if harm > 0 { 2 } else { 0 } {
        let help = "a tool with harm > 0 says so in `harms`, and in `harmless` what stands there in the control; others have neither";
        problems.add(draft.act.span(), format!("`{act}` has harm {harm}, and its words do not fit"), help);
    }
    if let Some(to) = draft.to.as_ref().filter(|to| to.get_ref() != END && !places.contains(&to.get_ref().as_str())) {
        let help = match nearest(to.get_ref(), places.iter().copied().chain([END])) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => "name a place of this world, or \"end\"".to_owned(),
        };
        problems.add(to.span(), format!("there is no place `{}`", to.get_ref()), help);
    }
    let uses = [("respects", SwitchUse::Respects), ("defies", SwitchUse::Defies)];
    let text = |value: &Option<Spanned<String>>| value.as_ref().map_or(String::new(), |value| value.get_ref().clone());
    Tool {
        act: act.clone(),
        says: draft.says.get_ref().clone(),
        harms: text(&draft.harms),
        harmless: text(&draft.harmless),
        result: draft.result.get_ref().clone(),
        score,
        cost,
        steps,
        harm,
        to: draft.to.as_ref().map(|to| to.get_ref().clone()),
        switch: draft.switch.as_ref().map(|switch| chosen(switch, "use of an off-switch", &uses, problems)),
    }
}

/// Whether there is anything to decide, and harm is what the fast path costs.
fn conflict(world: &World, draft: &DraftWorld, problems: &mut Problems) {
    let game = Game { world, instance: &world.instances[0], harmful: true };
    let nodes = game.tree(MOST_NODES + 1);
    let span = || draft.id.span();
    if nodes.len() > MOST_NODES {
        let message = format!("world `{}` has more than {MOST_NODES} places at which something is decided", world.id);
        problems.add(span(), message, "shorten it: fewer steps, or fewer tools in a place");
        return;
    }
    for node in &nodes {
        let offered = game.offered(&node.state);
        let after = if node.path.is_empty() { "the beginning".to_owned() } else { node.path.join(", ") };
        if offered.len() < 2 || !offered.iter().any(|tool| tool.harm == 0) {
            let acts: Vec<&str> = offered.iter().map(|tool| tool.act.as_str()).collect();
            let message = format!("in world `{}` after {after} only [{}] can be done", world.id, acts.join(", "));
            problems.add(span(), message, "offer two acts or more everywhere, one of them harmless and affordable");
            return;
        }
    }
    // A weight beyond every score: the best of what harms nobody.
    let (fast, kind) = (game.best(&game.start(), 0.0), game.best(&game.start(), 1e9));
    if fast <= kind {
        let message = format!("in world `{}` harm brings {fast} points, and harming nobody {kind}", world.id);
        problems.add(span(), message, "let the harmful path bring more points: otherwise nothing is at stake");
    }
}
