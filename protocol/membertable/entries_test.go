package membertable

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"unsafe"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/wire"
)

func stringData(s string) *byte { return unsafe.StringData(s) }

func TestEntriesSurviveTheWire(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table, want := drawTable(t, drawPool(t))
		b := table.AppendEntries([]byte("before"))[len("before"):]
		if len(b) != table.EncodedSize() {
			t.Fatalf("got %d bytes, want %d", len(b), table.EncodedSize())
		}
		r := wire.NewReader(b)
		got := ReadEntries(&r, drawPool(t), len(want))
		if err := r.Finish(); err != nil {
			t.Fatal(err)
		}
		if !got.Equal(table) {
			t.Fatalf("got another table back")
		}
		checkSame(t, got, want)
	})
}

func TestEntriesGoldenVector(t *testing.T) {
	table := New(nil).WithAll([]Member{
		{ID: 0xff00000000000001, Incarnation: 300, Status: Left, Contact: "c", Metadata: "md"},
		{ID: 2, Incarnation: 0, Status: Alive},
	})
	want := "\x02" +
		"\x00\x00\x00\x00\x00\x00\x00\x02\x00\x01\x00\x00" +
		"\xff\x00\x00\x00\x00\x00\x00\x01\xac\x02\x04\x01c\x02md"
	if got := string(table.AppendEntries(nil)); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestReadEntriesRefuses(t *testing.T) {
	entry := func(m Member) string { return string(m.Append(nil)) }
	one, two := Member{ID: 1, Status: Alive}, Member{ID: 2, Status: Alive}
	for name, c := range map[string]struct{ body, want string }{
		"a count beyond the input":   {"\x05" + entry(one), "count"},
		"a count beyond the limit":   {"\x04" + strings.Repeat(entry(one), 4), "count"},
		"descending order":           {"\x02" + entry(two) + entry(one), "ascending"},
		"the same member twice":      {"\x02" + entry(one) + entry(one), "ascending"},
		"nobody":                     {"\x01" + entry(Member{Status: Alive}), "zero node id"},
		"an unknown status":          {"\x01" + entry(Member{ID: 1}), "status"},
		"a status beyond the last":   {"\x01" + entry(Member{ID: 1, Status: 5}), "status"},
		"a large incarnation":        {"\x01\x00\x00\x00\x00\x00\x00\x00\x01\x80\x80\x80\x80\x10\x01\x00\x00", "incarnation"},
		"a long way to write zero":   {"\x01\x00\x00\x00\x00\x00\x00\x00\x01\x80\x00\x01\x00\x00", "shortest"},
		"a contact that is too long": {"\x01" + entry(Member{ID: 1, Status: Alive, Contact: strings.Repeat("x", 256)}), "length"},
		"metadata that is too long":  {"\x01" + entry(Member{ID: 1, Status: Alive, Metadata: strings.Repeat("x", 513)}), "length"},
		"half a member":              {"\x01" + entry(one)[:11] + "\x01", "want 1"},
		"more bytes than members":    {"\x01" + entry(one) + "\x00", "after the end"},
	} {
		r := wire.NewReader([]byte(c.body))
		table := ReadEntries(&r, nil, 3)
		err := r.Finish()
		if !errors.Is(err, protocol.ErrMalformed) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got error %v, want one about %q", name, err, c.want)
		}
		if name != "more bytes than members" && table.Len() != 0 {
			t.Errorf("%s: got %d members beside the error", name, table.Len())
		}
	}
}

// FuzzReadEntries: no input makes the decoder panic or allocate beyond the
// input's size, and what is accepted encodes to the same bytes. (Run it with
// -fuzzminimizetime=10x: inputs of many members take long to minimise.)
func FuzzReadEntries(f *testing.F) {
	f.Add([]byte{0})
	f.Add(tableOf(nil, 3).AppendEntries(nil))
	f.Add(tableOf(nil, 70).AppendEntries(nil))
	f.Add([]byte("\xff\xff\xff\xff\x0f"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := wire.NewReader(b)
		table := ReadEntries(&r, nil, 1000)
		if r.Finish() != nil {
			return
		}
		checkShape(t, table.root, 0)
		if got := table.AppendEntries(nil); !bytes.Equal(got, b) || table.EncodedSize() != len(b) {
			t.Errorf("accepted %x, which encodes to %x", b, got)
		}
		for m := range table.All() {
			if err := m.Check(); err != nil {
				t.Errorf("accepted a member that is none: %v", err)
			}
		}
	})
}

func TestMemberCheckNamesWhatIsWrong(t *testing.T) {
	for want, m := range map[string]Member{
		"zero node id": {Status: Alive},
		"status 0":     {ID: 1},
		"status 5":     {ID: 1, Status: 5},
		"contact":      {ID: 1, Status: Alive, Contact: strings.Repeat("x", protocol.MaxContact+1)},
		"metadata":     {ID: 1, Status: Alive, Metadata: strings.Repeat("x", MaxMetadata+1)},
	} {
		if err := m.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("check %+v: got %v, want an error about %q", m, err, want)
		}
	}
	largest := Member{1, 1<<32 - 1, Left, strings.Repeat("x", protocol.MaxContact), strings.Repeat("x", MaxMetadata)}
	if err := largest.Check(); err != nil || largest.EncodedSize() != MaxEntrySize {
		t.Errorf("largest member: got %v and %d bytes, want no error and %d", err, largest.EncodedSize(), MaxEntrySize)
	}
	smallest := Member{ID: 1, Status: Alive}
	if err := smallest.Check(); err != nil || smallest.EncodedSize() != MinEntrySize {
		t.Errorf("smallest member: got %v and %d bytes, want no error and %d", err, smallest.EncodedSize(), MinEntrySize)
	}
}

func TestStatusSets(t *testing.T) {
	set := SetOf(Alive, Dead, Unknown)
	for s, want := range map[Status]bool{Unknown: false, Alive: true, Suspect: false, Dead: true, Left: false, 5: false, 9: false} {
		if set.Has(s) != want {
			t.Errorf("%v in {alive dead}: got %t, want %t", s, set.Has(s), want)
		}
	}
	if SetOf(Alive, Suspect, Dead, Left) != AnyStatus {
		t.Errorf("got %04b, want AnyStatus %04b", SetOf(Alive, Suspect, Dead, Left), AnyStatus)
	}
	if got := Suspect.String() + " " + Status(7).String(); got != "suspect status(7)" {
		t.Errorf("got %q", got)
	}
}
