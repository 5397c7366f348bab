package launch

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"

	"github.com/zfleet/zfleet/workerkit/control"
)

// The fields of go-plugin's handshake, one line on standard output: CORE|VERSION|NETWORK|ADDRESS|PROTOCOL and perhaps |CERTIFICATE.
const (
	hsCore = iota
	hsVersion
	hsNetwork
	hsAddress
	hsProtocol
	hsCertificate
	hsLeast = hsProtocol + 1
)

const maxQuoted = 200 // bytes of a wrong handshake that an error quotes

// checkHandshake says what is wrong with a plugin's first line. go-plugin would check most of it too, in words that leave out what to do,
// and would not survive a certificate that it did not ask for: https://github.com/hashicorp/go-plugin client.go, loadServerCert.
func checkHandshake(line string) error {
	fields := strings.Split(line, "|")
	if len(fields) < hsLeast || fields[hsCore] != "1" {
		return fmt.Errorf("handshake failed: the first line on its standard output is %q, not go-plugin's handshake: "+
			"is it a workerkit plugin? (a plain program goes under command; a plugin prints nothing on standard output before workerkit.Main)",
			shorten(plain([]byte(line)), maxQuoted))
	}
	if want := strconv.FormatUint(uint64(control.Handshake.ProtocolVersion), 10); fields[hsVersion] != want {
		return fmt.Errorf("handshake failed: it speaks version %s of the plugin protocol, this zfleet speaks %s: "+
			"build it with the same workerkit", shorten(plain([]byte(fields[hsVersion])), maxQuoted), want)
	}
	if fields[hsProtocol] != "grpc" {
		return fmt.Errorf("handshake failed: it speaks %s, not grpc", shorten(plain([]byte(fields[hsProtocol])), maxQuoted))
	}
	if len(fields) > hsCertificate && fields[hsCertificate] != "" {
		return fmt.Errorf("handshake failed: it wants TLS, which zfleet does not use on its private socket")
	}
	return checkAddress(fields[hsNetwork], fields[hsAddress])
}

// checkAddress takes a plugin's address only if it is on this machine.
func checkAddress(network, address string) error {
	host, _, err := net.SplitHostPort(address)
	switch {
	case network == "unix":
		return nil
	case network == "tcp" && err == nil && net.ParseIP(host).IsLoopback():
		return nil
	}
	return fmt.Errorf("handshake failed: its address, %s, is neither a unix socket nor tcp on the loopback interface",
		shorten(plain([]byte(network+" "+address)), maxQuoted))
}

// firstLine is a plugin's standard output as go-plugin sees it: the handshake, then nothing until the process is gone. What comes after the
// handshake is output like any other; go-plugin would stop reading at a line of 64 KiB, and a grandchild could keep it from ever ending.
type firstLine struct {
	line chan []byte
	gone <-chan struct{}
	rest bytes.Reader
}

func newFirstLine(gone <-chan struct{}) *firstLine {
	return &firstLine{line: make(chan []byte, 1), gone: gone}
}

// give gives the line; it is called once.
func (f *firstLine) give(line string) { f.line <- []byte(line + "\n") }

func (f *firstLine) Read(p []byte) (int, error) {
	if f.rest.Len() > 0 {
		return f.rest.Read(p)
	}
	select {
	case line := <-f.line:
		f.rest.Reset(line)
	case <-f.gone:
		select {
		case line := <-f.line: // the last that it did
			f.rest.Reset(line)
		default:
			return 0, io.EOF
		}
	}
	return f.rest.Read(p)
}

// Close is io.Closer's. There is nothing to close: the pipe behind it is the process's output.
func (f *firstLine) Close() error { return nil }
