package cli

import (
	"os"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// A lifeline is cut when its other end is closed, and says so at once.
func TestLifeline(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Dup(int(read.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	_ = read.Close()
	l, err := openLifeline(strconv.Itoa(fd))
	if err != nil {
		t.Fatal(err)
	}
	if l.isCut() {
		t.Error("it is cut before its end")
	}
	_ = write.Close()
	if !l.isCut() {
		t.Error("it is not cut")
	}
	<-l.ended()
	if !l.isCut() {
		t.Error("it is whole again")
	}
}

func TestNoLifeline(t *testing.T) {
	l, err := openLifeline("")
	if err != nil || l.isCut() || l.ended() != nil {
		t.Errorf("%v, %v", l, err)
	}
	if _, err := openLifeline("x"); err == nil || err.Error() != `cannot read ZFLEET_LIFELINE: "x" is not a descriptor` {
		t.Errorf("%v", err)
	}
}
