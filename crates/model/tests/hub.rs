//! The hub client against a server within the test: redirects, ETags, refusals, cut-off downloads, offline with and without
//! a cache, hostile answers.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;

use undermask_model::{HubModel, HubName, HubProgress, HubSettings, obtain};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// What a request asks for.
struct Asked {
    method: String,
    path: String,
    headers: BTreeMap<String, String>,
}

/// An answer: status, headers, body, and how much of the body is really sent.
struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    sent: usize,
}

fn answer(status: u16, headers: Vec<(&'static str, String)>, body: &[u8]) -> Answer {
    Answer { status, headers, body: body.to_vec(), sent: body.len() }
}

type Rule = Box<dyn Fn(&Asked) -> Option<Answer> + Send + Sync>;

/// A hub of one model; rules come before its own answers.
struct Hub {
    address: String,
    log: Arc<Mutex<Vec<String>>>,
    folder: tempfile::TempDir,
}

fn file(name: &str) -> Option<Vec<u8>> {
    Some(match name {
        "config.json" => br#"{"model_type": "llama"}"#.to_vec(),
        "tokenizer.json" => b"{}".to_vec(),
        "model.safetensors.index.json" => {
            br#"{"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}"#.to_vec()
        }
        "model-1.safetensors" => (0..300_000u32).map(|place| (place % 251) as u8).collect(),
        "model-2.safetensors" => vec![7; 1000],
        _ => return None,
    })
}

/// The model's own answers, as the hub gives them: weights are redirected to storage (here the same server, by another
/// host name, so that the token must not follow).
fn hub(asked: &Asked, port: u16) -> Answer {
    if asked.path.starts_with("/api/models/owner/name/revision/main") {
        let names = [
            "config.json",
            "tokenizer.json",
            "model.safetensors.index.json",
            "model-1.safetensors",
            "model-2.safetensors",
            "README.md",
            "pytorch_model.bin",
        ];
        let list: Vec<String> = names
            .iter()
            .map(|name| format!(r#"{{"rfilename": "{name}", "size": {}}}"#, file(name).map_or(5, |body| body.len())))
            .collect();
        return answer(200, vec![], format!(r#"{{"sha": "{COMMIT}", "siblings": [{}]}}"#, list.join(",")).as_bytes());
    }
    let name = asked.path.rsplit('/').next().unwrap_or_default();
    let Some(body) = file(name) else { return answer(404, vec![], b"no") };
    let etag = format!("\"etag-{}\"", name.replace('.', "-"));
    if asked.path.starts_with("/storage/") {
        if let Some(range) = asked.headers.get("range") {
            let from: usize = range.trim_start_matches("bytes=").trim_end_matches('-').parse().expect("a range");
            let said = format!("bytes {from}-{}/{}", body.len() - 1, body.len());
            return answer(206, vec![("content-range", said)], &body[from..]);
        }
        return answer(200, vec![], &body);
    }
    if name.ends_with(".safetensors") {
        let target = format!("http://localhost:{port}/storage/{name}");
        return answer(
            302,
            vec![("location", target), ("x-linked-etag", etag), ("x-linked-size", body.len().to_string())],
            b"",
        );
    }
    answer(200, vec![("etag", format!("W/{etag}"))], &body)
}

fn serve(mut stream: TcpStream, rules: &[Rule], port: u16, log: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream.try_clone().expect("a clone"));
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let mut words = line.split_whitespace().map(str::to_owned);
        let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let mut headers = BTreeMap::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 || line.trim().is_empty() {
                break;
            }
            if let Some((key, value)) = line.trim().split_once(':') {
                headers.insert(key.to_lowercase(), value.trim().to_owned());
            }
        }
        let asked = Asked { method, path, headers };
        let own = || hub(&asked, port);
        let answer = rules.iter().find_map(|rule| rule(&asked)).unwrap_or_else(own);
        let token = if asked.headers.contains_key("authorization") { " +token" } else { "" };
        let range = asked.headers.get("range").map_or(String::new(), |range| format!(" {range}"));
        log.lock().expect("the log").push(format!("{} {}{range}{token} {}", asked.method, asked.path, answer.status));
        let mut head = format!("HTTP/1.1 {} x\r\ncontent-length: {}\r\n", answer.status, answer.body.len());
        answer.headers.iter().for_each(|(key, value)| head.push_str(&format!("{key}: {value}\r\n")));
        head.push_str("\r\n");
        let body = if asked.method == "HEAD" { &[][..] } else { &answer.body[..answer.sent] };
        if stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body)).is_err()
            || answer.sent < answer.body.len()
        {
            return;
        }
    }
}

