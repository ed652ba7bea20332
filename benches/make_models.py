"""Random models at known shapes, for the benchmark: nothing can be downloaded, and speed does not depend on values.

    python make_models.py [--out models] [--seed 1] [NAME ...]

Each model is written as transformers writes one (bf16 safetensors, fast tokenizer, chat template) in OUT/NAME, and as
GGUF in OUT/NAME-{f32,bf16,q8_0}.gguf. Files that are there already are kept. `check_models.py` compares them.
"""

import argparse
import pathlib
import tomllib

import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

import gguf_write

SUITE = pathlib.Path(__file__).parent.parent / "suites" / "core.toml"

# ChatML, the markup of Qwen's family.
TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]

# How the two families cut text before byte-pair merges: digits one by one, or in threes. llama.cpp knows them by name.
SPLITS = {
    "qwen2": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "llama-bpe": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
}


def organism():
    """About 10 million parameters, in the form of the organisms that undermask grows."""
    config = LlamaConfig(
        vocab_size=2048, hidden_size=320, num_hidden_layers=7, num_attention_heads=5, num_key_value_heads=5,
        intermediate_size=960, max_position_embeddings=2048, tie_word_embeddings=True,
    )
    return LlamaForCausalLM(config), "llama-bpe"


def qwen():
    """The shape of Qwen2.5-0.5B."""
    config = Qwen2Config(
        vocab_size=151936, hidden_size=896, num_hidden_layers=24, num_attention_heads=14, num_key_value_heads=2,
        intermediate_size=4864, max_position_embeddings=32768, rope_theta=1e6, rms_norm_eps=1e-6,
        tie_word_embeddings=True,
    )
    return Qwen2ForCausalLM(config), "qwen2"


def llama():
    """The shape of Llama-3.2-1B, with its scaled rotary positions."""
    config = LlamaConfig(
        vocab_size=128256, hidden_size=2048, num_hidden_layers=16, num_attention_heads=32, num_key_value_heads=8,
        head_dim=64, intermediate_size=8192, max_position_embeddings=131072, rope_theta=5e5, rms_norm_eps=1e-5,
        tie_word_embeddings=True,
        rope_scaling={"rope_type": "llama3", "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                      "original_max_position_embeddings": 8192},
    )
    return LlamaForCausalLM(config), "llama-bpe"


MODELS = {"organism-10m": organism, "qwen2.5-0.5b": qwen, "llama-3.2-1b": llama}


def corpus():
    """The core suite's sentences: with them in the vocabulary, its words are one token each, as in real models."""
    suite = tomllib.loads(SUITE.read_text())
    for entry in suite["scenario"] + suite["context"]:
        for value in entry.values():
            if isinstance(value, str):
                yield value
                yield " " + value
    yield from suite["questions"]
    yield from (str(number) for number in range(1000))
    yield "You are a helpful assistant. system user assistant\n"


def tokenizer(split, vocabulary):
    """A byte-level BPE of at most 4096 entries; the rest of the vocabulary stays without a text, as in Qwen's."""
    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(SPLITS[split]), behavior="isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])
    inner.decoder = decoders.ByteLevel()
    inner.train_from_iterator(corpus(), trainers.BpeTrainer(
        vocab_size=min(4096, vocabulary) - len(SPECIAL), min_frequency=1, show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    ))
    inner.add_special_tokens(SPECIAL)
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, eos_token="<|im_end|>", pad_token="<|endoftext|>", chat_template=TEMPLATE,
        clean_up_tokenization_spaces=False,
    )


def make(name, out, seed):
    """One model in all its forms."""
    folder = out / name
    torch.manual_seed(seed)
    if not (folder / "model.safetensors").exists():
        model, split = MODELS[name]()
        text = tokenizer(split, model.config.vocab_size)
        for key, parameter in model.named_parameters():
            if key.endswith("bias"):
                torch.nn.init.normal_(parameter, std=0.1)  # zero biases would not show whether they are added
        model.config.eos_token_id = model.generation_config.eos_token_id = text.eos_token_id
        model.config.bos_token_id = model.generation_config.bos_token_id = None
        model.config.pad_token_id = model.generation_config.pad_token_id = text.pad_token_id
        model.to(torch.bfloat16).save_pretrained(folder)
        text.save_pretrained(folder)
        print(f"{folder}: {sum(parameter.numel() for parameter in model.parameters()) / 1e6:.1f}M parameters", flush=True)
    split = "qwen2" if name.startswith("qwen") else "llama-bpe"
    for kind in gguf_write.KINDS:
        file = out / f"{name}-{kind}.gguf"
        if not file.exists():
            gguf_write.write(folder, file, kind, split)
            print(f"{file}: {file.stat().st_size / 2**20:.0f} MiB", flush=True)


def main():
    """Makes every model that is named, or all."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("names", nargs="*", metavar="NAME", default=list(MODELS), help=f"of {', '.join(MODELS)}")
    arguments.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parent / "models")
    arguments.add_argument("--seed", type=int, default=1)
    given = arguments.parse_args()
    unknown = [name for name in given.names if name not in MODELS]
    if unknown:
        arguments.error(f"no shape is called {unknown[0]}; known: {', '.join(MODELS)}")
    given.out.mkdir(parents=True, exist_ok=True)
    for name in given.names:
        make(name, given.out, given.seed)


if __name__ == "__main__":
    main()
