package rules

import (
	"fmt"
	"math/big"
	"time"

	"github.com/prometheus/common/model"

	"github.com/thorbis/thorbis_exporter/config"
)

// Thresholds of the rules. Every number that a rule compares with is here or in the policy.
const (
	// scrapeInterval is the scrape and evaluation interval of the shipped Prometheus configuration.
	scrapeInterval = 15 * time.Second
	// ledgerInterval bounds the loss when a counter is reset or its instance changes.
	ledgerInterval = 30 * time.Second
	// windowInterval is the interval of sums over long windows, which change slowly and cost the most.
	windowInterval = time.Minute
	// slowInterval is the interval of records that no page waits for: windows of tickets, the period, late events.
	slowInterval = 2 * time.Minute

	// downFloor is the shortest outage that pages.
	downFloor = 30 * time.Second
	// quorum is how many locations must agree where that many judge.
	quorum = 2
	// memory is how long an expectation outlives its exporter while others still report. longMemory is its limit in
	// any case, and that of the last value of a silent location.
	memory     = time.Hour
	longMemory = 24 * time.Hour
	// sourceMemory is how long a silent source is reported. Its owner mends it or removes it from the policy.
	sourceMemory = 7 * 24 * time.Hour

	// backupHold bridges restarts of the exporters that list backups: the facts are the same afterwards.
	backupHold = 15 * time.Minute

	// walPatience is how long no log may be archived before archiving counts as stopped. walDiskLeft is the time until
	// the disk of the logs is full below which the alert pages.
	walPatience = 15 * time.Minute
	walDiskLeft = 4 * time.Hour

	// storm is how many tenants of one service are reported in one page instead of one page for each.
	storm = 50

	// plannedWork is how much of a day planned work may leave out. Beyond it, failures count.
	plannedWork = 8 * time.Hour

	// silence is the window in which a measure must not stand still. patience is the for duration of the alert that
	// follows.
	silence  = 5 * time.Minute
	patience = 5 * time.Minute

	// readStale is the maximum age of the facts on incidents. blindGrace is how long these may be missing before
	// escalation continues without them: a restart is no fault.
	readStale  = 2 * time.Minute
	blindGrace = 5 * time.Minute
	// More than lateShare of the week's incidents, and at least lateCount of them, must be answered late. lateCount
	// stands for three incidents, because increase() extrapolates.
	lateShare = "0.1"
	lateCount = "2.5"
)

// burnTier is a pair of windows in which budget consumption is watched. Long outages page within a minute by the state
// of the check. So the tiers of uptime count only seconds without a page: flapping and leaks.
type burnTier struct {
	name        string
	priority    string
	long, short string
	spent       *big.Rat // share of the period's budget that such a pace spends in the long window
	floor       time.Duration
	// wait is the for duration. It lets a faster tier that is about to burn report first; a ticket can wait.
	wait time.Duration
	// windows are those that the group of the tier records, at its pace. Each window of the table is recorded once.
	windows []string
	pace    time.Duration
}

// burnTiers lists the tiers of uptime, the fastest first. A slower tier is quiet while a faster one burns, and for its
// own short window after that. The factors spend 5 %, 10 % and 10 % of a 30 d budget in the long window.
var burnTiers = []burnTier{
	{name: "medium", priority: "P2", long: "6h", short: "30m", spent: big.NewRat(5, 100), floor: 60 * time.Second},
	{name: "slow", priority: "P3", long: "1d", short: "2h", spent: big.NewRat(10, 100), floor: 30 * time.Second, wait: 15 * time.Minute},
	{name: "trend", priority: "P4", long: "3d", short: "6h", spent: big.NewRat(10, 100), floor: 30 * time.Second, wait: time.Hour},
}

// requestTiers lists the tiers of objectives that count events. They include a fast tier, which uptime lacks: no state
// alert reports failing requests. It spends 2 % of a 30 d budget in an hour.
var requestTiers = []burnTier{
	{name: "fast", priority: "P1", long: "1h", short: "5m", spent: big.NewRat(2, 100), windows: []string{"5m", "1h"}, pace: ledgerInterval},
	{name: "medium", priority: "P2", long: "6h", short: "30m", spent: big.NewRat(5, 100), wait: 2 * time.Minute, windows: []string{"30m", "6h"}, pace: windowInterval},
	{name: "slow", priority: "P3", long: "1d", short: "2h", spent: big.NewRat(10, 100), wait: 15 * time.Minute, windows: []string{"2h", "1d"}, pace: slowInterval},
	{name: "trend", priority: "P4", long: "3d", short: "6h", spent: big.NewRat(10, 100), wait: time.Hour, windows: []string{"3d"}, pace: slowInterval},
}

const (
	// eventFloor is the least number of bad events in a short window for an alert. secondFloor is that of bad seconds
	// for an objective that counts seconds.
	eventFloor  = 10
	secondFloor = 30
	// arrival is how long the last bad events of a problem may take to reach the windows. Log drains send batches,
	// exporters save them, Prometheus scrapes them and the ledger adds them up.
	arrival = 5 * time.Minute
	// afterWhole delays the alerts of tenants and tiers, so that the alert of a burning service fires first.
	afterWhole = 2 * time.Minute
	// steadyTraffic is how many events in an hour make fifteen minutes without any a fault. Of 30 expected events,
	// none occurs by chance once in 10^13 times.
	steadyTraffic = 120
)

// certificateWarning and certificateUrgent are the lifetimes left at which a renewal is overdue, and urgent. They
// apply where the exporter does not export its own.
const (
	certificateWarning = 14 * 24 * time.Hour
	certificateUrgent  = 3 * 24 * time.Hour
	// certificateHold bridges restarts of exporters, which know no certificate before their first probe.
	certificateHold = 15 * time.Minute
)

// factor returns the burn rate at which the long window spends the tier's share of the budget. For a period of 30 d
// these are 6, 3 and 1.
func (t burnTier) factor(period time.Duration) string {
	k := new(big.Rat).Mul(t.spent, big.NewRat(int64(period), int64(window(t.long))))
	return config.Decimal(k)
}

// window returns the length of a window of the table.
func window(text string) time.Duration {
	d, err := model.ParseDuration(text)
	if err != nil {
		panic(fmt.Sprintf("window %q: %v", text, err)) // the table above is wrong
	}
	return time.Duration(d)
}

// seconds writes a duration as a number of PromQL.
func seconds(d time.Duration) string { return config.Decimal(big.NewRat(int64(d), int64(time.Second))) }

// span writes a duration as a range of PromQL.
func span(d time.Duration) string { return model.Duration(d).String() }
