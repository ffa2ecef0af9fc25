"""The tools, one file each, in the order of the table's columns."""

MODULES = {
    "slidesum": "slidesum",
    "torchinfo": "torchinfo",
    "fvcore": "fvcore",
    "ptflops": "ptflops_modules",
    "ptflops-aten": "ptflops_aten",
    "thop": "thop",
    "calflops": "calflops",
    "FlopCounterMode": "flop_counter",
    "onnx-tool": "onnx_tool",
}
"""Where each tool's `TOOL` stands; imported in the tool's own process, since importing some of them changes torch."""
