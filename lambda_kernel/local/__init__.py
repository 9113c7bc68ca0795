"""A Lambda endpoint on 127.0.0.1 that runs a function under AWS's own runtime client.

It imitates what can be observed of Lambda from outside and from inside of an environment, and knows nothing of
Jupyter: it could be a package of its own.
"""

from .engine import LocalEngine
from .errors import EngineError
from .settings import Endpoint, RootImage, Settings

__all__ = ["Endpoint", "EngineError", "LocalEngine", "RootImage", "Settings"]
