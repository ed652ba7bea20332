//! The cache on disk, in the layout of the Python client: `models--OWNER--NAME/` with `refs/REVISION` (a commit),
//! `blobs/ETAG` (contents) and `snapshots/COMMIT/FILE` (links to contents).

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::name::is_plain;

/// One model's part of the cache.
pub(super) struct Cache {
    root: PathBuf,
}

/// Whether a text is a commit: 40 hexadecimal digits.
pub(super) fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.chars().all(|digit| matches!(digit, '0'..='9' | 'a'..='f'))
}

impl Cache {
    /// The part of `owner/name`.
    pub fn of(cache: &Path, repository: &str) -> Cache {
        Cache { root: cache.join(format!("models--{}", repository.replace('/', "--"))) }
    }

    /// The commit that a revision last was.
    pub fn commit(&self, revision: &str) -> Option<String> {
        if is_commit(revision) {
            return Some(revision.to_owned());
        }
        let text = fs::read_to_string(self.root.join("refs").join(revision)).ok()?;
        Some(text.trim().to_owned()).filter(|text| is_commit(text))
    }

    /// Writes down which commit a revision is.
    pub fn remember(&self, revision: &str, commit: &str) -> Result<(), String> {
        if is_commit(revision) {
            return Ok(());
        }
        let path = self.root.join("refs").join(revision);
        let failed = |error: std::io::Error| format!("{}: {error}", path.display());
        fs::create_dir_all(path.parent().unwrap_or(&path)).map_err(failed)?;
        fs::write(&path, commit).map_err(failed)
    }

    /// The directory of a commit.
    pub fn snapshot(&self, commit: &str) -> PathBuf {
        self.root.join("snapshots").join(commit)
    }

    /// Whether a commit's file is there (and its link leads somewhere).
    pub fn holds(&self, commit: &str, file: &str) -> bool {
        self.snapshot(commit).join(file).is_file()
    }

    /// Begins a file's contents: locks them against other processes. The lock goes with what is returned.
    pub fn begin(&self, etag: &str) -> Result<Part, String> {
        if !is_plain(etag) {
            return Err(format!("the server calls a file {etag:?}, which cannot be part of a path"));
        }
        let blobs = self.root.join("blobs");
        let failed = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
        fs::create_dir_all(&blobs).map_err(|error| failed(&blobs, error))?;
        let path = blobs.join(format!("{etag}.lock"));
        let lock = File::create(&path).map_err(|error| failed(&path, error))?;
        lock.lock().map_err(|error| failed(&path, error))?;
        Ok(Part {
            whole: blobs.join(etag),
            part: blobs.join(format!("{etag}.incomplete")),
            etag: etag.to_owned(),
            lock_path: path,
            _lock: lock,
        })
    }

    /// Links a commit's file to its contents.
    pub fn link(&self, commit: &str, file: &str, part: &Part) -> Result<(), String> {
        if !is_commit(commit) || !is_plain(file) {
            return Err(format!("{file} of commit {commit:?} cannot be part of a path"));
        }
        let folder = self.snapshot(commit);
        let path = folder.join(file);
        let failed = |error: std::io::Error| format!("{}: {error}", path.display());
        fs::create_dir_all(&folder).map_err(failed)?;
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        link(&Path::new("../../blobs").join(&part.etag), &part.whole, &path).map_err(failed)
    }
}

#[cfg(unix)]
fn link(relative: &Path, _whole: &Path, path: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(relative, path)
}

/// Where links need rights that users do not have, the contents are moved, as the Python client does.
#[cfg(not(unix))]
fn link(_relative: &Path, whole: &Path, path: &Path) -> std::io::Result<()> {
    fs::rename(whole, path)
}

/// A file's contents while they are downloaded.
pub(super) struct Part {
    /// Where they are once they are whole.
    pub whole: PathBuf,
    /// Where they grow.
    pub part: PathBuf,
    etag: String,
    lock_path: PathBuf,
    _lock: File,
}

impl Drop for Part {
    fn drop(&mut self) {
        // Another process may wait for it: removing only unlinks the name.
        let _ = fs::remove_file(&self.lock_path);
    }
}
