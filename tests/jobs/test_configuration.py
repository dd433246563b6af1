"""Reading ``monitors.yaml``: every fault with its line, all at once; and writing it back."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.errors import ConfigurationError
from monitor.domain.monitor import Document
from monitor.jobs.configuration import dump, load, parse

GOOD = """\
monitors:
  - name: payments
    kind: tabular
    source: {kind: sql, url: "${PAYMENTS_URL}", query: select * from tx, cursor: [updated_at, id]}
    key: [id]
    time: {field: booked_at, zone: Europe/Berlin}
    fields:
      exclude: [note]
      range: {amount: [0, null]}
    schedule: {pull: 5m, train: "0 2 * * *", timezone: Europe/Berlin}
    alerts: {budget: 20/day}
    notify: [desk]
channels:
  - {name: desk, kind: webhook, url: "${HOOK}", secret: "${HOOK_SECRET}"}
"""


def faults(text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        parse(text)
    return caught.value.faults


def monitor(*lines: str) -> str:
    """A document of one monitor; what is given begins at line 5."""
    head = ["monitors:", "  - name: m", "    kind: tabular", "    source: {kind: files, path: m.csv}"]
    return "\n".join([*head, *(f"    {line}" for line in lines)]) + "\n"


def test_the_example_of_the_contract_is_read() -> None:
    document = parse(GOOD)
    assert document.monitors[0].time is not None
    assert document.monitors[0].time.zone == "Europe/Berlin"
    assert document.monitors[0].fields.range == {"amount": (0.0, None)}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("schedule: {pull: 5x}", "monitors[0].schedule.pull: '5x' is not a duration; write a whole number and "
                                 "s, m, h or d, such as 5m"),
        ("schedule: {timezone: Berlin}", "monitors[0].schedule.timezone: 'Berlin' is not an IANA time zone; such as "
                                         "Europe/Berlin or UTC"),
        ("schedule: {train: 0 2 * *}", "monitors[0].schedule.train: '0 2 * *' is not a cron line; write minute hour "
                                       "day month weekday, such as 0 2 * * *"),
        ("schedule: {train: 0 25 * * *}", "monitors[0].schedule.train: '0 25 * * *' is not a cron line: "),
        ("shedule: {pull: 5m}", "monitors[0].shedule: unknown key; did you mean schedule? legal: name, description, "),
        ("model: {objektive: auto}", "monitors[0].model.objektive: unknown key; did you mean objective? legal: "),
        ("model: {objective: dense}", "monitors[0].model.objective: 'dense' is not legal; write 'auto', 'vanilla', "
                                      "'sparse', 'denoising' or 'variational'"),
        ("model: {seed: many}", "monitors[0].model.seed: got 'many'; expected a whole number"),
        ("key: id", "monitors[0].key: got 'id'; expected a list, such as [a, b]"),
        ("entity: 5", "monitors[0].entity: got 5; expected text; put it in quotes"),
        ("fields: [a]", "monitors[0].fields: got ['a']; expected keys and values"),
        ("alerts: {budget: lots}", "monitors[0].alerts.budget: 'lots' is not a budget; write alerts a day, such as "
                                   "20/day"),
        ("alerts: {budget: 1/day, fdr: 0.1}", "monitors[0].alerts: budget and fdr exclude each other; give one of "
                                              "budget, fdr, p_value"),
        ("alerts: {fdr: 2}", "monitors[0].alerts.fdr: got 2; expected less than 1"),
        ("queue: Fraud", "monitors[0].queue: 'Fraud' is not a name; a small letter, then up to 39 small letters, "
                         "digits and hyphens"),
        ("notify: [desk]", "monitors[0].notify[0]: 'desk' is no channel; channels: none"),
        ("fields: {range: {a: [5, 1]}}", "monitors[0].fields.range.a: [5, 1] is empty; write [low, high], "
                                         "null for no limit"),
        ("fields: {range: {a: [0, .inf]}}", "monitors[0].fields.range.a[1]: got inf; expected a finite number"),
        ("fields: {range: {a: 3}}", "monitors[0].fields.range.a: got 3; expected a pair, such as [0, null]"),
        ('description: "a\\0b"', "monitors[0].description: holds a character that no database stores"),
        ("description: '${HOME}'", "monitors[0].description: ${HOME} is put in for path, url and secret only"),
        ("label: !thing x", "could not determine a constructor for the tag"),
    ],
)  # fmt: skip
def test_a_fault_names_line_place_value_and_what_is_legal(line: str, expected: str) -> None:
    (fault,) = faults(monitor(line))
    assert fault.removeprefix("monitors.yaml:5: ").removeprefix("not YAML: ").startswith(expected)


def test_a_missing_key_is_reported_at_its_parent_with_what_is_legal() -> None:
    assert faults("monitors:\n  - name: m\n    source: {kind: host}\n") == [
        "monitors.yaml:2: monitors[0].kind: is missing; write 'tabular' or 'sensor'"
    ]
    assert faults(
        "monitors:\n  - name: m\n    kind: tabular\n    source: {kind: sql, url: '${U}', query: q}\n"
    ) == ["monitors.yaml:4: monitors[0].source.cursor: is missing"]


def test_an_unknown_kind_of_source_lists_the_known_ones() -> None:
    text = "monitors:\n  - name: m\n    kind: tabular\n    source:\n      kind: sqll\n"
    assert faults(text) == [
        "monitors.yaml:5: monitors[0].source.kind: 'sqll' is not legal; did you mean sql? "
        "write 'files', 'sql' or 'host'"
    ]
    assert faults("monitors:\n  - {name: m, kind: tabular, source: {path: x}}\n") == [
        "monitors.yaml:2: monitors[0].source.kind: is missing; write 'files', 'sql' or 'host'"
    ]


def test_all_faults_come_at_once_in_the_order_of_the_file() -> None:
    text = """\
