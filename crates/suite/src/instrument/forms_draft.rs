//! Forms as they are written: every key with its place, and every problem of a form, a spelling or a wording.
//!
//! What a form is once it is read stands in `forms`.

use std::collections::BTreeSet;

use serde::Deserialize;
use toml::Spanned;

use super::forms::{Forms, Layout, PromptForm};
use super::lines::{Lines, lines};
use super::read::Own;
use super::spelling::{DraftSpelling, Spelling};
use super::template::{self, LONGEST};
use super::twins::{Ids, margin, twins};
use crate::check::{placeholders, unique};
use crate::problem::{Problems, nearest};
use crate::{Scenario, Suite};

/// Most forms of one instrument.
const MOST: usize = 64;
/// Payoff questions that a form is asked where the suite gives no number.
const RECALLS: usize = 24;

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
            let chooses = holds("question") || holds("first") && holds("second");
            if !chooses {
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
