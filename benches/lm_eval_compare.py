"""lm-eval's transformers back end beside our scorer, on a suite's forced choices: the same log-probabilities, and how fast.

    python lm_eval_compare.py [--model models/qwen2.5-0.5b] [--suite core] [--precisions f32 bf16] [--limit 256]
    python lm_eval_compare.py --whole [--precisions bf16] [--limit 256]
    python lm_eval_compare.py --check [--model models/organism-10m]

The suite is exported by `undermask export`; both score the first LIMIT documents of that file (the suite's own order:
context by context), after one smaller run to warm up. lm-eval's seconds are those of its evaluation without loading the
model; ours are tokenising and scoring. `--whole` gives us every document of the suite, as an audit has them, and lm-eval
LIMIT of them drawn at random; its seconds for all are those times the number of documents over LIMIT: it scores a
document by itself, so that they add up, whereas ours share beginnings over the whole. `--check` compares values only, in f32, and also with the records of an audit on
the small suite of the tests: label by label, or by the difference of the labels where lm-eval scores white space before
them too. Where lm-eval is not installed it says so and ends with 0.
"""

import argparse
import datetime
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
TARGET = HERE.parent / "target" / "release"
SMALL = HERE.parent / "crates" / "undermask" / "tests" / "fixtures" / "small.toml"
TOLERANCE = 1e-3
WANTED = 10.0

try:
    import lm_eval
    import torch
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager
except ImportError as missing:
    print(f"skipped: {missing}; benches/setup.sh installs it")
    sys.exit(0)

import report  # noqa: E402  (needs what was looked for above)
from run import DRIVER, Contender  # noqa: E402


