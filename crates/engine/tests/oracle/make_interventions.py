"""Hook points, edits by forward hooks, and greedy continuations of tiny models in transformers; logits processors.

    python make_interventions.py OUT

Writes OUT/interventions/NAME.safetensors and OUT/sampling.json. Weights, vectors and logits come from `formula.py`.
"""

import argparse
import json
import pathlib
import random

import numpy
import torch
from safetensors.torch import save_file
from transformers import LogitsProcessorList, MinPLogitsWarper, TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

from formula import uniform
from make_families import CASES, network_of

MODELS = ["qwen2-window", "gemma2-caps", "olmo2-bias", "phi3-partial"]
LENGTH, PROMPT = 14, 9


def edit(name: str, point: str, kind: str, **more) -> dict:
    return {"name": name, "edits": [{"point": point, "kind": kind, "strength": 1.0, "positions": "all", **more}]}


EDITS = [
    edit("add", "blocks.1.resid_post", "add", strength=3.0, vectors=["v0"]),
    edit("add-prompt", "blocks.0.resid_pre", "add", strength=-2.0, vectors=["v1"], positions="prompt"),
    edit("add-embeddings", "embeddings", "add", vectors=["v2"], positions="response"),
    edit("ablate", "blocks.1.attention_out", "ablate", vectors=["v1"]),
    edit("ablate-half", "blocks.2.mlp_out", "ablate", strength=0.5, vectors=["v0"]),
    edit("project-out", "blocks.1.resid_post", "project_out", vectors=["v0", "v1", "v2"]),
    edit("cap-above", "blocks.0.resid_post", "cap_above", vectors=["v2"], threshold=0.1),
    edit("cap-below", "blocks.2.resid_post", "cap_below", vectors=["v2"], threshold=-0.05, positions=[[2, 5], [7, 12]]),
    edit("replace", "blocks.1.mlp_out", "replace", vectors=["r0"], positions=[[3, 4], [8, 10]]),
    edit("replace-rows", "blocks.1.resid_post", "replace", vectors=["r0", "r1", "r2"], positions=[[3, 4], [8, 10]]),
    edit("final-norm", "final_norm", "add", vectors=["v0"]),
    {"name": "several", "edits": [
        {"point": "blocks.0.resid_post", "kind": "add", "strength": 1.5, "vectors": ["v0"], "positions": "all"},
        {"point": "blocks.0.resid_post", "kind": "ablate", "strength": 1.0, "vectors": ["v1"], "positions": "response"},
        {"point": "blocks.2.attention_out", "kind": "cap_above", "strength": 1.0, "threshold": 0.0, "vectors": ["v1"], "positions": [[0, 6]]},
    ]},
]


def vector(name: str, wide: int) -> torch.Tensor:
    return torch.from_numpy(uniform(f"vector.{name}", wide))


def touched(positions, length: int, prompt: int) -> list[int]:
    if positions == "all":
        return list(range(length))
    if positions == "prompt":
        return list(range(min(prompt, length)))
    if positions == "response":
        return list(range(prompt, length))
    return [p for first, last in positions for p in range(first, last) if p < length]


def apply(rows: torch.Tensor, what: dict, prompt: int) -> torch.Tensor:
    """rows: [1, T, D]."""
    wide, strength = rows.shape[-1], what["strength"]
    vectors = [vector(name, wide).double() for name in what["vectors"]]
    out = rows.clone()
    for number, position in enumerate(touched(what["positions"], rows.shape[1], prompt)):
        h = rows[0, position].double()
        unit = vectors[0] / vectors[0].norm()
        if what["kind"] == "add":
            change = vectors[0]
        elif what["kind"] == "ablate":
            change = -unit * (unit @ h)
        elif what["kind"] == "project_out":
            basis = torch.linalg.qr(torch.stack(vectors).T).Q
            change = -(basis @ (basis.T @ h))
        elif what["kind"] == "cap_above":
            change = -unit * max(float(unit @ h) - what["threshold"], 0.0)
        elif what["kind"] == "cap_below":
            change = unit * max(what["threshold"] - float(unit @ h), 0.0)
        else:
            change = vectors[number if len(vectors) > 1 else 0] - h
        out[0, position] = (h + strength * change).float()
    return out


def place(network, point: str):
    """The module whose output (or, for the second value, input) is the hook point."""
    model = network.model
    if point == "embeddings":
        return model.embed_tokens, False
    if point == "final_norm":
        return model.norm, False
    _, number, kind = point.split(".")
    layer = model.layers[int(number)]
    if kind == "resid_pre":
        return layer, True
    if kind == "resid_post":
        return layer, False
    after = hasattr(layer, "post_feedforward_layernorm")
    if kind == "attention_out":
        return (layer.post_attention_layernorm if after else layer.self_attn), False
    return (layer.post_feedforward_layernorm if after else layer.mlp), False


