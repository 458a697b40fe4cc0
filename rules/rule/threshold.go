package rule

import (
	"math/big"
	"time"

	"github.com/prometheus/common/model"

	"github.com/thorbis/thorbis_exporter/config"
)

// Thresholds and intervals that several subjects share. What one subject alone compares with is in its package.
const (
	// ScrapeInterval is the scrape and evaluation interval of the shipped Prometheus configuration.
	ScrapeInterval = 15 * time.Second
	// TotalsInterval is the interval of totals and of what the fastest burns compare.
	TotalsInterval = 30 * time.Second
	// WindowInterval is the interval of sums over long windows, which change slowly and cost the most.
	WindowInterval = time.Minute
	// SlowInterval is the interval of records that no page waits for: windows of tickets, the period, late events.
	SlowInterval = 2 * time.Minute

	// Quorum is how many locations must agree where that many judge.
	Quorum = 2
	// Memory is how long an expectation outlives its exporter while others still report. LongMemory is its limit in
	// any case, and that of the last value of a silent location.
	Memory     = time.Hour
	LongMemory = 24 * time.Hour
	// ManyTenants is how many tenants of one service are reported in one page instead of one page for each.
	ManyTenants = 50

	// Silence is the window in which a measure must not stand still. Patience is the for duration of the alert that
	// follows.
	Silence  = 5 * time.Minute
	Patience = 5 * time.Minute
	// Returning is how long a burn may pause and still be the same alert. It ends that much later.
	Returning = 5 * time.Minute
)

// Seconds writes a duration as a number of PromQL.
func Seconds(d time.Duration) string { return config.Decimal(big.NewRat(int64(d), int64(time.Second))) }

// Span writes a duration as a range of PromQL.
func Span(d time.Duration) string { return model.Duration(d).String() }
