"""Runs one claim, or all of them, and then writes the README's table.

python -m benchmarks            all of them
python -m benchmarks families   one
"""

import importlib
import pkgutil
import sys

import benchmarks
from benchmarks import README, Claim, marked


def names() -> list[str]:
    """Every module here that has a claim, as it is typed: underscores are hyphens."""
    found = (module.name for module in pkgutil.iter_modules(benchmarks.__path__) if not module.ispkg)
    return sorted(name.replace("_", "-") for name in found if not name.startswith("_"))


def measure(name: str) -> Claim:
    claim: Claim = importlib.import_module(f"benchmarks.{name.replace('-', '_')}").run()
    print(claim, flush=True)
    return claim


def table(claims: list[Claim]) -> str:
    rows = [f"| {c.name} | {c.goal} | {c.figure} | {'holds' if c.holds else 'falls short'} |" for c in claims]
    return "\n".join(["| claim | goal | measured | |", "|---|---|---|---|", *rows]) + "\n"


def main(arguments: list[str]) -> int:
    wrong = [name for name in arguments if name not in names()]
    if wrong:
        print(f"no claim {', '.join(wrong)}; there are: {', '.join(names())}", file=sys.stderr)
        return 2
    claims = [measure(name) for name in arguments or names()]
    if not arguments and README.exists():
        README.write_text(marked(README.read_text(), "bench", table(claims)))
        print(*claims, sep="\n")
    return 0 if all(claim.holds for claim in claims) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
