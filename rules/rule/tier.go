package rule

import (
	"fmt"
	"math/big"
	"time"

	"github.com/prometheus/common/model"

	"github.com/thorbis/thorbis_exporter/config"
)

// BurnTier is a pair of windows in which budget consumption is watched. Long outages page within a minute by the state
// of the check. So the tiers of uptime count only seconds without a page: flapping and leaks.
type BurnTier struct {
	Name        string
	Priority    string
	Long, Short string
	spent       *big.Rat // share of the period's budget that such a pace spends in the long window
	Floor       time.Duration
	// Wait is the for duration. It lets a faster tier that is about to burn report first; a ticket can wait.
	Wait time.Duration
	// Windows are those that the group of the tier records, at its pace. Each window of the table is recorded once.
	Windows []string
	Pace    time.Duration
}

// UptimeTiers lists the tiers of uptime, the fastest first. A slower tier is quiet while a faster one burns, and for
// its own short window after that. The factors spend 5 %, 10 % and 10 % of a 30 d budget in the long window.
var UptimeTiers = []BurnTier{
	{Name: "medium", Priority: "P2", Long: "6h", Short: "30m", spent: big.NewRat(5, 100), Floor: 60 * time.Second},
	{
		Name: "slow", Priority: "P3", Long: "1d", Short: "2h", spent: big.NewRat(10, 100), Floor: 30 * time.Second,
		Wait: 15 * time.Minute,
	},
	{
		Name: "trend", Priority: "P4", Long: "3d", Short: "6h", spent: big.NewRat(10, 100), Floor: 30 * time.Second,
		Wait: time.Hour,
	},
}

// RequestTiers lists the tiers of objectives that count events. They include a fast tier, which uptime lacks: no state
// alert reports failing requests. It spends 2 % of a 30 d budget in an hour.
var RequestTiers = []BurnTier{
	{
		Name: "fast", Priority: "P1", Long: "1h", Short: "5m", spent: big.NewRat(2, 100), Windows: []string{"5m", "1h"},
		Pace: TotalsInterval,
	},
	{
		Name: "medium", Priority: "P2", Long: "6h", Short: "30m", spent: big.NewRat(5, 100), Wait: 2 * time.Minute,
		Windows: []string{"30m", "6h"}, Pace: WindowInterval,
	},
	{
		Name: "slow", Priority: "P3", Long: "1d", Short: "2h", spent: big.NewRat(10, 100), Wait: 15 * time.Minute,
		Windows: []string{"2h", "1d"}, Pace: SlowInterval,
	},
	{
		Name: "trend", Priority: "P4", Long: "3d", Short: "6h", spent: big.NewRat(10, 100), Wait: time.Hour,
		Windows: []string{"3d"}, Pace: SlowInterval,
	},
}

// Factor returns the burn rate at which the long window spends the tier's share of the budget. For a period of 30 d
// these are 6, 3 and 1.
func (t BurnTier) Factor(period time.Duration) string {
	k := new(big.Rat).Mul(t.spent, big.NewRat(int64(period), int64(Window(t.Long))))
	return config.Decimal(k)
}

// Window returns the length of a window of the table.
func Window(text string) time.Duration {
	d, err := model.ParseDuration(text)
	if err != nil {
		panic(fmt.Sprintf("window %q: %v", text, err)) // the table above is wrong
	}
	return time.Duration(d)
}

// arrival is how long the last bad events of a problem may take to reach the windows. Log drains send batches,
// exporters save them, Prometheus scrapes them and the totals add them up.
const arrival = 5 * time.Minute
