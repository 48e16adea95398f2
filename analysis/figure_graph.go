package analysis

import (
	"bytes"
	"errors"
	"fmt"
	"image/color"
	"math"
	"strings"

	"gonum.org/v1/gonum/spatial/r2"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// picture is a graph before it is drawn: where its nodes and links lie, and
// what their colours mean.
type picture struct {
	title  string
	links  []pictureLink // drawn in this order
	nodes  []pictureNode
	rings  []float64 // radii of circles around the origin of the plane
	legend []legendEntry
	notes  []string
}

type pictureLink struct {
	from, to r2.Vec
	line     draw.LineStyle
}

type pictureNode struct {
	at     r2.Vec
	radius vg.Length
	fill   color.Color
}

// legendEntry explains a colour, of a line or of a node.
type legendEntry struct {
	label string
	line  *draw.LineStyle // nil: a node
	fill  color.Color
}

const pictureHeight = 6.0 * vg.Inch

// drawPicture draws the first of the runs that has the links of its kind.
func drawPicture(p Plot, runs []Run) (*Figure, error) {
	metric, build := "overlay.links", overlayPicture
	if p.Kind == PlotTree {
		metric, build = "broadcast.tree_links", treePicture
	}
	if len(runs) == 0 {
		return nil, errors.New("there is no run")
	}
	links := linksOf(runs[0], metric)
	if len(links) == 0 {
		return nil, fmt.Errorf("the run has no %s: they are kept with up to %d nodes, where there is something to draw", metric, pictureLimit)
	}
	pic := build(links)
	pic.title = p.Title
	if len(runs) > 1 {
		pic.notes = append(pic.notes, "The first run: "+strings.TrimSpace(fmt.Sprintf("%s seed %d", runs[0].PointName(), runs[0].Seed))+".")
	}
	f := &Figure{Name: p.Name, Title: p.Title, Caption: strings.Join(pic.notes, " ")}
	svg := vgsvg.New(figureWidth, pictureHeight)
	pic.draw(draw.New(svg))
	var b bytes.Buffer
	if _, err := svg.WriteTo(&b); err != nil {
		return nil, err
	}
	f.SVG = portableText(b.Bytes())
	png := vgimg.NewWith(vgimg.UseWH(figureWidth, pictureHeight), vgimg.UseDPI(figureDPI))
	pic.draw(draw.New(png))
	b = bytes.Buffer{}
	_, err := vgimg.PngCanvas{Canvas: png}.WriteTo(&b)
	f.PNG = b.Bytes()
	return f, err
}

// graphLink is a link as it stands in metrics.csv.
type graphLink struct {
	from, to int
	group    string
}

func linksOf(r Run, metric string) []graphLink {
	var out []graphLink
	for _, s := range r.Series {
		if s.Metric != metric {
			continue
		}
		for i := range s.X {
			if math.IsNaN(s.X[i]) || math.IsNaN(s.Y[i]) {
				continue
			}
			out = append(out, graphLink{from: int(s.X[i]), to: int(s.Y[i]), group: s.Group})
		}
	}
	return out
}

func (pic *picture) draw(c draw.Canvas) {
	c.SetColor(color.White)
	c.Fill(c.Rectangle.Path())
	c = draw.Crop(c, figureMargin, -figureMargin, figureMargin, -figureMargin)
	p := (&chart{title: pic.title}).plot()
	if pic.title != "" {
		c.Max.Y = drawTitle(&c, p, pic.title)
	}
	c.Max.Y = pic.drawLegend(&c, p.Legend.TextStyle)
	place := pic.fit(c)
	for _, radius := range pic.rings {
		center := place(r2.Vec{})
		drawCircle(&c, center, place(r2.Vec{X: radius}).X-center.X, gridColor)
	}
	for _, l := range pic.links {
		from, to := place(l.from), place(l.to)
		c.StrokeLine2(l.line, from.X, from.Y, to.X, to.Y)
	}
	for _, n := range pic.nodes {
		c.DrawGlyph(draw.GlyphStyle{Color: color.White, Radius: n.radius + 0.6, Shape: draw.CircleGlyph{}}, place(n.at))
		c.DrawGlyph(draw.GlyphStyle{Color: n.fill, Radius: n.radius, Shape: draw.CircleGlyph{}}, place(n.at))
	}
}

func drawCircle(c *draw.Canvas, center vg.Point, radius vg.Length, line color.Color) {
	var path vg.Path
	path.Move(vg.Point{X: center.X + radius, Y: center.Y})
	path.Arc(center, radius, 0, 2*math.Pi)
	path.Close()
	c.SetLineStyle(draw.LineStyle{Color: line, Width: 0.6})
	c.Stroke(path)
}

// fit maps the plane to the canvas, as large as it goes.
func (pic *picture) fit(c draw.Canvas) func(r2.Vec) vg.Point {
	box := r2.Box{Min: r2.Vec{X: math.Inf(1), Y: math.Inf(1)}, Max: r2.Vec{X: math.Inf(-1), Y: math.Inf(-1)}}
	include := func(x, y float64) {
		box.Min = r2.Vec{X: math.Min(box.Min.X, x), Y: math.Min(box.Min.Y, y)}
		box.Max = r2.Vec{X: math.Max(box.Max.X, x), Y: math.Max(box.Max.Y, y)}
	}
	for _, n := range pic.nodes {
		include(n.at.X, n.at.Y)
	}
	for _, r := range pic.rings {
		include(-r, -r)
		include(r, r)
	}
	const margin = vg.Length(6)
	width, height := float64(c.Max.X-c.Min.X-2*margin), float64(c.Max.Y-c.Min.Y-2*margin)
	scale := math.Inf(1)
	if w := box.Max.X - box.Min.X; w > 0 {
		scale = width / w
	}
	if h := box.Max.Y - box.Min.Y; h > 0 {
		scale = math.Min(scale, height/h)
	}
	if math.IsInf(scale, 1) {
		scale = 1
	}
	middle, center := r2.Scale(0.5, r2.Add(box.Min, box.Max)), c.Center()
	return func(v r2.Vec) vg.Point {
		return vg.Point{X: center.X + vg.Length(scale*(v.X-middle.X)), Y: center.Y + vg.Length(scale*(v.Y-middle.Y))}
	}
}

// drawLegend writes the entries in rows from the left and returns where the
// space below them begins.
func (pic *picture) drawLegend(c *draw.Canvas, sty text.Style) vg.Length {
	const lineThumb, nodeThumb, gap, space = vg.Length(20), vg.Length(8), vg.Length(5), vg.Length(14)
	sty.XAlign, sty.YAlign = text.XLeft, text.YCenter
	row := sty.FontExtents().Height * 1.45
	x, y := c.Min.X, c.Max.Y-row/2
	for _, e := range pic.legend {
		thumb := nodeThumb
		if e.line != nil {
			thumb = lineThumb
		}
		width := thumb + gap + sty.Width(e.label)
		if x+width > c.Max.X && x > c.Min.X {
			x, y = c.Min.X, y-row
		}
		if e.line != nil {
			c.StrokeLine2(*e.line, x, y, x+thumb, y)
		} else {
			c.DrawGlyph(draw.GlyphStyle{Color: e.fill, Radius: 3.4, Shape: draw.CircleGlyph{}}, vg.Point{X: x + thumb/2, Y: y})
		}
		c.FillText(sty, vg.Point{X: x + thumb + gap, Y: y}, e.label)
		x += width + space
	}
	return y - row/2 - 3
}
