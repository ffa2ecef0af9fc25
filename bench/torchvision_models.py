"""torchvision's networks read from torch, in full size: counts beside those published, outputs beside torch's.

python bench/torchvision_models.py [NAME …]
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

import torch

import slidesum as ss

NAMES = (
    *("alexnet", "vgg11_bn", "googlenet", "inception_v3", "resnet50", "resnext50_32x4d", "wide_resnet50_2", "mobilenet_v2"),
    *("mobilenet_v3_large", "efficientnet_b0", "densenet121", "shufflenet_v2_x1_0", "convnext_tiny", "vit_b_16", "swin_t"),
    *("r3d_18", "r2plus1d_18"),
)
OPERATORS = (
    *("nms", "qnms", "roi_align", "_roi_align_backward", "qroi_align", "ps_roi_align", "_ps_roi_align_backward", "roi_pool"),
    *("_roi_pool_backward", "ps_roi_pool", "_ps_roi_pool_backward", "deform_conv2d", "_deform_conv2d_backward"),
)
LIBRARY = torch.library.Library("torchvision", "FRAGMENT")


def torchvision() -> Any:
    """torchvision, also where its compiled part doesn't fit this build of torch: its operators are declared, and never called."""
    try:
        return importlib.import_module("torchvision")
    except RuntimeError:
        for name in OPERATORS:
            if not hasattr(torch.ops.torchvision, name):
                LIBRARY.define(f"{name}(Tensor x) -> Tensor")
        return importlib.import_module("torchvision")


def shaken(module: torch.nn.Module) -> torch.nn.Module:
    """Random weights that let something through: some heads begin with zeros, and untrained statistics are all alike."""
    torch.manual_seed(0)
    for one in module.modules():
        if isinstance(one, torch.nn.modules.batchnorm._BatchNorm):
            assert one.running_mean is not None
            assert one.running_var is not None
            one.running_mean.uniform_(-0.1, 0.1)
            one.running_var.uniform_(0.5, 1.5)
        if isinstance(one, torch.nn.Linear) and not one.weight.any():
            torch.nn.init.normal_(one.weight, std=0.02)
    return module.eval()


def main() -> None:
    """A line a network."""
    models = torchvision().models
    print(f"{'network':20} {'parameters':>12} {'published':>12} {'macs':>16} {'/1e9':>8} {'published':>9} {'error':>9}")
    for name in sys.argv[1:] or NAMES:
        more = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
        module = shaken(models.get_model(name, weights=None, **more))
        meta = next(iter(models.get_model_weights(name))).meta
        if name == "googlenet":  # published without the towers that only training uses
            module.aux1 = module.aux2 = None
        shape = (3, 16, 112, 112) if name.startswith("r") and name.endswith("d_18") else (3, 224, 224)
        shape = (3, 299, 299) if name == "inception_v3" else shape
        net = ss.load(module, input=(1, *shape))
        x = torch.rand(1, *shape)
        with torch.no_grad():
            wanted = module(x)
        found = net.run(x)[net.graph.outputs[0].name]
        error = float((found - wanted).abs().max() / wanted.abs().max())
        counted = f"{net.parameters:>12,} {meta['num_params']:>12,} {net.macs:>16,} {net.macs / 1e9:>8.3f} {meta['_ops']:>9.3f}"
        print(f"{name:20} {counted} {error:>9.1e}", flush=True)
        for remark in net.remarks[1:]:
            print(f"{'':20} {remark}")


if __name__ == "__main__":
    main()
