"""BasicVSR++ with its deformable alignment on any machine."""

import warnings

from basicsr.archs.basicvsrpp_arch import BasicVSRPlusPlus, SecondOrderDeformableAlignment
from basicsr.utils.registry import ARCH_REGISTRY

BRANCHES = ('backward_1', 'forward_1', 'backward_2', 'forward_2')


@ARCH_REGISTRY.register()
class AlignedBasicVSRPlusPlus(BasicVSRPlusPlus):
    """BasicSR's `BasicVSRPlusPlus`, which leaves its alignment out where there is no CUDA: another, smaller network.

    The alignment's operator is torchvision's, which runs on a CPU too. Parameters have BasicSR's names, so weights
    trained with either class on a GPU fit both.

    Args:
        mid_channels: width.
        num_blocks: residual blocks of each of the four branches.
        max_residue_magnitude: largest offset beyond the optical flow, in pixels of the features.
        is_low_res_input: true to enlarge four times; false for restoration at the input's size, at least 256 x 256.
        spynet_path: weights of the optical flow network; without it that is learned from nothing.
        cpu_cache_length: longest sequence whose features stay on the GPU.
    """

    def __init__(
        self,
        *,
        mid_channels: int = 64,
        num_blocks: int = 7,
        max_residue_magnitude: int = 10,
        is_low_res_input: bool = True,
        spynet_path: str | None = None,
        cpu_cache_length: int = 100,
    ) -> None:
        with warnings.catch_warnings():
            warnings.filterwarnings('ignore', 'Deformable alignment module is not added')
            super().__init__(
                mid_channels, num_blocks, max_residue_magnitude, is_low_res_input, spynet_path, cpu_cache_length
            )
        for branch in BRANCHES:
            if branch not in self.deform_align:
                self.deform_align[branch] = SecondOrderDeformableAlignment(
                    2 * mid_channels,
                    mid_channels,
                    3,
                    padding=1,
                    deformable_groups=16,
                    max_residue_magnitude=max_residue_magnitude,
                )
        self.is_with_alignment = True
