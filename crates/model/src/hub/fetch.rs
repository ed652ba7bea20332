//! HTTP to the hub: what a revision holds, and downloads that resume, retry and stay within bounds.
//!
//! Redirects are followed here rather than by the HTTP library, so that the token goes to the endpoint alone.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use ureq::http::{HeaderMap, Response};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body};

use super::cache::{Cache, is_commit};
use super::{HubName, HubProgress, HubSettings, Info};

/// Before the second try; doubled after each.
const FIRST_WAIT: Duration = Duration::from_millis(250);
/// Tries of a request or of a download that does not move.
const TRIES: u32 = 5;
/// Most redirects.
const REDIRECTS: usize = 10;
/// Bytes that make another round of tries worth while.
const WORTHWHILE: u64 = 1 << 20;
/// Longest wait that a server may ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// Largest answer about a revision.
const LARGEST_INFO: u64 = 64 << 20;

/// A connection to an endpoint.
pub(super) struct Client {
    agent: Agent,
    endpoint: String,
    token: Option<String>,
}

/// Why a request failed.
pub(super) struct Failure {
    pub why: String,
    /// Nobody answered, or a server in trouble did: a cached copy may serve.
    pub unreachable: bool,
    again: Option<Duration>,
}

impl Failure {
    fn last(why: String) -> Failure {
        Failure { why, unreachable: false, again: None }
    }

