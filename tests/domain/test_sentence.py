import pytest
from seed import part

from monitor.domain.sentence import why

FLOW = part("flow", 0.5, 31.0, 40.0, 38.0, 42.0)


@pytest.mark.parametrize(
    ("others", "named"),
    [
        ([part("pressure", 0.4, 5.601, 5.6, 5.3, 5.9)], ["flow"]),  # reads the same as what is expected
        ([part("payee", 0.4, "DE", "DE")], ["flow"]),
        ([part("payee", 0.4, "XK", "XK", unseen=True)], ["flow", "payee"]),
        ([part("pressure", 0.4, None, 5.6, 5.3, 5.9)], ["flow", "pressure"]),
        ([part("pressure", 0.1, 4.0, 5.6, 5.3, 5.9)], ["flow"]),  # differs, but caused little
        ([part(n, 0.16, 4.0, 5.6, 5.3, 5.9) for n in "abc"], ["flow", "a", "b"]),
    ],
)
def test_a_sentence_names_only_fields_that_differ_and_weigh(
    others: list[dict[str, object]], named: list[str]
) -> None:
    full, brief = why([FLOW, *others], [])
    assert [clause.split()[0] for clause in full.split("; ")] == named
    assert [clause.split()[0] for clause in brief.split("; ")] == named


def test_a_field_further_down_is_named_before_one_that_is_as_expected() -> None:
    same = part("pressure", 0.8, 5.6, 5.6, 5.3, 5.9)
    small = part("flow", 0.05, 31.0, 40.0, 38.0, 42.0)
    assert why([same, small], [])[0].startswith("flow is 31")
    assert why([same], []) == ("The row is unusual as a whole.", "unusual as a whole")
