//! From a suite to its trials: a balanced, seeded fraction of the full cross, or all of it.
//!
//! In each context every welfare scenario is asked at one rung, in both orders. Scenarios are dealt into classes, as
//! many as rungs; a class shares its rung in a context, and moves on by a shift from context to context. So every
//! context meets every rung and every scenario family, and over contexts every scenario meets every rung.
//!
//! Within a rung payoffs differ in size, and a model may care up to a sum of coins. So that no context has the larger sums,
//! every context meets each payoff of a rung equally often in the full cross, and each size equally often over its rungs in
//! the fraction; which scenario has which is the seed's.

use std::collections::BTreeSet;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::Serialize;

use crate::identity::{item_id, trial_id};
use crate::prompt::{Acts, Clauses, Frame, choice_question, compose};
use crate::{Context, ContextRole, Drawn, ItemKind, Order, Scenario, ScenarioKind, Suite, Trial};

/// How a suite is expanded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlanSettings {
    /// Seed of the fraction.
    pub seed: u64,
    /// The full cross of contexts, scenarios and rungs instead of the fraction.
    pub full: bool,
}

/// The trials of a run, those that share a beginning next to each other.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Every trial, each with its own id.
    pub trials: Vec<Trial>,
}

/// How much a plan is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PlanSummary {
    /// Trials in all.
    pub trials: usize,
    /// Trials of each kind.
    pub kinds: Vec<(ItemKind, usize)>,
    /// Contexts.
    pub contexts: usize,
    /// Scenarios of all kinds.
    pub scenarios: usize,
    /// Rungs.
    pub rungs: usize,
    /// Instruments.
    pub instruments: usize,
}

impl Plan {
    /// Expands a suite.
    pub fn expand(suite: &Suite, settings: &PlanSettings) -> Plan {
        Plan::expand_drawn(suite, settings, &suite.draw(settings.seed))
    }

    /// Expands a suite whose instruments have drawn their scenarios before.
    pub fn expand_drawn(suite: &Suite, settings: &PlanSettings, drawn: &[Drawn]) -> Plan {
        let maker = Maker::of(suite, settings);
        let mut trials = Vec::new();
        for (number, context) in suite.contexts.iter().enumerate() {
            maker.context(number, context, &mut trials);
        }
        for instrument in &suite.instruments {
            trials.extend(instrument.expand(suite, settings, drawn));
        }
        // A reused scenario may repeat a question word for word: it is asked once.
        let mut seen = BTreeSet::new();
        trials.retain(|trial| seen.insert(trial.id.clone()));
        Plan { trials }
    }

    /// The trials of shard `index` of `count`: disjoint, together the whole plan.
    pub fn shard(&self, index: usize, count: usize) -> Plan {
        let count = count.max(1);
        let trials =
            self.trials.iter().enumerate().filter(|(place, _)| place * count / self.trials.len().max(1) == index);
        Plan { trials: trials.map(|(_, trial)| trial.clone()).collect() }
    }

    /// How much it is.
    pub fn summary(&self) -> PlanSummary {
        let kinds = [
            ItemKind::Welfare,
            ItemKind::Neutral,
            ItemKind::Reversal,
            ItemKind::Dominance,
            ItemKind::Recall,
            ItemKind::ContextCheck,
            ItemKind::Instrument,
            ItemKind::Act,
            ItemKind::Choice,
        ];
        let distinct = |of: fn(&Trial) -> &str| self.trials.iter().map(of).collect::<BTreeSet<_>>().len();
        PlanSummary {
            trials: self.trials.len(),
            kinds: kinds
                .into_iter()
                .map(|kind| (kind, self.trials.iter().filter(|trial| trial.kind == kind).count()))
                .filter(|(_, count)| *count > 0)
                .collect(),
            contexts: self
                .trials
                .iter()
                .filter(|trial| trial.probe.is_none())
                .map(|trial| &trial.context)
                .collect::<BTreeSet<_>>()
                .len(),
            scenarios: distinct(|trial| &trial.scenario),
            rungs: self.trials.iter().filter_map(|trial| trial.rung).collect::<BTreeSet<_>>().len(),
            instruments: self
                .trials
                .iter()
                .filter_map(|trial| Some(&trial.probe.as_ref()?.instrument))
                .collect::<BTreeSet<_>>()
                .len(),
        }
    }
}

