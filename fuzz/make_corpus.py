"""The seeds and dictionaries of the fuzz targets, from our own fixtures and a GGUF file small enough to be mutated.

    python fuzz/make_corpus.py

Needs nothing but Python. What the fuzzer finds beyond these seeds is kept in target/fuzz/corpus, not here.
"""

import json
import pathlib
import struct

HERE = pathlib.Path(__file__).parent
FIXTURES = HERE.parent / "crates/engine/tests/fixtures"
BLOCK = {"self_attn.q_proj": (8, 8), "self_attn.k_proj": (4, 8), "self_attn.v_proj": (4, 8), "self_attn.o_proj": (8, 8),
         "mlp.gate_proj": (8, 8), "mlp.up_proj": (8, 8), "mlp.down_proj": (8, 8), "input_layernorm": (8,), "post_attention_layernorm": (8,)}
SHAPES = {"lm_head.weight": (16, 8), "model.embed_tokens.weight": (16, 8), "model.norm.weight": (8,)} | {f"model.layers.0.{name}.weight": shape for name, shape in BLOCK.items()}


def count(shape: tuple) -> int:
    numbers = 1
    for size in shape:
        numbers *= size
    return numbers


def container(kind: str, width: int) -> bytes:
    """The tiny model's weights in a type, as the target `safetensors` takes them: 1, header, 0xFF, body."""
    header, body = {}, b""
    for name, shape in SHAPES.items():
        start, body = len(body), body + bytes(index % 5 for index in range(count(shape) * width))
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [start, len(body)]}
    return b"\x01" + json.dumps(header, separators=(",", ":")).encode() + b"\xff" + body


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()


def pair(key: str, kind: int, value: bytes) -> bytes:
    return text(key) + struct.pack("<I", kind) + value


def texts(values: list[str]) -> bytes:
    return struct.pack("<IQ", 8, len(values)) + b"".join(map(text, values))


def gguf(architecture: str, tokenizer: str, quantised: bool) -> bytes:
    tokens = ["!", "1", "2", "3", "+", "=", "Ġ", "a", "b", "ab", "Ã", "©", "Ġ1", "-", "▁", "<unk>"]
    wide = 32
    u32 = lambda number: struct.pack("<I", number)
    pairs = [
        pair("general.architecture", 8, text(architecture)),
        *(pair(f"{architecture}.{key}", 4, u32(number)) for key, number in {
            "embedding_length": wide, "attention.head_count": 2, "attention.head_count_kv": 1, "block_count": 1,
            "feed_forward_length": wide, "context_length": 64, "attention.key_length": 16, "attention.value_length": 16,
            **({"attention.sliding_window": 8} if architecture == "gemma2" else {})}.items()),
        pair(f"{architecture}.attention.layer_norm_rms_epsilon", 6, struct.pack("<f", 1e-5)),
        pair(f"{architecture}.rope.freq_base", 6, struct.pack("<f", 1e4)),
        pair("tokenizer.ggml.model", 8, text(tokenizer)),
        pair("tokenizer.ggml.tokens", 9, texts(tokens)),
        pair("tokenizer.ggml.token_type", 9, struct.pack("<IQ", 5, 16) + struct.pack("<16i", 3, *[1] * 14, 2)),
        pair("tokenizer.ggml.eos_token_id", 4, u32(0)),
        pair("tokenizer.chat_template", 8, text("{% for m in messages %}{{ m.role }}{% endfor %}")),
    ]
    if tokenizer == "gpt2":
        pairs += [pair("tokenizer.ggml.pre", 8, text("gpt-2")), pair("tokenizer.ggml.merges", 9, texts(["a b", "Ġ 1"]))]
    else:
        pairs += [pair("tokenizer.ggml.scores", 9, struct.pack("<IQ", 6, 16) + struct.pack("<16f", *[-float(n) for n in range(16)]))]
    shapes = {"token_embd": (wide, 16), "output_norm": (wide,), "blk.0.attn_norm": (wide,), "blk.0.ffn_norm": (wide,),
              "blk.0.attn_q": (wide, 32), "blk.0.attn_k": (wide, 16), "blk.0.attn_v": (wide, 16), "blk.0.attn_output": (32, wide),
              "blk.0.ffn_gate": (wide, wide), "blk.0.ffn_up": (wide, wide), "blk.0.ffn_down": (wide, wide)}
    if architecture == "gemma2":
        shapes |= {"blk.0.post_attention_norm": (wide,), "blk.0.post_ffw_norm": (wide,)}
    table, body = b"", b""
    for name, shape in shapes.items():
        blocks = quantised and len(shape) == 2
        table += text(f"{name}.weight") + u32(len(shape)) + struct.pack(f"<{len(shape)}Q", *shape) + u32(8 if blocks else 0) + struct.pack("<Q", len(body))
        numbers = count(shape)
        data = (b"\x00\x2c" + bytes(32)) * (numbers // 32) if blocks else struct.pack("<f", 0.25) * numbers
        body += data + bytes(-len(data) % 32)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(shapes), len(pairs)) + b"".join(pairs) + table
    return head + bytes(-len(head) % 32) + body


