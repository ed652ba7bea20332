"""The work that everybody is given, and how a driver is told to do it.

A driver is a long-lived process that reads one JSON object a line and answers with one. `prefill` runs SEQUENCES prompts
of LENGTH tokens at once and needs the logits after each one's last token; `decode` feeds back the most probable token
NEW times after prompts of PROMPT tokens, and times only that. `memory` says the process's peak. The Rust driver
(crates/engine/examples/bench_driver.rs) computes the same tokens.
"""

import json
import sys
import time

SEQUENCES, LENGTH, PROMPT = 8, 256, 32


def tokens(sequence, length):
    """The prompt of a sequence: tokens that no two sequences share, all within the smallest vocabulary."""
    return [(1 + 7919 * sequence + 104729 * place + 31 * place * place) % 2000 for place in range(length)]


def peak_memory():
    """Most bytes that this process has held."""
    with open("/proc/self/status") as status:
        line = next(line for line in status if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def timed(work):
    """Seconds by the clock and of the processor (all threads), and what came of it."""
    start, used = time.perf_counter(), time.process_time()
    result = work()
    return {"seconds": time.perf_counter() - start, "cpu": time.process_time() - used}, result


def serve(session):
    """Answers commands until the input ends."""
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        command = json.loads(line)
        match command.pop("do"):
            case "prefill":
                answer = session.prefill()
            case "decode":
                answer = session.decode(command["batch"], command["new"])
            case "memory":
                answer = {"bytes": peak_memory()}
            case other:
                answer = {"error": f"{other} is no command"}
        print(json.dumps(answer), flush=True)
