"""slidesum for torch: modules from equations, and networks as modules."""

from slidesum.torch.conv import Conv, Pool
from slidesum.torch.network import NetworkModule

__all__ = ["Conv", "NetworkModule", "Pool"]
