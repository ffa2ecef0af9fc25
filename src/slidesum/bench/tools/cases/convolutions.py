"""Layers of torch that convolve: transposed, grouped, dilated, padded, without a batch, in one and three dimensions."""

from __future__ import annotations

from torch import nn

from slidesum.bench.tools.case import Case, one_equation

CASES = (
    one_equation(
        "plain",
        "a convolution",
        (1, 3, 8, 8),
        lambda: nn.Conv2d(3, 4, 3, bias=False),
        "b c i+u j+v, o c u v -> b o i j",
    ),
    Case(
        "bias",
        "a convolution with a bias",
        (1, 3, 8, 8),
        lambda: nn.Conv2d(3, 4, 3),
        lambda run, w, x: run("y[b,o,i,j] = x[b,c,i+u,j+v] * w[o,c,u,v] + a[o]", x, w["weight"], bias=w["bias"]),
        why="torchinfo, both backends of ptflops and onnx-tool count one for every value that the bias is added to, 144 "
        "here. That is an addition and no product, so their figure is right in their unit, and the rows below have no "
        "biases.",
    ),
    one_equation(
        "padding",
        "padding",
        (1, 3, 8, 8),
        lambda: nn.Conv2d(3, 4, 5, padding=2, bias=False),
        "b c i+u-2 j+v-2, o c u v -> b o i j",
    ),
    one_equation(
        "padding-same",
        "padding by word, an even filter",
        (1, 3, 8, 8),
        lambda: nn.Conv2d(3, 4, 4, padding="same", bias=False),
        "b c i+u j+v, o c u v -> b o i j",
        padding="same",
        why="fvcore knows the operator `_convolution`, and a padding given by word is traced as `_convolution_mode`: it "
        "warns, and counts nothing. calflops works the size of the result out from the padding on one side, (4 - 1) "
        "// 2, twice, and gets 7×7 instead of 8×8.",
    ),
    one_equation(
        "circular",
        "circular padding",
        (1, 3, 8, 8),
        lambda: nn.Conv2d(3, 4, 3, padding=1, padding_mode="circular", bias=False),
        "b c i+u-1 j+v-1, o c u v -> b o i j",
        border="circular",
    ),
    one_equation(
        "dilated",
        "dilated",
        (1, 3, 9, 9),
        lambda: nn.Conv2d(3, 4, 3, dilation=2, bias=False),
        "b c i+2*u j+2*v, o c u v -> b o i j",
    ),
    one_equation(
        "grouped",
        "grouped",
        (1, 8, 6, 6),
        lambda: nn.Conv2d(8, 12, 3, groups=4, bias=False),
        "b (g c) i+u j+v, (g o) c u v -> b (g o) i j",
        g=4,
    ),
    Case(
        "depthwise",
        "depthwise",
        (1, 8, 6, 6),
        lambda: nn.Conv2d(8, 8, 3, groups=8, bias=False),
        lambda run, w, x: run("b c i+u j+v, c u v -> b c i j", x, w["weight"][:, 0]),
    ),
    one_equation(
        "transposed",
        "transposed",
        (1, 3, 2, 2),
        lambda: nn.ConvTranspose2d(3, 1, 2, stride=2, bias=False),
        "b c i j, c o u v -> b o 2*i+u 2*j+v",
        why="torchinfo multiplies the number of weights by the positions of the result whenever a class name contains "
        "“Conv”, and thop has one rule for convolutions and transposed ones: both slide the filter over the result, "
        "where it slides over the input. onnx-tool multiplies the values of the result by the filter's axes but the "
        "first, which in a transposed filter are those of the result: 16 · 1·2·2, without the three maps that are "
        "read.",
    ),
    Case(
        "transposed-cropped",
        "transposed, its edge cropped",
        (1, 3, 5, 5),
        lambda: nn.ConvTranspose2d(3, 4, 5, stride=2, padding=2, output_padding=1, bias=False),
        # torch multiplies everything and crops: so does this, where one equation with padding would leave out what falls outside
        lambda run, w, x: run("b c i j, c o u v -> b o 2*i+u 2*j+v", x, w["weight"])[..., 2:12, 2:12],
        why="The loop multiplies everything and crops, as torch does; without the products that are cropped there are "
        "5,808 (`macs_inside`). torchinfo and thop count the positions of the result, onnx-tool also takes the wrong "
        "axis of the filter.",
    ),
    one_equation(
        "transposed-grouped",
        "transposed, grouped",
        (1, 8, 4, 4),
        lambda: nn.ConvTranspose2d(8, 12, 3, stride=2, groups=4, bias=False),
        "b (g c) i j, (g c) o u v -> b (g o) 2*i+u 2*j+v",
        g=4,
        why="torchinfo and thop count the positions of the result, and onnx-tool multiplies by the three maps that a "
        "group makes, where it should be the two that it reads. calflops divides by the number of groups an axis that "
        "has been divided by it already, 3 // 4, and multiplies by the 0 that comes out.",
    ),
    Case(
        "transposed-depthwise",
        "transposed, depthwise",
        (1, 8, 4, 4),
        lambda: nn.ConvTranspose2d(8, 8, 3, stride=2, groups=8, bias=False),
        lambda run, w, x: run("b c i j, c u v -> b c 2*i+u 2*j+v", x, w["weight"][:, 0]),
        why="As above: the positions of the result in torchinfo, thop and onnx-tool. In calflops 1 // 8 is 0.",
    ),
    one_equation(
        "transposed-1d",
        "transposed, one dimension",
        (1, 3, 8),
        lambda: nn.ConvTranspose1d(3, 4, 4, stride=2, bias=False),
        "b c i, c o u -> b o 2*i+u",
        why="torchinfo and thop count the 18 positions of the result instead of the 8 of the input. onnx-tool does, and "
        "takes the four maps written for the three read besides.",
    ),
    one_equation(
        "3d",
        "three dimensions",
        (1, 2, 5, 6, 6),
        lambda: nn.Conv3d(2, 3, 3, bias=False),
        "b c i+u j+v k+t, o c u v t -> b o i j k",
    ),
    one_equation(
        "batch-free",
        "without a batch",
        (3, 8, 8),
        lambda: nn.Conv2d(3, 4, 3, bias=False),
        "c i+u j+v, o c u v -> o i j",
        why="Every one of these takes the first axis for the batch. torchinfo multiplies the weights by 4·6 instead of "
        "6·6, thop takes the height for the number of maps, ptflops counts a result of 3·6 positions and divides by "
        "three samples, and calflops stops at an assertion about the number of maps.",
    ),
    one_equation(
        "batch",
        "a batch of two",
        (2, 3, 8, 8),
        lambda: nn.Conv2d(3, 4, 3, bias=False),
        "b c i+u j+v, o c u v -> b o i j",
        batch=2,
        why="ptflops divides by the batch, and is right when that is undone.",
    ),
)
