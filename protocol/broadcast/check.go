package broadcast

import (
	"hash/crc32"

	"github.com/starling-sim/starling/protocol/wire"
)

// CheckSize is the encoded size of a check sum, in bytes.
const CheckSize = 4

// AppendCheck appends a check sum of a message's identity and payload to b:
// CRC-32C, 4 bytes. A network that damages one datagram in a million and has no
// check sum of its own, or a weak one, would else turn each into a message that
// was never broadcast, and which everybody passes on.
func AppendCheck(b []byte, id ID, payload []byte) []byte {
	return wire.AppendUint32(b, check(id, payload))
}

// ReadCheck reads what AppendCheck wrote for the message, and fails the reader
// if it was for another.
func ReadCheck(r *wire.Reader, id ID, payload []byte) { VerifyCheck(r, r.Uint32(), id, payload) }

// VerifyCheck fails the reader if a check sum is not the message's.
func VerifyCheck(r *wire.Reader, got uint32, id ID, payload []byte) {
	if want := check(id, payload); !r.Failed() && got != want {
		r.Fail("got check sum %08x, want %08x", got, want)
	}
}

func check(id ID, payload []byte) uint32 {
	var head [IDSize]byte
	table := crc32.MakeTable(crc32.Castagnoli)
	return crc32.Update(crc32.Checksum(id.Append(head[:0]), table), table, payload)
}
