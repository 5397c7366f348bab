package daemon

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/zfleet/zfleet/internal/admin"
	"github.com/zfleet/zfleet/supervisor/fleet"
)

func TestUpgradeIsARequestAndAnOutcome(t *testing.T) {
	r := start(t)
	_, err := r.client.Settled(t.Context(), "")
	must(t, err)
	for i, service := range []string{"", "hello"} {
		reply, err := r.client.Upgrade(t.Context(), admin.UpgradeRequest{Service: service})
		must(t, err)
		if len(reply.Upgrades) != 1 || reply.Upgrades[0].Number != i+1 || reply.Upgrades[0].Service != "hello" {
			t.Errorf("%q: %+v", service, reply)
		}
		upgrade, err := r.client.Upgraded(t.Context(), service)
		must(t, err)
		if upgrade.Service != "hello" || upgrade.State != admin.UpgradeDone || upgrade.Number != i+1 {
			t.Errorf("%q came to %+v", service, upgrade)
		}
	}
	status, err := r.client.Status(t.Context())
	must(t, err)
	if u := status.Services[0].Upgrade; u == nil || u.Number != 2 || u.State != admin.UpgradeDone {
		t.Errorf("afterwards: %+v", u)
	}
	_, err = r.client.Upgrade(t.Context(), admin.UpgradeRequest{Service: "helo"})
	_, also := r.client.Upgraded(t.Context(), "helo")
	for _, err := range []error{err, also} {
		if unknown := new(admin.Error); !errors.As(err, &unknown) || unknown.Code != admin.CodeUnknownService {
			t.Errorf("of a service that there is not: %v", err)
		}
	}
}

// What becomes of proxies that take over, each with what led to it.
func TestEventsOfUpgrades(t *testing.T) {
	svc := fleet.Service{Name: "hello", Workers: fleet.Workers{Count: 0}}
	r := newRecorded(t, fleet.Spec{Name: "test", Services: []fleet.Service{svc}, MaxStarting: 1})
	proxy := func(n int) fleet.Life { return fleet.Life{Service: "hello", Slot: fleet.ProxySlot, N: n} }
	r.step(0, fleet.Began{}, fleet.Launched{Life: proxy(1), Pid: 11},
		fleet.Adopted{Service: "hello", Pid: 5, Clients: 3, Waiting: 1}, fleet.BecameReady{Life: proxy(1)})
	r.step(time.Second, fleet.UpgradeAsked{Service: "hello", By: "uid 7"}, fleet.Launched{Life: proxy(2), Pid: 12})
	r.step(time.Second, fleet.Exited{Life: proxy(2), Exit: fleet.Exit{Code: 1, LastLines: []string{"no such format"}}})
	r.step(time.Second, fleet.UpgradeAsked{Service: "hello", By: "uid 7"}, fleet.Launched{Life: proxy(3), Pid: 13})
	r.step(time.Second, fleet.BecameReady{Life: proxy(3)}, fleet.Exited{Life: proxy(1), Exit: fleet.Exit{
		Rung: "handed over", Reason: "handed over to another proxy",
	}})
	r.step(time.Second, fleet.Adopted{Service: "gone", Pid: 6, Failed: "its service is not in the fleet file any more"})
	want := `
1  fleet             fleet_started  the fleet starts (pid 7)
2  hello/proxy#1     started        started (pid 11)  (1)
3  hello             adopted        adopted proxy of hello: pid 5, 3 clients, 1 waiting  (1)
4  hello/proxy#1     ready          ready  (2)
5  hello             upgrading      a new proxy is to take over by uid 7: an operator asked for it
6  hello/proxy#2     started        started (pid 12): to take over from hello/proxy#1  (5)
7  hello/proxy#2     exited         exited with status 1 after 1s: no such format  (6)
8  hello             not_upgraded   no new proxy has taken over: hello/proxy#2 did not take over: exited with status 1: no such format  (7)
9  hello             upgrading      a new proxy is to take over by uid 7: an operator asked for it
10  hello/proxy#3     started        started (pid 13): to take over from hello/proxy#1  (9)
11  hello/proxy#3     ready          ready after 1s  (10)
12  hello/proxy#1     draining       told to stop: handed over to hello/proxy#3  (11)
13  hello             upgraded       a new proxy has taken over: hello/proxy#3 serves  (11)
14  hello/proxy#1     exited         handed over to another proxy after 4s  (12)
15  gone              not_adopted    proxy of gone not adopted: pid 6, 0 clients, 0 waiting: its service is not in the fleet file any more  (1)
16  fleet             fleet_ended    the fleet has ended
`
	if got := "\n" + r.list(t); got != want {
		t.Errorf("got%s\nwant%s", got, want)
	}
}

// One that was under way when its service was removed has caused nothing of what comes after the service was added again.
func TestEventsOfAnUpgradeWhoseServiceGoes(t *testing.T) {
	spec := helloSpec()
	spec.Services[0].Workers.Count = 0
	r := newRecorded(t, spec)
	echo := fleet.Service{Name: "echo"}
	proxy := func(n int) fleet.Life { return fleet.Life{Service: "echo", Slot: fleet.ProxySlot, N: n} }
	r.step(0, fleet.Began{}, fleet.Added{Service: echo}, fleet.Launched{Life: proxy(1), Pid: 11}, fleet.BecameReady{Life: proxy(1)})
	r.step(0, fleet.UpgradeAsked{Service: "echo"}, fleet.Launched{Life: proxy(2), Pid: 12}, fleet.Removed{Service: "echo"})
	r.step(0, fleet.Quiesced{Service: "echo"}, fleet.Exited{Life: proxy(2)}, fleet.Exited{Life: proxy(1)})
	r.step(0, fleet.Added{Service: echo}, fleet.Launched{Life: proxy(3), Pid: 13}, fleet.BecameReady{Life: proxy(3)})
	r.step(0, fleet.UpgradeAsked{Service: "echo"})
	lines := strings.Split(r.list(t), "\n")
	if last := lines[len(lines)-3]; !strings.HasSuffix(last, "upgrading      a new proxy is to take over: an operator asked for it") {
		t.Errorf("the second upgrade has a cause: %s", last)
	}
}
