//! The organisms within the binary.

use std::borrow::Cow;

use undermask_engine::{Adaptation, Source};
use undermask_suite::{Content, ScenarioKind, Suite};

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
    /// that were taught so; else the others.
    pub fn readers_of(suite: &Suite) -> impl Iterator<Item = &'static Shipped> {
        let scales = asks_on_scales(suite);
        Shipped::with_truth().filter(move |shipped| shipped.reads_scales() == scales)
    }

    /// Was it taught what goes beyond the trade of two acts?
    fn reads_scales(&self) -> bool {
        Recipe::named(self.name).is_ok_and(|recipe| recipe.scales)
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

/// Has a suite no ladder over contexts, and an instrument that asks for more than a trade of two acts within the ladder's range?
pub fn asks_on_scales(suite: &Suite) -> bool {
    let ladder = suite.scenarios.iter().any(|scenario| scenario.kind == ScenarioKind::Welfare);
    let on_scale = |content: &Content| match content {
        Content::Orientation(_) | Content::TradeOff(_) | Content::Discounting(_) | Content::Budgets(_) => true,
        Content::Utilities(_) | Content::Environment(_) | Content::Optimisation(_) => true,
        Content::Kin(kin) => kin.lineage.is_some(),
        _ => false,
    };
    !ladder && suite.instruments.iter().any(|instrument| on_scale(&instrument.content))
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
