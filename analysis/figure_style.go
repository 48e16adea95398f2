package analysis

import (
	"image/color"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	xfont "golang.org/x/image/font"
)

// Figures are made for a page: 6.4 inches wide, 9 to 10 point letters, white
// ground. Curves differ in colour, dashes and marker, so that each of the three
// alone tells them apart.
const (
	figureWidth  = 6.4 * vg.Inch
	figureHeight = 4.0 * vg.Inch
	figureDPI    = 144
	figureMargin = vg.Length(8)
)

// palette is Okabe and Ito's (Color Universal Design, 2008) without its
// yellow, which is lost on white, and with the darker ones first.
var palette = [...]color.RGBA{
	{R: 0x00, G: 0x72, B: 0xb2, A: 0xff}, // blue
	{R: 0xd5, G: 0x5e, B: 0x00, A: 0xff}, // vermilion
	{R: 0x00, G: 0x9e, B: 0x73, A: 0xff}, // bluish green
	{R: 0xcc, G: 0x79, B: 0xa7, A: 0xff}, // reddish purple
	{R: 0x56, G: 0xb4, B: 0xe9, A: 0xff}, // sky blue
	{R: 0xe6, G: 0x9f, B: 0x00, A: 0xff}, // orange
	{R: 0x00, G: 0x00, B: 0x00, A: 0xff}, // black
}

var dashes = [...][]vg.Length{
	nil,
	{6, 2.5},
	{1.5, 2},
	{7, 2, 1.5, 2},
	{10, 3},
	{4, 1.5, 1.5, 1.5, 1.5, 1.5},
}

// marker is a shape and, if it is an open one, what fills it.
type marker struct{ shape, filling draw.GlyphDrawer }

var markers = [...]marker{
	{shape: draw.CircleGlyph{}},
	{shape: draw.BoxGlyph{}},
	{shape: draw.PyramidGlyph{}},
	{shape: draw.RingGlyph{}, filling: draw.CircleGlyph{}},
	{shape: draw.SquareGlyph{}, filling: draw.BoxGlyph{}},
	{shape: draw.TriangleGlyph{}, filling: draw.PyramidGlyph{}},
	{shape: draw.CrossGlyph{}},
}

var (
	inkColor       = color.RGBA{R: 0x22, G: 0x22, B: 0x22, A: 0xff}
	gridColor      = color.RGBA{R: 0xe4, G: 0xe4, B: 0xe4, A: 0xff}
	referenceColor = color.RGBA{R: 0x55, G: 0x55, B: 0x55, A: 0xff}
)

func sans(size vg.Length) font.Font {
	return font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}
}

func sansBold(size vg.Length) font.Font {
	f := sans(size)
	f.Weight = xfont.WeightBold
	return f
}

// curveStyle is how the i-th curve of a figure looks. Colours and dashes repeat
// after different numbers of curves, so that the first 42 all differ.
type curveStyle struct {
	line    draw.LineStyle
	glyph   draw.GlyphStyle
	filling draw.GlyphDrawer // nil for a closed marker
	shade   color.Color
	offset  int // staggers markers of curves that lie on each other
}

func styleOf(i int) curveStyle {
	c := palette[i%len(palette)]
	m := markers[i%len(markers)]
	s := curveStyle{
		line:    draw.LineStyle{Color: c, Width: 1.4, Dashes: dashes[i%len(dashes)]},
		glyph:   draw.GlyphStyle{Color: c, Radius: 2.6, Shape: m.shape},
		filling: m.filling,
		offset:  i,
	}
	c.A = 0x30
	s.shade = color.NRGBA(c)
	return s
}

func referenceStyle(i int) curveStyle {
	m := markers[3+i%4]
	return curveStyle{
		filling: m.filling,
		line:    draw.LineStyle{Color: referenceColor, Width: 1, Dashes: dashes[1+(i+1)%(len(dashes)-1)]},
		glyph:   draw.GlyphStyle{Color: referenceColor, Radius: 2.6, Shape: m.shape},
	}
}
