"""The only LightningModule: a network and an objective, composed."""

import math
from collections.abc import Iterator
from typing import Protocol

import torch
from pytorch_lightning import LightningModule
from torch import Generator, Tensor, nn

from monitor.models.networks import Network, part
from monitor.models.objectives import Objective

RATE = 2e-3
WARM_UP = 20  # steps
UNSEEN = 256  # rows a member on which the curve of unseen rows is measured


class Sampler(Protocol):
    """In-memory minibatches: each member draws its own rows, with replacement."""

    def __call__(self, size: int, generator: Generator) -> tuple[Tensor, Tensor]:
        """(input (K, size, inputs), target (K, size, outputs))"""
        ...


class Coder(nn.Module):
    """A trained network and its objective, as scoring uses them."""

    def __init__(self, network: Network, objective: Objective) -> None:
        super().__init__()
        self.network, self.objective = network, objective

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(K, n, inputs) -> output (K, n, outputs), code (K, n, code)"""
        code = self.objective.code(self.network.encode(x))
        return self.network.decode(code), code


class Autoencoder(LightningModule):
    """Trains ``network`` by ``objective`` on what ``sampler`` draws.

    One ``training_step`` takes many optimisation steps: Lightning's own cost, a fixed one a step, would
    otherwise be a third of the whole on networks this small.
    """

    def __init__(
        self,
        network: Network,
        objective: Objective,
        sampler: Sampler,
        plan: "Plan",
        unseen: Sampler | None = None,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.network, self.objective = network, objective
        self.sampler, self.plan, self.unseen = sampler, plan, unseen
        self.generator = Generator().manual_seed(plan.seed)
        self.curve: list[
            tuple[int, float, float | None]
        ] = []  # (step, loss a member, the same on unseen rows)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(K, n, inputs) -> output (K, n, outputs), code (K, n, code), as scoring uses them."""
        code = self.objective.code(self.network.encode(x))
        return self.network.decode(code), code

    def of(self, members: slice) -> Coder:
        """Some of the members alone."""
        return Coder(part(self.network, members), self.objective).eval()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.AdamW(self.parameters(), lr=RATE, weight_decay=1e-5, foreach=True)

    def training_step(self, batch: int) -> None:
        """``batch``: the first optimisation step of a chunk."""
        chunk = self.plan.chunk(batch)
        optimizer = self.optimizers(use_pl_optimizer=False)
        loss = torch.zeros(())
        for step in chunk:
            for group in optimizer.param_groups:  # type: ignore[union-attr]  # there is one
                group["lr"] = rate(step, self.plan.steps)
            loss = self._loss(step / self.plan.steps)
            optimizer.zero_grad()  # type: ignore[union-attr]  # there is one
            loss.backward()  # type: ignore[no-untyped-call]  # torch's own
            optimizer.step()  # type: ignore[union-attr]  # there is one
        step = chunk[-1] + 1
        self.curve.append((step, float(loss.detach()) / self.network.members, self._on_unseen(step)))

    def _on_unseen(self, step: int) -> float | None:
        """The loss a member on the same unseen rows with the same noise each time; training goes on as without."""
        if self.unseen is None:
            return None
        with torch.no_grad():
            return float(self._loss(step / self.plan.steps, self.unseen)) / self.network.members

    def _loss(self, progress: float, unseen: Sampler | None = None) -> Tensor:
        generator = self.generator if unseen is None else Generator().manual_seed(self.plan.seed)
        drawn = self.sampler(self.plan.batch, generator) if unseen is None else unseen(UNSEEN, generator)
        x, target = drawn  # (K, size, inputs), (K, size, outputs)
        hidden = self.network.encode(self.objective.corrupt(x, generator))
        output = self.network.decode(self.objective.code(hidden, generator))
        cells = self.objective.cell_loss(output, target)  # (K, size, outputs)
        return self.objective.reduce(cells, self.objective.penalty(hidden, progress), progress)


class Plan:
    """How long and on how much: optimisation steps, rows a member and step, and the seed of every draw.

    Iterating gives the first step of each chunk: it stands where Lightning expects a loader.
    """

    CHUNK = 25

    def __init__(self, steps: int, batch: int, seed: int) -> None:
        self.steps, self.batch, self.seed = steps, batch, seed

    def chunk(self, start: int) -> range:
        return range(start, min(start + self.CHUNK, self.steps))

    def __iter__(self) -> Iterator[int]:
        return iter(range(0, self.steps, self.CHUNK))

    def __len__(self) -> int:
        return math.ceil(self.steps / self.CHUNK)


def rate(step: int, steps: int) -> float:
    """Linear warm-up, then a cosine down to 2 %."""
    if step < WARM_UP:
        return RATE * (step + 1) / WARM_UP
    turn = (step - WARM_UP) / max(1, steps - WARM_UP)
    return RATE * (0.02 + 0.98 * (1 + math.cos(math.pi * turn)) / 2)
