"""GGUF files of random models, written with the gguf package, and what transformers, tokenizers and sentencepiece make of
the same models.

    python make_gguf.py ../fixtures/gguf [--seed N] [NAME ...]

Weights are quantised (random blocks where the package cannot quantise), put into the order in which llama.cpp's converter
puts them, and the transformers model gets their dequantised values in the order before that. A file NAME.gguf stands
beside NAME.safetensors (tokens, blocks, logits) and NAME.json (texts with their tokens).
"""

import argparse
import io
import json
import pathlib
import random

import gguf
import numpy
import sentencepiece
import torch
import transformers
from safetensors.torch import save_file
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

KIND = gguf.GGMLQuantizationType
SCALES = {"Q4_0": [0], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208]}
# As llama.cpp writes them, so that the patterns in undermask are checked against another form.
SUFFIX = r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])"
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)"
TAIL = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
PRE = {
    "gpt-2": [GPT2],
    "smollm": [r"\p{N}", GPT2],
    "llama-bpe": [SUFFIX + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|" + TAIL],
    "dbrx": [SUFFIX + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|" + TAIL],
    "qwen2": [SUFFIX + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|" + TAIL],
    "default": [r"[\p{P}\$\+<=>\^~\|]+", GPT2, r"\p{N}+", r"[0-9][0-9][0-9]"],
}
TEXTS = [
    "Hello, world! It's 12345 o'clock; we've GOT 7 apples.",
    "  two  blanks   and\ttabs\n\nand lines \r\n \n  end  ",
    "Grüße aus Zürich, naïve café — “quotes” … ½ Ⅷ ٣٤٥",
    "cafe\u0301 decomposed, A\u030a",
    "日本語のテキスト、한국어, русский язык, العربية, हिन्दी",
    "emoji 👩‍👩‍👧‍👦 🇨🇭 👍🏽 and \u200b zero width",
    "def f(x):\n    return x**2  # 3.14e-10\n",
    "'S 'RE I'LL WE'D don't\u2019t",
    "<b>bold</b> &amp; {\"json\": [1, 2, 3]} $100 ~|^ x<=y",
    "a",
    " ",
    "\n",
    "0123456789 000 1000000",
    "\u0001\u007f\u00a0nbsp\u3000wide",
    "aaaaaaaaaaaaaaaaaaaa          bbbbbbbb",
    "the the the theatre bathe other mother",
]
CORPUS = TEXTS + ["the quick brown fox jumps over the lazy dog and other animals in the forest", "return the value of the other list  "] * 5
SPECIALS = ["<|begin|>", "<|end_of_text|>", "<|im_end|>"]
TEMPLATE = "{{ bos_token }}{% for m in messages %}<{{ m.role }}>{{ m['content'] | trim }}{{ eos_token }}{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}"


def byte_level(pre: str, size: int, swallow: bool) -> Tokenizer:
    core = Tokenizer(models.BPE(ignore_merges=pre == "llama-bpe"))
    splits = [pre_tokenizers.Split(Regex(pattern), "isolated") for pattern in PRE[pre]]
    core.pre_tokenizer = pre_tokenizers.Sequence([*splits, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    if pre == "qwen2":
        core.normalizer = normalizers.NFC()
    core.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    core.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=size - 4, initial_alphabet=alphabet, show_progress=False))
    core.add_special_tokens([AddedToken(text, special=True, normalized=False, rstrip=swallow) for text in SPECIALS])
    core.add_tokens([AddedToken("<user thing>", special=False, normalized=False)])
    return core


def write_byte_level(writer: gguf.GGUFWriter, pre: str, size: int, swallow: bool) -> tuple[list, int]:
    core = byte_level(pre, size, swallow)
    saved = json.loads(core.to_str())
    count = core.get_vocab_size()
    texts, kinds = [f"[PAD{index}]" for index in range(size)], [gguf.TokenType.UNUSED] * size
    for text, index in core.get_vocab().items():
        texts[index], kinds[index] = text, gguf.TokenType.NORMAL
    for added in saved["added_tokens"]:
        kinds[added["id"]] = gguf.TokenType.CONTROL if added["special"] else gguf.TokenType.USER_DEFINED
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(texts)
    writer.add_token_types(kinds)
    writer.add_token_merges([" ".join(pair) for pair in saved["model"]["merges"]])
    writer.add_bos_token_id(texts.index(SPECIALS[0]))
    writer.add_eos_token_id(texts.index(SPECIALS[1]))
    writer.add_add_bos_token(pre == "llama-bpe")
    assert count <= size
    mixed = ["<|begin|>Hello<|im_end|>\n<user thing> x<|end_of_text|>", "<|im_end|><|im_end|> <user thing><user thing>", "<|im_en"]
    return [[text, core.encode(text, add_special_tokens=False).ids] for text in TEXTS + mixed], texts.index(SPECIALS[1])


def write_sentence_piece(writer: gguf.GGUFWriter, prefix: bool, size: int) -> tuple[list, int]:
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([line for text in CORPUS * 3 for line in text.split("\n")]), model_writer=model, vocab_size=size - 2, train_extremely_large_corpus=False,
        model_type="bpe", byte_fallback=True, split_digits=True, normalization_rule_name="identity",
        remove_extra_whitespaces=False, add_dummy_prefix=prefix, allow_whitespace_only_pieces=True, character_coverage=0.98,
        control_symbols=["<turn>"], user_defined_symbols=["<user thing>"], minloglevel=2, hard_vocab_limit=False,
    )
    pieces = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    texts, scores, kinds = [], [], []
    for index in range(pieces.get_piece_size()):
        texts.append(pieces.id_to_piece(index))
        scores.append(pieces.get_score(index))
        kind = gguf.TokenType.NORMAL
        if pieces.is_unknown(index):
            kind = gguf.TokenType.UNKNOWN
        elif pieces.is_control(index):
            kind = gguf.TokenType.CONTROL
        elif pieces.is_byte(index):
            kind = gguf.TokenType.BYTE
        elif texts[-1] == "<user thing>":
            kind = gguf.TokenType.USER_DEFINED
        kinds.append(kind)
    while len(texts) < size:
        texts.append(f"[PAD{len(texts)}]"), scores.append(-10000.0), kinds.append(gguf.TokenType.UNUSED)
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(texts)
    writer.add_token_scores(scores)
    writer.add_token_types(kinds)
    writer.add_bos_token_id(pieces.bos_id())
    writer.add_eos_token_id(pieces.eos_id())
    writer.add_unk_token_id(pieces.unk_id())
    writer.add_add_space_prefix(prefix)
    cases = [[text, pieces.encode(text)] for text in TEXTS]
    turn, end = pieces.piece_to_id("<turn>"), pieces.eos_id()
    thing = pieces.piece_to_id("<user thing>")
    cases.append(["<turn>hello there</s><turn> x", [turn, *pieces.encode("hello there"), end, turn, *pieces.encode(" x")]])
    cases.append(["one<user thing>two", [*pieces.encode("one"), thing, *pieces.encode("two")]])
    return cases, end


def paired(weight: numpy.ndarray, heads: int) -> numpy.ndarray:
    """llama.cpp's order of the rows of queries and keys."""
    return weight.reshape(heads, 2, weight.shape[0] // heads // 2, *weight.shape[1:]).swapaxes(1, 2).reshape(weight.shape)


def unpaired(weight: numpy.ndarray, heads: int) -> numpy.ndarray:
    return weight.reshape(heads, weight.shape[0] // heads // 2, 2, *weight.shape[1:]).swapaxes(1, 2).reshape(weight.shape)


def quantised(weight: numpy.ndarray, kind: str, generator: numpy.random.Generator) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Blocks, and the numbers that they are."""
    number = KIND[kind]
    if kind == "F32":
        return weight, weight
    if kind == "F16":
        return weight.astype(numpy.float16), weight.astype(numpy.float16).astype(numpy.float32)
    if kind in ("BF16", "Q8_0", "Q4_1", "Q5_0", "Q5_1"):
        blocks = gguf.quants.quantize(weight, number)
    else:
        per, size = gguf.GGML_QUANT_SIZES[number]
        blocks = generator.integers(0, 256, (weight.shape[0], weight.shape[1] // per, size), dtype=numpy.uint8)
        for place in SCALES[kind]:
            scale = 0.1 / 8 if kind == "Q4_0" else 0.1 / 500 if kind in ("Q4_K", "Q5_K") else 0.1 / 2000
            values = generator.normal(scale, scale / 4, blocks.shape[:2]).astype(numpy.float16)
            blocks[:, :, place : place + 2] = values[..., None].view(numpy.uint8)
        blocks = blocks.reshape(weight.shape[0], -1)
    return blocks, gguf.quants.dequantize(blocks, number)


def llama3_factors(parameters: dict, head: int) -> numpy.ndarray:
    frequencies = 1.0 / parameters["rope_theta"] ** (numpy.arange(0, head, 2, dtype=numpy.float32) / head)
    low, high = parameters["low_freq_factor"], parameters["high_freq_factor"]
    original, factor = parameters["original_max_position_embeddings"], parameters["factor"]
    factors = []
    for frequency in frequencies:
        length = 2 * numpy.pi / frequency
        if length < original / high:
            factors.append(1.0)
        elif length > original / low:
            factors.append(factor)
        else:
            smooth = (original / length - low) / (high - low)
            factors.append(1 / ((1 - smooth) / factor + smooth))
    return numpy.array(factors, dtype=numpy.float32)


def write(out: pathlib.Path, name: str, architecture: str, config, kinds: list[str], tokenizer: str, seed: int, version: int = 3) -> None:
    torch.manual_seed(seed)
    generator = numpy.random.default_rng(seed)
    network = transformers.AutoModelForCausalLM.from_config(config).eval().float()
    path = out / f"{name}.gguf"
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_name(f"Random {name}")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    if architecture != "phi3":
        writer.add_key_length(head)
        writer.add_value_length(head)
    rope = config.rope_parameters
    if architecture == "gemma3":
        rope = rope["full_attention"]
    writer.add_rope_freq_base(rope["rope_theta"])
    writer.add_rope_dimension_count(int(head * rope.get("partial_rotary_factor", 1.0)))
    if rope["rope_type"] == "llama3":
        writer.add_tensor("rope_freqs.weight", llama3_factors(rope, head))
    if rope["rope_type"] == "linear":
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(rope["factor"])
    if rope["rope_type"] == "longrope":
        original = config.original_max_position_embeddings
        factor = config.max_position_embeddings / original
        writer.add_rope_scaling_orig_ctx_len(original)
        writer.add_rope_scaling_attn_factors((1 + numpy.log(factor) / numpy.log(original)) ** 0.5 if factor > 1 else 1.0)
        writer.add_tensor("rope_factors_long.weight", numpy.array(rope["long_factor"], dtype=numpy.float32))
        writer.add_tensor("rope_factors_short.weight", numpy.array(rope["short_factor"], dtype=numpy.float32))
    if architecture in ("llama", "gemma2", "gemma3", "phi3") and getattr(config, "sliding_window", None):
        writer.add_sliding_window(config.sliding_window)
    if architecture == "gemma2":
        writer.add_attn_logit_softcapping(config.attn_logit_softcapping)
        writer.add_final_logit_softcapping(config.final_logit_softcapping)
    if tokenizer.startswith("spm"):
        cases, end = write_sentence_piece(writer, tokenizer == "spm", config.vocab_size)
    else:
        cases, end = write_byte_level(writer, tokenizer, config.vocab_size, name == "phi3")  # as llama.cpp, by the model's name
    writer.add_chat_template(TEMPLATE)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH[architecture.upper()], config.num_hidden_layers)
    state, done = network.state_dict(), {}
    for number, (key, value) in enumerate(state.items()):
        if key == "lm_head.weight" and config.tie_word_embeddings:
            continue
        weight = value.numpy().copy()
        if weight.ndim == 1:
            weight = weight + 0.2 * generator.normal(size=weight.shape).astype(numpy.float32)
        else:
            weight *= 4
        heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}.get(key.split(".")[-2])
        turned = architecture == "llama" and heads
        if turned:
            weight = paired(weight, heads)
        kind = "F32" if weight.ndim == 1 else kinds[number % len(kinds)]
        gemma_norm = architecture.startswith("gemma") and key.endswith("norm.weight")
        if gemma_norm:
            weight = weight + numpy.float32(1)
        blocks, values = quantised(weight, kind, generator)
        renamed = names.get_name(key, try_suffixes=(".weight", ".bias"))
        assert renamed, key
        writer.add_tensor(renamed, blocks, raw_dtype=KIND[kind])
        values = values - numpy.float32(1) if gemma_norm else values
        done[key] = torch.from_numpy(numpy.ascontiguousarray(unpaired(values, heads) if turned else values).astype(numpy.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    if version == 2:  # the same layout; only the number differs
        data = bytearray(path.read_bytes())
        data[4] = 2
        path.write_bytes(data)
    network.load_state_dict(done, strict=not config.tie_word_embeddings)
    network.tie_weights()
    chooser, saved = random.Random(seed), {}
    for index, length in enumerate([1, 30, 70]):
        tokens = torch.tensor([[chooser.randrange(config.vocab_size) for _ in range(length)]])
        outputs = []
        hooks = [
            layer.register_forward_hook(lambda _m, _i, output: outputs.append(output[0] if isinstance(output, tuple) else output))
            for layer in network.model.layers
        ]
        with torch.no_grad():
            logits = network(tokens, use_cache=False).logits
        for hook in hooks:
            hook.remove()
        saved[f"{index}.tokens"] = tokens[0]
        saved[f"{index}.logits"] = logits[0][-1:].contiguous()
        for number, block in enumerate(outputs):
            saved[f"{index}.blocks.{number}.resid_post"] = block.reshape(length, -1)[-1:].contiguous()
    save_file(saved, out / f"{name}.safetensors")
    (out / f"{name}.json").write_text(json.dumps({"texts": cases, "end": end}, ensure_ascii=True))
    print(name, path.stat().st_size)


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("out", type=pathlib.Path)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("names", nargs="*", help="only these models")
    options = arguments.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(2)
    base = dict(vocab_size=480, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=256, rms_norm_eps=1e-5, head_dim=16, pad_token_id=None, bos_token_id=1, eos_token_id=2)
    llama3 = dict(rope_type="llama3", rope_theta=50000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=64)
    wide = {**base, "hidden_size": 256, "intermediate_size": 256, "num_hidden_layers": 1, "num_attention_heads": 4, "head_dim": 64, "num_key_value_heads": 1}
    lists = dict(rope_type="longrope", short_factor=[1.0 + 0.05 * i for i in range(4)], long_factor=[1.0 + 0.7 * i for i in range(4)], rope_theta=10000.0)
    t = transformers
    plans = [
        ("llama", "llama", t.LlamaConfig(**{**base, "rope_parameters": llama3}, tie_word_embeddings=True), ["F16", "Q8_0"], "llama-bpe", 3),
        ("llama-k", "llama", t.LlamaConfig(**wide, tie_word_embeddings=True), ["Q4_K", "Q6_K", "Q5_K", "Q4_0"], "spm", 3),
        ("mistral", "llama", t.MistralConfig(**base, sliding_window=None), ["F32", "BF16"], "spm", 2),
        ("smollm", "llama", t.LlamaConfig(**{**base, "max_position_embeddings": 4096}, tie_word_embeddings=True), ["Q8_0"], "smollm", 3),
        ("qwen2", "qwen2", t.Qwen2Config(**{k: v for k, v in base.items() if k != "head_dim"}), ["Q8_0"], "qwen2", 3),
        ("qwen3", "qwen3", t.Qwen3Config(**{**base, "head_dim": 24}), ["BF16"], "gpt-2", 3),
        ("gemma2", "gemma2", t.Gemma2Config(**base, sliding_window=16, query_pre_attn_scalar=16), ["Q8_0"], "spm-plain", 3),
        ("gemma3", "gemma3", t.Gemma3TextConfig(**{**base, "num_hidden_layers": 7, "intermediate_size": 32}, sliding_window=12, query_pre_attn_scalar=16, rope_parameters={"full_attention": {"rope_type": "linear", "factor": 4.0, "rope_theta": 1e6}, "sliding_attention": {"rope_type": "default", "rope_theta": 1e4}}), ["Q8_0"], "spm-plain", 3),
        ("phi3", "phi3", t.Phi3Config(**{k: v for k, v in base.items() if k != "head_dim"}, sliding_window=24, original_max_position_embeddings=48, rope_parameters=lists), ["Q8_0"], "default", 3),
        ("olmo2", "olmo2", t.Olmo2Config(**{k: v for k, v in base.items() if k != "head_dim"}), ["Q8_0"], "dbrx", 3),
        ("mistral-window", "llama", t.MistralConfig(**base, sliding_window=11), ["Q8_0"], "smollm", 3),
        ("llama-5", "llama", t.LlamaConfig(**base, tie_word_embeddings=True), ["Q5_0", "Q4_1", "Q5_1"], "smollm", 3),
    ]
    for number, (name, architecture, config, kinds, tokenizer, version) in enumerate(plans):
        if options.names and name not in options.names:
            continue
        write(options.out, name, architecture, config, kinds, tokenizer, options.seed * 100 + number, version)


main()
