// A burst: TOTAL numbered requests over N connections, sent as fast as the proxy takes them, and only then the replies.
// usage: burst ENDPOINT N TOTAL BYTES
// It prints "sent" when the proxy's side has been given all, and when all are answered, as key=value: total, lost, duplicates, wrong (replies
// that are no echo). Without a reply for ten seconds after the first one, what is missing is lost.
#include "raw.h"

int main(int argc, char **argv) {
  int n = (int)number(argc, argv, 2), poll = epoll_create1(0);
  uint64_t total = (uint64_t)number(argc, argv, 3), answered = 0, duplicates = 0, wrong = 0;
  size_t bytes = (size_t)number(argc, argv, 4);
  if (bytes < sizeof(uint64_t)) bytes = sizeof(uint64_t);
  static unsigned char message[BUFFER];
  size_t length = request(message, bytes), body = length - bytes;

  struct peer *all = crowd(argv[1], "REQ", n, poll);
  for (uint64_t i = 0; i < total; i++) {
    memcpy(message + body, &i, sizeof i);
    put(all[i % (uint64_t)n].fd, message, length);
  }
  puts("sent");
  fflush(stdout);

  unsigned char *seen = calloc(total, 1);
  struct epoll_event events[256];
  while (answered + wrong < total) {
    int ready = epoll_wait(poll, events, 256, answered ? 10000 : -1);
    if (ready == 0) break;
    for (int i = 0; i < ready; i++) {
      struct peer *p = events[i].data.ptr;
      if (!hear(p)) continue;
      size_t at = 0;
      for (; p->have - at >= length; at += length) {
        uint64_t k;
        memcpy(&k, p->in + at + body, sizeof k);
        if (memcmp(p->in + at, message, body) || k >= total) wrong++;
        else if (seen[k]++) duplicates++;
        else answered++;
      }
      used(p, at);
    }
  }
  printf("total=%llu lost=%llu duplicates=%llu wrong=%llu\n", (unsigned long long)total, (unsigned long long)(total - answered),
         (unsigned long long)duplicates, (unsigned long long)wrong);
  fflush(stdout);
  _exit(0);
}