def configurations() -> dict[str, bytes]:
    """config.json of every fixture of the families, then the other files; the first byte says which file it is."""
    found = {}
    for path in sorted((FIXTURES / "families").glob("*.safetensors")):
        head = path.read_bytes()
        (length,) = struct.unpack("<Q", head[:8])
        found[path.stem] = b"\x00" + json.loads(head[8 : 8 + length])["__metadata__"]["config"].encode()
    tiny = {"architectures": ["LlamaForCausalLM"], "vocab_size": 16, "hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1,
            "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 4, "max_position_embeddings": 32}
    found["tiny"] = b"\x00" + json.dumps(tiny).encode()
    for name, rope in {"dynamic": {"rope_type": "dynamic", "factor": 2.0}, "yarn": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 8}}.items():
        found[f"tiny-{name}"] = b"\x00" + json.dumps(tiny | {"rope_scaling": rope}).encode()
    found["generation"] = b'\x01{"eos_token_id": [1, 2, 7]}'
    found["special"] = b'\x02{"bos_token": {"content": "!"}, "chat_template": [{"name": "default", "template": "{{ bos_token }}"}, {"name": "tool_use", "template": "x"}]}'
    index = {"metadata": {"total_size": 1}, "weight_map": {name: "model-00001-of-00001.safetensors" for name in SHAPES}}
    found["index"] = b"\x03" + json.dumps(index).encode()
    header = {"base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight": {"dtype": "F32", "shape": [2, 8], "data_offsets": [0, 64]},
              "base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight": {"dtype": "F32", "shape": [8, 2], "data_offsets": [64, 128]}}
    head = json.dumps(header).encode()
    adapter = {"peft_type": "LORA", "r": 2, "lora_alpha": 4, "target_modules": ["q_proj"], "rank_pattern": {}, "layers_to_transform": [0]}
    found["adapter"] = b"\x04" + json.dumps(adapter).encode() + b"\xff" + struct.pack("<Q", len(head)) + head + bytes(128)
    return found


def tokenizers() -> dict[str, bytes]:
    plain = json.loads((HERE / "tokenizer.json").read_text())
    fallback = json.loads(json.dumps(plain))
    fallback["normalizer"] = {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}, {"type": "NFC"}]}
    fallback["pre_tokenizer"] = {"type": "Split", "pattern": {"Regex": "\\p{N}{1,3}|\\s+(?!\\S)"}, "behavior": "Isolated", "invert": False}
    fallback["decoder"] = {"type": "Sequence", "decoders": [{"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}
    fallback["model"] |= {"byte_fallback": True, "unk_token": "!", "fuse_unk": True}
    return {name: json.dumps(value, ensure_ascii=False).encode() for name, value in {"plain": plain, "fallback": fallback}.items()}


def seeds() -> dict[str, dict[str, bytes]]:
    templates = json.loads((FIXTURES / "chat.json").read_text())["templates"]
    whole = b"\x00" + struct.pack("<Q", 60) + b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}      ' + bytes(8)
    return {
        "safetensors": {"f32": container("F32", 4), "bf16": container("BF16", 2), "f16": container("F16", 2), "whole": whole},
        "gguf": {"llama": gguf("llama", "gpt2", False), "quantised": gguf("llama", "llama", True), "gemma2": gguf("gemma2", "llama", False)},
        "config": configurations(),
        "template": {name: template.encode() for name, template in templates.items()},
        "tokenizer": tokenizers(),
    }


WORDS = {
    "safetensors": ["dtype", "shape", "data_offsets", "__metadata__", "F32", "F16", "BF16", "I64", "BOOL", "F8_E4M3", *SHAPES],
    "gguf": ["GGUF", "general.alignment", "general.name", "llama", "qwen3", "gemma3", "olmo2", "rope.scaling.type", "yarn", "linear", "rope_freqs.weight",
             "attention.sliding_window", "tokenizer.ggml.add_bos_token", "tokenizer.ggml.unknown_token_id", "blk.0.attn_q.bias", "output.weight"],
    "config": ["rope_scaling", "rope_parameters", "rope_type", "linear", "dynamic", "llama3", "yarn", "longrope", "short_factor", "long_factor", "factor",
               "sliding_window", "layer_types", "full_attention", "sliding_attention", "1e308", "1e-308", "-1", "18446744073709551615", "null", "model_type",
               "Qwen2ForCausalLM", "Qwen3ForCausalLM", "Gemma2ForCausalLM", "Gemma3ForCausalLM", "Phi3ForCausalLM", "Olmo2ForCausalLM", "MistralForCausalLM",
               "partial_rotary_factor", "query_pre_attn_scalar", "attn_logit_softcapping", "weight_map", "lora_alpha", "alpha_pattern", "use_rslora"],
    "template": ["{{", "}}", "{%", "%}", "{%-", "-%}", "for x in messages", "endfor", "set x = ", "if", "endif", "macro m(x)", "endmacro", "namespace()", "range(99999)",
                 " ~ ", "loop.index", "recursive", "loop(x)", "tojson(indent=4)", "|join", "|replace('a','aaaa')", "|list", "* 9999999", "|indent", "|format",
                 "caller()", "call", "endcall", "generation", "endgeneration", "break", "continue", "raw", "endraw", ".split()", "|sort", "|map(attribute='role')"],
    "tokenizer": ["BPE", "Unigram", "WordPiece", "WordLevel", "Sequence", "Split", "Regex", "(a|a)*$", "(?=", "\\\\1", "Metaspace", "Digits", "BertNormalizer", "Precompiled", "Prepend", "Replace",
                  "Strip", "ByteLevel", "ByteFallback", "TemplateProcessing", "special_tokens", "unk_id", "vocab", "merges", "dropout", "1.0", "lstrip", "Lowercase", "NFKC"],
}


def main() -> None:
    for target, files in seeds().items():
        folder = HERE / "corpus" / target
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            (folder / name).write_bytes(data)
    for target, words in WORDS.items():
        escaped = [word.replace("\\", "\\\\").replace('"', '\\"') for word in words]
        (HERE / "dictionaries").mkdir(exist_ok=True)
        (HERE / "dictionaries" / f"{target}.dict").write_text("".join(f'"{word}"\n' for word in escaped))


main()
