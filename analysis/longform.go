package analysis

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"

	"github.com/parquet-go/parquet-go"
)

// row is a line of metrics.csv and a record of metrics.parquet. No value (NaN)
// is an empty field there and a null here.
type row struct {
	Time   float64  `parquet:"time_s"`
	Metric string   `parquet:"metric,dict"`
	Group  string   `parquet:"group,dict"`
	Value  *float64 `parquet:"value,optional"`
}

var csvHeader = []string{"time_s", "metric", "group", "value"}

// rows calls visit with all points, in the order of the series.
func rows(all []Series, visit func(row) error) error {
	for _, s := range all {
		if len(s.X) != len(s.Y) {
			return fmt.Errorf("series %q %q: got %d times and %d values, want as many", s.Metric, s.Group, len(s.X), len(s.Y))
		}
		for i, x := range s.X {
			r := row{Time: x, Metric: s.Metric, Group: s.Group}
			if y := s.Y[i]; !math.IsNaN(y) && !math.IsInf(y, 0) {
				r.Value = &y
			}
			if err := visit(r); err != nil {
				return err
			}
		}
	}
	return nil
}

// gather puts rows back into series, in the order of their first rows.
type gather struct{ series []Series }

func (g *gather) add(r row) {
	i := len(g.series) - 1 // rows of one series usually follow each other
	if i < 0 || g.series[i].Metric != r.Metric || g.series[i].Group != r.Group {
		i = slices.IndexFunc(g.series, func(s Series) bool { return s.Metric == r.Metric && s.Group == r.Group })
	}
	if i < 0 {
		i = len(g.series)
		g.series = append(g.series, Series{Metric: r.Metric, Group: r.Group})
	}
	y := math.NaN()
	if r.Value != nil {
		y = *r.Value
	}
	g.series[i].X = append(g.series[i].X, r.Time)
	g.series[i].Y = append(g.series[i].Y, y)
}

// WriteSeriesCSV writes metrics.csv.
func WriteSeriesCSV(w io.Writer, all []Series) error {
	out := csv.NewWriter(w)
	err := out.Write(csvHeader)
	if err == nil {
		err = rows(all, func(r row) error {
			value := ""
			if r.Value != nil {
				value = formatFloat(*r.Value)
			}
			return out.Write([]string{formatFloat(r.Time), r.Metric, r.Group, value})
		})
	}
	out.Flush()
	if err = errors.Join(err, out.Error()); err != nil {
		return fmt.Errorf("write series: %w", err)
	}
	return nil
}

// formatFloat writes the shortest text that reads back as v.
func formatFloat(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// ReadSeriesCSV reads what WriteSeriesCSV wrote.
func ReadSeriesCSV(r io.Reader) ([]Series, error) {
	in := csv.NewReader(r)
	in.FieldsPerRecord = len(csvHeader)
	in.ReuseRecord = true
	head, err := in.Read()
	if err != nil {
		return nil, fmt.Errorf("read series: %w", err)
	}
	if !slices.Equal(head, csvHeader) {
		return nil, fmt.Errorf("read series: got columns %q, want %q", head, csvHeader)
	}
	var g gather
	for {
		record, err := in.Read()
		if errors.Is(err, io.EOF) {
			return g.series, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read series: %w", err)
		}
		point := row{Metric: record[1], Group: record[2]}
		if point.Time, err = strconv.ParseFloat(record[0], 64); err == nil && record[3] != "" {
			point.Value = new(float64)
			*point.Value, err = strconv.ParseFloat(record[3], 64)
		}
		if err != nil {
			line, _ := in.FieldPos(0)
			return nil, fmt.Errorf("read series: line %d: %w", line, err)
		}
		g.add(point)
	}
}

// WriteSeriesParquet writes metrics.parquet: time_s double, metric and group
// string, value double or null.
func WriteSeriesParquet(w io.Writer, all []Series) error {
	out := parquet.NewGenericWriter[row](w, parquet.Compression(&parquet.Snappy))
	buffer := make([]row, 0, 4096)
	flush := func() error {
		_, err := out.Write(buffer)
		buffer = buffer[:0]
		return err
	}
	err := rows(all, func(r row) error {
		if buffer = append(buffer, r); len(buffer) < cap(buffer) {
			return nil
		}
		return flush()
	})
	if err == nil {
		err = flush()
	}
	if err = errors.Join(err, out.Close()); err != nil {
		return fmt.Errorf("write series as parquet: %w", err)
	}
	return nil
}

// ReadSeriesParquet reads what WriteSeriesParquet wrote.
func ReadSeriesParquet(r io.ReaderAt, size int64) ([]Series, error) {
	file, err := parquet.OpenFile(r, size)
	if err != nil {
		return nil, fmt.Errorf("read series from parquet: %w", err)
	}
	in := parquet.NewGenericReader[row](file)
	var g gather
	buffer := make([]row, 4096)
	for {
		n, err := in.Read(buffer)
		for _, point := range buffer[:n] {
			g.add(point)
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read series from parquet: %w", errors.Join(err, in.Close()))
		}
	}
	if err := in.Close(); err != nil {
		return nil, fmt.Errorf("read series from parquet: %w", err)
	}
	return g.series, nil
}
