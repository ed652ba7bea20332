//! Hashes the sources that plan, measure and judge, so that a report can say whether the certified instrument is this one.
//! Comments and blank lines are left out, for they change no figure, and so are the calibration itself and the comparison of
//! two runs, which no audit and no calibration runs. The files of kinds of instrument that
//! only some suites ask are hashed apart: a suite's code is that of all suites and of its own kinds. And lists the
//! certificates that ship.

use std::path::{Path, PathBuf};
use std::{env, fs};

/// Sources of the instrument, from the folder of crates.
const SOURCES: &[&str] = &["suite/src", "measure/src", "model/src", "run/src"];
/// Folders that are no part of the instrument: what measures it, and what compares two runs.
const LEFT_OUT: &[&str] = &["calibration", "compare"];
/// Kinds whose own files, `instrument/KIND.rs`, run only where a suite asks them.
const APART: &[&str] = &[
    "budgets",
    "discounting",
    "environment",
    "forms",
    "fresh",
    "optimisation",
    "orientation",
    "trade_off",
    "utilities",
];

fn main() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    for source in SOURCES {
        let folder = crates.join(source);
        println!("cargo:rerun-if-changed={}", folder.display());
        collect(&folder, &mut files);
    }
    files.sort();
    let mut of_all = blake3::Hasher::new();
    let mut apart: Vec<(&str, blake3::Hasher)> = APART.iter().map(|kind| (*kind, blake3::Hasher::new())).collect();
    for file in files {
        let kind = file.parent().filter(|folder| folder.ends_with("instrument")).and(file.file_stem());
        let own = apart.iter_mut().find(|(name, _)| kind.is_some_and(|kind| kind == *name));
        let hash = own.map_or(&mut of_all, |(_, hash)| hash);
        let name = file.strip_prefix(&crates).unwrap_or(&file).to_string_lossy().replace('\\', "/");
        hash.update(name.as_bytes());
        let text = fs::read_to_string(&file).unwrap_or_default();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//")) {
            hash.update(line.as_bytes());
            hash.update(b"\n");
        }
    }
    println!("cargo:rustc-env=UNDERMASK_INSTRUMENT={}", of_all.finalize().to_hex());
    let apart = apart.iter().map(|(kind, hash)| format!("    ({kind:?}, {:?}),\n", hash.finalize().to_hex().as_str()));
    write("apart.rs", &format!("&[\n{}]\n", apart.collect::<String>()));
    list_certificates(&crates.join("../certificate"));
}

/// `certificates.rs`: the text of every certificate in the folder.
fn list_certificates(folder: &Path) {
    println!("cargo:rerun-if-changed={}", folder.display());
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "json"));
    files.sort();
    let absolute = |path: &PathBuf| fs::canonicalize(path).unwrap_or_else(|_| path.clone());
    let lines: String = files.iter().map(|path| format!("    include_str!({:?}),\n", absolute(path))).collect();
    write("certificates.rs", &format!("&[\n{lines}]\n"));
}

/// A file that the sources include.
fn write(name: &str, text: &str) {
    let out = env::var_os("OUT_DIR").map(PathBuf::from).unwrap_or_default();
    fs::write(out.join(name), text).expect("the build's own folder can be written");
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for path in fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
        if path.is_dir() && !LEFT_OUT.iter().any(|folder| path.ends_with(folder)) {
            collect(&path, files);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
}
