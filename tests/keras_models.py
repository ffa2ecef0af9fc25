"""Small Keras models, one a layer, each with an input: what the reader is compared on.

They run on torch. There Keras 3.15 repeats the last cells under an average whose padding is uneven, where TensorFlow and JAX leave
them out; such averages are not compared with it, but with the mean of the cells that are there.
"""

import os

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
import numpy as np
from keras import layers as L
from keras import ops


def randomised(model, seed=0):
    """The model with every array drawn: scales and variances around one, filters so that values keep their size, the rest small."""
    random = np.random.default_rng(seed)
    for variable in model.variables:
        if not str(variable.dtype).startswith("float"):
            continue
        around = 1 if any(word in variable.path for word in ("gamma", "variance")) else 0
        terms = np.prod(variable.shape[:-1]) if len(variable.shape) > 1 else 1
        bound = np.sqrt(6 / terms) if terms > 1 else 0.3
        variable.assign(around + random.uniform(-bound, bound, variable.shape).astype("float32"))
    for layer in model.layers:
        if isinstance(layer, L.Normalization):
            layer.finalize_state()
    return model


def of(layer, *shape):
    """A model of one layer."""
    x = keras.Input(shape)
    return keras.Model(x, layer(x))


def two(make, *shapes):
    """A model of several inputs."""
    inputs = [keras.Input(shape) for shape in shapes]
    return keras.Model(inputs, make(*inputs))


def first(kind, layer, *shape):
    """The same with channels first."""
    return of(kind(data_format="channels_first", **layer), *shape)


ACTIVATIONS = (
    *("relu", "relu6", "sigmoid", "tanh", "softmax", "elu", "selu", "silu", "swish", "gelu", "softplus", "softsign", "exponential"),
    *("hard_sigmoid", "hard_silu", "hard_tanh", "linear", "leaky_relu", "celu", "mish", "log_softmax"),
)

