"""A trained detector as three parts, ONNX, safetensors and JSON, held together by their sha256."""

import hashlib
import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from monitor.domain.errors import BundleCorrupt

FORMAT = 1
MODEL, ARRAYS, MANIFEST = "model.onnx", "arrays.safetensors", "manifest.json"
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest a zip can say: equal bundles are equal bytes


@dataclass(frozen=True)
class Bundle:
    """``manifest`` is JSON and carries what the arrays mean; nothing here is ever unpickled."""

    model: bytes
    arrays: dict[str, NDArray[Any]]
    manifest: dict[str, Any]

    @property
    def scoring(self) -> str:
        """sha256 of what makes the scores: two trainings that came to the same differ in their facts alone."""
        return _sha(_canonical({name: _sha(part) for name, part in self._parts().items()}))

    def _parts(self) -> dict[str, bytes]:
        return {MODEL: self.model, ARRAYS: save_arrays(_contiguous(self.arrays))}

    def files(self) -> dict[str, bytes]:
        parts = self._parts()
        sealed = {
            **self.manifest,
            "format": FORMAT,
            "sha256": {name: _sha(part) for name, part in parts.items()},
        }
        sealed["seal"] = _sha(_canonical(sealed))
        return {**parts, MANIFEST: json.dumps(sealed, indent=1, sort_keys=True, allow_nan=False).encode()}

    @classmethod
    def from_files(cls, files: dict[str, bytes], where: str) -> "Bundle":
        """Raises BundleCorrupt when a part is absent or is not what its sha256 says."""
        absent = {MODEL, ARRAYS, MANIFEST} - files.keys()
        if absent:
            raise BundleCorrupt(f"{where} lacks {', '.join(sorted(absent))}")
        manifest = _sealed(files[MANIFEST], where)
        for name, sha in manifest.pop("sha256").items():
            got = _sha(files[name])
            if got != sha:
                raise BundleCorrupt(f"{where}: {name} has sha256 {got}; expected {sha}")
        try:
            return cls(files[MODEL], load_arrays(files[ARRAYS]), manifest)
        except SafetensorError as fault:
            raise BundleCorrupt(f"{where}: {ARRAYS} cannot be read: {fault}") from fault

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for name, part in self.files().items():
            (folder / name).write_bytes(part)

    @classmethod
    def load(cls, folder: Path) -> "Bundle":
        names = (MODEL, ARRAYS, MANIFEST)
        files = {name: (folder / name).read_bytes() for name in names if (folder / name).is_file()}
        return cls.from_files(files, str(folder))

    def to_bytes(self) -> bytes:
        """One uncompressed zip: the weights do not compress, and equal bundles give equal bytes."""
        blob = io.BytesIO()
        with zipfile.ZipFile(blob, "w", zipfile.ZIP_STORED) as archive:
            for name, part in self.files().items():
                archive.writestr(zipfile.ZipInfo(name, EPOCH), part)
        return blob.getvalue()

    @classmethod
    def from_bytes(cls, blob: bytes) -> "Bundle":
        try:
            with zipfile.ZipFile(io.BytesIO(blob)) as archive:
                files = {name: archive.read(name) for name in archive.namelist()}
        except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, NotImplementedError) as fault:
            raise BundleCorrupt(f"{len(blob)} bytes are not a bundle: {fault}") from fault
        return cls.from_files(files, f"the bundle of {len(blob)} bytes")


def _sealed(text: bytes, where: str) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads(text)
        seal = manifest.pop("seal")
    except (ValueError, KeyError, AttributeError) as fault:
        raise BundleCorrupt(f"{where}: {MANIFEST} is not a manifest: {fault}") from fault
    got = _sha(_canonical(manifest))
    if got != seal:
        raise BundleCorrupt(f"{where}: {MANIFEST} has sha256 {got}; expected {seal}")
    version = manifest.pop("format")
    if version != FORMAT:
        raise BundleCorrupt(f"{where} is of format {version}; this version reads {FORMAT}")
    return manifest


def _canonical(document: dict[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def _sha(part: bytes) -> str:
    return hashlib.sha256(part).hexdigest()


def _contiguous(arrays: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    # safetensors writes the memory as it lies, whatever the strides say.
    return {name: np.ascontiguousarray(array) for name, array in sorted(arrays.items())}
