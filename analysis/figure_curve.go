package analysis

import (
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// curve is one line of a figure with its uncertainty. It implements
// plot.Plotter.
type curve struct {
	label string
	style curveStyle
	x, y  []float64
	// lo and hi bound the confidence interval; nil or NaN for none.
	lo, hi []float64

	step    bool // constant between the points, as a distribution function
	bars    bool // intervals as bars with a marker at every point, else as a band
	markAll bool // a marker at every point, else at some
	noMark  bool
	noLine  bool
}

// sparseMarkers is about how many markers a curve with many points has.
const sparseMarkers = 9

// Plot draws the curve.
func (cv *curve) Plot(c draw.Canvas, p *plot.Plot) {
	toX, toY := transforms(&c, p)
	if cv.lo != nil && cv.bars {
		cv.drawBars(&c, toX, toY)
	} else if cv.lo != nil {
		cv.drawBand(&c, toX, toY)
	}
	if !cv.noLine {
		for _, points := range cv.segments(toX, toY) {
			c.StrokeLines(cv.style.line, c.ClipLinesXY(points)...)
		}
	}
	if !cv.noMark {
		cv.drawMarkers(&c, toX, toY)
	}
}

// transforms map values to the canvas; on a logarithmic axis, what is not
// above zero lies at its lower end.
func transforms(c *draw.Canvas, p *plot.Plot) (x, y func(float64) vg.Length) {
	clamp := func(a plot.Axis, v float64) float64 {
		if _, ok := a.Scale.(plot.LogScale); ok {
			return math.Max(v, a.Min)
		}
		return v
	}
	x = func(v float64) vg.Length { return c.X(p.X.Norm(clamp(p.X, v))) }
	y = func(v float64) vg.Length { return c.Y(p.Y.Norm(clamp(p.Y, v))) }
	return x, y
}

// segments are the parts of the line between gaps.
func (cv *curve) segments(toX, toY func(float64) vg.Length) [][]vg.Point {
	var out [][]vg.Point
	var now []vg.Point
	for i, x := range cv.x {
		if math.IsNaN(cv.y[i]) {
			if len(now) > 1 {
				out = append(out, now)
			}
			now = nil
			continue
		}
		point := vg.Point{X: toX(x), Y: toY(cv.y[i])}
		if cv.step && len(now) > 0 {
			now = append(now, vg.Point{X: point.X, Y: now[len(now)-1].Y})
		}
		now = append(now, point)
	}
	if len(now) > 1 {
		out = append(out, now)
	}
	return out
}

func (cv *curve) hasInterval(i int) bool {
	return !math.IsNaN(cv.lo[i]) && !math.IsNaN(cv.hi[i]) && !math.IsNaN(cv.y[i])
}

func (cv *curve) drawBand(c *draw.Canvas, toX, toY func(float64) vg.Length) {
	for i := 0; i < len(cv.x); i++ {
		j := i
		for j < len(cv.x) && cv.hasInterval(j) {
			j++
		}
		if j-i > 1 {
			var ring []vg.Point
			for k := i; k < j; k++ {
				ring = append(ring, vg.Point{X: toX(cv.x[k]), Y: toY(cv.hi[k])})
			}
			for k := j - 1; k >= i; k-- {
				ring = append(ring, vg.Point{X: toX(cv.x[k]), Y: toY(cv.lo[k])})
			}
			c.FillPolygon(cv.style.shade, c.ClipPolygonXY(ring))
		}
		i = j
	}
}

func (cv *curve) drawBars(c *draw.Canvas, toX, toY func(float64) vg.Length) {
	const cap = vg.Length(2.5)
	sty := cv.style.line
	sty.Dashes, sty.Width = nil, 0.9
	for i := range cv.x {
		if !cv.hasInterval(i) {
			continue
		}
		x, lo, hi := toX(cv.x[i]), toY(cv.lo[i]), toY(cv.hi[i])
		for _, line := range [][]vg.Point{
			{{X: x, Y: lo}, {X: x, Y: hi}},
			{{X: x - cap, Y: lo}, {X: x + cap, Y: lo}},
			{{X: x - cap, Y: hi}, {X: x + cap, Y: hi}},
		} {
			c.StrokeLines(sty, c.ClipLinesXY(line)...)
		}
	}
}

// drawMarkers marks every point or, evenly along x, some.
func (cv *curve) drawMarkers(c *draw.Canvas, toX, toY func(float64) vg.Length) {
	gap := (c.Max.X - c.Min.X) / sparseMarkers
	next := c.Min.X + gap*vg.Length(math.Mod(0.25+0.31*float64(cv.style.offset), 1))
	for i := range cv.x {
		if math.IsNaN(cv.y[i]) {
			continue
		}
		at := vg.Point{X: toX(cv.x[i]), Y: toY(cv.y[i])}
		if !cv.markAll {
			if at.X < next {
				continue
			}
			next += gap * vg.Length(math.Floor(float64((at.X-next)/gap))+1)
		}
		if c.Contains(at) {
			cv.style.mark(c, at)
		}
	}
}

// mark draws a marker; an open one hides the line behind it.
func (s curveStyle) mark(c *draw.Canvas, at vg.Point) {
	if s.filling != nil {
		c.DrawGlyphNoClip(draw.GlyphStyle{Color: color.White, Radius: s.glyph.Radius, Shape: s.filling}, at)
	}
	c.DrawGlyphNoClip(s.glyph, at)
}

// thumbnail draws the curve's sample for the legend.
func (cv *curve) thumbnail(c *draw.Canvas, at vg.Rectangle) {
	middle := (at.Min.Y + at.Max.Y) / 2
	if !cv.noLine {
		c.StrokeLine2(cv.style.line, at.Min.X, middle, at.Max.X, middle)
	}
	if !cv.noMark {
		cv.style.mark(c, vg.Point{X: (at.Min.X + at.Max.X) / 2, Y: middle})
	}
}
