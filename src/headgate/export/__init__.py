"""Export: a manifest from what a sandbox holds, so that a run of it elsewhere is a migration.

Owns the way back from live objects to entries of a manifest, and its writing. Refuses the network and clocks: it is
given what the platform's lists said. Secrets are never read back: they become references to the environment.
"""

from headgate.export.assemble import Exported, assemble
from headgate.export.live import Live
from headgate.export.text import manifest_text

__all__ = ["Exported", "Live", "assemble", "manifest_text"]
