package protocol

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Message is a plain struct with its codec. The body's format is documented
// byte by byte in the protocol's package.
type Message interface {
	// Kind tells what the message is.
	Kind() MessageKind
	// Size is the exact number of bytes Append adds.
	Size() int
	// Append appends the encoded body to b.
	Append(b []byte) []byte
}

// MessageKind is a protocol number (high byte) and the protocol's own number of
// a kind of message.
type MessageKind uint16

// Protocol returns the number of the protocol the kind belongs to.
func (k MessageKind) Protocol() uint8 { return uint8(k >> 8) }

// FrameVersion is the first byte of every frame.
const FrameVersion = 1

// FrameOverhead is what a frame adds to a message's body, in bytes.
const FrameOverhead = 3

// AppendFrame appends m as it travels: one byte FrameVersion, two bytes kind
// (big endian), the body. On a stream the world puts a length before it.
func AppendFrame(b []byte, m Message) []byte {
	b = append(b, FrameVersion)
	b = binary.BigEndian.AppendUint16(b, uint16(m.Kind()))
	return m.Append(b)
}

// Errors by which a world counts what it refuses. Decoders wrap
// ErrMalformed.
var (
	ErrMalformed   = errors.New("malformed message")
	ErrVersion     = errors.New("unknown frame version")
	ErrUnknownKind = errors.New("unknown message kind")
)

// Decoders finds a message's decoder by its kind. It is built once and only
// read afterwards.
type Decoders map[MessageKind]func(body []byte) (Message, error)

// Decode reads one frame that [AppendFrame] wrote. The message does not refer
// to b afterwards.
func (d Decoders) Decode(b []byte) (Message, error) {
	if len(b) < FrameOverhead {
		return nil, fmt.Errorf("decode frame: got %d bytes, want at least %d: %w", len(b), FrameOverhead, ErrMalformed)
	}
	if b[0] != FrameVersion {
		return nil, fmt.Errorf("decode frame: got version %d, want %d: %w", b[0], FrameVersion, ErrVersion)
	}
	kind := MessageKind(binary.BigEndian.Uint16(b[1:]))
	decode, ok := d[kind]
	if !ok {
		return nil, fmt.Errorf("decode frame: kind %#04x: %w", uint16(kind), ErrUnknownKind)
	}
	m, err := decode(b[FrameOverhead:])
	if err != nil {
		return nil, fmt.Errorf("decode message kind %#04x: %w", uint16(kind), err)
	}
	return m, nil
}
