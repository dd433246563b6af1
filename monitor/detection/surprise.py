"""What is odd in each cell of a series: against the forecast, the usual shape of a window, and the usual level."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.detection.serve import Network, blocks, member_views
from monitor.features.base import Floats
from monitor.features.columns import CHANGED
from monitor.features.windows import Timeline

SATURATED = 3.0


@dataclass(frozen=True)
class Shape:
    """A linear autoencoder of whole windows (PCA): what its few components cannot show is an odd shape."""

    mean: Floats  # (K, inputs)
    basis: Floats  # (K, inputs, components), orthonormal; a view with fewer components has columns of 0

    def squares(self, windows: Floats) -> Floats:
        """(K, m, steps, fields) -> (K, m, fields): mean square over the steps of what is left."""
        flat = windows.reshape(*windows.shape[:2], -1) - self.mean[:, None]  # (K, m, inputs)
        left = flat - (flat @ self.basis) @ self.basis.transpose(0, 2, 1)
        found: Floats = np.square(left.reshape(windows.shape)).mean(2)
        return found


def views_of(z: Floats) -> Floats:
    """(n, fields) -> (2, n, fields): beyond 3 deviations drawn in, and as it is."""
    beyond = np.maximum(np.abs(z) - SATURATED, 0)
    return np.stack([np.sign(z) * (np.minimum(np.abs(z), SATURATED) + np.arcsinh(beyond)), z])


def visible(windows: Floats) -> Floats:
    """(..., steps, fields) -> (..., (steps - 1) * fields): the last step is what is to be foretold."""
    return windows[..., :-1, :].reshape(*windows.shape[:-2], -1)


def squares(network: Network, shape: Shape, line: Timeline, ends: NDArray[np.int64] | None = None) -> Floats:
    """(3, K, m, fields): squares against forecast, shape and level at ``ends`` (all rows); 0 where not known."""
    ends = np.arange(len(line.z)) if ends is None else ends
    views = views_of(line.z)  # (2, n, fields)
    levels = views_of(line.level[ends])  # (2, m, fields)
    members = member_views(len(shape.mean))
    found = np.zeros((3, len(members), len(ends), line.z.shape[1]), np.float32)
    for rows in blocks(len(ends), 2 * line.steps * line.z.shape[1]):
        windows = views[:, line.places(ends[rows])]  # (2, b, steps, fields)
        output, _ = network(visible(windows))  # (K, b, fields)
        found[0, :, rows] = (windows[members, :, -1] - output) ** 2
        found[1, :, rows] = shape.squares(windows[members])
    found[2] = levels[members] ** 2
    found[:2] *= ~line.missing[ends]
    found[2] *= ~line.unknown[ends]
    found[:, :, line.silent[ends]] = CHANGED**2
    return found
