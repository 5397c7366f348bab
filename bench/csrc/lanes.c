// Echoing workers by the thousand, each a connection of its own.
// usage: lanes ENDPOINT N
// It prints "ready" when all are connected.
#include "raw.h"

// echo answers what has come: whole frames go back as they are, a PING is answered with a PONG of its context.
static void echo(struct peer *p) {
  static unsigned char out[2 * BUFFER];
  size_t n = 0, at = 0, head, length;
  while ((length = frame(p->in + at, p->have - at, &head)) > 0) {
    unsigned char *f = p->in + at;
    at += length;
    if (!(f[0] & FLAG_COMMAND)) {
      memcpy(out + n, f, length);
      n += length;
    } else if (length >= head + 7 && !memcmp(f + head, "\4PING", 5)) { // a TTL of two bytes, then the context
      size_t context = length - head - 7;
      out[n++] = FLAG_COMMAND, out[n++] = (unsigned char)(5 + context);
      memcpy(out + n, "\4PONG", 5);
      memcpy(out + n + 5, f + head + 7, context);
      n += 5 + context;
    }
  }
  used(p, at);
  if (n > 0) put(p->fd, out, n);
}

int main(int argc, char **argv) {
  int n = (int)number(argc, argv, 2), poll = epoll_create1(0);
  crowd(argv[1], "REP", n, poll);
  puts("ready");
  fflush(stdout);
  struct epoll_event events[256];
  for (;;) {
    int ready = epoll_wait(poll, events, 256, -1);
    for (int i = 0; i < ready; i++)
      if (hear(events[i].data.ptr)) echo(events[i].data.ptr);
  }
}
