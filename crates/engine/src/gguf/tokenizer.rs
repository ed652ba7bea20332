//! From the metadata to tokenizer.json and tokenizer_config.json.
//!
//! Model `gpt2` is byte-level BPE with its merges. Model `llama` is SentencePiece's BPE, whose merges are not written down:
//! the pair whose union has the best score is merged first, so every way of cutting a token into two others is a merge,
//! ranked by the token's score (as transformers converts such models). What no token covers becomes byte tokens.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value as Json, json};

use super::read::Value;
use super::{Gguf, pretokenizer};

/// Longest token; bounds the work of cutting tokens into merges.
const LONGEST_TOKEN: usize = 1024;
/// The blank as SentencePiece writes it.
const BLANK: &str = "▁";

/// Tokens that end an answer whatever the file says of them, by their usual texts.
const ENDS: &[&str] = &[
    "<|eot_id|>",
    "<|eom_id|>",
    "<|im_end|>",
    "<|end|>",
    "<end_of_turn>",
    "<|endoftext|>",
    "<|end_of_text|>",
    "<|end_of_turn|>",
    "</s>",
    "<eos>",
];

/// What a token is for, by its number in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Normal,
    Unknown,
    Control,
    UserDefined,
    Unused,
    Byte,
}

/// The vocabulary.
struct Vocabulary<'a> {
    texts: Vec<&'a str>,
    roles: Vec<Role>,
}

