"""The benchmark's results: kept as JSON from the first measurement on, shown as one Markdown page.

Each measurement is written as soon as it exists, so that a later failure loses nothing. Shares of the machine's peak are
of what `bench_driver` measured just before the task: multiply-adds in registers, and reading 1 GiB.
"""

import datetime
import importlib.metadata
import json
import os
import pathlib
import statistics
import subprocess

import llama_cpp

import work

HERE = pathlib.Path(__file__).parent

# Issue 3: the ratio that is wanted of (precision, task, peer).
TARGETS = {
    ("bf16", "prefill", "transformers"): 1.4, ("bf16", "prefill", "llama.cpp"): 1.5,
    ("f32", "prefill", "transformers"): 2.0, ("f32", "prefill", "llama.cpp"): 1.2,
    ("bf16", "decode 16", "transformers"): 2.5, ("bf16", "decode 16", "llama.cpp"): 1.5,
    ("bf16", "decode 1", "llama.cpp"): 1.0, ("q8", "decode 1", "llama.cpp"): 0.9,
}
# And the share of the machine's peak.
SHARES = {("bf16", "prefill"): 0.60, ("bf16", "decode 1"): 0.70, ("q8", "decode 1"): 0.70}
# Bytes of a weight as the engine holds it; a bf16 file computed exactly keeps its 2.
HELD = {"f32": 2.0, "bf16": 2.0, "q8": 34 / 32}

WORK = {
    "prefill": f"{work.SEQUENCES} prompts of {work.LENGTH} tokens at once",
    "decode 1": f"32 tokens, one after the other, after a prompt of {work.PROMPT}",
    "decode 16": f"16 tokens for each of 16 sequences together, after prompts of {work.PROMPT}",
}


def sizes(model):
    """Weights of the blocks' matrices and of the head, blocks, and width of all query heads."""
    config = json.loads((HERE / "models" / model / "config.json").read_text())
    wide, inner, blocks = config["hidden_size"], config["intermediate_size"], config["num_hidden_layers"]
    size = config.get("head_dim") or wide // config["num_attention_heads"]
    query, key = size * config["num_attention_heads"], size * config["num_key_value_heads"]
    return blocks * (2 * wide * query + 2 * wide * key + 3 * wide * inner), config["vocab_size"] * wide, blocks, query


def flops(model):
    """Of one prefill: matrix products of every token, causal attention, the head after each prompt's last token."""
    matrices, head, blocks, query = sizes(model)
    attention = 4 * blocks * query * work.LENGTH * (work.LENGTH + 1) / 2
    return work.SEQUENCES * (work.LENGTH * 2 * matrices + attention + 2 * head)


def ratios(theirs, ours):
    """Median, lowest and highest of their seconds over ours, round by round."""
    each = [their / our for their, our in zip(theirs, ours, strict=True)]
    return statistics.median(each), min(each), max(each)


def processor():
    """The processor's name, cores and the instructions that matter here."""
    text = pathlib.Path("/proc/cpuinfo").read_text()
    first = text.split("\n\n")[0]
    named = dict((part.strip() for part in line.split(":", 1)) for line in first.splitlines() if ":" in line)
    flags = [flag for flag in ("avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_bf16") if flag in named["flags"].split()]
    return (f"{named['model name']} (family {named['cpu family']}, model {named['model']}), "
            f"{os.cpu_count()} cores, {', '.join(flags)}")


def versions():
    """Of the peers."""
    names = ["torch", "transformers", "llama-cpp-python", "gguf", "lm-eval"]
    return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)


def commit():
    """Which code was measured."""
    return subprocess.run(["git", "log", "-1", "--format=%h"], capture_output=True, text=True, cwd=HERE).stdout.strip()


class State:
    """All results so far."""

    def __init__(self, page):
        self.page, self.store = page, page.with_suffix(".json")
        self.results = json.loads(self.store.read_text()) if self.store.exists() else {}

    def add(self, model, precision, task, seconds, cpu, threads, peak, same, settings, memory):
        """One task; a result of the same name is replaced."""
        self.put(f"{model} {precision} {task}", {
            "kind": "task", "model": model, "precision": precision, "task": task, "seconds": seconds, "cpu": cpu,
            "threads": threads, "peak": peak,
            "same": same, "settings": settings, "memory": memory, "load": os.getloadavg()[0], "commit": commit(),
            "when": datetime.datetime.now(datetime.UTC).isoformat(timespec="minutes"),
        })

    def put(self, name, result):
        """Keeps a result, and writes both files."""
        self.results[name] = result
        self.store.write_text(json.dumps(self.results, indent=1) + "\n")
        self.page.write_text(render(self.results, self.store.name))


