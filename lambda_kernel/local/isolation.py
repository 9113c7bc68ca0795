"""Chooses the sandbox that works on this machine: of its own files or of an image, with what /tmp and which users."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from . import bwrap, trial, users
from .bwrap import HostRoot
from .errors import EngineError
from .image_root import ImageRoot
from .layers import Layers, make_layers, site_options
from .network import Nat, Reach, check_nat, find_nat, write_resolver
from .run_directory import RunDirectory
from .runtime_files import RuntimeFiles
from .sandbox import BwrapLauncher, Root
from .settings import RootImage, Settings
from .storage import FoundStorage, Holder, find_storage, start_of_trial

Which = Callable[[str], str | None]
# Whether a sandbox works: by program, with a network of its own or not, with overlays or not, with a root or not.
_TRIED: dict[tuple[str, bool, bool, bool], bool] = {}


class Sandboxes:
    """program: bubblewrap, if it was found."""

    def __init__(
        self, settings: Settings, files: RuntimeFiles, directory: RunDirectory, *, program: str | None, which: Which
    ) -> None:
        self._settings, self._files, self._directory = settings, files, directory
        self._program, self._which = program, which

    def find(self, code: Path) -> BwrapLauncher | None:
        """Return the best that works. None: nothing does. Raises EngineError if the settings need what does not."""
        if self._settings.isolation == "none" or self._program is None:
            self._do_without("is off" if self._settings.isolation == "none" else "is not installed")
            return None
        nat = self._nat() if self._settings.network == "nat" else None
        reach = Reach(self._settings.network != "host", nat, write_resolver(nat, self._directory.path))
        image = self._settings.image
        found = self._of_image(image, code, reach) if image else self._of_host(code, reach)
        if found is None:
            self._do_without("does not work here")
            return None
        root, storage = found
        if nat is not None:
            try:
                check_nat(self._program, tuple(bwrap.namespace_options(own_network=True)), nat)
            except EngineError:
                storage.close()
                raise
        return BwrapLauncher(self._program, root, self._files.python, reach, storage)

    def _of_host(self, code: Path, reach: Reach) -> tuple[Root, FoundStorage] | None:
        assert self._program is not None
        two_users = users.possible([*self._files.packages.values(), code, *code.iterdir()])
        for with_root in (True, False) if two_users else (False,):
            trials = _Trials(self._program, self._files, self._directory, reach, with_root)
            storage = self._storage(trials.work, trials.site, own_users=with_root)
            if storage.in_memory or bwrap.works(self._program, self._files, reach.own, with_root):
                layers = trials.layers if storage.layered else None
                accounts = self._directory.path
                root = HostRoot(
                    self._files, code, accounts, resolver=reach.resolver, layers=layers, with_root=with_root
                )
                return root, storage
        return None

    def _of_image(self, image: RootImage, code: Path, reach: Reach) -> tuple[Root, FoundStorage] | None:
        assert self._program is not None
        root = ImageRoot(image, self._files, code, self._directory.path)
        if reach.resolver is not None:
            root.resolver = reach.resolver
        unused = self._directory.path / "trial-of-image"
        unused.mkdir()

        def works(holder: Holder, layered: bool) -> bool:
            return not layered and root.choose_python(partial(trial.run, start_of_trial(holder, unused)), reach.own)

        storage = self._storage(works)
        if storage.in_memory or root.choose_python(partial(trial.run, [self._program]), reach.own):
            return root, storage
        if bwrap.works(self._program, self._files, reach.own):
            raise root.without_python()
        return None

    def _storage(
        self, works: Callable[[Holder, bool], bool], mounts: Sequence[str] = (), *, own_users: bool = False
    ) -> FoundStorage:
        assert self._program is not None
        size = self._settings.storage_mb
        return find_storage(self._program, self._which, size, works, mounts, own_users=own_users)

    def _do_without(self, why: str) -> None:
        """Go without a sandbox, unless the settings need one."""
        settings = self._settings
        if settings.image is not None:
            raise EngineError(
                f"the image {settings.image.name} needs bubblewrap, which {why}: install bubblewrap, allow user "
                "namespaces, or leave the image out"
            )
        if settings.network != "host":
            raise EngineError(
                f"the network `{settings.network}` needs bubblewrap, which {why}: install bubblewrap, allow user "
                "namespaces, or choose the network `host`"
            )
        if settings.isolation == "bwrap":
            raise EngineError("bubblewrap does not work on this machine: install it, or allow user namespaces")

    def _nat(self) -> Nat:
        nat = find_nat(self._which)
        if nat is None:
            raise EngineError(
                "the network `nat` needs pasta or slirp4netns on PATH: install the package passt or slirp4netns, or "
                "choose the network `none` or `host`"
            )
        return nat


class _Trials:
    """Tries sandboxes beside a holder of file systems, with overlays or without; layers: those that were tried."""

    def __init__(
        self, program: str, files: RuntimeFiles, directory: RunDirectory, reach: Reach, with_root: bool
    ) -> None:
        self._program, self._files, self._directory = program, files, directory
        self._reach, self._with_root = reach, with_root
        self._plan = directory.path / ("layers-of-root" if with_root else "layers")
        self.site = site_options(self._plan, files)
        self.layers: Layers | None = None

    def work(self, holder: Holder, layered: bool) -> bool:
        self.layers = make_layers(self._plan, self._files, self._reach.resolver, self._with_root) if layered else None
        if layered and self.layers is None:
            return False
        tried = self._program, self._reach.own, layered, self._with_root
        if tried not in _TRIED:
            words = bwrap.trial(self._files, self._reach.own, self.layers, self._with_root)
            unused = self._directory.make_tmp(f"trial-{self._with_root:d}{layered:d}")
            _TRIED[tried] = trial.passes(start_of_trial(holder, unused), words, holder.own_users, {})
        return _TRIED[tried]
