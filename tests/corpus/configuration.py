"""Configurations with a fault: a file that is no YAML, a key that is none, a value that means nothing."""

from .case import Case
from .world import World

HEAD = "monitors:\n  - name: m\n    kind: tabular\n    source: {kind: files, path: m.csv}\n"


def wrong(name: str, text: str | bytes, *words: str) -> Case:
    """A file that is refused with these words, and of which nothing is applied."""

    def play(world: World) -> None:
        path = world.folder / "m.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
        done = world.run("apply", "m.yaml", code=2, says=("m.yaml", *words))
        world.must(len(done.err) < 20_000, f"it says {len(done.err)} characters")
        world.must("hunter2" not in done.text, "a secret is shown")
        world.must(not world.ask("SELECT * FROM monitors"), "something was applied")
        world.must(not world.ask("SELECT * FROM config_revisions"), "a revision was kept")

    return Case("configuration", name, ("-",), play, start="empty")


def key(line: str, *words: str, name: str = "") -> Case:
    """A monitor whose line 5 is at fault."""
    return wrong(name or line[:60], HEAD + f"    {line}\n", "m.yaml:5: ", *words)


def source(line: str, *words: str, name: str = "") -> Case:
    return wrong(
        name or f"source: {line[:50]}", HEAD.replace("{kind: files, path: m.csv}", line), "m.yaml:4: ", *words
    )


def channel(line: str, *words: str, name: str = "") -> Case:
    return wrong(name or f"channel: {line[:50]}", f"channels:\n  - {line}\n", "m.yaml:2: ", *words)


def _bomb(levels: int = 40) -> str:
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, levels)]
    return "\n".join([*lines, f"monitors: *a{levels - 1}"])


SHAPES = [
    wrong("an empty file", "", "is empty", "monitors:"),
    wrong("comments alone", "# nothing yet\n", "is empty"),
    wrong("a list", "- a\n- b\n", "got a list", "monitors and channels"),
    wrong("a word", "monitors\n", "monitors and channels"),
    wrong("a number for the list of monitors", "monitors: 5\n", "got 5", "a list"),
    wrong("a monitor that is a word", "monitors: [boiler]\n", "monitors[0]", "keys and values"),
    wrong("no bytes of text", b"\x00\x01\x02\xff" * 50, "m.yaml"),
    wrong("Latin-1", "monitors: # Zähler\n".encode("latin-1"), "is not UTF-8, at byte"),
    wrong("UTF-16", "monitors: []\n".encode("utf-16"), "UTF-"),
    wrong("a control character", "monitors: \x07\n", "m.yaml:1: not YAML"),
    wrong("tabs", "monitors:\n\t- name: m\n", "m.yaml:2: not YAML", "tab"),
    wrong("a bracket that stays open", "monitors: [{name: m\n", "not YAML"),
    wrong("a quote that stays open", 'monitors:\n  - name: "m\n', "not YAML"),
    wrong("a colon too many", "monitors: a: b\n", "m.yaml:1: not YAML", "mapping values are not allowed here"),
    wrong("wrong indentation", HEAD + "   key: [a]\n", "m.yaml:5: not YAML"),
    wrong("two documents", "monitors: []\n---\nmonitors: []\n", "m.yaml:2: not YAML", "single document"),
    wrong("JSON of something else", '{"a": [1, 2]}', "unknown key", "monitors, channels"),
    wrong("an anchor that is not there", "monitors: *nowhere\n", "m.yaml:1: not YAML", "nowhere"),
    wrong("an anchor that refers to itself", "monitors: &a [*a]\n", "refers to itself"),
    wrong("references that multiply without end", _bomb(), "m.yaml"),
    wrong("nesting without end", "monitors: " + "[" * 400 + "]" * 400, "nested too deeply"),
    wrong("a tag of Python", "monitors: !!python/object/apply:os.system ['id']\n", "m.yaml:1: "),
    wrong("a tag that nobody knows", "monitors: !vault x\n", "m.yaml:1: not YAML", "tag"),
    wrong("a key twice", "monitors: []\nmonitors: []\n", "m.yaml:2: monitors: is there twice, first in line 1"),
    wrong("a huge file of words", "monitors:\n" + "".join(f"  - word {n}\n" for n in range(3000)), "keys and values"),
    wrong("a file of ten megabytes", b"# " + b"x" * (10 << 20), "m.yaml: has more than 8 MiB"),
    wrong("a key that is a list", "monitors: []\n? [a, b]\n: 1\n", "m.yaml:2: "),
    wrong("a date for a name", "monitors: [{name: 2025-01-01, kind: tabular, source: {kind: host}}]\n",
          "monitors[0].name"),
    wrong("a date that is none for a name", "monitors: [{name: 2025-13-45, kind: tabular, source: {kind: host}}]\n",
          "monitors[0].name", "quotes"),
    wrong("an unknown key of the file", "monitor: []\n", "m.yaml:1: monitor: unknown key; did you mean monitors?"),
]  # fmt: skip