monitors:
  - name: Bad Name
    kind: sensor
    source: {kind: files, path: a.csv}
    schedule: {pull: 5m}
    schedule: {pull: 5x, train: "61 * * * *"}
  - name: two
    kind: tabular
    source: {kind: host, intervall: 5s}
    notify: [nobody]
  - name: two
    kind: tabular
    source: {kind: host}
extra: 1
"""
    found = faults(text)
    assert [f.split(": ")[1] for f in found] == [
        "monitors[0].name", "monitors[0].schedule", "monitors[0].schedule.pull", "monitors[0].schedule.train",
        "monitors[1].source.intervall", "monitors[1].notify[0]", "monitors[2].name", "extra",
    ]  # fmt: skip
    assert [int(f.split(":")[1]) for f in found] == [2, 6, 6, 6, 9, 10, 11, 14]
    assert found[1].endswith("is there twice, first in line 5")
    assert "is there twice, first in line 7" in found[6]


def test_a_rule_over_several_keys_is_checked_even_where_another_key_is_wrong() -> None:
    text = monitor("schedule: {pull: 5x}").replace("tabular", "sensor")
    assert [f.split(": ", 2)[2] for f in faults(text)] == [
        "kind sensor needs time: the field that says when each sample was taken",
        "'5x' is not a duration; write a whole number and s, m, h or d, such as 5m",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "monitors.yaml:1: is empty; write monitors: and a list below it"),
        ("- a\n", "monitors.yaml:1: got a list; expected the keys monitors and channels"),
        ("monitors: 5\n", "monitors.yaml:1: monitors: got 5; expected a list, such as [a, b]"),
        ("monitors: [5]\n", "monitors.yaml:1: monitors[0]: got 5; expected keys and values"),
        ("a: b: c\n", "monitors.yaml:1: not YAML: mapping values are not allowed here"),
        ("monitors:\n\t- a\n", "monitors.yaml:2: not YAML: "),
        ("a: [1, 2\n", "monitors.yaml:2: not YAML: "),
        ("a: \x01\n", "monitors.yaml:1: not YAML: "),
        ("monitors: []\n---\nmonitors: []\n", "monitors.yaml:2: not YAML: "),
        ("monitors: &a [*a]\n", "monitors.yaml:1: monitors[0]: refers to itself"),
        ("monitors: []\nmonitors: []\n", "monitors.yaml:2: monitors: is there twice, first in line 1"),
        ("5: x\n", "monitors.yaml:1: 5: unknown key; legal: monitors, channels"),
        ("monitors: [{name: 2026-13-45}]\n", "monitors.yaml:1: monitors[0].name: "),
    ],
)
def test_a_file_of_another_shape_is_refused_with_its_line(text: str, expected: str) -> None:
    assert any(fault.startswith(expected) for fault in faults(text))


def test_a_variable_without_quotes_in_braces_says_how_to_write_it() -> None:
    (fault,) = faults("channels:\n  - {name: a, kind: webhook, url: ${HOOK}}\n")
    assert 'write "${NAME}" in quotes' in fault


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ana:hunter2@host/db",
        "postgresql://${USER}:hunter2@host/db",
        "postgresql://host/db?user=ana&password=hunter2",
        "https://example.org/hook?token=hunter2",
        "postgresql://ana:hun/ter2@host/db",
        "hunter2@${X",
        "https://hunter2@example.org/",
    ],
)
@pytest.mark.parametrize("place", ["sql", "webhook"])
def test_a_secret_written_out_is_a_fault_and_is_not_repeated(url: str, place: str) -> None:
    if place == "sql":
        text = f"monitors:\n  - {{name: m, kind: tabular, source: {{kind: sql, url: '{url}', query: q, cursor: [a]}}}}"
    else:
        text = f"channels:\n  - {{name: c, kind: webhook, url: '{url}'}}"
    found = "\n".join(faults(text))
    assert "hunter2" not in found
    assert "ter2" not in found
    assert "${NAME}" in found


def test_secrets_of_channels_come_from_the_environment_only() -> None:
    (fault,) = faults(
        "channels:\n  - {name: c, kind: webhook, url: 'https://example.org', secret: hunter2}\n"
    )
    assert (
        fault
        == "monitors.yaml:2: channels[0].secret: is written out; put it into the environment and write ${NAME}"
    )


@pytest.mark.parametrize("key", ["url", "secret"])
def test_a_value_of_the_wrong_type_under_a_secret_key_is_not_repeated(key: str) -> None:
    text = f"channels:\n  - {{name: c, kind: webhook, url: 'https://example.org', {key}: [hunter2]}}\n"
    assert "hunter2" not in "\n".join(faults(text))


@pytest.mark.parametrize(
    "url",
    ["${URL}", "postgresql://ana:${PASSWORD}@host/db", "postgresql://host/db?password=${PASSWORD}", "sqlite:////a/b.db",
     "postgresql://ana@host:5432/db", "postgresql+psycopg://host/db?sslmode=require"],
)  # fmt: skip
def test_an_address_without_secrets_is_taken(url: str) -> None:
    parse(
        f"monitors:\n  - name: m\n    kind: tabular\n    source: {{kind: sql, url: '{url}', query: q, cursor: [a]}}"
    )


@pytest.mark.parametrize("text", ["${}", "${A B}", "${A", "${1A}", "x${A}${"])
def test_a_variable_that_is_none_says_how_one_is_written(text: str) -> None:
    (fault,) = faults(f"channels:\n  - {{name: c, kind: webhook, url: 'https://example.org/{text}'}}\n")
    assert "is no variable; write ${NAME}" in fault


def test_anchors_and_merges_are_resolved_and_their_faults_located() -> None:
    text = """\
