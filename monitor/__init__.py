"""Self-hosted anomaly detection: scheduled data, autoencoders, calibrated alerts that people review."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from monitor.detection.detector import Detector

__all__ = ["Detector"]


def __getattr__(name: str) -> object:
    # Lazily, so that commands which never score start without numpy and pandas.
    if name == "Detector":
        from monitor.detection.detector import Detector

        return Detector
    raise AttributeError(f"module 'monitor' has no attribute {name!r}")