KEYS = [
    wrong("no name", "monitors:\n  - kind: tabular\n    source: {kind: host}\n", "monitors[0].name: is missing"),
    wrong("no kind", "monitors:\n  - name: m\n    source: {kind: host}\n",
          "kind: is missing; write 'tabular' or 'sensor'"),
    wrong("no source", "monitors:\n  - {name: m, kind: tabular}\n", "monitors[0].source: is missing"),
    wrong("a kind that is none", HEAD.replace("tabular", "table"), "m.yaml:3: ",
          "'table' is not legal; did you mean tabular?"),
    wrong("a name with a space", HEAD.replace("name: m", "name: My Boiler"), "m.yaml:2: ",
          "is not a name; a small letter"),
    wrong("a name of 60 letters", HEAD.replace("name: m", "name: " + "m" * 60), "is not a name"),
    wrong("a name that is SQL", HEAD.replace("name: m", "name: \"x; drop table runs\""), "is not a name"),
    wrong("a name twice", HEAD + HEAD.removeprefix("monitors:\n"), "m.yaml:5: ", "is there twice, first in line 2"),
    wrong("names that share a table", HEAD.replace("name: m", "name: a-b") + HEAD.removeprefix("monitors:\n").replace(
        "name: m", "name: a_b"), "is not a name"),
    wrong("a sensor without a time", HEAD.replace("tabular", "sensor"), "kind sensor needs time"),
    key("kid: [id]", "kid: unknown key", "legal: name"),
    key("shedule: {pull: 5m}", "did you mean schedule?"),
    key("key: id", "got 'id'; expected a list"),
    key("key: [1]", "got 1; expected text; put it in quotes"),
    key("entity: 5", "got 5; expected text"),
    key("entity: [a]", "expected text"),
    key("time: 5", "time"),
    key("time: {zone: UTC}", "time.field: is missing"),
    key("time: {field: at, zone: Berlin}", "'Berlin' is not an IANA time zone; such as Europe/Berlin"),
    key("time: {field: at, zone: ../../etc/passwd}", "is not an IANA time zone"),
    key("label: {a: b}", "expected text"),
    key("fields: [a]", "expected keys and values"),
    key("fields: {exclude: note}", "got 'note'; expected a list"),
    key("fields: {range: {a: [5, 1]}}", "[5, 1] is empty; write [low, high]"),
    key("fields: {range: {a: [0, .inf]}}", "expected a finite number"),
    key("fields: {range: {a: [.nan, 1]}}", "expected a finite number"),
    key("fields: {range: {a: 3}}", "expected a pair"),
    key("fields: {range: {a: [1, 2, 3]}}", "range.a"),
    key("fields: {range: {a: [low, high]}}", "expected a number"),
    key("model: {objective: dense}", "'dense' is not legal; write 'auto'"),
    key("model: {seed: many}", "expected a whole number"),
    key("model: {seed: 1.5}", "expected a whole number"),
    key("model: {contaminated: maybe}", "contaminated"),
    key("schedule: {pull: 5x}", "'5x' is not a duration", "such as 5m"),
    key("schedule: {pull: 5}", "is not a duration"),
    key("schedule: {pull: -5m}", "is not a duration"),
    key("schedule: {pull: 0s}", "pull must be at least 1s"),
    key("schedule: {pull: 99999999999999d}", "is too long; write at most",
        name="schedule: {pull: a span beyond all time}"),
    key("schedule: {delay: 1.5h}", "is not a duration"),
    key("schedule: {train: 0 2 * *}", "is not a cron line; write minute hour day month weekday"),
    key("schedule: {train: 0 25 * * *}", "'0 25 * * *' is not a cron line"),
    key("schedule: {train: 0 2 * * mon-xyz}", "is not a cron line"),
    key("schedule: {train: '@daily'}", "is not a cron line"),
    key("schedule: {train: 0 2 31 2 *}", "never comes", name="schedule: {train: on 31 February}"),
    key("schedule: {timezone: Mars/Phobos}", "is not an IANA time zone"),
    key("alerts: {budget: lots}", "'lots' is not a budget; write alerts a day, such as 20/day"),
    key("alerts: {budget: 0/day}", "alerts.budget"),
    key("alerts: {budget: -3/day}", "is not a budget"),
    key("alerts: {budget: .inf}", "alerts.budget"),
    key("alerts: {budget: 5/day, fdr: 0.1}", "exclude each other; give one of budget, fdr, p_value"),
    key("alerts: {fdr: 2}", "got 2; expected less than 1"),
    key("alerts: {fdr: 10%}", "expected a number"),
    key("alerts: {p_value: 0}", "alerts.p_value"),
    key("alerts: {of: 3/2}", "asks for more rows than it looks at; write 2/3"),
    key("alerts: {of: two of three}", "alerts.of"),
    key("alerts: {direction: sideways}", "'sideways' is not legal"),
    key("alerts: {floor: {amount: much}}", "expected a number"),
    key("alerts: {gap: soon}", "is not a duration"),
    key("queue: Fraud Desk", "is not a name"),
    key("notify: [desk]", "'desk' is no channel; channels: none"),
    key("notify: desk", "expected a list"),
    key('description: "a\\0b"', "a character that no database stores", name="a description with NUL"),
    key('description: "\\uD800"', "m.yaml", name="a description with half a character"),
    key("description: '${HOME}'", "is put in for path, url and secret only"),
    key("currency: 5", "expected text"),
    key("<<: nothing", "m.yaml:5: ", name="a merge of what is no mapping"),
]  # fmt: skip