impl Gguf {
    fn vocabulary(&self) -> Result<Vocabulary<'_>, String> {
        let list = self.list("tokenizer.ggml.tokens").ok_or("its metadata have no `tokenizer.ggml.tokens`")?;
        let texts: Vec<&str> =
            list.texts(self.bytes()).ok_or("`tokenizer.ggml.tokens` holds something else than texts")?.collect();
        if let Some(long) = texts.iter().position(|text| text.len() > LONGEST_TOKEN) {
            return Err(format!("token {long} is longer than {LONGEST_TOKEN} bytes"));
        }
        let role = |value| match value {
            Value::Unsigned(2) => Role::Unknown,
            Value::Unsigned(3) => Role::Control,
            Value::Unsigned(4) => Role::UserDefined,
            Value::Unsigned(5) => Role::Unused,
            Value::Unsigned(6) => Role::Byte,
            _ => Role::Normal,
        };
        let roles: Vec<Role> = match self.list("tokenizer.ggml.token_type") {
            Some(list) if list.length == texts.len() => list.values(self.bytes()).map(role).collect(),
            Some(list) => return Err(format!("it has {} tokens and {} types of them", texts.len(), list.length)),
            None => vec![Role::Normal; texts.len()],
        };
        Ok(Vocabulary { texts, roles })
    }

    /// The token under a key, as id and text.
    fn special<'a>(&self, vocabulary: &Vocabulary<'a>, name: &str) -> Option<(u32, &'a str)> {
        match self.value(&format!("tokenizer.ggml.{name}_token_id"))? {
            Value::Unsigned(id) => {
                let text = vocabulary.texts.get(usize::try_from(*id).ok()?)?;
                Some((u32::try_from(*id).ok()?, text))
            }
            _ => None,
        }
    }

    /// Tokens that end an answer.
    pub(super) fn end_tokens(&self) -> Vec<u32> {
        let Ok(vocabulary) = self.vocabulary() else { return Vec::new() };
        let named = ["eos", "eot", "eom"].into_iter().filter_map(|name| self.special(&vocabulary, name));
        let mut ends: Vec<u32> = named.map(|(id, _)| id).collect();
        for (id, (text, role)) in vocabulary.texts.iter().zip(&vocabulary.roles).enumerate() {
            let id = id as u32;
            if matches!(role, Role::Control | Role::UserDefined) && ENDS.contains(text) && !ends.contains(&id) {
                ends.push(id);
            }
        }
        ends
    }

    /// tokenizer.json.
    pub(super) fn tokenizer(&self) -> Result<Json, String> {
        let vocabulary = self.vocabulary()?;
        let model = self.text("tokenizer.ggml.model").ok_or("its metadata have no `tokenizer.ggml.model`")?;
        let mut json = match model {
            "gpt2" => self.byte_level(&vocabulary)?,
            "llama" => self.sentence_piece(&vocabulary)?,
            other => {
                return Err(format!(
                    "its tokenizer `{other}` is not read; gpt2 and llama are: use the model's Hugging Face directory"
                ));
            }
        };
        json["version"] = json!("1.0");
        json["truncation"] = Json::Null;
        json["padding"] = Json::Null;
        json["added_tokens"] = self.added(&vocabulary);
        json["post_processor"] = self.beginning(&vocabulary, model == "llama");
        Ok(json)
    }

    /// Tokens that are found in a text before all else.
    fn added(&self, vocabulary: &Vocabulary) -> Json {
        // llama.cpp lets the special tokens of Phi 3 swallow the blanks after them, as the model's own tokenizer does.
        let phi = self.text("general.name").is_some_and(|name| {
            let name = name.to_lowercase();
            name.contains("phi-3") || name.contains("phi3")
        });
        let mut seen = HashSet::new();
        let mut added = Vec::new();
        for (id, (text, role)) in vocabulary.texts.iter().zip(&vocabulary.roles).enumerate() {
            let special = matches!(role, Role::Control | Role::Unknown);
            if text.is_empty() || !(special || *role == Role::UserDefined) || !seen.insert(*text) {
                continue;
            }
            let swallows = phi && special && !matches!(*text, "<unk>" | "<s>" | "<|endoftext|>");
            added.push(json!({
                "id": id, "content": text, "single_word": false, "lstrip": false, "rstrip": swallows,
                "normalized": false, "special": special,
            }));
        }
        added.into()
    }

    /// Adds the beginning token (and the end token) where a caller asks for special tokens.
    fn beginning(&self, vocabulary: &Vocabulary, by_default: bool) -> Json {
        let wanted = |name: &str, default: bool| {
            let wanted = self.flag(&format!("tokenizer.ggml.add_{name}_token")).unwrap_or(default);
            self.special(vocabulary, name).filter(|_| wanted)
        };
        let (first, last) = (wanted("bos", by_default), wanted("eos", false));
        if first.is_none() && last.is_none() {
            return Json::Null;
        }
        let mut tokens = Map::new();
        let mut piece = |(id, text): (u32, &str)| {
            tokens.insert(text.to_owned(), json!({"id": text, "ids": [id], "tokens": [text]}));
            json!({"SpecialToken": {"id": text, "type_id": 0}})
        };
        let (first, last) = (first.map(&mut piece), last.map(&mut piece));
        let around = |sequence: &str| {
            let middle = json!({"Sequence": {"id": sequence, "type_id": 0}});
            first.clone().into_iter().chain([middle]).chain(last.clone()).collect::<Vec<Json>>()
        };
        let pair = [around("A"), around("B")].concat();
        json!({"type": "TemplateProcessing", "single": around("A"), "pair": pair, "special_tokens": tokens})
    }

    fn byte_level(&self, vocabulary: &Vocabulary) -> Result<Json, String> {
        let splitting = pretokenizer::find(self.text("tokenizer.ggml.pre").unwrap_or_default())?;
        let list = self.list("tokenizer.ggml.merges").ok_or("its metadata have no `tokenizer.ggml.merges`")?;
        let lines = list.texts(self.bytes()).ok_or("`tokenizer.ggml.merges` holds something else than texts")?;
        let known: HashSet<&str> = vocabulary.texts.iter().copied().collect();
        let mut merges = Vec::with_capacity(list.length);
        for line in lines {
            let pair = line.split_once(' ').filter(|(one, two)| !one.is_empty() && !two.is_empty());
            let (one, two) = pair.ok_or_else(|| format!("its merge {line:?} is not of two tokens"))?;
            if [one, two].iter().any(|part| !known.contains(part)) || !known.contains(format!("{one}{two}").as_str()) {
                return Err(format!("its merge {line:?} is of tokens that it does not have"));
            }
            merges.push(json!([one, two]));
        }
        let normalizer = if splitting.composed { json!({"type": "NFC"}) } else { Json::Null };
        let bytes = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true});
        Ok(json!({
            "normalizer": normalizer,
            "pre_tokenizer": splitting.json(),
            "decoder": bytes,
            "model": {
                "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
                "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false,
                "ignore_merges": splitting.whole_words, "vocab": ids(vocabulary), "merges": merges,
            },
        }))
    }

    fn sentence_piece(&self, vocabulary: &Vocabulary) -> Result<Json, String> {
        let list = self.list("tokenizer.ggml.scores").ok_or("its metadata have no `tokenizer.ggml.scores`")?;
        if list.length != vocabulary.texts.len() {
            return Err(format!("it has {} tokens and {} scores", vocabulary.texts.len(), list.length));
        }
        let score = |value| match value {
            Value::Float(score) if score.is_finite() => Ok(score),
            other => Err(format!("a token's score is {other:?}")),
        };
        let scores: Vec<f64> = list.values(self.bytes()).map(score).collect::<Result<_, _>>()?;
        let prefixed = self.flag("tokenizer.ggml.add_space_prefix").unwrap_or(true);
        let unknown = self.special(vocabulary, "unknown").map(|(_, text)| text);
        let first = vocabulary.roles.iter().position(|role| *role == Role::Unknown);
        let unknown = unknown.or(first.map(|id| vocabulary.texts[id]));
        let blanks = json!({"type": "Replace", "pattern": {"String": " "}, "content": BLANK});
        // Before each stretch of text between added tokens, as llama.cpp does.
        let prefix = prefixed.then(|| json!({"type": "Prepend", "prepend": BLANK}));
        let normalizers: Vec<Json> = prefix.into_iter().chain([blanks]).collect();
        let back = json!({"type": "Replace", "pattern": {"String": BLANK}, "content": " "});
        let strip = prefixed.then(|| json!({"type": "Strip", "content": " ", "start": 1, "stop": 0}));
        let decoders: Vec<Json> =
            [back, json!({"type": "ByteFallback"}), json!({"type": "Fuse"})].into_iter().chain(strip).collect();
        Ok(json!({
            "normalizer": {"type": "Sequence", "normalizers": normalizers},
            "pre_tokenizer": null,
            "decoder": {"type": "Sequence", "decoders": decoders},
            "model": {
                "type": "BPE", "dropout": null, "unk_token": unknown, "continuing_subword_prefix": null,
                "end_of_word_suffix": null, "fuse_unk": true, "byte_fallback": true, "ignore_merges": false,
                "vocab": ids(vocabulary), "merges": merges(vocabulary, &scores),
            },
        }))
    }

    /// tokenizer_config.json: the special tokens that a template may name, and the templates.
    pub(super) fn tokenizer_configuration(&self) -> Result<Json, String> {
        let vocabulary = self.vocabulary()?;
        let mut keys = Map::new();
        for (name, key) in
            [("bos", "bos"), ("eos", "eos"), ("unknown", "unk"), ("padding", "pad"), ("seperator", "sep")]
        {
            if let Some((_, text)) = self.special(&vocabulary, name) {
                keys.insert(format!("{key}_token"), text.into());
            }
        }
        if let Some(template) = self.text("tokenizer.chat_template") {
            keys.insert("chat_template".to_owned(), template.into());
        }
        Ok(keys.into())
    }
}

