"""From a trained network to a verified ONNX file in the model registry."""
