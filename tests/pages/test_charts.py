import re
from datetime import UTC, datetime, timedelta

import pytest

from dashboards import charts, series
from dashboards.charts import Scale, Time
from monitor.storage.evidence import Point
from monitor.storage.pages import Bin

NOW = datetime(2026, 3, 29, 12, tzinfo=UTC)


@pytest.mark.parametrize("values", [[1.0, 1.0], [0.0, 0.0], [-5.0, 3.0], [1e-9, 1e12]])
def test_every_value_has_its_place_within_the_plane(values: list[float]) -> None:
    scale = Scale.over(values)
    assert all(0 < scale(v) < 1 for v in values)
    assert scale(min(values)) <= scale(max(values))


def test_a_log_scale_gives_each_power_of_ten_the_same_room() -> None:
    scale = Scale(1, 10_000, log=True)
    assert [scale(10.0**n) for n in range(5)] == pytest.approx([0, 0.25, 0.5, 0.75, 1])
    assert scale(0) == 0  # below the axis is drawn at its edge


@pytest.mark.parametrize(("low", "high"), [(0, 1), (29.3, 43.1), (-0.002, 0.003), (1e6, 3e6)])
def test_ticks_are_few_and_round_and_within(low: float, high: float) -> None:
    ticks = Scale(low, high).ticks()
    assert 2 <= len(ticks) <= 6 and all(low <= t <= high for t in ticks)


def test_only_positive_skewed_values_get_a_log_axis() -> None:
    assert (
        charts.skewed([1, 2, 3, 900]) and not charts.skewed([1, 2, 3, 4]) and not charts.skewed([0, 1, 900])
    )
    assert not charts.skewed([])


def test_times_are_written_in_the_zone_over_a_change_of_clock() -> None:
    axis = Time(
        datetime(2026, 3, 29, 0, 30, tzinfo=UTC), datetime(2026, 3, 29, 1, 30, tzinfo=UTC), "Europe/Berlin"
    )
    assert [text for _, text in axis.labels(2)] == ["01:30", "03:30"]


def test_text_in_a_chart_is_escaped() -> None:
    assert "<script>" not in charts.framed([], [(0.5, "<script>")], [(0, '"><script>')], '"><script>')


def test_a_value_outside_its_range_is_marked() -> None:
    assert 'class="dot hot"' in charts.strip(9.0, 2.0, 1.0, 3.0)
    assert 'class="dot hot"' not in charts.strip(2.5, 2.0, 1.0, 3.0)
    assert "band" not in charts.strip(2.5, None, None, None)


def test_the_strip_shows_band_and_expected_wherever_they_lie() -> None:
    strip = str(charts.strip(32_767.0, -400.0, -7.0, 8.0))
    x, width = map(float, re.findall(r'class="band" x="([\d.]+)".* width="([\d.]+)"', strip)[0])
    tick = float(re.findall(r'class="tick" d="M([\d.]+) ', strip)[0])
    assert width >= 50 and x >= 0 and x + width <= 1000 and 0 < tick < 1000


def test_the_flagged_part_of_a_line_is_drawn_again_on_top() -> None:
    points = [Point(NOW + timedelta(minutes=n), float(n), n + 0.5) for n in range(20)]
    drawn = series.line(points, (points[5].at, points[9].at), (1.0, 4.0, 9.0), "bar", "UTC")
    assert 'class="line hot"' in drawn and 'class="flag"' in drawn and 'class="band"' in drawn


def test_a_scatter_takes_a_log_axis_only_where_it_helps() -> None:
    rows = [(n, NOW + timedelta(hours=n), 10.0 + n) for n in range(9)]
    assert not series.scatter(rows, {3}, (None, None, None), "", "UTC")[1]
    assert series.scatter([*rows, (99, NOW, 9000.0)], {99}, (0.0, 11.0, 20.0), "€", "UTC")[1]


def test_no_line_is_drawn_over_a_hole() -> None:
    bins = [Bin(NOW - timedelta(minutes=15 * n), 0.01, 1, 0) for n in range(90, 0, -1) if not 30 < n < 60]
    drawn = series.spark(bins, NOW, 0.001)
    assert drawn.count('class="line thin"') == 2 and 'class="hole"' in drawn


def test_a_threshold_is_drawn_only_of_the_present() -> None:
    bins = [Bin(NOW - timedelta(hours=n), 0.01, 1, 0) for n in range(30, 0, -1)]
    for drawn in (
        series.history(bins, NOW - timedelta(days=30), NOW, 0.001, "UTC"),
        series.spark(bins, NOW, 0.001),
    ):
        (start, end) = map(
            float, re.findall(r'class="expected" d="M([\d.]+) [\d.]+L([\d.]+) ', str(drawn))[0]
        )
        assert start > 800 and end == 1000
    assert "expected" not in series.history(bins, NOW - timedelta(days=30), NOW, None, "UTC")


def test_a_p_value_of_zero_and_a_single_bin_are_drawn() -> None:
    one = [Bin(NOW, 0.0, 1, 1)]
    assert "dot hot" in series.history(one, NOW - timedelta(days=1), NOW, None, "UTC")
    assert "dot hot" in series.spark(one, NOW, 0.0)
