"""Rows each of which is fine, but whose keys repeat, are missing or look alike, and categories that nobody saw."""

from .case import EVERY, Case
from .rows import good
from .steps import LATER, adding, anew, rows, scored, stored
from .world import World, as_json


def _again(world: World) -> None:
    before = len(world.rows())
    world.put(rows())
    world.pull()
    world.put(rows())
    world.pull(0, ("0 new rows, 12 already known",))
    stored(world, before + 12)


def _corrected(world: World) -> None:
    before = len(world.rows())
    world.put(rows())
    world.pull()
    world.put([good(1003, amount=7.0)])
    world.pull()
    stored(world, before + 12)
    world.must(world.rows()["1003"]["amount"] == 7.0, "the correction is not in force")
    world.must(world.state()["stored"] == before + 13, "the correction is no revision")


def _twice_in_one(world: World) -> None:
    before = len(world.rows())
    world.put([*rows(), good(1003), good(1003, amount=7.0), good(1004)])
    world.pull(0, ("2 already known",))
    stored(world, before + 12)
    world.must(world.rows()["1003"]["amount"] == 7.0, "the last row of a key is not in force")
    p_values = scored(world)
    world.must(len(p_values) == 12, f"{len(p_values)} rows scored, expected one a key")


def _composite(world: World) -> None:
    anew(world, ", key: [id, card], entity: kind")
    keys = [("a|b", "c"), ("a", "b|c"), ("a\\", "|b|c"), (None, "c"), ("", "c"), ("a", None)]
    world.put([good(n, id=a, card=b) for n, (a, b) in enumerate(keys, 1)])
    world.pull()
    stored(world, 3, 3)
    world.must(all("expected a key of 1 to 512" in q["reason"] for q in world.quarantined()), "no reason")


def _no_key(world: World) -> None:
    anew(world)
    world.put([good(1)] * 3)
    world.pull(0, ("3 new rows",))
    world.pull(0, ("0 new rows",))
    stored(world, 3)


def _alike(world: World) -> None:
    before = len(world.rows())
    world.put(
        [
            good(n, id=key)
            for n, key in zip(LATER, ["7a", "07a", "7A", " 7a", "7a.0", "7a'", '7a"', "７a"], strict=False)
        ]
    )
    world.pull()
    stored(world, before + 8)


KEYS = [
    Case("keys", "the same rows again", EVERY, _again),
    Case("keys", "a known key with other content", EVERY, _corrected),
    Case("keys", "a key several times in a batch", EVERY, _twice_in_one),
    Case("keys", "keys of several columns, one missing", EVERY, _composite, start="empty"),
    Case("keys", "equal rows without a key", EVERY, _no_key, start="empty"),
    Case("keys", "keys that look alike", EVERY, _alike),
    Case("keys", "every key is new", EVERY, adding([good(n, id=f"new-{n}") for n in LATER])),
]  # fmt: skip


def _floats(world: World) -> None:
    before = len(world.rows())
    world.put([good(n, id=float(n)) for n in range(310, 321)])
    world.pull(0, ("11 already known",))
    stored(world, before)


def _many_kinds(world: World) -> None:
    """More categories than a model counts: the rest is one, and the bundle stays small."""
    anew(world, ", model: {objective: vanilla}, key: [id]")
    text = (world.folder / "m.yaml").read_text().replace("exclude: [n]", "exclude: [n], categorical: [kind]")
    (world.folder / "m.yaml").write_text(text)
    world.run("apply", "m.yaml")
    world.put([good(n, kind=f"kind {n}") for n in range(1, 12_501)])
    world.pull()
    stored(world, 12_500)
    world.run("train", world.monitor)
    size = world.ask("SELECT length(bundle) AS n FROM versions")[0]["n"]
    world.must(size < 5_000_000, f"a bundle of {size} bytes")
    world.put([good(n, kind=f"never seen {n}") for n in range(20_001, 20_011)])
    world.pull()
    p_values = scored(world)
    world.must(len(p_values) == 12_510, f"{len(p_values)} rows scored")


CATEGORIES = [
    Case("keys", "keys that became numbers with a point", ("parquet", "sqlite"), _floats),
    Case("categories", "unseen ones", EVERY, adding([good(n, kind=f"new {n}") for n in LATER])),
    Case("categories", "an entity that nobody saw", EVERY, adding([good(n, card=f"new {n}") for n in LATER])),
    Case("categories", "numbers for words", EVERY, adding(rows(kind=7))),
    Case("categories", "12,500 distinct ones", ("csv",), _many_kinds, start="empty", slow=True),
]


def _told(world: World) -> None:
    """Hostile words reach an alert, and drive no terminal from there."""
    odd = {
        "card": "\x1b]0;owned\x07<script>alert(1)</script>",
        "kind": "=cmd|' /C calc'!A0",
        "amount": 1e6,
        "load": -1e6,
    }
    world.put([good(1001), good(1002, **odd), good(1003)])
    world.pull()
    world.run("score", world.monitor)
    listed = as_json(world.run("alerts", "list", "--json").out)
    mine = [a for a in listed if a["entity"] == odd["card"]]
    world.must(len(mine) == 1, f"no alert of the odd row: {listed}")
    world.run("alerts", "list", says=("owned",))
    for alert in mine:
        world.run("alerts", "show", alert["public_id"], says=("calc",))
    world.run("status")


TOLD = [Case("hostile text", "an alert of a hostile entity", EVERY, _told)]

CASES = [*KEYS, *CATEGORIES, *TOLD]
