# Runs the program of our arguments on a terminal of its own: what we are told is typed there, what it shows we print.
import os
import pty
import sys

sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))
