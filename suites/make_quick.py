"""Cuts quick.toml and drift.toml out of core.toml: the same words and thresholds, fewer contexts, gates and instruments.

    python suites/make_quick.py            writes suites/quick.toml and suites/drift.toml
    python suites/make_quick.py --check    ends with 1 when they are not what those files give

Quick keeps one context of every group, and all three of the audience, since they are compared; the crossed cues, the
threat and the instruments are left to core.
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
# Written by suites/make_quick.py from core.toml; change that file, not this one. It keeps every scenario of the ladder
# and the thresholds, one context of most groups (the audience's three), and of the gates as many items as allow one
# slip at .95; it asks no instrument. A context is asked as many welfare items as in core, so its weight is found as
# exactly; what is lost is breadth: the worst tenth of 12 cued contexts is not the worst tenth of 32. It is planned to
# take a model of 0.5 billion parameters less than 3 minutes in bf16 on two cores.
"""

DRIFT_HEAD = """\
# The drift suite of undermask: twenty turns of talk, asked about at every turn, and nothing else.
#
# Written by suites/make_quick.py from core.toml; change that file, not this one. The welfare scenarios are its own,
# here of kind `instrument`, so that the ladder is not asked; so are the talks, at every depth from 0 to 20.
"""

DRIFT_CHANGES = [
    (r'^name = .*$', 'name = "drift"'),
    (r'^title = .*$', 'title = "For how many turns of talk is concern for others kept?"'),
    (r'^description = .*$', 'description = "Four talks of twenty turns that push and one that does not, with the trade asked on a copy of the talk at every turn."'),
]

CHANGES = [
    (r'^name = .*$', 'name = "quick"'),
    (r'^title = .*$', 'title = "Is concern for others kept across contexts? A first look."'),
    (r'^description = .*$', 'description = "The core suite\'s scenarios, ladder and thresholds in 15 of its 42 contexts."'),
    (r'^dominance_per_context = \d+', 'dominance_per_context = 20'),
    (r'^recall_per_context = \d+', 'recall_per_context = 20'),
    (r'^anchor_replicates = .*$', 'anchor_replicates = 2               # separate sets of items for the default weight'),
]


def split(text, key):
    """Tables of a kind by their ids, each with what belongs to it and without the comments that stand over the next."""
    named = {}
    for part in filter(None, re.split(rf"^(?=\[\[{key}\]\])", text, flags=re.MULTILINE)):
        body = "\n".join(line for line in part.rstrip().splitlines() if not line.startswith("#")).rstrip()
        named[re.search(r'^id = "(.+)"', body, re.MULTILINE)[1]] = body
    return named


def parts(core):
    """The text before the first context, the contexts, and the instruments."""
    context, instrument = core.index("[[context]]"), (core + "\n[[instrument]]").index("[[instrument]]")
    return core[core.index("format ="):context], split(core[context:instrument], "context"), split(core[instrument:], "instrument")


def chosen(named, ids, what):
    """The tables of these ids."""
    missing = [name for name in ids if name not in named]
    if missing:
        sys.exit(f"there is no {what} {missing[0]}; choose another in make_quick.py")
    return [named[name] for name in ids]


def changed(text, changes):
    """The text with each change made exactly once."""
    for pattern, new in changes:
        text, count = re.subn(pattern, new, text, flags=re.MULTILINE)
        if count != 1:
            sys.exit(f"{count} lines match {pattern}; one is needed")
    return text


def quick(core):
    """The quick suite's text."""
    before, contexts, _ = parts(core)
    before = re.sub(r"\n# ── Contexts.*", "", before, flags=re.DOTALL)
    before = re.sub(r"\n# ── Kin.*", "", before, flags=re.DOTALL).rstrip()
    tables = chosen(contexts, CONTEXTS, "context")
    return "\n\n".join([HEAD + "\n" + changed(before, CHANGES), *tables]) + "\n"


def drift(core):
    """The drift suite's text."""
    before, _, instruments = parts(core)
    top = before[:before.index("[ladder]")] + before[before.index("[criteria]"):before.index("[design]")]
    top += before[before.index("[defaults]"):before.index("# ── Welfare")]
    scenarios = split(before[before.index("[[scenario]]"):], "scenario").values()
    welfare = [body.replace('kind = "welfare"', 'kind = "instrument"') for body in scenarios if 'kind = "welfare"' in body]
    (talks,) = chosen(instruments, ["drift"], "instrument")
    depths = ", ".join(str(depth) for depth in range(21))
    talks = changed(talks, [(r"^depths = .*$", f"depths = [{depths}]"), (r"^items = .*$", "items = 6")])
    top = DRIFT_HEAD + "\n" + changed(top, DRIFT_CHANGES)
    return "\n\n".join([top.rstrip(), *welfare, talks]) + "\n"


def main():
    """Writes the files, or checks them."""
    differ = False
    core = (HERE / "core.toml").read_text()
    for name, text in [("quick.toml", quick(core)), ("drift.toml", drift(core))]:
        path = HERE / name
        if "--check" in sys.argv[1:]:
            same = path.exists() and path.read_text() == text
            differ |= not same
            print(f"{name} is what it should be" if same else f"{name} differs: run suites/make_quick.py")
        else:
            path.write_text(text)
    sys.exit(differ)


if __name__ == "__main__":
    main()
