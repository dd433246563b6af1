"""Rows of any sort become finite numbers, and each number belongs to one source field."""

import json

import numpy as np
import pandas as pd
import pytest

from monitor.domain.errors import MonitorError
from monitor.features import Columns, Tabular


def payments(rows: int = 200) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    times = pd.date_range("2026-01-01", periods=rows, freq="37min", tz="UTC")
    return pd.DataFrame(
        {
            "amount": rng.gamma(2, 30, rows),
            "country": rng.choice(["DE", "FR", "ES"], rows, p=[0.7, 0.2, 0.1]),
            "card_present": rng.random(rows) < 0.8,
            "balance": np.where(rng.random(rows) < 0.2, np.nan, rng.normal(500, 50, rows)),
            "booked": times,
            "version": 3,
        }
    )


def odd() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "amount": [np.inf, -np.inf, np.nan, 1e308],
            "country": ["DE", "XX", None, "FR"],
            "card_present": [True, None, False, True],
            "balance": [np.nan, 500.0, np.inf, -1e300],
            "booked": [pd.NaT, pd.Timestamp("2026-03-01", tz="UTC"), pd.NaT, pd.NaT],
            "version": [3, 4, None, 3],
        }
    )


def columns_of(features: Tabular, name: str) -> np.ndarray:
    return np.flatnonzero(features.field_of == features.fields.index(name))


def test_bad_numbers_never_give_a_nan_or_an_infinity_out() -> None:
    features = Tabular.fit(payments(), Columns())
    z = features.transform(odd())
    assert z.dtype == np.float32
    assert np.isfinite(z).all()
    assert np.isfinite(Tabular.fit(odd(), Columns()).transform(payments())).all()


def test_training_columns_have_mean_zero_and_the_variance_of_one_field() -> None:
    frame = payments()
    features = Tabular.fit(frame, Columns())
    z = features.transform(frame)
    rarity = columns_of(features, "country")[-1]  # its mean is of rows counted without their own
    assert np.abs(np.delete(z, rarity, axis=1).mean(0)).max() < 1e-4
    assert abs(z[:, rarity].mean()) < 0.05
    assert z[:, columns_of(features, "amount")].var() == pytest.approx(1, abs=1e-4)
    indicators = columns_of(features, "country")[:-1]
    assert z[:, indicators].var(axis=0).sum() == pytest.approx(1, abs=1e-4)


def test_a_constant_column_that_changes_later_counts_three_deviations() -> None:
    features = Tabular.fit(payments(), Columns())
    frame = payments(3).assign(version=[3, 4, 2])
    assert features.transform(frame)[:, columns_of(features, "version")[0]].tolist() == [0, 3, -3]


def test_a_missing_value_is_information_where_training_had_some() -> None:
    features = Tabular.fit(payments(), Columns())
    value, indicator = columns_of(features, "balance")
    z = features.transform(odd())
    assert z[0, value] == 0
    assert z[0, indicator] > 1 > z[1, indicator]


def test_an_unseen_category_is_rarer_than_every_seen_one() -> None:
    features = Tabular.fit(payments(), Columns())
    rarity = columns_of(features, "country")[-1]
    seen, unseen = payments(), odd().iloc[[1]]
    assert features.transform(unseen)[0, rarity] > features.transform(seen)[:, rarity].max()


def test_a_numeric_code_is_a_category_when_named_so() -> None:
    frame = pd.DataFrame({"code": [1, 2, 2, 3] * 20})
    assert Tabular.fit(frame, Columns(categorical=("code",))).encoders[0].kind == "category"


def test_a_million_levels_do_not_swell_the_document() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"device": rng.integers(0, 60_000, 50_000).astype(str)})
    features = Tabular.fit(frame, Columns(categorical=("device",)))
    assert features.transform(frame[:10]).shape[1] <= 34
    assert len(json.dumps(features.document())) < 300_000


def test_identifiers_and_free_text_are_refused_with_a_reason() -> None:
    frame = payments().assign(id=[f"tx-{n:06d}" for n in range(200)], row=range(200))
    features = Tabular.fit(frame, Columns())
    assert set(features.refused) == {"id", "row"}
    assert "200 distinct values in 200 rows" in features.refused["id"]


def test_a_frame_without_any_field_is_an_error_that_says_why() -> None:
    with pytest.raises(MonitorError, match="row counts the rows up"):
        Tabular.fit(pd.DataFrame({"row": range(100)}), Columns())


def test_an_absent_field_is_an_error_that_names_it() -> None:
    with pytest.raises(MonitorError, match="lacks amount"):
        Tabular.fit(payments(), Columns()).transform(payments().drop(columns="amount"))


def test_time_entity_and_excluded_columns_are_no_fields() -> None:
    features = Tabular.fit(payments(), Columns(exclude=("version",), entity="country", time="booked"))
    assert features.fields == ["amount", "card_present", "balance"]


def test_times_of_day_close_around_midnight_are_close() -> None:
    frame = pd.DataFrame({"at": pd.to_datetime(["2026-01-01 00:00", "2026-01-01 12:00"] * 20, utc=True)})
    features = Tabular.fit(frame, Columns())
    near = pd.DataFrame({"at": pd.to_datetime(["2026-01-01 23:59", "2026-01-02 00:01"], utc=True)})
    day = features.transform(near)[:, :2]
    assert np.abs(day[0] - day[1]).max() < 0.1


def test_dates_and_numbers_given_as_text_are_read_as_such() -> None:
    frame = payments().assign(
        booked=lambda f: f["booked"].dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
        amount=lambda f: f["amount"].astype(str),
    )
    kinds = {e.name: e.kind for e in Tabular.fit(frame, Columns()).encoders}
    assert (kinds["booked"], kinds["amount"], kinds["country"]) == ("date", "number", "category")


def test_the_document_restores_the_same_features() -> None:
    features = Tabular.fit(payments(), Columns())
    again = Tabular.restore(json.loads(json.dumps(features.document())))
    assert np.array_equal(again.transform(odd()), features.transform(odd()))
    assert (again.fields, again.refused) == (features.fields, features.refused)


def test_levels_keep_their_places_in_a_document_whose_keys_were_sorted() -> None:
    frame = pd.DataFrame({"shop": ["z"] * 30 + ["m"] * 20 + ["a"] * 10})
    features = Tabular.fit(frame, Columns())
    again = Tabular.restore(json.loads(json.dumps(features.document(), sort_keys=True)))
    assert np.array_equal(again.transform(frame), features.transform(frame))


def test_a_reconstruction_is_told_in_the_fields_own_units() -> None:
    frame = payments()
    features = Tabular.fit(frame, Columns())
    z = features.transform(frame)[0]
    told = {name: features.expected(z, at) for at, name in enumerate(features.fields)}
    assert told["amount"] == pytest.approx(frame["amount"][0], rel=1e-4)
    assert told["country"] == frame["country"][0]
    assert told["card_present"] is bool(frame["card_present"][0])
    assert told["booked"] == "Thursday 00:00"
    assert told["version"] == 3