impl Hub {
    fn new(rules: Vec<Rule>) -> Hub {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let log = Arc::new(Mutex::new(Vec::new()));
        let (rules, kept) = (Arc::new(rules), Arc::clone(&log));
        // Ends with the test's process.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (rules, log) = (Arc::clone(&rules), Arc::clone(&kept));
                thread::spawn(move || serve(stream, &rules, port, &log));
            }
        });
        Hub { address: format!("http://127.0.0.1:{port}"), log, folder: tempfile::tempdir().expect("a folder") }
    }

    fn settings(&self) -> HubSettings {
        HubSettings {
            endpoint: self.address.clone(),
            cache: self.folder.path().join("cache"),
            token: Some("secret".to_owned()),
            offline: false,
        }
    }

    fn obtain(&self, name: &str) -> Result<HubModel, String> {
        self.obtain_with(name, &self.settings())
    }

    fn obtain_with(&self, name: &str, settings: &HubSettings) -> Result<HubModel, String> {
        let name = HubName::parse(name).expect("a name");
        obtain(&name, settings, &mut |_| {}).map_err(|error| error.to_string())
    }

    fn log(&self) -> Vec<String> {
        std::mem::take(&mut *self.log.lock().expect("the log"))
    }

    fn files(&self) -> Vec<PathBuf> {
        fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() { walk(&path, found) } else { found.push(path) }
            }
        }
        let mut found = Vec::new();
        walk(self.folder.path(), &mut found);
        found
    }
}

fn rule(part: &'static str, make: impl Fn(&Asked, usize) -> Option<Answer> + Send + Sync + 'static) -> Rule {
    let count = Mutex::new(0);
    Box::new(move |asked| {
        if !asked.path.contains(part) {
            return None;
        }
        let mut count = count.lock().expect("a count");
        *count += 1;
        make(asked, *count)
    })
}

#[test]
fn a_model_comes_with_what_it_needs_and_nothing_else() {
    let hub = Hub::new(vec![]);
    let mut bytes = (0, 0);
    let name = HubName::parse("owner/name").expect("a name");
    let found = obtain(&name, &hub.settings(), &mut |step| match step {
        HubProgress::Begin { bytes: more } => bytes.0 += more,
        HubProgress::Bytes(more) => bytes.1 += more,
        HubProgress::Note(note) => panic!("{note}"),
    });
    let found = found.expect("a model");
    assert_eq!(found.commit, COMMIT);
    assert_eq!(bytes.0, bytes.1, "the bar ends where it should");
    let mut names: Vec<String> = std::fs::read_dir(&found.directory)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
        .collect();
    names.sort();
    let wanted =
        ["config.json", "model-1.safetensors", "model-2.safetensors", "model.safetensors.index.json", "tokenizer.json"];
    assert_eq!(names, wanted);
    for name in wanted {
        assert_eq!(std::fs::read(found.directory.join(name)).expect("a file"), file(name).expect("contents"), "{name}");
    }
    let cache = hub.folder.path().join("cache/models--owner--name");
    assert_eq!(std::fs::read_to_string(cache.join("refs/main")).expect("a ref"), COMMIT);
    assert!(cache.join("blobs/etag-config-json").is_file());
    let log = hub.log();
    assert!(log.iter().any(|line| line.contains("/storage/model-1") && line.starts_with("GET")));
    for line in &log {
        assert_eq!(
            line.contains("+token"),
            !line.contains("/storage/"),
            "the token goes to the endpoint alone: {line}"
        );
    }
    // A second time only the revision is asked for; by its commit, nothing is.
    assert_eq!(hub.obtain("owner/name").expect("a model"), found);
    assert_eq!(hub.log().len(), 1);
    assert_eq!(hub.obtain(&format!("owner/name@{COMMIT}")).expect("a model"), found);
    assert_eq!(hub.log(), Vec::<String>::new());
}

