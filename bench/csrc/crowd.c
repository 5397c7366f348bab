// Closed-loop load of many clients: of N connections OUTSTANDING have a request under way, each one at most, as a REQ has. At each reply the
// one that has rested longest asks next. With 0 outstanding all stay idle, connected and with their handshakes done, until they are killed.
// usage: crowd ENDPOINT N OUTSTANDING SECONDS BYTES
// It prints "ready" when all are connected, and what closed.c prints at the end. The first fifth of the time counts for `total` alone.
#include "raw.h"

static unsigned char message[BUFFER];
static size_t length, body; // of a message, and where its body begins

static void ask(int fd) {
  uint64_t t = now();
  memcpy(message + body, &t, sizeof t);
  put(fd, message, length);
}

int main(int argc, char **argv) {
  int n = (int)number(argc, argv, 2), outstanding = (int)number(argc, argv, 3), poll = epoll_create1(0);
  double seconds = number(argc, argv, 4);
  size_t bytes = (size_t)number(argc, argv, 5);
  if (bytes < sizeof(uint64_t)) bytes = sizeof(uint64_t);
  length = request(message, bytes);
  body = length - bytes;

  struct peer *all = crowd(argv[1], "REQ", n, poll);
  puts("ready");
  fflush(stdout);
  if (!outstanding) pause();

  struct peer **resting = calloc((size_t)n, sizeof *resting); // a ring: as many as rest, from the next one on
  for (int i = 0; i < n; i++) resting[i] = &all[i];
  size_t next = 0, last = 0;

  struct sample sample = {0};
  uint64_t began = now(), end = began + (uint64_t)(seconds * 1e9), warm = began + (uint64_t)(seconds * 2e8), total = 0;
  for (int i = 0; i < outstanding; i++) ask(resting[next++ % (size_t)n]->fd);
  struct epoll_event events[256];
  for (uint64_t t = now(); t < end; t = now()) {
    int ready = epoll_wait(poll, events, 256, 100);
    for (int i = 0; i < ready; i++) {
      struct peer *p = events[i].data.ptr;
      if (!hear(p)) continue;
      if (p->have < length) continue;
      uint64_t sent, received = now();
      if (p->have > length || memcmp(p->in, message, body)) {
        fprintf(stderr, "a reply is not an echo of its request\n");
        _exit(1);
      }
      memcpy(&sent, p->in + body, sizeof sent);
      if (received > warm) note(&sample, received - sent);
      used(p, length);
      total++;
      resting[last++ % (size_t)n] = p;
      ask(resting[next++ % (size_t)n]->fd);
    }
  }
  printf("rps=%.0f total=%llu ", (double)sample.n / ((double)(now() - warm) / 1e9), (unsigned long long)total);
  print_sample(&sample);
  fflush(stdout);
  _exit(0);
}
