package handover

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Kind is what is said.
type Kind byte

// The kinds, in the order in which they come.
const (
	KindIntro   Kind = 'I'
	KindState   Kind = 'S'
	KindRequest Kind = 'R'
	KindConn    Kind = 'C'
	KindEnd     Kind = 'E'
	KindReady   Kind = 'Y'
	KindGo      Kind = 'G'
	KindNo      Kind = 'N' // its head is why, as text
)

const (
	prefix  = 1 + 4 + 8
	maxHead = 1 << 30
	maxBody = 1 << 40
	believe = 1 << 20 // bytes that are claimed and have not come, for which there is memory
)

// Writer says things. It does not buffer.
type Writer struct {
	to    io.Writer
	first [prefix]byte
	head  []byte
	body  [1][]byte
}

// NewWriter returns a Writer to w.
func NewWriter(w io.Writer) *Writer { return &Writer{to: w} }

// Say writes a kind with a head as JSON, none for nil, and a body in parts.
func (w *Writer) Say(kind Kind, head any, body ...[]byte) (err error) {
	var text []byte
	if head != nil {
		if text, err = json.Marshal(head); err != nil {
			return err
		}
	}
	return w.write(kind, text, body)
}

// No says why not.
func (w *Writer) No(why error) error { return w.write(KindNo, []byte(why.Error()), nil) }

// Request says a request.
func (w *Writer) Request(r Request, body []byte) (err error) {
	if w.head, err = appendRequest(w.head[:0], r); err != nil {
		return err
	}
	w.body[0] = body
	return w.write(KindRequest, w.head, w.body[:])
}

func (w *Writer) write(kind Kind, head []byte, body [][]byte) error {
	size := 0
	for _, part := range body {
		size += len(part)
	}
	w.first[0] = byte(kind)
	binary.BigEndian.PutUint32(w.first[1:], uint32(len(head)))
	binary.BigEndian.PutUint64(w.first[5:], uint64(size))
	err := w.part(w.first[:])
	if err == nil {
		err = w.part(head)
	}
	for i := 0; i < len(body) && err == nil; i++ {
		err = w.part(body[i])
	}
	return err
}

func (w *Writer) part(b []byte) error {
	if len(b) == 0 { // whoever has heard all may have hung up
		return nil
	}
	_, err := w.to.Write(b)
	return err
}

// Reader hears things. It reads no further than what it returns.
type Reader struct {
	from  io.Reader
	first [prefix]byte
	head  []byte
	body  int // bytes of the body that have not been read
}

// NewReader returns a Reader of r.
func NewReader(r io.Reader) *Reader { return &Reader{from: r} }

// Next returns the next kind with its head, which is valid until the next call, and how many bytes its body has: they are read with Body
// before Next is called again. A No is an error.
func (r *Reader) Next() (kind Kind, head []byte, body int, err error) {
	if r.body != 0 {
		return 0, nil, 0, fmt.Errorf("%d bytes were not read", r.body)
	}
	b := &r.first
	if _, err := io.ReadFull(r.from, b[:]); err != nil {
		return 0, nil, 0, err
	}
	kind = Kind(b[0])
	size, rest := binary.BigEndian.Uint32(b[1:]), binary.BigEndian.Uint64(b[5:])
	if size > maxHead || rest > maxBody {
		return 0, nil, 0, fmt.Errorf("a %q of %d and %d bytes", kind, size, rest)
	}
	for r.head = r.head[:0]; len(r.head) < int(size); {
		at := len(r.head)
		r.head = append(r.head, make([]byte, min(int(size)-at, believe))...)
		if _, err := io.ReadFull(r.from, r.head[at:]); err != nil {
			return 0, nil, 0, err
		}
	}
	r.body = int(rest)
	if kind == KindNo {
		return kind, nil, 0, errors.New(string(r.head))
	}
	return kind, r.head, r.body, nil
}

// Body reads the next bytes of the body.
func (r *Reader) Body(to []byte) error {
	if len(to) > r.body {
		return io.ErrUnexpectedEOF
	}
	r.body -= len(to)
	_, err := io.ReadFull(r.from, to)
	return err
}

// Expect returns the head of the next thing, which has to be of that kind and have no body.
func (r *Reader) Expect(kind Kind, head any) error {
	got, text, body, err := r.Next()
	switch {
	case err != nil:
		return err
	case got != kind || body > 0:
		return fmt.Errorf("a %q of %d bytes came where %q was due", got, body, kind)
	case head == nil:
		return nil
	}
	return Parse(text, head)
}

// Parse reads a head of JSON. A field that is not known is an error: it would be lost.
func Parse(text []byte, head any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	return d.Decode(head)
}
