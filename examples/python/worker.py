"""The Python example of a zfleet worker: a plain ZeroMQ REP socket that connects where zfleet says.

zfleet drains a worker before it ends it, so there is no need to catch SIGTERM. If this process dies before its reply is out, another worker
gets the request: handling one twice must do no harm.
"""

import os

import zmq

socket = zmq.Context().socket(zmq.REP)
for endpoint in os.environ.get("ZFLEET_BACKEND", "tcp://127.0.0.1:5560").split():
    socket.connect(endpoint)

while True:
    request = socket.recv_multipart()
    socket.send(b"World, from Python")