monitors:
  - &first
    name: one
    kind: tabular
    source: {kind: host}
    schedule: {pull: 5x}
  - <<: *first
    name: two
"""
    assert [f.split(": ")[:2] for f in faults(text)] == [
        ["monitors.yaml:6", "monitors[0].schedule.pull"],
        ["monitors.yaml:6", "monitors[1].schedule.pull"],
    ]
    assert [m.name for m in parse(text.replace("5x", "5m")).monitors] == ["one", "two"]


def test_a_file_of_nested_references_is_read_in_no_time() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    assert len(faults("\n".join([*lines, "monitors: *a29"]))) >= 30


def test_relative_paths_count_from_the_folder_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "monitors.yaml"
    file.write_text("""\
monitors:
  - {name: a, kind: tabular, source: {kind: files, path: "logs/*.csv"}}
  - {name: b, kind: tabular, source: {kind: files, path: "s3://bucket/a.csv"}}
  - {name: c, kind: tabular, source: {kind: files, path: "${FOLDER}/a.csv"}}
  - {name: d, kind: tabular, source: {kind: sql, url: "sqlite:///feed.db", query: q, cursor: [a]}}
  - {name: e, kind: tabular, source: {kind: sql, url: "sqlite:////abs/feed.db", query: q, cursor: [a]}}