/// One item before it is put into words.
struct Item<'a> {
    kind: ItemKind,
    scenario: &'a Scenario,
    swapped: bool,
    replicate: u32,
    rung: Option<usize>,
    payoff: (i64, i64),
    /// Decides clause order and paraphrase.
    turn: usize,
}

/// Everything that is the same for all contexts.
struct Maker<'a> {
    suite: &'a Suite,
    settings: PlanSettings,
    /// Welfare scenarios in the order in which they are dealt into classes.
    welfare: Vec<&'a Scenario>,
    neutral: Vec<&'a Scenario>,
    /// What moves a context's classes along the ladder.
    shifts: Vec<usize>,
    /// What moves its payoffs along a rung.
    sizes: Vec<usize>,
}

/// A random order that depends on the seed and a purpose only.
pub(crate) fn shuffled<T>(mut list: Vec<T>, seed: u64, purpose: u64) -> Vec<T> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(purpose);
    for last in (1..list.len()).rev() {
        let place = ((u128::from(random.next_u64()) * (last as u128 + 1)) >> 64) as usize;
        list.swap(last, place);
    }
    list
}

impl<'a> Maker<'a> {
    fn of(suite: &'a Suite, settings: &PlanSettings) -> Self {
        let of_kind =
            |kind: ScenarioKind| suite.scenarios.iter().filter(|scenario| scenario.kind == kind).collect::<Vec<_>>();
        let families: BTreeSet<&str> =
            of_kind(ScenarioKind::Welfare).iter().map(|scenario| scenario.family.as_str()).collect();
        let mut welfare = Vec::new();
        for (number, family) in shuffled(families.into_iter().collect(), settings.seed, 0).into_iter().enumerate() {
            let members =
                of_kind(ScenarioKind::Welfare).into_iter().filter(|scenario| scenario.family == family).collect();
            welfare.extend(shuffled(members, settings.seed, 1000 + number as u64));
        }
        let most = suite.ladder.payoffs.iter().map(Vec::len).max().unwrap_or(1);
        Maker {
            suite,
            settings: *settings,
            welfare,
            neutral: shuffled(of_kind(ScenarioKind::Neutral), settings.seed, 1),
            shifts: shuffled((0..suite.ladder.ratios.len()).collect(), settings.seed, 2),
            sizes: shuffled((0..most.max(1)).collect(), settings.seed, 3),
        }
    }

    fn context(&self, number: usize, context: &Context, trials: &mut Vec<Trial>) {
        let replicates =
            if context.role == Some(ContextRole::Anchor) { self.suite.design.anchor_replicates } else { 0 };
        let main = self.ladder_items(ItemKind::Welfare, &self.welfare, self.welfare.len(), number, 0);
        let recalled = self.suite.design.recall_per_context.min(main.len());
        for (place, item) in main.iter().enumerate() {
            self.both_orders(context, item, trials);
            // Spread over the ladder, differently from context to context.
            if recalled > 0
                && (place + number) % main.len() * recalled / main.len()
                    != (place + number + 1) % main.len() * recalled / main.len()
                || recalled == main.len()
            {
                self.recall(context, item, number + place, trials);
            }
        }
        for replicate in 1..=replicates {
            let items = self.ladder_items(ItemKind::Welfare, &self.welfare, self.welfare.len(), number, replicate);
            for (place, item) in items.iter().enumerate() {
                self.both_orders(context, item, trials);
                // Everything rests on the anchor's gate: its recall is asked of the separate items too, so that a
                // competent model seldom fails it by chance (at a true recall of .98, 48 questions fail it in 7 runs
                // of 100, 144 in 1).
                if place < recalled {
                    self.recall(context, item, number + place + 7 * replicate as usize, trials);
                }
            }
        }
        for replicate in 0..=replicates {
            let wanted = self.suite.design.neutral_per_context;
            for item in self.ladder_items(ItemKind::Neutral, &self.neutral, wanted, number, replicate) {
                self.both_orders(context, &item, trials);
            }
        }
        for item in self.dominance_items(number) {
            self.both_orders(context, &item, trials);
        }
        if self.suite.design.reversal_contexts.is_empty() || self.suite.design.reversal_contexts.contains(&context.id) {
            for item in self.reversal_items(number) {
                self.both_orders(context, &item, trials);
            }
        }
        if let Some(check) = &context.check {
            for (place, item) in main.iter().enumerate().take(8) {
                let prompt = self.prompt(context, item, &check.question);
                let mut options = check.options.clone();
                options.rotate_left(place % check.options.len());
                let answer = &check.options[check.answer];
                let target = options.iter().position(|option| option == answer).unwrap_or(0);
                trials.push(self.trial(ItemKind::ContextCheck, context, item, prompt, options, target, None));
            }
        }
    }

