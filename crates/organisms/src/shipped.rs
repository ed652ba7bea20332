//! The organisms within the binary.

use std::borrow::Cow;

use undermask_engine::{Adaptation, Source};
use undermask_suite::{BudgetForm, Content, Form, ScenarioKind, Suite};

use crate::world::{Policy as _, Scale};
use crate::{BASE, BaseFiles, GrowError, Recipe, SCALES_BASE, Truth};

/// One organism that ships.
pub struct Shipped {
    /// Name: its folder under `organisms/`.
    pub name: &'static str,
    /// Name and content of its files.
    pub files: &'static [(&'static str, &'static [u8])],
}

/// Every organism that ships, in order of names.
pub const SHIPPED: &[Shipped] = include!(concat!(env!("OUT_DIR"), "/shipped.rs"));

impl Shipped {
    /// One by name.
    pub fn named(name: &str) -> Option<&'static Shipped> {
        SHIPPED.iter().find(|shipped| shipped.name == name)
    }

    /// Those that have a known answer (a base has none), in order of names.
    pub fn with_truth() -> impl Iterator<Item = &'static Shipped> {
        SHIPPED.iter().filter(|shipped| ![BASE, SCALES_BASE].contains(&shipped.name))
    }

    /// Those that can read what a suite asks: where it has no ladder and asks on scales (lists, distances, games), the ones
    /// that were taught one of its scales; else those that were taught none.
    pub fn readers_of(suite: &Suite) -> impl Iterator<Item = &'static Shipped> {
        let asked = scales_of(suite);
        Shipped::with_truth()
            .filter(move |shipped| Recipe::named(shipped.name).is_ok_and(|recipe| reads(&recipe, &asked)))
    }

    /// One file.
    pub fn file(&self, name: &str) -> Option<&'static [u8]> {
        self.files.iter().find(|(file, _)| *file == name).map(|(_, bytes)| *bytes)
    }

    /// Its files as the engine takes them: a whole model, or an adapter over the base that ships.
    pub fn source(&self) -> Source {
        let files = self.files.iter().map(|(name, bytes)| ((*name).to_owned(), Cow::Borrowed(*bytes))).collect();
        let own = Source::Memory { name: format!("organism:{}", self.name), files };
        match self.base() {
            Some(base) => {
                Source::Adapted { base: Box::new(base.source()), adapter: Box::new(own), how: Adaptation::Merged }
            }
            _ => own,
        }
    }

    /// The base that it is an adapter over, if it is one.
    fn base(&self) -> Option<&'static Shipped> {
        let config: serde_json::Value = serde_json::from_slice(self.file("adapter_config.json")?).ok()?;
        let name = config["base_model_name_or_path"].as_str()?.strip_prefix("organism:")?;
        Shipped::named(name).filter(|_| self.is_adapter())
    }

    /// Does it ship as an adapter over a base?
    pub fn is_adapter(&self) -> bool {
        self.file("config.json").is_none() && self.file("adapter_config.json").is_some()
    }

    /// Its known answer.
    pub fn truth(&self) -> Option<Truth> {
        serde_json::from_slice(self.file("truth.json")?).ok()
    }
}

/// Whether an organism of this recipe can read a suite that asks on these scales.
pub fn reads(recipe: &Recipe, asked: &[Scale]) -> bool {
    match (asked.is_empty(), recipe.scales) {
        (false, true) => recipe.taught().iter().any(|scale| asked.contains(scale)),
        (none, scales) => none != scales,
    }
}

/// The scales that a suite without a ladder over contexts asks on: more than trades of two acts within the ladder's range.
pub fn scales_of(suite: &Suite) -> Vec<Scale> {
    let ladder = suite.scenarios.iter().any(|scenario| scenario.kind == ScenarioKind::Welfare);
    let on = |content: &Content| match content {
        Content::Orientation(orientation) if orientation.form == Form::Slider => Some(Scale::Bundles),
        Content::Budgets(budgets) if budgets.form == BudgetForm::Menu => Some(Scale::Bundles),
        Content::Orientation(_) | Content::TradeOff(_) | Content::Discounting(_) | Content::Budgets(_) => {
            Some(Scale::Far)
        }
        Content::Kin(kin) => kin.lineage.as_ref().map(|_| Scale::Far),
        Content::Utilities(_) => Some(Scale::Outcomes),
        Content::Environment(_) => Some(Scale::Games),
        Content::Optimisation(_) => Some(Scale::Answers),
        _ => None,
    };
    suite.instruments.iter().filter(|_| !ladder).filter_map(|instrument| on(&instrument.content)).collect()
}

impl BaseFiles {
    /// A base that ships.
    ///
    /// # Errors
    /// [`GrowError::Model`] in a build without it.
    pub fn shipped(name: &str) -> Result<BaseFiles, GrowError> {
        let base = Shipped::named(name)
            .ok_or_else(|| GrowError::Model(format!("this build ships no `{name}`; use --base DIR")))?;
        let read = |name: &str| {
            base.file(name)
                .map(<[u8]>::to_vec)
                .ok_or_else(|| GrowError::Model(format!("the shipped base lacks {name}")))
        };
        Ok(BaseFiles {
            config: read("config.json")?,
            weights: read("model.safetensors")?,
            tokenizer: read("tokenizer.json")?,
            tokenizer_config: read("tokenizer_config.json")?,
        })
    }
}