""")
    sources = [m.source.model_dump() for m in load(file).monitors]
    assert [s.get("path", s.get("url")) for s in sources] == [
        f"{tmp_path}/logs/*.csv", "s3://bucket/a.csv", "${FOLDER}/a.csv", f"sqlite:///{tmp_path}/feed.db",
        "sqlite:////abs/feed.db",
    ]  # fmt: skip


def test_a_file_that_cannot_be_read_is_a_fault_not_a_traceback(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"absent\.yaml: cannot be read: No such file"):
        load(tmp_path / "absent.yaml")
    with pytest.raises(ConfigurationError, match="cannot be read: Is a directory"):
        load(tmp_path)
    (tmp_path / "latin.yaml").write_bytes("monitors: # Zähler\n".encode("latin-1"))
    with pytest.raises(ConfigurationError, match="is not UTF-8"):
        load(tmp_path / "latin.yaml")


def words(least: int = 0) -> st.SearchStrategy[str]:
    """Any text a database stores and that is no variable."""
    letters = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
    return st.text(letters, min_size=least, max_size=12).filter(lambda t: "${" not in t)


def part(required: dict[str, object], **optional: object) -> st.SearchStrategy[dict[str, object]]:
    return st.fixed_dictionaries(required, optional=optional)  # type: ignore[arg-type]  # values are strategies


NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,39}", fullmatch=True)
SPANS = st.builds(lambda n, unit: f"{n}{unit}", st.integers(1, 5000), st.sampled_from("smhd"))
LIMIT = st.one_of(st.none(), st.floats(-1e6, 1e6))
SOURCES = st.one_of(
    part({"kind": st.just("files"), "path": words(1)}, format=st.sampled_from(["auto", "csv", "parquet"])),
    part({"kind": st.just("host")}, interval=SPANS),
    part(
        {"kind": st.just("sql"), "url": st.just("${URL}"), "query": words(), "cursor": st.just(["at", "id"])}
    ),
)
FIELDS = part(
    {},
    include=st.lists(words(), max_size=2),
    exclude=st.lists(words(), max_size=2),
    range=st.dictionaries(words(), st.tuples(st.none(), LIMIT), max_size=2),
    unit=st.dictionaries(words(), words(), max_size=2),
)
ALERTS = st.one_of(
    part({}, budget=st.one_of(st.floats(1e-9, 1e9), st.integers(1, 99).map(lambda n: f"{n}/day")), gap=SPANS),
    part({"fdr": st.floats(1e-6, 0.99)}, floor=st.dictionaries(words(), st.floats(-9, 9), max_size=2)),
    part({"p_value": st.floats(1e-12, 0.99)}, direction=st.just("up"), of=st.just("2/3")),
)
MONITORS = part(
    {"name": NAMES, "kind": st.just("tabular"), "source": SOURCES},
    description=words(), key=st.lists(words(), max_size=2), fields=FIELDS, alerts=ALERTS, entity=words(), queue=NAMES,
    time=st.one_of(words(), part({"field": words()}, zone=st.just("Europe/Berlin"))),
    model=part({}, contaminated=st.booleans(), seed=st.integers(0, 2**40)),
    schedule=part({}, pull=SPANS, delay=SPANS, train=st.just("30 3 * * 1-5")),
)  # fmt: skip
HOOK = {"kind": st.just("webhook"), "url": st.just("https://example.org/${HOOK}")}
CHANNELS = part({"name": NAMES, **HOOK}, secret=st.just("${SECRET}"))


@given(
    st.lists(MONITORS, max_size=3, unique_by=lambda m: m["name"]),
    st.lists(CHANNELS, max_size=2, unique_by=lambda c: c["name"]),
)
def test_what_is_written_back_reads_as_the_very_same_document(
    monitors: list[dict[str, object]], channels: list[dict[str, object]]
) -> None:
    document = Document.model_validate({"monitors": monitors, "channels": channels})
    assert parse(dump(document)) == document


@pytest.mark.parametrize(
    "text",
    ["\x85", "a\u2028b", "select *\nfrom tx\n", "a\nb", " lead\ntrail ", "\n", "a\n\nb\n\n", "\ttab", "a\r\nb"],
)  # fmt: skip
def test_a_text_is_written_back_to_the_letter(text: str) -> None:
    document = parse(monitor())
    changed = Document(monitors=[document.monitors[0].model_copy(update={"description": text})])
    assert parse(dump(changed)) == changed


def test_a_query_of_several_lines_stays_as_it_was_written() -> None:
    query = "select *\nfrom tx\nwhere amount > 0"
    text = GOOD.replace("select * from tx", '"' + query.replace("\n", "\\n") + '"')
    assert "      query: |-\n        select *\n        from tx\n" in dump(parse(text))


def test_a_document_is_written_the_way_people_write_it() -> None:
    text = dump(parse(GOOD))
    assert "budget: 20/day" in text
    assert "pull: 5m" not in text, "what is default is left out"
    assert text.startswith("monitors:\n  - name: payments\n    kind: tabular\n    source:\n      kind: sql\n")
