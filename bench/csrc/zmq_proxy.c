// The baseline: libzmq's own proxy between a ROUTER and a DEALER.
// usage: zmq_proxy FRONTEND BACKEND
#include "bench.h"

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  plenty(0);
  void *ctx = zmq_ctx_new();
  void *router = zmq_socket(ctx, ZMQ_ROUTER), *dealer = zmq_socket(ctx, ZMQ_DEALER);
  if (zmq_bind(router, argv[1])) die("bind the frontend");
  if (zmq_bind(dealer, argv[2])) die("bind the backend");
  zmq_proxy(router, dealer, NULL); // until the process is killed
  die("go on");
}
