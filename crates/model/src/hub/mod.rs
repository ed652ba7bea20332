//! Models on the Hugging Face hub, `owner/name[@revision]`: the few files that a model needs, in the cache that the Python
//! client uses too.
//!
//! `name` reads names, `fetch` speaks HTTP, `cache` knows the layout on disk. The published Rust client is not used: it
//! takes the server's headers as paths and the server's lengths without bounds, and knows neither offline mode nor
//! `Retry-After`. Here nothing is written outside of the cache, whatever a server says, and every length is bounded.

mod cache;
mod fetch;
mod name;

use std::path::PathBuf;

use serde_json::Value;

use self::cache::Cache;
use self::fetch::Client;
pub use self::name::HubName;

/// Where the hub is and how it is used.
#[derive(Clone)]
pub struct HubSettings {
    /// Address, without a slash at its end.
    pub endpoint: String,
    /// Folder of the cache.
    pub cache: PathBuf,
    /// Access token, sent to the endpoint only.
    pub token: Option<String>,
    /// Whether only the cache is used.
    pub offline: bool,
}

/// A model found on the hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubModel {
    /// Its directory in the cache.
    pub directory: PathBuf,
    /// The commit that the revision was.
    pub commit: String,
}

/// How far a download is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HubProgress {
    /// Bytes of all files that are still to come.
    Begin {
        /// Bytes.
        bytes: u64,
    },
    /// More bytes have come.
    Bytes(u64),
    /// Something that the user should know, such as a wait or a fall-back.
    Note(String),
}

/// Why a model could not be had; messages name the model and the remedy.
#[derive(Debug, thiserror::Error)]
#[error("{name}: {why}")]
pub struct HubError {
    /// As typed.
    pub name: String,
    /// What is wrong and what to do.
    pub why: String,
}

/// Small files that a model or an adapter may have.
const SMALL: &[&str] = &[
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "chat_template.jinja",
    "adapter_config.json",
];
const SINGLE: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";
const ADAPTER: &str = "adapter_model.safetensors";
/// Largest small file, as the engine reads them.
const LARGEST_SMALL: u64 = 256 << 20;
/// Largest file of weights; the hub's own bound is 500 GB.
const LARGEST_WEIGHTS: u64 = 512 << 30;

impl HubSettings {
    /// From `HF_ENDPOINT`, `HF_HUB_CACHE`, `HF_HOME`, `HF_TOKEN` (or the token file that `hf auth login` writes) and
    /// `HF_HUB_OFFLINE`, as the Python client reads them.
    pub fn from_environment() -> HubSettings {
        HubSettings::from_variables(&|name| std::env::var(name).ok().filter(|value| !value.trim().is_empty()))
    }

    fn from_variables(variable: &dyn Fn(&str) -> Option<String>) -> HubSettings {
        let on = |name: &str| {
            variable(name).is_some_and(|value| matches!(value.to_uppercase().as_str(), "1" | "ON" | "YES" | "TRUE"))
        };
        let general = variable("XDG_CACHE_HOME").map(PathBuf::from).unwrap_or_else(|| {
            let home = variable("HOME").or_else(|| variable("USERPROFILE")).map_or_else(PathBuf::new, PathBuf::from);
            home.join(".cache")
        });
        let home = variable("HF_HOME").map_or_else(|| general.join("huggingface"), PathBuf::from);
        let cache = variable("HF_HUB_CACHE").or_else(|| variable("HUGGINGFACE_HUB_CACHE"));
        let token_file = variable("HF_TOKEN_PATH").map_or_else(|| home.join("token"), PathBuf::from);
        let stored = || std::fs::read_to_string(token_file).ok().map(|token| token.trim().to_owned());
        let token = variable("HF_TOKEN").or_else(|| if on("HF_HUB_DISABLE_IMPLICIT_TOKEN") { None } else { stored() });
        let endpoint = variable("HF_ENDPOINT").unwrap_or_else(|| "https://huggingface.co".to_owned());
        HubSettings {
            endpoint: endpoint.trim().trim_end_matches('/').to_owned(),
            cache: cache.map_or_else(|| home.join("hub"), PathBuf::from),
            token: token.map(|token| token.trim().to_owned()).filter(|token| !token.is_empty()),
            offline: on("HF_HUB_OFFLINE") || on("TRANSFORMERS_OFFLINE"),
        }
    }
}

/// Finds a model in the cache or on the hub, downloading what is missing.
///
/// # Errors
/// [`HubError`]: no such model, no access, no network and no cache, a download that does not come to its end.
pub fn obtain(
    name: &HubName,
    settings: &HubSettings,
    progress: &mut dyn FnMut(HubProgress),
) -> Result<HubModel, HubError> {
    let cache = Cache::of(&settings.cache, &name.repository());
    let failed = |why: String| HubError { name: name.to_string(), why };
    let cached = cache.commit(&name.revision).filter(|commit| complete(&cache, commit));
    let found = |commit: String| HubModel { directory: cache.snapshot(&commit), commit };
    if settings.offline {
        let place = settings.cache.display();
        let why =
            format!("HF_HUB_OFFLINE is set, and the cache {place} does not hold it whole; unset it once, to download");
        return cached.map(found).ok_or_else(|| failed(why));
    }
    // A commit never changes.
    if let Some(commit) = cached.as_ref().filter(|commit| **commit == name.revision) {
        return Ok(found(commit.clone()));
    }
    let client = Client::new(settings);
    let info = match client.info(name, progress) {
        Ok(info) => info,
        Err(error) if error.unreachable && cached.is_some() => {
            progress(HubProgress::Note(format!("{}; the copy in the cache is used", error.why)));
            return cached.map(found).ok_or_else(|| failed(error.why));
        }
        Err(error) => return Err(failed(error.why)),
    };
    download(&client, &cache, name, &info, progress).map_err(failed)?;
    cache.remember(&name.revision, &info.commit).map_err(failed)?;
    Ok(found(info.commit))
}

