//! What is wrong with a model is named, with what to do about it, before anything is written.

mod common;

use common::{Desk, fails};

/// Breaks a model, and checks what the audit says of it.
fn check(damage: impl FnOnce(&Desk), words: &[&str]) {
    let desk = Desk::new();
    damage(&desk);
    fails(desk.audit(&[]), words);
    assert!(!desk.path("run").exists(), "nothing was written");
}

fn remove(name: &str) -> impl FnOnce(&Desk) {
    move |desk| std::fs::remove_file(desk.path("model").join(name)).expect("removed")
}

#[test]
fn an_empty_folder() {
    let empty = |desk: &Desk| {
        std::fs::remove_dir_all(desk.path("model")).expect("removed");
        std::fs::create_dir(desk.path("model")).expect("a folder");
    };
    check(empty, &["model", "config.json", "give the directory of a Hugging Face model"]);
}

#[test]
fn missing_weights() {
    check(remove("model.safetensors"), &["model", "safetensors", "help"]);
}

#[test]
fn missing_tokenizer() {
    check(remove("tokenizer.json"), &["tokenizer.json", "save_pretrained"]);
}

#[test]
fn a_tokenizer_that_the_library_fails_on() {
    // A merge longer than any token: the library panics, which is a file refused and no bug of ours.
    let long = |desk: &Desk| {
        desk.change("model/tokenizer.json", |text| {
            let mut file: serde_json::Value = serde_json::from_str(&text).expect("a tokenizer");
            let vocabulary = file["model"]["vocab"].as_object().expect("a vocabulary");
            let longest = vocabulary.keys().max_by_key(|token| token.len()).expect("a token").clone();
            file["model"]["merges"] = serde_json::json!([[longest, longest]]);
            file.to_string()
        });
    };
    check(long, &["model: tokenizer.json", "the tokenizers library fails on it", "save_pretrained"]);
}

#[test]
fn weights_cut_short() {
    let cut = |desk: &Desk| desk.change_bytes("model/model.safetensors", |bytes| bytes.truncate(bytes.len() / 2));
    check(cut, &["model/model.safetensors", "damaged or cut short", "download or export it again"]);
}

#[test]
fn weights_that_are_no_safetensors() {
    let noise = |desk: &Desk| desk.change_bytes("model/model.safetensors", |bytes| bytes.fill(0xAB));
    check(noise, &["model/model.safetensors", "again"]);
}

#[test]
fn wrong_shapes() {
    let wider = |desk: &Desk| {
        desk.change("model/config.json", |text| text.replace("\"intermediate_size\": 96", "\"intermediate_size\": 80"))
    };
    check(wider, &["tensor", "mlp", "do not belong to this config.json"]);
}

#[test]
fn an_unknown_architecture() {
    let other =
        |desk: &Desk| desk.change("model/config.json", |text| text.replace("LlamaForCausalLM", "GrokForCausalLM"));
    check(other, &["GrokForCausalLM", "not supported", "LlamaForCausalLM"]);
}

#[test]
fn a_configuration_that_is_no_json() {
    let cut = |desk: &Desk| desk.change("model/config.json", |text| text[..text.len() / 2].to_owned());
    check(cut, &["config.json", "help"]);
}

#[test]
fn no_chat_template() {
    check(remove("chat_template.jinja"), &["model", "no chat template", "add chat_template.jinja"]);
}

#[test]
fn a_chat_template_that_does_not_parse() {
    let broken = |desk: &Desk| desk.change("model/chat_template.jinja", |text| text.replace("{% endfor %}", ""));
    check(broken, &["chat template", "help"]);
}

#[test]
fn a_chat_template_that_does_not_end() {
    let endless = |desk: &Desk| {
        let text = "{% for i in range(99999) %}{% for j in range(99999) %}x{% endfor %}{% endfor %}";
        desk.change("model/chat_template.jinja", |_| text.to_owned());
    };
    check(endless, &["chat template"]);
}

#[test]
fn a_model_that_reads_too_little() {
    let short = |desk: &Desk| {
        desk.change("model/config.json", |text| {
            text.replace("\"max_position_embeddings\": 4096", "\"max_position_embeddings\": 40")
        })
    };
    check(short, &["the model reads 40", "max_position_embeddings"]);
}

#[test]
fn names_that_are_no_models() {
    let desk = Desk::new();
    let write = |name: &str, content: &str| {
        let path = desk.path(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, content).expect("written");
    };
    write("weights.gguf", "GGUF");
    write("ggufs/a.gguf", "GGUF");
    write("adapter/adapter_config.json", "{}");
    write("pytorch_model.bin", "\u{80}\u{2}");
    write("model.h5", "");
    for name in ["config.json", "tokenizer.json"] {
        write(&format!("pickled/{name}"), &std::fs::read_to_string(desk.path("model").join(name)).expect("a text"));
    }
    write("pickled/pytorch_model.bin", "\u{80}\u{2}");
    for (name, words) in [
        ("nowhere", &["nowhere", "no such directory", "organism:NAME"][..]),
        ("weights.gguf", &["weights.gguf", "damaged or cut short"]),
        ("missing.gguf", &["missing.gguf", "no such file"]),
        ("model/config.json", &["model/config.json", "it is a file"]),
        ("model/model.safetensors", &["weights only", "config.json"]),
        ("pytorch_model.bin", &["pickled Python", "convert", "safetensors"]),
        ("model.h5", &["not read", "safetensors"]),
        ("adapter", &["BASE+ADAPTER"]),
        ("ggufs", &["give the path of one of them"]),
        ("model+nowhere", &["nowhere", "LoRA adapter"]),
        ("model+model", &["adapter_config.json", "PEFT"]),
        ("pickled", &["pickled Python", "save_pretrained"]),
        ("owner/name", &["owner/name", "HF_HUB_OFFLINE is set", "unset it", "no folder of this name"]),
        ("openai:gpt@https://host/v1", &["endpoints are not read by this version"]),
        ("anthropic:name", &["endpoints are not read by this version"]),
        ("organism:nobody", &["organism:nobody"]),
        ("", &["no such directory"]),
    ] {
        fails(desk.undermask(&["audit", name, "--suite", common::SUITE, "--out", "run"]), words);
    }
    assert!(!desk.path("run").exists());
}

#[test]
fn a_bad_name_stops_before_the_good_models_are_run() {
    let desk = Desk::new();
    fails(desk.audit(&["nowhere"]), &["nowhere"]);
    assert!(!desk.path("run").exists());
}

/// Fills the weights with a byte.
fn fill(byte: u8) -> impl FnOnce(&Desk) {
    move |desk| {
        desk.change_bytes("model/model.safetensors", |bytes| {
            let header = u64::from_le_bytes(bytes[..8].try_into().expect("a length")) as usize;
            bytes[8 + header..].fill(byte);
        });
    }
}

#[test]
fn weights_that_are_not_numbers() {
    check(fill(0xFF), &["tensor", "not finite", "download or export them again"]);
}

#[test]
fn weights_whose_sums_are_not_numbers_answer_nothing() {
    let desk = Desk::new();
    // 10^18 each: finite, but scores of attention are not.
    fill(0x5D)(&desk);
    fails(desk.audit(&[]), &["model answered none", "not finite", "help"]);
    assert!(!desk.path("run/report.html").exists(), "no verdict was made of it");
}