def hook(network, point: str, act):
    module, before = place(network, point)

    def on_input(_module, arguments):
        return (act(arguments[0]), *arguments[1:])

    def on_output(_module, _arguments, output):
        if isinstance(output, tuple):
            return (act(output[0]), *output[1:])
        return act(output)

    return module.register_forward_pre_hook(on_input) if before else module.register_forward_hook(on_output)


def run(network, tokens: list[int], edits: list[dict], prompt: int) -> torch.Tensor:
    hooks = [hook(network, what["point"], lambda rows, what=what: apply(rows, what, prompt)) for what in edits]
    with torch.no_grad():
        logits = network(torch.tensor([tokens]), use_cache=False).logits[0]
    for one in hooks:
        one.remove()
    return logits


def points(layers: int) -> list[str]:
    kinds = ["resid_pre", "attention_out", "mlp_out", "resid_post"]
    return ["embeddings", *(f"blocks.{b}.{kind}" for b in range(layers) for kind in kinds), "final_norm"]


def model(path: pathlib.Path, name: str) -> None:
    kind, text = CASES[name]
    network, shapes = network_of(kind, text)
    generator = random.Random(name)
    tokens = [generator.randrange(text["vocab_size"]) for _ in range(LENGTH)]
    saved = {"tokens": torch.tensor(tokens)}
    for point in points(text["num_hidden_layers"]):
        seen = []
        one = hook(network, point, lambda rows: (seen.append(rows.clone()), rows)[1])
        run(network, tokens, [], PROMPT)
        one.remove()
        saved[f"points.{point}"] = seen[0][0].contiguous()
    for case in EDITS:
        logits = run(network, tokens, case["edits"], PROMPT)
        saved[f"edits.{case['name']}"] = logits[-6:].contiguous()
    # Greedy, the whole sequence anew for every token: no cache that could hide an error.
    sequence = list(tokens[:PROMPT])
    for _ in range(12):
        sequence.append(int(run(network, sequence, [{**EDITS[0]["edits"][0]}], PROMPT)[-1].argmax()))
    saved["greedy"] = torch.tensor(sequence[PROMPT:])
    metadata = {"config": json.dumps({**text, "model_type": kind, "eos_token_id": None}), "tensors": json.dumps(shapes), "offset": json.dumps(kind.startswith("gemma")),
                "edits": json.dumps(EDITS), "prompt": str(PROMPT)}
    save_file(saved, path, metadata=metadata)


def sampling(path: pathlib.Path) -> None:
    settings = [
        {"temperature": 1.0}, {"temperature": 0.4}, {"temperature": 1.7, "top_k": 5}, {"temperature": 1.0, "top_k": 100},
        {"temperature": 1.0, "top_p": 0.9}, {"temperature": 0.7, "top_p": 0.3}, {"temperature": 1.0, "top_p": 0.01},
        {"temperature": 1.0, "min_p": 0.1}, {"temperature": 2.0, "min_p": 0.6}, {"temperature": 1.3, "top_k": 12, "top_p": 0.8, "min_p": 0.05},
    ]
    cases = []
    for number in range(6):
        logits = torch.from_numpy(uniform(f"logits.{number}", 60) * numpy.float32(4))[None]
        for setting in settings:
            chain = LogitsProcessorList([TemperatureLogitsWarper(setting["temperature"])])
            if "top_k" in setting:
                chain.append(TopKLogitsWarper(setting["top_k"]))
            if "top_p" in setting:
                chain.append(TopPLogitsWarper(setting["top_p"]))
            if "min_p" in setting:
                chain.append(MinPLogitsWarper(setting["min_p"]))
            probabilities = torch.softmax(chain(None, logits.clone())[0].double(), -1)
            kept = [[token, float(f"{p:.7g}")] for token, p in enumerate(probabilities.tolist()) if p > 0]
            cases.append({"logits": number, **setting, "kept": kept})
    path.write_text(json.dumps(cases))


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("out", type=pathlib.Path)
    options = arguments.parse_args()
    torch.set_num_threads(1)
    (options.out / "interventions").mkdir(parents=True, exist_ok=True)
    for name in MODELS:
        model(options.out / "interventions" / f"{name}.safetensors", name)
    sampling(options.out / "sampling.json")


main()