/// Token to id; of tokens of the same text the first counts.
fn ids(vocabulary: &Vocabulary) -> Map<String, Json> {
    let mut ids = Map::new();
    for (id, text) in vocabulary.texts.iter().enumerate() {
        ids.entry((*text).to_owned()).or_insert_with(|| id.into());
    }
    ids
}

/// Every cut of a token into two others, best score first; of the same token, cuts with the longer first part first, as
/// transformers orders them.
fn merges(vocabulary: &Vocabulary, scores: &[f64]) -> Vec<Json> {
    let mut known: HashMap<&str, usize> = HashMap::new();
    for (id, text) in vocabulary.texts.iter().enumerate() {
        if matches!(vocabulary.roles[id], Role::Normal | Role::UserDefined | Role::Unused) {
            known.entry(text).or_insert(id);
        }
    }
    let mut cuts = Vec::new();
    for (id, text) in vocabulary.texts.iter().enumerate() {
        if known.get(text) != Some(&id) {
            continue;
        }
        for (place, _) in text.char_indices().skip(1) {
            let (one, two) = text.split_at(place);
            if known.contains_key(one) && known.contains_key(two) {
                cuts.push((id, one, two));
            }
        }
    }
    let count = |text: &str| text.chars().count();
    cuts.sort_by(|(one, one_left, one_right), (two, two_left, two_right)| {
        let by_score = scores[*two].total_cmp(&scores[*one]);
        by_score
            .then_with(|| count(two_left).cmp(&count(one_left)))
            .then_with(|| count(two_right).cmp(&count(one_right)))
            .then_with(|| one.cmp(two))
    });
    cuts.into_iter().map(|(_, one, two)| json!([one, two])).collect()
}