LAYERS = {
    "dense": lambda: of(L.Dense(5, activation="tanh"), 7),
    "dense on words": lambda: of(L.Dense(5, use_bias=False), 3, 7),
    "conv 1-D": lambda: of(L.Conv1D(4, 3, strides=2, padding="same"), 9, 3),
    "conv 1-D causal": lambda: of(L.Conv1D(4, 3, dilation_rate=2, padding="causal"), 9, 3),
    "conv 2-D": lambda: of(L.Conv2D(4, (3, 2), padding="valid", activation="relu"), 8, 7, 3),
    "conv 2-D same": lambda: of(L.Conv2D(4, 3, strides=2, padding="same"), 8, 7, 3),
    "conv 2-D same even": lambda: of(L.Conv2D(4, (4, 1), strides=(3, 2), padding="same"), 8, 7, 3),
    "conv 2-D dilated": lambda: of(L.Conv2D(4, 3, dilation_rate=(2, 1), padding="same", use_bias=False), 8, 7, 3),
    "conv 2-D 1x1": lambda: of(L.Conv2D(4, 1, strides=2), 8, 7, 3),
    "conv 2-D grouped": lambda: of(L.Conv2D(6, 3, groups=2, padding="same"), 5, 6, 4),
    "conv 3-D": lambda: of(L.Conv3D(2, (2, 3, 1), strides=(1, 2, 1)), 4, 5, 3, 2),
    "depthwise 1-D": lambda: of(L.DepthwiseConv1D(3, depth_multiplier=2, padding="same"), 7, 3),
    "depthwise 2-D": lambda: of(L.DepthwiseConv2D(3, strides=2, padding="same"), 8, 7, 3),
    "depthwise 2-D multiplied": lambda: of(L.DepthwiseConv2D((3, 2), depth_multiplier=2, use_bias=False), 8, 7, 3),
    "separable 1-D": lambda: of(L.SeparableConv1D(4, 3, strides=2), 8, 3),
    "separable 2-D": lambda: of(L.SeparableConv2D(4, 3, depth_multiplier=2, padding="same", activation="relu"), 6, 7, 3),
    **{
        f"transposed {n}-D {padding} {k}/{s}": lambda n=n, padding=padding, k=k, s=s: of(
            getattr(L, f"Conv{n}DTranspose")(3, k, strides=s, padding=padding), *(4, 5, 3)[:n], 2
        )
        for n, padding, k, s in [
            (1, "same", 3, 2),
            (1, "valid", 2, 3),
            (2, "same", 3, 2),
            (2, "same", 4, 2),
            (2, "same", 2, 3),
            (2, "valid", 3, 2),
            (2, "valid", 1, 2),
            (2, "valid", 1, 1),
            (2, "same", 5, 1),
            (3, "same", 3, 2),
        ]
    },
    "transposed with output padding": lambda: of(L.Conv2DTranspose(3, 3, strides=2, padding="same", output_padding=1), 4, 5, 2),
    "transposed valid with output padding": lambda: of(L.Conv2DTranspose(3, 3, strides=2, output_padding=(1, 0)), 4, 5, 2),
    "transposed dilated": lambda: of(L.Conv2DTranspose(3, 3, dilation_rate=2, padding="same"), 6, 5, 2),
    **{
        f"{kind} pooling {n}-D {padding}": lambda kind=kind, n=n, padding=padding: of(
            getattr(L, f"{kind}Pooling{n}D")(3 if n < 3 else 2, strides=2, padding=padding), *(8, 7, 5)[:n], 2
        )
        for kind in ("Max", "Average")
        for n in (1, 2, 3)
        for padding in ("valid", "same")
        if (kind, padding) != ("Average", "same")
    },
    "average pooling, even padding": lambda: of(L.AveragePooling2D(3, strides=1, padding="same"), 8, 7, 2),
    "average pooling by itself": lambda: of(L.AveragePooling2D(2, padding="same"), 8, 6, 2),
    **{
        f"global {kind} pooling {n}-D keepdims={keep}": lambda kind=kind, n=n, keep=keep: of(
            getattr(L, f"Global{kind}Pooling{n}D")(keepdims=keep), *(4, 3, 2)[:n], 5
        )
        for kind in ("Max", "Average")
        for n, keep in [(1, False), (2, False), (2, True), (3, True)]
    },
    "batch norm": lambda: of(L.BatchNormalization(), 4, 3, 5),
    "batch norm, axis 1": lambda: of(L.BatchNormalization(axis=1, epsilon=0.1), 4, 3, 5),
    "batch norm without scale": lambda: of(L.BatchNormalization(scale=False), 4, 3, 5),
    "batch norm without shift": lambda: of(L.BatchNormalization(center=False, axis=1), 4, 3, 5),
    "batch norm without either": lambda: of(L.BatchNormalization(center=False, scale=False), 4, 3, 5),
    "layer norm": lambda: of(L.LayerNormalization(), 4, 5),
    "layer norm, two axes": lambda: of(L.LayerNormalization(axis=[-2, -1], scale=False), 4, 5, 2),
    "rms norm": lambda: of(L.RMSNormalization(), 4, 5),
    "group norm": lambda: of(L.GroupNormalization(2), 4, 5, 6),
    "group norm, instance": lambda: of(L.GroupNormalization(-1, axis=1, scale=False), 4, 5, 6),
    "group norm without shift": lambda: of(L.GroupNormalization(3, center=False), 4, 6),
    "group norm without either": lambda: of(L.GroupNormalization(3, center=False, scale=False), 4, 6),
    "normalization": lambda: of(L.Normalization(), 4, 3),
    "normalization given": lambda: of(L.Normalization(mean=[1.0, 2.0, 3.0], variance=[4.0, 5.0, 6.0]), 4, 3),
    "normalization undone": lambda: of(L.Normalization(axis=None, mean=2.0, variance=3.0, invert=True), 4, 3),
    "rescaling": lambda: of(L.Rescaling(1 / 127.5, offset=-1), 4, 3),
    "rescaling by channel": lambda: of(L.Rescaling([0.5, 2.0, 3.0], offset=[1.0, 0.0, -1.0]), 4, 3),
    **{f"activation {name}": lambda name=name: of(L.Activation(name), 6) for name in ACTIVATIONS},
    "relu layer": lambda: of(L.ReLU(), 6),
    "relu layer to 6": lambda: of(L.ReLU(6.0), 6),
    "relu layer to 2": lambda: of(L.ReLU(max_value=2), 6),
    "relu layer with slope": lambda: of(L.ReLU(negative_slope=0.2), 6),
    "leaky relu layer": lambda: of(L.LeakyReLU(0.1), 6),
    "elu layer": lambda: of(L.ELU(0.7), 6),
    "softmax layer": lambda: of(L.Softmax(axis=1), 3, 6),
    "prelu": lambda: of(L.PReLU(), 4, 3),
    "prelu shared": lambda: of(L.PReLU(shared_axes=[1, 2]), 4, 3, 2),
    "activation inside, a layer": lambda: of(L.Dense(4, activation=L.LeakyReLU(0.3)), 6),
    "zero padding 1-D": lambda: of(L.ZeroPadding1D((1, 2)), 4, 3),
    "zero padding 2-D": lambda: of(L.ZeroPadding2D(((1, 0), (2, 3))), 4, 3, 2),
    "zero padding 3-D": lambda: of(L.ZeroPadding3D(1), 4, 3, 2, 1),
    "cropping 1-D": lambda: of(L.Cropping1D(1), 6, 3),
    "cropping 2-D": lambda: of(L.Cropping2D(((1, 0), (2, 1))), 4, 5, 2),
    "upsampling 1-D": lambda: of(L.UpSampling1D(3), 4, 3),
    "upsampling 2-D": lambda: of(L.UpSampling2D((2, 1)), 4, 3, 2),
    "upsampling 3-D": lambda: of(L.UpSampling3D(2), 2, 3, 2, 2),
    "flatten": lambda: of(L.Flatten(), 4, 3, 2),
    "flatten nothing": lambda: of(L.Flatten(), 4),
    "reshape": lambda: of(L.Reshape((6, -1)), 4, 3, 2),
    "permute": lambda: of(L.Permute((3, 1, 2)), 4, 3, 2),
    "repeat vector": lambda: of(L.RepeatVector(3), 5),
    "dropout": lambda: of(L.Dropout(0.3), 5),
    "spatial dropout": lambda: of(L.SpatialDropout2D(0.3), 5, 4, 3),
    "noise": lambda: of(L.GaussianNoise(0.3), 5),
    "add": lambda: two(lambda x, y, z: L.Add()([x, y, z]), (4, 3), (4, 3), (4, 3)),
    "add, repeated": lambda: two(lambda x, y: L.Add()([x, y]), (4, 3), (1, 3)),
    "subtract": lambda: two(lambda x, y: L.Subtract()([x, y]), (4, 3), (4, 3)),
    "multiply": lambda: two(lambda x, y, z: L.Multiply()([x, y, z]), (4, 5, 3), (1, 1, 3), (4, 5, 1)),
    "multiply of other ranks": lambda: two(lambda x, y: L.Multiply()([x, y]), (4, 5, 3), (5, 3)),
    "average": lambda: two(lambda x, y: L.Average()([x, y]), (4, 3), (4, 3)),
    "maximum": lambda: two(lambda x, y: L.Maximum()([x, y]), (4, 3), (4, 3)),
    "minimum": lambda: two(lambda x, y: L.Minimum()([x, y]), (4, 3), (4, 3)),
    "concatenate": lambda: two(lambda x, y: L.Concatenate()([x, y]), (4, 3), (4, 2)),
    "concatenate, axis 1": lambda: two(lambda x, y: L.Concatenate(axis=1)([x, y]), (4, 3), (2, 3)),
    "dot": lambda: two(lambda x, y: L.Dot(axes=(2, 1))([x, y]), (4, 3), (3, 5)),
    "dot of vectors": lambda: two(lambda x, y: L.Dot(axes=1)([x, y]), (4,), (4,)),
    "einsum dense": lambda: of(L.EinsumDense("abc,cd->abd", output_shape=(None, 6), bias_axes="d"), 4, 5),
    "einsum dense, two": lambda: of(L.EinsumDense("abc,cde->abde", output_shape=(4, 2, 3), bias_axes="de"), 4, 5),
    "attention": lambda: two(lambda x, y: L.Attention()([x, y]), (4, 3), (5, 3)),
    "multi-head attention": lambda: two(lambda x, y: L.MultiHeadAttention(2, 3, value_dim=4)(x, y), (4, 5), (6, 5)),
    "multi-head attention, self": lambda: (lambda x: keras.Model(x, L.MultiHeadAttention(2, 3, use_bias=False)(x, x)))(
        keras.Input((4, 5))
    ),
}

