#!/usr/bin/env python3
"""How `all.py` tries outcomes: `python3 tests/faults/test_outcomes.py`."""

import os
import signal
import tempfile
import types
import unittest

from all import rows
from matrix.ground import Ground, Wrong, group


class Outcomes(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        os.makedirs(os.path.join(self.folder.name, "output"))
        # Starts a child of its own and waits.
        command = os.path.join(self.folder.name, "command")
        with open(command, "w") as file:
            file.write("#!/bin/sh\nsleep 600 &\nwait\n")
        os.chmod(command, 0o755)
        self.ground = Ground(command, self.folder.name, [])
        self.started = []

    def tried(self, *attempts):
        module = types.SimpleNamespace(outcomes=lambda _: [(attempt.__name__, attempt) for attempt in attempts])
        return list(rows(self.ground, module, types.SimpleNamespace(name="fake")))

    def start(self, ground):
        process = ground.call([])
        self.started.append(process.pid)
        process.until("a child", lambda: len(group(process.pid)) == 2)
        return process

    def test_what_is_wrong_keeps_no_other_outcome_from_being_tried(self):
        def wrong(ground, _command, _place):
            ground.row.codes.append(7)
            raise Wrong("as foreseen")

        def surprising(_ground, _command, _place):
            raise KeyError("x")

        def right(ground, _command, place):
            self.assertTrue(os.path.isdir(place))
            ground.row.same = "yes"

        found = self.tried(wrong, surprising, right)
        self.assertEqual([row.fault for row in found], ["wrong", "surprising", "right"])
        self.assertEqual([row.wrong for row in found], ["as foreseen", "KeyError: 'x'", ""])
        self.assertEqual((found[0].codes, found[2].same), ([7], "yes"))

    def test_no_process_outlives_its_outcome(self):
        def stopped(ground, _command, _place):
            process = self.start(ground)
            for pid in group(process.pid):
                os.kill(pid, signal.SIGSTOP)
            raise Wrong("while they are stopped")

        def at_work(ground, _command, _place):
            self.start(ground)

        self.tried(stopped, at_work)
        self.assertEqual(len(self.started), 2)
        self.assertEqual([group(pid) for pid in self.started], [[], []])


if __name__ == "__main__":
    unittest.main()
