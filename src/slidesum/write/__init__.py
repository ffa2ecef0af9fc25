"""Network -> the files of others: ONNX."""