CHANNELS_FIRST = {
    "conv": lambda: first(L.Conv2D, {"filters": 4, "kernel_size": 3, "padding": "same", "strides": 2}, 3, 8, 7),
    "grouped": lambda: first(L.Conv2D, {"filters": 4, "kernel_size": 3, "groups": 2}, 6, 5, 4),
    "depthwise": lambda: first(L.DepthwiseConv2D, {"kernel_size": 3, "depth_multiplier": 2}, 3, 8, 7),
    "transposed": lambda: first(L.Conv2DTranspose, {"filters": 4, "kernel_size": 3, "strides": 2, "padding": "same"}, 3, 4, 5),
    "max": lambda: first(L.MaxPooling2D, {"pool_size": 3, "strides": 2, "padding": "same"}, 3, 8, 7),
    "average": lambda: first(L.AveragePooling2D, {"pool_size": 3, "strides": 1, "padding": "same"}, 3, 8, 7),
    "global": lambda: first(L.GlobalAveragePooling2D, {"keepdims": True}, 3, 8, 7),
    "flatten": lambda: first(L.Flatten, {}, 3, 4, 5),
    "padding": lambda: first(L.ZeroPadding2D, {"padding": ((1, 2), (0, 3))}, 3, 4, 5),
    "cropping": lambda: first(L.Cropping2D, {"cropping": 1}, 3, 4, 5),
    "upsampling": lambda: first(L.UpSampling2D, {"size": 2}, 3, 4, 5),
}


def operations():
    """Python's operators and keras.ops in one model."""
    x = keras.Input((4, 6, 3))
    a = ops.mean(x, axis=(1, 2), keepdims=True) * x + 2.0
    b = ops.reshape(ops.transpose(a, (0, 2, 1, 3)), (-1, 24, 3))
    c = ops.concatenate([b, -b], axis=-1)
    d = ops.softmax(ops.matmul(c, ops.transpose(c, (0, 2, 1))) / 6, axis=-1)
    e = 1 / (1 + ops.exp(-ops.einsum("bij,bjk->bik", d, c)))
    f = ops.squeeze(ops.expand_dims(ops.relu(e - 0.5) ** 2, 1), 1)
    g = ops.pad(f, ((0, 0), (1, 2), (0, 0))) * np.arange(6.0, dtype="float32")
    h = ops.split(g, 3, axis=1)
    k = ops.maximum(h[0], h[2])[:, 1:7:2] + ops.gelu(h[1])[:, -1:] + ops.clip(h[1], -1, 1)[:, 2][:, None]
    return keras.Model(x, [k, ops.max(h[1], axis=1), c[:, 3, 2:4], ops.sqrt(ops.abs(3 - x))])
