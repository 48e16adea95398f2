package replica

import (
	"encoding/binary"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/mst"
	"github.com/starling-sim/starling/protocol/wire"
)

// Ask asks for pages of the receiver's tree, as it was when it accepted.
type Ask struct {
	Session uint64
	// Round counts round trips; the answer repeats it.
	Round uint64
	Wants []mst.Want
}

// Kind implements protocol.Message.
func (*Ask) Kind() protocol.MessageKind { return kindAsk }

// Size implements protocol.Message.
func (m *Ask) Size() int {
	n := 8 + wire.UvarintSize(m.Round) + wire.UvarintSize(uint64(len(m.Wants)))
	for _, w := range m.Wants {
		n += w.Size()
	}
	return n
}

// Append implements protocol.Message.
func (m *Ask) Append(b []byte) []byte {
	b = wire.AppendUint64(b, m.Session)
	b = wire.AppendUvarint(b, m.Round)
	b = wire.AppendUvarint(b, uint64(len(m.Wants)))
	for _, w := range m.Wants {
		b = w.Append(b)
	}
	return b
}

func decodeAsk(body []byte) (protocol.Message, error) {
	r := wire.NewReader(body)
	m := &Ask{Session: r.Uint64(), Round: r.Uvarint()}
	for n := readCount(&r, minWant); n > 0 && !r.Failed(); n-- {
		w := mst.ReadWant(&r)
		if len(w.After) > MaxKey {
			r.Fail("got a key of %d bytes, want at most %d", len(w.After), MaxKey)
		}
		m.Wants = append(m.Wants, w)
	}
	return m, r.Finish()
}

// The sizes of the smallest [mst.Want] and [Page].
const (
	minWant = 10
	minPage = 9
)

// Page is the answer to one want.
type Page struct {
	ID   mst.PageID
	Body []byte // see mst.Tree.Answer
}

// Pages answers Ask, or a part of it.
type Pages struct {
	Session, Round uint64
	Pages          []Page
}

// Kind implements protocol.Message.
func (*Pages) Kind() protocol.MessageKind { return kindPages }

// Size implements protocol.Message.
func (m *Pages) Size() int {
	n := 8 + wire.UvarintSize(m.Round) + wire.UvarintSize(uint64(len(m.Pages)))
	for _, p := range m.Pages {
		n += len(p.ID) + wire.BytesSize(len(p.Body))
	}
	return n
}

// Append implements protocol.Message.
func (m *Pages) Append(b []byte) []byte {
	b = wire.AppendUint64(b, m.Session)
	b = wire.AppendUvarint(b, m.Round)
	b = wire.AppendUvarint(b, uint64(len(m.Pages)))
	for _, p := range m.Pages {
		b = append(b, p.ID[:]...)
		b = wire.AppendBytes(b, p.Body)
	}
	return b
}

func decodePages(body []byte) (protocol.Message, error) {
	r := wire.NewReader(body)
	m := &Pages{Session: r.Uint64(), Round: r.Uvarint()}
	for n := readCount(&r, minPage); n > 0 && !r.Failed(); n-- {
		var p Page
		binary.BigEndian.PutUint64(p.ID[:], r.Uint64())
		p.Body = clone(r.Bytes(protocol.MaxStreamMessage))
		m.Pages = append(m.Pages, p)
	}
	return m, r.Finish()
}

// Fetch asks for the entries of keys.
type Fetch struct {
	Session, Round uint64
	Keys           [][]byte
}

// Kind implements protocol.Message.
func (*Fetch) Kind() protocol.MessageKind { return kindFetch }

// Size implements protocol.Message.
func (m *Fetch) Size() int { return 8 + wire.UvarintSize(m.Round) + keysSize(m.Keys) }

// Append implements protocol.Message.
func (m *Fetch) Append(b []byte) []byte {
	b = wire.AppendUint64(b, m.Session)
	b = wire.AppendUvarint(b, m.Round)
	return appendKeys(b, m.Keys)
}

