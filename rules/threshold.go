package rules

import (
	"fmt"
	"math/big"
	"time"

	"github.com/prometheus/common/model"

	"github.com/thorbis/thorbis_exporter/config"
)

// The numbers by which things are judged. Everything that a rule compares with is here or in the policy.
const (
	// scrapeInterval is what the shipped Prometheus configuration scrapes and evaluates at.
	scrapeInterval = 15 * time.Second
	// ledgerInterval bounds what a reset of a counter or a change of instance can lose.
	ledgerInterval = 30 * time.Second
	// windowInterval paces the sums over long windows, which move slowly and cost the most.
	windowInterval = time.Minute
	// slowInterval paces what no page waits for: windows of tickets, the period, late events.
	slowInterval = 2 * time.Minute

	// downFloor is the shortest outage that pages.
	downFloor = 30 * time.Second
	// quorum is how many locations must agree where that many have an opinion.
	quorum = 2
	// memory is how long an expectation outlives what stated it while others still report,
	// longMemory how long it, and the last word of a location that fell silent, may live at all.
	memory     = time.Hour
	longMemory = 24 * time.Hour
	// sourceMemory is how long a source that fell silent is told of: its owner mends it, or takes it out of the policy.
	sourceMemory = 7 * 24 * time.Hour

	// backupHold bridges restarts of the exporters that list backups, which say the same as before.
	backupHold = 15 * time.Minute

	// walPatience is how long no log may be archived before archiving counts as stopped, walDiskLeft how soon the
	// disk that keeps the logs meanwhile must be full for somebody to be woken.
	walPatience = 15 * time.Minute
	walDiskLeft = 4 * time.Hour

	// storm is how many tenants of one service are told of in one page instead of one each.
	storm = 50

	// plannedWork is how much of a day planned work may set apart: beyond it, what fails counts, whoever planned it.
	plannedWork = 8 * time.Hour

	// silence is how long a measure may stand still, in a window of this length, before
	// patience runs as the alert's own delay.
	silence  = 5 * time.Minute
	patience = 5 * time.Minute

	// readStale is how old the knowledge of incidents may be, blindGrace how long nobody may have any before
	// escalation goes on without it: a restart is no blindness.
	readStale  = 2 * time.Minute
	blindGrace = 5 * time.Minute
	// lateShare of the week's incidents, and at least lateCount of them, may be answered late. increase()
	// extrapolates, so three incidents are a little more or less.
	lateShare = "0.1"
	lateCount = "2.5"
)

// burnTier is one pair of windows over which budget is watched. Long outages are paged by the state of
// the check within a minute, so these look only at seconds of which no page told: flapping and leaks.
type burnTier struct {
	name        string
	priority    string
	long, short string
	spent       *big.Rat // share of the period's budget that such a pace spends in the long window
	floor       time.Duration
	// wait lets a faster tier that is about to burn tell instead; a ticket can wait.
	wait time.Duration
	// windows are those that the tier's group sums up, at its pace: each window of the table is summed up once.
	windows []string
	pace    time.Duration
}

// burnTiers, the fastest first. A slower one is quiet while a faster one burns and for its own short
// window after. The factors spend 5 %, 10 % and 10 % of a 30 d budget in the long window.
var burnTiers = []burnTier{
	{name: "medium", priority: "P2", long: "6h", short: "30m", spent: big.NewRat(5, 100), floor: 60 * time.Second},
	{name: "slow", priority: "P3", long: "1d", short: "2h", spent: big.NewRat(10, 100), floor: 30 * time.Second, wait: 15 * time.Minute},
	{name: "trend", priority: "P4", long: "3d", short: "6h", spent: big.NewRat(10, 100), floor: 30 * time.Second, wait: time.Hour},
}

// requestTiers are the paces of objectives that count events. They have the fast tier that uptime lacks,
// because no state alert tells of failing requests. It spends 2 % of a 30 d budget in an hour.
var requestTiers = []burnTier{
	{name: "fast", priority: "P1", long: "1h", short: "5m", spent: big.NewRat(2, 100), windows: []string{"5m", "1h"}, pace: ledgerInterval},
	{name: "medium", priority: "P2", long: "6h", short: "30m", spent: big.NewRat(5, 100), wait: 2 * time.Minute, windows: []string{"30m", "6h"}, pace: windowInterval},
	{name: "slow", priority: "P3", long: "1d", short: "2h", spent: big.NewRat(10, 100), wait: 15 * time.Minute, windows: []string{"2h", "1d"}, pace: slowInterval},
	{name: "trend", priority: "P4", long: "3d", short: "6h", spent: big.NewRat(10, 100), wait: time.Hour, windows: []string{"3d"}, pace: slowInterval},
}

const (
	// eventFloor and secondFloor are the fewest bad events, or bad seconds where an objective counts
	// seconds, in a short window of which anybody is told.
	eventFloor  = 10
	secondFloor = 30
	// arrival is how long the last bad events of a trouble that is over may be on their way into the windows: a log drain
	// sends them in batches, an exporter saves them, Prometheus scrapes, the ledger adds them up.
	arrival = 5 * time.Minute
	// afterWhole lets a service that burns as a whole tell before its tenants and tiers do.
	afterWhole = 2 * time.Minute
	// steadyTraffic is how many events in an hour are so many that fifteen minutes without one are no
	// chance: of 30 expected none comes once in 10^13 times.
	steadyTraffic = 120
)

// certificateWarning and certificateUrgent are how much is left of a certificate when its renewal is overdue, and urgent, where
// its exporter does not say so.
const (
	certificateWarning = 14 * 24 * time.Hour
	certificateUrgent  = 3 * 24 * time.Hour
	// certificateHold bridges restarts of exporters, which know no certificate before their first probe.
	certificateHold = 15 * time.Minute
)

// factor is the pace, as a multiple of the allowed one, at which the long window spends the tier's share
// of the budget: 6, 3 and 1 for a period of 30 d.
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
