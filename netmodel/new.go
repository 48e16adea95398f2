package netmodel

import "fmt"

// New builds a network. The error names the field, what it holds and what it
// may hold.
func New(cfg Config) (*Model, error) {
	m := &Model{
		seed:     cfg.Seed,
		messages: mix(cfg.Seed ^ keyMessages),
		states:   mix(cfg.Seed ^ keyStates),
		streams:  mix(cfg.Seed ^ keyStreams),
		connects: mix(cfg.Seed ^ keyConnects),
		nodes:    cfg.Nodes,
		base:     impairments{cfg.Duplicate, cfg.Reorder, cfg.Corrupt, int64(cfg.ReorderDelay)},
	}
	for _, step := range []func(*Config) error{
		m.newSizes, m.placeRegions, m.newDelays, m.newLoss, m.newLinks,
	} {
		if err := step(&cfg); err != nil {
			return nil, fmt.Errorf("new network: %w", err)
		}
	}
	m.ready()
	return m, nil
}

// newSizes takes over what is counted in nodes and bytes.
func (m *Model) newSizes(cfg *Config) error {
	switch {
	case cfg.Nodes < 1 || cfg.Nodes > MaxNodes:
		return fmt.Errorf("Nodes: got %d, want 1 to %d", cfg.Nodes, MaxNodes)
	case cfg.Header < NoHeader || cfg.Header > MaxMTU:
		return fmt.Errorf("Header: got %d bytes, want NoHeader (%d), 0 (%d) or at most %d", cfg.Header, NoHeader, DefaultHeader, MaxMTU)
	case cfg.MTU < 0 || cfg.MTU > MaxMTU:
		return fmt.Errorf("MTU: got %d bytes, want 0 (%d) or 1 to %d", cfg.MTU, DefaultMTU, MaxMTU)
	case cfg.MSS < 0 || cfg.MSS > MaxMTU:
		return fmt.Errorf("MSS: got %d bytes, want 0 (%d) or 1 to %d", cfg.MSS, DefaultMSS, MaxMTU)
	}
	m.header, m.mtu, m.mss = cfg.Header, cfg.MTU, cfg.MSS
	switch m.header {
	case 0:
		m.header = DefaultHeader
	case NoHeader:
		m.header = 0
	}
	if m.mtu == 0 {
		m.mtu = DefaultMTU
	}
	if m.mss == 0 {
		m.mss = DefaultMSS
	}
	return nil
}

// newDelays makes everything about latency ready.
func (m *Model) newDelays(cfg *Config) (err error) {
	if m.minDelay, err = m.newLatency(cfg.Latency); err != nil {
		return err
	}
	if err := checkDelay("ReorderDelay", cfg.ReorderDelay); err != nil {
		return err
	}
	if cfg.Reorder != 0 && cfg.ReorderDelay == 0 {
		return fmt.Errorf("ReorderDelay: got 0s with a probability to reorder, want 1ns to %v", MaxDelay)
	}
	return nil
}

// newLoss makes the model of loss ready.
func (m *Model) newLoss(cfg *Config) (err error) {
	switch c := cfg.Loss.(type) {
	case nil:
	case Independent:
		m.loss = c.Probability
	case GilbertElliott:
		m.burst, err = newBurst("Loss", c)
	default:
		return fmt.Errorf("Loss: got %T, want nil, Independent or GilbertElliott", cfg.Loss)
	}
	return err
}
