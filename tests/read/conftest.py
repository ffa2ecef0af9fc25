"""torchvision without its compiled part: the operators that it registers shapes for are declared before it is imported."""

import importlib
import importlib.util

import pytest
import torch

OPERATORS = (
    *("nms", "qnms", "roi_align", "_roi_align_backward", "qroi_align", "ps_roi_align", "_ps_roi_align_backward", "roi_pool"),
    *("_roi_pool_backward", "ps_roi_pool", "_ps_roi_pool_backward", "deform_conv2d", "_deform_conv2d_backward"),
)
LIBRARY = torch.library.Library("torchvision", "FRAGMENT")


@pytest.fixture(scope="session")
def torchvision():
    """torchvision, if it is installed."""
    if importlib.util.find_spec("torchvision") is None:
        pytest.skip("torchvision isn't installed")
    try:
        return importlib.import_module("torchvision")
    except RuntimeError:  # an operator doesn't exist: its compiled part doesn't fit this build of torch
        for name in OPERATORS:
            if not hasattr(torch.ops.torchvision, name):
                LIBRARY.define(f"{name}(Tensor x) -> Tensor")
        return importlib.import_module("torchvision")
