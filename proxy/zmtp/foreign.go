package zmtp

import "strings"

// openings are how protocols begin that are often sent to the wrong port.
var openings = []struct{ start, what string }{
	{"GET ", "HTTP"},
	{"HEAD ", "HTTP"},
	{"POST ", "HTTP"},
	{"PUT ", "HTTP"},
	{"PATCH ", "HTTP"},
	{"DELETE ", "HTTP"},
	{"OPTIONS ", "HTTP"},
	{"CONNECT ", "HTTP"},
	{"TRACE ", "HTTP"},
	{"PRI * HTTP/2", "HTTP/2"},
	{"\x16\x03", "TLS"},
	{"SSH-", "SSH"},
	{"PROXY ", "the PROXY protocol"},
	{"\r\n\r\n\x00\r\nQUIT\n", "the PROXY protocol"},
}

// foreign names the protocol of a peer whose first byte is not ZMTP's. It returns nil while more bytes are needed to tell. The answer is
// that of the shortest deciding prefix, so it does not depend on how the bytes arrive.
func foreign(in []byte) error {
	for n := range in {
		if err := foreignPrefix(in[:n+1]); err != nil {
			return err
		}
	}
	return nil
}

func foreignPrefix(in []byte) error {
	undecided := len(in) == 1 && in[0] != 0
	for _, o := range openings {
		switch {
		case string(in) == o.start:
			return errorf("peer speaks %s, not ZMTP", o.what)
		case strings.HasPrefix(o.start, string(in)):
			undecided = true
		}
	}
	switch {
	case undecided:
		return nil
	case len(in) == 2 && in[1] == 0: // a short identity frame: its length and no flags
		return oldVersion(0)
	}
	return errorf("peer does not speak ZMTP: it began with %s", shown(in))
}
