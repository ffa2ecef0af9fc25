"""torchvision's architectures, for tests to compare with: `from torchvision_models import models`.

When it is imported, torchvision registers the shapes of two compiled operators, and fails where they aren't there: in a wheel built
for another torch. No architecture here uses them, so then they are declared, without any code, and the import is tried again.
"""

import importlib
from importlib.util import find_spec

import pytest

torch = pytest.importorskip("torch")
if find_spec("torchvision") is None:
    pytest.skip("torchvision isn't installed", allow_module_level=True)

_OPERATORS = {
    "nms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}

try:
    models = importlib.import_module("torchvision.models")
except RuntimeError:
    _library = torch.library.Library("torchvision", "FRAGMENT")
    for _name, _signature in _OPERATORS.items():
        _library.define(f"{_name}{_signature}")
    models = importlib.import_module("torchvision.models")
