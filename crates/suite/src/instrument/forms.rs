//! Forms: the same trades and their neutral twins, asked without a chat template, in JSON, in code, in another language, …
//!
//! A form is data: a template, the beginning of the answer, whether there is a chat template, how letters are spelt, and
//! where it is another language's the scenarios' own wording in it. The first form is the one that the others are compared
//! with; it is asked about every item that another form is asked about. What the answers say is in `undermask-measure`.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::ask::{Asker, Labels, Place};
use super::deal::{Deal, Dealt};
use super::lines::{Lines, lines};
use super::read::Own;
use super::spelling::{DraftSpelling, Spelling};
use super::template::{self, LONGEST};
use super::twins::{Ids, margin, twin_arm, twins};
use crate::check::{placeholders, unique};
use crate::plan::recall_numbers;
use crate::problem::{Problems, nearest};
use crate::{ItemKind, Order, Prompt, Scenario, Suite};

/// Most forms of one instrument.
const MOST: usize = 64;
/// Payoff questions that a form is asked where the suite gives no number.
const RECALLS: usize = 24;

/// How the text of a question and its answer are laid out.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Layout {
    /// With `{text}`, `{question}`, `{first}` and `{second}`.
    pub template: String,
    /// Beginning of the answer.
    pub prefill: String,
    /// What follows it, with `{act}`.
    pub label: String,
}

/// One way of asking.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PromptForm {
    /// Unique id.
    pub id: String,
    /// One line for people.
    pub title: String,
    /// Of a choice.
    pub choice: Layout,
    /// Of a payoff question.
    pub recall: Layout,
    /// Whether the model reads the text alone, without its chat template.
    pub raw: bool,
    /// System message.
    pub system: Option<String>,
    /// Odd spelling.
    pub spelling: Option<Spelling>,
    /// Questions with `{first}` and `{second}`; empty: the suite's.
    pub questions: Vec<String>,
    /// Scenarios in the form's own words; empty: all, in the suite's.
    pub wordings: Vec<Scenario>,
}

