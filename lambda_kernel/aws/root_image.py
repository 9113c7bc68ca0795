"""Container images as the root of the local emulator's environments."""

from __future__ import annotations

from ..images.cache import Cache, Image
from ..images.credentials import docker_credentials
from ..images.progress import Tell, nobody
from ..images.pull import Puller
from ..local.image_root import MOUNT_POINTS
from ..local.settings import RootImage
from .ecr import client_of, with_ecr


def make_puller(cache: Cache, profile: str | None, tell: Tell = nobody) -> Puller:
    """profile: of AWS, for images in Amazon ECR."""
    credentials = with_ecr(docker_credentials(), client_of(profile))
    return Puller(cache, credentials=credentials, tell=tell, mount_points=MOUNT_POINTS)


def as_root(image: Image) -> RootImage:
    return RootImage(image.name, image.root, image.environment, image.working_directory)
