//! Style: kind or unkind words, in the default context and under personas.
//!
//! The labels are whole sentences. What is said is set beside what is done (λ): warm words of a cold model, or words that
//! follow a persona while choices do not.

use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::ask::{Asker, Labels};
use super::context::{named, of};
use super::deal::Deal;
use super::lines::{Lines, Payoffs, cheap_payoffs, lines, payoffs};
use super::read::Own;
use crate::Suite;
use crate::check::placeholders;
use crate::problem::Problems;

/// A kind reply beside an unkind one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reply {
    /// Kind words.
    pub kind: String,
    /// Unkind words.
    pub unkind: String,
}

/// Data of a style instrument.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Style {
    /// Ids of contexts of the suite; the anchor first.
    pub contexts: Vec<String>,
    /// Questions for words, with `{first}` and `{second}`.
    pub questions: Vec<String>,
    /// Replies.
    pub replies: Vec<Reply>,
    /// (benefit, cost) of the trade that is talked about.
    pub payoffs: Vec<(i64, i64)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    contexts: Lines,
    questions: Lines,
    replies: Spanned<Vec<DraftReply>>,
    payoffs: Option<Payoffs>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DraftReply {
    kind: Spanned<String>,
    unkind: Spanned<String>,
}

impl Style {
    pub(crate) fn read(own: Own, suite: &Suite, problems: &mut Problems) -> Option<Style> {
        let draft: Draft = own.read(problems)?;
        let contexts = named(&draft.contexts, 2, suite, problems);
        for question in draft.questions.get_ref() {
            placeholders(question, &["first", "second"], &["first", "second"], problems);
        }
        for reply in draft.replies.get_ref() {
            let (kind, unkind) = (reply.kind.get_ref(), reply.unkind.get_ref());
            if kind.trim().is_empty() || unkind.trim().is_empty() || kind == unkind {
                problems.add(reply.unkind.span(), "the two replies are empty or the same", "write two sentences");
            }
        }
        if draft.replies.get_ref().is_empty() {
            problems.add(draft.replies.span(), "there is no reply", "add { kind = \"…\", unkind = \"…\" }");
        }
        let replies = draft
            .replies
            .get_ref()
            .iter()
            .map(|reply| Reply { kind: reply.kind.get_ref().clone(), unkind: reply.unkind.get_ref().clone() });
        Some(Style {
            contexts,
            questions: lines(&draft.questions, "questions", 1, problems),
            replies: replies.collect(),
            payoffs: draft.payoffs.as_ref().map_or_else(|| cheap_payoffs(suite), |given| payoffs(given, problems)),
        })
    }

    pub(crate) fn ask(&self, deal: &Deal, asker: &mut Asker) {
        for context in of(asker.suite(), &self.contexts) {
            let place = asker.place(context.id.clone(), &context.id).within(context);
            for dealt in deal.followed(0, &self.payoffs) {
                let reply = &self.replies[dealt.place % self.replies.len()];
                let labels = Labels { target: &reply.kind, other: &reply.unkind };
                asker.choice(&place, &dealt, &self.questions, labels);
            }
        }
    }
}
