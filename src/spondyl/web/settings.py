"""What a server of the reading room is told when it starts; nothing here changes while it runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from spondyl.errors import SpondylError
from spondyl.web.limits import Limits

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True, slots=True)
class BundleFacts:
    """What pages and programs are told of the bundle that reads."""

    bundle_id: str
    title: str
    """Network, strategy and protocol."""
    labels: tuple[str, ...]
    networks: tuple[str, ...]
    """Names by which its heatmaps are asked for, the mean first."""
    methods: tuple[str, ...]
    intended_use: str
    alpha: float
    """The rate at which labels are ruled out."""
    card: str
    """The model card, Markdown."""

    def as_dict(self, limits: Limits) -> dict[str, Any]:
        """As the API has it, without the card."""
        return {
            "id": self.bundle_id,
            "title": self.title,
            "labels": list(self.labels),
            "networks": list(self.networks),
            "methods": list(self.methods),
            "intended_use": self.intended_use,
            "alpha": self.alpha,
            "limits": limits.as_dict(),
        }


@dataclass(frozen=True, slots=True)
class Settings:
    """Who may ask, and how much."""

    hosts: tuple[str, ...] = LOOPBACK
    """Names, without a port, under which the server may be addressed: small letters."""
    trust_header: str | None = None
    """Header in which a proxy with sign-on names the user; None where nobody signs on. The server
    must then be reached through that proxy alone: whoever goes round it can claim any name."""
    limits: Limits = field(default_factory=Limits)
    bundle: BundleFacts | None = None
    """None where no reading room is open, only a survey."""
    audit: str | None = None
    """The bundle's audit as a page that loads nothing; None where it was not given."""


def host_named(name: str) -> str:
    """The host `name` as `Settings.hosts` has it; `SpondylError` where it is none."""
    bare = name.strip().lower()
    if ":" in bare and not bare.startswith("["):  # an IPv6 address
        bare = f"[{bare}]"
    if not bare or any(sign in bare for sign in "/@*?# ") or not bare.isascii():
        raise SpondylError(
            f"host {name!r}: is no name of a machine", "For example reading-room.example.org."
        )
    return bare
