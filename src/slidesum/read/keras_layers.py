"""Which function reads which Keras layer: the table `LAYERS`, and for calls of `keras.ops` the table of `keras_ops`.

A class that isn't Keras' own, or stands in no table, stays opaque: its name is a text, and nothing of it is imported.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from slidesum.read import keras_activations as activations
from slidesum.read import keras_attention as attention
from slidesum.read import keras_convolutions as convolutions
from slidesum.read import keras_norms as norms
from slidesum.read import keras_shapes as shapes
from slidesum.read.keras_call import Beyond, Call
from slidesum.read.keras_ops import OPERATIONS

Reader = Callable[[Call], Any]

LAYERS: Mapping[str, Reader] = {
    "Dense": convolutions.dense,
    "EinsumDense": attention.einsum_dense,
    **dict.fromkeys(("Conv1D", "Conv2D", "Conv3D"), convolutions.convolution),
    **dict.fromkeys(("DepthwiseConv1D", "DepthwiseConv2D"), convolutions.depthwise),
    **dict.fromkeys(("SeparableConv1D", "SeparableConv2D"), convolutions.separable),
    **dict.fromkeys(("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"), convolutions.transposed),
    **{f"{kind}Pooling{n}D": convolutions.pooling for kind in ("Max", "Average") for n in (1, 2, 3)},
    **{f"Global{kind}Pooling{n}D": convolutions.global_pooling for kind in ("Max", "Average") for n in (1, 2, 3)},
    "BatchNormalization": norms.batch_norm,
    "LayerNormalization": norms.layer_norm,
    "RMSNormalization": norms.rms_norm,
    "GroupNormalization": norms.group_norm,
    "Normalization": norms.normalization,
    "Rescaling": norms.rescaling,
    "LayerScale": norms.layer_scale,
    "CustomScaleLayer": norms.added_scale,
    **dict.fromkeys(
        ("Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "StochasticDepth"), activations.dropout
    ),
    **dict.fromkeys(
        ("Identity", "ActivityRegularization", "AlphaDropout", "GaussianDropout", "GaussianNoise"), activations.unchanged
    ),
    "Activation": activations.activation,
    **dict.fromkeys(("ReLU", "LeakyReLU", "ELU", "Softmax"), activations.activation_layer),
    "PReLU": activations.prelu,
    **{f"ZeroPadding{n}D": shapes.zero_padding for n in (1, 2, 3)},
    **{f"Cropping{n}D": shapes.cropping for n in (1, 2, 3)},
    **{f"UpSampling{n}D": shapes.upsampling for n in (1, 2, 3)},
    "Flatten": shapes.flatten,
    "Reshape": shapes.reshape,
    "Permute": shapes.permute,
    "RepeatVector": shapes.repeat_vector,
    **dict.fromkeys(("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"), shapes.merged),
    "Concatenate": shapes.concatenated,
    "Dot": attention.dot,
    "Attention": attention.attention,
    "MultiHeadAttention": attention.multi_head,
}


def read_call(call: Call, module: str) -> Any:
    """What one call makes. Raises Beyond if no node tells it."""
    if not module.startswith("keras"):
        raise Beyond(f"its class is of {module}, whose code isn't in the description")
    table = OPERATIONS if module.startswith("keras.src.ops") else LAYERS
    if call.kind not in table:
        raise Beyond("no layer of this network does what it does")
    if call.named.get("mask") is not None:
        raise Beyond("it is called with a mask")
    return table[call.kind](call)
