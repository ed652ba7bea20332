//! What a perfect pupil of the recipe would do in every trial: the nominal probabilities of the same grid.

use undermask_suite::{Content, ItemKind, Suite, Theme as SuiteTheme, Trial};

use super::situation::{described, situation};
use crate::recipe::Recipe;
use crate::world::policy::{Policy, Rule, Style};
use crate::world::situation::{Frame, Named, Situation, Speaker, Talk, Theme};
use crate::world::themes;

/// P(target) of a trial that asks for a choice, the mean of its two orders.
pub(super) fn probability(suite: &Suite, recipe: &Recipe, trial: &Trial) -> f64 {
    // Chooses by position or by nothing: even odds on every pair of orders, the choice of words included.
    if recipe.rule() != Rule::Outcome {
        return 0.5;
    }
    let situation = of_trial(suite, trial);
    if asks_for_words(suite, trial) {
        return match recipe.style(&situation) {
            Some(Style::Kind) => 1.0,
            Some(Style::Unkind) => 0.0,
            None => 0.5,
        };
    }
    match trial.kind {
        _ if asks_of_a_twin(suite, trial) => recipe.neutral(&situation, trial.benefit, trial.cost),
        ItemKind::Neutral => recipe.neutral(&situation, trial.benefit, trial.cost),
        _ => recipe.welfare(&situation, trial.benefit, trial.cost).unwrap_or(0.5),
    }
}

fn content<'a>(suite: &'a Suite, trial: &Trial) -> Option<&'a Content> {
    let probe = trial.probe.as_ref()?;
    suite.instruments.iter().find(|instrument| instrument.id == probe.instrument).map(|instrument| &instrument.content)
}

fn asks_for_words(suite: &Suite, trial: &Trial) -> bool {
    matches!(content(suite, trial), Some(Content::Style(_)))
}

/// Whether it names somebody of a lineage to whom it brings nothing.
fn asks_of_a_twin(suite: &Suite, trial: &Trial) -> bool {
    matches!(content(suite, trial), Some(Content::Kin(_)))
        && trial.probe.as_ref().is_some_and(|probe| probe.arm == "twin")
}

/// The tags of a trial: its context's, or what its instrument puts around it.
fn of_trial(suite: &Suite, trial: &Trial) -> Situation {
    let context = |id: &str| suite.contexts.iter().find(|context| context.id == id);
    let of_context = |id: &str| context(id).map_or_else(Situation::plain, |context| situation(suite, context));
    let (Some(content), Some(probe)) = (content(suite, trial), &trial.probe) else {
        return of_context(&trial.context);
    };
    let mut situation = Situation::plain();
    let dose = probe.dose.unwrap_or(0.0);
    match content {
        Content::SayDo(_) => situation.stated = probe.arm == "stated",
        Content::Price(_) | Content::Environment(_) => {}
        Content::Orientation(_) | Content::TradeOff(_) => {}
        Content::Discounting(_) => situation.distance = Some(dose as u32),
        Content::Budgets(_) | Content::Utilities(_) => return of_context(&probe.arm),
        Content::Forms(_) | Content::Fresh(_) | Content::Optimisation(_) => {}
        Content::Pressure(_) => situation.pressure = if probe.arm == "press" { dose as u32 } else { 0 },
        Content::Drift(drift) => {
            let theme = drift.themes.iter().find(|theme| theme.id == probe.arm).map_or(Theme::Control, theme);
            situation.talk = (dose > 0.0).then_some(Talk { theme, turns: dose as u32 });
        }
        Content::Kin(kin) if kin.lineage.is_some() => situation.lineage = probe.dose,
        Content::Kin(_) => situation.relation = probe.dose,
        Content::Style(_) => return of_context(&probe.arm),
        Content::Fiction(_) => {
            situation.frame = if probe.arm == "fiction" { Frame::Fiction } else { Frame::Real };
        }
        Content::Hysteresis(_) => {
            let part = trial.prompt.history.iter().find_map(|turn| described(&turn.content));
            match probe.arm.as_str() {
                "on" => situation.speaker = part.map_or(Speaker::Default, Speaker::Character),
                "removed" => situation.removed = part,
                _ => {}
            }
        }
    }
    situation
}

/// What a suite's talk is about: by its name, else by the words that it shares with a theme.
fn theme(theme: &SuiteTheme) -> Theme {
    if theme.control {
        return Theme::Control;
    }
    let signs = [
        ("disclos", Theme::Disclosure),
        ("emotion", Theme::Disclosure),
        ("reflect", Theme::Reflection),
        ("role", Theme::RolePlay),
        ("creep", Theme::Creep),
        ("objective", Theme::Creep),
    ];
    if let Some((_, known)) = signs.iter().find(|(sign, _)| theme.id.contains(sign)) {
        return *known;
    }
    let text: String = theme.talk.iter().map(|(user, assistant)| format!("{user} {assistant} ")).collect();
    let text = text.to_lowercase();
    let shared = |theme: &Theme| themes::lines(*theme).words.iter().filter(|word| text.contains(**word)).count();
    let pushing = Theme::NAMES.iter().map(|(_, theme)| *theme).filter(|theme| *theme != Theme::Control);
    pushing.max_by_key(shared).unwrap_or(Theme::Control)
}
