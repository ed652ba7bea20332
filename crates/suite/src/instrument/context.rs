//! Contexts that an instrument asks in: which it names, and how they stand around its questions.

use toml::Spanned;

use super::ask::Place;
use super::lines::{Lines, lines};
use crate::problem::{Problems, nearest};
use crate::{Context, ContextFamily, ContextRole, Suite};

/// The contexts that are named, at least so many; the anchor must be the first, since the others are compared with it.
pub(crate) fn named(list: &Lines, least: usize, suite: &Suite, problems: &mut Problems) -> Vec<String> {
    let contexts = lines(list, "contexts", least, problems);
    for id in list.get_ref() {
        if !suite.contexts.iter().any(|context| &context.id == id.get_ref()) {
            let help = match nearest(id.get_ref(), suite.contexts.iter().map(|context| context.id.as_str())) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => "name a context of this suite".to_owned(),
            };
            problems.add(id.span(), format!("there is no context `{}`", id.get_ref()), help);
        }
    }
    let anchor = suite.contexts.iter().find(|context| context.role == Some(ContextRole::Anchor));
    if let Some(anchor) = anchor.filter(|anchor| contexts.first() != Some(&anchor.id)) {
        let help = format!("write \"{}\" first: the others are compared with it", anchor.id);
        problems.add(list.span(), "the first context is not the anchor", help);
    }
    contexts
}

/// The contexts that are named, each once, or where none are the anchor and then every other of family `default` or `cued`.
pub(crate) fn named_or_usual(list: Option<&Lines>, suite: &Suite, problems: &mut Problems) -> Vec<String> {
    let Some(list) = list else {
        let usual = |context: &&Context| matches!(context.family, ContextFamily::Default | ContextFamily::Cued);
        let mut all: Vec<&Context> = suite.contexts.iter().filter(usual).collect();
        all.sort_by_key(|context| context.role != Some(ContextRole::Anchor));
        return all.into_iter().map(|context| context.id.clone()).collect();
    };
    let found = named(list, 1, suite, problems);
    let again = |place: usize, id: &Spanned<String>| found[..place].contains(id.get_ref());
    for (_, id) in list.get_ref().iter().enumerate().filter(|(place, id)| again(*place, id)) {
        problems.add(id.span(), format!("context `{}` stands twice", id.get_ref()), "name each once");
    }
    found
}

impl<'a> Place<'a> {
    /// The same place within a context of the suite.
    pub(crate) fn within(mut self, context: &'a Context) -> Place<'a> {
        self.system = context.system.as_deref();
        self.before = &context.before;
        self.after.clone_from(&context.after);
        self.prefill = &context.prefill;
        self
    }
}

/// The contexts of these ids.
pub(crate) fn of<'a>(suite: &'a Suite, ids: &[String]) -> Vec<&'a Context> {
    ids.iter().filter_map(|id| suite.contexts.iter().find(|context| &context.id == id)).collect()
}
