package mst

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
)

func readVectors(t *testing.T, name string, into any) {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, into); err != nil {
		t.Fatal(err)
	}
}

// The levels of SHA-256 of the key without salt, at base 4, are the heights
// of the AT Protocol's trees.
func TestLevelsAreThoseOfATProto(t *testing.T) {
	var file struct {
		Heights []struct {
			Key    string
			Height int
		} `json:"key_heights"`
	}
	readVectors(t, "mst_atproto_key_heights.json", &file)
	p := MustProfile(Options{Base: 4})
	for _, v := range file.Heights {
		if got := p.Level([]byte(v.Key)); got != v.Height {
			t.Errorf("%q: got level %d, want %d", v.Key, got, v.Height)
		}
	}
	if len(file.Heights) < 9 {
		t.Errorf("got %d vectors, want 9", len(file.Heights))
	}
}

// domodwyerLevel is the level function of domodwyer/merkle-search-tree.
func domodwyerLevel(digest [16]byte, base byte) uint8 {
	level := uint8(0)
	for _, b := range digest {
		switch {
		case b == 0:
			level += 2
			continue
		case b%base == 0:
			level++
		}
		break
	}
	return level
}

// domodwyer is the profile of domodwyer/merkle-search-tree at base 16: its
// hash, levels and pages. Keys are numbers, hashed in the other byte order.
func domodwyer() *Profile {
	hashKey := func(key []byte) [16]byte {
		var le [8]byte
		binary.LittleEndian.PutUint64(le[:], binary.BigEndian.Uint64(key))
		return sipHash([16]byte{}, le[:])
	}
	return &Profile{
		digitBits: 4, hashSize: 16, digestSize: 16, maxKey: 8, maxCount: maxCounts[3],
		level: func(key []byte) uint8 { return domodwyerLevel(hashKey(key), 16) },
		sum: func(p *Profile, pg *page, _ *scratch) (h Hash) {
			var b []byte
			off := 0
			for i := range int(pg.count) + 1 {
				if kid := pg.kid(i); kid != nil {
					b = append(b, kid.hash[:16]...)
				}
				if i < int(pg.count) {
					key, digest, end := row(pg.rows, off, pg.ds)
					b = append(append(b, key...), digest...)
					off = end
				}
			}
			sum := sipHash([16]byte{}, b)
			copy(h[:], sum[:])
			return h
		},
	}
}

// The same tree code with another level function and hasher gives the root
// that another implementation publishes.
func TestRootIsThatOfDomodwyer(t *testing.T) {
	var file struct {
		Published struct {
			N    int
			Root string
		}
		Levels []struct {
			Digest string
			Level  uint8
		} `json:"levels_base16"`
	}
	readVectors(t, "mst_domodwyer_1000.json", &file)
	for _, v := range file.Levels {
		d, err := hex.DecodeString(v.Digest)
		if err != nil {
			t.Fatal(err)
		}
		if got := domodwyerLevel([16]byte(d), 16); got != v.Level {
			t.Errorf("%s: got level %d, want %d", v.Digest, got, v.Level)
		}
	}
	p := domodwyer()
	tree := New(p, nil)
	e := tree.Edit()
	for k := range uint64(file.Published.N) {
		var le [8]byte
		binary.LittleEndian.PutUint64(le[:], k)
		sum := sipHash([16]byte{}, le[:])
		var d Digest
		copy(d[:], sum[:])
		e.Put(binary.BigEndian.AppendUint64(nil, k), d)
	}
	tree = e.Commit()
	root := tree.Root()
	if got := hex.EncodeToString(root[:16]); got != file.Published.Root || file.Published.N != 1000 {
		t.Errorf("got root %s of %d keys, want %s", got, file.Published.N, file.Published.Root)
	}
}

// goldenLines are roots of our own profile, the encoding of a page, and a
// proof. They change only with the page version.
func goldenLines() string {
	var b strings.Builder
	salt := []byte("a salt of thirty-two bytes, full")
	for _, base := range []int{2, 4, 8, 16, 32, 64, 128, 256} {
		for _, o := range []Options{
			{Base: base},
			{Base: base, HashSize: 16, DigestSize: 16},
			{Base: base, HashSize: 20, DigestSize: 8, Salt: salt},
		} {
			p := MustProfile(o)
			for _, n := range []int{1, 10, 1000, 5000} {
				root := buildNo(p, nil, n).Root()
				fmt.Fprintf(&b, "base %d hash %d digest %d salt %d keys %d root %x\n",
					base, p.hashSize, p.digestSize, len(o.Salt), n, root[:p.hashSize])
			}
		}
	}
	p := MustProfile(Options{Base: 2, HashSize: 16, DigestSize: 8})
	tree := New(p, nil)
	for k := range 5 {
		tree = tree.Put(fmt.Appendf(nil, "key %d", k), Digest{1, 2, byte(k)})
	}
	page, _ := p.appendPage(nil, tree.root, nil)
	fmt.Fprintf(&b, "page %x\n", page)
	fmt.Fprintf(&b, "proof %x\n", tree.ProveKey([]byte("key 3")))
	w := Want{ID: idOf(tree.Root()), Form: FormSlots, After: []byte("k"), Indices: []uint16{0, 1, 300}}
	fmt.Fprintf(&b, "want %x\n", w.Append(nil))
	fmt.Fprintf(&b, "summary %x\n", p.appendSummary([]byte{byte(FormSummary)}, tree.root))
	slots, _ := p.appendSlots([]byte{byte(FormSlots)}, tree.root, []uint16{0})
	fmt.Fprintf(&b, "slots %x\n", slots)
	return b.String()
}

// To write the file after a change of the format: GOLDEN=write go test -run Golden
func TestGolden(t *testing.T) {
	const file = "testdata/golden.txt"
	got := goldenLines()
	if os.Getenv("GOLDEN") == "write" {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	gotLines, wantLines := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	for i := range max(len(gotLines), len(wantLines)) {
		if i >= len(gotLines) || i >= len(wantLines) || gotLines[i] != wantLines[i] {
			t.Fatalf("line %d differs from %s", i+1, file)
		}
	}
}
