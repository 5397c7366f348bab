"""The Python example of a client: a plain ZeroMQ REQ socket that asks again when it gets no reply."""

import sys

import zmq

TIMEOUT = 2500  # milliseconds for one try; more than a request may take
TRIES = 3

endpoint = sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:5559"
socket = zmq.Context().socket(zmq.REQ)
socket.setsockopt(zmq.REQ_RELAXED, 1)  # a request may be sent although the last has no reply
socket.setsockopt(zmq.REQ_CORRELATE, 1)  # and then the reply to the last is not taken for this one's
socket.setsockopt(zmq.RCVTIMEO, TIMEOUT)
socket.setsockopt(zmq.LINGER, 0)
socket.connect(endpoint)


def ask(request):
    """Send a request, again when there is no reply in time. So it can be handled twice."""
    for _ in range(TRIES):
        socket.send(request)
        try:
            return socket.recv_multipart()
        except zmq.Again:
            print("client: no reply within %d ms" % TIMEOUT, file=sys.stderr)
    sys.exit("client: no reply after %d tries" % TRIES)


for i in range(10):
    print("Received reply %d [%s]" % (i + 1, ask(b"Hello")[0].decode()))
