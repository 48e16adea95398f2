package analysis

// TableSpec describes a table: a row per value of a swept key, a column per
// metric.
type TableSpec struct {
	Name  string
	Title string
	// Rows is the swept key, usually "variant".
	Rows    string
	Columns []Column
}

// Column is one metric of a table.
type Column struct {
	Metric string
	// Label is the column's head; empty means the metric's name.
	Label string
	// RelativeTo is the row that counts as 100 %; empty for absolute values.
	RelativeTo string
	// Published are the values that the literature gives, by row.
	Published map[string]float64
}
