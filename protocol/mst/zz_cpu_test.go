package mst

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
	"testing"
	"time"
)

func cpu() time.Duration {
	var r syscall.Rusage
	syscall.Getrusage(1, &r)
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

func TestZZCPU(t *testing.T) {
	if os.Getenv("ZZ") == "" {
		t.Skip()
	}
	runtime.LockOSThread()
	sortedKeys()
	tm := func(name string, f func()) {
		runtime.GC()
		a := cpu()
		f()
		fmt.Println(name, (cpu() - a).Round(10*time.Microsecond))
	}
	p := MustProfile(bigProfile)
	so := bigProfile
	so.Salt = make([]byte, 32)
	bb := &testing.B{}
	var tree Tree
	tm("bulk", func() { tree = bigTree(bb, bigProfile) })
	tm("bulk salted", func() { bigTree(bb, so) })
	e := New(p, nil).Edit()
	tm("insert", func() {
		for _, k := range manyKeys() {
			e.Put(k, digestFor(k, 0))
		}
	})
	tm("root", func() { e.Commit() })
	e2 := tree.Edit()
	tm("edit10k", func() {
		for k := range 10000 {
			e2.Put(manyKeys()[k*100], digestFor(manyKeys()[k*100], 1))
		}
	})
	var t2 Tree
	tm("reroot10k", func() { t2 = e2.Commit() })
	tm("put x10000", func() {
		for k := range 10000 {
			key := manyKeys()[k*100]
			tree.Put(key, digestFor(key, 1))
		}
	})
	tm("get x1M", func() {
		for _, k := range manyKeys() {
			tree.Get(k)
		}
	})
	tm("diff", func() { Diff(tree, t2, func(Difference) bool { return true }) })
	tm("walk", func() { walk(t, NewPuller(tree, t2.Root(), PullOptions{}), t2, million) })
	tm("walk summaries 2", func() { walk(t, NewPuller(tree, t2.Root(), PullOptions{SummaryLevels: 2}), t2, million) })
	tm("prove x1000", func() {
		for _, k := range manyKeys()[:1000] {
			tree.ProveKey(k)
		}
	})
	pr := make([][]byte, 1000)
	for i := range pr {
		pr[i] = tree.ProveKey(manyKeys()[i])
	}
	tm("verify x1000", func() {
		for i, b := range pr {
			p.VerifyKey(tree.Root(), manyKeys()[i], b)
		}
	})
}
