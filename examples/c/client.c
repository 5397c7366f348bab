/* The C example of a client: a plain ZeroMQ REQ socket that asks again when it gets no reply. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

enum { TIMEOUT = 2500, TRIES = 3 }; /* milliseconds for one try; more than a request may take */

static void check(int ok, const char *what) {
    if (!ok) {
        fprintf(stderr, "client: cannot %s: %s\n", what, zmq_strerror(zmq_errno()));
        exit(1);
    }
}

static void set(void *socket, int option, int value) {
    check(zmq_setsockopt(socket, option, &value, sizeof value) == 0, "set an option");
}

/* Sends a request, again when there is no reply in time. So it can be handled twice. The length of the reply can be more than size. */
static int ask(void *socket, const char *request, char *reply, size_t size) {
    for (int i = 0; i < TRIES; i++) {
        check(zmq_send(socket, request, strlen(request), 0) >= 0, "send");
        int n = zmq_recv(socket, reply, size, 0);
        if (n >= 0)
            return n;
        check(zmq_errno() == EAGAIN, "receive");
        fprintf(stderr, "client: no reply within %d ms\n", TIMEOUT);
    }
    fprintf(stderr, "client: no reply after %d tries\n", TRIES);
    exit(1);
}

int main(int argc, char **argv) {
    void *context = zmq_ctx_new();
    void *socket = zmq_socket(context, ZMQ_REQ);
    set(socket, ZMQ_REQ_RELAXED, 1);   /* a request may be sent although the last has no reply */
    set(socket, ZMQ_REQ_CORRELATE, 1); /* and then the reply to the last is not taken for this one's */
    set(socket, ZMQ_RCVTIMEO, TIMEOUT);
    set(socket, ZMQ_LINGER, 0);
    check(zmq_connect(socket, argc > 1 ? argv[1] : "tcp://127.0.0.1:5559") == 0, "connect");
    for (int i = 1; i <= 10; i++) {
        char reply[256];
        int n = ask(socket, "Hello", reply, sizeof reply);
        printf("Received reply %d [%.*s]\n", i, n < (int)sizeof reply ? n : (int)sizeof reply, reply);
    }
    zmq_close(socket);
    zmq_ctx_term(context);
    return 0;
}
