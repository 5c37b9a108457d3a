"""Rows of a `Deblurrer`: SDM, and students by their weights."""

from collections.abc import Callable, Iterable

from torch import nn

from spikereveal_plugin._version import __version__
from spikereveal_plugin.compare.complexity import Complexity, complexity_of
from spikereveal_plugin.compare.computation import student_inputs
from spikereveal_plugin.compare.method_options import NetworkOptions, SdmOptions
from spikereveal_plugin.compare.reading import Frame, digest, digest_files
from spikereveal_plugin.compare.shot import Shot
from spikereveal_plugin.inference.deblurrer import Deblurrer
from spikereveal_plugin.inference.weights import load_student
from spikereveal_plugin.weights.registry import find_weights


class DeblurComputation:
    """Frames of a `Deblurrer`; `network` returns the network it runs, for its size, where there is one."""

    remark = ''
    photos = 1

    def __init__(self, deblurrer: Deblurrer, identity: str, network: Callable[[], nn.Module] | None = None) -> None:
        self.deblurrer, self.identity, self._network = deblurrer, identity, network

    def frames(self, shot: Shot) -> Iterable[Frame]:
        return self.deblurrer.frames(shot.blur, shot.spikes, shot.instants, exposure=shot.exposure)

    def complexity(self, shot: Shot) -> Complexity:
        if self._network is None:
            return Complexity()
        network = self._network()
        return complexity_of((network, student_inputs(network, shot)))


def sdm_row(options: SdmOptions) -> DeblurComputation:
    """SDM with bilinear up-sampling (row I-1)."""
    how = [str(options.short_window)] if options.sigma is None else [f'sigma {options.sigma}']
    deblurrer = Deblurrer.physics(options.short_window, options.sigma)
    return DeblurComputation(deblurrer, digest(['sdm', __version__, *how]))


def student_row(options: NetworkOptions, device: str) -> DeblurComputation:
    """A student from its weights; raises as `Deblurrer.from_pretrained`."""
    path = find_weights(options.weights)
    deblurrer = Deblurrer.from_pretrained(
        path, density=options.density, engine=options.engine, tile=options.tile, device=device
    )
    how = f'{options.engine} {options.tile} {deblurrer.density} {deblurrer.trained_threshold}'
    identity = digest([digest_files([path]), how, __version__])
    return DeblurComputation(deblurrer, identity, lambda: load_student(path).network)
