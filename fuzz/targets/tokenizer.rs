//! tokenizer.json, opened with the tiny model and asked for tokens and text.

#![no_main]

use libfuzzer_sys::fuzz_target;
use undermask_fuzz::{allow_refusals, model, open_and_ask, source};

fuzz_target!(init: allow_refusals(), |data: &[u8]| {
    let mut files = model();
    files.insert("tokenizer.json".to_owned(), data.to_vec());
    open_and_ask(&source(files));
});
