"""Platform: the one HTTP boundary. A :class:`~headgate.exchange.Call` goes in, an Answer comes out.

Owns the connection, the token, the headers of each service, following pages, and saying what an answer means
(:mod:`~headgate.platform.classify`) whatever shape it came in (:mod:`~headgate.platform.problem`). Refuses to
retry (``pacing`` decides, the engine does), to know what a job is, to write anything down, and to send a
token to any host but the configured one.
"""

from __future__ import annotations

from headgate.platform.contract import Platform
from headgate.platform.endpoint import PlatformSettings
from headgate.platform.transport import Transport

__all__ = ["Platform", "PlatformSettings", "Transport"]
