"""Minibatches from tensors in memory: rows of a table, or windows of a timeline."""

from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from monitor.features.base import Floats


class RowSampler:
    """Each member draws rows of its own view; the target is the row itself."""

    def __init__(self, views: Floats, member_views: Tensor) -> None:
        self.views, self.member_views = torch.from_numpy(views), member_views

    def __call__(self, size: int, generator: Generator) -> tuple[Tensor, Tensor]:
        n = self.views.shape[1]
        rows = torch.randint(n, (len(self.member_views), size), generator=generator)
        x = self.views[self.member_views[:, None], rows]  # (K, size, d)
        return x, x


class WindowSampler:
    """Each member draws windows of its own view and folds; the target is what its linear forecast leaves over."""

    def __init__(
        self, views: Floats, member_views: Tensor, places: Sequence[Tensor], weight: Tensor, bias: Tensor
    ) -> None:
        self.views, self.member_views = torch.from_numpy(views), member_views  # (views, n, fields)
        self.places = places  # (windows, steps), one a member
        self.weight, self.bias = weight, bias  # (K, inputs, fields), (K, 1, fields)

    def __call__(self, size: int, generator: Generator) -> tuple[Tensor, Tensor]:
        """Visible steps (K, size, inputs), what is left to learn of the last (K, size, fields)"""
        chosen = torch.stack(
            [each[torch.randint(len(each), (size,), generator=generator)] for each in self.places]
        )  # (K, size, steps)
        windows = self.views[self.member_views[:, None, None], chosen]  # (K, size, steps, fields)
        x = windows[:, :, :-1].flatten(2)  # (K, size, inputs)
        return x, windows[:, :, -1] - torch.baddbmm(self.bias, x, self.weight)
