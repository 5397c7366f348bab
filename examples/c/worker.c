/* The C example of a zfleet worker: a plain ZeroMQ REP socket that connects where zfleet says.
 *
 * zfleet drains a worker before it ends it, so there is no need to catch SIGTERM. If this process dies before its reply is out, another
 * worker gets the request: handling one twice must do no harm. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

static void check(int ok, const char *what) {
    if (!ok) {
        fprintf(stderr, "worker: cannot %s: %s\n", what, zmq_strerror(zmq_errno()));
        exit(1);
    }
}

/* Receives every frame of a request: a REP socket sends nothing before. */
static void receive(void *socket) {
    zmq_msg_t frame;
    do {
        check(zmq_msg_init(&frame) == 0 && zmq_msg_recv(&frame, socket, 0) >= 0, "receive");
    } while (zmq_msg_more(&frame) && zmq_msg_close(&frame) == 0);
    zmq_msg_close(&frame);
}

int main(void) {
    const char *told = getenv("ZFLEET_BACKEND"); /* endpoints, separated by spaces */
    char *backend = strdup(told ? told : "tcp://127.0.0.1:5560");
    void *socket = zmq_socket(zmq_ctx_new(), ZMQ_REP);
    for (char *endpoint = strtok(backend, " "); endpoint; endpoint = strtok(NULL, " "))
        check(zmq_connect(socket, endpoint) == 0, "connect");
    free(backend);
    for (;;) {
        receive(socket);
        check(zmq_send(socket, "World, from C", 13, 0) == 13, "reply");
    }
}
