package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
)

var _ = register("scale", benchScale)

// scaleSizes are the numbers of registered tenants. scaleTenants, a variable of the environment, replaces them: a list
// with commas.
var scaleSizes = []int{1000, 10_000, 100_000, 1_000_000}

const scaleTenants = "THORBIS_BENCH_TENANTS"

const (
	// scaleLines is how many requests are read twice at each size: one of each tenant in turn, and one of any.
	scaleLines = 2_000_000
	// scaleLimit is the policy's limit of tenants with series, which holds a scrape below scrapeMost.
	scaleLimit = 10_000
	scrapeMost = 25_000_000 // bytes, as protobuf and as text
	// Of so many tenants one is in trouble: a quarter of its requests fail.
	troubledOf = 200
)

// scaleMeasure is one thing that is measured at each size.
type scaleMeasure struct {
	name, unit string
	// bySeries is set for what grows with the tenants that have series, of which there is a limit, not with all.
	bySeries bool
	of       func(*scaleCosts) float64
}

var scaleMeasures = []scaleMeasure{
	{"lines read", "lines/CPU-s", false, func(c *scaleCosts) float64 { return scaleLines / c.again }},
	{"lines read, tenants for the first time", "lines/CPU-s", false, func(c *scaleCosts) float64 {
		return scaleLines / c.reading
	}},
	{"first start", "CPU-s", false, func(c *scaleCosts) float64 { return c.first }},
	{"resident memory", "MiB", false, func(c *scaleCosts) float64 { return c.rss / (1 << 20) }},
	{"resident memory, most", "MiB", false, func(c *scaleCosts) float64 { return c.peak / (1 << 20) }},
	{"saved state", "MB", false, func(c *scaleCosts) float64 { return c.state / 1e6 }},
	{"start after kill -9", "CPU-s", false, func(c *scaleCosts) float64 { return c.start.cpu }},
	{"start after kill -9, by the clock", "s", false, func(c *scaleCosts) float64 { return c.start.took }},
	{"at work, 1,000 lines a second, scraped", "CPU-s/min", false, func(c *scaleCosts) float64 { return c.working }},
	{"tenants with series", "tenants", false, func(c *scaleCosts) float64 { return c.withSeries }},
	{"scrape, text", "MB", true, func(c *scaleCosts) float64 { return c.text.bytes / 1e6 }},
	{"scrape, text with gzip", "MB", true, func(c *scaleCosts) float64 { return c.textGzip.bytes / 1e6 }},
	{"scrape, protobuf", "MB", true, func(c *scaleCosts) float64 { return c.proto.bytes / 1e6 }},
	{"scrape, protobuf with gzip", "MB", true, func(c *scaleCosts) float64 { return c.protoGzip.bytes / 1e6 }},
	{"scrape, protobuf with gzip, processor", "CPU-s", true, func(c *scaleCosts) float64 { return c.protoGzip.cpu }},
	{"scrape, protobuf with gzip, by the clock", "s", true, func(c *scaleCosts) float64 { return c.protoGzip.took }},
	{"rules", "CPU-s/min", true, func(c *scaleCosts) float64 { return c.rules }},
	{"Prometheus, scraping and storing", "CPU-s/min", true, func(c *scaleCosts) float64 { return c.storing }},
	{"Prometheus, resident memory", "MiB", true, func(c *scaleCosts) float64 { return c.storingRSS / (1 << 20) }},
}

// scaleCosts is what one size costs. Times are in seconds, sizes in bytes.
type scaleCosts struct {
	tenants, withSeries              float64
	reading, again                   float64 // of scaleLines
	first, rss, peak, state          float64
	working                          float64 // CPU-s a minute
	start                            pageCost
	text, textGzip, proto, protoGzip pageCost
	rules, storing, storingRSS       float64
}

// pageCost is what it takes to answer.
type pageCost struct{ cpu, took, bytes float64 }

// benchScale measures the exporter and its Prometheus with growing numbers of registered tenants. All of them have
// requests, one in two hundred is in trouble.
func benchScale(ctx context.Context, r *report) error {
	sizes := scaleSizes
	if text := os.Getenv(scaleTenants); text != "" {
		sizes = nil
		for one := range strings.SplitSeq(text, ",") {
			n, err := strconv.Atoi(one)
			if err != nil || n < troubledOf {
				return fmt.Errorf("invalid %s %q: write numbers from %d on, with commas", scaleTenants, text, troubledOf)
			}
			sizes = append(sizes, n)
		}
	}
	var all []*scaleCosts
	for _, n := range sizes {
		c, err := scaleOf(ctx, r, n)
		if err != nil {
			return fmt.Errorf("%d tenants: %w", n, err)
		}
		for _, m := range scaleMeasures {
			f := figure{name: fmt.Sprintf("%s, %d tenants", m.name, n), value: m.of(c), unit: m.unit}
			if m.name == "scrape, text" || m.name == "scrape, protobuf" {
				f.target, f.met = fmt.Sprintf("below %d MB", scrapeMost/1_000_000), f.value < scrapeMost/1e6
			}
			r.add(f)
		}
		all = append(all, c)
	}
	if len(all) < 2 {
		return nil
	}
	for _, m := range scaleMeasures {
		var x, y []float64
		by := "tenants"
		for _, c := range all {
			if y = append(y, m.of(c)); m.bySeries {
				by = "tenants with series"
				x = append(x, c.withSeries)
			} else {
				x = append(x, c.tenants)
			}
		}
		g := fitGrowth(x, y)
		r.add(figure{name: m.name + ", growth by " + by, value: g.exponent, unit: "exponent"})
		r.add(figure{name: m.name + ", line: at 0 " + by, value: g.base, unit: m.unit})
		r.add(figure{name: m.name + ", line: for 1,000 " + by, value: 1000 * g.slope, unit: m.unit})
		r.add(figure{name: m.name + ", line: farthest point", value: 100 * g.worst, unit: "%"})
	}
	return nil
}
