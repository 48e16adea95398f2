package disk_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"

	"github.com/starling-sim/starling/cmd/realnode/disk"
	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/sim/storetest"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(lockedDir); dir != "" {
		os.Exit(openLocked(dir))
	}
	os.Exit(m.Run())
}

// noLeaks fails a test that leaves goroutines behind. Tests of stores that fail
// cannot have it: what those keep, they keep until the process ends.
func noLeaks(t *testing.T) {
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, before) })
}

func mustOpen(t testing.TB, dir string, o disk.Options) *disk.Store {
	t.Helper()
	s, err := disk.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// set applies one write.
func set(s *disk.Store, key, value string) error {
	var b protocol.Batch
	b.Set([]byte(key), []byte(value))
	return s.Apply(&b)
}

// power is a disk whose machine loses its power. Of what was not synced, a share
// of the blocks of each file survives, in percent.
type power struct {
	t     *testing.T
	fs    *vfs.MemFS
	s     *disk.Store
	share int
	rand  *rand.Rand
}

func (p *power) Store() protocol.Store { return p.s }

func (p *power) Crash() {
	left := p.fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: p.share, RNG: p.rand})
	if err := p.s.Close(); err != nil { // on the old file system, for the goroutines
		p.t.Fatal(err)
	}
	p.fs = left
	p.s = mustOpen(p.t, "data/node", disk.Options{FS: left})
}

// Close is for the end of a search.
func (p *power) Close() error { return p.s.Close() }

func powered(share int) func(t *testing.T) storetest.Disk {
	random := rand.New(rand.NewPCG(1, uint64(share)))
	return func(t *testing.T) storetest.Disk {
		p := &power{t: t, fs: vfs.NewCrashableMem(), share: share, rand: random}
		p.s = mustOpen(t, "data/node", disk.Options{FS: p.fs})
		t.Cleanup(func() { _ = p.s.Close() })
		return p
	}
}

func TestStoreThroughCrashes(t *testing.T) {
	noLeaks(t)
	for _, share := range []int{0, 50, 100} {
		t.Run(fmt.Sprintf("%d %% survive", share), func(t *testing.T) { storetest.Run(t, powered(share)) })
	}
}

func TestStoreThroughCrashesWithTables(t *testing.T) {
	noLeaks(t)
	storetest.RunLarge(t, powered(50))
}

// closing is a disk whose process ends in good order: everything survives.
type closing struct {
	t      *testing.T
	fs     vfs.FS
	s      *disk.Store
	shared *disk.Shared
}

func (c *closing) Store() protocol.Store { return c.s }

func (c *closing) Crash() {
	var before, after []string
	list := func(to *[]string) {
		if err := c.s.Scan(nil, nil, func(k, v []byte) bool {
			*to = append(*to, fmt.Sprintf("%q=%q", k, v))
			return true
		}); err != nil {
			c.t.Fatal(err)
		}
	}
	list(&before)
	if err := c.s.Close(); err != nil {
		c.t.Fatal(err)
	}
	c.s = mustOpen(c.t, "data", disk.Options{FS: c.fs, Shared: c.shared})
	list(&after)
	if fmt.Sprint(before) != fmt.Sprint(after) {
		c.t.Fatalf("opened again: got %s, want %s", after, before)
	}
}

func TestStoreOpenedAgainWithSharedCaches(t *testing.T) {
	noLeaks(t)
	shared := disk.NewShared(1<<20, 100)
	t.Cleanup(shared.Close)
	storetest.Run(t, func(t *testing.T) storetest.Disk {
		c := &closing{t: t, fs: vfs.NewMem(), shared: shared}
		c.s = mustOpen(t, "data", disk.Options{FS: c.fs, Shared: shared})
		t.Cleanup(func() { _ = c.s.Close() })
		return c
	})
}

// On a real directory, larger than one chunk of a scan and than one table.
func TestScanOfManyPairs(t *testing.T) {
	noLeaks(t)
	dir := t.TempDir()
	s := mustOpen(t, dir, disk.Options{})
	const n = 3000
	value := make([]byte, 1000)
	for i := range n {
		if err := set(s, fmt.Sprintf("%06d", i), string(value)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = mustOpen(t, dir, disk.Options{})
	defer s.Close()
	seen := 0
	err := s.Scan([]byte("000100"), nil, func(k, _ []byte) bool {
		if want := fmt.Sprintf("%06d", seen+100); string(k) != want {
			t.Fatalf("got key %s, want %s", k, want)
		}
		if seen++; seen%100 == 0 { // a visitor may use the store
			if _, ok, err := s.Get([]byte("000000")); err != nil || !ok {
				t.Fatal(ok, err)
			}
			if err := set(s, "zz", "written while scanning"); err != nil {
				t.Fatal(err)
			}
		}
		return true
	})
	if err != nil || seen != n-100 {
		t.Errorf("got %d pairs, %v, want %d", seen, err, n-100)
	}
}

// A visitor that panics leaves nothing open.
func TestScanWhoseVisitorPanics(t *testing.T) {
	noLeaks(t)
	s := mustOpen(t, "data", disk.Options{FS: vfs.NewMem()})
	for i := range 10_000 {
		if err := set(s, fmt.Sprint(i), "v"); err != nil {
			t.Fatal(err)
		}
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic did not reach the caller")
			}
		}()
		_ = s.Scan(nil, nil, func(_, _ []byte) bool { panic("visitor") })
	}()
	if err := s.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

func TestClosedStore(t *testing.T) {
	noLeaks(t)
	s := mustOpen(t, "data", disk.Options{FS: vfs.NewMem()})
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := s.Get(nil); !errors.Is(err, disk.ErrClosed) {
		t.Errorf("get: got %v, want %v", err, disk.ErrClosed)
	}
	if err := set(s, "k", "v"); !errors.Is(err, disk.ErrClosed) {
		t.Errorf("apply: got %v, want %v", err, disk.ErrClosed)
	}
}

const lockedDir = "STARLING_TEST_LOCKED_DIR"

// openLocked is another process that wants the directory.
func openLocked(dir string) int {
	_, err := disk.Open(dir, disk.Options{})
	fmt.Println(err)
	if errors.Is(err, disk.ErrLocked) {
		return 7
	}
	return 1
}

func TestDirectoryIsLocked(t *testing.T) {
	noLeaks(t)
	dir := t.TempDir()
	s := mustOpen(t, dir, disk.Options{})
	if _, err := disk.Open(dir, disk.Options{}); !errors.Is(err, disk.ErrLocked) {
		t.Errorf("in the same process: got %v, want %v", err, disk.ErrLocked)
	}
	other := exec.Command(os.Args[0])
	other.Env = append(os.Environ(), lockedDir+"="+dir)
	out, err := other.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 7 {
		t.Errorf("another process: got %v and %q, want %v", err, out, disk.ErrLocked)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := mustOpen(t, dir, disk.Options{}).Close(); err != nil {
		t.Error(err)
	}
}

func TestOpenRefusesWhatIsNoDirectory(t *testing.T) {
	noLeaks(t)
	file := t.TempDir() + "/file"
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := disk.Open(file, disk.Options{}); err == nil || errors.Is(err, disk.ErrLocked) {
		t.Errorf("got %v, want an error about the directory", err)
	}
}
