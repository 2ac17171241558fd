"""Running exported policies with numpy and ONNX Runtime alone."""
