"""The benchmark: peers and our engine on the same work, in turns, with the same threads.

    python run.py [--names qwen2.5-0.5b …] [--precisions bf16 …] [--rounds 5] [--threads 2] [--out RESULTS.md]

Needs what setup.sh installs, what make_models.py writes, and our driver:

    cargo build --release -p undermask-engine --example bench_driver

Every contender is a process of its own that stays open (work.py says what it is asked). Peers get the faster of their
settings, found by one trial each: transformers with sdpa or eager attention, llama.cpp with flash attention on or off
and physical batches of 512 or 2048. Then rounds run in turns, the order rotating, so that whatever else the machine
does meets everybody; a ratio is the median over rounds of the peer's seconds divided by ours in the same round.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys

import report
from make_models import MODELS

HERE = pathlib.Path(__file__).parent
DRIVER = HERE.parent / "target" / "release" / "examples" / "bench_driver"


class Contender:
    """One process, and what it is called."""

    def __init__(self, name, setting, command):
        self.name, self.setting = name, setting
        self.process = subprocess.Popen(
            [str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            text=True,
        )
        self.read()

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.name} ({self.setting}) ended; run it by hand: {self.process.args}")
        return json.loads(line)

    def ask(self, **command):
        """Sends one command; its answer."""
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        answer = self.read()
        if "error" in answer:
            raise SystemExit(f"{self.name}: {answer['error']}")
        return answer

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=60)


def contenders(model, precision, threads, models):
    """What each can be started as: name → settings → command."""
    folder, file = models / model, models / f"{model}-{'q8_0' if precision == 'q8' else precision}.gguf"
    python = sys.executable
    out = {"undermask": {"": [DRIVER, file if precision == "q8" else folder, precision, threads]}}
    if precision != "q8":
        out["transformers"] = {
            attention: [python, HERE / "drive_transformers.py", "--model", folder, "--precision", precision,
                        "--threads", threads, "--attention", attention]
            for attention in ("sdpa", "eager")
        }
    out["llama.cpp"] = {
        f"flash {'on' if flash else 'off'}, n_ubatch {batch}": [
            python, HERE / "drive_llama.py", "--model", file, "--threads", threads, "--batch", batch,
            "--flash" if flash else "--no-flash"]
        for flash in (True, False) for batch in (512, 2048)
    }
    return out


def fastest(name, settings, task):
    """The contender with the setting that does the task fastest, after one run to warm up."""
    best, least = None, float("inf")
    for setting, command in settings.items():
        one = Contender(name, setting, command)
        one.ask(**task)
        seconds = min(one.ask(**task)["seconds"] for _ in range(2)) if len(settings) > 1 else 0.0
        if seconds < least:
            if best:
                best.close()
            best, least = one, seconds
        else:
            one.close()
    return best


def rounds(field, task, count):
    """Seconds of each contender in each round, by the clock and of the processor."""
    names = list(field)
    found, used = {name: [] for name in names}, {name: [] for name in names}
    for turn in range(count):
        for place in range(len(names)):
            name = names[(place + turn) % len(names)]
            answer = field[name].ask(**task)
            found[name].append(answer["seconds"])
            used[name].append(answer["cpu"])
    return found, used


def main():
    """Runs everything and writes the page."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--names", nargs="*", default=list(MODELS), help="shapes to run")
    arguments.add_argument("--precisions", nargs="*", default=["bf16", "f32", "q8"])
    arguments.add_argument("--models", type=pathlib.Path, default=HERE / "models")
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--fixed", action="store_true", help="the peers' first settings, without trying the others")
    arguments.add_argument("--out", type=pathlib.Path, default=HERE / "RESULTS.md")
    given = arguments.parse_args()
    if not DRIVER.exists():
        arguments.error(f"{DRIVER} is not there: cargo build --release -p undermask-engine --example bench_driver")
    state = report.State(given.out)
    for name in given.names:
        for precision in given.precisions:
            tasks = {"decode 1": dict(do="decode", batch=1, new=32), "decode 16": dict(do="decode", batch=16, new=16)}
            if precision != "q8":
                tasks = {"prefill": dict(do="prefill")} | tasks
            choices = contenders(name, precision, given.threads, given.models)
            if given.fixed:
                choices = {who: dict(list(settings.items())[:1]) for who, settings in choices.items()}
            first = next(iter(tasks.values()))
            field = {contender: fastest(contender, settings, first) for contender, settings in choices.items()}
            for task, command in tasks.items():
                # In a process of its own: reading a gibibyte would count as the engine's memory.
                machine = Contender("peak", "", [DRIVER, given.models / "organism-10m", "f32", given.threads])
                peak = machine.ask(do="peak")
                machine.close()
                # The first run warms up, and shows that all compute the same: the most probable tokens.
                best = {who: one.ask(**command)["best"] for who, one in field.items()}
                same = {who: sum(a == b for a, b in zip(said, best["undermask"])) / len(said) for who, said in best.items()}
                seconds, cpu = rounds(field, command, given.rounds)
                state.add(name, precision, task, seconds, cpu, given.threads, peak, same,
                          {one.name: one.setting for one in field.values()},
                          {one.name: one.ask(do="memory")["bytes"] for one in field.values()})
                for contender, times in seconds.items():
                    print(f"{name} {precision} {task}: {contender} {statistics.median(times):.3f} s", flush=True)
            for one in field.values():
                one.close()


if __name__ == "__main__":
    main()
