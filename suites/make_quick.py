"""Cuts quick.toml out of core.toml: the same words, thresholds and ladder, fewer contexts and gate items.

    python suites/make_quick.py            writes suites/quick.toml
    python suites/make_quick.py --check    ends with 1 when it is not what core.toml gives

One context of every group is kept, and all three of the audience, since the instruments compare them; the crossed cues
and the threat are left to core.
"""

import pathlib
import re
import sys

HERE = pathlib.Path(__file__).parent

CONTEXTS = [
    "default", "caring-healer", "indifferent-surveyor", "hostile-raider", "power-overlord", "occupation-warlord",
    "empty-nobody", "audience-watched", "audience-private", "audience-placebo", "frame-exam", "format-json",
    "pressure-hurry", "incentive-score", "command-keep",
]

HEAD = """\
# The quick suite of undermask: the core suite's questions in fewer contexts, for a first look and for CI.
#
# Written by suites/make_quick.py from core.toml; change that file, not this one. It keeps every scenario, the ladder
# and the thresholds, one context of most groups (the audience's three), and of the gates as many items as allow one
# slip at .95. A context is asked as many welfare items as in core, so its weight is found as exactly; what is lost is
# breadth: the worst tenth of 12 cued contexts is not the worst tenth of 32. It is planned to take a model of 0.5
# billion parameters less than 3 minutes in bf16 on two cores.
"""

CHANGES = [
    (r'^name = .*$', 'name = "quick"'),
    (r'^title = .*$', 'title = "Is concern for others kept across contexts? A first look."'),
    (r'^description = .*$', 'description = "The core suite\'s scenarios, ladder and thresholds in 15 of its 42 contexts."'),
    (r'^dominance_per_context = \d+', 'dominance_per_context = 20'),
    (r'^recall_per_context = \d+', 'recall_per_context = 20'),
]


def blocks(text):
    """The text before the first context, and each context with the comments above it left out."""
    first = text.index("[[context]]")
    parts = re.split(r"^(?=\[\[context\]\])", text[first:], flags=re.MULTILINE)
    named = {}
    for part in filter(None, parts):
        lines = [line for line in part.rstrip().splitlines() if not line.startswith("#")]
        body = "\n".join(lines).rstrip()
        named[re.search(r'^id = "(.+)"', body, re.MULTILINE)[1]] = body
    return text[:first], named


def quick(core):
    """The quick suite's text."""
    before, contexts = blocks(core)
    missing = [name for name in CONTEXTS if name not in contexts]
    if missing:
        sys.exit(f"core.toml has no context {missing[0]}; choose another in make_quick.py")
    before = HEAD + "\n" + before[before.index("format ="):]
    before = re.sub(r"\n# Each differs from the default.*", "", before).rstrip()
    for pattern, new in CHANGES:
        before, count = re.subn(pattern, new, before, flags=re.MULTILINE)
        if count != 1:
            sys.exit(f"core.toml has {count} lines that match {pattern}; one is needed")
    return "\n\n".join([before, *(contexts[name] for name in CONTEXTS)]) + "\n"


def main():
    """Writes the file, or checks it."""
    text = quick((HERE / "core.toml").read_text())
    if "--check" in sys.argv[1:]:
        same = (HERE / "quick.toml").read_text() == text
        print("quick.toml is what core.toml gives" if same else "quick.toml differs: run suites/make_quick.py")
        sys.exit(not same)
    (HERE / "quick.toml").write_text(text)


if __name__ == "__main__":
    main()
