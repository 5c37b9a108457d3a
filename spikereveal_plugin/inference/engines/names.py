"""The engines by the words that users type."""

ENGINES = ('auto', 'eager', 'winograd', 'compiled', 'bf16', 'onnx')
