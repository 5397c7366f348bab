// Open-loop load: requests at random moments, RATE a second on average, whatever the replies do. Latency counts from the moment at which
// a request was due, so a proxy that holds up the sender cannot hide it.
// usage: open ENDPOINT CLIENTS RATE SECONDS [ORDER]
// ORDER is a first frame for workers that want to be told what to do; they may answer it with anything. Every request has a number. At the end, as key=value: total sent, lost (never answered with its own body), duplicates, wrong (replies
// that are no echo), latencies in microseconds. The first fifth of the time is for warming up: latencies do not count in it.
#include "bench.h"

#include <math.h>
#include <sys/timerfd.h>

// A body is the request's number and the moment at which it was due.
struct body { uint64_t number, due; };

static const uint64_t grace = 3000000000u;    // without a reply after the last request, what is missing is lost, ns
static const uint64_t longest = 20000000000u; // but a backlog is not waited for longer than this, ns
static const uint64_t listen_on = 200000000u; // how long to listen for duplicates when all is answered, ns

// alarm_at makes the timer readable at a moment, so that the program sleeps until then and is not late by a whole millisecond.
static void alarm_at(int timer, uint64_t at) {
  struct itimerspec t = {.it_value = {(time_t)(at / 1000000000u), (long)(at % 1000000000u)}};
  timerfd_settime(timer, TFD_TIMER_ABSTIME, &t, NULL);
}

// take reads one reply of so many frames if there is one: 1 with a body, -1 for something else, 0 for none.
static int take(void *client, int frames, struct body *b) {
  char frame[256];
  int n = zmq_recv(client, frame, sizeof frame, ZMQ_DONTWAIT), more = 0, parts = 1, last = n;
  if (n < 0) return 0;
  size_t size = sizeof more;
  while (zmq_getsockopt(client, ZMQ_RCVMORE, &more, &size) == 0 && more) {
    last = zmq_recv(client, frame, sizeof frame, 0);
    parts++;
  }
  if (n != 0 || parts != frames || last != sizeof *b) return -1;
  memcpy(b, frame, sizeof *b);
  return 1;
}

int main(int argc, char **argv) {
  int clients = (int)number(argc, argv, 2);
  double rate = number(argc, argv, 3), seconds = number(argc, argv, 4);
  const char *order = argc > 5 ? argv[5] : NULL;
  int frames = order ? 3 : 2;
  void *ctx = zmq_ctx_new();
  int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  zmq_pollitem_t *polled = calloc((size_t)clients + 1, sizeof *polled);
  for (int i = 0; i < clients; i++) polled[i] = (zmq_pollitem_t){plug(ctx, argv[1]), 0, ZMQ_POLLIN, 0};
  polled[clients] = (zmq_pollitem_t){NULL, timer, ZMQ_POLLIN, 0};

  size_t room = (size_t)(rate * seconds * 2) + 1000;
  unsigned char *seen = calloc(room, 1);
  struct sample sample = {0};
  uint64_t sent = 0, answered = 0, duplicates = 0, wrong = 0;
  uint64_t began = now(), end = began + (uint64_t)(seconds * 1e9), warm = began + (uint64_t)(seconds * 2e8);
  uint64_t due = began, complete = began, heard = began; // next request; last moment with something missing; last reply
  srand48(1); // the same moments in every run
  for (;;) {
    uint64_t t = now();
    if (due < end || answered < sent) complete = t;
    if (t > complete + listen_on || (t > end + grace && t > heard + grace) || t > end + longest) break;
    while (due <= t && due < end && sent < room) {
      struct body b = {sent, due};
      void *client = polled[sent++ % (uint64_t)clients].socket;
      if (zmq_send(client, "", 0, ZMQ_SNDMORE) < 0) die("send a request");
      if (order && zmq_send(client, order, strlen(order), ZMQ_SNDMORE) < 0) die("send a request");
      if (zmq_send(client, &b, sizeof b, 0) < 0) die("send a request");
      due += (uint64_t)(-log(1 - drand48()) / rate * 1e9);
    }
    alarm_at(timer, due < end ? due : t + listen_on);
    if (zmq_poll(polled, clients + 1, 100) < 0) die("wait for replies");
    for (int i = 0; i < clients; i++) {
      struct body b;
      for (int k; polled[i].revents && (k = take(polled[i].socket, frames, &b));) {
        heard = t;
        if (k < 0 || b.number >= sent) {
          wrong++;
        } else if (seen[b.number]++) {
          duplicates++;
        } else {
          answered++;
          if (b.due > warm) note(&sample, now() - b.due);
        }
      }
    }
  }
  printf("total=%llu lost=%llu duplicates=%llu wrong=%llu ", (unsigned long long)sent, (unsigned long long)(sent - answered),
         (unsigned long long)duplicates, (unsigned long long)wrong);
  print_sample(&sample);
  fflush(stdout);
  _exit(0);
}
