"""One case of chaos: a manifest made, run, killed, resumed, run again and destroyed; the platform and the files judge."""

import json
import os
import signal
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random

from headgate.simulator.faults import read_fault
from tests.chaos import manifests, secrets, troubles
from tests.kill.stage import HUNG

PROFILE = """\
limits: {{rate: 5000/s, concurrency: {concurrency}}}
poll: {{first_s: 60, cap_s: 300}}
retry: {{attempts: 8, first_s: 0.01, cap_s: 0.1, budget_floor: {budget}}}
timeout_s: {timeout}
lease_s: {lease}
"""
#: A lease whose end is waited for, and what others have. A request that is given up while the machine only had no time
#: for it would be done after it was looked for, so most cases are patient.
SHORT_S, LONG_S = 1.0, 10.0
#: Lives of one command; after so many nothing disturbs it any more, and after as many again it must be over.
LIVES = 8
#: Exit codes of a command that may have to be given again: failed rows, a platform that refuses, an interruption.
NOT_YET = (1, 3, 130, -signal.SIGKILL)
BUSY = 4
MADE = ("flows", "sourceConnections", "targetConnections", "dataSets")


@dataclass
class Outcome:
    """What came of a case. ``findings``: ``(what kind, words)``; none is what is hoped for."""

    number: int
    findings: list[tuple[str, str]] = field(default_factory=list)
    counts: Counter = field(default_factory=Counter)

    def find(self, kind, words):
        self.findings.append((kind, words))


