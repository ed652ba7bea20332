"""Random blocks of every type that undermask reads, and what the gguf package makes of them.

    python make_blocks.py ../fixtures/blocks.safetensors
"""

import pathlib
import sys

import gguf
import numpy
from safetensors.numpy import save_file

KINDS = {"F32": 1024, "F16": 1024, "BF16": 1024, "Q8_0": 40, "Q4_0": 40, "Q4_1": 40, "Q5_0": 40, "Q5_1": 40,
         "Q4_K": 6, "Q5_K": 6, "Q6_K": 6}
SCALES = {"Q8_0": [0], "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208]}


def main() -> None:
    generator = numpy.random.default_rng(7)
    saved = {}
    for name, count in KINDS.items():
        kind = gguf.GGMLQuantizationType[name]
        _, size = gguf.GGML_QUANT_SIZES[kind]
        if name in SCALES:  # any bits are a valid block, but for scales that are no numbers
            blocks = generator.integers(0, 256, (count, size), dtype=numpy.uint8)
            for place in SCALES[name]:
                scale = generator.normal(0, 0.05, count).astype(numpy.float16)
                scale[0], scale[1] = 0.0, numpy.float16(6e-8)  # none, and the smallest
                blocks[:, place : place + 2] = scale.view(numpy.uint8).reshape(count, 2)
        else:
            values = (generator.normal(0, 1, count) * 10.0 ** generator.integers(-7, 5, count)).astype(numpy.float32)
            blocks = gguf.quants.quantize(values, kind).view(numpy.uint8).reshape(count, size)
        if name == "F32":
            values = blocks.copy().view(numpy.float32)
        elif name == "F16":
            values = blocks.copy().view(numpy.float16).astype(numpy.float32)
        else:
            values = gguf.quants.dequantize(blocks, kind)
        saved[f"{name}.bytes"] = blocks.reshape(-1)
        saved[f"{name}.values"] = numpy.ascontiguousarray(values.reshape(-1).astype(numpy.float32))
    save_file(saved, pathlib.Path(sys.argv[1]))


main()
