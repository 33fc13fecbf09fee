"""What we read of pods: what the rules read, and no annotations. Networks write some into each pod, and they would be half of the cache."""

from __future__ import annotations

import msgspec

from steward.governance import model

PODS = msgspec.structs.replace(model.PODS, unread=("metadata.annotations",))
