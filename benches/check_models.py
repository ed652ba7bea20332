"""Whether llama.cpp reads the benchmark's GGUF files as transformers reads the directories: the same logits.

    python check_models.py [--models models] [NAME ...]

In f32 both compute the same network: the largest difference must be rounding (1e-3 of the largest logit). The files in
BF16 and Q8_0 hold rounded weights, and llama.cpp rounds activations too: there the bound is loose, 3% and 10%.
"""

import argparse
import pathlib
import sys

import numpy
import torch
from transformers import AutoModelForCausalLM

import drive_llama
from make_models import MODELS

BOUNDS = {"f32": 1e-3, "bf16": 0.03, "q8_0": 0.1}
LENGTH = 40


def main():
    """Prints a line a file, and ends with 1 when one of them disagrees."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("names", nargs="*", default=list(MODELS))
    arguments.add_argument("--models", type=pathlib.Path, default=pathlib.Path(__file__).parent / "models")
    given = arguments.parse_args()
    torch.set_num_threads(2)
    failed = False
    for name in given.names:
        model = AutoModelForCausalLM.from_pretrained(given.models / name, dtype=torch.float32)
        model.eval()
        tokens = torch.randint(0, 2000, (LENGTH,), generator=torch.Generator().manual_seed(1))
        with torch.inference_mode():
            expected = model(tokens[None]).logits[0].numpy()
        del model
        for kind, bound in BOUNDS.items():
            file = given.models / f"{name}-{kind}.gguf"
            found = drive_llama.Session(str(file), threads=2, flash=False, batch=512).logits(tokens.tolist())
            distance = float(numpy.abs(found - expected).max() / numpy.abs(expected).max())
            same = float((found.argmax(-1) == expected.argmax(-1)).mean())
            verdict = "agrees" if distance <= bound else "DISAGREES"
            failed |= distance > bound
            print(f"{file.name}: {verdict}, largest difference {distance:.1e} of the largest logit (bound {bound:g}), "
                  f"same best token at {100 * same:.0f}% of positions", flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
