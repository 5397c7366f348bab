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
	if d.unlimited == "" || status.Cgroups != d.unlimited || !strings.Contains(log.String(), "limits of hello are not applied") {
		t.Errorf("status %q, daemon %q, log\n%s", status.Cgroups, d.unlimited, log)
	}
	must(t, d.Down(t.Context(), admin.DownRequest{Now: true}))
	must(t, <-ended)
}
