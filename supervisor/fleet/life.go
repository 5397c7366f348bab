package fleet

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// ProxySlot is the slot of a service's proxy process.
const ProxySlot = -1

const proxyWord = "proxy" // what stands for the slot's number in a proxy's name

// Life names one process life, hello/3#7: a slot that restarts gets a new life, so news of a dead process never reaches its successor.
// A service's proxy is hello/proxy#2. A slot's lives count from 1 and a number is never used twice, also when the slot goes away and comes
// back; hello/3#0 is a slot that had no life yet.
type Life struct {
	Service string
	Slot    int
	N       int
}

func (l Life) String() string { return fmt.Sprintf("%s/%s#%d", l.Service, l.Place(), l.N) }

// Place is the slot in its service: its number, or proxy.
func (l Life) Place() string {
	if l.Slot == ProxySlot {
		return proxyWord
	}
	return strconv.Itoa(l.Slot)
}

// ParseLife is the inverse of Life.String. It takes no other spelling, so that two names that differ are two lives.
func ParseLife(name string) (Life, error) {
	service, rest := cutLast(name, "/")
	slot, n := cutLast(rest, "#")
	l := Life{Service: service, Slot: slotNumber(slot), N: number(n)}
	if l.Service == "" || l.Slot < ProxySlot || l.N < 0 || l.String() != name {
		return Life{}, fmt.Errorf("cannot read %q as a worker's name: want SERVICE/SLOT#LIFE, as in hello/3#7 or hello/proxy#2", name)
	}
	return l, nil
}

func slotNumber(word string) int {
	if word == proxyWord {
		return ProxySlot
	}
	return number(word)
}

// number is the word as a number, or one that no name can hold.
func number(word string) int {
	n, err := strconv.Atoi(word)
	if err != nil {
		return math.MinInt
	}
	return n
}

func cutLast(s, sep string) (before, after string) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, ""
	}
	return s[:i], s[i+len(sep):]
}

// Exit is how a process life ended, or why it never began.
type Exit struct {
	Code      int      // exit status; -1 when there is none
	Signal    string   // SIGKILL, … when a signal ended it
	OOM       bool     // the kernel sent it, for want of memory
	Reason    string   // why it ended, where the launcher knows more than the status: did not start in 30s, handshake failed: …
	LastLines []string // that it printed, oldest first
	Permanent bool     // starting it again cannot help: no such file, not executable
	Rung      string   // the rung of the stop ladder that it took, when it was told to stop: drained, terminated, killed
	Dump      string   // the signal that asked it for a stack dump before it was killed, "": none did
}

// mostLastWords is how many bytes of a last line stand behind a status.
const mostLastWords = 160

// cause says in words why the process ended. Behind an exit status stands what it printed last, which is mostly why.
func (e Exit) cause() string {
	last := len(e.LastLines) - 1
	if e.Code <= 0 || e.Signal != "" || last < 0 {
		return e.Status()
	}
	words := e.LastLines[last]
	if len(words) > mostLastWords {
		words = strings.ToValidUTF8(words[:mostLastWords], "") + "…"
	}
	return e.Status() + ": " + words
}

// Status says in words how the process ended.
func (e Exit) Status() string {
	switch {
	case e.Reason != "":
		return e.Reason
	case e.Signal != "":
		return "killed by " + e.Signal
	case e.Code >= 0:
		return fmt.Sprintf("exited with status %d", e.Code)
	default:
		return "ended without a status"
	}
}

// refuses says whether the process ended with one of the codes that mean: do not start me again. The code behind a stack dump means
// nothing: Go's is 2.
func (e Exit) refuses(codes []int) bool {
	return e.Signal == "" && e.Dump == "" && slices.Contains(codes, e.Code)
}
