"""What a reconstruction means in a field's own units."""

import numpy as np
import pandas as pd
import pytest

from monitor.features.numbers import NumberField


@pytest.mark.parametrize("unit", [1.0, 1e-9, 1e9])
def test_an_expected_value_carries_no_noise_of_single_precision(unit: float) -> None:
    values = pd.Series(np.random.default_rng(0).normal(0.37, 38, 1_000)) * unit
    field = NumberField.fit("f4", values)
    z = np.array([-field.mean / field.std], dtype=np.float32)  # stands for 0
    assert field.expected(z) == 0


def test_an_expected_value_keeps_what_single_precision_knows() -> None:
    field = NumberField.fit("f4", pd.Series([0.0, 100.0] * 50))
    assert field.expected(np.array([0.12345], dtype=np.float32)) == pytest.approx(
        50 + 0.12345 * field.std, abs=1e-4
    )
