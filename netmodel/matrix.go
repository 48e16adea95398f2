package netmodel

import (
	"time"
)

// Matrix holds one-way latencies between places.
type Matrix struct {
	// Names of the places; may be nil.
	Names []string
	// Weights are the parts of nodes that are in each place; may be nil.
	Weights []uint64
	// OneWay[i][j] is the delay from place i to place j, OneWay[i][i] the one
	// between two nodes at place i.
	OneWay [][]time.Duration
}

// AWS2019 is ...
func AWS2019() (*Matrix, error) { return nil, nil }

// LibP2P8 is ...
func LibP2P8() (*Matrix, error) { return nil, nil }

// PlanetLab490 is ...
func PlanetLab490() (*Matrix, error) { return nil, nil }

// ParseMatrix reads a matrix from CSV: the first cell says the unit,
// "rtt_ms" or "oneway_ms", the rest of the first line names the columns, and
// each further line is a name and its row, in the same order. Round trips are
// halved.
func ParseMatrix(csv []byte) (*Matrix, error) { return nil, nil }
