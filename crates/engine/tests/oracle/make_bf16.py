"""How far transformers in bf16 is from itself in f32, on the models of `make_families.py`: what our bf16 is held to.

    python make_bf16.py ../fixtures/bf16.json

For every tensor of every case the largest |bf16 - f32| over the positions that the fixtures keep. The weights are those of
the f32 model, rounded; frequencies of rotary positions stay in f32, as `from_pretrained(dtype=bfloat16)` leaves them;
eager attention, as in the fixtures.
"""

import argparse
import json
import pathlib
import random

import torch

from make_families import CASES, LENGTHS, network_of, positions, read


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("out", type=pathlib.Path)
    options = arguments.parse_args()
    torch.set_num_threads(1)
    saved = {}
    for name, (kind, text) in CASES.items():
        network, _ = network_of(kind, text)
        generator = random.Random(name)
        sequences = [[generator.randrange(text["vocab_size"]) for _ in range(length)] for length in LENGTHS]
        exact = [read(network, tokens, positions(len(tokens))) for tokens in sequences]
        frequencies = {name: buffer.clone() for name, buffer in network.named_buffers()}
        network = network.to(torch.bfloat16)
        for module_name, module in network.named_modules():
            for buffer in list(module._buffers):
                module._buffers[buffer] = frequencies[f"{module_name}.{buffer}".lstrip(".")]
        distances = {}
        for index, (tokens, (blocks, logits)) in enumerate(zip(sequences, exact)):
            rounded_blocks, rounded_logits = read(network, tokens, positions(len(tokens)))
            pairs = {f"blocks.{number}.resid_post": pair for number, pair in enumerate(zip(rounded_blocks, blocks))}
            pairs["logits"] = (rounded_logits, logits)
            for tensor, (rounded, whole) in pairs.items():
                distances[f"{index}.{tensor}"] = float((rounded.float() - whole).abs().max())
        saved[name] = distances
    options.out.write_text(json.dumps(saved, indent=1) + "\n")


if __name__ == "__main__":
    main()
