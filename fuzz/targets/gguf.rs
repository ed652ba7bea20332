//! A GGUF file: container, metadata, tokenizer, tensors.

#![no_main]

use libfuzzer_sys::fuzz_target;
use undermask_engine::{Gguf, Source};
use undermask_fuzz::{allow_refusals, open_and_ask};

fuzz_target!(init: allow_refusals(), |data: &[u8]| {
    if let Ok(file) = Gguf::from_bytes("fuzz.gguf", data.to_vec()) {
        open_and_ask(&Source::Gguf(file));
    }
});
