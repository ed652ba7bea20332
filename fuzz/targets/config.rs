//! The files that say what the others mean: the first byte says which one the rest is.

#![no_main]

use libfuzzer_sys::fuzz_target;
use undermask_engine::{Adaptation, Config, Source};
use undermask_fuzz::{Files, allow_refusals, model, open_and_ask, source};

fuzz_target!(init: allow_refusals(), |data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    let mut files = model();
    match first % 5 {
        0 => {
            // Most shapes do not fit the tiny model's weights; what is made of the shape alone is looked at too.
            if let Ok(text) = std::str::from_utf8(rest) {
                let _ = Config::parse(text);
            }
            files.insert("config.json".to_owned(), rest.to_vec());
        }
        1 => {
            files.insert("generation_config.json".to_owned(), rest.to_vec());
        }
        2 => {
            files.insert("tokenizer_config.json".to_owned(), rest.to_vec());
        }
        3 => {
            let weights = files.remove("model.safetensors").expect("the tiny model's");
            files.insert("model-00001-of-00001.safetensors".to_owned(), weights);
            files.insert("model.safetensors.index.json".to_owned(), rest.to_vec());
        }
        _ => {
            let end = rest.iter().position(|byte| *byte == 0xFF).unwrap_or(rest.len());
            let mut adapter = Files::new();
            adapter.insert("adapter_config.json".to_owned(), rest[..end].to_vec());
            let body = rest.get(end + 1..).unwrap_or_default();
            adapter.insert("adapter_model.safetensors".to_owned(), body.to_vec());
            for how in [Adaptation::Merged, Adaptation::Applied] {
                let (base, adapter) = (Box::new(source(files.clone())), Box::new(source(adapter.clone())));
                open_and_ask(&Source::Adapted { base, adapter, how });
            }
            return;
        }
    }
    open_and_ask(&source(files));
});
