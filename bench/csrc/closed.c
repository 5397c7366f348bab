// Closed-loop load: CLIENTS DEALER sockets, each with WINDOW requests outstanding in a REQ's envelope. A reply is followed by the next
// request at once, so the proxy sets the pace.
// usage: closed ENDPOINT CLIENTS WINDOW SECONDS BYTES
// It prints "ready" at the first reply, and at the end, as key=value: requests a second, replies in all, latencies in microseconds.
// The first fifth of the time is for warming up: it counts for `total` alone.
#include "bench.h"

// ask sends a request with the time in its first bytes. The frame is given away.
static void ask(void *client, zmq_msg_t *body) {
  uint64_t t = now();
  memcpy(zmq_msg_data(body), &t, sizeof t);
  if (zmq_send(client, "", 0, ZMQ_SNDMORE) < 0 || zmq_msg_send(body, client, 0) < 0) die("send a request");
}

// answer takes one reply if there is one. Its frame becomes the next request.
static int answer(void *client, zmq_msg_t *body, size_t bytes, uint64_t *sent) {
  char delimiter;
  int n = zmq_recv(client, &delimiter, sizeof delimiter, ZMQ_DONTWAIT);
  if (n < 0) return 0;
  zmq_msg_init(body);
  if (n != 0 || zmq_msg_recv(body, client, 0) < 0 || zmq_msg_size(body) != bytes || zmq_msg_more(body)) {
    fprintf(stderr, "a reply is not an echo of its request\n");
    _exit(1);
  }
  memcpy(sent, zmq_msg_data(body), sizeof *sent);
  return 1;
}

int main(int argc, char **argv) {
  int clients = (int)number(argc, argv, 2), window = (int)number(argc, argv, 3);
  double seconds = number(argc, argv, 4);
  size_t bytes = (size_t)number(argc, argv, 5);
  if (bytes < sizeof(uint64_t)) bytes = sizeof(uint64_t);

  void *ctx = zmq_ctx_new();
  zmq_pollitem_t *polled = calloc((size_t)clients, sizeof *polled);
  for (int i = 0; i < clients; i++) polled[i] = (zmq_pollitem_t){plug(ctx, argv[1]), 0, ZMQ_POLLIN, 0};

  struct sample sample = {0};
  uint64_t began = now(), end = began + (uint64_t)(seconds * 1e9), warm = began + (uint64_t)(seconds * 2e8), total = 0;
  zmq_msg_t body;
  for (int i = 0; i < clients * window; i++) {
    zmq_msg_init_size(&body, bytes);
    memset(zmq_msg_data(&body), 0, bytes);
    ask(polled[i % clients].socket, &body);
  }
  // A proxy that makes a request wait for longer than all of this has to be measured too: the first reply is waited for.
  for (uint64_t t = now(); t < end || (!sample.n && t < end + 10000000000u); t = now()) {
    if (zmq_poll(polled, clients, 100) < 0) die("wait for replies");
    for (int i = 0; i < clients; i++) {
      if (!polled[i].revents) continue;
      uint64_t sent;
      // A few from each before the next has its turn, or one client would do all the work.
      for (int k = 0; k < 64 && answer(polled[i].socket, &body, bytes, &sent); k++) {
        uint64_t received = now();
        if (received > warm) note(&sample, received - sent);
        if (!total++) {
          puts("ready");
          fflush(stdout);
        }
        ask(polled[i].socket, &body);
      }
    }
  }
  printf("rps=%.0f total=%llu ", (double)sample.n / ((double)(now() - warm) / 1e9), (unsigned long long)total);
  print_sample(&sample);
  fflush(stdout);
  _exit(0); // what is outstanding would hold up an orderly end
}
