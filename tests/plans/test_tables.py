"""The plans of the layers that people write, as they print."""

from __future__ import annotations

from typing import Any

import pytest

import slidesum as ss

IMAGE = (1, 64, 56, 56)
TABLES: dict[str, tuple[str, list[tuple[int, ...]], dict[str, Any], str]] = {
    "1×1 is one product of matrices": (
        "b c i j, o c -> b o i j",
        [IMAGE, (128, 64)],
        {},
        """\
step  computes                          by            macs  bytes read  bytes written  bytes held
   1  y[b,o,i,j] = x[b,c,i,j] * w[o,c]  matmul  25,690,112     835,584      1,605,632           0
      in all                                    25,690,112     835,584      1,605,632           0""",
    ),
    "a linear layer too": (
        "b c i j, o c i j -> b o",
        [(8, 16, 5, 5), (120, 16, 5, 5)],
        {},
        """\
step  computes                          by         macs  bytes read  bytes written  bytes held
   1  y[b,o] = x[b,c,i,j] * w[o,c,i,j]  matmul  384,000     204,800          3,840           0
      in all                                    384,000     204,800          3,840           0""",
    ),
    "type 2.1 is summed first": (
        "b c i+u j+v, o u v -> b o i j",
        [IMAGE, (64, 5, 5)],
        {"padding": "same"},
        """\
step  computes                               by           macs  bytes read  bytes written  bytes held
   1  t1[b,i_,j_] = x[b,c,i_,j_]             sum             0     802,816         12,544           0
   2  y[b,o,i,j] = t1[b,i+u,j+v] * w[o,u,v]  direct  5,017,600      18,944        802,816      14,400
      in all                                         5,017,600     821,760        815,360      26,944""",
    ),
    "type 1 is one step": (
        "b c i+u j+v, o u v -> b (c o) i j",
        [IMAGE, (8, 5, 5)],
        {"padding": "same"},
        """\
step  computes                                  by            macs  bytes read  bytes written  bytes held
   1  y[b,c,o,i,j] = x[b,c,i+u,j+v] * w[o,u,v]  direct  40,140,800     803,616      6,422,528     524,288
      in all                                            40,140,800     803,616      6,422,528     524,288""",
    ),
    "a large maximum is taken along one axis after the other": (
        "max b c i+u j+v -> b c i j",
        [(1, 64, 112, 112)],
        {"u": 9, "v": 9},
        """\
step  computes                          by       macs  bytes read  bytes written  bytes held
   1  t1[b,c,i_,j] = max x[b,c,i_,j+v]  pooling     0   3,211,264      2,981,888           0
   2  y[b,c,i,j] = max t1[b,c,i+u,j]    pooling     0   2,981,888      2,768,896   2,981,888
      in all                                        0   6,193,152      5,750,784   5,963,776""",
    ),
}


@pytest.mark.parametrize("name", TABLES)
def test_tables(name: str):
    pattern, shapes, options, table = TABLES[name]
    assert str(ss.plan(pattern, *shapes, **options)) == table


def steps(pattern: str, *shapes: tuple[int, ...], **options: Any) -> list[str]:
    """The table without its numbers and its last line: what is computed | by what."""
    head, *rows, _ = str(ss.plan(pattern, *shapes, **options)).splitlines()
    computes, by = head.index("computes"), head.index("by ")
    words = [(row[computes:by].strip(), row[by:].strip().split("  ")[0]) for row in rows]
    return [f"{what} | {how}" for what, how in words]


SEPARABLE = ("b c i+u j+v, c u v, o c -> b o i j", IMAGE, (64, 3, 3), (64, 64))
CP = ("b c i+u j+v, r c, r u, r v, o r -> b o i j", IMAGE, (8, 64), (8, 3), (8, 3), (64, 8))
LOCAL = ("b c i+u j+v, o c i j u v -> b o i j", (1, 16, 64, 64), (32, 16, 62, 62, 3, 3))
FOUR = ("b c i+u j+v k+w l+z, o c u v w z -> b o i j k l", (1, 4, 12, 12, 12, 12), (8, 4, 3, 3, 3, 3))
LARGE = ("b c i+u j+v, c u v -> b c i j", (1, 64, 256, 256), (64, 61, 61))


