"""A student in ONNX Runtime: two graphs, so that the photo's branch still runs once."""

import warnings

import torch
from torch import Tensor, nn

from spikereveal_plugin.archs.descriptor import describe
from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.inference.engines.engine import Engine
from spikereveal_plugin.inference.engines.stages import cut_in_two
from spikereveal_plugin.inference.export import onnx_bytes, onnx_session, run_session
from spikereveal_plugin.physics.density import AS_RECORDED, Density


class OnnxEngine(Engine):
    """LDN or LDNPlus exported when it is made, and run on the CPU.

    Raises:
        EnvironmentProblemError: a package of the extra `export` is missing.
        SpikeDataError: a photo is smaller than the graph is right for.
    """

    def __init__(self, network: nn.Module, density: Density = AS_RECORDED) -> None:
        super().__init__(network, density)
        self._min_side = describe(network).min_side
        network = network.cpu().to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
        encode, decode = cut_in_two(network, is_traced=True)
        with torch.inference_mode(), warnings.catch_warnings():
            warnings.simplefilter('ignore')  # the exporter's, of its age
            blur, long_rate = torch.zeros(1, 3, 112, 128), torch.zeros(1, 1, 28, 32)
            encoded, spikes = encode(blur, long_rate), torch.zeros(1, self.num_spike, 28, 32)
            self._names = [f'encoded{number}' for number in range(len(encoded))]
            self._encode = onnx_session(onnx_bytes(encode, (blur, long_rate), ['blur', 'long_rate'], self._names))
            self._decode = onnx_session(onnx_bytes(decode, (*encoded, spikes), [*self._names, 'spikes'], ['sharp']))

    def encode(self, blur: Tensor, long_rate: Tensor) -> list[Tensor]:
        known = {entry.name for entry in self._encode.get_inputs()}  # LDN's graph has no long rate
        height, width = blur.shape[-2:]
        if min(long_rate.shape[-2:]) < self._min_side:
            least = self._min_side * height // long_rate.shape[-2]
            raise SpikeDataError(
                f"photo of {width}x{height} pixels: engine 'onnx' wants at least {least} on each side; use eager"
            )
        feed = {'blur': blur, 'long_rate': long_rate}
        return run_session(self._encode, {name: tensor for name, tensor in feed.items() if name in known})

    def frame(self, encoded: list[Tensor], window: Tensor) -> Tensor:
        return run_session(self._decode, {**dict(zip(self._names, encoded, strict=True)), 'spikes': window})[0]
