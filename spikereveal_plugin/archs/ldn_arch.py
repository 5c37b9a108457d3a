"""LDN, the student that turns one blurry image and raw spikes into a sharp frame (SpikeReveal Eq. 11)."""

import torch
from basicsr.utils.registry import ARCH_REGISTRY
from torch import Tensor, nn
from torch.nn import functional as F

from spikereveal_plugin.archs.attention import ChannelAttention, SpatialAttention
from spikereveal_plugin.archs.blocks import ResidualBlock
from spikereveal_plugin.archs.descriptor import Descriptor

UPSCALE = 4  # two strided convolutions of the blurry image meet the sensor's size


@ARCH_REGISTRY.register()
class LDN(nn.Module):
    """A light deblurring network, 234,158 parameters as published. Images are RGB.

    Args:
        num_spike: readouts in a window, centred on the wanted instant; 21 on GOPRO.
        num_feat: width of the first layer of each branch.
        reduction: of the channels inside channel attention.
        starts_from_blur: begin as the network that returns the blurry image, so that a short training need not learn
            colours first. The published network begins with random weights.
    """

    def __init__(
        self, *, num_spike: int = 21, num_feat: int = 16, reduction: int = 16, starts_from_blur: bool = False
    ) -> None:
        super().__init__()
        self.num_spike = num_spike
        self.upscale = UPSCALE
        self.descriptor = Descriptor(inputs=('blur', 'window'), num_spike=num_spike, upscale=UPSCALE)
        self.blur_down1 = nn.Conv2d(3, num_feat, 5, stride=2, padding=2)
        self.blur_down2 = nn.Conv2d(num_feat, 2 * num_feat, 5, stride=2, padding=2)
        self.spike_conv1 = nn.Conv2d(num_spike, num_feat, 3, padding=1)
        self.spike_conv2 = nn.Conv2d(num_feat, 2 * num_feat, 3, padding=1)
        self.channel_attention = ChannelAttention(4 * num_feat, reduction)
        self.spatial_attention = SpatialAttention()
        self.blocks = nn.Sequential(ResidualBlock(4 * num_feat), ResidualBlock(4 * num_feat))
        self.up1 = nn.ConvTranspose2d(4 * num_feat, 2 * num_feat, 5, stride=2, padding=2, output_padding=1)
        self.up2 = nn.ConvTranspose2d(2 * num_feat, num_feat, 5, stride=2, padding=2, output_padding=1)
        self.last = nn.Conv2d(3 + num_feat, 3, 1)
        if starts_from_blur:
            self._start_from_blur()

    def _start_from_blur(self) -> None:
        """Return the blurry image at first, with features as strong as their inputs (He et al. 2015)."""
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) and layer.bias is not None:
                weight = layer.weight if isinstance(layer, nn.Conv2d) else layer.weight.transpose(0, 1)
                nn.init.kaiming_normal_(weight, nonlinearity='relu')
                nn.init.zeros_(layer.bias)
        with torch.no_grad():
            for up in (self.up1, self.up2):  # with a stride of 2 a quarter of the weights meet an output pixel
                up.weight.mul_(2)
        nn.init.dirac_(self.last.weight)

    def forward(self, blur: Tensor, spikes: Tensor) -> Tensor:
        """Return the sharp frame of one instant, or of each of N instants, of every image; not clipped.

        N instants share one pass of the blurry image's branch, and go one after another: on a CPU this is faster at
        1280 x 720 than a batch of them, and needs less memory.

        Args:
            blur: (B, 3, 4H, 4W), RGB in [0, 1].
            spikes: (B, num_spike, H, W), 0. and 1.; or (B, N, num_spike, H, W).

        Returns:
            (B, 3, 4H, 4W), or (B, N, 3, 4H, 4W).

        Raises:
            ValueError: the shapes are not these.
        """
        if spikes.dim() == 5:
            self._check(blur, spikes[:, 0])
            features = self.encode_blur(blur)
            return torch.stack([self.decode(blur, features, window) for window in spikes.unbind(1)], dim=1)
        self._check(blur, spikes)
        return self.decode(blur, self.encode_blur(blur), spikes)

    def encode_blur(self, blur: Tensor) -> Tensor:
        """Return features (B, 2 num_feat, H, W) of the blurry image (B, 3, 4H, 4W); they serve every instant of it."""
        return F.relu(self.blur_down2(F.relu(self.blur_down1(blur), inplace=True)), inplace=True)

    def decode(self, blur: Tensor, blur_features: Tensor, spikes: Tensor) -> Tensor:
        """Return (B, 3, 4H, 4W) from the image, its features by `encode_blur`, and spikes (B, num_spike, H, W)."""
        x = self.join(blur_features, spikes)
        x = self.blocks(self.spatial_attention(self.channel_attention(x)))
        x = F.relu(self.up1(x), inplace=True)  # (B, 2 num_feat, 2H, 2W)
        x = F.relu(self.up2(x), inplace=True)  # (B, num_feat, 4H, 4W)
        return self.last(torch.cat((blur, x), dim=1))

    def join(self, blur_features: Tensor, spikes: Tensor) -> Tensor:
        """Return (B, 4 num_feat, H, W): the image's features beside those of spikes (B, num_spike, H, W)."""
        spike_features = F.relu(self.spike_conv2(F.relu(self.spike_conv1(spikes), inplace=True)), inplace=True)
        return torch.cat((blur_features, spike_features), dim=1)

    def _check(self, blur: Tensor, spikes: Tensor) -> None:
        if spikes.dim() != 4 or spikes.shape[1] != self.num_spike:
            raise ValueError(f'LDN: expected spikes (B, {self.num_spike}, H, W), got {tuple(spikes.shape)}')
        batch, _, height, width = spikes.shape
        expected = (batch, 3, UPSCALE * height, UPSCALE * width)
        if blur.shape != expected:
            raise ValueError(
                f'LDN: spikes {tuple(spikes.shape)} need a blurry image {expected}, {UPSCALE} times as high and wide, '
                f'got {tuple(blur.shape)}'
            )
