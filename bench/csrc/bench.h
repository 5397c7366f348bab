// What the benchmark's programs share: a clock, a store of latencies, and sockets without a high-water mark. Each program includes it once.
#ifndef BENCH_H
#define BENCH_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

static inline void die(const char *what) {
  fprintf(stderr, "cannot %s: %s\n", what, zmq_strerror(zmq_errno()));
  _exit(1);
}

// number reads an argument; a missing one is an error of whoever wrote the command.
static inline double number(int argc, char **argv, int at) {
  if (at >= argc) {
    fprintf(stderr, "%s: argument %d is missing\n", argv[0], at);
    _exit(2);
  }
  return atof(argv[at]);
}

// plenty raises the limit of open files to what is allowed, which has to be more than n.
static inline void plenty(int n) {
  struct rlimit r;
  getrlimit(RLIMIT_NOFILE, &r);
  r.rlim_cur = r.rlim_max;
  setrlimit(RLIMIT_NOFILE, &r);
  if (r.rlim_max < (rlim_t)n + 32) {
    fprintf(stderr, "%d connections need more open files than the %lu that are allowed: ulimit -Hn\n", n, (unsigned long)r.rlim_max);
    _exit(1);
  }
}

// now is nanoseconds on a clock that does not jump. Every program on the machine reads the same one.
static inline uint64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

// plug connects a DEALER that never drops and never blocks: what is sent beyond what the proxy takes waits here.
static inline void *plug(void *ctx, const char *endpoint) {
  int unlimited = 0;
  void *s = zmq_socket(ctx, ZMQ_DEALER);
  if (!s) die("make a socket");
  zmq_setsockopt(s, ZMQ_SNDHWM, &unlimited, sizeof unlimited);
  zmq_setsockopt(s, ZMQ_RCVHWM, &unlimited, sizeof unlimited);
  if (zmq_connect(s, endpoint)) die("connect");
  return s;
}

// A sample is every latency in nanoseconds, kept one by one: percentiles of it are exact.
struct sample {
  uint64_t *at;
  size_t n, room;
};

static inline void note(struct sample *s, uint64_t latency) {
  if (s->n == s->room) {
    s->room = s->room ? 2 * s->room : 1 << 16;
    s->at = realloc(s->at, s->room * sizeof *s->at);
    if (!s->at) die("keep the latencies");
  }
  s->at[s->n++] = latency;
}

static inline int by_value(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

// print_sample writes percentiles in microseconds as key=value, which is all that the runner reads.
static inline void print_sample(struct sample *s) {
  if (!s->n) {
    fprintf(stderr, "no reply in time\n");
    _exit(1);
  }
  qsort(s->at, s->n, sizeof *s->at, by_value);
  const struct { const char *name; double share; } cuts[] = {{"p50", .5}, {"p90", .9}, {"p99", .99}, {"p999", .999}};
  for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++)
    printf("%s=%.1f ", cuts[i].name, s->at[(size_t)((double)s->n * cuts[i].share)] / 1e3);
  printf("max=%.1f\n", s->at[s->n - 1] / 1e3);
}

#endif