#[test]
fn offline_means_the_cache_and_nothing_else() {
    let hub = Hub::new(vec![]);
    let offline = HubSettings { offline: true, ..hub.settings() };
    let said = hub.obtain_with("owner/name", &offline).expect_err("nothing is cached");
    assert!(said.contains("owner/name") && said.contains("HF_HUB_OFFLINE"), "{said}");
    let found = hub.obtain("owner/name").expect("a model");
    hub.log();
    assert_eq!(hub.obtain_with("owner/name", &offline).expect("a model"), found);
    assert_eq!(hub.log(), Vec::<String>::new());
    std::fs::remove_file(found.directory.join("model-2.safetensors")).expect("removed");
    hub.obtain_with("owner/name", &offline).expect_err("a shard is missing");
}

#[test]
fn an_endpoint_that_does_not_answer_leaves_the_cache() {
    let hub = Hub::new(vec![]);
    let found = hub.obtain("owner/name").expect("a model");
    let nobody = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
    let gone = HubSettings { endpoint: format!("http://{nobody}"), ..hub.settings() };
    let mut notes = Vec::new();
    let name = HubName::parse("owner/name").expect("a name");
    let again = obtain(&name, &gone, &mut |step| {
        if let HubProgress::Note(note) = step {
            notes.push(note);
        }
    });
    assert_eq!(again.expect("a model"), found);
    assert!(notes.last().is_some_and(|note| note.contains("the copy in the cache is used")), "{notes:?}");
    let said = hub.obtain_with("owner/other", &gone).expect_err("nobody answers");
    assert!(said.contains(&nobody.to_string()), "{said}");
}

#[test]
fn refusals_say_what_to_do() {
    for (status, words) in [
        (401, ["there is no such model", "token"]),
        (403, ["access is denied", "model's page"]),
        (404, ["no such model", "revision"]),
        (418, ["status 418", "owner/name"]),
    ] {
        let hub = Hub::new(vec![rule("/api/", move |_, _| Some(answer(status, vec![], b"")))]);
        let said = hub.obtain("owner/name").expect_err("a refusal");
        assert!(words.iter().all(|word| said.contains(word)), "{status}: {said}");
        assert_eq!(hub.log().len(), 1, "{status} is not asked again");
    }
}

#[test]
fn what_passes_is_asked_again() {
    let hub = Hub::new(vec![
        rule("/api/", |_, count| match count {
            1 => Some(answer(429, vec![("retry-after", "0".to_owned())], b"")),
            2 => Some(answer(500, vec![], b"")),
            _ => None,
        }),
        rule("/storage/model-2", |_, count| (count == 1).then(|| answer(503, vec![], b""))),
    ]);
    hub.obtain("owner/name").expect("a model");
    let failing = Hub::new(vec![rule("/api/", |_, _| Some(answer(500, vec![], b"")))]);
    let said = failing.obtain("owner/name").expect_err("it never answers");
    assert!(said.contains("status 500"), "{said}");
    assert_eq!(failing.log().len(), 5);
}

#[test]
fn a_download_that_breaks_off_goes_on_where_it_ended() {
    let hub = Hub::new(vec![rule("/storage/model-1", |_, count| {
        let body = file("model-1.safetensors").expect("contents");
        (count == 1).then(|| Answer { status: 200, headers: vec![], sent: 123_456, body })
    })]);
    let found = hub.obtain("owner/name").expect("a model");
    let bytes = std::fs::read(found.directory.join("model-1.safetensors")).expect("a file");
    assert_eq!(Some(bytes), file("model-1.safetensors"));
    assert!(hub.log().iter().any(|line| line.contains("model-1.safetensors bytes=123456- 206")));
}

