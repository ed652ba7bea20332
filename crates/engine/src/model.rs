//! A model opened: configuration, weights, tokenizer, chat template, and what can be asked of them.

use std::ops::ControlFlow;

use crate::activations::{self, Activations};
use crate::chat::{self, ChatTemplate, Conversation};
use crate::choose::{self, Choice, Chosen};
use crate::decoder::Decoder;
use crate::device::{DeviceChoice, DeviceFacts};
use crate::generate::{self, GenerateRequest, Generated, Generation};
use crate::intervene::Receipt;
use crate::kernel::memory::give_back;
use crate::matrix::Precision;
use crate::plan;
use crate::read::{self, ReadOut, Reading};
use crate::sample::Sampling;
use crate::score::{self, OptionScore, ScoreRequest, ScoreSettings, Scoring, TokenCounts};
use crate::tokenizer::Tokenizer;
use crate::weights::Weights;
use crate::{Config, EngineError, HookPoint, Message, Source};

/// Hashes that say which model it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Over every tensor's name, type, shape and bytes.
    pub weights: String,
    /// Over tokenizer.json.
    pub tokenizer: String,
    /// Over the chat template; empty where there is none.
    pub template: String,
}

/// What kind of model it is, for people.
#[derive(Debug, Clone, PartialEq)]
pub struct Description {
    /// Architecture.
    pub architecture: String,
    /// Number of parameters.
    pub parameters: u64,
    /// Bytes of weights on disk.
    pub weight_bytes: u64,
    /// Type of the weights on disk.
    pub dtype: String,
}

/// How to open a model.
#[derive(Debug, Clone, Copy)]
pub struct OpenSettings {
    /// In what products are computed.
    pub precision: Precision,
    /// Threads that share the work on one sequence or batch. Scoring and reading bring workers of their own where there
    /// are several jobs: [`ScoreSettings::threads`].
    pub threads: usize,
    /// Where it computes.
    pub device: DeviceChoice,
}

impl Default for OpenSettings {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        OpenSettings { precision: Precision::F32, threads, device: DeviceChoice::Cpu }
    }
}

/// An open model. It is shared between threads freely.
pub struct Model {
    config: Config,
    pub(crate) decoder: Decoder,
    tokenizer: Tokenizer,
    template: Option<ChatTemplate>,
    identity: Identity,
    description: Description,
    place: String,
}

impl Model {
    /// Opens a model.
    ///
    /// # Errors
    /// [`EngineError`] for whatever is missing, damaged, mismatched or not supported.
    pub fn open(source: &Source) -> Result<Model, EngineError> {
        Model::open_with(source, &OpenSettings::default())
    }

    /// Opens a model in a precision.
    ///
    /// # Errors
    /// As [`Model::open`].
    pub fn open_with(source: &Source, settings: &OpenSettings) -> Result<Model, EngineError> {
        let place = source.place();
        let missing = |file: &str, remedy: &str| EngineError::Missing {
            place: place.clone(),
            file: file.to_owned(),
            remedy: remedy.to_owned(),
        };
        if let Source::Directory(path) = source
            && !path.is_dir()
        {
            return Err(EngineError::Unreadable { file: place, why: "there is no such directory".to_owned() });
        }
        let text = source
            .text("config.json")?
            .ok_or_else(|| missing("config.json", "give the directory of a Hugging Face model"))?;
        let mut config = Config::parse(&text)?;
        if let Some(text) = source.text("generation_config.json")? {
            config.add_end_tokens(&text)?;
        }
        let json = source.text("tokenizer.json")?.ok_or_else(|| {
            missing("tokenizer.json", "save the tokenizer with transformers' save_pretrained (a fast tokenizer)")
        })?;
        let tokenizer = Tokenizer::parse(&json)?;
        let template = ChatTemplate::read(source)?;
        // Last: what reading a large vocabulary takes for a while is not held beside the weights.
        give_back();
        let weights = Weights::open(source)?;
        let identity = Identity {
            weights: weights.hash.clone(),
            tokenizer: blake3::hash(json.as_bytes()).to_hex().to_string(),
            template: template
                .as_ref()
                .map_or(String::new(), |template| blake3::hash(template.text().as_bytes()).to_hex().to_string()),
        };
        let OpenSettings { precision, threads, device } = *settings;
        let description = Description {
            architecture: config.architecture.clone(),
            parameters: weights.parameters(),
            weight_bytes: weights.bytes as u64,
            dtype: weights.dtype.clone(),
        };
        let decoder = Decoder::load(&config, weights, (precision, threads, device))?;
        Ok(Model { config, decoder, tokenizer, template, identity, description, place })
    }

    /// Shape.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Hashes.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Kind and size.
    pub fn describe(&self) -> &Description {
        &self.description
    }

    /// Where it computes.
    pub fn device(&self) -> &DeviceFacts {
        self.decoder.facts()
    }

    /// Bytes that keys and values take for so many tokens, of all sequences together. How many tokens scoring, reading and
    /// generation hold at once follows from [`ScoreSettings::memory`]; [`Model::in_step`] holds all.
    pub fn cache_bytes(&self, tokens: usize) -> u64 {
        plan::bytes_stored(&self.config) as u64 * tokens as u64
    }

    /// Whether conversations can be rendered.
    pub fn has_chat_template(&self) -> bool {
        self.template.is_some()
    }

