"""A student as ONNX or TorchScript, for any size, compared with PyTorch before it is kept."""

import io
import json
import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from spikereveal_plugin.archs.descriptor import describe
from spikereveal_plugin.errors import EnvironmentProblemError, SpikeRevealError
from spikereveal_plugin.formats.atomic import write_atomically
from spikereveal_plugin.weights.network import Loaded

OPSET = 17
TOLERANCE = 1e-4
_SIZES = ((28, 32), (27, 41))  # sensor sizes to compare at; the first is the one that is traced
_INPUTS = ('blur', 'spikes', 'long_rate')
_AXES = {2: 'height', 3: 'width'}


class ExportError(SpikeRevealError, RuntimeError):
    """The exported network does not compute what PyTorch does."""


def onnx_bytes(module: nn.Module, example: tuple[Tensor, ...], inputs: list[str], outputs: list[str]) -> bytes:
    """Return a module as ONNX; height and width of every input and output are free.

    Raises:
        EnvironmentProblemError: the package onnx is not installed.
    """
    buffer = io.BytesIO()
    axes = {name: {axis: f'{name}_{label}' for axis, label in _AXES.items()} for name in (*inputs, *outputs)}
    try:
        torch.onnx.export(  # dynamo=False: the other exporter wants one more package and fixed relations of sizes
            module,
            example,
            buffer,  # type: ignore[arg-type]
            input_names=inputs,
            output_names=outputs,
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
        )
    except (ImportError, torch.onnx.errors.OnnxExporterError) as error:
        reason = ' '.join(str(error).split())[:200]
        raise EnvironmentProblemError(
            f"ONNX needs another package: pip install 'spikereveal_plugin[export]' ({reason})"
        ) from None
    return buffer.getvalue()


def onnx_session(model: bytes) -> Any:
    """Return an ONNX Runtime session on the CPU with as many threads as PyTorch has.

    Raises:
        EnvironmentProblemError: the package onnxruntime is not installed.
    """
    try:
        import onnxruntime  # noqa: PLC0415  (an extra)
    except ImportError:
        raise EnvironmentProblemError(
            "ONNX Runtime is not installed: pip install 'spikereveal_plugin[export]'"
        ) from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=['CPUExecutionProvider'])


def export_student(student: Loaded, path: Path) -> float:
    """Write a student as `.onnx`, or as TorchScript (`.pt`): inputs `blur`, `spikes`, `long_rate`; output `sharp`.

    Args:
        student: a network that is called with what its descriptor lists, `spikes` its window (B, num_spike, h, w). The
            file says what it needs: metadata of ONNX, or `card.json` among TorchScript's extra files, with `network`,
            `num_spike`, and the `density` that `spikes` must have, `auto` for that of a camera of `threshold`.
        path: decides by its suffix.

    Returns:
        The greatest absolute difference from PyTorch, at two sizes.

    Raises:
        ExportError: the difference is above 1e-4; nothing is written.
        EnvironmentProblemError: a package of the extra `export` is missing.
    """
    network, num_spike = student.network.cpu().eval(), student.num_spike
    with torch.inference_mode(), torch.random.fork_rng(), warnings.catch_warnings():
        warnings.simplefilter('ignore')  # tracing warns of the size checks, which an exported network has no use for
        torch.manual_seed(0)
        samples = [_sample(network, num_spike, size) for size in _SIZES]
        needs = {**asdict(student.card), 'num_spike': num_spike}
        payload, run = (_onnx if path.suffix.lower() == '.onnx' else _torchscript)(network, samples[0], needs)
        difference = max(float((run(*sample) - network(*sample)).abs().max()) for sample in samples)
    if not difference <= TOLERANCE:
        raise ExportError(f'{path}: the exported network differs from PyTorch by {difference:.2g}, over {TOLERANCE}')
    write_atomically(path, payload)
    return difference


Exported = tuple[bytes, Callable[..., Tensor]]


def _onnx(network: nn.Module, sample: tuple[Tensor, ...], needs: Mapping[str, Any]) -> Exported:
    names = list(_INPUTS[: len(sample)])
    exported = onnx_bytes(network, sample, names, ['sharp'])
    onnx = import_module('onnx')  # an extra, which the exporter needs too
    model = onnx.load_model_from_string(exported)
    onnx.helper.set_model_props(model, {key: json.dumps(value) for key, value in needs.items()})
    payload = model.SerializeToString()
    session = onnx_session(payload)

    def run(*inputs: Tensor) -> Tensor:
        return run_session(session, dict(zip(names, inputs, strict=True)))[0]

    return payload, run


def _torchscript(network: nn.Module, sample: tuple[Tensor, ...], needs: Mapping[str, Any]) -> Exported:
    traced = torch.jit.trace(network, sample, check_trace=False)
    buffer = io.BytesIO()
    torch.jit.save(traced, buffer, _extra_files={'card.json': json.dumps(needs)})
    buffer.seek(0)
    return buffer.getvalue(), torch.jit.load(buffer)


def run_session(session: Any, feed: Mapping[str, Tensor]) -> list[Tensor]:
    """Run a session of ONNX Runtime on tensors."""
    arrays = {name: np.ascontiguousarray(tensor.numpy()) for name, tensor in feed.items()}
    return [torch.from_numpy(array) for array in session.run(None, arrays)]


def _sample(network: nn.Module, num_spike: int, size: tuple[int, int]) -> tuple[Tensor, ...]:
    height, width = size
    inputs = {'blur': torch.rand(1, 3, 4 * height, 4 * width), 'long_rate': torch.rand(1, 1, height, width)}
    inputs['window'] = torch.randint(0, 2, (1, num_spike, height, width)).float()
    return tuple(inputs[name] for name in describe(network).inputs)
