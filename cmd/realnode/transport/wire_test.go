package transport

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"runtime"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/protocol"
)

func newFrameReader(r io.Reader, limit int) *frameReader {
	return &frameReader{
		r: bufio.NewReader(r), limit: limit,
		progress: func(int) {}, reserve: func(int) bool { return true },
	}
}

func TestHelloIsExact(t *testing.T) {
	want := parties{0x0102030405060708, 0x1112131415161718}
	b := appendHello(nil, want)
	if golden := "STRL\x01\x01\x02\x03\x04\x05\x06\x07\x08\x11\x12\x13\x14\x15\x16\x17\x18"; string(b) != golden {
		t.Errorf("got %x, want %x", b, golden)
	}
	r := bytes.NewReader(append(b, "more"...))
	got, err := readHello(r)
	if err != nil || got != want || r.Len() != len("more") {
		t.Errorf("got %v, %v and %d bytes left, want %v and 4", got, err, r.Len(), want)
	}
}

// Whatever is written is read, however it is cut on its way.
func TestFramesSurviveTheStream(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var frames [][]byte
		for range rapid.IntRange(0, 5).Draw(t, "frames") {
			n := rapid.OneOf(rapid.IntRange(0, 100), rapid.IntRange(0, 300_000)).Draw(t, "length")
			frames = append(frames, frame(string(make([]byte, n))))
		}
		var b bytes.Buffer
		w := bufio.NewWriter(&b)
		if err := errors.Join(writeFrames(w, frames), w.Flush()); err != nil {
			t.Fatal(err)
		}
		reserved := 0
		var from io.Reader = &b
		if rapid.Bool().Draw(t, "in halves") {
			from = iotest.HalfReader(from)
		}
		r := newFrameReader(from, 1<<20)
		r.reserve = func(n int) bool { reserved += n; return true }
		for _, want := range frames {
			got, err := r.next()
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("got %d bytes, error %v, want %d bytes", len(got), err, len(want))
			}
		}
		if _, err := r.next(); err != io.EOF {
			t.Errorf("at the end: got error %v, want EOF", err)
		}
		if reserved != 0 {
			t.Errorf("got %d bytes still reserved, want none", reserved)
		}
	})
}

// A length that is announced costs nothing before its bytes arrive.
func TestAnnouncedLengthIsNotAllocated(t *testing.T) {
	for _, test := range []struct {
		name   string
		length uint32
		most   uint64 // bytes
	}{
		{"refused", 0xffffffff, 8 << 10},
		{"allowed", 16 << 20, 80 << 10},
	} {
		t.Run(test.name, func(t *testing.T) {
			in := append(binary.BigEndian.AppendUint32(nil, test.length), 1, 2, 3, 4, 5)
			const rounds = 50
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for range rounds {
				if _, err := newFrameReader(bytes.NewReader(in), 16<<20).next(); err == nil {
					t.Fatal("got a message, want an error")
				}
			}
			runtime.ReadMemStats(&after)
			if got := (after.TotalAlloc - before.TotalAlloc) / rounds; got > test.most {
				t.Errorf("got %d bytes allocated, want at most %d", got, test.most)
			}
		})
	}
}

func TestReadersShareABound(t *testing.T) {
	in := append(binary.BigEndian.AppendUint32(nil, 1<<20), frame(string(make([]byte, 1<<20)))...)
	tr := &Transport{limits: Limits{MaxReadingBytes: 200 << 10}}
	r := newFrameReader(bytes.NewReader(in), 16<<20)
	r.reserve = tr.reserve
	if _, err := r.next(); reasonOf(err, Short) != Memory {
		t.Errorf("got error %v, want one for memory", err)
	}
	if got := tr.reading.Load(); got != 0 {
		t.Errorf("got %d bytes still reserved, want none", got)
	}
}

func TestReasonsAreNamed(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range Reasons() {
		if r.String() == "" || r.Doc() == "" || seen[r.String()] {
			t.Errorf("reason %d: got name %q, doc %q, want ones of its own", r, r, r.Doc())
		}
		seen[r.String()] = true
	}
}

func FuzzDatagram(f *testing.F) {
	f.Add([]byte{})
	f.Add(datagramOf(2, 1, frame("body")))
	f.Add(datagramOf(2, 0, frame("")))
	f.Add(datagramOf(2, 7, []byte{2, 0, 0}))
	f.Fuzz(func(t *testing.T, b []byte) {
		from, body, reason, ok := parseDatagram(b, 1, 200)
		if !ok {
			if reason != Short && reason != Oversize && reason != Version && reason != NotForUs {
				t.Errorf("refused for %v", reason)
			}
			return
		}
		to := readParties(b).to
		if again := datagramOf(from, to, body); !bytes.Equal(again, b) || (to != 0 && to != 1) {
			t.Errorf("got %x of %x", again, b)
		}
		if len(b) > 200 || len(body) < protocol.FrameOverhead || body[0] != protocol.FrameVersion {
			t.Errorf("took %x", b)
		}
	})
}

func FuzzHello(f *testing.F) {
	f.Add([]byte("STRL"))
	f.Add(appendHello(nil, parties{2, 1}))
	f.Add(append(appendHello(nil, parties{2, 1}), 0, 0, 0, 0))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := readHello(bytes.NewReader(b))
		if err == nil && !bytes.Equal(appendHello(nil, h), b[:helloSize]) {
			t.Errorf("got %v of %x", h, b)
		}
	})
}

func FuzzStream(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0})
	f.Add([]byte{0, 0, 0, 3, 1, 0x80, 1, 0, 0, 0, 4, 1, 0x80, 1, 7, 0, 0, 0, 0})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 1})
	f.Add([]byte{0, 1, 0x11, 0x70, 1, 2, 3})
	f.Fuzz(func(t *testing.T, b []byte) {
		r := newFrameReader(bytes.NewReader(b), 70_000)
		var again bytes.Buffer
		w := bufio.NewWriter(&again)
		for {
			frame, err := r.next()
			if err != nil {
				break
			}
			_ = writeFrames(w, [][]byte{frame})
		}
		_ = w.Flush()
		if !bytes.HasPrefix(b, again.Bytes()) {
			t.Errorf("got %x of %x", again.Bytes(), b)
		}
	})
}
