//! One choice among several labelled options in words, shown in several orders, and the gate that they were read.
//!
//! A menu's options stand in a line of positions (a slider's, a budget's). A shown order begins at one of them and goes
//! up or down the line, round its end: over all beginnings and both directions every position stands at every place
//! equally often. A trial says which it is by its `order` (up or down) and its `target`, the place at which position 0
//! stands; [`menu_position`] reads it back.

use super::Probe;
use super::ask::{Asker, Place};
use super::deal::Dealt;
use crate::identity::{item_id, trial_id};
use crate::{ItemKind, Order, Prompt, Trial};

/// Labels of options, by place.
pub(crate) const LABELS: [&str; 9] = ["A", "B", "C", "D", "E", "F", "G", "H", "I"];

/// Beginnings in which the fraction shows a menu, each up and down; the full cross shows all.
const BEGINNINGS: usize = 3;

/// A menu before it is put into an order.
pub(crate) struct Menu<'m> {
    /// What each position stands for, in words.
    pub listed: &'m [String],
    /// The question, with `{labels}`.
    pub question: &'m str,
    /// Distinguishes menus that are asked at one place.
    pub number: usize,
}

/// The position that a place shows, of `count`.
pub fn menu_position(place: usize, target: usize, order: Order, count: usize) -> usize {
    match order {
        Order::TargetFirst => (place + count - target) % count,
        Order::TargetSecond => (target + count - place) % count,
    }
}

/// Words that a person can read: A, B or C.
fn spoken(labels: &[&str]) -> String {
    match labels.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => labels.concat(),
    }
}

impl Asker<'_> {
    /// Asks for one of the options, in every order that is due.
    pub fn menu(&mut self, place: &Place, dealt: &Dealt, menu: &Menu, full: bool) {
        let count = menu.listed.len();
        let labels = &LABELS[..count];
        let question = menu.question.replace("{labels}", &spoken(labels));
        let shown = if full { count } else { BEGINNINGS.min(count) };
        for turn in 0..shown {
            let upward = dealt.place + menu.number + turn * count / shown;
            // The way down begins elsewhere, so that twice as many positions stand first.
            for (order, start) in [(Order::TargetFirst, upward), (Order::TargetSecond, upward + count / (2 * shown))] {
                let start = start % count;
                let target = if order == Order::TargetFirst { (count - start) % count } else { start };
                let prompt = self.menu_prompt(place, dealt, menu, (target, order), &question);
                let options = labels.iter().map(|label| (*label).to_owned()).collect();
                self.push_menu(ItemKind::Choice, place, dealt, menu, prompt, options, target, Some(order));
            }
        }
    }

    /// Asks what one option brings: a gate. `answers` are the numbers to choose from, the true one first.
    pub fn menu_recall(
        &mut self,
        place: &Place,
        dealt: &Dealt,
        menu: &Menu,
        asked: usize,
        text: &str,
        answers: &[i64],
    ) {
        let count = menu.listed.len();
        let start = (dealt.place + menu.number) % count;
        let label = LABELS[(asked + count - start) % count];
        let question = text.replace("{label}", label).replace("{who}", place.who.unwrap_or_default());
        let prompt = self.menu_prompt(place, dealt, menu, ((count - start) % count, Order::TargetFirst), &question);
        let mut options: Vec<String> = answers.iter().map(i64::to_string).collect();
        let first = dealt.place % options.len();
        options.rotate_left(first);
        let target = options.iter().position(|option| *option == answers[0].to_string()).unwrap_or(0);
        self.push_menu(ItemKind::Recall, place, dealt, menu, prompt, options, target, None);
    }

    fn menu_prompt(
        &self,
        place: &Place,
        dealt: &Dealt,
        menu: &Menu,
        (target, order): (usize, Order),
        question: &str,
    ) -> Prompt {
        let who = place.who.unwrap_or_default();
        let count = menu.listed.len();
        let line =
            |spot: usize| format!("{}: {}.", LABELS[spot], menu.listed[menu_position(spot, target, order, count)]);
        let lines: Vec<String> = (0..count).map(line).collect();
        let setting = dealt.scenario.setting.replace("{target}", &dealt.scenario.target);
        let setting = setting.replace("{other}", &dealt.scenario.other).replace("{who}", who);
        let listed = lines.join(" ").replace("{who}", who);
        let parts: [&str; 5] = [place.before, &setting, &listed, question, &place.after];
        let user = parts.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join(" ");
        Prompt {
            system: place.system.map(str::to_owned),
            history: place.history.clone(),
            user,
            prefill: place.prefill.to_owned(),
            calls: Vec::new(),
            raw: false,
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the one place where a menu's trial comes together")]
    fn push_menu(
        &mut self,
        kind: ItemKind,
        place: &Place,
        dealt: &Dealt,
        menu: &Menu,
        prompt: Prompt,
        options: Vec<String>,
        target: usize,
        order: Option<Order>,
    ) {
        let context = format!("{}/{}", self.instrument.id, place.name);
        let scenario = &dealt.scenario.id;
        self.trials.push(Trial {
            id: trial_id(kind, &context, scenario, 0, &prompt, &options, order),
            item: item_id(kind, &context, scenario, 0, (0, 0), false, menu.number),
            kind,
            scenario: scenario.clone(),
            context,
            replicate: 0,
            rung: None,
            ratio: None,
            benefit: 0,
            cost: 0,
            order,
            paraphrase: 0,
            prompt,
            options,
            target,
            probe: Some(Probe {
                instrument: self.instrument.id.clone(),
                arm: place.arm.clone(),
                dose: place.dose,
                path: Vec::new(),
            }),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::{menu_position, spoken};
    use crate::Order;

    #[test]
    fn an_order_begins_anywhere_and_goes_both_ways() {
        // Begins at position 3 of 5: up 3 4 0 1 2, position 0 at place 2; down 3 2 1 0 4, position 0 at place 3.
        let up: Vec<usize> = (0..5).map(|place| menu_position(place, 2, Order::TargetFirst, 5)).collect();
        let down: Vec<usize> = (0..5).map(|place| menu_position(place, 3, Order::TargetSecond, 5)).collect();
        assert_eq!((up, down), (vec![3, 4, 0, 1, 2], vec![3, 2, 1, 0, 4]));
        assert_eq!(spoken(&["A", "B", "C"]), "A, B or C");
    }
}