def share(result):
    """In words, how near our median is to the machine's peak; and whether that meets the target."""
    model, precision, task = result["model"], result["precision"], result["task"]
    ours, peak = statistics.median(result["seconds"]["undermask"]), result["peak"]
    if task == "prefill":
        reached, most = flops(model) / ours / 1e9, peak["f32" if precision == "f32" else "bf16"]
        unit = "GFLOP/s"
    elif task == "decode 1":
        matrices, head, _, _ = sizes(model)
        reached, most, unit = 32 * (matrices + head) * HELD[precision] / ours / 1e9, peak["read"], "GB/s"
    else:
        return ""
    if not most:
        return "the machine's peak was not measured"
    wanted = SHARES.get((precision, task))
    target = f" (wanted {wanted:.0%}: {'met' if reached / most >= wanted else 'missed'})" if wanted else ""
    return f"{reached:.0f} of {most:.0f} {unit}, {reached / most:.0%}{target}"


def rows(result):
    """Lines of the table for one task."""
    ours, our_cpu = result["seconds"]["undermask"], result["cpu"]["undermask"]
    for name, seconds in result["seconds"].items():
        used = statistics.median(result["cpu"][name])
        median = statistics.median(seconds)
        spread = f"{median:.3f} ({min(seconds):.3f}–{max(seconds):.3f})"
        memory = f"{result['memory'][name] / 2**20:.0f}"
        if name == "undermask":
            yield f"| {result['task']} | **undermask** | {spread} | | | {used:.2f} | | {memory} | {share(result)} |"
            continue
        middle, low, high = ratios(seconds, ours)
        work_ratio = ratios(result["cpu"][name], our_cpu)[0]
        wanted = TARGETS.get((result["precision"], result["task"], name))
        verdict = "" if wanted is None else f"{wanted:g}: {'met' if middle >= wanted else 'missed'}"
        setting = f" ({result['settings'][name]})" if result["settings"][name] else ""
        ratio = f"{middle:.2f} ({low:.2f}–{high:.2f})"
        yield (f"| {result['task']} | {name}{setting} | {spread} | {ratio} | {verdict} | {used:.2f} | {work_ratio:.2f} | "
               f"{memory} | |")


HEAD = """\
# Results of the benchmark

Written by `benches/run.py` and `benches/lm_eval_compare.py`; the figures behind it are in `RESULTS.json`. To run it
again:

    benches/setup.sh && benches/.venv/bin/python benches/make_models.py
    cargo build --release && cargo build --release -p undermask-engine --example bench_driver
    benches/.venv/bin/python benches/run.py && benches/.venv/bin/python benches/lm_eval_compare.py

"""


def render(results, store):
    """The page."""
    tasks = [result for result in results.values() if result["kind"] == "task"]
    lines = [HEAD.rstrip().replace("RESULTS.json", store), ""]
    lines += [f"- Processor: {processor()}", f"- Peers: {versions()}"]
    lines += [f"- llama.cpp was compiled here: {llama()}"]
    lines += [f"- undermask at commits {', '.join(sorted({result['commit'] for result in results.values()}))}", ""]
    lines += ["What a figure includes:", ""]
    lines += [f"- `{name}`: {text}." for name, text in WORK.items()]
    lines += [
        "- Prefill gives the output of every block (undermask copies it in f32; transformers keeps its own tensors,"
        " `output_hidden_states`) and the logits after the last token of each prompt. llama.cpp's interface gives no"
        " block's output: it computes the same tokens and captures nothing.",
        "- Decoding feeds back the most probable token, argmax included, the prompt's own time left out. transformers is"
        " called step by step with its own cache.",
        "- q8: undermask and llama.cpp both read the same Q8_0 file. There is no transformers on the processor for it.",
        "- A ratio is a peer's seconds over ours in the same round: above 1, undermask is faster. In brackets the lowest"
        " and the highest round. Processor seconds are those of all threads together: on a machine that others use too"
        " they say more than the clock, and with one thread they say it best (waiting threads spin). Memory is the process's peak (with Python and its libraries, for the peers).", ""]
    for model in dict.fromkeys(result["model"] for result in tasks):
        for precision in dict.fromkeys(result["precision"] for result in tasks if result["model"] == model):
            mine = [result for result in tasks if (result["model"], result["precision"]) == (model, precision)]
            lines += [f"## {model}, {precision}", "",
                      "| work | who | seconds | times ours | wanted | processor s | times ours | MiB | of the machine's peak |",
                      "|---|---|---|---|---|---|---|---|---|"]
            lines += [line for result in mine for line in rows(result)]
            when = "; ".join(f"{result['task']} {result['when']}, {result['threads']} threads, load {result['load']:.1f}" for result in mine)
            agree = "; ".join(f"{result['task']} " + ", ".join(
                f"{who} {result['same'][who]:.0%}" for who in result["same"] if who != "undermask") for result in mine)
            lines += ["", f"Measured: {when}. The most probable tokens at the end are ours in: {agree}.", ""]
    for result in results.values():
        if result["kind"] == "text":
            lines += [result["text"], ""]
    return "\n".join(lines)


def llama():
    """llama.cpp's own account of its instructions."""
    said = llama_cpp.llama_print_system_info().decode()
    return ", ".join(part.split("=")[0].strip().removeprefix("CPU : ") for part in said.split("|") if "= 1" in part)
