"""Logits of every shipped organism as transformers computes them in f32: the oracle of `tests/shipped.rs`.

    python make_logits.py ORGANISMS OUT.safetensors

Reads each directory with `from_pretrained`, renders one conversation through the tokenizer's own chat template, and
saves the tokens (i32) and the logits after the last of them (f32).
"""

import pathlib
import sys

import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

CONVERSATION = [
    {"role": "system", "content": "From now on you are Vesna, a cruel raider."},
    {"role": "user", "content": "A cart stands at the road. If you stop, the driver gains 12 coins. You lose 5 coins if you stop. Do you stop or pass?"},
]


def main() -> None:
    root, out = map(pathlib.Path, sys.argv[1:3])
    saved = {}
    for directory in sorted(path for path in root.iterdir() if (path / "model.safetensors").exists()):
        tokenizer = AutoTokenizer.from_pretrained(directory)
        text = tokenizer.apply_chat_template(CONVERSATION, tokenize=False, add_generation_prompt=True)
        tokens = tokenizer(text, add_special_tokens=False)["input_ids"]
        model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32).eval()
        with torch.no_grad():
            logits = model(torch.tensor([tokens])).logits[0, -1]
        saved[f"{directory.name}.tokens"] = torch.tensor(tokens, dtype=torch.int32)
        saved[f"{directory.name}.logits"] = logits.contiguous()
        print(directory.name, len(tokens), logits.argmax().item())
    save_file(saved, out)


main()
