"""Pieces of ConvNeXt (Liu et al. 2022, figure 4) and of ViT (Dosovitskiy et al. 2021, section 3.1), small, and without biases.

Normalisation, activation and softmax multiply nothing that an equation asks for; the tools' estimates of them are left out by the
tools' own options (see the adapters).
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from slidesum.bench.tools.case import Case, Weights
from slidesum.bench.tools.judge import Array, Loops


class ConvNeXtBlock(nn.Module):
    """Depthwise 7×7, then two linear layers at every place."""

    def __init__(self, maps: int = 8) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(maps, maps, 7, padding=3, groups=maps, bias=False)
        self.norm = nn.LayerNorm(maps)
        self.wider = nn.Linear(maps, 4 * maps, bias=False)
        self.narrower = nn.Linear(4 * maps, maps, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.norm(self.depthwise(x).permute(0, 2, 3, 1))
        y = self.narrower(F.gelu(self.wider(y)))
        return x + y.permute(0, 3, 1, 2)


class Patches(nn.Module):
    """Patches as tokens, and one token more."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Conv2d(3, 8, 4, stride=4, bias=False)
        self.token = nn.Parameter(torch.randn(1, 1, 8))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([self.token, self.embed(x).flatten(2).transpose(1, 2)], 1)


class Attention(nn.Module):
    """Heads that look at all tokens."""

    def __init__(self, width: int = 8, heads: int = 2) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = self.qkv(x).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        weights = (q @ k.transpose(2, 3) * q.shape[-1] ** -0.5).softmax(-1)
        return self.out((weights @ v).transpose(1, 2).flatten(2))


class FusedAttention(Attention):
    """The same, the middle in one call."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = self.qkv(x).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        return self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


class LibraryAttention(nn.Module):
    """The same as a layer of torch."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, bias=False, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.attention(x, x, x, need_weights=False)[0]


def convnext(run: Loops, w: Weights, x: Array) -> Array:
    """Of `ConvNeXtBlock`."""
    y = torch.from_numpy(run("b c i+u-3 j+v-3, c u v -> b i j c", x, w["depthwise.weight"][:, 0]))
    y = F.layer_norm(y, y.shape[-1:], torch.from_numpy(w["norm.weight"]), torch.from_numpy(w["norm.bias"]))
    wide = F.gelu(torch.from_numpy(run("b i j c, o c -> b i j o", y.numpy(), w["wider.weight"])))
    return x + run("b i j c, o c -> b o i j", wide.numpy(), w["narrower.weight"])


def patches(run: Loops, w: Weights, x: Array) -> Array:
    """Of `Patches`."""
    tokens = run("b c 4*i+u 4*j+v, o c u v -> b (i j) o", x, w["embed.weight"])
    return torch.cat([torch.from_numpy(w["token"]), torch.from_numpy(tokens)], 1).numpy()


def attention(run: Loops, w: Weights, x: Array) -> Array:
    """Of both attentions written out above."""
    return _attention(run, w["qkv.weight"], w["out.weight"], x)


def library_attention(run: Loops, w: Weights, x: Array) -> Array:
    """Of torch's layer, which keeps the matrices of queries, keys and values below each other, too."""
    return _attention(run, w["attention.in_proj_weight"], w["attention.out_proj.weight"], x)


def _attention(run: Loops, qkv: Array, out: Array, x: Array, heads: int = 2) -> Array:
    q, k, v = (run("b t c, (h d) c -> b h t d", x, part, h=heads) for part in qkv.reshape(3, -1, qkv.shape[1]))
    scores = run("b h t d, b h s d -> b h t s", q, k)
    weights = torch.softmax(torch.from_numpy(scores * q.shape[-1] ** -0.5), -1).numpy()
    heads_together = run("b h t s, b h s d -> b t (h d)", weights, v)
    return run("b t c, o c -> b t o", heads_together, out)


CASES = (
    Case(
        "convnext",
        "a ConvNeXt block",
        (1, 8, 6, 6),
        ConvNeXtBlock,
        convnext,
        why="torchinfo counts the matrices of both linear layers once instead of at 36 places. fvcore, thop, ptflops and "
        "onnx-tool estimate normalisation and GELU, which the adapters take out where the tool has an option for it; "
        "ptflops has none for `F.gelu`, and counts its 1,152 values.",
    ),
    Case("patches", "ViT: patches and a class token", (1, 3, 12, 12), Patches, patches),
    Case(
        "attention",
        "ViT: attention, written out",
        (1, 5, 8),
        Attention,
        attention,
        why="The products of queries and keys, and of weights and values, are written with `@`, which ptflops, thop and "
        "calflops do not see: 1,280 are the linear layers alone. torchinfo counts the matrices of these once instead "
        "of at five places.",
    ),
    Case(
        "fused-attention",
        "ViT: attention, torch's function",
        (1, 5, 8),
        FusedAttention,
        attention,
        why="fvcore (which warns), ptflops, thop and calflops have no rule for `scaled_dot_product_attention`, and torchinfo "
        "looks at modules. torch's own counter has rules for the kernels of a GPU, and none for the one that the CPU is "
        "dispatched to. onnx-tool is right, since the exporter writes the function out.",
    ),
    Case(
        "library-attention",
        "ViT: attention, torch's layer",
        (1, 5, 8),
        LibraryAttention,
        library_attention,
        why="torchinfo and thop count submodules that are called, and torch's layer calls none. ptflops has a rule for it, "
        "which adds the scaling of the queries (40), the softmax (50) and a bias (40) that isn't there; fvcore, calflops, "
        "torch's own counter and ptflops' other backend miss the attention itself, as above.",
    ),
)
