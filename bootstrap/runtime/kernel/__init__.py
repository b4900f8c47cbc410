"""A running kernel becomes another interpreter's, without dying and without losing a message.

`move` is the old side: it empties the kernel's queues, closes its sockets and replaces the process's program.
`launch` is the new side: it binds the same ports, waits for the clients to come back, and goes on with what was
waiting. `handover` is what passes between them, `wire` the part below ZeroMQ. IPython and ipykernel are looked at
only where they are loaded already.
"""
