package main

import "math"

// growth is how one figure grows with another.
type growth struct {
	// exponent is that of the power law that fits best: 0 for what does not grow, 1 for what grows in proportion.
	exponent float64
	// base and slope are those of the straight line that fits best, relative to each point: base + slope * x.
	base, slope float64
	// worst is how far the farthest point is from the line, as a share of the point.
	worst float64
}

// fitGrowth fits by least squares. All points must be positive, and their x must differ somewhere.
func fitGrowth(x, y []float64) growth {
	logX, logY, same, weights := make([]float64, len(x)), make([]float64, len(x)), make([]float64, len(x)),
		make([]float64, len(x))
	for i := range x {
		logX[i], logY[i], same[i] = math.Log(x[i]), math.Log(y[i]), 1
		weights[i] = 1 / (y[i] * y[i])
	}
	var g growth
	_, g.exponent = fitLine(logX, logY, same)
	g.base, g.slope = fitLine(x, y, weights)
	for i := range x {
		g.worst = max(g.worst, math.Abs(g.base+g.slope*x[i]-y[i])/y[i])
	}
	return g
}

// fitLine fits a line by weighted least squares.
func fitLine(x, y, weights []float64) (base, slope float64) {
	var w, wx, wy, wxx, wxy float64
	for i, weight := range weights {
		w += weight
		wx += weight * x[i]
		wy += weight * y[i]
		wxx += weight * x[i] * x[i]
		wxy += weight * x[i] * y[i]
	}
	slope = (w*wxy - wx*wy) / (w*wxx - wx*wx)
	return (wy - slope*wx) / w, slope
}
