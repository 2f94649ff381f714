"""The live page: every run of a state store in a browser, as it goes.

Owns the server (loopback, unless told otherwise), who may ask it what, and what a browser is sent: the state of a page
once, and then what has changed. Refuses to know how a run is driven: it reads the store, as ``headgate status`` does,
and what the process at hand can tell and do it is given as a :class:`~headgate.web.control.Control`. Nothing here is
imported unless a page is asked for, and nothing is read while no browser looks.
"""