    fn passing(why: String, wait: Option<Duration>) -> Failure {
        Failure { why, unreachable: true, again: Some(wait.unwrap_or(Duration::ZERO).min(LONGEST_WAIT)) }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Method {
    /// Headers only, of the endpoint itself: redirects to other hosts are not followed.
    Head,
    Get {
        from: u64,
    },
}

impl Client {
    pub fn new(settings: &HubSettings) -> Client {
        let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
        let config = Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(Some(Duration::from_secs(20)))
            .timeout_recv_response(Some(Duration::from_secs(60)))
            // A stalled download ends and is resumed.
            .timeout_recv_body(Some(Duration::from_secs(600)))
            .user_agent(concat!("undermask/", env!("CARGO_PKG_VERSION")))
            .build();
        Client {
            agent: Agent::new_with_config(config),
            endpoint: settings.endpoint.clone(),
            token: settings.token.clone(),
        }
    }

    /// What a revision is and holds.
    pub fn info(&self, name: &HubName, progress: &mut dyn FnMut(HubProgress)) -> Result<Info, Failure> {
        let address = format!(
            "{}/api/models/{}/revision/{}?blobs=true",
            self.endpoint,
            name.repository(),
            name.revision_in_address()
        );
        let text = patiently(progress, |_| {
            let response = self.request(Method::Get { from: 0 }, &address)?;
            let body = response.into_body().into_with_config().limit(LARGEST_INFO).read_to_string();
            body.map_err(|error| Failure::passing(format!("{address}: {error}"), None))
        })?;
        let odd = |why: &str| Failure::last(format!("{} is no hub, or its answer is damaged: {why}", self.endpoint));
        let json: Value = serde_json::from_str(&text).map_err(|error| odd(&error.to_string()))?;
        let commit =
            json["sha"].as_str().filter(|commit| is_commit(commit)).ok_or_else(|| odd("there is no commit"))?;
        let list = json["siblings"].as_array().ok_or_else(|| odd("there is no list of files"))?;
        let file = |entry: &Value| Some((entry["rfilename"].as_str()?.to_owned(), entry["size"].as_u64().unwrap_or(0)));
        Ok(Info { commit: commit.to_owned(), files: list.iter().filter_map(file).collect() })
    }

    /// Downloads a file of a commit into the cache, from where an earlier download ended.
    pub fn download(
        &self,
        cache: &Cache,
        name: &HubName,
        commit: &str,
        file: &str,
        most: u64,
        progress: &mut dyn FnMut(HubProgress),
    ) -> Result<(), String> {
        let address = format!("{}/{}/resolve/{commit}/{file}", self.endpoint, name.repository());
        let heads = patiently(progress, |_| self.request(Method::Head, &address)).map_err(|error| error.why)?;
        let header = |key: &str| heads.headers().get(key).and_then(|value| value.to_str().ok());
        // Large files: the first answer redirects to storage, and says what will be found there.
        let etag = header("x-linked-etag").or(header("etag")).unwrap_or_default();
        let etag = etag.trim_start_matches("W/").trim_matches('"');
        let size = header("x-linked-size").or(header("content-length")).and_then(|size| size.parse::<u64>().ok());
        let size = size.ok_or_else(|| format!("{file}: the server does not say how large it is"))?;
        if size > most {
            return Err(format!("{file} is {size} bytes, more than is read of such a file ({most})"));
        }
        let part = cache.begin(etag).map_err(|why| format!("{file}: {why}"))?;
        if !part.whole.is_file() {
            let failed = |error: std::io::Error| format!("{}: {error}", part.part.display());
            let mut out = OpenOptions::new().create(true).append(true).open(&part.part).map_err(failed)?;
            let mut have = out.metadata().map_err(failed)?.len();
            if have > size {
                out.set_len(0).map_err(failed)?;
                have = 0;
            }
            progress(HubProgress::Bytes(have));
            while have < size {
                let before = have;
                let moved = patiently(progress, |progress| self.pour(&address, size, &mut have, &mut out, progress));
                // What has moved on may be tried again: large files over bad lines come in many pieces.
                if let Err(error) = moved
                    && have < before + WORTHWHILE
                {
                    return Err(format!(
                        "{file}: {} of {size} bytes came; run again to continue ({})",
                        have, error.why
                    ));
                }
            }
            out.sync_all().map_err(failed)?;
            std::fs::rename(&part.part, &part.whole).map_err(failed)?;
        }
        cache.link(commit, file, &part)
    }
}

impl Client {
    /// Appends what is missing of a file, until its end or the connection's.
    fn pour(
        &self,
        address: &str,
        size: u64,
        have: &mut u64,
        out: &mut File,
        progress: &mut dyn FnMut(HubProgress),
    ) -> Result<(), Failure> {
        let full = |error: std::io::Error| Failure::last(format!("the cache cannot be written: {error}"));
        let response = self.request(Method::Get { from: *have }, address)?;
        let header = |key: &str| response.headers().get(key).and_then(|value| value.to_str().ok());
        let from_there = header("content-range").is_some_and(|range| range.starts_with(&format!("bytes {have}-")));
        if *have > 0 && !(response.status().as_u16() == 206 && from_there) {
            // The server begins anew, and so do we.
            out.set_len(0).map_err(full)?;
            *have = 0;
        }
        let mut body = response.into_body().into_with_config().limit(u64::MAX).reader().take(size - *have);
        let mut buffer = vec![0; 1 << 18];
        loop {
            match body.read(&mut buffer) {
                Ok(0) if *have == size => return Ok(()),
                Ok(0) => return Err(Failure::passing(format!("{address} ended after {have} of {size} bytes"), None)),
                Ok(count) => {
                    out.write_all(&buffer[..count]).map_err(full)?;
                    *have += count as u64;
                    progress(HubProgress::Bytes(count as u64));
                }
                Err(error) => {
                    return Err(Failure::passing(
                        format!("{address} broke off after {have} of {size} bytes: {error}"),
                        None,
                    ));
                }
            }
        }
    }

    /// One request with its redirects.
    fn request(&self, method: Method, address: &str) -> Result<Response<Body>, Failure> {
        let mut address = address.to_owned();
        for _ in 0..REDIRECTS {
            let ours = origin(&address) == origin(&self.endpoint);
            let mut request = match method {
                Method::Head => self.agent.head(&address),
                Method::Get { .. } => self.agent.get(&address),
            };
            if let (true, Some(token)) = (ours, &self.token) {
                request = request.header("Authorization", format!("Bearer {token}"));
            }
            if let Method::Get { from } = method
                && from > 0
            {
                request = request.header("Range", format!("bytes={from}-"));
            }
            // Compressed, lengths and ranges would be of something else.
            let sent = request.header("Accept-Encoding", "identity").call();
            let response = sent.map_err(|error| Failure::passing(format!("{address}: {error}"), None))?;
            let status = response.status().as_u16();
            if !matches!(status, 301 | 302 | 303 | 307 | 308) {
                return self.judge(&address, status, response);
            }
            let target = response.headers().get("location").and_then(|value| value.to_str().ok());
            let next = target.and_then(|target| joined(&address, target));
            let next = next.ok_or_else(|| Failure::last(format!("{address} redirects to nowhere")))?;
            if method == Method::Head && origin(&next) != origin(&address) {
                return Ok(response);
            }
            if address.starts_with("https:") && !next.starts_with("https:") {
                return Err(Failure::last(format!("{address} redirects to {next}, which is not encrypted")));
            }
            address = next;
        }
        Err(Failure::last(format!("{address}: more than {REDIRECTS} redirects")))
    }

    /// What a status means, with the remedy.
    fn judge(&self, address: &str, status: u16, response: Response<Body>) -> Result<Response<Body>, Failure> {
        let token = match self.token {
            Some(_) => "the token in use does not allow it",
            None => "no token is in use: set HF_TOKEN, or log in with `hf auth login`",
        };
        match status {
            200..=299 => Ok(response),
            // The hub answers 401 for what does not exist as well.
            401 => {
                Err(Failure::last(format!("there is no such model at {}, or it is private ({token})", self.endpoint)))
            }
            403 => {
                Err(Failure::last(format!("access is denied (status 403): ask for it on the model's page; {token}")))
            }
            404 => Err(Failure::last(format!(
                "there is no such model, revision or file at {} (status 404)",
                self.endpoint
            ))),
            // What is there already cannot be continued.
            416 => Err(Failure::passing(format!("{address}: status 416"), None)),
            408 | 425 | 429 | 500..=599 => {
                Err(Failure::passing(format!("{address}: status {status}"), wait(response.headers())))
            }
            _ => Err(Failure::last(format!("{address}: status {status}"))),
        }
    }
}

/// Tries again what may pass, with growing waits, saying so.
fn patiently<T>(
    progress: &mut dyn FnMut(HubProgress),
    mut work: impl FnMut(&mut dyn FnMut(HubProgress)) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let mut tries = 0;
    loop {
        match work(progress) {
            Err(Failure { again: Some(asked), why, .. }) if tries + 1 < TRIES => {
                let wait = asked.max(FIRST_WAIT * 2u32.pow(tries));
                tries += 1;
                progress(HubProgress::Note(format!("{why}; again in {:.1} s", wait.as_secs_f64())));
                thread::sleep(wait);
            }
            done => return done,
        }
    }
}

/// `Retry-After` in seconds.
fn wait(headers: &HeaderMap) -> Option<Duration> {
    headers.get("retry-after")?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

/// Scheme, host and port of an address.
fn origin(address: &str) -> &str {
    let start = address.find("://").map_or(0, |place| place + 3);
    let end = address[start..].find(['/', '?', '#']).map_or(address.len(), |place| start + place);
    &address[..end]
}

/// A redirect's target: an address, or a path at the same host.
fn joined(from: &str, target: &str) -> Option<String> {
    match target {
        _ if target.starts_with("http://") || target.starts_with("https://") => Some(target.to_owned()),
        _ if target.starts_with("//") => Some(format!("{}:{target}", from.split(':').next()?)),
        _ if target.starts_with('/') => Some(format!("{}{target}", origin(from))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{joined, origin};

    #[test]
    fn addresses_are_joined_and_compared_by_origin() {
        assert_eq!(origin("https://a.b:8/c?d"), "https://a.b:8");
        assert_eq!(origin("https://a.b"), "https://a.b");
        assert_ne!(origin("https://a.b"), origin("http://a.b"));
        assert_ne!(origin("https://a.b.evil/"), origin("https://a.b/"));
        assert_eq!(joined("https://a/x", "/y?z").as_deref(), Some("https://a/y?z"));
        assert_eq!(joined("https://a/x", "http://b/").as_deref(), Some("http://b/"));
        assert_eq!(joined("https://a/x", "//b/c").as_deref(), Some("https://b/c"));
        assert_eq!(joined("https://a/x", "file:///etc/passwd"), None);
    }
}
