"""Errors become words and exit codes in one place; options take what people write."""

from datetime import datetime, timedelta, timezone

import click
import pytest

from headgate.cli import app, options
from headgate.errors import InternalError, ManifestError, PlatformError, SettingsError, StoreBusy, Diagnostic


@pytest.fixture
def failing(monkeypatch):
    def arrange(error):
        @click.command()
        @options.verbose
        def command():
            raise error

        monkeypatch.setattr(app.Commands, "get_command", lambda *_: command)

    return arrange


@pytest.mark.parametrize(("error", "code", "said"), [
    (SettingsError("state", "flag", "is no good", hint="try another"), 2, "error: setting state (flag): is no good; nothing was sent\nhint: try another\n"),
    (PlatformError("nobody answers"), 3, "error: nobody answers\n"),
    (StoreBusy("held", hint="wait"), 4, "error: held\nhint: wait\n"),
    (ManifestError((Diagnostic("m.yaml", 3, "name", "missing", "name: x"),)), 2,
     "m.yaml:3: name: missing\n  hint: name: x\n1 problem in the manifest; nothing was sent\n"),
    (KeyboardInterrupt(), 130, "interrupted\n"),
])  # fmt: skip
def test_errors_in_words(failing, capsys, error, code, said):
    failing(error)
    assert app.main(["run"]) == code
    seen = capsys.readouterr()
    assert (seen.out, seen.err.lstrip("\n")) == ("", said)  # click ends the line that has ^C in it


@pytest.mark.parametrize("error", [InternalError("settled twice"), ZeroDivisionError("division by zero")])
def test_a_bug_is_one_line_unless_asked(failing, capsys, error):
    failing(error)
    assert app.main(["run"]) == 70
    quiet = capsys.readouterr().err
    assert quiet.startswith(f"internal error: {type(error).__name__}: {error}; please report it")
    assert quiet.count("\n") == 1
    assert app.main(["run", "-v"]) == 70
    assert "Traceback" in capsys.readouterr().err


def test_every_command_has_help_with_examples(capsys):
    for name in app.COMMANDS:
        assert app.main([name, "--help"]) == 0
        said = capsys.readouterr().out
        assert "Examples:" in said
        assert f"headgate {name}" in said
        assert max(map(len, said.splitlines())) <= 120


NOW = datetime(2026, 12, 20, 18, 0, tzinfo=timezone(timedelta(hours=1)))


@pytest.mark.parametrize(("text", "meant"), [
    ("22:30", "2026-12-20T22:30:00+01:00"), ("06:00", "2026-12-21T06:00:00+01:00"),
    ("2026-12-21T06:00", "2026-12-21T06:00:00+01:00"), ("2026-12-21T06:00:00Z", "2026-12-21T06:00:00+00:00"),
])  # fmt: skip
def test_times(text, meant):
    assert options.moment(text, NOW) == datetime.fromisoformat(meant)


@pytest.mark.parametrize("text", ["noon", "25:00", "2026-12-20T17:00", ""])
def test_times_that_are_none(text):
    with pytest.raises(click.BadParameter):
        options.moment(text, NOW)