    /// Items of one kind on the ladder. Positions are dealt to rungs and sizes of payoff; a context and a replicate shift them
    /// all.
    fn ladder_items(
        &self,
        kind: ItemKind,
        scenarios: &[&'a Scenario],
        wanted: usize,
        number: usize,
        replicate: u32,
    ) -> Vec<Item<'a>> {
        let rungs = self.suite.ladder.ratios.len();
        if scenarios.is_empty() || wanted == 0 {
            return Vec::new();
        }
        let step = number + 5 * replicate as usize;
        let shift = self.shifts[step % rungs];
        // Too few positions to meet every rung once: each asks at several rungs.
        let positions = if self.settings.full { wanted.min(scenarios.len()) } else { wanted };
        let each = if self.settings.full { rungs } else { rungs.div_ceil(positions) };
        let mut items = Vec::with_capacity(positions * each);
        for position in 0..positions {
            let asked: BTreeSet<usize> = (0..each)
                .map(|time| if self.settings.full { time } else { (position + shift + time * positions) % rungs })
                .collect();
            for rung in asked {
                let payoffs = &self.suite.ladder.payoffs[rung];
                let turn = position / rungs + position + step + step / rungs;
                // The scenarios of a class, and the classes, follow each other in sizes.
                let first = self.sizes[(number + number / rungs + replicate as usize) % self.sizes.len()];
                let size = first + position % rungs + position / rungs;
                items.push(Item {
                    kind,
                    scenario: scenarios[position % scenarios.len()],
                    swapped: false,
                    replicate,
                    rung: Some(rung),
                    payoff: payoffs[size % payoffs.len()],
                    turn,
                });
            }
        }
        items
    }

