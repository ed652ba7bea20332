//! adapter_config.json as PEFT writes it: which modules are adapted, with which rank and scale.
//!
//! What changes the numbers and is not done here is refused by name: a half-read adapter answers fluently and wrongly.

use fancy_regex::{Regex, RegexBuilder};
use serde_json::Value;

/// Largest rank.
const LARGEST_RANK: u64 = 65_536;
/// Most entries of a pattern; PEFT writes one a module at most.
const MOST_PATTERNS: usize = 8192;
/// Longest pattern of modules, bytes.
const LONGEST_PATTERN: usize = 1024;
/// Steps that going back may take in one match of a pattern with look-around or back-references; others never go back.
const STEPS: usize = 10_000;
/// Keys that change nothing in a finished adapter.
const IDLE: &[&str] = &[
    "auto_mapping",
    "base_model_name_or_path",
    "corda_config",
    "ensure_weight_tying",
    "eva_config",
    "inference_mode",
    "layers_pattern",
    "layers_to_transform",
    "loftq_config",
    "lora_dropout",
    "lora_ga_config",
    "megatron_config",
    "megatron_core",
    "peft_version",
    "qalora_group_size",
    "revision",
    "runtime_config",
    "task_type",
    // A matter of how the base stores its matrices; every family that is read stores [out, in], where PEFT sets it off.
    "fan_in_fan_out",
];

/// Which modules are adapted, and how.
pub(super) struct AdapterConfig {
    rank: usize,
    alpha: f64,
    by_root: bool,
    ranks: Vec<(Regex, usize)>,
    alphas: Vec<(Regex, f64)>,
    targets: Targets,
    excluded: Option<Targets>,
    layers: Option<Vec<u64>>,
    layers_patterns: Vec<Regex>,
}

/// A set of modules.
enum Targets {
    /// Those of these names, or whose path ends in one.
    Named(Vec<String>),
    /// Those whose whole path matches.
    Matching(Regex),
    /// All linear layers but the head.
    AllLinear,
}

impl AdapterConfig {
    /// Reads adapter_config.json.
    pub fn parse(text: &str) -> Result<AdapterConfig, String> {
        let json: Value = serde_json::from_str(text).map_err(|error| format!("is no JSON: {error}"))?;
        let keys = json.as_object().ok_or("is no object")?;
        refuse(&json)?;
        let rank = rank(&json["r"], "r")?;
        let alpha = positive(&json["lora_alpha"], "lora_alpha")?;
        let mut ranks = Vec::new();
        for (key, value) in pattern(&json, "rank_pattern")? {
            ranks.push((suffix(key)?, self::rank(value, "rank_pattern")?));
        }
        let mut alphas = Vec::new();
        for (key, value) in pattern(&json, "alpha_pattern")? {
            alphas.push((suffix(key)?, positive(value, "alpha_pattern")?));
        }
        let targets = targets(&json["target_modules"])?.ok_or("has no `target_modules`")?;
        let excluded = targets_or_none(keys.get("exclude_modules"))?;
        let number = |value: &Value| value.as_u64().ok_or("`layers_to_transform` must hold whole numbers");
        let layers = match &json["layers_to_transform"] {
            Value::Null => None,
            Value::Array(list) if list.is_empty() => None,
            Value::Array(list) => Some(list.iter().map(number).collect::<Result<_, _>>()?),
            one => Some(vec![number(one)?]),
        };
        let mut layers_patterns = Vec::new();
        for pattern in texts(&json["layers_pattern"], "layers_pattern")? {
            layers_patterns.push(regex(&format!(r"^(?:.*?\.)?(?:{pattern})\.(\d+)\."))?);
        }
        if layers_patterns.is_empty() {
            layers_patterns.push(regex(r"^.*?\.[^.]*\.(\d+)\.")?);
        }
        let by_root = json["use_rslora"].as_bool().unwrap_or(false);
        Ok(AdapterConfig { rank, alpha, by_root, ranks, alphas, targets, excluded, layers, layers_patterns })
    }

    /// Rank and scale of a module: α/r, or α/√r with rank stabilisation (Kalajdzievski 2023, arXiv:2312.03732).
    pub fn rank_and_scale(&self, module: &str) -> Result<(usize, f32), String> {
        let rank = first(&self.ranks, module)?.unwrap_or(self.rank);
        let alpha = first(&self.alphas, module)?.unwrap_or(self.alpha);
        let scale = if self.by_root { alpha / (rank as f64).sqrt() } else { alpha / rank as f64 };
        Ok((rank, scale as f32))
    }

    /// Whether the adapter must hold tensors for a linear layer of the base.
    pub fn targets(&self, module: &str) -> Result<bool, String> {
        let excluded = self.excluded.as_ref().map_or(Ok(false), |excluded| excluded.hold(module))?;
        if excluded || !self.targets.hold(module)? {
            return Ok(false);
        }
        let (Some(layers), Targets::Named(names)) = (&self.layers, &self.targets) else { return Ok(true) };
        if names.iter().any(|name| name == module) {
            return Ok(true);
        }
        for regex in &self.layers_patterns {
            let found = regex.captures(module).map_err(|error| too_hard(regex, &error))?;
            if let Some(layer) = found.and_then(|found| found.get(1)?.as_str().parse().ok()) {
                return Ok(layers.contains(&layer));
            }
        }
        Ok(false)
    }
}

