package main

import (
	"math"
	"testing"
)

func TestFitGrowth(t *testing.T) {
	x := []float64{1000, 10_000, 100_000, 1_000_000}
	of := func(f func(float64) float64) (y []float64) {
		for _, v := range x {
			y = append(y, f(v))
		}
		return y
	}
	near := func(got, want float64) bool { return math.Abs(got-want) <= 1e-6*max(1, math.Abs(want)) }
	if g := fitGrowth(x, of(func(v float64) float64 { return 3 * math.Pow(v, .75) })); !near(g.exponent, .75) {
		t.Errorf("a power law: %+v", g)
	}
	g := fitGrowth(x, of(func(v float64) float64 { return 40 + v/500 }))
	if !near(g.base, 40) || !near(g.slope*500, 1) || !near(g.worst, 0) || g.exponent <= 0 || g.exponent >= 1 {
		t.Errorf("a line: %+v", g)
	}
	if g := fitGrowth(x, of(func(float64) float64 { return 7 })); !near(g.exponent, 0) || !near(g.base, 7) {
		t.Errorf("a constant: %+v", g)
	}
	if g := fitGrowth(x, []float64{1, 3, 1, 3}); g.worst < .1 {
		t.Errorf("points off a line fit too well: %+v", g)
	}
}
