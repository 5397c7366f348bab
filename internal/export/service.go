package export

import (
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/zfleet/zfleet/internal/endpoint"
	"github.com/zfleet/zfleet/supervisor/fleet"
)

// Service is the fleet's service unit. It holds as much back from the fleet as workers can do without in general; what some need is said
// beside the line that keeps them from it.
func Service(o Options) string {
	u := &unit{}
	u.line("# %s/%s.service: made by zfleet export systemd. Then:", o.folder(), o.Name())
	u.line("#   %s daemon-reload && %[1]s enable --now %s", o.systemctl(), o.Name())
	u.line("[Unit]")
	u.line("Description=zfleet fleet %s", o.File.Spec.Name)
	if !o.User {
		u.set("Wants=network-online.target", "After=network-online.target")
	}
	u.section("Service")
	o.run(u)
	o.stop(u)
	o.folders(u)
	o.hold(u)
	u.section("Install")
	if o.User {
		u.set("WantedBy=default.target")
	} else {
		u.set("WantedBy=multi-user.target")
	}
	return u.String()
}

const margin = 30 * time.Second

func (o Options) run(u *unit) {
	u.why("Up when every service answers; zfleet asks for more time while workers take theirs to start.")
	u.set("Type=notify", "NotifyAccess=main")
	u.line("ExecStart=%s up --file %s", argument(o.Self), argument(o.Path))
	u.line("ExecReload=%s reload --no-wait --file %s", argument(o.Self), argument(o.Path))
	if path := o.path(); path != "" {
		u.line("Environment=%s", word("PATH="+path))
	}
	u.set("TimeoutStartSec="+seconds(o.longest(startTimeout)+margin), "WatchdogSec=30s", "Restart=on-failure", "RestartSec=1s")
	u.why("Used wrongly: trying again does not help.")
	u.set("RestartPreventExitStatus=2")
	u.why("A worker that runs out of memory is zfleet's to restart.")
	u.set("OOMPolicy=continue")
	u.line("")
}

func (o Options) stop(u *unit) {
	u.why("zfleet ends its workers itself, when what they have is answered: twice the longest grace, and what it takes to end processes.")
	u.why("What a zfleet leaves that was killed is not systemd's to kill: the proxies wait for the next one, with all their connections.")
	u.set("KillMode=process", "TimeoutStopSec="+seconds(2*o.longest(grace)+margin))
	u.why("Each worker gets a control group of its own, for memory_limit, cpus, and a kill that nothing escapes.")
	u.set("Delegate=yes", "LimitNOFILE=65536")
	u.line("")
}

func grace(w fleet.Workers) time.Duration        { return w.Grace }
func startTimeout(w fleet.Workers) time.Duration { return w.StartTimeout }

func (o Options) longest(of func(fleet.Workers) time.Duration) (longest time.Duration) {
	for _, svc := range o.File.Spec.Services {
		longest = max(longest, of(svc.Workers))
	}
	return longest
}

