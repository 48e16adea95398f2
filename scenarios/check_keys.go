package scenarios

import (
	"github.com/starling-sim/starling/scenarios/document"
)

var keysKeys = map[string][]string{
	"uniform": {"model", "count", "prefix"},
	"zipf":    {"model", "count", "prefix", "exponent"},
	"hotspot": {"model", "count", "prefix", "hot", "share"},
}

const (
	// maxKeyPrefix bounds what keys begin with, in bytes.
	maxKeyPrefix = 64
	// maxMilliExponent bounds Zipf's exponent, in thousandths.
	maxMilliExponent = 10_000
	// defaultMilliExponent is that of YCSB (Cooper et al., SoCC 2010), whose
	// exponent most measurements of stores have.
	defaultMilliExponent = 990
)

// checkKeys checks which keys the commands are about.
func (d *decoding) checkKeys(s *Scenario, w *Workload, path string) {
	command, known := s.command(w.Command)
	path += ".keys"
	written := document.Subtree(s.tree, path)
	if w.Keys == nil {
		if known && command.Key {
			d.Problemf(path, "missing: %s is about a key", w.Command)
		}
		return
	}
	if known && !command.Key {
		d.Problemf(path, "got keys, and %s takes none", w.Command)
	}
	k := w.Keys
	keys, ok := keysKeys[k.Model]
	if !ok {
		return
	}
	d.allowed(path, written, k.Model, keys...)
	if len(k.Prefix) > maxKeyPrefix {
		d.Problemf(path+".prefix", "got %d bytes, want at most %d", len(k.Prefix), maxKeyPrefix)
	}
	switch k.Model {
	case "zipf":
		if k.Exponent != nil && !(*k.Exponent >= 0 && *k.Exponent <= maxMilliExponent/1000) {
			d.Problemf(path+".exponent", "got %v, want 0 to %d", *k.Exponent, maxMilliExponent/1000)
		}
	case "hotspot":
		d.needs(path, written, k.Model, "hot", "share")
	}
}

// checkRead checks what looks for the writes.
func (d *decoding) checkRead(s *Scenario, w *Workload, path string) {
	table, _ := document.Subtree(s.tree, path).(map[string]any)
	if w.Read == "" {
		for _, key := range []string{"read_after", "read_at"} {
			if document.HasKey(table, key) {
				d.Problemf(path+"."+key, "got it without read, the command that reads")
			}
		}
		return
	}
	d.checkCommand(s, path+".read", w.Read)
	if command, ok := s.command(w.Read); ok && !command.Key {
		d.Problemf(path+".read", "got %q, want a command that is about a key", w.Read)
	}
	if !document.HasKey(table, "read_after") {
		d.Problemf(path+".read_after", "missing: read needs it")
	}
	d.within(s, path+".read_after", w.ReadAfter)
}
