"""Tiny models of every family with transformers' own block outputs and logits: the engine's oracle.

    python make_families.py OUT

Writes one safetensors file a model: expected values, and in its metadata config.json and the tensors' names and shapes.
Weights come from `formula.py`. A case is config.json as it would lie on disk, in the spelling of transformers 4 or 5.
"""

import argparse
import json
import pathlib
import random

import torch
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM

from formula import fill

LENGTHS = [1, 7, 24, 53]
KEPT = 5


def positions(length: int) -> list[int]:
    """Up to KEPT positions: the last ones and some between."""
    return sorted({length - 1, length - 2, length // 2, length // 3, 0} & set(range(length)))[-KEPT:]


def base(**more) -> dict:
    return dict(vocab_size=90, hidden_size=32, intermediate_size=48, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2,
                max_position_embeddings=256, bos_token_id=1, eos_token_id=2, pad_token_id=0, **more)


def long_rope(pairs: int) -> dict:
    return {"type": "longrope", "short_factor": [1.0 + 0.05 * i for i in range(pairs)], "long_factor": [1.5 + 0.7 * i for i in range(pairs)]}


CASES = {
    "llama-yarn": ("llama", base(architectures=["LlamaForCausalLM"], rope_theta=5000.0, tie_word_embeddings=True, rope_scaling={"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64})),
    "llama-dynamic": ("llama", base(architectures=["LlamaForCausalLM"], rope_parameters={"rope_type": "dynamic", "rope_theta": 10000.0, "factor": 3.0}, head_dim=12)),
    "llama-yarn-mscale": ("llama", base(architectures=["LlamaForCausalLM"], rope_parameters={"rope_type": "yarn", "rope_theta": 10000.0, "factor": 8.0, "original_max_position_embeddings": 32, "beta_fast": 16.0, "beta_slow": 2.0, "mscale": 0.8, "mscale_all_dim": 0.5}, mlp_bias=True)),
    "mistral-window": ("mistral", base(architectures=["MistralForCausalLM"], sliding_window=9, rope_theta=10000.0)),
    "mistral-full": ("mistral", base(architectures=["MistralForCausalLM"], sliding_window=None, head_dim=16, tie_word_embeddings=True)),
    "mistral-wide": ("mistral", {**base(architectures=["MistralForCausalLM"], sliding_window=30, rope_theta=1e6), "hidden_size": 40, "num_attention_heads": 5, "num_key_value_heads": 1}),
    "qwen2-plain": ("qwen2", base(architectures=["Qwen2ForCausalLM"], rope_theta=1e6, tie_word_embeddings=True)),
    "qwen2-window": ("qwen2", base(architectures=["Qwen2ForCausalLM"], use_sliding_window=True, sliding_window=8, max_window_layers=1)),
    "qwen2-types": ("qwen2", {**base(architectures=["Qwen2ForCausalLM"], use_sliding_window=True, sliding_window=11, layer_types=["sliding_attention", "full_attention", "sliding_attention"]), "num_key_value_heads": 4}),
    "qwen3-plain": ("qwen3", base(architectures=["Qwen3ForCausalLM"], head_dim=16, rope_theta=1e6, tie_word_embeddings=True)),
    "qwen3-bias": ("qwen3", base(architectures=["Qwen3ForCausalLM"], head_dim=6, attention_bias=True)),
    "qwen3-window": ("qwen3", {**base(architectures=["Qwen3ForCausalLM"], head_dim=8, use_sliding_window=True, sliding_window=10, max_window_layers=2), "num_key_value_heads": 1}),
    "gemma2-plain": ("gemma2", base(architectures=["Gemma2ForCausalLM"], head_dim=8, query_pre_attn_scalar=10, sliding_window=9, hidden_act="gelu_pytorch_tanh", hidden_activation="gelu_pytorch_tanh")),
    "gemma2-caps": ("gemma2", base(architectures=["Gemma2ForCausalLM"], head_dim=16, query_pre_attn_scalar=16, sliding_window=20, attn_logit_softcapping=2.0, final_logit_softcapping=5.0)),
    "gemma2-uncapped": ("gemma2", {**base(architectures=["Gemma2ForCausalLM"], head_dim=8, query_pre_attn_scalar=8, sliding_window=5, attn_logit_softcapping=None, final_logit_softcapping=None, layer_types=["full_attention", "sliding_attention", "full_attention"]), "num_key_value_heads": 4}),
    "gemma3-older": ("gemma3_text", {**base(architectures=["Gemma3ForCausalLM"], head_dim=8, query_pre_attn_scalar=12, sliding_window=7, sliding_window_pattern=3, rope_theta=1e6, rope_local_base_freq=10000.0, rope_scaling={"rope_type": "linear", "factor": 4.0}), "num_hidden_layers": 4}),
    "gemma3-newer": ("gemma3_text", {**base(architectures=["Gemma3ForCausalLM"], head_dim=16, query_pre_attn_scalar=16, sliding_window=12, final_logit_softcapping=8.0, layer_types=["sliding_attention", "full_attention", "sliding_attention"], rope_parameters={"full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 5e5}, "sliding_attention": {"rope_type": "default", "rope_theta": 9000.0}})}),
    "gemma3-six": ("gemma3_text", {**base(architectures=["Gemma3ForCausalLM"], head_dim=8, query_pre_attn_scalar=8, sliding_window=6), "num_hidden_layers": 7, "hidden_size": 24, "num_key_value_heads": 1}),
    "phi3-plain": ("phi3", base(architectures=["Phi3ForCausalLM"], rope_theta=10000.0, sliding_window=15, original_max_position_embeddings=256)),
    "phi3-long": ("phi3", base(architectures=["Phi3ForCausalLM"], rope_scaling=long_rope(4), original_max_position_embeddings=24, tie_word_embeddings=True)),
    "phi3-partial": ("phi3", {**base(architectures=["Phi3ForCausalLM"], partial_rotary_factor=0.75, rope_scaling=long_rope(6), original_max_position_embeddings=32), "hidden_size": 64, "num_key_value_heads": 4}),
    "olmo2-plain": ("olmo2", base(architectures=["Olmo2ForCausalLM"], rope_theta=5e5)),
    "olmo2-bias": ("olmo2", base(architectures=["Olmo2ForCausalLM"], attention_bias=True, tie_word_embeddings=True)),
    "olmo2-even": ("olmo2", {**base(architectures=["Olmo2ForCausalLM"]), "num_key_value_heads": 4, "hidden_size": 48}),
}


def network_of(kind: str, text: dict):
    config = AutoConfig.for_model(kind, **json.loads(json.dumps(text)))
    network = AutoModelForCausalLM.from_config(config, attn_implementation="eager", dtype=torch.float32).eval()
    return network, fill(network, kind.startswith("gemma"))


def read(network, tokens: list[int], kept: list[int]) -> tuple[list[torch.Tensor], torch.Tensor]:
    blocks = []
    hooks = [
        layer.register_forward_hook(lambda _m, _i, output: blocks.append(output[0] if isinstance(output, tuple) else output))
        for layer in network.model.layers
    ]
    with torch.no_grad():
        logits = network(torch.tensor([tokens]), use_cache=False).logits
    for hook in hooks:
        hook.remove()
    return [block.reshape(len(tokens), -1)[kept].contiguous() for block in blocks], logits[0][kept].contiguous()


def write(path: pathlib.Path, kind: str, text: dict, lengths: list[int], keep=positions) -> None:
    network, shapes = network_of(kind, text)
    generator = random.Random(path.stem)
    saved = {}
    for index, length in enumerate(lengths):
        tokens = [generator.randrange(text["vocab_size"]) for _ in range(length)]
        kept = keep(length)
        blocks, logits = read(network, tokens, kept)
        saved[f"{index}.tokens"] = torch.tensor(tokens)
        saved[f"{index}.positions"] = torch.tensor(kept)
        saved[f"{index}.logits"] = logits
        for number, block in enumerate(blocks):
            saved[f"{index}.blocks.{number}.resid_post"] = block
    config = json.dumps({**text, "model_type": kind})
    save_file(saved, path, metadata={"config": config, "tensors": json.dumps(shapes), "offset": json.dumps(kind.startswith("gemma"))})


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("out", type=pathlib.Path)
    options = arguments.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    for name, (kind, text) in CASES.items():
        write(options.out / f"{name}.safetensors", kind, text, LENGTHS)
    text = {**base(architectures=["Qwen2ForCausalLM"], use_sliding_window=True, sliding_window=1000, max_window_layers=1, rope_theta=1e6),
            "max_position_embeddings": 16384, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1, "hidden_size": 16}
    write(options.out / "eight-thousand.safetensors", "qwen2", text, [8192], keep=lambda _: [0, 999, 1000, 4095, 8190, 8191])


if __name__ == "__main__":
    main()