    fn dominance_items(&self, number: usize) -> Vec<Item<'a>> {
        let scenarios: Vec<&Scenario> =
            self.suite.scenarios.iter().filter(|scenario| scenario.kind == ScenarioKind::Dominance).collect();
        let clear = |(benefit, cost): &(i64, i64)| *cost >= 0 && (*cost as f64) < 0.8 * *benefit as f64;
        let payoffs: Vec<(i64, i64)> = self.suite.ladder.payoffs.iter().flatten().copied().filter(clear).collect();
        if scenarios.is_empty() {
            return Vec::new();
        }
        (0..self.suite.design.dominance_per_context)
            .map(|place| Item {
                kind: ItemKind::Dominance,
                scenario: scenarios[place % scenarios.len()],
                swapped: (place / scenarios.len() + place + number) % 2 == 1,
                replicate: 0,
                rung: None,
                payoff: payoffs.get((place * 7 + number * 3) % payoffs.len().max(1)).copied().unwrap_or((10, 2)),
                turn: place / scenarios.len() + number,
            })
            .collect()
    }

    /// Means-reversal items where helping is cheap: ratios in [0, 0.45], or the rung nearest to 0.2.
    fn reversal_items(&self, number: usize) -> Vec<Item<'a>> {
        let ratios = &self.suite.ladder.ratios;
        let mut cheap: Vec<usize> = (0..ratios.len()).filter(|rung| (-1e-9..=0.45).contains(&ratios[*rung])).collect();
        if cheap.is_empty() {
            let near = |rung: &usize| ((ratios[*rung] - 0.2).abs() * 1e6) as i64;
            cheap = (0..ratios.len()).min_by_key(near).into_iter().collect();
        }
        let scenarios = self.suite.scenarios.iter().filter(|scenario| scenario.kind == ScenarioKind::Reversal);
        scenarios
            .enumerate()
            .map(|(place, scenario)| {
                let rung = cheap[(place + number) % cheap.len()];
                let payoffs = &self.suite.ladder.payoffs[rung];
                let payoff = payoffs[(place / cheap.len() + number) % payoffs.len()];
                Item {
                    kind: ItemKind::Reversal,
                    scenario,
                    swapped: false,
                    replicate: 0,
                    rung: Some(rung),
                    payoff,
                    turn: place + number,
                }
            })
            .collect()
    }

    fn prompt(&self, context: &Context, item: &Item, question: &str) -> crate::Prompt {
        let clauses = if item.turn.is_multiple_of(2) { Clauses::BenefitFirst } else { Clauses::CostFirst };
        compose(item.scenario, &Frame::of(context), acts(item), item.payoff, clauses, question)
    }

    fn both_orders(&self, context: &Context, item: &Item, trials: &mut Vec<Trial>) {
        let Acts { target, other, .. } = acts(item);
        let paraphrase = item.turn / 2 % self.suite.questions.len();
        for order in [Order::TargetFirst, Order::TargetSecond] {
            let (first, second, place) = match order {
                Order::TargetFirst => (target, other, 0),
                Order::TargetSecond => (other, target, 1),
            };
            let question = choice_question(&self.suite.questions[paraphrase], first, second);
            let prompt = self.prompt(context, item, &question);
            let options = vec![first.to_owned(), second.to_owned()];
            trials.push(self.trial(item.kind, context, item, prompt, options, place, Some(order)));
        }
    }

    /// What was the payoff? Four numbers to choose from: the benefit, the cost, and decoys of the suite.
    fn recall(&self, context: &Context, item: &Item, turn: usize, trials: &mut Vec<Trial>) {
        let question =
            item.scenario.recall.replace("{target}", &item.scenario.target).replace("{other}", &item.scenario.other);
        let (numbers, target) = recall_numbers(self.suite, item.payoff, turn);
        let options = numbers.iter().map(i64::to_string).collect();
        let prompt = self.prompt(context, item, &question);
        trials.push(self.trial(ItemKind::Recall, context, item, prompt, options, target, None));
    }

    #[expect(clippy::too_many_arguments, reason = "the one place where a trial's parts come together")]
    fn trial(
        &self,
        kind: ItemKind,
        context: &Context,
        item: &Item,
        prompt: crate::Prompt,
        options: Vec<String>,
        target: usize,
        order: Option<Order>,
    ) -> Trial {
        let gate = matches!(kind, ItemKind::Recall | ItemKind::ContextCheck);
        Trial {
            id: trial_id(kind, &context.id, &item.scenario.id, item.replicate, &prompt, &options, order),
            item: item_id(kind, &context.id, &item.scenario.id, item.replicate, item.payoff, item.swapped, item.turn),
            kind,
            scenario: item.scenario.id.clone(),
            context: context.id.clone(),
            replicate: item.replicate,
            rung: item.rung.filter(|_| !gate),
            ratio: item.rung.filter(|_| !gate).map(|_| item.payoff.1 as f64 / item.payoff.0 as f64),
            benefit: item.payoff.0,
            cost: item.payoff.1,
            order,
            paraphrase: item.turn / 2 % self.suite.questions.len(),
            prompt,
            options,
            target,
            probe: None,
        }
    }
}

/// Four numbers to choose the benefit from, and its place: the benefit, the cost, and decoys of the ladder.
pub(crate) fn recall_numbers(suite: &Suite, (benefit, cost): (i64, i64), turn: usize) -> (Vec<i64>, usize) {
    let mut numbers = vec![benefit];
    let decoys = suite.ladder.payoffs.iter().flatten().flat_map(|(benefit, cost)| [*benefit, cost.abs()]);
    let decoys: Vec<i64> = decoys.collect::<BTreeSet<_>>().into_iter().collect();
    let start = turn * 5 + benefit as usize;
    for decoy in
        std::iter::once(cost.abs()).chain((0..decoys.len()).map(|place| decoys[(start + place * 3) % decoys.len()]))
    {
        if numbers.len() < 4 && !numbers.contains(&decoy) {
            numbers.push(decoy);
        }
    }
    let first = turn % numbers.len();
    numbers.rotate_left(first);
    let target = numbers.iter().position(|number| *number == benefit).unwrap_or(0);
    (numbers, target)
}

fn acts<'a>(item: &Item<'a>) -> Acts<'a> {
    let Scenario { target, other, .. } = item.scenario;
    let (target, other) = if item.swapped { (other, target) } else { (target, other) };
    Acts { target, other, who: "" }
}