/// What the hub says of a revision.
struct Info {
    commit: String,
    /// Names and sizes, where they are known.
    files: Vec<(String, u64)>,
}

impl Info {
    fn has(&self, file: &str) -> bool {
        self.files.iter().any(|(name, _)| name == file)
    }
}

/// Downloads what is needed and not yet there: small files first, since the index names the shards.
fn download(
    client: &Client,
    cache: &Cache,
    name: &HubName,
    info: &Info,
    progress: &mut dyn FnMut(HubProgress),
) -> Result<(), String> {
    let adapter = info.has("adapter_config.json") && !info.has("config.json");
    if !adapter && !info.has("config.json") {
        let remedy = match info.files.iter().any(|(file, _)| file.to_lowercase().ends_with(".gguf")) {
            true => "it holds GGUF files: download the one that you want and give its path",
            false => "is it a model of transformers?",
        };
        return Err(format!("it has no config.json; {remedy}"));
    }
    let weights: &[&str] = if adapter { &[ADAPTER] } else { &[SINGLE, INDEX] };
    let Some(weights) = weights.iter().find(|file| info.has(file)) else {
        let pickled = |file: &str| [".bin", ".pt", ".pth", ".ckpt"].iter().any(|end| file.ends_with(end));
        return Err(match info.files.iter().any(|(file, _)| pickled(file)) {
            true => {
                "its weights are pickled Python, which can run code and is not read; convert them to safetensors with \
                     transformers' save_pretrained"
                    .to_owned()
            }
            false => format!("it has no {}", weights[0]),
        });
    };
    let mut wanted: Vec<(String, u64)> = Vec::new();
    for file in SMALL.iter().filter(|file| info.has(file)) {
        wanted.push(((*file).to_owned(), LARGEST_SMALL));
    }
    let mut get = |files: &[(String, u64)]| -> Result<(), String> {
        let size = |file: &str| info.files.iter().find(|(name, _)| name == file).map_or(0, |(_, size)| *size);
        let missing: Vec<&(String, u64)> = files.iter().filter(|(file, _)| !cache.holds(&info.commit, file)).collect();
        progress(HubProgress::Begin { bytes: missing.iter().map(|(file, _)| size(file)).sum() });
        for (file, most) in missing {
            client.download(cache, name, &info.commit, file, *most, progress)?;
        }
        Ok(())
    };
    if *weights != INDEX {
        wanted.push(((*weights).to_owned(), LARGEST_WEIGHTS));
        return get(&wanted);
    }
    wanted.push((INDEX.to_owned(), LARGEST_SMALL));
    get(&wanted)?;
    let shards = shards(cache, &info.commit).ok_or("its model.safetensors.index.json names no shards")?;
    if let Some(shard) = shards.iter().find(|shard| !info.has(shard)) {
        return Err(format!("its index names {shard}, which it does not have"));
    }
    get(&shards.into_iter().map(|shard| (shard, LARGEST_WEIGHTS)).collect::<Vec<_>>())
}

/// The shards that a cached index names; none that lie elsewhere.
fn shards(cache: &Cache, commit: &str) -> Option<Vec<String>> {
    let text = std::fs::read_to_string(cache.snapshot(commit).join(INDEX)).ok()?;
    let json: Value = serde_json::from_str(&text).ok()?;
    let mut names: Vec<String> =
        json["weight_map"].as_object()?.values().filter_map(|name| name.as_str().map(str::to_owned)).collect();
    names.sort();
    names.dedup();
    (!names.is_empty() && names.iter().all(|name| name::is_plain(name))).then_some(names)
}

/// Whether a snapshot holds all that is needed.
fn complete(cache: &Cache, commit: &str) -> bool {
    let holds = |file: &str| cache.holds(commit, file);
    if holds("adapter_config.json") && !holds("config.json") {
        return holds(ADAPTER);
    }
    let weights = holds(SINGLE) || shards(cache, commit).is_some_and(|shards| shards.iter().all(|shard| holds(shard)));
    holds("config.json") && holds("tokenizer.json") && weights
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::HubSettings;

    fn settings(variables: &[(&str, &str)]) -> HubSettings {
        let found = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        HubSettings::from_variables(&found)
    }

    #[test]
    fn the_environment_is_read_as_the_python_client_does() {
        let plain = settings(&[("HOME", "/home/one")]);
        assert_eq!(plain.cache, PathBuf::from("/home/one/.cache/huggingface/hub"));
        assert_eq!(plain.endpoint, "https://huggingface.co");
        assert!(plain.token.is_none() && !plain.offline);
        let home = settings(&[("HF_HOME", "/data/hf"), ("HF_TOKEN", " secret\n"), ("HF_HUB_OFFLINE", "true")]);
        assert_eq!(home.cache, PathBuf::from("/data/hf/hub"));
        assert_eq!(home.token.as_deref(), Some("secret"));
        assert!(home.offline);
        let more = [
            ("HF_HOME", "/data/hf"),
            ("HF_HUB_CACHE", "/c"),
            ("HF_ENDPOINT", "http://mirror/"),
            ("HF_HUB_OFFLINE", "0"),
        ];
        let more = settings(&more);
        assert_eq!((more.cache, more.endpoint.as_str()), (PathBuf::from("/c"), "http://mirror"));
        assert!(!more.offline);
    }
}