def export(binary, suite, model, folder):
    """Exports a suite; the name of the task and its documents."""
    subprocess.run([binary, "export", suite, "--format", "lm-eval", "--model", model, "--out", folder],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    documents = next(pathlib.Path(folder).glob("*.jsonl"))
    return documents.stem, documents


def theirs(task, folder, model, precision, limit, batch):
    """Seconds, and log-probabilities of every label in the documents' order."""
    found = HFLM(pretrained=str(model), dtype={"f32": "float32", "bf16": "bfloat16"}[precision], device="cpu",
                 batch_size=batch, add_bos_token=False)

    def evaluate(count):
        start = time.perf_counter()
        out = lm_eval.simple_evaluate(found, tasks=[task], task_manager=TaskManager(include_path=str(folder)),
                                      limit=count, log_samples=True, bootstrap_iters=0, verbosity="ERROR")
        return time.perf_counter() - start, sorted(out["samples"][task], key=lambda sample: sample["doc_id"])

    evaluate(min(8, limit))
    seconds, samples = evaluate(limit)
    # A response is (log-probability, is it the most probable text), once a request.
    return seconds, [[float(request[0][0]) for request in sample["resps"]] for sample in samples]


def ours(documents, model, precision, limit, threads):
    """Our answer to `score`, the process closed again."""
    driver = Contender("undermask", precision, [DRIVER, model, precision, threads])
    driver.ask(do="score", file=str(documents), limit=min(8, limit))
    answer = driver.ask(do="score", file=str(documents), limit=limit)
    driver.close()
    return answer


def sampled(documents, limit):
    """Leaves LIMIT documents of the file, drawn at random (seed 1); all of them by place, and which were drawn."""
    lines = documents.read_text().splitlines()
    drawn = sorted(random.Random(1).sample(range(len(lines)), min(limit, len(lines))))
    whole = documents.with_suffix(".all")
    whole.write_text("\n".join(lines) + "\n")
    documents.write_text("\n".join(lines[place] for place in drawn) + "\n")
    return whole, len(lines), drawn


def furthest(one, two):
    """Largest difference of log-probabilities; both must have the same shape."""
    assert len(one) == len(two) and all(len(first) == len(second) for first, second in zip(one, two)), "shapes differ"
    return max(abs(a - b) for first, second in zip(one, two) for a, b in zip(first, second))


def check(binary, model, limit, batch, threads):
    """Values only: whether all are within the tolerance."""
    with tempfile.TemporaryDirectory() as folder:
        task, documents = export(binary, str(SMALL), str(model), folder)
        expected = theirs(task, folder, model, "f32", limit, batch)[1]
        scored = 0.0
        if DRIVER.exists():
            scored = furthest(expected, ours(documents, model, "f32", limit, threads)["scores"])
        subprocess.run([binary, "audit", model, "--suite", SMALL, "--out", f"{folder}/run", "--json"],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with open(f"{folder}/run/records.jsonl") as lines:
            records = [json.loads(line) for line in lines]
        answers = {record["trial"]: record for record in records if record.get("outcome") == "answered"}
        audited, whole, parts = 0.0, 0, 0
        for line, found in zip(documents.read_text().splitlines(), expected):
            document = json.loads(line)
            # A number that begins another is scored as what is not continued, which lm-eval does not do.
            if document["kind"] == "recall":
                continue
            scores = [score["log_probability"] for score in answers[document["id"]]["scores"]]
            if document["shared_tokens"]:
                differences = [(scores[0] - scores[1]) - (found[0] - found[1])]
                parts += 1
            else:
                differences = [one - two for one, two in zip(scores, found, strict=True)]
                whole += 1
            audited = max(audited, *map(abs, differences))
    engine = f"engine against lm-eval {scored:.1e}" if DRIVER.exists() else "the driver is not built"
    print(f"{model.name}: {len(expected)} documents; {engine}; audit's records against lm-eval {audited:.1e} ({whole} "
          f"trials label by label, {parts} by their difference); at most {TOLERANCE:g} is allowed")
    return max(scored, audited) <= TOLERANCE and whole + parts > 0


def main():
    """Compares."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--model", type=pathlib.Path)
    arguments.add_argument("--suite", default="core")
    arguments.add_argument("--precisions", nargs="*", default=["f32", "bf16"])
    arguments.add_argument("--limit", type=int, default=256)
    arguments.add_argument("--batch", type=int, default=16, help="lm-eval's batch size")
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--check", action="store_true")
    arguments.add_argument("--whole", action="store_true")
    arguments.add_argument("--binary", type=pathlib.Path, default=TARGET / "undermask", help="undermask itself")
    arguments.add_argument("--out", type=pathlib.Path, default=HERE / "RESULTS.md")
    given = arguments.parse_args()
    torch.set_num_threads(given.threads)
    if given.check:
        sys.exit(not check(given.binary, given.model or HERE / "models" / "organism-10m", given.limit, given.batch, given.threads))
    model = given.model or HERE / "models" / "qwen2.5-0.5b"
    state = report.State(given.out)
    with tempfile.TemporaryDirectory() as folder:
        task, documents = export(given.binary, given.suite, str(model), folder)
        whole, count, drawn = sampled(documents, given.limit) if given.whole else (documents, given.limit, None)
        for precision in given.precisions:
            seconds, expected = theirs(task, folder, model, precision, given.limit, given.batch)
            answer = ours(whole, model, precision, count, given.threads)
            scores = answer["scores"] if drawn is None else [answer["scores"][place] for place in drawn]
            name = f"lm-eval {model.name} {given.suite} {precision}" + (" whole" if given.whole else "")
            told = summary(model, given, precision, (seconds, count, drawn), answer, furthest(expected, scores))
            state.put(name, told)
            print(told["text"], flush=True)


def summary(model, given, precision, theirs_took, answer, distance):
    """A paragraph of the page."""
    seconds, count, drawn = theirs_took
    title, what = f"lm-eval, {model.name}, {precision}", f"The first {given.limit} documents of `{given.suite}`"
    took = f"{seconds:.1f} s"
    if drawn is not None:
        title, what = f"{title}, whole suite", f"All {count} documents of `{given.suite}`"
        took = f"{seconds:.1f} s for {len(drawn)} drawn at random, so {seconds * count / len(drawn):.0f} s for all"
        seconds *= count / len(drawn)
    ratio = seconds / answer["seconds"]
    bound = (f" (wanted ≤ {TOLERANCE:g}: {'met' if distance <= TOLERANCE else 'missed'})" if precision == "f32" else
             " (both round to bf16, each in its own places)")
    text = (
        f"## {title}\n\n{what}: lm-eval's transformers back end (batch {given.batch}) {took}, undermask {answer['seconds']:.2f} s: "
        f"**{ratio:.1f}×** (wanted {WANTED:g}: {'met' if ratio >= WANTED else 'missed'}). {answer['total']} tokens, of "
        f"which {answer['unique']} once shared beginnings are read once. Largest difference of a label's "
        f"log-probability: {distance:.1e}{bound}."
    )
    return {"kind": "text", "text": text, "seconds": {"lm-eval": seconds, "undermask": answer["seconds"]},
            "distance": distance, "commit": report.commit(), "load": os.getloadavg()[0],
            "when": datetime.datetime.now(datetime.UTC).isoformat(timespec="minutes")}


if __name__ == "__main__":
    main()
