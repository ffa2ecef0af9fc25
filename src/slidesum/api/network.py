"""What `ss.Network` is: the builder's verbs, and everything that can be asked of what was built."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from slidesum.api.exports import Exports
from slidesum.core.network import Graph
from slidesum.core.sizes import RatioLike, Size
from slidesum.draft.replay import with_sizes
from slidesum.draft.verbs import Verbs
from slidesum.errors import UsageError
from slidesum.laws.graph import reaches, totals
from slidesum.laws.parameters import kept_parameters
from slidesum.laws.reach import Reach

if TYPE_CHECKING:
    from pathlib import Path

    from slidesum.run.compiled import Compiled
    from slidesum.run.verify import Verified
    from slidesum.show.cost import Cost
    from slidesum.show.explanation import Explanation
    from slidesum.show.instead import Instead
    from slidesum.show.table import Table


class Network(Verbs, Exports):
    """A network of equations.

    Build it with the verbs `input, conv, pool, linear, activation, norm, concat, add, flatten, dropout, softmax, distance`; sizes
    are integers or symbols.

    >>> net = Network("one layer")
    >>> x = net.input("b c i j", b=1, c="k1", i="n", j="m")
    >>> x = net.conv(x, "b c i+u j+v, o c u v -> b o i j", o="k2", u=5, v=5, padding="same", bias="o")
    >>> net.parameters
    25*k1*k2 + k2
    >>> net.with_sizes(k1=3, k2=8, n=28, m=28).macs
    470400
    """

    def __init__(self, name: str) -> None:
        if not isinstance(name, str):
            raise UsageError(f"a network's name is text, not {name!r}", advice='Write Network("two layers"), say.')
        super().__init__(name)
        self._values: dict[str, Any] = {}
        self._remarks: tuple[str, ...] = ()

    @classmethod
    def of(cls, graph: Graph, values: Mapping[str, Any] | None = None, *, remarks: tuple[str, ...] = ()) -> Network:
        """A network from its graph, with or without arrays; `remarks` say how it was read."""
        net = cls(graph.name)
        net.adopt(graph)
        net._remarks = remarks
        if values is not None:
            net.values = values
        return net

    @property
    def remarks(self) -> tuple[str, ...]:
        """Of a network that was read from a foreign model: by which reader, and which operations stayed opaque layers."""
        return self._remarks

    # What it has and costs

    @property
    def weights(self) -> Size:
        """The numbers that the filters hold."""
        return totals(self.graph).weights

    @property
    def biases(self) -> Size:
        """The numbers added after the sums."""
        return totals(self.graph).biases

    @property
    def parameters(self) -> Size:
        """Weights and biases."""
        return totals(self.graph).parameters

    @property
    def macs(self) -> Size:
        """Multiply-adds: one per multiplication that the equations ask for, taps in the padding counted, bias not."""
        return totals(self.graph).macs

    @property
    def macs_inside(self) -> Size:
        """Multiply-adds without the taps in the padding."""
        return totals(self.graph).macs_inside

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols that stand for sizes."""
        return self.graph.symbols

    def reach(self, layer: str | None = None) -> Mapping[str, Reach]:
        """The receptive field of a layer (the last one if none is named), with its stride and padding, along every input axis."""
        return reaches(self.graph)[self.graph[layer].name if layer else self.graph.output.name]

    def table(self, *, depth: int | None = None, sort: str | None = None) -> Table:
        """A row a layer: kind, equation, maps, size, counts, reach. Prints itself; has to_json, to_csv, to_markdown.

        `depth=1` makes one row of all layers whose names begin alike ("block1/conv1", "block1/relu"), with their sums; `sort` names
        the column to sort by: a count from the largest, names from a to z.
        """
        from slidesum.show.table import Table

        return Table(self.graph, depth=depth, sort=sort, remarks=self._remarks)

    def compare_layers(self, *, groups: int = 2, squeeze: int = 4) -> Instead:
        """What every standard layer (type 2.2 with a window) would cost in another form. Prints itself; has to_json and the like.

        `groups` is the number of groups of the grouped form; the bottleneck's middle has a `squeeze`-th of the filters.

        >>> net = Network("one")
        >>> x = net.input("b c i j", b=1, c=64, i=56, j=56)
        >>> x = net.conv(x, "b c i+u j+v, o c u v -> b o i j", o=128, u=3, v=3, padding="same", name="conv")
        >>> [(row["form"], round(row["weights_percent"], 1)) for row in net.compare_layers()][1:4]
        [('separable', 11.9), ('2 groups', 50.0), ('bottleneck', 20.8)]
        """
        from slidesum.show.instead import Instead

        return Instead(self.graph, groups=groups, squeeze=squeeze)

    def cost(self, vary: str | Sequence[str] = "width", at: Sequence[Any] | None = None) -> Cost:
        """How the cost grows in "width", "depth", "resolution" or "batch", or in several. Prints itself.

        The object has `.polynomial` (by count: exact formulas in α, d, ρ, β), `.exponents`, `.points` (at the sizes `at`, multiples
        of the declared one), `.to_json()` and the like, `.plot("cost.png")`.

        >>> net = Network("chain")
        >>> x = net.linear(net.input("b f", b=1, f=100), 50)
        >>> x = net.linear(net.linear(x, 50), 10)
        >>> net.cost("width").polynomial["parameters"]
        2500*α**2 + 5600*α + 10

        Raises UsageError where that can't be varied, SizeError where a size would be no whole number.
        """
        from slidesum.show.cost import Cost

        return Cost(self.graph, vary, at)

    def with_sizes(self, **numbers: RatioLike) -> Network:
        """The same network with these symbols replaced; without any, a copy with the same arrays.

        A symbol that only multiplies may be given a fraction, such as "3/4" or 0.75, if every size becomes whole.
        """
        values = self._values if self._values and not numbers else None
        return Network.of(with_sizes(self.graph, numbers), values, remarks=self._remarks)

    # Numbers

    @property
    def values(self) -> dict[str, Any]:
        """The arrays by "layer.array" ("conv1.w", "conv1.bias"). What wasn't set or trained is drawn with seed 0 at first use."""
        from slidesum.run.network import initial_values

        if any(f"{node.name}.{p.name}" not in self._values for node in self.graph for p in kept_parameters(node)):
            self._values = initial_values(self.graph) | self._values
        return self._values

    @values.setter
    def values(self, values: Mapping[str, Any]) -> None:
        from slidesum.run.network import checked_values

        self._values = checked_values(self.graph, values)

    @property
    def has_values(self) -> bool:
        """Whether arrays were set, trained or loaded; otherwise `values` draws them at random."""
        return bool(self._values)

    def initialise(self, seed: int = 0, dtype: str = "float32") -> None:
        """Draw the arrays anew; the same seed gives the same arrays."""
        from slidesum.run.network import initial_values

        self._values = initial_values(self.graph, seed, dtype)

    def run(self, *inputs: Any) -> dict[str, Any]:
        """Every activation by the name of its layer, computed by the library that the input belongs to.

        The batch may differ from the declared one, and leading axes of extent one may be left out: a 28×28 image is fine for
        `b c i j` with one colour.

        >>> net = Network("one")
        >>> x = net.linear(net.input("b f", b=1, f=4), 2, name="linear")
        >>> {name: array.shape for name, array in net.run([[1.0, 2.0, 3.0, 4.0]] * 5).items()}
        {'input': (5, 4), 'linear': (5, 2)}
        """
        from slidesum.run.network import run

        return run(self.graph, self.values, *inputs)

    def compile(
        self,
        batch: int | None = None,
        *,
        threads: int | None = None,
        exact: bool = False,
        tune: bool | float = False,
        weights: str = "float32",
    ) -> Compiled:
        """The network as one native program for this processor: `fast = net.compile(batch=1)`, then `fast(x)`, in float32.

        `batch` is fixed from then on (the declared one, if it isn't given), `threads` are those of the processor without a number.
        `exact=True` forbids Winograd's transforms, which round a little differently. With `weights="float16"` or "bfloat16", layers
        that wait for their weights (fully connected ones, of a small batch) store them rounded, in half the bytes. It prints itself
        as a table: which kernel computes a layer, how many multiply-adds that takes, the bytes that are held. Needs llvmlite (the
        extra `native`); without it, or on an unknown processor, layers are computed by their plans, and the table says so.

        `tune=True` measures for each layer which of some ways is the fastest here, for up to a minute (`tune=20`: 20 seconds). What
        was measured is kept on the disk and isn't measured again. Other ways round otherwise, within the same bound.

        >>> net = Network("one")
        >>> x = net.conv(net.input("b c i j", b=1, c=3, i=8, j=8), "b c i+u j+v, o c u v -> b o i j", o=4, u=3, v=3, name="conv")
        >>> fast = net.compile(batch=2, threads=1)
        >>> fast([[[[1.0] * 8] * 8] * 3] * 2).shape
        (2, 4, 6, 6)

        Raises UsageError where it can't be built with that batch, SizeError while sizes are symbols, ArrayError for a weight beyond
        the numbers that are asked for.
        """
        from slidesum.run.compiled import Compiled
        from slidesum.run.rebatched import rebatched

        return Compiled(rebatched(self.graph, batch), self.values, threads=threads, exact=exact, tune=tune, weights=weights)

    def verify(self, seed: int = 0) -> Verified:
        """Run it on random numbers of the declared shapes: has every result the shape told, and finite numbers? Prints itself."""
        from slidesum.run.verify import verify

        return verify(self.graph, self.values, seed)

    def explain(self, layer: str, at: Sequence[int], given: Any) -> Explanation:
        """Every term that made one number of a layer; `given` are the activations of a run, or an input to run on.

        >>> net = Network("one")
        >>> x = net.conv(net.input("b c i", b=1, c=2, i=4), "b c i+u, o c u -> b o i", o=3, u=2, name="conv")
        >>> why = net.explain("conv", at=(0, 2, 1), given=[[[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]]])
        >>> [term.cell for term in why.terms], why.relative_residual < 1e-6
        ([(0, 0, 1), (0, 0, 2), (0, 1, 1), (0, 1, 2)], True)
        """
        from slidesum.show.explanation import explain

        maps = given if isinstance(given, Mapping) else self.run(given)
        return explain(self.graph, self.values, maps, layer, at)

    @classmethod
    def from_sheet(cls, path: str | Path) -> tuple[Network, Any]:
        """The network of a workbook that `sheet` wrote, with the numbers that stand there now, and its input.

        Of a network with several inputs, a tuple of them. Needs the package openpyxl. Raises FileError for any other file.
        """
        from pathlib import Path

        from slidesum.show.sheet.read import read_sheet

        graph, values, images = read_sheet(Path(path))
        given = tuple(images.values())
        return cls.of(graph, values), given[0] if len(given) == 1 else given

    def __rich__(self) -> Any:
        return self.table().__rich__()

    def __str__(self) -> str:
        return str(self.table())

    def __repr__(self) -> str:
        return f"<Network {self.name!r}: {len(self.graph.nodes)} layers>"
