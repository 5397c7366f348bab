package dead

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
	"pgregory.net/rapid"

	"github.com/zfleet/zfleet/proxy/zmtp"
)

var start = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)

func newStore(t *testing.T) Store {
	t.Helper()
	return Store{Path: filepath.Join(t.TempDir(), "hello.dead"), Bytes: 1 << 20, Wait: 100 * time.Millisecond}
}

// letter is a request of one frame, in a REQ's envelope, that killed hello/0#1 and hello/1#1.
func letter(died time.Time, body []byte) *Letter {
	wire := zmtp.AppendFrame(nil, true, nil)
	return &Letter{
		Service: "hello", Code: "UNAVAILABLE", Arrived: died.Add(-time.Second), Died: died,
		Attempts: []Attempt{
			{Worker: "hello/0#1", Peer: "ipc", Pid: 7, Began: died.Add(-time.Second), Ended: died.Add(-time.Second / 2), Reason: "closed"},
			{Worker: "hello/1#1", Peer: "ipc", Pid: 8, Began: died.Add(-time.Second / 2), Ended: died, Reason: "closed"},
		},
		Envelope: len(wire), Wire: zmtp.AppendFrame(wire, false, body),
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestLetterComesBack(t *testing.T) {
	s := newStore(t)
	large := bytes.Repeat([]byte("0123456789abcdef"), 1<<15)
	for _, body := range [][]byte{[]byte("poison"), {}, large} {
		l := letter(start, body)
		must(t, s.Add(start, []*Letter{l}))
		got, err := s.Get(l.ID)
		must(t, err)
		if len(got.Body()) != 1 || !bytes.Equal(got.Body()[0], body) || got.Size != len(l.Wire) || len(got.Hops()) != 0 {
			t.Errorf("got %d frames, size %d", len(got.Body()), got.Size)
		}
		if !got.Died.Equal(start) || len(got.Attempts) != 2 || got.Attempts[1].Worker != "hello/1#1" {
			t.Errorf("got %+v", got)
		}
	}
	if st, err := os.Stat(s.Path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("others may read it: %v, %v", st.Mode(), err)
	}
}

func TestHops(t *testing.T) {
	wire := zmtp.AppendFrame(zmtp.AppendFrame(zmtp.AppendFrame(nil, true, []byte("far")), true, nil), true, []byte("a"))
	l := Letter{Wire: zmtp.AppendFrame(wire, false, nil), Envelope: len(wire) - 3}
	if hops, body := l.Hops(), l.Body(); len(hops) != 1 || string(hops[0]) != "far" || len(body) != 2 || string(body[0]) != "a" {
		t.Errorf("hops %q, body %q", hops, body)
	}
}

func TestNothingThere(t *testing.T) {
	s := newStore(t)
	all, err := s.List()
	_, missing := s.Get("nothing")
	n, removed := s.Remove("nothing")
	if err := errors.Join(err, removed, s.Trim(start)); err != nil || len(all)+n != 0 || !errors.Is(missing, ErrNotFound) {
		t.Errorf("got %v, %d, %v, %v", all, n, err, missing)
	}
	if _, err := os.Stat(s.Path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("looking made a file: %v", err)
	}
	must(t, os.WriteFile(s.Path, nil, 0o600))
	if all, err := s.List(); err != nil || len(all) != 0 {
		t.Errorf("an empty file: %v, %v", all, err)
	}
	db, err := bolt.Open(s.Path, 0o600, nil) // what a proxy leaves that is killed before its first letter is whole
	must(t, errors.Join(err, db.Close()))
	if all, err := s.List(); err != nil || len(all) != 0 {
		t.Errorf("a file without buckets: %v, %v", all, err)
	}
}

// The oldest letters go: those beyond the size, with room kept for what is known beside the body, and those beyond the age.
func TestBounds(t *testing.T) {
	s := newStore(t)
	s.Bytes, s.Age = 100<<10, time.Hour
	var ids []string
	for i := range 20 {
		l := letter(start.Add(time.Duration(i)*time.Minute), make([]byte, 10<<10))
		must(t, s.Add(l.Died, []*Letter{l}))
		ids = append(ids, l.ID)
	}
	all, err := s.List()
	must(t, err)
	if len(all) != 9 || all[0].ID != ids[11] || all[8].ID != ids[19] {
		t.Errorf("%d letters are left of %v, the first is %s", len(all), ids, all[0].ID)
	}
	huge := letter(start.Add(20*time.Minute), make([]byte, 200<<10))
	must(t, s.Add(huge.Died, []*Letter{huge}))
	if again, err := s.List(); err != nil || len(again) != len(all) || huge.ID != "" {
		t.Errorf("a letter that does not fit drove out others: %d left, %v", len(again), err)
	}
	must(t, s.Trim(start.Add(15*time.Minute+time.Hour)))
	if all, err = s.List(); err != nil || len(all) != 5 || all[0].ID != ids[15] {
		t.Errorf("after an hour %d are left: %v", len(all), err)
	}
	must(t, s.Trim(start.Add(24*time.Hour)))
	if all, err = s.List(); err != nil || len(all) != 0 {
		t.Errorf("after a day %d are left: %v", len(all), err)
	}
}

// Ids are in order and new, whatever the clock does.
func TestIDs(t *testing.T) {
	s := newStore(t)
	var ids []string
	for _, at := range []time.Duration{0, 0, time.Second, -time.Hour, 2 * time.Second} {
		l := letter(start, nil)
		must(t, s.Add(start.Add(at), []*Letter{l}))
		ids = append(ids, l.ID)
	}
	if !slices.IsSorted(ids) || len(slices.Compact(ids)) != 5 || len(ids[0]) != idLength {
		t.Errorf("got %v", ids)
	}
	if id := nextID(time.Unix(0, 0), ""); id != "000000000" {
		t.Errorf("got %q", id)
	}
}

func TestAmend(t *testing.T) {
	s := newStore(t)
	l := letter(start, nil)
	must(t, s.Add(start, []*Letter{l}))
	exit := Exit{Reason: "killed by SIGSEGV", Code: -1, Signal: "SIGSEGV", LastLines: []string{"oh"}}
	must(t, s.Amend(start, "hello/1#1", exit, []string{"gone", l.ID}))
	must(t, s.Amend(start, "hello/1#1", Exit{Reason: "another"}, []string{l.ID}))
	got, err := s.Get(l.ID)
	must(t, err)
	if got.Attempts[0].Exit != nil || got.Attempts[1].Exit == nil || got.Attempts[1].Exit.Reason != exit.Reason {
		t.Errorf("got %+v", got.Attempts)
	}
}

// damages are what can become of a file; each is found, by whoever reads or writes, and a new store is begun.
var damages = map[string]func(t *testing.T, path string){
	"garbage": func(t *testing.T, path string) {
		must(t, os.WriteFile(path, bytes.Repeat([]byte("garbage "), 4096), 0o600))
	},
	"a word":    func(t *testing.T, path string) { must(t, os.WriteFile(path, []byte("hello\n"), 0o600)) },
	"cut":       func(t *testing.T, path string) { must(t, os.Truncate(path, 9000)) },
	"cut early": func(t *testing.T, path string) { must(t, os.Truncate(path, 5000)) },
	"zeroes": func(t *testing.T, path string) {
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		must(t, err)
		_, err = f.WriteAt(make([]byte, 56<<10), 8<<10) // all but the two pages that say where things are
		must(t, errors.Join(err, f.Close()))
	},
}

func TestDamagedFile(t *testing.T) {
	for name, damage := range damages {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			for range 20 {
				must(t, s.Add(start, []*Letter{letter(start, make([]byte, 1000))}))
			}
			damage(t, s.Path)
			if _, err := s.List(); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), s.Path) {
				t.Errorf("List: %v", err)
			}
			l := letter(start, nil)
			if err := s.Add(start, []*Letter{l}); !errors.Is(err, ErrDamaged) || l.ID != "" {
				t.Errorf("Add: %v, id %q", err, l.ID)
			}
			aside, err := s.SetAside()
			must(t, err)
			if _, err := os.Stat(aside); err != nil {
				t.Error(err)
			}
			must(t, s.Add(start, []*Letter{l}))
			if all, err := s.List(); err != nil || len(all) != 1 {
				t.Errorf("the new one has %d letters: %v", len(all), err)
			}
		})
	}
}

