"""Every fault at once, with file, line, what was got and what is legal."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.document import differences
from monitor.domain.errors import ConfigurationError
from monitor.domain.monitor import Document
from monitor.jobs.configuration import dump, parse

GOOD = """
monitors:
  - name: card
    kind: tabular
    source: {kind: files, path: x.csv}
"""

FAULTS = {
    "a wrong choice": ("    kind: tabulr", "kind: got 'tabulr'; input should be 'tabular' or 'sensor'"),
    "an unknown key": ("    notfy: [x]", "unknown key 'notfy'; did you mean 'notify'?"),
    "a duration": (
        "    schedule: {pull: 5x}",
        "'5x' is not a duration; write a whole number and s, m, h or d",
    ),
    "a cron line": ('    schedule: {train: "61 2 * * *"}', "got '61 2 * * *'"),
    "a zone": ("    schedule: {timezone: Berlin}", "'Berlin' is not an IANA time zone"),
    "a budget": ("    alerts: {budget: lots}", "'lots' is not a budget; write alerts a day, such as 20/day"),
    "two rules": ("    alerts: {budget: 3/day, fdr: 0.1}", "budget and fdr exclude each other"),
    "k of n": ("    alerts: {of: 3/2}", "asks for more rows than it looks at"),
    "an unknown channel": ("    notify: [desk]", "notifies 'desk', which is no channel"),
}


def faults(text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as raised:
        parse(text, "m.yaml")
    return raised.value.faults


@pytest.mark.parametrize("line, message", FAULTS.values(), ids=list(FAULTS))
def test_a_fault_names_its_place_and_what_is_legal(line: str, message: str) -> None:
    text = GOOD.replace("    kind: tabular\n", "") if "kind: tabulr" in line else GOOD
    found = faults(text + line + "\n")
    assert len(found) == 1
    assert message in found[0]
    assert re.match(r"m\.yaml:\d+: ", found[0])


def test_the_line_is_the_one_in_the_file() -> None:
    assert faults(GOOD + "    schedule:\n      pull: 5x\n")[0].startswith(
        "m.yaml:7: monitors[0].schedule.pull: "
    )


def test_all_faults_are_told_at_once_in_the_order_of_the_file() -> None:
    text = "\n".join(
        ["monitors:", *("  - {name: A, kind: tabular, source: {kind: files}}" for _ in range(3))]
    )
    found = faults(text)
    assert [f.split(":")[1] for f in found] == ["2", "2", "3", "3", "4", "4"]


@pytest.mark.parametrize(
    "text, message",
    [
        ("monitors: [", "m.yaml:1: not YAML"),
        ("- a\n- b\n", "expected the keys monitors and channels"),
        ("monitors: []\nmonitors: []\n", "m.yaml:2: not YAML"),
        ("", "expected the keys monitors and channels"),
        ("monitors: 7\n", "m.yaml:1: monitors: got 7"),
        ("monitors: [7]\n", "m.yaml:1: monitors[0]: got 7"),
    ],
)
def test_what_is_no_configuration_is_said_to_be_none(text: str, message: str) -> None:
    assert message in faults(text)[0]


def test_a_password_in_an_address_is_refused_and_not_repeated() -> None:
    text = GOOD.replace(
        "{kind: files, path: x.csv}",
        "{kind: sql, url: 'postgresql://me:hunter2@h/d', query: q, cursor: [id]}",
    )
    found = faults(text)
    assert "holds a password" in found[0]
    assert "hunter2" not in "".join(found)
    parse(text.replace("hunter2", "${PASSWORD}"))


names = st.from_regex(r"[a-z][a-z0-9-]{0,10}", fullmatch=True)
sources = st.one_of(
    st.builds(lambda p: {"kind": "files", "path": p}, st.text("abc*/.", min_size=1, max_size=12)),
    st.just({"kind": "host", "interval": "7s"}),
    st.builds(
        lambda c: {"kind": "sql", "url": "${U}", "query": "select 1", "cursor": c},
        st.lists(names, min_size=1, max_size=2),
    ),
)
monitors = st.fixed_dictionaries(
    {"name": names, "kind": st.just("tabular"), "source": sources},
    optional={
        "key": st.lists(names, max_size=2),
        "time": st.one_of(names, st.fixed_dictionaries({"field": names, "zone": st.just("Europe/Berlin")})),
        "fields": st.fixed_dictionaries({"range": st.dictionaries(names, st.just([0, None]), max_size=2)}),
        "schedule": st.fixed_dictionaries({"pull": st.sampled_from(["1s", "90s", "2h", "3d"])}),
        "alerts": st.one_of(
            st.fixed_dictionaries({"budget": st.sampled_from(["20/day", "0.5/day", "7/day"])}),
            st.fixed_dictionaries({"p_value": st.floats(1e-9, 0.5)}),
        ),
    },
)


@given(st.lists(monitors, max_size=3, unique_by=lambda m: m["name"]))
def test_what_is_written_back_reads_as_the_same_document(listed: list[dict[str, object]]) -> None:
    document = Document.model_validate({"monitors": listed})
    assert parse(dump(document)) == document


def test_a_difference_names_the_field_before_and_after() -> None:
    after = parse(GOOD + "    alerts: {budget: 7/day}\n")
    change = differences(parse(GOOD), after)[0]
    assert change.fields == (("alerts.budget", 20.0, 7.0),)
    assert differences(after, after) == []
