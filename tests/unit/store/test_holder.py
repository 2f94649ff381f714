"""Whether a process may still be there, and who may be asked."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from headgate.store import holder
from headgate.store.holder import Holder, fresh_for_s, surely_gone


def test_this_process_is_there_and_one_that_ended_is_not():
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        child.wait()
        gone = child.pid
    assert not surely_gone("here", os.getpid())
    assert not surely_gone("", gone)
    assert not surely_gone("another boot", gone)
    if holder.machine():
        assert surely_gone(holder.machine(), gone)
        assert not surely_gone(holder.machine(), os.getpid())
        assert not surely_gone(holder.machine(), 1), "not ours to ask, but there"


def test_a_machine_is_a_boot_and_a_set_of_process_numbers():
    if not os.path.exists("/proc/self/ns/pid"):
        assert holder.machine() == ""
        return
    boot, space = holder.machine().split(" ")
    assert len(boot) == 36
    assert space.startswith("pid:[")


def test_where_nothing_is_said_of_boots_nobody_is_asked_for(monkeypatch):
    holder.machine.cache_clear()
    monkeypatch.setattr(holder, "Path", lambda _: (_ for _ in ()).throw(OSError("no such file")))
    try:
        assert holder.machine() == ""
        assert not surely_gone("", 1)
    finally:
        holder.machine.cache_clear()


def test_a_holder_lives_until_it_is_silent_for_too_long_or_surely_gone(monkeypatch):
    here = Holder(1, "h", os.getpid(), holder.machine(), 0.0, False)
    assert here.lives
    assert not Holder(1, "h", os.getpid(), holder.machine(), 0.0, True).lives
    assert str(here) == f"process {os.getpid()} on h"
    monkeypatch.setattr(holder, "surely_gone", lambda *_: True)
    assert not here.lives


@pytest.mark.parametrize(("lease_s", "fresh_s"), [(60.0, 59.0), (10.0, 9.0), (5.0, 4.5), (1.0, 0.9)])
def test_a_claim_is_relied_upon_for_a_second_less_than_it_is_believed(lease_s, fresh_s):
    assert fresh_for_s(lease_s) == pytest.approx(fresh_s)
