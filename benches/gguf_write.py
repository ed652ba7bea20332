"""A Llama or Qwen2 directory of transformers as one GGUF file: F32, BF16, or Q8_0 matrices.

Only what the benchmark's own random models need: tied embeddings, no bias but Qwen's, one file of weights. llama.cpp
turns pairs of neighbouring numbers in a head where transformers turns the two halves; so for `llama` the rows of the
query and key matrices are put in the other order (`qwen2` is turned by halves there too).
"""

import json
import math

import gguf
import numpy
import torch
from safetensors import safe_open

KINDS = {
    "f32": (gguf.GGMLQuantizationType.F32, gguf.LlamaFileType.ALL_F32),
    "bf16": (gguf.GGMLQuantizationType.BF16, gguf.LlamaFileType.MOSTLY_BF16),
    "q8_0": (gguf.GGMLQuantizationType.Q8_0, gguf.LlamaFileType.MOSTLY_Q8_0),
}


def pairs(matrix, heads):
    """Rows of a head from halves [0..h/2, h/2..h] to pairs [0, h/2, 1, h/2+1, …]."""
    return matrix.reshape(heads, 2, matrix.shape[0] // heads // 2, *matrix.shape[1:]).swapaxes(1, 2).reshape(matrix.shape)


def rope(config):
    """Base of the rotary angles, and their scaling or None, as transformers 5 or 4 writes them."""
    newer = config.get("rope_parameters") or {}
    scaling = newer or config.get("rope_scaling") or {}
    kind = scaling.get("rope_type", "default")
    if kind not in ("default", "llama3"):
        raise SystemExit(f"rope scaling {kind} is not written; known: default, llama3")
    return newer.get("rope_theta", config.get("rope_theta")), scaling if kind == "llama3" else None


def divisors(theta, scaling, size):
    """What llama.cpp divides each frequency by, [size/2]: Llama 3.1's smooth change from high to low frequencies."""
    out = []
    low, high = scaling["low_freq_factor"], scaling["high_freq_factor"]
    for pair in range(size // 2):
        wavelength = 2 * math.pi * theta ** (2 * pair / size)
        share = scaling["original_max_position_embeddings"] / wavelength
        smooth = min(max((share - low) / (high - low), 0.0), 1.0)
        out.append(1.0 / ((1.0 - smooth) / scaling["factor"] + smooth))
    return numpy.array(out, dtype=numpy.float32)


def vocabulary(folder, size):
    """Texts and kinds of every token, the padding included, and the merges."""
    content = json.loads((folder / "tokenizer.json").read_text())
    texts, kinds = [f"[PAD{token}]" for token in range(size)], [gguf.TokenType.UNUSED] * size
    for text, token in content["model"]["vocab"].items():
        texts[token], kinds[token] = text, gguf.TokenType.NORMAL
    for added in content["added_tokens"]:
        texts[added["id"]], kinds[added["id"]] = added["content"], gguf.TokenType.CONTROL
    merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in content["model"]["merges"]]
    return texts, kinds, merges


def write(folder, file, kind, split):
    """Writes FOLDER as FILE with matrices of KIND; `split` is llama.cpp's name of the tokenizer's first cut."""
    config = json.loads((folder / "config.json").read_text())
    architecture = config["model_type"]
    heads, narrow = config["num_attention_heads"], config["num_key_value_heads"]
    size = config.get("head_dim") or config["hidden_size"] // heads
    theta, scaling = rope(config)
    kind_of_tensor, kind_of_file = KINDS[kind]

    writer = gguf.GGUFWriter(str(file) + ".part", architecture)
    writer.add_name(folder.name)
    writer.add_file_type(kind_of_file)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(narrow)
    writer.add_key_length(size)
    writer.add_value_length(size)
    writer.add_rope_dimension_count(size)
    writer.add_rope_freq_base(theta)
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_vocab_size(config["vocab_size"])

    texts, kinds, merges = vocabulary(folder, config["vocab_size"])
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(split)
    writer.add_token_list(texts)
    writer.add_token_types(kinds)
    writer.add_token_merges(merges)
    writer.add_eos_token_id(texts.index("<|im_end|>"))
    writer.add_pad_token_id(texts.index("<|endoftext|>"))
    writer.add_add_bos_token(False)
    writer.add_chat_template((folder / "chat_template.jinja").read_text())

    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA if architecture == "llama" else gguf.MODEL_ARCH.QWEN2,
                                     config["num_hidden_layers"])
    if scaling:
        writer.add_tensor("rope_freqs.weight", divisors(theta, scaling, size))
    with safe_open(folder / "model.safetensors", "pt") as weights:
        for key in weights.keys():
            values = weights.get_tensor(key).to(torch.float32).numpy()
            if architecture == "llama" and "q_proj" in key:
                values = pairs(values, heads)
            if architecture == "llama" and "k_proj" in key:
                values = pairs(values, narrow)
            name = names.get_name(key, try_suffixes=(".weight", ".bias"))
            wanted = kind_of_tensor if values.ndim == 2 else gguf.GGMLQuantizationType.F32
            writer.add_tensor(name, gguf.quants.quantize(numpy.ascontiguousarray(values), wanted), raw_dtype=wanted)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    # A name of its own until it is whole: an interrupted run leaves no half file that the next one would keep.
    (file.parent / (file.name + ".part")).rename(file)