impl Targets {
    fn hold(&self, module: &str) -> Result<bool, String> {
        Ok(match self {
            Targets::Named(names) => names.iter().any(|name| {
                module == name || module.strip_suffix(name.as_str()).is_some_and(|before| before.ends_with('.'))
            }),
            Targets::Matching(regex) => matches(regex, module)?,
            Targets::AllLinear => module != "lm_head",
        })
    }
}

/// What stands under the first pattern that matches.
fn first<T: Copy>(patterns: &[(Regex, T)], module: &str) -> Result<Option<T>, String> {
    for (regex, value) in patterns {
        if matches(regex, module)? {
            return Ok(Some(*value));
        }
    }
    Ok(None)
}

fn matches(regex: &Regex, module: &str) -> Result<bool, String> {
    regex.is_match(module).map_err(|error| too_hard(regex, &error))
}

fn too_hard(regex: &Regex, error: &fancy_regex::Error) -> String {
    format!("the pattern {:?} cannot be matched: {error}; write it without look-around", regex.as_str())
}

/// Refuses what is not done.
fn refuse(json: &Value) -> Result<(), String> {
    let kind = json["peft_type"].as_str().unwrap_or("none");
    if kind != "LORA" {
        return Err(format!("`peft_type` is {kind}; LORA is read: merge the adapter into its base with PEFT"));
    }
    if !matches!(json["bias"].as_str(), None | Some("none")) {
        return Err(format!("`bias` is {}; adapters without biases are read", json["bias"]));
    }
    // PiSSA, OLoRA and their kin change the base too, unless they were converted when they were saved.
    let start = &json["init_lora_weights"];
    if !matches!(start, Value::Null | Value::Bool(_))
        && !matches!(start.as_str(), Some("gaussian" | "orthogonal" | "eva"))
    {
        return Err(format!(
            "`init_lora_weights` is {start}, which changes the base as well; convert it to plain LoRA with PEFT"
        ));
    }
    let read = [
        "peft_type",
        "bias",
        "init_lora_weights",
        "r",
        "lora_alpha",
        "use_rslora",
        "rank_pattern",
        "alpha_pattern",
        "target_modules",
        "exclude_modules",
    ];
    let off = |value: &Value| match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    };
    let keys = json.as_object().into_iter().flatten();
    for (key, value) in keys.filter(|(key, _)| !read.contains(&key.as_str()) && !IDLE.contains(&key.as_str())) {
        if !off(value) {
            return Err(format!("`{key}` is {value}, which is not read: merge the adapter into its base with PEFT"));
        }
    }
    Ok(())
}

fn rank(value: &Value, key: &str) -> Result<usize, String> {
    let found = value.as_u64().filter(|rank| (1..=LARGEST_RANK).contains(rank));
    found.map(|rank| rank as usize).ok_or_else(|| format!("`{key}` is {value}; a rank is from 1 to {LARGEST_RANK}"))
}

fn positive(value: &Value, key: &str) -> Result<f64, String> {
    let found = value.as_f64().filter(|number| number.is_finite() && *number > 0.0);
    found.ok_or_else(|| format!("`{key}` is {value}; it must be over 0"))
}

fn regex(pattern: &str) -> Result<Regex, String> {
    if pattern.len() > LONGEST_PATTERN {
        return Err(format!("a pattern is {} bytes long; at most {LONGEST_PATTERN} are read", pattern.len()));
    }
    let mut builder = RegexBuilder::new(pattern);
    // A pattern that a few bytes of text blow up to more than a megabyte is none of modules.
    let built = builder.backtrack_limit(STEPS).delegate_size_limit(1 << 20).build();
    built.map_err(|error| format!("the pattern {pattern:?} is wrong: {error}"))
}

/// A key of a pattern as PEFT takes it: the end of a path, from a dot on.
fn suffix(key: &str) -> Result<Regex, String> {
    regex(&format!(r"^(?:.*\.)?(?:{key})$"))
}

fn pattern<'a>(json: &'a Value, key: &str) -> Result<Vec<(&'a str, &'a Value)>, String> {
    match &json[key] {
        Value::Null => Ok(Vec::new()),
        Value::Object(map) if map.len() > MOST_PATTERNS => {
            Err(format!("`{key}` has {} entries; at most {MOST_PATTERNS} are read", map.len()))
        }
        Value::Object(map) => Ok(map.iter().map(|(key, value)| (key.as_str(), value)).collect()),
        other => Err(format!("`{key}` is {other}; it must be an object")),
    }
}

fn texts(value: &Value, key: &str) -> Result<Vec<String>, String> {
    let wrong = || format!("`{key}` must be a text or a list of texts");
    match value {
        Value::Null => Ok(Vec::new()),
        Value::String(text) if text.is_empty() => Ok(Vec::new()),
        Value::String(text) => Ok(vec![text.clone()]),
        Value::Array(list) if list.len() > MOST_PATTERNS => {
            Err(format!("`{key}` has {} entries; at most {MOST_PATTERNS} are read", list.len()))
        }
        Value::Array(list) => list.iter().map(|text| text.as_str().map(str::to_owned).ok_or_else(wrong)).collect(),
        _ => Err(wrong()),
    }
}