func decodeFetch(body []byte) (protocol.Message, error) {
	r := wire.NewReader(body)
	m := &Fetch{Session: r.Uint64(), Round: r.Uvarint(), Keys: readKeys(&r)}
	return m, r.Finish()
}

// Entries carries what its sender has under keys: to answer Fetch, to bring the
// other side what it lacks, or to tell it what became of what it brought.
type Entries struct {
	Session uint64
	// Round is that of the Fetch, 0 if nobody asked.
	Round uint64
	Items []Item
}

// Item is an entry under a key, encoded; empty if there is none.
type Item struct {
	Key   []byte
	Entry []byte
}

func (i Item) size() int { return wire.BytesSize(len(i.Key)) + wire.BytesSize(len(i.Entry)) }

// Kind implements protocol.Message.
func (*Entries) Kind() protocol.MessageKind { return kindEntries }

// Size implements protocol.Message.
func (m *Entries) Size() int {
	return 8 + wire.UvarintSize(m.Round) + itemsSize(m.Items)
}

// Append implements protocol.Message.
func (m *Entries) Append(b []byte) []byte {
	b = wire.AppendUint64(b, m.Session)
	b = wire.AppendUvarint(b, m.Round)
	return appendItems(b, m.Items)
}

func decodeEntries(body []byte) (protocol.Message, error) {
	r := wire.NewReader(body)
	m := &Entries{Session: r.Uint64(), Round: r.Uvarint(), Items: readItems(&r)}
	return m, r.Finish()
}

// Drop names keys of which the sender has nothing, although it takes account of
// what it knows: what the receiver has of that was deleted.
type Drop struct {
	Session uint64
	Keys    [][]byte
}

// Kind implements protocol.Message.
func (*Drop) Kind() protocol.MessageKind { return kindDrop }

// Size implements protocol.Message.
func (m *Drop) Size() int { return 8 + keysSize(m.Keys) }

// Append implements protocol.Message.
func (m *Drop) Append(b []byte) []byte { return appendKeys(wire.AppendUint64(b, m.Session), m.Keys) }

func decodeDrop(body []byte) (protocol.Message, error) {
	r := wire.NewReader(body)
	m := &Drop{Session: r.Uint64(), Keys: readKeys(&r)}
	return m, r.Finish()
}

// readCount reads how many things follow, of which there has to be one.
func readCount(r *wire.Reader, minSize int) int { return readCountTo(r, minSize, maxItems) }

func readCountTo(r *wire.Reader, minSize, most int) int {
	n := r.Count(minSize, most)
	if n == 0 {
		r.Fail("got an empty list")
	}
	return n
}

func keysSize(keys [][]byte) int {
	n := wire.UvarintSize(uint64(len(keys)))
	for _, k := range keys {
		n += wire.BytesSize(len(k))
	}
	return n
}

func appendKeys(b []byte, keys [][]byte) []byte {
	b = wire.AppendUvarint(b, uint64(len(keys)))
	for _, k := range keys {
		b = wire.AppendBytes(b, k)
	}
	return b
}

func readKeys(r *wire.Reader) [][]byte {
	var keys [][]byte
	for n := readCount(r, 1); n > 0 && !r.Failed(); n-- {
		keys = append(keys, clone(r.Bytes(MaxKey)))
	}
	return keys
}

func itemsSize(items []Item) int {
	n := wire.UvarintSize(uint64(len(items)))
	for _, i := range items {
		n += i.size()
	}
	return n
}

func appendItems(b []byte, items []Item) []byte {
	b = wire.AppendUvarint(b, uint64(len(items)))
	for _, i := range items {
		b = wire.AppendBytes(b, i.Key)
		b = wire.AppendBytes(b, i.Entry)
	}
	return b
}

func readItems(r *wire.Reader) []Item {
	var items []Item
	for n := readCount(r, 2); n > 0 && !r.Failed(); n-- {
		items = append(items, Item{Key: clone(r.Bytes(MaxKey)), Entry: clone(r.Bytes(maxEntry))})
	}
	return items
}

// clone copies what a Reader returned, which refers to its input.
func clone(b []byte) []byte { return append([]byte{}, b...) }
