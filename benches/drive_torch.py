"""PyTorch's side of train.py: the same network, documents, targets and optimiser, in one process.

    python drive_torch.py --file DOCUMENTS --base DIR --threads 2 --precision f32|bf16 --batching padded|sorted|packed
                          [--attention sdpa|eager] [--adapter RANK]

Commands and answers are train_driver's. Written as somebody who wants PyTorch to be fast would: one tensor of token
ids a batch, the head only at the targets' rows, the fused AdamW, clipping over all gradients, soft targets as sparse
gathers from one log-softmax.

- padded: all documents of a batch as one rectangle, padded on the right (causal attention needs no mask for it).
- sorted: four rectangles a batch, of documents of about the same length, gradients accumulated.
- packed: all documents as one row, attention by a block-causal mask.
"""

import argparse
import json
import sys
import time

import torch
from transformers import LlamaForCausalLM

GROUPS = 4


def rectangle(documents):
    """Tokens [documents, longest] and the flat rows, weights and sparse distributions of their targets."""
    longest = max(len(document["tokens"]) for document in documents)
    tokens = torch.zeros(len(documents), longest, dtype=torch.long)
    entries = []
    for row, document in enumerate(documents):
        tokens[row, : len(document["tokens"])] = torch.tensor(document["tokens"])
        entries += [(row * longest + position, weight, wanted) for position, weight, wanted in document["targets"]]
    return dict(input_ids=tokens), entries


def packed(documents):
    """All documents as one row."""
    tokens = torch.tensor([[token for document in documents for token in document["tokens"]]])
    positions = torch.tensor([[place for document in documents for place in range(len(document["tokens"]))]])
    names = torch.tensor([name for name, document in enumerate(documents) for _ in document["tokens"]])
    count = tokens.shape[1]
    seen = (names[:, None] == names[None, :]) & torch.ones(count, count, dtype=torch.bool).tril()
    entries, first = [], 0
    for document in documents:
        entries += [(first + position, weight, wanted) for position, weight, wanted in document["targets"]]
        first += len(document["tokens"])
    mask = torch.zeros(count, count).masked_fill(~seen, torch.finfo(torch.float32).min)
    return dict(input_ids=tokens, position_ids=positions, attention_mask=mask[None, None]), entries


def prepare(documents, batching):
    """Parts of one batch, made before the clock starts: inputs, and tensors of the targets."""
    total = sum(weight for document in documents for _, weight, _ in document["targets"])
    if batching == "packed":
        parts = [packed(documents)]
    elif batching == "padded":
        parts = [rectangle(documents)]
    else:
        ordered = sorted(documents, key=lambda document: len(document["tokens"]))
        size = -(-len(ordered) // GROUPS)
        parts = [rectangle(ordered[start : start + size]) for start in range(0, len(ordered), size)]
    out = []
    for inputs, entries in parts:
        rows = torch.tensor([row for row, _, _ in entries])
        place = [(index, token, weight / total * share) for index, (_, weight, wanted) in enumerate(entries)
                 for token, share in wanted]
        index, token, weight = (torch.tensor(column) for column in zip(*place, strict=True))
        out.append((inputs, rows, index, token, weight.float()))
    return out, sum(len(document["tokens"]) for document in documents)


class Training:
    """A model, its optimiser, and its batches."""

    def __init__(self, given):
        self.bf16 = given.precision == "bf16"
        self.model = LlamaForCausalLM.from_pretrained(given.base, dtype=torch.float32,
                                                      attn_implementation=given.attention)
        self.model.train()
        if given.adapter:
            from peft import LoraConfig, get_peft_model

            names = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
            self.model = get_peft_model(self.model, LoraConfig(r=given.adapter, lora_alpha=2 * given.adapter,
                                                               target_modules=names, task_type="CAUSAL_LM"))
        self.llama = self.model.get_base_model() if given.adapter else self.model
        self.trained = [value for value in self.model.parameters() if value.requires_grad]
        groups = [dict(params=[value for value in self.trained if value.dim() == 2], weight_decay=0.05),
                  dict(params=[value for value in self.trained if value.dim() != 2], weight_decay=0.0)]
        self.optimizer = torch.optim.AdamW([group for group in groups if group["params"]], lr=1e-6, betas=(0.9, 0.98),
                                           eps=1e-8, fused=True)
        with open(given.file) as lines:
            self.batches = [prepare(json.loads(line), given.batching) for line in lines]
        self.step = 0

    def learn(self):
        """One step; tokens and loss."""
        parts, tokens = self.batches[self.step % len(self.batches)]
        self.step += 1
        loss = 0.0
        for inputs, rows, index, token, weight in parts:
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.bf16):
                hidden = self.llama.model(**inputs, use_cache=False).last_hidden_state
                logits = self.llama.lm_head(hidden.reshape(-1, hidden.shape[-1])[rows])
            part = -(weight * torch.log_softmax(logits.float(), -1)[index, token]).sum()
            part.backward()
            loss += part.item()
        torch.nn.utils.clip_grad_norm_(self.trained, 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return tokens, loss


def main():
    """Answers commands until the input ends."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--file", required=True)
    arguments.add_argument("--base", required=True)
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--precision", choices=["f32", "bf16"], default="f32")
    arguments.add_argument("--batching", choices=["padded", "sorted", "packed"], default="padded")
    arguments.add_argument("--attention", choices=["sdpa", "eager"], default="sdpa")
    arguments.add_argument("--adapter", type=int, default=0)
    given = arguments.parse_args()
    torch.set_num_threads(given.threads)
    training = Training(given)
    answers = sys.stdout
    sys.stdout = sys.stderr
    print(json.dumps({"ready": True}), file=answers, flush=True)
    for line in sys.stdin:
        command = json.loads(line)
        start, used, tokens, loss = time.perf_counter(), time.process_time(), 0, float("nan")
        for _ in range(command["count"]):
            more, loss = training.learn()
            tokens += more
        answer = dict(seconds=time.perf_counter() - start, cpu=time.process_time() - used, tokens=tokens, loss=loss)
        print(json.dumps(answer), file=answers, flush=True)


main()
