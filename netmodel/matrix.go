package netmodel

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"strings"
	"time"
)

// Matrix holds one-way latencies between places.
type Matrix struct {
	// Names of the places; may be nil.
	Names []string
	// Weights are the parts of all nodes that are in each place, at most
	// MaxWeight; may be nil.
	Weights []uint64
	// OneWay[i][j] is the delay from place i to place j, OneWay[i][i] the one
	// between two nodes at place i.
	OneWay [][]time.Duration
}

const (
	// MaxPlaces bounds the number of rows of a matrix, and of regions.
	MaxPlaces = 1 << 15
	// MaxMatrixDelay bounds a delay in a matrix: they are held in 32 bits.
	MaxMatrixDelay = time.Duration(1<<32 - 1)
	// MaxWeight bounds the weight of a place or region.
	MaxWeight = 1 << 32
)

// check names what is wrong with a matrix.
func (x *Matrix) check() error {
	if x == nil {
		return fmt.Errorf("Latency.Matrix: got none, want a matrix (AWS2019, LibP2P8, PlanetLab490, ParseMatrix)")
	}
	n := len(x.OneWay)
	if n < 1 || n > MaxPlaces {
		return fmt.Errorf("Latency.Matrix.OneWay: got %d rows, want 1 to %d", n, MaxPlaces)
	}
	if x.Names != nil && len(x.Names) != n {
		return fmt.Errorf("Latency.Matrix.Names: got %d, want one for each of %d rows", len(x.Names), n)
	}
	if x.Weights != nil && len(x.Weights) != n {
		return fmt.Errorf("Latency.Matrix.Weights: got %d, want one for each of %d rows", len(x.Weights), n)
	}
	for i, row := range x.OneWay {
		if len(row) != n {
			return fmt.Errorf("Latency.Matrix.OneWay: got %d values in row %d, want %d", len(row), i+1, n)
		}
		for j, d := range row {
			if d < 0 || d > MaxMatrixDelay {
				return fmt.Errorf("Latency.Matrix.OneWay: got %v in row %d, column %d, want 0s to %v", d, i+1, j+1, MaxMatrixDelay)
			}
		}
	}
	return nil
}

// pick returns the delays between the places that rows lists, in that order,
// row by row.
func (x *Matrix) pick(rows []int) []uint32 {
	out := make([]uint32, 0, len(rows)*len(rows))
	for _, i := range rows {
		for _, j := range rows {
			out = append(out, uint32(x.OneWay[i][j]))
		}
	}
	return out
}

// ParseMatrix reads a matrix from CSV. The first cell says what the numbers
// are, "rtt_ms" or "oneway_ms"; the rest of the first line names the columns.
// Each further line is a name and its row; names come in the order of the
// columns. Numbers are milliseconds with at most six digits after the point.
// Round trips are halved, down to whole nanoseconds.
func ParseMatrix(text []byte) (*Matrix, error) {
	r := csv.NewReader(bytes.NewReader(text))
	r.ReuseRecord = true
	head, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("parse latency matrix: %w", err)
	}
	var halve time.Duration
	switch head[0] {
	case "rtt_ms":
		halve = 2
	case "oneway_ms":
		halve = 1
	default:
		return nil, fmt.Errorf("parse latency matrix: got %q in the first cell, want \"rtt_ms\" or \"oneway_ms\"", head[0])
	}
	x := &Matrix{Names: append([]string(nil), head[1:]...)}
	if len(x.Names) < 1 || len(x.Names) > MaxPlaces {
		return nil, fmt.Errorf("parse latency matrix: got %d columns, want 1 to %d", len(x.Names), MaxPlaces)
	}
	for i := 0; ; i++ {
		cells, err := r.Read()
		if err == io.EOF && i == len(x.Names) {
			return x, nil
		}
		if err == io.EOF || (err == nil && i == len(x.Names)) {
			return nil, fmt.Errorf("parse latency matrix: got %d rows or more, want one for each of %d columns", i, len(x.Names))
		}
		if err != nil {
			return nil, fmt.Errorf("parse latency matrix: %w", err)
		}
		row, err := parseRow(cells, x.Names[i], halve)
		if err != nil {
			return nil, fmt.Errorf("parse latency matrix: row %d: %w", i+1, err)
		}
		x.OneWay = append(x.OneWay, row)
	}
}

func parseRow(cells []string, name string, halve time.Duration) ([]time.Duration, error) {
	if cells[0] != name {
		return nil, fmt.Errorf("got name %q, want %q as in column order", cells[0], name)
	}
	row := make([]time.Duration, 0, len(cells)-1)
	for j, cell := range cells[1:] {
		d, ok := parseMilliseconds(cell)
		if !ok || d/halve > MaxMatrixDelay {
			return nil, fmt.Errorf("value %d: got %q, want milliseconds such as \"81\" or \"0.25\", at most %v one way", j+1, cell, MaxMatrixDelay)
		}
		row = append(row, d/halve)
	}
	return row, nil
}

// parseMilliseconds reads a decimal number without sign or exponent exactly.
func parseMilliseconds(s string) (time.Duration, bool) {
	whole, frac, point := strings.Cut(s, ".")
	if len(whole) < 1 || len(whole) > 6 || len(frac) > 6 || (point && frac == "") {
		return 0, false
	}
	var ns int64
	for _, c := range []byte(whole + frac + "000000"[len(frac):]) {
		if c < '0' || c > '9' {
			return 0, false
		}
		ns = ns*10 + int64(c-'0')
	}
	return time.Duration(ns), true
}
