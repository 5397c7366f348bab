package e2e

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pebbe/zmq4"
)

// hangOnce is a request for repWorker: whichever worker is the first to make the folder of the next frame hangs, as long
// as that is there.
const hangOnce = "hang once"

// faultFile is the variable for a file: while it is there, a request of the word poison ends the worker.
const faultFile = "ZFLEET_E2E_FAULT"

// mannersFolder is the variable for a folder: while there is a file in it with the name of a worker's slot, or "foreign", that worker
// behaves as the file says: fails, or is slow.
const mannersFolder = "ZFLEET_E2E_MANNERS"

func manner() string {
	slot, _, _ := strings.Cut(cmp.Or(os.Getenv("ZFLEET_WORKER"), "foreign"), "#")
	text, _ := os.ReadFile(filepath.Join(os.Getenv(mannersFolder), filepath.Base(slot)))
	return string(text)
}

// repWorker is the plainest REP program: it connects, and answers each request with itself after a moment of work. It never returns.
func repWorker(endpoint string) {
	rep, err := zmq4.NewSocket(zmq4.REP)
	if err == nil {
		err = rep.Connect(endpoint)
	}
	for err == nil {
		var body []string
		if body, err = rep.RecvMessage(0); err == nil {
			if body[0] == hangOnce && os.Mkdir(body[1], 0o700) == nil {
				hangBy(body[1])
			}
			if _, faulty := os.Stat(os.Getenv(faultFile)); faulty == nil && body[0] == "poison" {
				fmt.Fprintln(os.Stderr, "this is poison")
				os.Exit(4)
			}
			time.Sleep(2 * time.Millisecond)
			switch manner() {
			case "fails":
				body = []string{`{"zfleet": {"code": "UNAVAILABLE", "message": "no database"}}`}
			case "is slow":
				time.Sleep(100 * time.Millisecond)
			}
			_, err = rep.SendMessage(body)
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func hangBy(folder string) {
	for {
		if _, err := os.Stat(folder); err != nil {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// foreign starts a worker that zfleet does not know of.
func (f *fleet) foreign(t *testing.T) *process {
	t.Helper()
	return start(t, []string{asWorker + "=" + f.backend}, os.Args[0])
}
