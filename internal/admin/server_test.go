package admin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestEveryCallArrivesAndReturns(t *testing.T) {
	var scaled ScaleRequest
	var asked string
	var downed DownRequest
	var restarted RestartRequest
	roll := Roll{Service: "hello", Number: 1, State: RollFrozen, Of: 3, Reason: "no", LastLines: []string{"no"}}
	status := Status{Fleet: "hello", Services: []Service{{Name: "hello", Want: 3}}}
	client, _ := served(t, fakeFleet{
		status: func(context.Context) (Status, error) { return status, nil },
		scale: func(r ScaleRequest) (ScaleReply, error) {
			scaled = r
			return ScaleReply{Service: "hello", Want: 8, Was: 3}, nil
		},
		settled: func(_ context.Context, service string) (Status, error) { asked = service; return status, nil },
		down:    func(r DownRequest) error { downed = r; return nil },
		restart: func(r RestartRequest) (RestartReply, error) { restarted = r; return RestartReply{[]Roll{roll}}, nil },
		reload:  func(r ReloadRequest) (ReloadReply, error) { return ReloadReply{Refused: r.DryRun}, nil },
		rolled: func(_ context.Context, service string, number int) (Roll, error) {
			asked = fmt.Sprint(service, number)
			return roll, nil
		},
	})
	var daemon string
	client.OnVersion = func(version string) { daemon = version }
	ctx := t.Context()

	got, err := client.Status(ctx)
	must(t, err)
	same(t, got, status)
	eight := 8
	reply, err := client.Scale(ctx, ScaleRequest{Service: "hello", Count: &eight})
	must(t, err)
	same(t, reply, ScaleReply{Service: "hello", Want: 8, Was: 3})
	same(t, *scaled.Count, 8)
	myself := fmt.Sprintf("uid %d (pid %d)", os.Getuid(), os.Getpid())
	same(t, scaled.By, myself)
	got, err = client.Settled(ctx, "a&b")
	must(t, err)
	same(t, got, status)
	same(t, asked, "a&b")
	began, err := client.Restart(ctx, RestartRequest{Service: "hello", Slot: &eight})
	must(t, err)
	same(t, began, RestartReply{[]Roll{roll}})
	same(t, *restarted.Slot, 8)
	plan, err := client.Reload(ctx, ReloadRequest{DryRun: true})
	must(t, err)
	same(t, plan, ReloadReply{Refused: true})
	ended, err := client.Rolled(ctx, "b&c", 7)
	must(t, err)
	same(t, ended, roll)
	same(t, asked, "b&c7")
	must(t, client.Down(ctx, DownRequest{Now: true}))
	same(t, downed, DownRequest{Now: true, By: myself})
	who, err := client.Version(ctx)
	must(t, err)
	same(t, who, me)
	same(t, daemon, me.Version)
}

func TestRefusalsTravelWhole(t *testing.T) {
	refusal := &Error{Status: http.StatusNotFound, Code: CodeUnknownService, Message: "no service \"helo\"", Advice: "did you mean hello?"}
	client, _ := served(t, fakeFleet{
		scale:  func(ScaleRequest) (ScaleReply, error) { return ScaleReply{}, refusal },
		status: func(context.Context) (Status, error) { return Status{}, errors.New("the disk is on fire") },
	})
	_, err := client.Scale(t.Context(), ScaleRequest{Delta: 1})
	var got *Error
	if !errors.As(err, &got) {
		t.Fatalf("got %#v", err)
	}
	same(t, *got, *refusal)

	_, err = client.Status(t.Context())
	if !errors.As(err, &got) {
		t.Fatalf("got %#v", err)
	}
	same(t, *got, Error{Status: http.StatusInternalServerError, Code: CodeInternal, Message: "the disk is on fire"})
}