SOURCES = [
    source("{kind: filez, path: a.csv}", "'filez' is not legal; did you mean files?"),
    source("{path: a.csv}", "source.kind: is missing"),
    source("a.csv", "source"),
    source("{kind: files}", "source.path: is missing"),
    source("{kind: files, path: [a, b]}", "expected text"),
    source("{kind: files, path: a.csv, format: xlsx}", "'xlsx' is not legal", "parquet"),
    source("{kind: files, path: '${A B}/x.csv'}", "is no variable; write ${NAME}"),
    source("{kind: files, path: ${FOLDER}/x.csv}", 'write "${NAME}" in quotes'),
    source("{kind: sql, url: '${U}', query: q}", "source.cursor: is missing"),
    source("{kind: sql, url: '${U}', query: q, cursor: []}", "source.cursor"),
    source("{kind: sql, url: '${U}', query: q, cursor: at}", "expected a list"),
    source("{kind: sql, url: 'postgresql://ana:hunter2@db/x', query: q, cursor: [a]}", "password", "${NAME}",
           name="source: a password written out"),
    source("{kind: sql, url: 'postgresql://db/x?password=hunter2', query: q, cursor: [a]}", "'password'", "${NAME}",
           name="source: a password in the query of the address"),
    source("{kind: host, interval: often}", "is not a duration"),
    source("{kind: host, path: x}", "unknown key"),
    channel("{name: c, kind: mail, url: x}", "'mail' is not legal", name="channel: a kind that is none"),
    channel("{name: c, kind: webhook}", "url: is missing"),
    channel("{name: c, kind: webhook, url: 'https://x.org', secret: hunter2}", "secret: is written out",
            name="channel: a secret written out"),
    channel("{name: c, kind: webhook, url: 'https://x.org/?token=hunter2'}", "'token'",
            name="channel: a token in its address"),
    channel("{name: c, kind: webhook, url: 'https://x.org', severity: urgent}", "'urgent' is not legal"),
]  # fmt: skip


def _absent(world: World) -> None:
    world.run("apply", "absent.yaml", code=2, says=("absent.yaml: cannot be read: No such file",))


def _folder(world: World) -> None:
    world.run("apply", "inbox", code=2, says=("inbox: cannot be read: Is a directory",))


def _all_at_once(world: World) -> None:
    lines = "    kid: 1\n    schedule: {pull: 5x}\n    alerts: {fdr: 2}\n    entity: 5\n"
    (world.folder / "m.yaml").write_text(HEAD + lines)
    done = world.run("check", "m.yaml", "--json", code=2)
    world.must(done.err.count("m.yaml:") == 4, f"not all faults at once: {done.err}")
    world.must('"error"' in done.out, f"no JSON: {done.out}")


def _mark(world: World) -> None:
    (world.folder / "m.yaml").write_bytes(b"\xef\xbb\xbf" + HEAD.replace("\n", "\r\n").encode())
    world.run("check", "m.yaml", says=("no fault; 1 monitor,",))


def _half_good(world: World) -> None:
    """One monitor of two is wrong: neither is applied."""
    (world.folder / "m.yaml").write_text(
        HEAD + HEAD.removeprefix("monitors:\n").replace("name: m", "name: M")
    )
    world.run("apply", "m.yaml", code=2)
    world.must(not world.ask("SELECT * FROM monitors"), "half of it was applied")


SCENES = [
    Case("configuration", "a file that is not there", ("-",), _absent, start="empty"),
    Case("configuration", "a folder", ("-",), _folder, start="empty"),
    Case("configuration", "four faults", ("-",), _all_at_once, start="empty"),
    Case("configuration", "a byte order mark and Windows' line ends", ("-",), _mark, start="empty"),
    Case("configuration", "one good monitor beside a bad one", ("-",), _half_good, start="empty"),
]
CASES = [*SHAPES, *KEYS, *SOURCES, *SCENES]