#[test]
fn a_server_that_never_sends_the_rest_is_left_and_the_next_run_continues() {
    let hub = Hub::new(vec![rule("/storage/model-1", |asked, count| {
        let body = file("model-1.safetensors").expect("contents");
        match asked.headers.get("range") {
            _ if count == 1 => Some(Answer { status: 200, headers: vec![], sent: 1000, body }),
            Some(range) if count < 6 => {
                let headers = vec![("content-range", format!("{}299999/300000", range.replace('=', " ")))];
                Some(Answer { status: 206, headers, sent: 0, body: body[1000..].to_vec() })
            }
            _ => None,
        }
    })]);
    let said = hub.obtain("owner/name").expect_err("it breaks off");
    assert!(said.contains("1000 of 300000") && said.contains("run again to continue"), "{said}");
    hub.log();
    let found = hub.obtain("owner/name").expect("a model");
    assert_eq!(std::fs::read(found.directory.join("model-1.safetensors")).ok(), file("model-1.safetensors"));
    assert!(hub.log().iter().any(|line| line.contains("bytes=1000- 206")));
    assert!(!hub.files().iter().any(|path| path.to_string_lossy().contains(".lock")), "no lock is left");
}

#[test]
fn hostile_answers_reach_nothing_outside_of_the_cache() {
    let index = |text: &'static str| {
        rule("index.json", move |asked, _| {
            let headers = vec![("etag", "\"index\"".to_owned())];
            asked.path.contains("resolve").then(|| answer(200, headers, text.as_bytes()))
        })
    };
    let head = |key: &'static str, value: &'static str| {
        rule("/resolve/", move |asked, _| {
            let name = asked.path.rsplit('/').next().unwrap_or_default();
            let body = file(name).unwrap_or_default();
            let mut headers = vec![("etag", "\"fine\"".to_owned())];
            headers.retain(|(name, _)| *name != key);
            headers.push((key, value.to_owned()));
            Some(answer(200, headers, &body))
        })
    };
    let info = |text: &'static str| rule("/api/", move |_, _| Some(answer(200, vec![], text.as_bytes())));
    for (rule, word) in [
        (head("etag", "\"../../../../evil\""), "cannot be part of a path"),
        (head("etag", "\"/etc/evil\""), "cannot be part of a path"),
        (head("etag", ""), "cannot be part of a path"),
        (head("x-linked-size", "99999999999"), "more than is read"),
        (index(r#"{"weight_map": {"a": "../evil.safetensors"}}"#), "names no shards"),
        (index(r#"{"weight_map": {"a": "/etc/evil"}}"#), "names no shards"),
        (index(r#"{"weight_map": {"a": "other.safetensors"}}"#), "does not have"),
        (index("{"), "names no shards"),
        (info(r#"{"sha": "../../evil", "siblings": []}"#), "there is no commit"),
        (info("<html>"), "is no hub"),
        (info(r#"{"sha": "0123456789abcdef0123456789abcdef01234567", "siblings": [{"rfilename": "a.gguf"}]}"#), "GGUF"),
        (
            info(
                r#"{"sha": "0123456789abcdef0123456789abcdef01234567", "siblings": [{"rfilename": "config.json"}, {"rfilename": "pytorch_model.bin"}]}"#,
            ),
            "pickled",
        ),
        (rule("/resolve/", |asked, _| Some(answer(302, vec![("location", asked.path.clone())], b""))), "redirects"),
        (
            rule("/resolve/", |_, _| Some(answer(302, vec![("location", "file:///etc/passwd".to_owned())], b""))),
            "nowhere",
        ),
    ] {
        let hub = Hub::new(vec![rule]);
        let said = hub.obtain("owner/name").expect_err(word);
        assert!(said.contains(word), "{word}: {said}");
        let cache = hub.folder.path().join("cache/models--owner--name");
        assert!(hub.files().iter().all(|path| path.starts_with(&cache)), "{word}: {:?}", hub.files());
    }
}
