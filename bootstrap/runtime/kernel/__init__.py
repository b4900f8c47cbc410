"""A running kernel passes its clients on to another interpreter's, without dying and without losing a message.

A Jupyter server watches the process that it has started, and clients talk to the sockets that this process has
bound: so both stay. The kernel in it stops running cells and becomes a relay; another kernel, its child, gets every
message and answers.

- `move`: what the rest of the program uses, on either side.
- `relay`: the relay's life: switch to a child, on to the next one, or back to the kernel that it was.
- `child`: a kernel in a process of its own, proven to answer.
- `pump`: passes messages between two sockets.
- `folder`: where a child's sockets lie.
- `resources`: what the relay's process still holds.
- `launch`: the program of the child, and of every later start of a kernel in the environment.
- `relayed`: a child's connection to its relay.
- `start`: the program that starts `launch`, or the machine's own kernel where that can't be done.
- `interface`: Colab's own packages between the page and Python, in the environment's kernel.

IPython, ipykernel and zmq are looked at only where they are loaded already.
"""
