"""The sides of the serving claim, each in a process of its own; prints JSON.

prepare writes what the others read. served, products and pyod time one forward pass over the same rows; start_served
and start_torch score once with the same weights, and say so at once.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

FIELDS, CODE, BATCH = 10, 3, 1024
LEARNT, ROWS, FIRST, REPEATS = 5_000, 20 * BATCH, 1_000, 7


def main(side: str, folder: Path) -> None:
    known = {"prepare": prepare, "served": served, "served_alone": served_alone, "products": products, "pyod": pyod,
             "start_served": start_served, "start_torch": start_torch}  # fmt: skip
    print(json.dumps(known[side](folder)), flush=True)


def table(rows: int) -> Any:
    import pandas as pd

    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(4, FIELDS))
    values = rng.normal(size=(rows, 4)) @ mixing + 0.3 * rng.normal(size=(rows, FIELDS))
    return pd.DataFrame(values, columns=[f"f{n}" for n in range(FIELDS)])


def prepare(folder: Path) -> dict[str, Any]:
    """A detector of four members, its weights for NumPy and torch, and a network of one member for PyOD's peer."""
    import torch

    from monitor import Detector
    from monitor.detection.serve import Session
    from monitor.models.autoencoder import Autoencoder, Plan
    from monitor.models.networks import dense
    from monitor.models.objectives import Vanilla
    from monitor.training import fit_tabular
    from monitor.training.export import Served, export

    kept: list[Autoencoder] = []

    def keeping(*arguments: Any) -> Autoencoder:
        kept.append(train(*arguments))
        return kept[-1]

    train, fit_tabular.train = fit_tabular.train, keeping  # type: ignore[assignment]  # put back by the process's end
    Detector(objective="vanilla").fit(table(LEARNT)).save(folder / "detector")
    network = kept[0].network
    torch.save(network.state_dict(), folder / "network.pt")
    codes = [int(used.sum()) for used in network.encoder[5].get_buffer("used")]  # type: ignore[index]  # the encoder is a Sequential
    (folder / "codes.json").write_text(json.dumps(codes))
    weights = [p.detach().numpy() for name, p in network.named_parameters() if name.endswith("weight")]
    np.savez(folder / "weights.npz", *weights)
    alone = Autoencoder(dense(FIELDS, FIELDS, [CODE]), Vanilla(), None, Plan(1, 1, 0))  # type: ignore[arg-type]  # never trained: no sampler
    model = export(Served(alone), torch.zeros(1, 64, FIELDS))
    (folder / "alone.onnx").write_bytes(model)
    assert Session(model)(np.zeros((1, 2, FIELDS), np.float32))[0].shape == (1, 2, FIELDS)
    return {"members": network.members, "layers": [list(w.shape[1:]) for w in weights]}


def timed(work: Callable[[], object]) -> dict[str, Any]:
    """Seconds for all rows, the median of several passes after a first that is not counted."""
    work()
    passes = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        passes.append(time.perf_counter() - start)
    return {"seconds": statistics.median(passes)}


def batches(rows: Any) -> list[Any]:
    return [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]


def served(folder: Path) -> dict[str, Any]:
    """Four members in ONNX Runtime, biases and activations with them."""
    from monitor.detection.bundle import Bundle
    from monitor.detection.serve import Session

    session = Session(Bundle.load(folder / "detector").model)
    views = [np.stack([x, x]) for x in batches(table(ROWS).to_numpy(np.float32))]
    return timed(lambda: [session(x) for x in views])


def products(folder: Path) -> dict[str, Any]:
    """The matrix products alone of the same four members: neither bias nor activation."""
    weights = list(np.load(folder / "weights.npz").values())
    members = [np.stack([x] * len(weights[0])) for x in batches(table(ROWS).to_numpy(np.float32))]

    def forward() -> None:
        for hidden in members:
            for weight in weights:
                hidden = hidden @ weight

    return timed(forward)


def served_alone(folder: Path) -> dict[str, Any]:
    """The forward pass of one member with PyOD's layer sizes."""
    from monitor.detection.serve import Session

    session = Session((folder / "alone.onnx").read_bytes())
    rows = [x[None] for x in batches(table(ROWS).to_numpy(np.float32))]
    return timed(lambda: [session(x) for x in rows])


def pyod(folder: Path) -> dict[str, Any]:
    """PyOD's whole score, with linear layers of the same sizes and the same batch."""
    import torch
    from pyod.models.auto_encoder import AutoEncoder

    torch.set_num_threads(1)
    rows = table(ROWS).to_numpy()
    peer = AutoEncoder(
        hidden_neuron_list=[64, 64, CODE], epoch_num=1, batch_size=BATCH, verbose=0, device="cpu"
    )
    peer.fit(rows[:LEARNT])
    layers = [[m.in_features, m.out_features] for m in peer.model.modules() if isinstance(m, torch.nn.Linear)]
    return timed(lambda: peer.decision_function(rows, batch_size=BATCH)) | {"layers": layers}


def start_served(folder: Path) -> dict[str, Any]:
    from monitor.detection.detector import Detector

    return {"scores": Detector.load(folder / "detector").score(table(FIRST))["score"].tolist()}


def start_torch(folder: Path) -> dict[str, Any]:
    """The same detector, its network a torch module with the same weights."""
    import torch

    from monitor.detection import detector
    from monitor.detection.serve import member_views
    from monitor.models.networks import dense

    class Module:
        def __init__(self, model: bytes) -> None:
            torch.set_num_threads(1)
            self.network = dense(FIELDS, FIELDS, json.loads((folder / "codes.json").read_text()))
            self.network.load_state_dict(torch.load(folder / "network.pt", weights_only=True))
            self.views = member_views(self.network.members)

        def __call__(self, x: Any) -> tuple[Any, Any]:
            with torch.inference_mode():
                code = self.network.encode(torch.from_numpy(x[self.views]))
                return self.network.decode(code).numpy(), code.numpy()

    detector.Session = Module  # type: ignore[misc, assignment]  # torch in its place is what is measured
    return {"scores": detector.Detector.load(folder / "detector").score(table(FIRST))["score"].tolist()}


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
