"""LDN in ONNX Runtime: two graphs, so that the photo's branch still runs once."""

import warnings

import torch
from torch import Tensor

from spikereveal_plugin.archs.ldn_arch import LDN
from spikereveal_plugin.inference.export import onnx_bytes, onnx_session, run_session
from spikereveal_plugin.inference.ldn_stages import LdnDecode, LdnEncode


class OnnxEngine:
    """LDN exported when it is made, and run on the CPU.

    Raises:
        EnvironmentProblemError: a package of the extra `export` is missing.
    """

    def __init__(self, network: LDN) -> None:
        self.num_spike = network.num_spike
        network = network.cpu().to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
        encode, decode = LdnEncode(network), LdnDecode(network, strip_rows=None)
        with torch.inference_mode(), warnings.catch_warnings():
            warnings.simplefilter('ignore')  # the exporter's, of its age
            blur, spikes = torch.zeros(1, 3, 64, 96), torch.zeros(1, self.num_spike, 16, 24)
            encoded = encode(blur)
            self._encode = onnx_session(onnx_bytes(encode, (blur,), ['blur'], ['base', 'features']))
            names = ['base', 'features', 'spikes']
            self._decode = onnx_session(onnx_bytes(decode, (*encoded, spikes), names, ['sharp']))

    def encode(self, blur: Tensor, long_rate: Tensor) -> list[Tensor]:
        del long_rate  # LDN sees the window alone
        return run_session(self._encode, {'blur': blur})

    def frame(self, encoded: list[Tensor], window: Tensor) -> Tensor:
        base, features = encoded
        return run_session(self._decode, {'base': base, 'features': features, 'spikes': window})[0]
