package daemon

import (
	"strings"
	"testing"

	"github.com/zfleet/zfleet/internal/admin"
	"github.com/zfleet/zfleet/supervisor/fleet"
)

func TestLimitsThatAreNotApplied(t *testing.T) {
	none, memory, both := fleet.Workers{}, fleet.Workers{MemoryLimit: 1 << 30}, fleet.Workers{MemoryLimit: 1 << 30, CPUs: 2}
	for _, test := range []struct {
		services []fleet.Service
		want     string
	}{
		{[]fleet.Service{{Name: "a", Workers: none}}, ""},
		{[]fleet.Service{{Name: "a", Workers: memory}, {Name: "b"}}, "not delegated (memory): limits of a are not applied: why"},
		{
			[]fleet.Service{{Name: "a", Workers: memory}, {Name: "b"}, {Name: "c", Workers: both}},
			"not delegated (cpu, memory): limits of a, c are not applied: why",
		},
	} {
		if got := notApplied(fleet.Spec{Services: test.services}, nil, "why"); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

// It is told once in the log, and by whoever asks for the status.
func TestLimitsAreToldInTheStatus(t *testing.T) {
	l, log := newFakeLauncher(), &lines{}
	opts := options(t, l, log)
	opts.Spec.Services[0].Workers.CPUs = 2
	d, err := New(opts)
	must(t, err)
	ended := make(chan error, 1)
	go func() { ended <- d.Run(t.Context()) }()
	status, err := d.Status(t.Context())
	must(t, err)
	if want := "limits of hello are not applied"; !strings.Contains(status.Cgroups, want) || strings.Count(log.String(), want) != 1 {
		t.Errorf("status %q, log\n%s", status.Cgroups, log)
	}
	d.tellLimits(opts.Spec) // nothing new
	d.tellLimits(helloSpec())
	status, err = d.Status(t.Context())
	must(t, err)
	if status.Cgroups != "" || strings.Count(log.String(), "not applied") != 1 {
		t.Errorf("without limits: status %q, log\n%s", status.Cgroups, log)
	}
	must(t, d.Down(t.Context(), admin.DownRequest{Now: true}))
	must(t, <-ended)
}
