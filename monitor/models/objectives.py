"""How a network is trained: what is corrupted, what becomes of the code, the row loss, and how rows are reduced."""

from collections.abc import Sequence

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F


class Objective(nn.Module):
    """Vanilla: the input itself, through a bottleneck.

    ``trim`` is the share of rows with the largest loss that each batch leaves out once training is under way,
    for data that may hold anomalies (least trimmed squares; Rousseeuw 1984). ``judged`` marks the outputs whose
    loss decides which rows these are: the rows of a rarer category are not to be left out for being rarer.
    """

    spread = 1  # numbers the encoder gives a code unit

    judged: Tensor | None = None  # (outputs,) bool; None: all

    def __init__(self, trim: float = 0.0, robust_loss: bool = False) -> None:
        super().__init__()
        self.trim, self.robust_loss = trim, robust_loss

    def corrupt(self, x: Tensor, generator: Generator) -> Tensor:
        return x

    def code(self, hidden: Tensor, generator: Generator | None = None) -> Tensor:
        """Hidden to code; without a generator the code that scoring uses, which is never drawn."""
        return hidden

    def cell_loss(self, output: Tensor, target: Tensor) -> Tensor:
        """(K, n, outputs) -> (K, n, outputs)"""
        measure = F.smooth_l1_loss if self.robust_loss else F.mse_loss
        return measure(output, target, reduction="none")

    def penalty(self, hidden: Tensor, progress: float) -> Tensor | float:
        """(K, n) or 0; ``progress`` runs from 0 to 1 over training."""
        return 0.0

    def reduce(self, cells: Tensor, penalty: Tensor | float, progress: float) -> Tensor:
        """Losses (K, n, outputs) and penalty (K, n) to one number; members are independent: their means add up."""
        rows = cells.mean(-1) + penalty  # (K, n)
        if self.trim and progress > 0.1:
            keep = max(1, round(rows.shape[1] * (1 - self.trim)))
            deciding = rows if self.judged is None else cells[..., self.judged].mean(-1)  # (K, n)
            rows = rows.gather(1, deciding.topk(keep, dim=1, largest=False).indices)  # (K, keep)
        return rows.mean(1).sum()


class Vanilla(Objective):
    """The autoencoder as such (Hinton & Salakhutdinov 2006)."""


class Sparse(Objective):
    """Keeps the ``kept`` largest code units of a row (k-sparse; Makhzani & Frey 2014): no coefficient to tune."""

    def __init__(self, kept: int, trim: float = 0.0, robust_loss: bool = False) -> None:
        super().__init__(trim, robust_loss)
        self.kept = kept

    def code(self, hidden: Tensor, generator: Generator | None = None) -> Tensor:
        positive = hidden.relu()
        rest = positive  # a few maxima in turn: served, topk takes nearly twice as long
        for _ in range(self.kept - 1):
            rest = rest * (rest < rest.amax(-1, keepdim=True))
        return positive * (positive >= rest.amax(-1, keepdim=True))


class Denoising(Objective):
    """Reconstructs the clean row from a noisy one (Vincent et al. 2008); one noise level a member."""

    def __init__(self, noise: Sequence[float], trim: float = 0.0, robust_loss: bool = False) -> None:
        super().__init__(trim, robust_loss)
        self.register_buffer("noise", torch.tensor(noise)[:, None, None])  # (K, 1, 1)

    def corrupt(self, x: Tensor, generator: Generator) -> Tensor:
        return x + self.get_buffer("noise") * torch.randn(x.shape, generator=generator)


class Variational(Objective):
    """A drawn code and a decoder with one learned log-variance a field (Kingma & Welling 2014).

    Scores come from the deterministic mean reconstruction, not from the bound.
    """

    spread = 2

    def __init__(
        self, members: int, outputs: int, beta: float = 0.3, trim: float = 0.0, robust_loss: bool = False
    ) -> None:
        super().__init__(trim, robust_loss)
        self.beta = beta
        self.log_variance = nn.Parameter(torch.zeros(members, 1, outputs))

    def code(self, hidden: Tensor, generator: Generator | None = None) -> Tensor:
        mean, log_variance = hidden.chunk(2, dim=-1)
        if generator is None:
            return mean
        # An unused unit has mean and log-variance 0: it carries noise that no learning can use.
        return mean + (0.5 * log_variance.clamp(-10, 10)).exp() * torch.randn(mean.shape, generator=generator)

    def cell_loss(self, output: Tensor, target: Tensor) -> Tensor:
        log_variance = self.log_variance.clamp(-4, 6)
        return 0.5 * (log_variance + (output - target) ** 2 / log_variance.exp())

    def penalty(self, hidden: Tensor, progress: float) -> Tensor:
        mean, log_variance = hidden.chunk(2, dim=-1)
        log_variance = log_variance.clamp(-10, 10)
        divergence = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum(-1)  # (K, n)
        # Per field, as the row loss is.
        return self.beta * min(1.0, progress / 0.3) * divergence / self.log_variance.shape[-1]
