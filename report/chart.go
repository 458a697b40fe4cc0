package report

import (
	"math"
	"strconv"
)

// Chart is a row of stacked bars, one for each day or week.
type Chart struct {
	Title string
	// Unit is that of the values.
	Unit   string
	Series []Series
	Labels []string
}

// Series is one colour of the bars of a chart.
type Series struct {
	Name string
	// Kind selects the colour: down, unknown, excluded or value.
	Kind   string
	Values []float64
}

// Size of a chart in units of its drawing.
const (
	chartWidth  = 1000
	chartHeight = 170
	chartLeft   = 64
	chartBottom = 26
	chartTop    = 16
	mostLabels  = 16
)

// drawing is a chart as coordinates.
type drawing struct {
	Title, Unit   string
	Width, Height int
	Base          float64
	Left, Right   float64
	Bars          []rectangle
	Ticks         []tick
	Grid          []tick
	Legend        []Series
	Empty         bool
}

type rectangle struct {
	X, Y, W, H float64
	Kind, Text string
}

type tick struct {
	At, Label float64
	Text      string
}

// draw places the bars of a chart.
func (c *Chart) draw() *drawing {
	d := &drawing{
		Title: c.Title, Unit: c.Unit, Width: chartWidth, Height: chartHeight, Base: chartHeight - chartBottom,
		Left: chartLeft, Right: chartWidth,
	}
	most := 0.0
	for i := range c.Labels {
		sum := 0.0
		for _, s := range c.Series {
			sum += s.at(i)
		}
		most = max(most, sum)
	}
	for _, s := range c.Series {
		used := false
		for i := range c.Labels {
			used = used || s.at(i) > 0
		}
		if used {
			d.Legend = append(d.Legend, s)
		}
	}
	if most == 0 || len(c.Labels) == 0 {
		d.Empty = true
		return d
	}
	top := niceMaximum(most)
	height, step := d.Base-chartTop, (chartWidth-chartLeft)/float64(len(c.Labels))
	for i := range 3 {
		v := top * float64(i) / 2
		at := tenth(d.Base - height*v/top)
		d.Grid = append(d.Grid, tick{at, at + 4, Number(v).String()})
	}
	every := (len(c.Labels) + mostLabels - 1) / mostLabels
	for i, label := range c.Labels {
		x, y := chartLeft+step*float64(i), d.Base
		for _, s := range c.Series {
			if v := s.at(i); v > 0 {
				h := max(height*v/top, 1) // a moment is seen too
				y -= h
				d.Bars = append(d.Bars, rectangle{
					tenth(x + step*.12), tenth(y), tenth(step * .76), tenth(h), s.Kind,
					label + ": " + Number(v).String() + " " + c.Unit + " " + s.Name,
				})
			}
		}
		if i%every == 0 {
			d.Ticks = append(d.Ticks, tick{tenth(x + step/2), chartHeight - 8, label})
		}
	}
	return d
}

func (s *Series) at(i int) float64 {
	if i < len(s.Values) && s.Values[i] > 0 && !math.IsInf(s.Values[i], 0) {
		return s.Values[i]
	}
	return 0
}

// niceMaximum is the next of 1, 2, 5, 10, ... at which an axis ends.
func niceMaximum(v float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, n := range []float64{1, 2, 5} {
		if v <= n*power*1.0001 {
			return n * power
		}
	}
	return 10 * power
}

func tenth(v float64) float64 {
	short, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'f', 1, 64), 64)
	return short
}
