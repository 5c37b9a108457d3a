"""How long an adaptation trains, and with which losses."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Schedule:
    """Of one adaptation.

    Args:
        iterations: at most.
        val_freq: iterations between two looks at the held-out part.
        patience: looks without a smaller residual before it stops.
        min_delta: by how many 8-bit levels a residual must be smaller to count.
        learning_rate: of Adam, at the start.
        reblur_weight: of the re-blurring loss (Eq. 13).
        crop: side of the crops in pixels of the photo, a multiple of 4; no more than the smallest photo has.
        instants: how many of each exposure are trained at: spread over it, each restored once by the published teacher;
            or, where the weights teach themselves, drawn again in each step.
        val_instants: of each held-out exposure, for its residual; None for every readout, which takes the longest.
        vgg: weights of VGG16 for LPIPS as published (Eq. 12); None for an L1 loss, which needs none.
        seed: of all randomness.
    """

    iterations: int = 3000
    val_freq: int = 200
    patience: int = 4
    min_delta: float = 0.01
    learning_rate: float = 1e-4
    reblur_weight: float = 1.0
    crop: int = 256
    instants: int = 7
    val_instants: int | None = None
    vgg: Path | None = None
    seed: int = 0
