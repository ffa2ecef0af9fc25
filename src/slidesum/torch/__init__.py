"""slidesum for torch: modules from equations, and networks as modules."""

from importlib.util import find_spec

from slidesum.errors import MissingPackage

if find_spec("torch") is None:
    raise MissingPackage("torch isn't installed", advice="Install it: pip install 'slidesum[torch]'.")

from slidesum.torch.conv import Conv, Pool
from slidesum.torch.network import NetworkModule

__all__ = ["Conv", "NetworkModule", "Pool"]
