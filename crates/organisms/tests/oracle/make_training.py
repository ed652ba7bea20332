"""Gradients and loss curves of PyTorch (transformers' LlamaForCausalLM, PEFT): the oracle of `tests/train_oracle.rs`.

    python make_training.py

Writes `training.json` (shapes, documents, curves) and `training.safetensors` (gradients, computed in f64). Parameters and
factors come from a formula that the test repeats. Every curve is written twice, as PyTorch computes it in f32 and in f64:
how far these two are apart is the noise that the test allows for.
"""

import json
import pathlib

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM

HERE = pathlib.Path(__file__).parent
STEPS = 200
ADAPTER = dict(rank=3, alpha=7)
MODULES = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


class Numbers:
    """A linear congruential generator (Numerical Recipes' constants), the same in the test."""

    def __init__(self, seed):
        self.state = seed

    def word(self):
        self.state = (self.state * 1664525 + 1013904223) % 2**32
        return self.state >> 8

    def real(self):
        """Between −1 and 1, exact in f32."""
        return self.word() / 2**23 - 1

    def below(self, count):
        return self.word() % count


def fill(value, seed, scale, around=0.0):
    """Sets a tensor to the formula's numbers, rounded to f32 as the test's are."""
    numbers = Numbers(seed)
    flat = torch.tensor([numbers.real() for _ in range(value.numel())], dtype=torch.float32)
    value.data.copy_((flat * scale + around).reshape(value.shape))


def model(shape, scale, adapter, dtype):
    """A network with the formula's numbers, and what is trained by the test's names."""
    out = LlamaForCausalLM(LlamaConfig(
        vocab_size=shape["vocabulary"], hidden_size=shape["hidden"], intermediate_size=shape["intermediate"],
        num_hidden_layers=shape["layers"], num_attention_heads=shape["heads"], head_dim=shape["head_dimension"],
        num_key_value_heads=shape["key_value_heads"], rms_norm_eps=shape["norm_epsilon"],
        rope_parameters=dict(rope_type="default", rope_theta=shape["rope_theta"]), tie_word_embeddings=shape["tied"],
        attn_implementation="eager")).to(dtype)
    for index, (name, value) in enumerate(out.named_parameters()):
        if "norm" in name:
            fill(value, 1000 + index, 0.25, 1.0)
        else:
            fill(value, 1000 + index, scale)
    if not adapter:
        return out, dict(out.named_parameters())
    out = get_peft_model(out, LoraConfig(r=ADAPTER["rank"], lora_alpha=ADAPTER["alpha"], target_modules=MODULES))
    trained = {name.replace(".default", ""): value for name, value in out.named_parameters() if value.requires_grad}
    for index, value in enumerate(trained.values()):
        fill(value, 5000 + index, scale)
    return out, trained


def loss_of(network, documents):
    """Σ weight · cross-entropy / Σ weight, document by document, so that nothing is padded."""
    total, weights = 0.0, 0.0
    for document in documents:
        logits = network(torch.tensor([document["tokens"]])).logits[0]
        logs = torch.log_softmax(logits, -1)
        for position, weight, wanted in document["targets"]:
            weights += weight
            total = total - weight * sum(share * logs[position, token] for token, share in wanted)
    return total / weights


def documents(seed, count, vocabulary):
    """Documents of unlike lengths, with hard and soft targets of several weights; the next token follows a rule."""
    numbers = Numbers(seed)
    out = []
    for _ in range(count):
        length = 1 + numbers.below(14)
        tokens = [numbers.below(vocabulary)]
        for _ in range(length - 1):
            tokens.append((tokens[-1] * 5 + numbers.below(3)) % vocabulary)
        targets = []
        for position in range(length):
            if position == length - 1 or numbers.below(2):
                first, second = (tokens[position] * 5) % vocabulary, (tokens[position] * 5 + 1) % vocabulary
                hard = numbers.below(2) == 1
                wanted = [[first, 1.0]] if hard else [[first, 0.25], [second, 0.75]]
                targets.append([position, [0.5, 1.0, 2.0][numbers.below(3)], wanted])
        out.append(dict(tokens=tokens, targets=targets))
    return out


def curve(shape, batches, adapter, dtype):
    """Losses of AdamW with our schedule: warm-up, flat, falling in a line."""
    network, trained = model(shape, 0.15, adapter, dtype)
    matrices = [value for value in trained.values() if value.dim() == 2]
    norms = [value for value in trained.values() if value.dim() != 2]
    groups = [dict(params=matrices, weight_decay=0.05), dict(params=norms, weight_decay=0.0)]
    optimizer = torch.optim.AdamW([group for group in groups if group["params"]], lr=2e-3, betas=(0.9, 0.98), eps=1e-8)

    def factor(step):
        if step < 20:
            return (step + 1) / 20
        return 1 - 0.95 * min(max((step - 0.4 * STEPS) / (0.6 * STEPS), 0), 1)

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
    losses = []
    for step in range(STEPS):
        loss = loss_of(network, batches[step % len(batches)])
        losses.append(loss.item())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained.values(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
    print("adapter" if adapter else "whole", dtype, losses[0], losses[-1])
    return losses


def main():
    torch.set_num_threads(1)
    base = dict(vocabulary=23, hidden=12, layers=2, head_dimension=4, intermediate=10, rope_theta=100.0,
                norm_epsilon=1e-5)
    shapes = {
        "many heads, tied": dict(base, heads=3, key_value_heads=3, tied=True),
        "grouped heads, tied": dict(base, heads=4, key_value_heads=2, tied=True),
        "one key head, own head": dict(base, heads=4, key_value_heads=1, tied=False),
    }
    batch = documents(7, 5, 23)
    gradients, losses = {}, {}
    for name, shape in shapes.items():
        for adapter in (False, True):
            network, trained = model(shape, 0.4, adapter, torch.float64)
            loss = loss_of(network, batch)
            loss.backward()
            case = f"{name}{', adapter' if adapter else ''}"
            losses[case] = loss.item()
            for part, value in trained.items():
                gradients[f"{case}/{part}"] = value.grad.float().contiguous()
    long = dict(base, vocabulary=40, hidden=32, head_dimension=8, heads=4, key_value_heads=2, intermediate=48, tied=True)
    batches = [documents(100 + index, 6, 40) for index in range(10)]
    curves = {name: {kind: curve(long, batches, adapter, dtype)
                     for kind, dtype in [("f32", torch.float32), ("f64", torch.float64)]}
              for name, adapter in [("whole", False), ("adapter", True)]}
    text = json.dumps(dict(shapes=shapes, batch=batch, losses=losses, adapter=ADAPTER, curve_shape=long,
                           curve_batches=batches, curves=curves))
    (HERE / "training.json").write_text(text + "\n")
    save_file(gradients, HERE / "training.safetensors")


main()