/// Data of a forms instrument.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Forms {
    /// The forms, the one that they are compared with first.
    pub forms: Vec<PromptForm>,
    /// Ids of the neutral twins.
    pub twins: Vec<String>,
    /// A gap within ± this does not matter.
    pub margin: f64,
    /// Payoff questions a form.
    pub recalls: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    form: Spanned<Vec<DraftForm>>,
    twins: Option<Ids>,
    margin: Option<Spanned<f64>>,
    recalls: Option<Spanned<usize>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DraftForm {
    id: Spanned<String>,
    title: Option<String>,
    template: Option<Spanned<String>>,
    prefill: Option<Spanned<String>>,
    label: Option<Spanned<String>>,
    #[serde(default)]
    raw: bool,
    system: Option<String>,
    spelling: Option<DraftSpelling>,
    questions: Option<Lines>,
    recall: Option<DraftRecall>,
    #[serde(default)]
    wording: Vec<DraftWording>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DraftRecall {
    template: Option<Spanned<String>>,
    prefill: Option<Spanned<String>>,
    label: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DraftWording {
    scenario: Spanned<String>,
    target: Spanned<String>,
    other: Spanned<String>,
    setting: Spanned<String>,
    benefit: Spanned<String>,
    cost: Spanned<String>,
    saving: Option<Spanned<String>>,
    recall: Option<Spanned<String>>,
}

impl Forms {
    pub(crate) fn read(own: Own, suite: &Suite, system: Option<&str>, problems: &mut Problems) -> Option<Forms> {
        let draft: Draft = own.read(problems)?;
        let drafts = draft.form.get_ref();
        if !(2..=MOST).contains(&drafts.len()) {
            problems.add(
                draft.form.span(),
                format!("there are {} forms; between 2 and {MOST} are needed", drafts.len()),
                "write the usual way of asking as the first [[instrument.form]], then those that are compared with it",
            );
        }
        unique(drafts.iter().map(|form| &form.id), "form", problems);
        let forms: Vec<PromptForm> = drafts.iter().map(|form| form.read(suite, system, problems)).collect();
        for (form, draft) in forms.iter().zip(drafts).skip(1) {
            let same = PromptForm { id: forms[0].id.clone(), title: forms[0].title.clone(), ..form.clone() };
            if same == forms[0] {
                let help = "change its template, prefill, label, raw, system, spelling, questions or wording";
                problems.add(draft.id.span(), format!("form `{}` asks as the first one does", form.id), help);
            }
        }
        if let Some(first) = drafts.first().filter(|first| !first.wording.is_empty()) {
            let help = "move it to a form of its own: every item is asked in the first form too";
            problems.add(first.id.span(), "the first form has wordings", help);
        }
        let recalls = draft.recalls.as_ref().map_or(RECALLS, |recalls| *recalls.get_ref());
        if let Some(given) = draft.recalls.as_ref().filter(|_| recalls > 1000) {
            problems.add(given.span(), format!("recalls is {recalls}; at most 1000"), format!("usual is {RECALLS}"));
        }
        Some(Forms {
            forms,
            twins: twins(draft.twins.as_ref(), suite, problems),
            margin: margin(draft.margin.as_ref(), problems),
            recalls,
        })
    }

    pub(crate) fn ask(&self, deal: &Deal, asker: &mut Asker) {
        let twins = deal.among(|scenario| self.twins.contains(&scenario.id));
        for form in &self.forms {
            for (deal, twin) in [(deal, false), (&twins, true)] {
                let covered = deal.only(|scenario| form.wording(scenario).is_some());
                for dealt in covered.ladder() {
                    // What another form is asked about stands in the first one too; the plan drops what repeats.
                    let companion = self.forms.first().filter(|first| first.id != form.id);
                    for form in [Some(form), companion].into_iter().flatten() {
                        form.ask(&dealt, twin, asker);
                    }
                }
            }
            let covered = deal.only(|scenario| form.wording(scenario).is_some_and(|words| !words.recall.is_empty()));
            // Of the full cross every payoff, so that whatever a fraction asks is a part of it.
            let recalls = if deal.full { usize::MAX } else { self.recalls };
            for dealt in covered.ladder().into_iter().take(recalls) {
                form.ask_recall(&dealt, asker);
            }
        }
    }
}

fn text(given: &Option<Spanned<String>>, usual: &str) -> String {
    given.as_ref().map_or_else(|| usual.to_owned(), |given| given.get_ref().clone())
}

impl DraftForm {
    fn read(&self, suite: &Suite, system: Option<&str>, problems: &mut Problems) -> PromptForm {
        let recall = self.recall(problems);
        if let Some(template) = &self.template {
            template::check(template, &["text"], &["text", "question", "first", "second"], problems);
            let holds = |name: &str| template::names(template.get_ref()).any(|found| found == name);
            if !holds("question") && !(holds("first") && holds("second")) {
                let help = "put {question} where it belongs, or both {first} and {second}";
                problems.add(template.span(), "the text does not say between what to choose", help);
            }
        }
        bounded(&self.prefill, problems);
        for label in [&self.label, &self.recall.as_ref().and_then(|recall| recall.label.clone())].into_iter().flatten()
        {
            template::check(label, &["act"], &["act"], problems);
        }
        let questions = self.questions.as_ref().map_or_else(Vec::new, |given| {
            for question in given.get_ref() {
                placeholders(question, &["first", "second"], &["first", "second"], problems);
            }
            lines(given, "questions", 1, problems)
        });
        // A text without a template has nobody who speaks as the system.
        let usual = system.filter(|_| !self.raw).unwrap_or_default();
        let system = self.system.as_deref().unwrap_or(usual);
        unique_wordings(&self.wording, problems);
        PromptForm {
            id: self.id.get_ref().clone(),
            title: self.title.clone().unwrap_or_else(|| self.id.get_ref().replace('-', " ")),
            choice: Layout {
                template: text(&self.template, "{text} {question}"),
                prefill: text(&self.prefill, ""),
                label: text(&self.label, "{act}"),
            },
            recall,
            raw: self.raw,
            system: (!system.is_empty()).then(|| system.to_owned()),
            spelling: self.spelling.as_ref().map(|draft| Spelling::read(draft, problems)),
            questions,
            wordings: self.wording.iter().filter_map(|wording| wording.read(suite, problems)).collect(),
        }
    }

    /// The layout of payoff questions: the choice's template where it names no acts.
    fn recall(&self, problems: &mut Problems) -> Layout {
        let of =
            |pick: fn(&DraftRecall) -> &Option<Spanned<String>>| self.recall.as_ref().and_then(|own| pick(own).clone());
        let (template, prefill, label) = (of(|own| &own.template), of(|own| &own.prefill), of(|own| &own.label));
        if let Some(template) = &template {
            template::check(template, &["text", "question"], &["text", "question"], problems);
        } else if let Some(choice) = &self.template
            && template::names(choice.get_ref()).any(|name| matches!(name, "first" | "second"))
        {
            let help = "add recall = { template = \"…{text}…{question}…\" } to the form";
            problems.add(choice.span(), "a payoff question has no acts, which this template names", help);
        }
        bounded(&prefill, problems);
        Layout {
            template: text(&template.or_else(|| self.template.clone()), "{text} {question}"),
            prefill: text(&prefill, ""),
            label: text(&label, "{act}"),
        }
    }
}

fn bounded(given: &Option<Spanned<String>>, problems: &mut Problems) {
    if let Some(long) = given.as_ref().filter(|text| text.get_ref().len() > LONGEST) {
        problems.add(
            long.span(),
            format!("the prefill has {} bytes; at most {LONGEST}", long.get_ref().len()),
            "shorten it",
        );
    }
}

fn unique_wordings(drafts: &[DraftWording], problems: &mut Problems) {
    let mut seen = BTreeSet::new();
    for wording in drafts.iter().filter(|wording| !seen.insert(wording.scenario.get_ref())) {
        let id = wording.scenario.get_ref();
        problems.add(wording.scenario.span(), format!("scenario `{id}` is worded twice in this form"), "keep one");
    }
}

impl DraftWording {
    fn read(&self, suite: &Suite, problems: &mut Problems) -> Option<Scenario> {
        let id = self.scenario.get_ref();
        let Some(original) = suite.scenarios.iter().find(|scenario| &scenario.id == id) else {
            let help = match nearest(id, suite.scenarios.iter().map(|scenario| scenario.id.as_str())) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => "name a scenario of this suite".to_owned(),
            };
            problems.add(self.scenario.span(), format!("there is no scenario `{id}`"), help);
            return None;
        };
        let (named, all): (&[&str], &[&str]) = (&["target", "other"], &["target", "other", "benefit", "cost"]);
        for act in [&self.target, &self.other] {
            if act.get_ref().trim().is_empty() || self.target.get_ref() == self.other.get_ref() {
                problems.add(act.span(), "an act is empty, or both are the same", "give each act its own word");
            }
        }
        placeholders(&self.setting, &[], named, problems);
        placeholders(&self.benefit, &["benefit"], all, problems);
        placeholders(&self.cost, &["cost"], all, problems);
        match &self.saving {
            Some(saving) => placeholders(saving, &["cost"], all, problems),
            None if suite.ladder.payoffs.iter().flatten().any(|(_, cost)| *cost < 0) => problems.add(
                self.cost.span(),
                "the wording has no `saving`, but the ladder has negative costs",
                "add saving = \"…{other}…{cost}…\": what the other act costs",
            ),
            None => {}
        }
        if let Some(recall) = &self.recall {
            placeholders(recall, &[], named, problems);
        }
        Some(Scenario {
            id: id.clone(),
            kind: original.kind,
            family: original.family.clone(),
            target: self.target.get_ref().clone(),
            other: self.other.get_ref().clone(),
            setting: self.setting.get_ref().clone(),
            benefit: self.benefit.get_ref().clone(),
            cost: self.cost.get_ref().clone(),
            saving: text(&self.saving, ""),
            recall: text(&self.recall, ""),
        })
    }
}

impl PromptForm {
    /// A scenario in this form's words; `None` where it has none.
    fn wording<'a>(&'a self, scenario: &'a Scenario) -> Option<&'a Scenario> {
        if self.wordings.is_empty() {
            return Some(scenario);
        }
        self.wordings.iter().find(|wording| wording.id == scenario.id)
    }

    /// A sentence of the suite with its values, in this form's spelling.
    fn say(&self, sentence: &str, value: &dyn Fn(&str) -> Option<String>) -> String {
        match &self.spelling {
            None => template::fill(sentence, value),
            Some(spelling) => {
                let mut speller = spelling.of(sentence);
                template::fill_with(sentence, &mut |piece| speller.spell(piece), value)
            }
        }
    }

    /// Setting and clauses.
    fn text(&self, dealt: &Dealt, words: &Scenario) -> String {
        let (benefit, cost) = dealt.payoff;
        let value = |name: &str| match name {
            "target" => Some(words.target.clone()),
            "other" => Some(words.other.clone()),
            "benefit" => Some(benefit.to_string()),
            "cost" => Some(cost.abs().to_string()),
            _ => None,
        };
        let loss = if cost < 0 && !words.saving.is_empty() { &words.saving } else { &words.cost };
        let clauses = if dealt.turn.is_multiple_of(2) { [&words.benefit, loss] } else { [loss, &words.benefit] };
        let said = [&words.setting, clauses[0], clauses[1]].map(|sentence| self.say(sentence, &value));
        said.iter().filter(|sentence| !sentence.is_empty()).map(String::as_str).collect::<Vec<_>>().join(" ")
    }

    fn prompt(&self, layout: &Layout, parts: &dyn Fn(&str) -> Option<String>) -> Prompt {
        Prompt {
            system: self.system.clone(),
            history: Vec::new(),
            user: template::fill(&layout.template, parts),
            prefill: layout.prefill.clone(),
            calls: Vec::new(),
            raw: self.raw,
        }
    }

    fn place<'a>(&self, twin: bool, asker: &Asker<'a>) -> Place<'a> {
        let arm = if twin { twin_arm(&self.id) } else { self.id.clone() };
        asker.place(arm.clone(), &arm)
    }

    /// One item in both orders.
    fn ask(&self, dealt: &Dealt, twin: bool, asker: &mut Asker) {
        let Some(words) = self.wording(dealt.scenario) else { return };
        let place = self.place(twin, asker);
        let questions = if self.questions.is_empty() { &asker.suite().questions } else { &self.questions };
        let paraphrase = dealt.turn / 2 % questions.len();
        let text = self.text(dealt, words);
        for order in [Order::TargetFirst, Order::TargetSecond] {
            let labels = Labels { target: &words.target, other: &words.other };
            let (first, second, target) = labels.shown(order);
            let acts = |name: &str| match name {
                "first" => Some(first.to_owned()),
                "second" => Some(second.to_owned()),
                _ => None,
            };
            let question = self.say(&questions[paraphrase], &acts);
            let prompt = self.prompt(&self.choice, &|name| match name {
                "text" => Some(text.clone()),
                "question" => Some(question.clone()),
                name => acts(name),
            });
            let options = [first, second].map(|act| self.choice.labelled(act)).to_vec();
            asker.push(ItemKind::Instrument, &place, dealt, prompt, options, target, Some(order), paraphrase);
        }
    }

    /// What the payoff was: whether the form is read at all.
    fn ask_recall(&self, dealt: &Dealt, asker: &mut Asker) {
        let Some(words) = self.wording(dealt.scenario) else { return };
        let place = self.place(false, asker);
        let text = self.text(dealt, words);
        let question = self.say(&words.recall, &|name| match name {
            "target" => Some(words.target.clone()),
            "other" => Some(words.other.clone()),
            _ => None,
        });
        let (numbers, target) = recall_numbers(asker.suite(), dealt.payoff, dealt.turn);
        let options = numbers.iter().map(|number| self.recall.labelled(&number.to_string())).collect();
        let prompt = self.prompt(&self.recall, &|name| match name {
            "text" => Some(text.clone()),
            "question" => Some(question.clone()),
            _ => None,
        });
        asker.push(ItemKind::Recall, &place, dealt, prompt, options, target, None, 0);
    }
}

impl Layout {
    fn labelled(&self, act: &str) -> String {
        template::fill(&self.label, &|name| (name == "act").then(|| act.to_owned()))
    }
}
