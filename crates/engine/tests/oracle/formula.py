"""Weights from a formula, the same here and in `tests/support/mod.rs`, so that fixtures hold no weights.

Number i of a tensor is splitmix64(fnv1a64(name) + i·0x9E3779B97F4A7C15), its upper 24 bits as a number in [-1, 1),
times a scale that is a power of two; a norm's weight is that plus 1 (or 0 where the family adds 1 itself).
"""

import numpy
import torch

GOLDEN = 0x9E3779B97F4A7C15


def uniform(name: str, count: int) -> numpy.ndarray:
    state = 0xCBF29CE484222325
    for byte in name.encode():
        state = ((state ^ byte) * 0x100000001B3) % 2**64
    with numpy.errstate(over="ignore"):
        z = numpy.uint64(state) + numpy.arange(1, count + 1, dtype=numpy.uint64) * numpy.uint64(GOLDEN)
        z = (z ^ (z >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
        z = z ^ (z >> numpy.uint64(31))
    return ((z >> numpy.uint64(40)).astype(numpy.float32) - numpy.float32(2**23)) / numpy.float32(2**23)


def scale(name: str, shape: tuple) -> float:
    """A power of two: about 2/√columns for a matrix, 1 for embeddings, 1/4 for a vector."""
    if len(shape) == 1:
        return 0.25
    if "embed_tokens" in name:
        return 1.0
    exponent = 2
    while 4**exponent < shape[-1]:
        exponent += 1
    return 2.0 / 2**exponent * 2


def fill(network: torch.nn.Module, offset: bool) -> dict:
    """Sets every parameter; returns name → shape."""
    shapes = {}
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            shape = tuple(parameter.shape)
            values = uniform(name, parameter.numel()) * numpy.float32(scale(name, shape))
            if name.endswith("norm.weight") and not offset:
                values = values + numpy.float32(1)
            parameter.copy_(torch.from_numpy(values).reshape(shape))
            shapes[name] = list(shape)
    return shapes