func TestFileThatCannotBeUsed(t *testing.T) {
	s := newStore(t)
	nowhere := s
	nowhere.Path = filepath.Join(filepath.Dir(s.Path), "nowhere", "hello.dead")
	folder := s
	folder.Path = filepath.Dir(s.Path)
	for _, s := range []Store{nowhere, folder} {
		if err := s.Add(start, []*Letter{letter(start, nil)}); err == nil || errors.Is(err, ErrDamaged) || !strings.HasPrefix(err.Error(), "cannot use "+s.Path) {
			t.Errorf("got %v", err)
		}
	}
	must(t, s.Add(start, []*Letter{letter(start, nil)}))
	db, err := bolt.Open(s.Path, 0o600, nil)
	must(t, err)
	if _, err := s.List(); err == nil || !strings.Contains(err.Error(), "another process has it open") {
		t.Errorf("got %v", err)
	}
	must(t, db.Close())
	if all, err := s.List(); err != nil || len(all) != 1 {
		t.Errorf("got %v, %v", all, err)
	}
}

// A store is, after whatever was done to it, the newest letters of all that were added and not removed, within its bounds.
func TestStoreIsItsModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp("", "zf")
		must(t, err)
		defer func() { _ = os.RemoveAll(dir) }()
		s := Store{Path: filepath.Join(dir, "x.dead"), Bytes: 20_000, Age: time.Minute}
		now := start
		var model []Letter
		for range rapid.IntRange(1, 8).Draw(rt, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 30).Draw(rt, "seconds")) * time.Second)
			added := rapid.IntRange(0, 3).Draw(rt, "what") > 0
			switch {
			case !added:
				if len(model) > 0 {
					i := rapid.IntRange(0, len(model)-1).Draw(rt, "remove")
					n, err := s.Remove(model[i].ID, "nothing")
					must(t, err)
					if n != 1 {
						rt.Fatalf("%d removed", n)
					}
					model = slices.Delete(model, i, i+1)
				}
			default:
				var batch []*Letter
				for range rapid.IntRange(1, 3).Draw(rt, "letters") {
					batch = append(batch, letter(now, make([]byte, rapid.IntRange(0, 15_000).Draw(rt, "size"))))
				}
				must(t, s.Add(now, batch))
				for _, l := range batch {
					model = append(model, *l)
				}
			}
			all, err := s.List()
			must(t, err)
			if len(all) > len(model) {
				rt.Fatalf("%d letters, want at most %d", len(all), len(model))
			}
			dropped := model[:len(model)-len(all)]
			model = model[len(dropped):]
			total := 0
			for i, l := range all {
				got, err := s.Get(l.ID)
				must(t, err)
				if l.ID != model[i].ID || !bytes.Equal(got.Wire, model[i].Wire) {
					rt.Fatalf("letter %d is %s, want %s", i, l.ID, model[i].ID)
				}
				total += l.Size + 700
				if added && now.Sub(l.Died) > s.Age {
					rt.Fatalf("%s is too old", l.ID)
				}
			}
			if n := len(dropped); n > 0 && now.Sub(dropped[n-1].Died) <= s.Age && total+dropped[n-1].Size+700 < int(s.Bytes) {
				rt.Fatalf("%s was dropped without need: %d bytes", dropped[n-1].ID, total)
			}
			if total-len(all)*700 > int(s.Bytes) {
				rt.Fatalf("%d bytes are kept", total)
			}
		}
	})
}

// The letters of services that there are not any more go when the last is old.
func TestSweep(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	for service, age := range map[string]time.Duration{"there": 50 * time.Hour, "old": 50 * time.Hour, "young": time.Hour} {
		at := now.Add(-age)
		if err := errors.Join(os.WriteFile(Path(dir, service), nil, 0o600), os.Chtimes(Path(dir, service), at, at)); err != nil {
			t.Fatal(err)
		}
	}
	removed, err := Sweep(dir, func(service string) bool { return service == "there" }, now.Add(-10*time.Hour))
	if err != nil || len(removed) != 1 || removed[0] != "old" {
		t.Errorf("removed %v, %v", removed, err)
	}
	if left, _ := filepath.Glob(Path(dir, "*")); len(left) != 2 {
		t.Errorf("left: %v", left)
	}
}
