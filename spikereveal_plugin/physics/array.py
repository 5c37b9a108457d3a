"""What formulas take that need no torch: its tensors, or NumPy's arrays."""

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import numpy.typing as npt
    from torch import Tensor

Array = TypeVar('Array', 'Tensor', 'npt.NDArray[Any]')