// As curl --unix-socket does it.
func TestWhatIsNotUnderstoodIsRefused(t *testing.T) {
	client, _ := served(t, fakeFleet{down: func(DownRequest) error { return nil }})
	raw := http.Client{Transport: client.http.Transport}
	cases := []struct{ name, method, path, body, status, says string }{
		{"no such path", "GET", "/v1/flet", "", "404", "/v1/fleet"},
		{"wrong method", "GET", "/v1/scale", "", "405", "takes POST, not GET"},
		{"not JSON", "POST", "/v1/scale", "hello=8", "400", "invalid character"},
		{"nothing that a restart does", "POST", "/v1/restart", `{"do":"stop"}`, "400", `\"stop\"`},
		{"a slot of no service", "POST", "/v1/restart", `{"slot":1}`, "400", `has a \"service\"`},
		{"a slot to continue", "POST", "/v1/restart", `{"service":"hello","slot":1,"do":"undo"}`, "400", `does nothing else`},
		{"a roll that is no number", "GET", "/v1/rolled?roll=x", "", "400", `not \"x\"`},
		{"misspelt key", "POST", "/v1/scale", `{"cuont":8}`, "400", `unknown field \"cuont\"`},
		{"two values", "POST", "/v1/scale", `{"count":8}{"count":9}`, "400", "more than one"},
		{"neither", "POST", "/v1/scale", `{"service":"hello"}`, "400", "either"},
		{"both", "POST", "/v1/scale", `{"count":8,"delta":1}`, "400", "either"},
		{"too large", "POST", "/v1/scale", `{"service":"` + strings.Repeat("x", maxBody) + `"}`, "400", "too large"},
		{"no body is the zero value", "POST", "/v1/down", "", "200", "{}"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), c.method, "http://x"+c.path, strings.NewReader(c.body))
			must(t, err)
			resp, err := raw.Do(req)
			must(t, err)
			defer func() { _ = resp.Body.Close() }()
			text, err := io.ReadAll(resp.Body)
			must(t, err)
			if !strings.HasPrefix(resp.Status, c.status) || !bytes.Contains(text, []byte(c.says)) {
				t.Errorf("%s: %s", resp.Status, text)
			}
			same(t, resp.Header.Get("Content-Type"), "application/json")
		})
	}
}

func TestCloseLetsGoOfThoseWhoWait(t *testing.T) {
	waiting := make(chan struct{})
	client, server := served(t, fakeFleet{settled: func(ctx context.Context, _ string) (Status, error) {
		close(waiting)
		<-ctx.Done()
		return Status{}, ctx.Err()
	}})
	answer := make(chan error, 1)
	go func() {
		_, err := client.Settled(context.Background(), "")
		answer <- err
	}()
	<-waiting
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	must(t, server.Close(ctx))
	var refusal *Error
	if err := <-answer; !errors.As(err, &refusal) || refusal.Code != CodeStopping {
		t.Errorf("got %v", err)
	}
}

func TestOnlyTheOwnerAndRootMayAsk(t *testing.T) {
	owner := uint32(os.Geteuid())
	user := func(uid uint32) *unix.Ucred { return &unix.Ucred{Uid: uid} }
	for _, c := range []struct {
		peer   any
		status int
	}{{user(owner), 200}, {user(0), 200}, {user(owner + 1), 403}, {nil, 403}} {
		r := httptest.NewRequest("GET", "/v1/version", nil)
		r = r.WithContext(context.WithValue(r.Context(), peerKey{}, c.peer))
		w := httptest.NewRecorder()
		handler(fakeFleet{}, "v1").ServeHTTP(w, r)
		if w.Code != c.status {
			t.Errorf("peer %v: %d %s", c.peer, w.Code, w.Body)
		}
	}
}

func TestClientSaysWhatIsTheMatter(t *testing.T) {
	dir := shortDir(t)
	client := NewClient(dir + "/none")
	client.Fleet = "hello"
	_, err := client.Status(t.Context())
	var none *NoFleet
	if !errors.As(err, &none) {
		t.Fatalf("got %#v", err)
	}
	same(t, err.Error(), `no fleet "hello" is running (socket `+dir+`/none)`)

	stale(t, dir+"/stale")
	if _, err := NewClient(dir + "/stale").Status(t.Context()); !errors.As(err, &none) {
		t.Errorf("stale: %v", err)
	}

	ln := mustListen(t, dir+"/mute")
	go hangUp(ln)
	_, err = NewClient(dir + "/mute").Status(t.Context())
	if err == nil || !strings.HasPrefix(err.Error(), "the fleet ended before it answered (") {
		t.Errorf("mute: %v", err)
	}
}

func hangUp(ln net.Listener) {
	for {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		_ = conn.Close()
	}
}

func same[T any](t *testing.T, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}
