"""Every operator that is understood: the network computes what torch computes, in float64, also with another batch."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from slidesum.api.network import Network
from slidesum.core.ops import Opaque
from slidesum.read.torch_model import read_module


class Does(nn.Module):
    """A function as a module."""

    def __init__(self, function, **arrays):
        super().__init__()
        self.function = function
        for name, array in arrays.items():
            self.register_parameter(name, nn.Parameter(array))

    def forward(self, *xs):
        return self.function(*xs, *self.parameters())


def noise(*shape):
    return torch.rand(shape, generator=torch.Generator().manual_seed(sum(shape)), dtype=torch.float64) * 2 - 1


def shaken(module):
    """The module with every array drawn anew, running statistics too."""
    generator = torch.Generator().manual_seed(1)
    for array in (*module.parameters(), *module.buffers()):
        if array.is_floating_point():
            array.data = torch.rand(array.shape, generator=generator, dtype=torch.float64) + 0.25
    return module.double()


IMAGE, LINE, VOLUME, ROWS = (2, 4, 9, 8), (2, 4, 11), (2, 4, 6, 5, 7), (2, 6)
INDEX = torch.tensor([2, 0, 3])
MASK = torch.tensor([[True, False, True], [True, True, True], [False, False, True]])


def windows(x):
    return x.reshape(x.shape[0], 4, 2, 4, 2, 4).permute(0, 2, 4, 3, 5, 1).reshape(-1, 16, 4)


CONVOLUTIONS = {
    "conv1d": (nn.Conv1d(4, 6, 3, stride=2, padding=1), LINE),
    "conv2d": (nn.Conv2d(4, 6, (3, 2), stride=(2, 1), padding=(1, 0), dilation=(1, 2)), IMAGE),
    "conv2d without bias": (nn.Conv2d(4, 6, 1, bias=False), IMAGE),
    "conv2d in groups": (nn.Conv2d(4, 6, 3, groups=2), IMAGE),
    "conv2d depthwise": (nn.Conv2d(4, 4, 3, groups=4, padding=1), IMAGE),
    "conv2d depthwise, two filters a map": (nn.Conv2d(4, 8, 3, groups=4), IMAGE),
    "conv2d same": (nn.Conv2d(4, 5, (2, 3), padding="same", dilation=(1, 2)), IMAGE),
    "conv2d valid": (nn.Conv2d(4, 5, 3, padding="valid"), IMAGE),
    "conv2d reflected": (nn.Conv2d(4, 5, 3, padding=2, padding_mode="reflect"), IMAGE),
    "conv2d circular": (nn.Conv2d(4, 5, 3, padding=1, padding_mode="circular"), IMAGE),
    "conv2d replicated, same": (nn.Conv2d(4, 5, (2, 4), padding="same", padding_mode="replicate"), IMAGE),
    "conv2d of functions": (Does(lambda x, w: F.conv2d(x, w, stride=2), w=noise(3, 4, 3, 3)), IMAGE),
    "conv3d": (nn.Conv3d(4, 2, (3, 2, 3), stride=(1, 2, 1), padding=(1, 0, 1)), VOLUME),
    "conv_transpose1d": (nn.ConvTranspose1d(4, 3, 4, stride=3, padding=1, output_padding=2), LINE),
    "conv_transpose2d": (nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=(1, 0)), IMAGE),
    "conv_transpose2d, kernel is stride": (nn.ConvTranspose2d(4, 6, 2, stride=2), IMAGE),
    "conv_transpose2d in groups": (nn.ConvTranspose2d(4, 6, 3, stride=2, groups=2, dilation=2), IMAGE),
    "conv_transpose2d depthwise": (nn.ConvTranspose2d(4, 4, 3, stride=2, groups=4), IMAGE),
    "conv_transpose3d": (nn.ConvTranspose3d(4, 2, 2, stride=2), VOLUME),
    "a filter that is computed": (
        Does(lambda x, w: F.conv2d(x, w / w.sum((1, 2, 3), keepdim=True)), w=noise(3, 4, 3, 3) + 2),
        IMAGE,
    ),
    "a depthwise filter that is computed": (Does(lambda x, w: F.conv2d(x, 2 * w, groups=4), w=noise(4, 1, 3, 3)), IMAGE),
    "a bias that is computed": (Does(lambda x, w, a: F.conv2d(x, w, a * 2), w=noise(3, 4, 3, 3), a=noise(3)), IMAGE),
    "weight norm": (nn.utils.parametrizations.weight_norm(nn.Conv2d(4, 3, 3)), IMAGE),
}

PRODUCTS = {
    "linear": (nn.Linear(6, 3), ROWS),
    "linear without bias": (nn.Linear(6, 3, bias=False), ROWS),
    "linear on three axes": (nn.Linear(11, 3), LINE),
    "linear on four axes": (nn.Linear(8, 3), IMAGE),
    "linear on five axes": (nn.Linear(7, 3), VOLUME),
    "mm with a parameter": (Does(lambda x, w: x @ w, w=noise(6, 5)), ROWS),
    "matmul with a parameter": (Does(lambda x, w: torch.matmul(x, w), w=noise(8, 5)), IMAGE),
    "matmul with a transposed parameter": (Does(lambda x, w: x @ w.t(), w=noise(5, 6)), ROWS),
    "matmul of two results": (Does(lambda x: x @ x.mT), IMAGE),
    "matmul of stacks of stacks": (Does(lambda x: x @ x[:, :, :1].mT), (2, 2, 3, 2, 3, 4)),
    "linear on nine axes": (nn.Linear(4, 5), (2, 1, 2, 1, 2, 1, 2, 1, 4)),
    "matmul repeats": (Does(lambda x: x @ x.mean(1, keepdim=True).mT), IMAGE),
    "matmul of a matrix and a batch": (Does(lambda x, w: torch.matmul(w, x), w=noise(5, 4)), LINE),
    "matmul with a vector": (Does(lambda x, w: torch.matmul(x, w), w=noise(11)), LINE),
    "bmm": (Does(lambda x: torch.bmm(x, x.transpose(1, 2))), LINE),
    "addmm": (Does(lambda x, a, w: torch.addmm(a, x, w), a=noise(3), w=noise(6, 3)), ROWS),
    "baddbmm": (Does(lambda x: torch.baddbmm(x.mean(2, keepdim=True), x, x.mT)), LINE),
    "einsum": (Does(lambda x: torch.einsum("bcij,bdij->bcd", x, x)), IMAGE),
    "einsum with a parameter": (Does(lambda x, w: torch.einsum("bcij,oc->boij", x, w), w=noise(3, 4)), IMAGE),
    "attention": (Does(lambda x: F.scaled_dot_product_attention(x, 2 * x, x + 1)), IMAGE),
    "attention with a scale": (Does(lambda x: F.scaled_dot_product_attention(x, x, x, scale=0.3)), IMAGE),
    "causal attention": (Does(lambda x: F.scaled_dot_product_attention(x, x, x, is_causal=True)), IMAGE),
    "masked attention": (Does(lambda x: F.scaled_dot_product_attention(x, x, x, attn_mask=MASK)), (2, 4, 3, 8)),
    "multi-head attention": (nn.MultiheadAttention(8, 2, batch_first=True), (2, 5, 8)),
    "a transformer's layer": (nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, norm_first=True), (2, 5, 8)),
    "a bilinear form": (Does(lambda x, w: torch.einsum("bi,oij,bj->bo", x, w, x), w=noise(3, 6, 6)), ROWS),
}

POOLS = {
    "max_pool1d": (nn.MaxPool1d(3, 2, 1), LINE),
    "max_pool2d": (nn.MaxPool2d((3, 2), stride=(2, 1), padding=(1, 0)), IMAGE),
    "max_pool2d, ceil": (nn.MaxPool2d(3, 2, ceil_mode=True), IMAGE),
    "max_pool2d, ceil and padding": (nn.MaxPool2d(3, 2, 1, ceil_mode=True), IMAGE),
    "max_pool2d, dilated": (nn.MaxPool2d(2, 1, dilation=3), IMAGE),
    "max_pool2d, indices unread": (Does(lambda x: F.max_pool2d(x, 2, return_indices=True)[0]), IMAGE),
    "max_pool3d": (nn.MaxPool3d(2), VOLUME),
    "avg_pool1d": (nn.AvgPool1d(3, 2), LINE),
    "avg_pool2d": (nn.AvgPool2d(3, 2), IMAGE),
    "avg_pool2d, padding counted": (nn.AvgPool2d(3, 2, 1), IMAGE),
    "avg_pool2d, padding not counted": (nn.AvgPool2d(3, 2, 1, count_include_pad=False), IMAGE),
    "avg_pool2d, ceil": (nn.AvgPool2d(3, 2, ceil_mode=True), IMAGE),
    "avg_pool2d, ceil and padding": (nn.AvgPool2d(3, 2, 1, ceil_mode=True), IMAGE),
    "avg_pool2d, divisor": (nn.AvgPool2d(2, divisor_override=3), IMAGE),
    "avg_pool3d": (nn.AvgPool3d((2, 1, 3), padding=(1, 0, 1)), VOLUME),
    "adaptive to one": (nn.AdaptiveAvgPool2d(1), IMAGE),
    "adaptive to the same": (nn.AdaptiveAvgPool2d((9, 8)), IMAGE),
    "adaptive by whole windows": (nn.AdaptiveAvgPool2d((3, 4)), IMAGE),
    "adaptive by uneven windows": (nn.AdaptiveAvgPool2d((4, 3)), IMAGE),
    "adaptive maximum": (nn.AdaptiveMaxPool2d((3, 2)), IMAGE),
    "adaptive in three dimensions": (nn.AdaptiveAvgPool3d(1), VOLUME),
    "mean": (Does(lambda x: x.mean((2, 3))), IMAGE),
    "mean, axes kept": (Does(lambda x: x.mean((-1, -2), keepdim=True)), IMAGE),
    "sum over the maps": (Does(lambda x: x.sum(1)), IMAGE),
    "amax": (Does(lambda x: x.amax((1, 3))), IMAGE),
    "max over an axis, places unread": (Does(lambda x: x.max(2)[0]), IMAGE),
    "min over an axis": (Does(lambda x: x.amin(1, keepdim=True)), IMAGE),
    "nearest upsampling": (nn.Upsample(scale_factor=2), IMAGE),
    "nearest upsampling of one axis": (nn.Upsample(scale_factor=(1, 3)), IMAGE),
    "nearest upsampling, uneven": (nn.Upsample(size=(13, 5)), IMAGE),
    "bilinear upsampling": (nn.Upsample(scale_factor=2, mode="bilinear"), IMAGE),
    "bilinear upsampling, corners aligned": (nn.Upsample(size=(5, 13), mode="bilinear", align_corners=True), IMAGE),
    "linear upsampling": (nn.Upsample(scale_factor=1.5, mode="linear"), LINE),
    "trilinear upsampling": (nn.Upsample(scale_factor=2, mode="trilinear"), VOLUME),
}

VALUES = {
    **{
        name: (Does(function), IMAGE)
        for name, function in {
            "relu": F.relu, "relu6": F.relu6, "leaky relu": F.leaky_relu, "elu": F.elu, "selu": F.selu, "celu": F.celu,
            "sigmoid": torch.sigmoid, "hard sigmoid": F.hardsigmoid, "tanh": torch.tanh, "silu": F.silu, "hard swish": F.hardswish,
            "mish": F.mish, "gelu": F.gelu, "softplus": F.softplus, "softsign": F.softsign, "hardtanh": F.hardtanh, "glu": F.glu,
            "log sigmoid": F.logsigmoid, "exp": torch.exp, "abs": torch.abs, "neg": torch.neg, "erf": torch.erf, "sin": torch.sin,
            "cos": torch.cos, "floor": torch.floor, "ceil": torch.ceil, "round": torch.round, "sign": torch.sign,
        }.items()
    },
    "gelu by tanh": (nn.GELU("tanh"), IMAGE),
    "elu with alpha": (nn.ELU(0.7), IMAGE),
    "relu in place": (nn.Sequential(nn.Conv2d(4, 3, 1), nn.ReLU(inplace=True)), IMAGE),
    "prelu": (nn.PReLU(4), IMAGE),
    "prelu with one slope": (nn.PReLU(), IMAGE),
    "clamp": (Does(lambda x: x.clamp(-0.5, 0.25)), IMAGE),
    "clamp from below": (Does(lambda x: x.clamp(min=0.1)), IMAGE),
    "functions of positive numbers": (Does(lambda x: (x.abs() + 1).log() + (x * x + 1).sqrt() + (x**2 + 1).rsqrt()), IMAGE),
    "arithmetic with numbers": (Does(lambda x: (1 - x) / 3 + 2 * x - 0.5 + 1 / (x + 3) + (-x) ** 2), IMAGE),
    "arithmetic of arrays": (Does(lambda x: x * x.exp() / (x.abs() + 1) - x.tanh() + torch.add(x, x, alpha=0.5)), IMAGE),
    "maximum and minimum": (Does(lambda x: torch.maximum(x, -x) - torch.minimum(x, x.tanh())), IMAGE),
    "a scale a map": (Does(lambda x, s: x * s, s=noise(4, 1, 1)), IMAGE),
    "a number first": (Does(lambda x, s: s - x / s, s=noise(8) + 2), IMAGE),
    "in place": (Does(lambda x: (x * 1).add_(x).mul_(2).sub_(1)), IMAGE),
    "softmax": (nn.Softmax(1), IMAGE),
    "log softmax": (nn.LogSoftmax(-1), ROWS),
    "dropout": (nn.Dropout(0.3), IMAGE),
    "zeros like": (Does(lambda x: x + torch.ones_like(x) * 2 + torch.zeros_like(x)), IMAGE),
    "batch norm": (nn.BatchNorm2d(4), IMAGE),
    "batch norm without scale": (nn.BatchNorm1d(6, affine=False), ROWS),
    "batch norm in three dimensions": (nn.BatchNorm3d(4, eps=0.1), VOLUME),
    "layer norm": (nn.LayerNorm(8), IMAGE),
    "layer norm over three axes": (nn.LayerNorm((4, 9, 8)), IMAGE),
    "layer norm without bias": (nn.LayerNorm(6, bias=False), ROWS),
    "rms norm": (nn.RMSNorm(8, eps=1e-3), IMAGE),
    "group norm": (nn.GroupNorm(2, 4), IMAGE),
    "group norm without scale": (nn.GroupNorm(2, 4, affine=False), IMAGE),
    "instance norm": (nn.InstanceNorm2d(4), IMAGE),
    "instance norm with scale": (nn.InstanceNorm1d(4, affine=True), LINE),
    "response norm": (nn.LocalResponseNorm(3, alpha=0.1, k=2), IMAGE),
    "normalised rows": (Does(lambda x: F.normalize(x, dim=1)), ROWS),
}  # fmt: skip

MOVES = {
    "cat": (Does(lambda x: torch.cat([x, 2 * x, -x], 1)), IMAGE),
    "stack": (Does(lambda x: torch.stack([x, 2 * x], 2)), IMAGE),
    "chunk": (Does(lambda x: torch.cat(x.chunk(3, 2)[::-1], 2)), IMAGE),
    "split": (Does(lambda x: x.split(3, 3)[1] * 2), IMAGE),
    "split by sizes": (Does(lambda x: torch.split(x, [1, 3], 1)[1]), IMAGE),
    "unbind": (Does(lambda x: sum(x.unbind(1))), IMAGE),
    "select": (Does(lambda x: x.select(1, -1)), IMAGE),
    "narrow": (Does(lambda x: x.narrow(2, 1, 4)), IMAGE),
    "indices": (Does(lambda x: x[:, 1, 2:-1:2, None, -3:]), IMAGE),
    "an ellipsis": (Does(lambda x: x[..., 0]), IMAGE),
    "a list of cells": (Does(lambda x: x[:, INDEX]), IMAGE),
    "index_select": (Does(lambda x: x.index_select(3, INDEX)), IMAGE),
    "flip": (Does(lambda x: x.flip(2, 3)), IMAGE),
    "roll": (Does(lambda x: x.roll((2, -1), (2, 3))), IMAGE),
    "flatten": (nn.Flatten(), IMAGE),
    "flatten in the middle": (nn.Flatten(1, 2), IMAGE),
    "unflatten": (nn.Unflatten(1, (2, 2)), IMAGE),
    "view": (Does(lambda x: x.view(x.size(0), -1)), IMAGE),
    "windows of a batch": (Does(lambda x: windows(x[:, :, :8])), IMAGE),
    "squeeze": (Does(lambda x: x.mean(1, keepdim=True).squeeze(1).unsqueeze(-1)), IMAGE),
    "permute": (Does(lambda x: x.permute(0, 2, 3, 1).contiguous()), IMAGE),
    "transpose": (Does(lambda x: x.transpose(-1, 1)), IMAGE),
    "movedim": (Does(lambda x: x.movedim(1, -1)), IMAGE),
    "T": (Does(lambda x, w: F.linear(x, w.T), w=noise(6, 5)), ROWS),
    "expand": (Does(lambda x: x.mean(1, keepdim=True).expand(-1, 5, -1, -1)), IMAGE),
    "expand to the batch": (Does(lambda x, t: torch.cat([t.expand(x.shape[0], -1, -1), x], 1), t=noise(1, 1, 11)), LINE),
    "repeat": (Does(lambda x: x.repeat(1, 2, 1, 3)), IMAGE),
    "repeat to the batch": (Does(lambda x, t: x + t.repeat(x.shape[0], 1, 1), t=noise(1, 4, 11)), LINE),
    "repeat_interleave": (Does(lambda x: x.repeat_interleave(3, dim=2)), IMAGE),
    "pad": (Does(lambda x: F.pad(x, (1, 2, 0, 3))), IMAGE),
    "pad with a number": (Does(lambda x: F.pad(x, (1, 2), value=2.5)), IMAGE),
    "crop": (Does(lambda x: F.pad(x, (-1, 2, -2, 0))), IMAGE),
    "reflection": (nn.ReflectionPad2d((1, 2, 3, 0)), IMAGE),
    "replication": (nn.ReplicationPad1d(2), LINE),
    "circular": (nn.CircularPad2d(2), IMAGE),
    "pixel shuffle": (nn.PixelShuffle(2), IMAGE),
    "pixel unshuffle": (nn.PixelUnshuffle(2), (2, 3, 8, 6)),
    "channel shuffle": (nn.ChannelShuffle(2), IMAGE),
    "channel shuffle by hand": (Does(lambda x: x.view(x.shape[0], 2, 2, 9, 8).transpose(1, 2).reshape(x.shape)), IMAGE),
    "a constant in place": (Does(lambda x: x + torch.zeros(9, 8, dtype=x.dtype).index_fill_(0, INDEX, 2.0)), IMAGE),
    "a loop": (Does(lambda x, w: [x := torch.tanh(x @ w) for _ in range(3)][-1], w=noise(6, 6)), ROWS),
}  # fmt: skip

CASES = CONVOLUTIONS | PRODUCTS | POOLS | VALUES | MOVES


def same(module, *inputs, reader=None):
    """Read with a batch of two; compare with torch for this batch and for another. Returns what was read."""
    if isinstance(module, nn.MultiheadAttention):
        attention, module = module, Does(lambda x: attention(x, x, x, need_weights=False)[0])
    read = read_module(module, inputs, reader=reader)
    assert read.unsupported == ()
    assert not any(isinstance(node.op, Opaque) for node in read.graph)
    net = Network.of(read.graph, read.values)
    for batch in (2, 3):
        given = [torch.cat([x, x[:1] * 0.5])[:batch] if x.ndim else x for x in inputs]
        with torch.no_grad():
            wanted = module(*given)
        found = net.run(*given)
        wanted = wanted if isinstance(wanted, tuple) else (wanted,)
        for node, array in zip(net.graph.outputs, wanted, strict=True):
            np.testing.assert_allclose(found[node.name].numpy(), array.numpy(), rtol=1e-9, atol=1e-11)
    return net


pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning")  # told once a process


@pytest.mark.parametrize("name", CASES)
def test_an_operator_computes_what_torch_computes(name):
    module, shape = CASES[name]
    same(shaken(module).eval(), noise(*shape))


@pytest.mark.parametrize("module", [nn.LogSoftmax(-1), nn.LogSigmoid()])
def test_logarithms_of_shares_lose_nothing(module):
    """The logarithm of a softmax, or of a sigmoid, would be -inf here."""
    same(module, torch.tensor([[0.0, -1000.0, 1000.0], [-2000.0, 0.0, 3.0]], dtype=torch.float64))


EXPORTED = (
    *("conv2d same", "conv2d in groups", "conv_transpose2d", "conv2d circular", "linear on four axes", "matmul of two results"),
    *("attention", "einsum", "avg_pool2d, ceil", "adaptive by whole windows", "nearest upsampling", "bilinear upsampling"),
    *("relu in place", "clamp", "arithmetic with numbers", "batch norm", "layer norm", "group norm", "softmax", "chunk", "indices"),
    *("windows of a batch", "expand to the batch", "reflection", "pixel shuffle", "a list of cells", "max_pool2d, indices unread"),
)
"""A part of the cases goes through torch.export, too, and through the file format with it."""


@pytest.mark.parametrize("name", EXPORTED)
def test_an_exported_program_is_the_same_network(name):
    module, shape = CASES[name]
    same(shaken(module).eval(), noise(*shape), reader="torch.export")


@pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning")  # torch's own
@pytest.mark.parametrize("name", ["conv2d", "linear on four axes", "avg_pool2d, padding counted", "layer norm", "batch norm"])
def test_a_decomposed_program_is_the_same_network(name):
    from io import BytesIO

    from slidesum.read.torch_exported import read_exported
    from slidesum.read.torch_translate import translate

    module, shape = CASES[name]
    module, x = shaken(module).eval(), noise(*shape)
    kept = BytesIO()
    torch.export.save(torch.export.export(module, (x,)).run_decompositions(), kept)
    read = translate(read_exported(kept.getvalue(), "decomposed"))
    assert read.unsupported == ()
    net = Network.of(read.graph, read.values)
    with torch.no_grad():
        np.testing.assert_allclose(net.run(x)[net.graph.output.name].numpy(), module(x).numpy(), rtol=1e-9, atol=1e-11)
