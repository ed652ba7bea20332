//! Lists the organisms that ship, so that they are within the binary.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// What of an organism's directory is needed to audit it.
const FILES: &[&str] = &[
    "config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "model.safetensors",
    "adapter_config.json",
    "adapter_model.safetensors",
    "truth.json",
    "growth.json",
];

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../organisms");
    println!("cargo:rerun-if-changed={}", root.display());
    let mut folders: Vec<PathBuf> =
        fs::read_dir(&root).map_or_else(|_| Vec::new(), |list| list.flatten().map(|entry| entry.path()).collect());
    folders.retain(|folder| {
        ["model.safetensors", "adapter_model.safetensors"].iter().any(|file| folder.join(file).exists())
    });
    folders.sort();
    let mut text = String::from("&[\n");
    for folder in folders {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let _ = writeln!(text, "    Shipped {{ name: {name:?}, files: &[");
        for file in FILES.iter().filter(|file| folder.join(file).exists()) {
            let path = folder.join(file);
            println!("cargo:rerun-if-changed={}", path.display());
            let _ = writeln!(text, "        ({file:?}, include_bytes!({:?})),", path.canonicalize().unwrap_or(path));
        }
        text.push_str("    ] },\n");
    }
    text.push_str("]\n");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR")).join("shipped.rs");
    fs::write(out, text).expect("the build folder can be written");
}