// defaultPath is systemd's own PATH for services: systemd.exec(5).
var defaultPath = []string{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"}

// path is the PATH that finds every program of the file, "" if systemd's own does.
func (o Options) path() string {
	var more []string
	for _, svc := range o.File.Spec.Services {
		if len(svc.Workers.Command) == 0 {
			continue
		}
		folder := filepath.Dir(svc.Workers.Command[0])
		if filepath.IsAbs(folder) && !slices.Contains(defaultPath, folder) && !slices.Contains(more, folder) {
			more = append(more, folder)
		}
	}
	if more == nil {
		return ""
	}
	return strings.Join(append(more, defaultPath...), ":")
}

// folders says what the fleet may write.
func (o Options) folders(u *unit) {
	if o.User {
		return
	}
	paths := o.written()
	o.user(u, len(paths) > 0)
	u.line("RuntimeDirectory=zfleet/%s", o.File.Spec.Name)
	u.set("RuntimeDirectoryPreserve=restart")
	u.line("StateDirectory=zfleet/%s", o.File.Spec.Name)
	u.why("All else is read-only. Folders that workers write to: ReadWritePaths=, one more line.")
	u.set("ProtectSystem=strict")
	u.line("ProtectHome=%s", o.home())
	switch temp := slices.IndexFunc(paths, isTemp); {
	case temp >= 0:
		u.why(paths[temp] + " is for everybody who is to find a socket there: no temp folder of its own.")
		u.set("PrivateTmp=no")
	default:
		u.set("PrivateTmp=yes")
	}
	for _, path := range paths {
		u.line("ReadWritePaths=%s", word("-"+path))
	}
	u.line("")
}

// user is whom the fleet runs as. One that is there only while the fleet runs can own nothing beside the folders that systemd gives it, and
// always has a temp folder of its own.
func (o Options) user(u *unit, writes bool) {
	switch {
	case o.Owner != "":
		u.why("The user whom the fleet file belongs to.")
		u.line("User=%s", o.Owner)
	case writes:
		u.why("It writes beside its own folders, so it has a user that stays. Make it, and let it write there: useradd --system zfleet")
		u.set("User=zfleet")
	default:
		u.why("A user that is there while the fleet runs. For one of your own: User=NAME instead.")
		u.set("DynamicUser=yes")
	}
	u.set("UMask=0077")
}

func isTemp(path string) bool { return isBelow(path, "/tmp") || isBelow(path, "/var/tmp") }

// home says how much of people's own folders the fleet sees: what is there of it, to read.
func (o Options) home() string {
	needed := []string{o.Path, o.Self}
	for _, svc := range o.File.Spec.Services {
		needed = append(needed, svc.Workers.Plugin, svc.Workers.Dir)
		needed = append(needed, svc.Workers.Command[:min(1, len(svc.Workers.Command))]...)
	}
	for _, path := range needed {
		if isBelow(path, "/home") || isBelow(path, "/root") {
			return "read-only"
		}
	}
	return "yes"
}

// written are the folders beside systemd's own that zfleet itself makes files in.
func (o Options) written() (folders []string) {
	add := func(folder string) {
		if !slices.Contains(folders, folder) && !isBelow(folder, "/run/zfleet/"+o.File.Spec.Name) {
			folders = append(folders, folder)
		}
	}
	for _, e := range o.endpoints() {
		if e.Transport == endpoint.IPC && filepath.IsAbs(e.Path) {
			add(filepath.Dir(e.Path))
		}
	}
	if o.File.Admin.Socket != "" {
		add(filepath.Dir(o.File.Admin.Socket))
	}
	if o.File.State != "" {
		add(o.File.State)
	}
	return folders
}

// hold is what the fleet cannot do. A user's manager can enforce fewer of them.
func (o Options) hold(u *unit) {
	u.set("NoNewPrivileges=yes", "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK", "RestrictRealtime=yes",
		"RestrictSUIDSGID=yes", "LockPersonality=yes", "SystemCallArchitectures=native")
	if o.User {
		return
	}
	u.set("RestrictNamespaces=yes")
	capabilities := ""
	if o.lowPort() {
		capabilities = "CAP_NET_BIND_SERVICE"
		u.set("AmbientCapabilities=" + capabilities)
	}
	u.set("CapabilityBoundingSet="+capabilities, "ProtectKernelTunables=yes", "ProtectKernelModules=yes", "ProtectKernelLogs=yes",
		"ProtectClock=yes", "ProtectHostname=yes")
	u.why("Workers that use a GPU need PrivateDevices=no.")
	u.set("PrivateDevices=yes")
}

func (o Options) lowPort() bool {
	return slices.ContainsFunc(o.endpoints(), func(e endpoint.Endpoint) bool { return e.Transport == endpoint.TCP && e.Port > 0 && e.Port < 1024 })
}
