package analysis

import (
	"bytes"
	"fmt"
	"html"
	"image/color"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Figure is a rendered plot. The same plot over the same runs gives the same
// bytes.
type Figure struct {
	Name string
	// Title is the plot's.
	Title string
	// Caption says what is drawn: statistic, number of runs, what was left
	// out.
	Caption string
	SVG     []byte
	PNG     []byte
}

// chart is a figure before it is drawn.
type chart struct {
	title          string
	xLabel, yLabel string
	x, y           axis
	curves         []*curve
	notes          []string
}

// Draw renders a plot over runs: one run, or those of a sweep.
func Draw(p Plot, runs []Run) (*Figure, error) {
	if p.Kind == PlotOverlay || p.Kind == PlotTree {
		f, err := drawPicture(p, runs)
		if err != nil {
			return nil, fmt.Errorf("draw plot %q: %w", p.Name, err)
		}
		return f, nil
	}
	ch, err := buildChart(p, runs)
	if err != nil {
		return nil, fmt.Errorf("draw plot %q: %w", p.Name, err)
	}
	f := &Figure{Name: p.Name, Title: p.Title, Caption: strings.Join(ch.notes, " ")}
	if f.SVG, err = ch.svg(); err == nil {
		f.PNG, err = ch.png()
	}
	if err != nil {
		return nil, fmt.Errorf("draw plot %q: %w", p.Name, err)
	}
	return f, nil
}

func (ch *chart) png() ([]byte, error) {
	c := vgimg.NewWith(vgimg.UseWH(figureWidth, figureHeight), vgimg.UseDPI(figureDPI))
	ch.draw(draw.New(c))
	var b bytes.Buffer
	_, err := vgimg.PngCanvas{Canvas: c}.WriteTo(&b)
	return b.Bytes(), err
}

func (ch *chart) svg() ([]byte, error) {
	c := vgsvg.New(figureWidth, figureHeight)
	ch.draw(draw.New(c))
	var b bytes.Buffer
	if _, err := c.WriteTo(&b); err != nil {
		return nil, err
	}
	return portableText(b.Bytes()), nil
}

var svgText = regexp.MustCompile(`(<text )([^>]*font-weight:(\w+);[^>]*font-size:([\d.]+)px[^>]*>)([^<]+)(</text>)`)

// portableText names fonts like ours for whoever lacks it, and fixes the width
// of every text, so that another font does not break the layout.
func portableText(svg []byte) []byte {
	svg = bytes.ReplaceAll(svg, []byte("font-family:Liberation Sans;"),
		[]byte("font-family:'Liberation Sans',Arial,Helvetica,sans-serif;"))
	return svgText.ReplaceAllFunc(svg, func(match []byte) []byte {
		part := svgText.FindSubmatch(match)
		size, err := strconv.ParseFloat(string(part[4]), 64)
		if err != nil {
			return match
		}
		font := sans(vg.Length(size))
		if string(part[3]) == "bold" {
			font = sansBold(vg.Length(size))
		}
		style := text.Style{Font: font, Handler: plot.DefaultTextHandler}
		width := style.Width(html.UnescapeString(string(part[5])))
		attribute := fmt.Sprintf(`textLength="%.2f" lengthAdjust="spacingAndGlyphs" `, width.Points())
		return slices.Concat(part[1], []byte(attribute), part[2], part[5], part[6])
	})
}

// draw puts title and legend above the axes, where they cover nothing, and
// writes the axes' names itself: the library misplaces them on logarithmic
// axes.
func (ch *chart) draw(c draw.Canvas) {
	c.SetColor(color.White)
	c.Fill(c.Rectangle.Path())
	c = draw.Crop(c, figureMargin, -figureMargin, figureMargin, -figureMargin)

	p := ch.plot()
	if ch.title != "" {
		c.Max.Y = drawTitle(&c, p, ch.title)
	}
	name := p.X.Label.TextStyle
	line := name.FontExtents().Height * 1.2
	axes := draw.Crop(c, line+2, 0, line+2, 0)
	if len(ch.curves) > 1 || ch.curves[0].label != "" {
		axes.Max.Y = ch.drawLegend(&c, p, p.DataCanvas(axes).Min.X)
	}
	p.Draw(axes)

	data := p.DataCanvas(axes)
	name.XAlign, name.YAlign = text.XCenter, text.YBottom
	c.FillText(name, vg.Point{X: data.Center().X, Y: c.Min.Y}, ch.xLabel)
	name.YAlign, name.Rotation = text.YTop, math.Pi/2
	c.FillText(name, vg.Point{X: c.Min.X, Y: labelCenter(name.Width(ch.yLabel), data, c)}, ch.yLabel)
}

// labelCenter centres a long name on the axis or, where that would put it
// outside the figure, as near as it goes.
func labelCenter(width vg.Length, data, c draw.Canvas) vg.Length {
	center := float64(data.Center().Y)
	center = math.Min(center, float64(c.Max.Y-width/2))
	return vg.Length(math.Max(center, float64(c.Min.Y+width/2)))
}

// plot makes the axes. Every font and tick is set here, so that nothing
// depends on the plotting library's package variables.
func (ch *chart) plot() *plot.Plot {
	p := plot.New()
	p.BackgroundColor = nil
	p.Title.TextStyle.Font = sansBold(10.5)
	p.Title.TextStyle.Color = inkColor
	p.Legend.TextStyle.Font = sans(9)
	p.Legend.TextStyle.Color = inkColor
	for _, side := range []struct {
		axis *plot.Axis
		want axis
	}{{&p.X, ch.x}, {&p.Y, ch.y}} {
		a := side.axis
		a.Min, a.Max = side.want.min, side.want.max
		if side.want.log {
			a.Scale = plot.LogScale{}
		}
		a.Tick.Marker = side.want.ticks
		a.Label.TextStyle.Font = sans(10)
		a.Label.TextStyle.Color = inkColor
		a.Tick.Label.Font = sans(9)
		a.Tick.Label.Color = inkColor
		a.Tick.Length = 4
		a.Tick.Color, a.Color = inkColor, inkColor
		a.Tick.Width, a.Width = 0.6, 0.6
		a.Padding = 0
	}
	p.Add(grid{ticks: ch.y.ticks})
	for i := len(ch.curves) - 1; i >= 0; i-- { // the first curve on top
		p.Add(ch.curves[i])
	}
	return p
}

// grid draws a faint line at every labelled tick of the y axis.
type grid struct{ ticks []plot.Tick }

func (g grid) Plot(c draw.Canvas, p *plot.Plot) {
	_, toY := p.Transforms(&c)
	for _, t := range g.ticks {
		if y := toY(t.Value); t.Label != "" && y > c.Min.Y+0.5 && y <= c.Max.Y+0.01 {
			c.StrokeLine2(draw.LineStyle{Color: gridColor, Width: 0.6}, c.Min.X, y, c.Max.X, y)
		}
	}
}

// drawTitle writes the title in as many lines as it takes and returns where
// the space below it begins.
func drawTitle(c *draw.Canvas, p *plot.Plot, title string) vg.Length {
	sty := p.Title.TextStyle
	sty.XAlign, sty.YAlign = text.XLeft, text.YTop
	extents := sty.FontExtents()
	height := extents.Height * 1.15
	top := c.Max.Y
	for _, line := range wrap(title, func(s string) bool { return sty.Width(s) <= c.Max.X-c.Min.X }) {
		c.FillText(sty, vg.Point{X: c.Min.X, Y: top}, line)
		top -= height
	}
	return top - 4
}

// wrap breaks a text between words into lines that fit.
func wrap(s string, fits func(string) bool) []string {
	var lines []string
	now := ""
	for _, word := range strings.Fields(s) {
		longer := strings.TrimSpace(now + " " + word)
		if now != "" && !fits(longer) {
			lines = append(lines, now)
			longer = word
		}
		now = longer
	}
	return append(lines, now)
}

// drawLegend lays the entries in a row from the left edge of the data, or in
// columns if they need more than one, and returns where the space below them
// begins.
func (ch *chart) drawLegend(c *draw.Canvas, p *plot.Plot, left vg.Length) vg.Length {
	const thumb, gap, space = vg.Length(26), vg.Length(5), vg.Length(14)
	sty := p.Legend.TextStyle
	sty.XAlign, sty.YAlign = text.XLeft, text.YCenter
	line := sty.FontExtents().Height * 1.45
	widths := make([]vg.Length, len(ch.curves))
	widest, sum := vg.Length(0), -space
	for i, cv := range ch.curves {
		widths[i] = thumb + gap + sty.Width(cv.label) + space
		widest = max(widest, widths[i])
		sum += widths[i]
	}
	columns := len(ch.curves)
	if sum > c.Max.X-left {
		columns = max(1, int((c.Max.X-left+space)/widest))
	}
	x := left
	for i, cv := range ch.curves {
		if i%columns == 0 {
			x = left
		}
		y := c.Max.Y - vg.Length(i/columns)*line
		cv.thumbnail(c, vg.Rectangle{Min: vg.Point{X: x, Y: y - line}, Max: vg.Point{X: x + thumb, Y: y}})
		c.FillText(sty, vg.Point{X: x + thumb + gap, Y: y - line/2}, cv.label)
		if columns == len(ch.curves) {
			x += widths[i]
		} else {
			x += widest
		}
	}
	rows := (len(ch.curves) + columns - 1) / columns
	return c.Max.Y - vg.Length(rows)*line - 5
}
