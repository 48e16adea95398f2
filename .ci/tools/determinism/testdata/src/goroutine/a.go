package goroutine

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic" // want `goroutine: import of sync/atomic`
)

type counter struct {
	n    atomic.Int64
	mu   sync.Mutex
	once sync.Once
	rw   sync.RWMutex
	wg   sync.WaitGroup // want `goroutine: sync.WaitGroup`
	c    *sync.Cond     // want `goroutine: sync.Cond`
	p    sync.Pool      // want `goroutine: sync.Pool`
}

func start(ctx context.Context, f func()) {
	go f() // want `goroutine: go statement`
	defer f()
	context.AfterFunc(ctx, f) // want `goroutine: context.AfterFunc`
	_ = sync.OnceValue(func() int { return 1 })
}

func machine() int {
	runtime.GC()               // want `goroutine: runtime.GC`
	n := runtime.NumCPU()      // want `goroutine: runtime.NumCPU`
	n += runtime.GOMAXPROCS(0) // want `goroutine: runtime.GOMAXPROCS`
	runtime.KeepAlive(n)
	return n
}
