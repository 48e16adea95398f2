package pebbledisk

import "github.com/cockroachdb/pebble/v2"

// scheduler lets Pebble compact when the disk says so, not when Pebble has time.
type scheduler struct {
	db   pebble.DBForCompaction
	done chan struct{}
}

var (
	_ pebble.CompactionScheduler   = (*scheduler)(nil)
	_ pebble.CompactionGrantHandle = (*scheduler)(nil)
)

func newScheduler() *scheduler { return &scheduler{done: make(chan struct{}, 1)} }

// compact carries out all the compactions that there is reason for, one after
// the other.
func (s *scheduler) compact() {
	for {
		if waiting, _ := s.db.GetWaitingCompaction(); !waiting || !s.db.Schedule(s) {
			return
		}
		<-s.done
	}
}

func (s *scheduler) Register(_ int, db pebble.DBForCompaction) { s.db = db }
func (s *scheduler) Unregister()                               {}
func (s *scheduler) UpdateGetAllowedWithoutPermission()        {}

// TrySchedule puts Pebble off: the compaction that it has found waits.
func (s *scheduler) TrySchedule() (bool, pebble.CompactionGrantHandle) { return false, nil }

func (s *scheduler) Started()                                          {}
func (s *scheduler) MeasureCPU(pebble.CompactionGoroutineKind)         {}
func (s *scheduler) CumulativeStats(pebble.CompactionGrantHandleStats) {}
func (s *scheduler) Done()                                             { s.done <- struct{}{} }
