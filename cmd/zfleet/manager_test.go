package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// manager FILE listens at NOTIFY_SOCKET, as a service manager does, and writes what it is told to the file.
func manager() {
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: os.Getenv("NOTIFY_SOCKET"), Net: "unixgram"})
	exitOn(err)
	file, err := os.Create(os.Args[1])
	exitOn(err)
	for buf := make([]byte, 4096); ; {
		n, err := conn.Read(buf)
		exitOn(err)
		_, err = fmt.Fprintln(file, string(buf[:n]))
		exitOn(err)
	}
}

// activate ADDRESS,... COMMAND ... binds the addresses and becomes the command, which finds the sockets as sd_listen_fds(3) says.
func activate() {
	addresses := strings.Split(os.Args[1], ",")
	for i, address := range addresses {
		ln, err := net.Listen("tcp", address)
		exitOn(err)
		file, err := ln.(*net.TCPListener).File()
		exitOn(err)
		exitOn(unix.Dup3(int(file.Fd()), 100+i, 0)) // what Go has opened for itself may be in the way below
	}
	path, err := exec.LookPath(os.Args[2])
	exitOn(err)
	for i := range addresses {
		exitOn(unix.Dup3(100+i, 3+i, 0))
		exitOn(unix.Close(100 + i))
	}
	exitOn(unix.Exec(path, os.Args[2:], append(os.Environ(),
		"LISTEN_PID="+strconv.Itoa(os.Getpid()), "LISTEN_FDS="+strconv.Itoa(len(addresses)), "LISTEN_FDNAMES=front.socket")))
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
