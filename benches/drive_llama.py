"""llama.cpp as a driver, through the C interface that llama-cpp-python exposes; see work.py.

    python drive_llama.py --model FILE.gguf --threads 2 --flash|--no-flash --batch 512

It gives no block's output back (its public interface has none), so `prefill` captures nothing here: a little less work
than the others do. Logits come after the last token of each sequence only.
"""

import argparse

import llama_cpp
import numpy

import work


class Session:
    """One open model and a context with room for 16 sequences."""

    def __init__(self, model, threads, flash, batch):
        llama_cpp.llama_log_set(SILENT, None)
        llama_cpp.llama_backend_init()
        self.model = llama_cpp.llama_model_load_from_file(model.encode(), llama_cpp.llama_model_default_params())
        if not self.model:
            raise SystemExit(f"llama.cpp cannot read {model}")
        self.vocabulary = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(self.model))
        settings = llama_cpp.llama_context_default_params()
        settings.n_ctx = 16 * 512
        settings.n_batch = work.SEQUENCES * work.LENGTH
        settings.n_ubatch = batch
        settings.n_seq_max = 16
        settings.n_threads = settings.n_threads_batch = threads
        settings.flash_attn_type = (
            llama_cpp.LLAMA_FLASH_ATTN_TYPE_ENABLED if flash else llama_cpp.LLAMA_FLASH_ATTN_TYPE_DISABLED
        )
        self.context = llama_cpp.llama_init_from_model(self.model, settings)
        if not self.context:
            raise SystemExit(f"llama.cpp makes no context for {model}")
        self.batch = llama_cpp.llama_batch_init(work.SEQUENCES * work.LENGTH, 0, 1)

    def clear(self):
        """Forgets every sequence."""
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(self.context), False)

    def fill(self, sequences, start, wanted):
        """Puts the tokens of each sequence, from position `start` on, into the batch; says where logits are."""
        places, count = [], 0
        for number, tokens in enumerate(sequences):
            for place, token in enumerate(tokens):
                last = place + 1 == len(tokens)
                self.batch.token[count], self.batch.pos[count] = token, start + place
                self.batch.n_seq_id[count], self.batch.seq_id[count][0] = 1, number
                self.batch.logits[count] = last or wanted == "all"
                if last or wanted == "all":
                    places.append(count)
                count += 1
        self.batch.n_tokens = count
        return places

    def run(self, places):
        """Computes the batch; the most probable token at each place."""
        code = llama_cpp.llama_decode(self.context, self.batch)
        if code:
            raise SystemExit(f"llama.cpp could not compute the batch: code {code}")
        return [int(self.row(place).argmax()) for place in places]

    def row(self, place):
        """Logits at a place of the batch, without a copy."""
        return numpy.ctypeslib.as_array(llama_cpp.llama_get_logits_ith(self.context, place), (self.vocabulary,))

    def logits(self, tokens):
        """Logits after every token of one sequence, [T, V]."""
        self.clear()
        places = self.fill([tokens], 0, "all")
        self.run(places)
        return numpy.stack([self.row(place).copy() for place in places])

    def prefill(self):
        """Seconds for all prompts; nothing is captured."""
        self.clear()
        places = self.fill([work.tokens(number, work.LENGTH) for number in range(work.SEQUENCES)], 0, "last")
        seconds, best = work.timed(lambda: self.run(places))
        return seconds | {"best": best}

    def decode(self, batch, new):
        """Seconds for `new` steps of `batch` sequences."""
        self.clear()
        best = self.run(self.fill([work.tokens(number, work.PROMPT) for number in range(batch)], 0, "last"))

        def steps():
            said = best
            for step in range(new):
                said = self.run(self.fill([[token] for token in said], work.PROMPT + step, "last"))
            return said

        seconds, said = work.timed(steps)
        return seconds | {"best": said}


@llama_cpp.llama_log_callback
def SILENT(_level, _text, _data):
    """Takes llama.cpp's messages."""


def main():
    """Reads the arguments and serves."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--model", required=True)
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--flash", action=argparse.BooleanOptionalAction, default=True)
    arguments.add_argument("--batch", type=int, default=512, help="tokens of a physical batch (n_ubatch)")
    work.serve(Session(**vars(arguments.parse_args())))


if __name__ == "__main__":
    main()