@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_factors_are_never_multiplied_out(backend: str):
    first, second = steps(*SEPARABLE, padding="same", backend=backend)
    assert first.startswith("t1[b,c,i,j] = x[b,c,i+u,j+v] * w[c,u,v] | ")
    assert second.startswith("y[b,o,i,j] = t1[b,c,i,j] * w2[o,c] | ")
    reduced, factors, slid, widened = steps(*CP, padding="same", backend=backend)
    assert reduced.startswith("t1[b,r,i_,j_] = x[b,c,i_,j_] * w[r,c] | ")
    assert factors.startswith("t2[r,u,v] = w2[r,u] * w3[r,v] | ")
    assert slid.startswith("t3[b,r,i,j] = t1[b,r,i+u,j+v] * t2[r,u,v] | ")
    assert widened.startswith("y[b,o,i,j] = t3[b,r,i,j] * w4[o,r] | ")


def test_what_torch_does_itself():
    assert steps("b c 2*i 2*j, o c -> b o i j", IMAGE, (128, 64), backend="torch") == [
        "y[b,o,i,j] = x[b,c,2*i,2*j] * w[o,c] | library"
    ]
    assert steps("b c i+u j+v, b o c u v -> b o i j", (8, 64, 28, 28), (8, 64, 64, 3, 3), backend="torch") == [
        "y[b,o,i,j] = x[b,c,i+u,j+v] * w[b,o,c,u,v] | library"
    ]
    assert steps("max b c 2*i+u 2*j+v -> b c i j", IMAGE, u=3, v=3, backend="torch") == [
        "y[b,c,i,j] = max x[b,c,2*i+u,2*j+v] | pooling"
    ]


def test_a_fourth_axis_is_taken_tap_by_tap():
    """torch's convolutions slide over three axes, and so do kernels; NumPy's are our own."""
    (step,) = steps(*FOUR, backend="torch")
    assert step == "y[b,o,i,j,k,l] = x[b,c,i+u,j+v,k+w,l+z] * w[o,c,u,v,w,z] | taps u: direct"
    (step,) = steps(*FOUR)
    assert step.endswith(" | unfolded")


@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_weights_that_no_place_shares_are_taken_in_pieces(backend: str):
    assert steps(*LOCAL, backend=backend) == [
        "y[b,o,i,j] = x[b,c,i+u,j+v] * w[o,c,i,j,u,v] | windows, 1 i at once",
    ]
    assert steps(*LOCAL, backend=backend, memory=2**20) == [
        "y[b,o,i,j] = x[b,c,i+u,j+v] * w[o,c,i,j,u,v] | windows, 1 i at once, 20 j at once",
    ]


@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_a_scattering_of_stride_1_is_a_gathering(backend: str):
    (step,) = steps("b c i j, c o u v -> b o i+u-1 j+v-1", IMAGE, (64, 64, 3, 3), backend=backend)
    assert step.startswith("y[b,o,i,j] = x[b,c,i-u,j-v] * w[c,o,u,v] | ")
    (step,) = steps("b c i j, c o u v -> b o 2*i+u 2*j+v", IMAGE, (64, 64, 2, 2), backend=backend)
    assert step.startswith("y[b,o,2*i+u,2*j+v] = x[b,c,i,j] * w[c,o,u,v] | ")


@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_what_is_transformed(backend: str):
    """Large filters, and only where their rounding is allowed: by exact=False, or in numbers with digits to spare."""

    def plan(**options: Any) -> Any:
        return ss.plan(*LARGE, padding="same", backend=backend, **options)

    assert plan(exact=False).methods == ("fft",)
    assert plan(dtype="float64").methods == ("fft",)
    assert "fft" not in plan().others
    assert "fft" not in plan(dtype="float16", exact=False).others
    assert "fft" not in plan(dtype="int64", exact=False).others
    assert "fft" not in plan(dtype="complex64").others
    assert "fft" in plan(dtype="complex64", exact=False).others
    assert "fft" in plan(dtype="complex128").others
    small = ss.plan("b c i+u j+v, o c u v -> b o i j", IMAGE, (64, 64, 3, 3), padding="same", backend=backend, exact=False)
    assert "fft" in small.others
    assert "fft" not in small.methods


def test_integers_go_through_windows():
    (step,) = steps("b c i+u, o c u -> b o i", (1, 64, 56), (64, 64, 3), dtype="int32")
    assert step == "y[b,o,i] = x[b,c,i+u] * w[o,c,u] | windows"


def test_what_could_be_asked_for_instead():
    assert ss.plan(*SEPARABLE, padding="same").others == ("direct", "matmul", "taps", "unfolded", "windows")
    assert ss.plan(*LOCAL).others == ("windows",)
    assert ss.plan(*SEPARABLE, padding="same", plan="taps").methods == ("taps", "matmul")
    assert ss.plan(*SEPARABLE, padding="same", plan="windows").methods == ("windows", "matmul")
