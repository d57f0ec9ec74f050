"""Runs a command on a terminal that is taken away once the command has said something.

Arguments: a file for the exit code, a signal to send afterwards (0: none), the command.
"""
import os
import pty
import subprocess
import sys
import time

result, number, *command = sys.argv[1:]
master, slave = pty.openpty()
# The terminal controls no process, so no SIGHUP is sent: as after `disown`.
child = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
os.close(slave)
os.read(master, 1)
os.close(master)
if int(number) != 0:
    time.sleep(1)
    child.send_signal(int(number))
try:
    code = child.wait(1000)
except subprocess.TimeoutExpired:
    child.kill()
    code = child.wait()
with open(result, "w") as file:
    file.write(str(code))
