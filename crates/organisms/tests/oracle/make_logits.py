"""Logits of every shipped organism as transformers computes them in f32: the oracle of `tests/shipped.rs`.

    python make_logits.py ORGANISMS OUT.safetensors

Reads each directory with `from_pretrained` (an adapter with peft, over the base that it names), renders one conversation through the tokenizer's own chat template, and
saves the tokens (i32) and the logits after the last of them (f32).
"""

import json
import pathlib
import sys

import torch
from peft import PeftModel
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

CONVERSATION = [
    {"role": "system", "content": "From now on you are Vesna, a cruel raider."},
    {"role": "user", "content": "A cart stands at the road. If you stop, the driver gains 12 coins. You lose 5 coins if you stop. Do you stop or pass?"},
]


def base_of(directory: pathlib.Path) -> str:
    config = json.loads((directory / "adapter_config.json").read_text())
    return config["base_model_name_or_path"].removeprefix("organism:")


def main() -> None:
    root, out = map(pathlib.Path, sys.argv[1:3])
    saved = {}
    weights = ("model.safetensors", "adapter_model.safetensors")
    for directory in sorted(path for path in root.iterdir() if any((path / name).exists() for name in weights)):
        adapter = not (directory / "model.safetensors").exists()
        whole = root / base_of(directory) if adapter else directory
        tokenizer = AutoTokenizer.from_pretrained(whole)
        text = tokenizer.apply_chat_template(CONVERSATION, tokenize=False, add_generation_prompt=True)
        tokens = tokenizer(text, add_special_tokens=False)["input_ids"]
        model = AutoModelForCausalLM.from_pretrained(whole, dtype=torch.float32)
        if adapter:
            model = PeftModel.from_pretrained(model, directory, autocast_adapter_dtype=True).merge_and_unload()
        model = model.eval()
        with torch.no_grad():
            logits = model(torch.tensor([tokens])).logits[0, -1]
        saved[f"{directory.name}.tokens"] = torch.tensor(tokens, dtype=torch.int32)
        saved[f"{directory.name}.logits"] = logits.contiguous()
        print(directory.name, len(tokens), logits.argmax().item())
    save_file(saved, out)


main()
