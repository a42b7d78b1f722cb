"""How the programs of this folder say that they are ready, and end."""
import os
import pathlib
import sys
import threading


def announce(port_file, content):
    """Write a file, which is there as a whole or not at all."""
    temporary = port_file + ".new"
    pathlib.Path(temporary).write_text(f"{content}\n")
    os.replace(temporary, port_file)


def end_with_input():
    """Have the program end when its standard input does."""
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
