package launch

import (
	"fmt"

	"github.com/zfleet/zfleet/internal/cgroup"
	"github.com/zfleet/zfleet/supervisor/fleet"
	"github.com/zfleet/zfleet/workerkit/control"
)

// limits are what the fleet file allows one worker's processes together. The proxy has none.
func (li *life) limits() cgroup.Limits {
	if li.name.Slot == fleet.ProxySlot {
		return cgroup.Limits{}
	}
	return cgroup.Limits{Memory: li.svc.Workers.MemoryLimit, CPUs: li.svc.Workers.CPUs}
}

// makeGroup makes the life's own control group, nil where none are delegated. Its name has points where the life's has characters that a
// folder cannot have.
func (li *life) makeGroup() (*cgroup.Group, error) {
	if li.l.opts.Cgroups == nil {
		return nil, nil
	}
	slot := fmt.Sprint(li.name.Slot)
	if li.name.Slot == fleet.ProxySlot {
		slot = "proxy"
	}
	return li.l.opts.Cgroups.Make(fmt.Sprintf("%s.%s.%d", li.name.Service, slot, li.name.N), li.limits())
}

// explainMemory says of a process that the kernel ended for want of memory that this is so. A group of its own knows. Without one it is taken
// for so when the kernel has ended one more, and this one got a SIGKILL that nobody here sent: it ended by itself.
func (li *life) explainMemory(exit *fleet.Exit, byItself bool) {
	switch group := li.child.group; {
	case group != nil && group.RanOutOfMemory():
		exit.Reason += outOfMemory(li.limits().Memory)
	case group == nil && byItself && exit.Signal == "SIGKILL" && li.l.oom.took():
		exit.Reason += outOfMemory(0)
	default:
		return
	}
	exit.OOM = true
}

// outOfMemory is what follows a reason. Without a limit it was the machine's memory, or that of a group around zfleet.
func outOfMemory(limit int64) string {
	if limit == 0 {
		return ": out of memory"
	}
	return fmt.Sprintf(": out of memory, memory_limit is %d bytes", limit)
}

// endStrays ends what left the process's group: it cannot leave a control group, and is known by its environment elsewhere. The proxy leaves
// nothing.
func (li *life) endStrays() {
	ended := true
	switch {
	case li.child.group != nil:
		ended = li.child.group.End()
	case li.name.Slot != fleet.ProxySlot:
		ended = endStrays(li.l.tag(), control.EnvWorker+"="+li.name.String())
	}
	if !ended {
		li.log.Warn().Msg("cannot end all that the worker has left behind")
	}
}
