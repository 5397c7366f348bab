package proxy

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// The loop's sockets never block, so their system calls skip the scheduler's bookkeeping: a raw call is shorter than the announcement of
// one. Only the wait for events tells the runtime that this thread may sleep, or the garbage collector would wait for it.

// errAgain is what a socket says that has nothing now, or takes nothing now.
const errAgain = unix.EAGAIN

// read reads once into p, which is not empty.
func read(fd int, p []byte) (int, unix.Errno) {
	for {
		n, _, e := unix.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)))
		if e != unix.EINTR {
			return int(n), e
		}
	}
}

// write writes once from p, which is not empty.
func write(fd int, p []byte) (int, unix.Errno) {
	for {
		n, _, e := unix.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)))
		if e != unix.EINTR {
			return int(n), e
		}
	}
}

// vector is a list of buffers for one system call.
type vector []unix.Iovec

func (v *vector) add(p []byte) {
	iov := unix.Iovec{Base: &p[0]}
	iov.SetLen(len(p))
	*v = append(*v, iov)
}

// clear forgets the buffers, so that the collector may have them.
func (v *vector) clear() {
	clear(*v)
	*v = (*v)[:0]
}

// readv and writev move a megabyte at a time and so do tell the runtime.
func (v vector) readv(fd int) (int, unix.Errno)  { return v.move(unix.SYS_READV, fd) }
func (v vector) writev(fd int) (int, unix.Errno) { return v.move(unix.SYS_WRITEV, fd) }

func (v vector) move(call uintptr, fd int) (int, unix.Errno) {
	for {
		n, _, e := unix.Syscall(call, uintptr(fd), uintptr(unsafe.Pointer(&v[0])), uintptr(len(v)))
		if e != unix.EINTR {
			return int(n), e
		}
	}
}
