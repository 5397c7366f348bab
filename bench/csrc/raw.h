// Peers by the thousand. libzmq's poll looks at every socket each time, so with two thousand of them a program would measure itself; these
// speak ZMTP 3.1 (RFC 37) on bare sockets and wait with epoll. Only what a REQ and a REP need is here.
#ifndef RAW_H
#define RAW_H

#include "bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum { FLAG_MORE = 1, FLAG_LONG = 2, FLAG_COMMAND = 4 };

// peer is one connection, with the bytes that were read and not used yet. The buffer is made when it is first needed: idle peers have none.
struct peer {
  int fd;
  size_t have;
  unsigned char *in;
};

enum { BUFFER = 1 << 16 };

static inline void fail(const char *what) {
  fprintf(stderr, "cannot %s: %s\n", what, strerror(errno));
  _exit(1);
}

// put sends all of it; the sockets block.
static inline void put(int fd, const void *p, size_t n) {
  for (const char *at = p; n > 0;) {
    ssize_t sent = send(fd, at, n, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) fail("send to the proxy");
    at += sent, n -= (size_t)sent;
  }
}

// get reads exactly so much.
static inline void get(int fd, void *p, size_t n) {
  ssize_t got = recv(fd, p, n, MSG_WAITALL);
  if (got != (ssize_t)n) fail("shake hands with the proxy");
}

// meet connects to tcp://A.B.C.D:PORT and shakes hands as REQ or REP by the NULL mechanism.
static inline int meet(const char *endpoint, const char *type) {
  char host[64];
  unsigned port;
  struct sockaddr_in to = {.sin_family = AF_INET};
  if (sscanf(endpoint, "tcp://%63[0-9.]:%u", host, &port) != 2 || !inet_aton(host, &to.sin_addr)) {
    fprintf(stderr, "%s is not tcp://ADDRESS:PORT\n", endpoint);
    _exit(2);
  }
  to.sin_port = htons((uint16_t)port);
  int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to)) fail("connect");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);

  unsigned char greeting[64] = {0xff, [9] = 0x7f, 3, 1, 'N', 'U', 'L', 'L'}, ready[64], header[2];
  int n = sprintf((char *)ready + 2, "%cREADY%cSocket-Type%c%c%c%c%s", 5, 11, 0, 0, 0, 3, type);
  ready[0] = FLAG_COMMAND, ready[1] = (unsigned char)n;
  put(fd, greeting, sizeof greeting);
  put(fd, ready, (size_t)n + 2);
  get(fd, greeting, sizeof greeting);
  get(fd, header, sizeof header); // its READY is short, and nothing of it matters here
  unsigned char theirs[256];
  get(fd, theirs, header[1]);
  if (header[0] != FLAG_COMMAND || memcmp(theirs, "\5READY", 6)) {
    fprintf(stderr, "the proxy answers the handshake with %.*s\n", header[1], theirs);
    _exit(1);
  }
  return fd;
}

// crowd connects n peers and watches them.
static inline struct peer *crowd(const char *endpoint, const char *type, int n, int poll) {
  plenty(n);
  struct peer *all = calloc((size_t)n, sizeof *all);
  for (int i = 0; i < n; i++) {
    all[i].fd = meet(endpoint, type);
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = &all[i]};
    if (epoll_ctl(poll, EPOLL_CTL_ADD, all[i].fd, &e)) fail("watch a connection");
  }
  return all;
}

// hear reads once what has come; 0 when that is nothing.
static inline int hear(struct peer *p) {
  if (!p->in && !(p->in = malloc(BUFFER))) fail("make a buffer");
  ssize_t n = recv(p->fd, p->in + p->have, BUFFER - p->have, MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
  if (n <= 0) {
    fprintf(stderr, "the proxy hung up\n");
    _exit(1);
  }
  p->have += (size_t)n;
  return 1;
}

// used drops the first bytes.
static inline void used(struct peer *p, size_t n) {
  p->have -= n;
  memmove(p->in, p->in + n, p->have);
}

// frame is the length of the first frame, header included, or 0 when there is not all of it yet. Head is the length of its header.
static inline size_t frame(const unsigned char *p, size_t have, size_t *head) {
  *head = have > 0 && p[0] & FLAG_LONG ? 9 : 2;
  if (have < *head) return 0;
  uint64_t size = p[1];
  for (size_t i = 2; i < *head; i++) size = size << 8 | p[i];
  return have - *head < size ? 0 : *head + (size_t)size;
}

// request writes a REQ's message with a body of so many bytes and gives its length. The body is at the end.
static inline size_t request(unsigned char *to, size_t bytes) {
  unsigned char *p = to;
  *p++ = FLAG_MORE, *p++ = 0; // the empty delimiter
  if (bytes < 256) {
    *p++ = 0, *p++ = (unsigned char)bytes;
  } else {
    *p++ = FLAG_LONG;
    for (int shift = 56; shift >= 0; shift -= 8) *p++ = (unsigned char)((uint64_t)bytes >> shift);
  }
  memset(p, 0, bytes);
  return (size_t)(p - to) + bytes;
}

#endif