    /// A conversation as the text that the model reads.
    ///
    /// # Errors
    /// [`EngineError::NoTemplate`], [`EngineError::TemplateRefused`], [`EngineError::Template`].
    pub fn render_chat(&self, messages: &[Message], add_generation_prompt: bool) -> Result<String, EngineError> {
        self.render_conversation(&chat::plain(messages, add_generation_prompt))
    }

    /// A conversation with tools, documents and whatever else a template takes, as the text that the model reads.
    ///
    /// # Errors
    /// As [`Model::render_chat`].
    pub fn render_conversation(&self, conversation: &Conversation) -> Result<String, EngineError> {
        let template = self.template.as_ref().ok_or_else(|| EngineError::NoTemplate { place: self.place.clone() })?;
        template.render(conversation)
    }

    /// Tokens of a text; special tokens in it are recognised, none are added.
    ///
    /// # Errors
    /// [`EngineError::Tokenizer`].
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, EngineError> {
        self.tokenizer.encode(text)
    }

    /// Text of tokens.
    ///
    /// # Errors
    /// [`EngineError::Tokenizer`].
    pub fn decode(&self, tokens: &[u32]) -> Result<String, EngineError> {
        self.tokenizer.decode(tokens)
    }

    /// Scores labels after prompts (see [`ScoreRequest`]), calling `on_done(index, scores)` as each request is known.
    ///
    /// # Errors
    /// [`EngineError::Request`] for an empty prompt or label, an unknown token, or too long a sequence.
    pub fn score(
        &self,
        requests: &[ScoreRequest],
        settings: &ScoreSettings,
        on_done: &mut dyn FnMut(usize, &[OptionScore]) -> ControlFlow<()>,
    ) -> Result<(), EngineError> {
        let scoring = Scoring { requests, wanted: None, interventions: &[], settings: *settings };
        self.score_with(&scoring, on_done).map(|_| ())
    }

    /// Scores those requests that are wanted, with interventions, of which each gives a receipt.
    ///
    /// # Errors
    /// As [`Model::score`]; [`EngineError::Intervention`] for one that cannot be done, or, after all is computed, for
    /// one that changed nothing: what was reported until then is then not to be used.
    pub fn score_with(
        &self,
        scoring: &Scoring,
        on_done: &mut dyn FnMut(usize, &[OptionScore]) -> ControlFlow<()>,
    ) -> Result<Vec<Receipt>, EngineError> {
        score::score(&self.config, &self.decoder, scoring, on_done)
    }

    /// How many tokens the requests are, in full and with shared beginnings once.
    pub fn plan_tokens(&self, requests: &[ScoreRequest], settings: &ScoreSettings) -> TokenCounts {
        score::count(&self.config, requests, settings)
    }

    /// Runs one sequence and reads hook points.
    ///
    /// # Errors
    /// [`EngineError::Request`] for an empty or too long sequence, an unknown token, or a block that is not there.
    pub fn activations(&self, tokens: &[u32], points: &[HookPoint]) -> Result<Activations, EngineError> {
        activations::read(&self.config, &self.decoder, tokens, points)
    }

    /// Reads hook points over many sequences, reduced as it goes, calling `on_done(index, values)` as each is known.
    ///
    /// # Errors
    /// [`EngineError::Request`] for what cannot be read; [`EngineError::Intervention`] as in [`Model::score_with`].
    pub fn read(
        &self,
        reading: &Reading,
        on_done: &mut dyn FnMut(usize, ReadOut) -> ControlFlow<()>,
    ) -> Result<Vec<Receipt>, EngineError> {
        read::read(&self.config, &self.decoder, reading, on_done)
    }

    /// Generates after many prompts, calling `on_done(index, response)` as each is known.
    ///
    /// # Errors
    /// [`EngineError::Request`], [`EngineError::NotFinite`]; [`EngineError::Intervention`] as in [`Model::score_with`].
    pub fn generate_with(
        &self,
        generation: &Generation,
        on_done: &mut dyn FnMut(usize, Generated) -> ControlFlow<()>,
    ) -> Result<Vec<Receipt>, EngineError> {
        generate::generate(&self.config, &self.decoder, &|tokens| self.decode(tokens), generation, on_done)
    }

    /// The most probable continuation, up to `most` tokens or an end token.
    ///
    /// # Errors
    /// [`EngineError::Request`], [`EngineError::NotFinite`].
    pub fn generate(&self, prompt: &[u32], most: usize) -> Result<Vec<u32>, EngineError> {
        let requests = [GenerateRequest { prompt: prompt.to_vec(), stream: 0 }];
        let generation = Generation {
            requests: &requests,
            most,
            sampling: Sampling::default(),
            stop: &[],
            points: &[],
            interventions: &[],
            settings: ScoreSettings { threads: 1, ..ScoreSettings::default() },
        };
        let mut tokens = Vec::new();
        self.generate_with(&generation, &mut |_, generated| {
            tokens = generated.tokens;
            ControlFlow::Continue(())
        })?;
        Ok(tokens)
    }

    /// Takes one of each request's labels, by their exact probabilities; `None` for requests that are not wanted.
    ///
    /// # Errors
    /// As [`Model::score_with`]; [`EngineError::Request`] too where a label begins another.
    pub fn choose(
        &self,
        scoring: &Scoring,
        choice: Choice,
    ) -> Result<(Vec<Option<Chosen>>, Vec<Receipt>), EngineError> {
        choose::choose(&self.config, &self.decoder, scoring, choice)
    }
}
