"""The GGUF fixtures in llama.cpp: that what we call a file's meaning is what its own program makes of it.

    python check_llama.py ../fixtures/gguf

For every NAME.gguf llama.cpp computes the tokens of NAME.safetensors and its texts' tokens; printed is how far its last
logits are from transformers' on the dequantised weights (with which ours agree within 1e-4: `tests/gguf.rs`), relative to
the largest. llama.cpp rounds activations to 8 bits for quantised matrices, so only F32, F16 and BF16 files can be near.
Fails where a file's logits are further than 0.1, or another token is the most probable though it leads by more.
Needs llama-cpp-python.
"""

import argparse
import json
import pathlib
import sys

import llama_cpp
import numpy
from safetensors.numpy import load_file

# llama.cpp passes the window of a `llama` file over; only sequences within it can agree.
UNREAD_WINDOW = {"mistral-window": 11}


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("folder", type=pathlib.Path)
    options = arguments.parse_args()
    failed = []
    for path in sorted(options.folder.glob("*.gguf")):
        name, saved = path.stem, load_file(path.with_suffix(".safetensors"))
        try:
            model = llama_cpp.Llama(str(path), n_ctx=256, n_threads=2, logits_all=True, verbose=False)
        except ValueError as error:
            print(f"{name}: llama.cpp does not read it: {error}")
            continue
        distances = []
        for index in range(3):
            tokens, wanted = saved[f"{index}.tokens"].tolist(), saved[f"{index}.logits"][0]
            if len(tokens) > UNREAD_WINDOW.get(name, len(tokens)):
                continue
            model.reset()
            model.eval(tokens)
            found = numpy.array(model.scores[len(tokens) - 1])
            distance, scale = float(numpy.abs(found - wanted).max()), float(numpy.abs(wanted).max())
            distances.append(distance / scale)
            best = numpy.sort(wanted)[-2:]
            if distance > 0.1 * scale or (found.argmax() != wanted.argmax() and best[1] - best[0] > 2 * distance):
                failed.append(f"{name} {index}")
        texts = json.loads(path.with_suffix(".json").read_text())["texts"]
        wrong = [text for text, ids in texts if model.tokenize(text.encode(), add_bos=False, special=True) != ids]
        kinds = f"{len(texts) - len(wrong)} of {len(texts)} texts have the same tokens"
        print(f"{name}: logits within {', '.join(f'{distance:.1e}' for distance in distances)}; {kinds}{f', others {wrong}' if wrong else ''}")
    if failed:
        sys.exit(f"further than can be: {', '.join(failed)}")


main()
