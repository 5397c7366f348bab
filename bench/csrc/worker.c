// A REP worker that echoes.
// usage: worker connect|bind ENDPOINT SLOW_US EVERY
// It sleeps SLOW_US microseconds over every EVERY-th request: 0 0 never, 200 1 always. With bind there need not be a proxy.
#include "bench.h"

// echo answers one request. Frames are handed on as they came, without a copy.
static void echo(void *rep) {
  int more = 1;
  size_t size = sizeof more;
  while (more) {
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    if (zmq_msg_recv(&frame, rep, 0) < 0) die("receive a request");
    zmq_getsockopt(rep, ZMQ_RCVMORE, &more, &size);
    if (zmq_msg_send(&frame, rep, more ? ZMQ_SNDMORE : 0) < 0) die("send a reply");
  }
}

int main(int argc, char **argv) {
  long slow_us = (long)number(argc, argv, 3), every = (long)number(argc, argv, 4);
  void *rep = zmq_socket(zmq_ctx_new(), ZMQ_REP);
  if (!strcmp(argv[1], "bind") ? zmq_bind(rep, argv[2]) : zmq_connect(rep, argv[2])) die("open the port");
  zmq_pollitem_t request = {rep, 0, ZMQ_POLLIN, 0};
  for (long n = 1;; n++) {
    if (slow_us) {
      // The request has to be there before the sleep: a worker is slow with it, not before it.
      if (zmq_poll(&request, 1, -1) < 0) die("wait for a request");
      if (n % every == 0) usleep((useconds_t)slow_us);
    }
    echo(rep);
  }
}
