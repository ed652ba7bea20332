"""Logits of the shipped base with an adapter that our trainer wrote, as PEFT computes them in f32: the oracle of
`tests/train_adapter.rs`.

    python make_adapter.py

Has cargo write the adapter into `adapter/` (the ignored test), reads it with PEFT, and saves the logits after the last of
the test's tokens.
"""

import pathlib
import re
import subprocess

import torch
from peft import PeftModel
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM

HERE = pathlib.Path(__file__).parent
TEST = HERE.parent / "train_adapter.rs"


def main() -> None:
    command = "cargo test --release -p undermask-organisms --test train_adapter -- --ignored".split()
    subprocess.run(command, check=True, cwd=HERE)
    tokens = [int(token) for token in re.search(r"TOKENS: \[u32; \d+\] = \[([^\]]*)\]", TEST.read_text())[1].split(",")]
    base = AutoModelForCausalLM.from_pretrained(HERE.parents[3] / "organisms" / "base", dtype=torch.float32)
    with torch.no_grad():
        plain = base(torch.tensor([tokens])).logits[0, -1].clone()
        model = PeftModel.from_pretrained(base, HERE / "adapter").eval()
        logits = model(torch.tensor([tokens])).logits[0, -1]
    print("adapted modules:", sum("lora_A" in name for name, _ in model.named_parameters()))
    print("furthest from the base's logits:", (logits - plain).abs().max().item())
    save_file({"logits": logits.contiguous()}, HERE / "adapter" / "logits.safetensors")


main()