fn targets(value: &Value) -> Result<Option<Targets>, String> {
    Ok(match value {
        Value::Null => None,
        Value::String(text) if text.to_lowercase() == "all-linear" => Some(Targets::AllLinear),
        Value::String(text) => Some(Targets::Matching(regex(&format!("^(?:{text})$"))?)),
        list => Some(Targets::Named(texts(list, "target_modules")?)),
    })
}

fn targets_or_none(value: Option<&Value>) -> Result<Option<Targets>, String> {
    match value {
        None => Ok(None),
        Some(Value::Array(list)) if list.is_empty() => Ok(None),
        Some(value) => targets(value),
    }
}

#[cfg(test)]
mod tests {
    use super::AdapterConfig;

    fn parse(more: &str) -> Result<AdapterConfig, String> {
        AdapterConfig::parse(&format!(r#"{{"peft_type": "LORA", "r": 4, "lora_alpha": 8, {more}}}"#))
    }

    #[test]
    fn targets_are_names_patterns_or_all() {
        let module = "model.layers.11.self_attn.q_proj";
        for (targets, hit) in [
            (r#"["q_proj"]"#, true),
            (r#"["self_attn.q_proj"]"#, true),
            (r#"["proj"]"#, false),
            (r#"["model.layers.11.self_attn.q_proj"]"#, true),
            (r#""all-linear""#, true),
            (r#"".*\\.q_proj""#, true),
            (r#""q_proj""#, false),
            (r#"["q_proj"], "exclude_modules": ["layers.11.self_attn.q_proj"]"#, false),
            (r#"["q_proj"], "exclude_modules": ".*\\.12\\..*""#, true),
            (r#"["q_proj"], "layers_to_transform": [1, 11]"#, true),
            (r#"["q_proj"], "layers_to_transform": 1"#, false),
            (r#"["q_proj"], "layers_to_transform": [11], "layers_pattern": "layers""#, true),
            (r#"["q_proj"], "layers_to_transform": [11], "layers_pattern": ["blocks"]"#, false),
        ] {
            let config = parse(&format!(r#""target_modules": {targets}"#)).expect("a configuration");
            assert_eq!(config.targets(module), Ok(hit), "{targets}");
        }
        assert_eq!(parse(r#""target_modules": "all-linear""#).expect("a configuration").targets("lm_head"), Ok(false));
    }

    #[test]
    fn ranks_and_scales_follow_the_patterns() {
        let more = r#""target_modules": ["q_proj"], "rank_pattern": {"q_proj": 16, "^model.x$": 2}, "alpha_pattern": {"layers.0.q_proj": 32}"#;
        let config = parse(more).expect("a configuration");
        assert_eq!(config.rank_and_scale("model.layers.0.q_proj"), Ok((16, 2.0)));
        assert_eq!(config.rank_and_scale("model.layers.1.q_proj"), Ok((16, 0.5)));
        assert_eq!(config.rank_and_scale("model.layers.1.k_proj"), Ok((4, 2.0)));
        let config = parse(r#""target_modules": [], "use_rslora": true"#).expect("a configuration");
        assert_eq!(config.rank_and_scale("x"), Ok((4, 4.0)));
    }

    #[test]
    fn what_is_not_done_is_refused_by_name() {
        for (more, word) in [
            (r#""use_dora": true"#, "use_dora"),
            (r#""bias": "all""#, "bias"),
            (r#""lora_bias": true"#, "lora_bias"),
            (r#""modules_to_save": ["lm_head"]"#, "modules_to_save"),
            (r#""init_lora_weights": "pissa""#, "pissa"),
            (r#""trainable_token_indices": [1]"#, "trainable_token_indices"),
            (r#""something_new": 3"#, "something_new"),
            (r#""rank_pattern": {"x": 0}"#, "rank_pattern"),
            (r#""rank_pattern": {"(": 2}"#, "pattern"),
            (r#""layers_to_transform": "x""#, "layers_to_transform"),
        ] {
            let more = format!(r#""target_modules": ["q_proj"], {more}"#);
            let said = parse(&more).err().unwrap_or_default();
            assert!(said.contains(word), "{more}: {said}");
        }
        for (text, word) in [
            ("[", "JSON"),
            ("[]", "object"),
            (r#"{"peft_type": "IA3"}"#, "IA3"),
            (r#"{"peft_type": "LORA", "lora_alpha": 1, "target_modules": []}"#, "`r`"),
            (r#"{"peft_type": "LORA", "r": 1, "lora_alpha": -1, "target_modules": []}"#, "lora_alpha"),
            (r#"{"peft_type": "LORA", "r": 1, "lora_alpha": 1}"#, "target_modules"),
        ] {
            let said = AdapterConfig::parse(text).err().unwrap_or_default();
            assert!(said.contains(word), "{text}: {said}");
        }
    }
}
