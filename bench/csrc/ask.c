// One REQ client, one request.
// usage: ask ENDPOINT REQUEST [FIRST]
// FIRST is asked before, so that the connection is there. It prints "sent" when the request is on its way, and at the end, as key=value: us,
// microseconds until the reply, and errors, 1 when that is one of zfleet's error replies.
#include "bench.h"

static const char error_reply[] = "{\"zfleet\":";

// ask sends one frame and reads all of the reply; it gives the first of it, cut to the buffer's size.
static void ask(void *req, const char *request, char *reply, size_t size) {
  if (zmq_send(req, request, strlen(request), 0) < 0) die("send a request");
  puts("sent");
  fflush(stdout);
  int more = 1;
  size_t width = sizeof more;
  memset(reply, 0, size);
  if (zmq_recv(req, reply, size - 1, 0) < 0) die("receive a reply");
  for (char rest[1]; zmq_getsockopt(req, ZMQ_RCVMORE, &more, &width) == 0 && more;) zmq_recv(req, rest, sizeof rest, 0);
}

int main(int argc, char **argv) {
  if (argc < 3) die("ask: ENDPOINT and REQUEST are needed");
  void *req = zmq_socket(zmq_ctx_new(), ZMQ_REQ);
  char reply[256];
  if (zmq_connect(req, argv[1])) die("connect");
  if (argc > 3) ask(req, argv[3], reply, sizeof reply);
  uint64_t began = now();
  ask(req, argv[2], reply, sizeof reply);
  printf("us=%.1f errors=%d\n", (double)(now() - began) / 1e3, !strncmp(reply, error_reply, sizeof error_reply - 1));
  fflush(stdout);
  _exit(0);
}
