"""transformers (PyTorch) as a driver; see work.py.

    python drive_transformers.py --model DIR --precision f32|bf16 --threads 2 --attention sdpa|eager

`prefill` keeps every block's output (`output_hidden_states`), without a cache, and computes logits for the last tokens
only, as we do. `decode` calls the model step by step with its own cache: `generate` would be slower.
"""

import argparse

import torch
from transformers import AutoModelForCausalLM

import work


class Session:
    """One open model."""

    def __init__(self, model, precision, threads, attention):
        torch.set_num_threads(threads)
        dtype = {"f32": torch.float32, "bf16": torch.bfloat16}[precision]
        self.model = AutoModelForCausalLM.from_pretrained(model, dtype=dtype, attn_implementation=attention).eval()
        self.blocks = self.model.config.num_hidden_layers

    @torch.inference_mode()
    def prefill(self):
        """Seconds for all prompts, their hidden states kept."""
        batch = torch.tensor([work.tokens(sequence, work.LENGTH) for sequence in range(work.SEQUENCES)])
        seconds, out = work.timed(
            lambda: self.model(batch, output_hidden_states=True, use_cache=False, logits_to_keep=1)
        )
        assert len(out.hidden_states) == self.blocks + 1
        return seconds | {"best": out.logits[:, -1].argmax(-1).tolist()}

    @torch.inference_mode()
    def decode(self, batch, new):
        """Seconds for `new` steps of `batch` sequences."""
        prompts = torch.tensor([work.tokens(sequence, work.PROMPT) for sequence in range(batch)])
        out = self.model(prompts, use_cache=True, logits_to_keep=1)
        first = out.logits[:, -1].argmax(-1, keepdim=True)

        def steps():
            token, cache, said = first, out.past_key_values, []
            for _ in range(new):
                logits = self.model(token, past_key_values=cache, use_cache=True).logits
                token = logits[:, -1].argmax(-1, keepdim=True)
                said.append(token)
            return torch.cat(said, dim=1)

        seconds, said = work.timed(steps)
        return seconds | {"best": said[:, -1].tolist()}


def main():
    """Reads the arguments and serves."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--model", required=True)
    arguments.add_argument("--precision", required=True, choices=["f32", "bf16"])
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--attention", default="sdpa", choices=["sdpa", "eager"])
    work.serve(Session(**vars(arguments.parse_args())))


if __name__ == "__main__":
    main()
