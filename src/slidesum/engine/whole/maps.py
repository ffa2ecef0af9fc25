"""Maps in blocks: the layout in which all kernels of a whole network read and write.

    value (b, c, z, i, j)  lies at  ((b·blocks + c div L)·depth·rows·columns + (z·rows + i)·columns + j)·L + c mod L

L is what a vector holds, so a vector is one position of L maps (on AVX-512 this is what others call nChw16c). Around the positions
lies a halo of zeros as wide as the widest padding of those who read it: no kernel needs to know where an image ends. A part of the
blocks can be maps by themselves: that is how a concatenation is written in place.

>>> maps = Maps(1, 20, (1, 5, 5), ((0, 0), (1, 1), (1, 1)), 16)
>>> maps.blocks, maps.row, maps.block, maps.size
(2, 112, 784, 1568)
>>> maps.at(0, 1, (0, 2, 3))
1184
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

Three = tuple[int, int, int]
Halo = tuple[tuple[int, int], tuple[int, int], tuple[int, int]]
FEW = 4
"""Maps, up to which a layer had better read them thin: of a block, most lanes would be empty."""
CACHED = 2**23
"""Bytes of a result that is found in the caches when it is read."""
BARE: Halo = ((0, 0), (0, 0), (0, 0))


@dataclass(frozen=True)
class Maps:
    """Where the values of one result lie, in values.

    cells     depth, rows and columns without the halo; what isn't there has extent 1
    lanes     maps of a block
    first, of   these are the blocks from `first` on of an array of `of` blocks (0: as many as there are)
    step      from one sample to the next, where it isn't as usual (0): samples of others' blocks
    """

    batch: int
    channels: int
    cells: Three
    halo: Halo
    lanes: int
    first: int = 0
    of: int = 0
    step: int = 0

    @property
    def blocks(self) -> int:
        return -(-self.channels // self.lanes)

    @property
    def held(self) -> Three:
        """Depth, rows and columns with the halo."""
        depth, rows, columns = (n + low + high for n, (low, high) in zip(self.cells, self.halo, strict=True))
        return depth, rows, columns

    @property
    def row(self) -> int:
        return self.held[2] * self.lanes

    @property
    def plane(self) -> int:
        return self.held[1] * self.row

    @property
    def block(self) -> int:
        return self.held[0] * self.plane

    @property
    def sample(self) -> int:
        """From one sample to the next; a vector more than it takes, so that samples don't fall onto the same lines of a cache."""
        return self.step or (self.of or self.blocks) * self.block + (self.lanes if self.batch > 1 else 0)

    @property
    def size(self) -> int:
        return self.batch * self.sample

    @property
    def is_large(self) -> bool:
        """Whether so little of it is left in the caches when it is read that it may be written past them."""
        return 4 * self.size > CACHED

    @property
    def is_bare(self) -> bool:
        return self.halo == BARE

    @property
    def values(self) -> int:
        """The values that count."""
        return self.batch * self.channels * math.prod(self.cells)

    def at(self, sample: int, block: int, cell: Three) -> int:
        """Where the vector of a block and a cell begins; cells of the halo are negative or beyond the last."""
        z, i, j = (n + low for n, (low, _) in zip(cell, self.halo, strict=True))
        return sample * self.sample + (self.first + block) * self.block + z * self.plane + i * self.row + j * self.lanes

    def close(self) -> Maps:
        """The same with nothing between samples."""
        return replace(self, step=self.blocks * self.block)

    def regrouped(self, batch: int, channels: int) -> Maps:
        """Maps that are close, as others in the same order: whole blocks of them are samples by themselves."""
        return replace(self, batch=batch, channels=channels, step=channels // self.lanes * self.block)

    def part(self, first: int, channels: int) -> Maps:
        """The maps that begin at block `first`."""
        return replace(self, channels=channels, first=self.first + first, of=self.of or self.blocks)
