"""Readings to numbers: one module a kind of monitor, fitted once and saved with the bundle; no torch."""

from monitor.features.base import Columns, Features
from monitor.features.tabular import Tabular
from monitor.features.windows import Windows

FEATURES: dict[str, type[Tabular] | type[Windows]] = {kind.kind: kind for kind in (Tabular, Windows)}

__all__ = ["FEATURES", "Columns", "Features", "Tabular", "Windows"]
