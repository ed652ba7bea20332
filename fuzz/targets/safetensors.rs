//! model.safetensors: the whole file, or, after a first byte of 1, a header and a body with 0xFF between them, so that the
//! fuzzer need not find the header's length.

#![no_main]

use libfuzzer_sys::fuzz_target;
use undermask_fuzz::{allow_refusals, model, open_and_ask, safetensors, source};

fuzz_target!(init: allow_refusals(), |data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    let file = match first {
        1 => {
            let end = rest.iter().position(|byte| *byte == 0xFF).unwrap_or(rest.len());
            safetensors(&rest[..end], rest.get(end + 1..).unwrap_or_default())
        }
        _ => rest.to_vec(),
    };
    let mut files = model();
    files.insert("model.safetensors".to_owned(), file);
    open_and_ask(&source(files));
});
