//! Typed access to config.json, with errors that name the key.

use serde_json::Value;

use crate::EngineError;

/// Largest value of any size; keeps products within 64 bits.
const LARGEST: u64 = 1 << 24;

static NULL: Value = Value::Null;

/// One object of config.json.
pub(crate) struct Reader<'a> {
    json: &'a Value,
}

impl<'a> Reader<'a> {
    pub fn new(json: &'a Value) -> Reader<'a> {
        Reader { json }
    }

    /// The value of a key; null where there is none.
    pub fn get(&self, key: &str) -> &'a Value {
        self.json.get(key).unwrap_or(&NULL)
    }

    /// The whole object.
    pub fn whole(&self) -> &'a Value {
        self.json
    }

    /// The object under a key.
    pub fn object(&self, key: &str) -> Reader<'a> {
        Reader { json: self.get(key) }
    }

    /// An error about this file.
    pub fn wrong(&self, why: String) -> EngineError {
        EngineError::Config(why)
    }

    /// A whole number from 1 on.
    pub fn size(&self, key: &str, default: Option<usize>) -> Result<usize, EngineError> {
        match self.get(key) {
            Value::Null => default.ok_or_else(|| self.wrong(format!("has no `{key}`"))),
            value => match value.as_u64() {
                Some(number) if (1..=LARGEST).contains(&number) => Ok(number as usize),
                _ => Err(self.wrong(format!("`{key}` is {value}; it must be a whole number from 1 to {LARGEST}"))),
            },
        }
    }

    /// A size, or none.
    pub fn optional_size(&self, key: &str, default: Option<usize>) -> Result<Option<usize>, EngineError> {
        match self.json.get(key) {
            None => Ok(default),
            Some(Value::Null) => Ok(None),
            Some(_) => self.size(key, None).map(Some),
        }
    }

    /// A finite number.
    pub fn number(&self, key: &str, default: Option<f64>) -> Result<f64, EngineError> {
        match self.get(key) {
            Value::Null => default.ok_or_else(|| self.wrong(format!("has no `{key}`"))),
            value => value
                .as_f64()
                .filter(|number| number.is_finite())
                .ok_or_else(|| self.wrong(format!("`{key}` is {value}; it must be a number"))),
        }
    }

    /// A number over 0.
    pub fn positive(&self, key: &str, default: Option<f64>) -> Result<f64, EngineError> {
        let number = self.number(key, default)?;
        if number > 0.0 { Ok(number) } else { Err(self.wrong(format!("`{key}` is {number}; it must be over 0"))) }
    }

    /// A number over 0, or none.
    pub fn optional_positive(&self, key: &str, default: Option<f64>) -> Result<Option<f64>, EngineError> {
        match self.json.get(key) {
            None => Ok(default),
            Some(Value::Null) => Ok(None),
            Some(_) => self.positive(key, None).map(Some),
        }
    }

    /// True or false.
    pub fn flag(&self, key: &str, default: bool) -> Result<bool, EngineError> {
        match self.get(key) {
            Value::Null => Ok(default),
            value => value.as_bool().ok_or_else(|| self.wrong(format!("`{key}` is {value}; it must be true or false"))),
        }
    }

    /// A text.
    pub fn text(&self, key: &str, default: &'a str) -> Result<&'a str, EngineError> {
        match self.get(key) {
            Value::Null => Ok(default),
            value => value.as_str().ok_or_else(|| self.wrong(format!("`{key}` is {value}; it must be a text"))),
        }
    }

    /// A list of numbers over 0.
    pub fn positives(&self, key: &str, length: usize) -> Result<Vec<f64>, EngineError> {
        let wrong = || self.wrong(format!("`{key}` must be a list of {length} numbers over 0"));
        let list = self.get(key).as_array().filter(|list| list.len() == length).ok_or_else(wrong)?;
        list.iter()
            .map(|value| value.as_f64().filter(|number| number.is_finite() && *number > 0.0).ok_or_else(wrong))
            .collect()
    }

    /// Whether a key asks for nothing: absent, null, false, 0, 1 (of a multiplier), or empty.
    pub fn is_off(&self, key: &str) -> bool {
        match self.get(key) {
            Value::Null | Value::Bool(false) => true,
            Value::Number(number) => number.as_f64().is_some_and(|number| number == 0.0 || number == 1.0),
            Value::Array(list) => list.is_empty(),
            _ => false,
        }
    }

    /// Refuses a key that is on.
    pub fn refuse(&self, key: &str, why: &str) -> Result<(), EngineError> {
        if self.is_off(key) { Ok(()) } else { Err(self.wrong(format!("`{key}` is {}; {why}", self.get(key)))) }
    }

    /// `layer_types`, of which each is `full_attention` or `sliding_attention`: true for sliding.
    pub fn layer_types(&self, layers: usize) -> Result<Option<Vec<bool>>, EngineError> {
        let Some(list) = self.get("layer_types").as_array() else {
            return match self.get("layer_types") {
                Value::Null => Ok(None),
                value => Err(self.wrong(format!("`layer_types` is {value}; it must be a list"))),
            };
        };
        if list.len() != layers {
            return Err(self.wrong(format!("`layer_types` has {} entries for {layers} blocks", list.len())));
        }
        let kinds = list.iter().map(|kind| match kind.as_str() {
            Some("full_attention") => Ok(false),
            Some("sliding_attention") => Ok(true),
            _ => Err(self.wrong(format!("`layer_types` has {kind}; known are full_attention and sliding_attention"))),
        });
        kinds.collect::<Result<_, _>>().map(Some)
    }

    /// Refuses `layer_types` other than one kind throughout, for families whose reference ignores them.
    pub fn uniform_layers(&self, layers: usize, sliding: bool) -> Result<(), EngineError> {
        match self.layer_types(layers)? {
            Some(kinds) if kinds.iter().any(|kind| *kind != sliding) => {
                Err(self.wrong("`layer_types` differ from what this architecture's blocks do".to_owned()))
            }
            _ => Ok(()),
        }
    }
}
