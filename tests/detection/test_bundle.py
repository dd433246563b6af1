"""A bundle is what was saved, or it is refused."""

from pathlib import Path

import numpy as np
import pytest

from monitor.detection.bundle import Bundle
from monitor.domain.errors import BundleCorrupt

BUNDLE = Bundle(b"network", {"a": np.arange(6.0).reshape(2, 3).T, "b": np.array([1])}, {"kind": "tabular"})


def test_bytes_and_folder_give_back_what_was_saved(tmp_path: Path) -> None:
    BUNDLE.save(tmp_path)
    for again in (Bundle.load(tmp_path), Bundle.from_bytes(BUNDLE.to_bytes())):
        assert again.model == b"network"
        assert again.manifest == {"kind": "tabular"}
        assert np.array_equal(again.arrays["a"], BUNDLE.arrays["a"])


def test_equal_bundles_are_equal_bytes() -> None:
    assert Bundle.from_bytes(BUNDLE.to_bytes()).to_bytes() == BUNDLE.to_bytes()


def test_what_makes_the_scores_is_told_from_facts() -> None:
    told = Bundle(BUNDLE.model, BUNDLE.arrays, {"facts": {"seconds": 2.0}})
    assert told.scoring == Bundle.from_bytes(told.to_bytes()).scoring == BUNDLE.scoring
    others = Bundle(b"another", BUNDLE.arrays, {}), Bundle(b"network", {"a": np.arange(6.0)}, {})
    assert len({BUNDLE.scoring, *(each.scoring for each in others)}) == 3


@pytest.mark.parametrize("name", ["model.onnx", "arrays.safetensors", "manifest.json"])
def test_a_changed_part_is_refused(tmp_path: Path, name: str) -> None:
    BUNDLE.save(tmp_path)
    part = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(part.replace(b"network", b"Network").replace(b"tabular", b"Tabular") + b" ")
    if name == "manifest.json":
        (tmp_path / name).write_bytes(part.replace(b"tabular", b"Tabular"))
    with pytest.raises(BundleCorrupt, match=name):
        Bundle.load(tmp_path)


def test_an_absent_part_is_refused(tmp_path: Path) -> None:
    BUNDLE.save(tmp_path)
    (tmp_path / "model.onnx").unlink()
    with pytest.raises(BundleCorrupt, match=r"lacks model\.onnx"):
        Bundle.load(tmp_path)


@pytest.mark.parametrize("blob", [b"", b"nothing of the kind", BUNDLE.to_bytes()[:-40]])
def test_bytes_that_are_no_bundle_are_refused(blob: bytes) -> None:
    with pytest.raises(BundleCorrupt):
        Bundle.from_bytes(blob)


def test_one_flipped_bit_anywhere_in_the_model_is_refused() -> None:
    blob = bytearray(BUNDLE.to_bytes())
    blob[blob.index(b"network")] ^= 1
    with pytest.raises(BundleCorrupt):
        Bundle.from_bytes(bytes(blob))
