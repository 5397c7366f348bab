package cli

import (
	"context"
	"testing"

	"github.com/zfleet/zfleet/internal/admin"
)

func planned(steps ...admin.ReloadStep) *fakeFleet {
	f := rolls(admin.Roll{Service: "hello", State: admin.RollDone, Done: 3, Of: 3})
	f.plan.Steps = steps
	return f
}

var (
	scaleStep = admin.ReloadStep{Do: admin.ReloadScale, Service: "hello", What: "3 → 5"}
	rollStep  = admin.ReloadStep{Do: admin.ReloadRoll, Service: "hello", What: "workers.env.MODEL changed"}
	laterStep = admin.ReloadStep{Do: admin.ReloadLater, What: "[log] holds from the next zfleet up"}
)

func TestReloadTellsAndWaits(t *testing.T) {
	sandbox(t)
	f := planned(scaleStep, rollStep, laterStep)
	socket := serve(t, f)
	lines := "scale hello: 3 → 5\nroll hello: workers.env.MODEL changed\nlater: [log] holds from the next zfleet up\n"
	wants(t, exitOK, lines, "", "reload", "--socket", socket)
	f.settles = func(context.Context) error { t.Error("it waits"); return nil }
	wants(t, exitOK, lines, "", "reload", "--dry-run", "--socket", socket)
	wants(t, exitOK, lines, "", "reload", "--no-wait", "--socket", socket)
	f.plan.Steps = nil
	wants(t, exitOK, "nothing has changed\n", "", "reload", "--socket", socket)
	f.plan = admin.ReloadReply{Steps: []admin.ReloadStep{scaleStep}}
	wants(t, exitOK, indented(f.plan), "", "reload", "--dry-run", "-o", "json", "--socket", socket)
	if n := len(f.reloaded); n != 5 || f.reloaded[0].DryRun || !f.reloaded[1].DryRun || f.reloaded[2].DryRun {
		t.Errorf("asked: %+v", f.reloaded)
	}
}

func TestReloadThatDoesNotComeAbout(t *testing.T) {
	sandbox(t)
	f := planned(rollStep)
	f.rolled = func(context.Context) (admin.Roll, error) {
		return admin.Roll{Service: "hello", State: admin.RollFrozen, Of: 3, Reason: "hello/0#2 did not become ready: no"}, nil
	}
	socket := serve(t, f)
	wants(t, exitFailed, "roll hello: workers.env.MODEL changed\n", "zfleet: the restart of hello is frozen with 0 of 3 workers replaced, "+
		"the others serve on: hello/0#2 did not become ready: no\n"+
		"hint: mend it, then zfleet restart hello --continue; or zfleet restart hello --undo\n", "reload", "--socket", socket)
	f.plan.Steps = []admin.ReloadStep{scaleStep}
	f.settles = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	wants(t, exitLate, "scale hello: 3 → 5\n", "zfleet: hello is not what the file says after 50ms; the fleet goes on\nhint: zfleet ps\n",
		"reload", "--timeout", "50ms", "--socket", socket)
}

func TestReloadThatIsRefused(t *testing.T) {
	sandbox(t)
	f := planned(admin.ReloadStep{Do: admin.ReloadRefuse, Service: "hello", What: "the fleet's name is other in the file"}, scaleStep)
	f.plan.Refused = true
	socket := serve(t, f)
	wants(t, exitFailed, "refuse hello: the fleet's name is other in the file\nscale hello: 3 → 5\n",
		"zfleet: cannot reload: the file asks for what cannot be done while the fleet runs; nothing was changed\n",
		"reload", "--socket", socket)
	f.file = "/srv/fleet.toml"
	wants(t, exitFailed, "", "zfleet: cannot reload fleet hello from /tmp/fleet.toml: it was started with /srv/fleet.toml, and reads that\n",
		"reload", "-f", "/tmp/fleet.toml", "--socket", socket)
}
