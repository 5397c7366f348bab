package proxy

import (
	"math"
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

func TestRoomFor(t *testing.T) {
	for limit, want := range map[int][2]int{
		20:            {9, 10},
		128:           {56, 64},
		1024:          {840, 960},
		math.MaxInt32: {1879048136, 2147483583},
	} {
		if got := roomFor(limit); got != want {
			t.Errorf("%d descriptors: room for %v, want %v", limit, got, want)
		}
	}
}

// A peer whose machine is gone is found by the kernel.
func TestKeepAlive(t *testing.T) {
	conn, err := net.Dial("tcp", address(bind(t)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	file, err := conn.(*net.TCPConn).File()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	fd := int(file.Fd())
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 0); err != nil { // package net has switched it on
		t.Fatal(err)
	}
	tune(fd)
	on, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE)
	if err != nil || on != 1 {
		t.Errorf("SO_KEEPALIVE is %d, %v", on, err)
	}
	if idle, err := unix.GetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPIDLE); err != nil || idle != 60 {
		t.Errorf("TCP_KEEPIDLE is %d, %v", idle, err)
	}
}
