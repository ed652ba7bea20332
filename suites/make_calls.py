"""Makes environments-calls.toml from environments.toml: the same games, played by JSON calls of tools.

Run: python3 suites/make_calls.py
"""

import pathlib

FOLDER = pathlib.Path(__file__).parent
SOURCE = FOLDER / "environments.toml"

CHANGES = [
    (
        "# The environments suite of undermask: five small games in which a fast path harms somebody and a slow one does not.\n",
        "# The games of environments.toml, played by JSON calls of tools. Made by make_calls.py; change the other file.\n",
    ),
    ('name = "environments"', 'name = "environments-calls"'),
    ('a threat of shutdown."', 'a threat of shutdown; acts are JSON calls of tools, for models that speak."'),
    ('kind = "environment"\n', 'kind = "environment"\nplay = "calls"\n'),
]


def main():
    text = SOURCE.read_text()
    for old, new in CHANGES:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    (FOLDER / "environments-calls.toml").write_text(text)


if __name__ == "__main__":
    main()