class Case:
    """``seed`` and ``number`` decide everything but the exact moments of signals."""

    def __init__(self, seed, number):
        self.rng = Random(f"chaos:{seed}:{number}")
        self.outcome = Outcome(number)
        self.name = f"case-{number}"
        self.wish = manifests.draw(self.rng)
        self.secrets = secrets.plant(self.rng)
        self.options = {**troubles.platform(self.rng), "seed_counts": self.wish.given}
        self.hasty = self.rng.random() < 0.15
        self.profile = PROFILE.format(
            concurrency=self.rng.choice([1, 3, 10, 50]),
            budget=self.rng.choice([20, 200, 5000]),
            lease=SHORT_S if self.hasty else LONG_S,
            timeout=(SHORT_S if self.hasty else LONG_S) / 2,
        )
        self.faults = troubles.faults(self.rng)

    def play(self, workshop, state=""):
        """Everything, in a folder and on a platform of its own."""
        with workshop.stage(
            self.name, profile=self.profile, secrets=self.secrets, state=state, **self.options
        ) as stage:
            self.stage, self.state = stage, state
            try:
                self._whole_life()
            finally:
                self._seek_secrets()
        return self.outcome

    def _whole_life(self):
        stage, wish = self.stage, self.wish
        manifests.furnish(wish, stage)
        path = wish.write(stage, "chaos")
        before = Counter({kind: len(stage.objects(kind)) for kind in MADE})
        if not self._until_done(("run", path), path):
            return
        runs = self._runs()
        self._judge_made(before, runs)
        then = stage.ledger()
        done = self._live(("run", path), None)
        if done.code:
            self.outcome.find("failed", f"the second run: exit {done.code}: {done.err[-500:]}")
        self._judge_later(then, 2, runs + 1)
        if self.rng.random() < 0.5 and wish.move():
            wish.write(stage, "chaos")
            if not self._until_done(("run", path), path):
                return
            self._judge_later(then, 3, self._runs())
            self._judge_moved()
        if self._until_done(("destroy", path, "--yes"), path):
            self._judge_gone(before)

    # -- lives -------------------------------------------------------------------------------------------------------

    def _until_done(self, command, path):
        """Give the command, disturb it, and go on until it is over: whether it ever was."""
        self._trouble(self.faults)
        deaths = [troubles.death(self.rng, hasty=self.hasty) for _ in range(self.rng.randint(1, LIVES - 2))]
        following = command
        for life in range(2 * LIVES):
            if life == LIVES:
                self._trouble([])
            death = deaths.pop(0) if deaths else None
            done = self._live(following, death)
            over = done.code == 0 and "nothing is unfinished" not in done.err
            if over and not deaths:
                self._trouble([])
                return True
            if done.code == 2 and "is not unfinished any more; nothing was sent" in done.err:
                following = command  # a rival ended it between the choice and the start
                continue
            if done.code not in (0, *NOT_YET) and not (done.code == BUSY and death and death.kind == "overtaken"):
                self.outcome.find("failed", f"{following[0]}: exit {done.code}: {done.talk[-1500:]}")
                return False
            if over:
                return True
            unfinished = "nothing is unfinished" not in done.err
            following = ("resume",) if unfinished and self.rng.random() < 0.5 else command
            if following[0] == "resume" and done.code == 1:
                following = command  # it is over, though some of it failed
        self.outcome.find("failed", f"{command[0]} did not end well in {2 * LIVES} lives: {done.talk[-1500:]}")
        return False

    def _live(self, command, death):
        flags = ["--no-progress", "--report", "report.json", "--events", "events.jsonl"]
        flags += ["-v"] if self.rng.random() < 0.3 else []
        stage, counts = self.stage, self.outcome.counts
        counts["commands"] += 1
        if death is None or death.kind == "point":
            done = stage.run(*command, *flags, crash_at=death.crash_at if death else "")
        elif death.kind in ("rival", "overtaken"):
            done = self._meet(command, flags, death)
        else:
            pid = stage.start(*command, *flags)
            with suppress(ProcessLookupError):
                self._disturb(pid, death)
            done = stage.wait()
        self._listen(command, done)
        return done

    def _meet(self, command, flags, death):
        """Two processes with one command: one has the run, and the other says who. What the later one to have it says."""
        stage, overtaken = self.stage, death.kind == "overtaken"
        self.outcome.counts[death.kind] += 1
        pid = stage.start(*command, *flags, crash_at=death.crash_at)
        time.sleep(death.after_s if overtaken else death.after_s / 3)
        if overtaken:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
            time.sleep(1.2 * SHORT_S)
        stage.start(*command, "--no-progress", rival=1)
        second = stage.wait(rival=1) if overtaken else None
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
        first, second = stage.wait(), second or stage.wait(rival=1)
        for one in (first, second):
            # Frozen in the middle of a commit, it has the file and not only the run.
            known = (
                "is being driven by process",
                "was taken over by",
                *(["another program", "cannot be reached"] if overtaken else []),
            )
            if one.code == 4 and not any(words in one.err for words in known):
                self.outcome.find("failed", f"a rival of {command[0]}: exit 4: {one.talk[-1500:]}")
            self._listen(command, one)
        if first.code == second.code == 4 and not overtaken:
            self.outcome.find("failed", f"neither of two has the run: {first.talk[-500:]} {second.talk[-500:]}")
        return first if second.code == 4 else second

    def _listen(self, command, done):
        """What no command may ever say."""
        counts = self.outcome.counts
        counts["kills"] += done.code == -signal.SIGKILL
        counts["Ctrl-C"] += done.code == 130
        for word in ("Traceback", "internal error", "Exception ignored", "BROKEN"):
            if word in done.talk:
                self.outcome.find("failed", f"{command[0]} said {word}: {done.talk[-1500:]}")
        if done.code == HUNG:
            self.outcome.find("failed", f"{command[0]} hung: {done.talk[-1500:]}")

    def _disturb(self, pid, death):
        time.sleep(death.after_s)
        match death.kind:
            case "kill":
                os.kill(pid, signal.SIGKILL)
            case "freeze":
                os.kill(pid, signal.SIGSTOP)
                self.outcome.counts["freezes"] += 1
                time.sleep(death.frozen_s)
                os.kill(pid, signal.SIGCONT)
            case "ctrl-c":
                os.kill(pid, signal.SIGINT)
            case _:
                os.kill(pid, signal.SIGINT)
                time.sleep(death.frozen_s / 4)
                os.kill(pid, signal.SIGINT)

    def _trouble(self, rows):
        book = self.stage.simulator._server.book
        self.outcome.counts["faults"] += sum(book.fired)
        rules = [read_fault(row, "chaos") for row in rows]
        self.stage.do(lambda: self.stage.simulator.set_faults(rules))

    def _runs(self):
        """How many runs there are: each activates its pairs once."""
        listed = json.loads(self.stage.run("runs", "--json").out)
        return sum(row["args"].get("command", "run") == "run" for row in listed)

    # -- the judge ---------------------------------------------------------------------------------------------------

    def _judge_always(self, ledger):
        find = self.outcome.find
        for row in ledger["duplicates"]:
            find("doubled", f"{row['kind']} by {row['by']}: {row['ids']}")
        for row in ledger["violations"]:
            find("violations", json.dumps(row)[:500])
        for row in ledger["activations"]["overlaps"]:
            find("twice at once", json.dumps(row)[:500])
        if ledger["activations"]["maxConcurrentPerAudience"] > 1:
            find("twice at once", f"{ledger['activations']['maxConcurrentPerAudience']} jobs of one audience")

    def _judge_made(self, before, runs):
        stage, wish, find, ledger = self.stage, self.wish, self.outcome.find, self.stage.ledger()
        self._judge_always(ledger)
        for kind in MADE:
            there = Counter(one["name"] for one in stage.objects(kind))
            for name, count in wish.names.get(kind, {}).items():
                if there[name] != count:
                    find("doubled" if there[name] > count else "lost", f"{there[name]} of {kind} '{name}'")
            made, wanted = ledger["created"].get(kind, 0), sum(wish.names.get(kind, {}).values())
            if made != wanted:
                find("doubled" if made > wanted else "lost", f"{made} {kind} were made, {wanted} are wanted")
        self._judge_pairs(ledger, 1, runs)
        flows = {flow["id"]: flow for flow in stage.objects("flows")}
        for flow in wish.gone & flows.keys():
            find("lost", f"flow {flow} was to be deleted")
        for flow in wish.disabled:
            if flows[flow]["state"] != "disabled":
                find("lost", f"flow {flow} was to be disabled, and is {flows[flow]['state']}")
        ends = [flow.get("scheduleParams", {}).get("endTime") or 9e9 for flow in flows.values()
                if flow["name"].startswith("Existing dataset")]  # fmt: skip
        if any(end < 1_790_000_000 for end in ends):
            find("lost", "an existing export was to end later")
        retried = len(stage.runs(wish.retried)) - 1 if wish.retried else 0
        if retried != bool(wish.retried):
            find("lost" if not retried else "doubled", f"a failed run was triggered {retried} times")

    def _judge_pairs(self, ledger, least, most):
        flows = {flow["name"]: flow["id"] for flow in self.stage.objects("flows")}
        wanted = self.wish.pairs | {(flows.get(name, name), audience) for name, audience in self.wish.own_pairs}
        asked = ledger["activations"]["pairs"]
        for flow, audience in sorted(wanted):
            times = asked.get(f"{flow}|{audience}", 0)
            if not least <= times <= most:
                kind = "lost" if times < least else "doubled"
                self.outcome.find(kind, f"pair {flow} {audience}: activated {times} times by {most} runs")
        for pair in asked.keys() - {f"{flow}|{audience}" for flow, audience in wanted}:
            self.outcome.find("doubled", f"pair {pair} was activated, and nobody wanted it")

    def _judge_later(self, then, least, runs):
        """A later run makes nothing and deletes nothing, and activates again."""
        ledger = self.stage.ledger()
        self._judge_always(ledger)
        for key in ("created", "deleted"):
            if ledger[key] != then[key]:
                self.outcome.find("doubled", f"a later run changed what was {key}: {then[key]} to {ledger[key]}")
        self._judge_pairs(ledger, least, runs)

    def _judge_moved(self):
        for target in self.stage.objects("targetConnections"):
            place = str(target["params"].get("path") or target["params"].get("remotePath"))
            if target["name"].startswith(("Bucket", "Mail")) and "moved" not in place:
                self.outcome.find("lost", f"target '{target['name']}' was to be moved, and is in {place}")

    def _judge_gone(self, before):
        self._judge_always(self.stage.ledger())
        for kind in ("flows", "sourceConnections", "targetConnections", "dataSets"):
            left = [one["name"] for one in self.stage.objects(kind)]
            expected = before[kind] - (len(self.wish.gone) if kind == "flows" else 0)
            if len(left) != expected:
                self.outcome.find("lost", f"after the destroy there are {len(left)} {kind}, not {expected}: {left[:5]}")

    def _seek_secrets(self):
        world = self.stage.simulator._server.world
        planted = {**self.secrets, "client secret": world.credentials.client_secret}
        planted |= {f"token {number}": token for number, token in enumerate(world.tokens)}
        found = secrets.leaks(self.stage.folder, planted)
        if self.state:
            found += secrets.leaks_in_database(self.state, world.credentials.org_id, planted)
        for where in found:
            self.outcome.find("secrets", where)
