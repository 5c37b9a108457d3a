"""SpikeEDSR, the super-resolver of firing rates (SpikeReveal Eq. 10; Lim et al. 2017)."""

from basicsr.utils.registry import ARCH_REGISTRY
from torch import Tensor, nn

from spikereveal_plugin.archs.blocks import ResidualBlock


@ARCH_REGISTRY.register()
class SpikeEDSR(nn.Module):
    """EDSR without batch normalisation, for one channel; BasicSR's `EDSR` takes three only.

    Args:
        num_in_ch: channels of the input.
        num_out_ch: channels of the output.
        num_feat: width.
        num_block: residual blocks.
        upscale: a power of two: image pixels per sensor pixel along one side.
        mean: subtracted from the input and added to the output. It is a constant here; the published count of
            1,515,269 parameters includes four fixed numbers for it.
    """

    def __init__(
        self,
        *,
        num_in_ch: int = 1,
        num_out_ch: int = 1,
        num_feat: int = 64,
        num_block: int = 16,
        upscale: int = 4,
        mean: float = 0.446,
    ) -> None:
        super().__init__()
        if upscale < 1 or upscale & (upscale - 1):
            raise ValueError(f'SpikeEDSR: upscale must be 1, 2, 4, 8, ..., got {upscale}')
        self.num_in_ch = num_in_ch
        self.upscale = upscale
        self.mean = mean
        self.head = nn.Conv2d(num_in_ch, num_feat, 3, padding=1)
        self.blocks = nn.Sequential(*(ResidualBlock(num_feat) for _ in range(num_block)))
        self.blocks_end = nn.Conv2d(num_feat, num_feat, 3, padding=1)
        self.upsample = nn.Sequential(*(_double(num_feat) for _ in range(upscale.bit_length() - 1)))
        self.last = nn.Conv2d(num_feat, num_out_ch, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, num_out_ch, upscale H, upscale W), not clipped.

        Args:
            x: (B, num_in_ch, H, W), firing rates in [0, 1].

        Raises:
            ValueError: `x` has another form.
        """
        if x.dim() != 4 or x.shape[1] != self.num_in_ch:
            raise ValueError(f'SpikeEDSR: expected (B, {self.num_in_ch}, H, W), got {tuple(x.shape)}')
        shallow = self.head(x - self.mean)
        deep = shallow + self.blocks_end(self.blocks(shallow))
        return self.last(self.upsample(deep)) + self.mean


def _double(num_feat: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(num_feat, 4 * num_feat, 3, padding=1), nn.PixelShuffle(2))
