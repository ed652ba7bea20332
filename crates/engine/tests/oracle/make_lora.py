"""PEFT LoRA adapters of random models, and the logits that PEFT computes with them.

    python make_lora.py ../fixtures/lora ../fixtures

The second argument is where the bases are. Each adapter lies in a directory of its own, with expected.safetensors (tokens,
and the logits of the last positions) and base.txt (the name of its base).
"""

import pathlib
import random
import shutil
import sys

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, Phi3Config, Phi3ForCausalLM

ADAPTERS = {
    "attention": ("grouped", dict(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj"])),
    "all": ("untied", dict(r=3, lora_alpha=5, use_rslora=True, target_modules="all-linear", rank_pattern={"down_proj": 6, "layers.1.mlp.up_proj": 2}, alpha_pattern={"o_proj": 9})),
    "pattern": ("grouped", dict(r=2, lora_alpha=4, target_modules=r".*\.[02]\..*\.(gate|down)_proj", fan_in_fan_out=False)),
    "layers": ("grouped", dict(r=2, lora_alpha=4, target_modules=["o_proj", "up_proj"], layers_to_transform=[1], exclude_modules=["up_proj"])),
    "fused": ("lora/phi3-base", dict(r=3, lora_alpha=4, target_modules=["qkv_proj", "gate_up_proj"])),
    "head": ("untied", dict(r=2, lora_alpha=7, target_modules=["lm_head", "k_proj"])),
}


def main() -> None:
    out, bases = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    torch.manual_seed(99)
    shape = dict(vocab_size=300, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1, max_position_embeddings=64)
    Phi3ForCausalLM(Phi3Config(**shape, tie_word_embeddings=True, pad_token_id=None, bos_token_id=0, eos_token_id=93)).save_pretrained(out / "phi3-base")
    for file in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(bases / "grouped" / file, out / "phi3-base" / file)
    for number, (name, (base, settings)) in enumerate(ADAPTERS.items()):
        torch.manual_seed(number)
        network = AutoModelForCausalLM.from_pretrained(bases / base, dtype=torch.float32).eval()
        adapted = get_peft_model(network, LoraConfig(task_type="CAUSAL_LM", **settings)).eval()
        with torch.no_grad():
            for key, parameter in adapted.named_parameters():
                if "lora_" in key:  # as large as a trained one could be, so that errors would show
                    parameter.copy_(0.15 * torch.randn_like(parameter))
        adapted.save_pretrained(out / name)
        (out / name / "README.md").unlink(missing_ok=True)
        (out / name / "base.txt").write_text(base)
        chooser = random.Random(number)
        tokens = torch.tensor([[chooser.randrange(network.config.vocab_size) for _ in range(20)]])
        with torch.no_grad():
            logits = adapted(tokens).logits[0][-3:].contiguous()
            with adapted.disable_adapter():
                plain = adapted(tokens).logits[0][-3:]
        print(name, "adapter moves logits by", float((logits - plain).abs().max()), "of", float(plain.abs().max()))
        save_file({"tokens": tokens[0], "logits": logits}, out / name / "expected.safetensors")


main()
