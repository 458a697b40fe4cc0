package business

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/postgres"
	"github.com/thorbis/thorbis_exporter/metric"
)

// sale is a row of a table: when it was made, and when it could be seen.
type sale struct {
	at, committed time.Time
	result        string
	value         float64
}

// answer is what the query returns of a span at a moment.
func answer(sales []sale, s span, now time.Time) minuteCounts {
	got := minuteCounts{}
	for _, one := range sales {
		if one.at.Before(s.from) || !one.at.Before(s.to) || one.committed.After(now) {
			continue
		}
		key := one.at.Unix() / 60
		if got[key] == nil {
			got[key] = map[string]tally{}
		}
		t := got[key][one.result]
		got[key][one.result] = tally{t.N + 1, t.V + one.value}
	}
	return got
}

// Whatever the rounds, the absences and the delay of commits up to the recount, every transaction is counted once, and
// counters never fall.
func TestEveryTransactionIsCountedOnce(t *testing.T) {
	const recount = 15 * time.Minute
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 1))
		start := time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC).Add(time.Duration(r.IntN(3600)) * time.Second)
		began := start.Truncate(time.Minute)
		end := start.Add(30 * time.Hour)
		var sales []sale
		for at := start.Add(-time.Hour); at.Before(end); at = at.Add(time.Duration(1+r.IntN(120)) * time.Second) {
			sales = append(sales, sale{
				at, at.Add(time.Duration(r.Int64N(int64(recount)))),
				[]string{metric.ResultSuccess, metric.ResultSuccess, metric.ResultFailure}[r.IntN(3)], float64(1 + r.IntN(50)),
			})
		}
		c := newCounted()
		shown := map[string]int64{}
		now := start
		for last := false; !last; {
			last = !now.Before(end.Add(2 * recount))
			c.begin(config.TransactionMinutes, now)
			for range slicesPerRound {
				s, ok := c.next(recount, now)
				if !ok {
					break
				}
				c.count(s, answer(sales, s, now), recount, time.UTC)
			}
			for result, n := range shown {
				if c.Counts[result] < n {
					t.Fatalf("seed %d: %s falls from %d to %d", seed, result, n, c.Counts[result])
				}
			}
			shown = maps.Clone(c.Counts)
			switch r.IntN(40) {
			case 0:
				now = now.Add(time.Duration(r.IntN(9)) * time.Hour)
			case 1:
				c = c.clone()
			default:
				now = now.Add(time.Duration(20+r.IntN(100)) * time.Second)
			}
		}
		want, value := map[string]int64{}, 0.0
		for _, one := range sales {
			if !one.at.Before(began) {
				want[one.result]++
				if one.result == metric.ResultSuccess {
					value += one.value
				}
			}
		}
		if !maps.Equal(c.Counts, want) || !near(c.Value, value) {
			t.Fatalf("seed %d: %v and %v, want %v and %v", seed, c.Counts, c.Value, want, value)
		}
		if n := len(c.Minutes); n > int(recount/time.Minute)+1 {
			t.Fatalf("seed %d: %d minutes are remembered", seed, n)
		}
	}
}

// What is deleted later stays counted, and is not counted again when as many are added.
func TestDeletedTransactions(t *testing.T) {
	c, now := newCounted(), time.Date(2026, 11, 2, 8, 0, 30, 0, time.UTC)
	c.begin(config.TransactionMinutes, now)
	var got []int64
	for _, n := range []int64{5, 3, 5, 6} {
		now = now.Add(time.Minute)
		s, ok := c.next(15*time.Minute, now)
		if !ok {
			t.Fatal("nothing to ask for")
		}
		minute := c.Since.Unix() / 60
		c.count(s, minuteCounts{minute: {metric.ResultSuccess: {n, float64(n)}}}, 15*time.Minute, time.UTC)
		got = append(got, c.Counts[metric.ResultSuccess])
	}
	if fmt.Sprint(got) != "[5 5 5 6]" || c.Value != 6 {
		t.Errorf("%v, value %v", got, c.Value)
	}
}

// The weeks before are asked for in slices, and with them it is known at once what is usual. After an absence that is
// too long, counting begins anew and counts nothing twice.
func TestLearnedWeeks(t *testing.T) {
	c, now := newCounted(), time.Date(2026, 11, 2, 8, 0, 30, 0, time.UTC)
	c.begin(config.TransactionMinutes, now)
	slices := 0
	for {
		s, ok := c.lesson()
		if !ok {
			break
		}
		if slices++; s.to.Sub(s.from) > slice || slices > 200 {
			t.Fatalf("slice %d of %s", slices, s.to.Sub(s.from))
		}
		got := minuteCounts{}
		for at := s.from; at.Before(s.to); at = at.Add(time.Minute) {
			got[at.Unix()/60] = map[string]tally{metric.ResultSuccess: {3, 30}, metric.ResultFailure: {1, 0}}
		}
		c.learn(s, got, now)
	}
	if usual, weeks := c.Hours.usual(now, time.UTC); !near(usual, 3) || weeks != 4 {
		t.Errorf("usual are %v a minute of %d weeks", usual, weeks)
	}
	if mean := c.mean; mean != 10 || c.Counts[metric.ResultSuccess] != 0 || c.Value != 0 {
		t.Errorf("average value %v, counted %v", mean, c.Counts)
	}
	s, _ := c.next(15*time.Minute, now.Add(10*time.Minute))
	c.count(s, nil, 15*time.Minute, time.UTC)
	if !near(c.Usual, 30) || !near(c.Shortfall, 300) {
		t.Errorf("in ten minutes %v were usual, and nothing was sold: the shortfall is %v", c.Usual, c.Shortfall)
	}
	s, _ = c.next(15*time.Minute, now.Add(11*time.Minute))
	minute := now.Unix() / 60
	late := minuteCounts{minute + 3: {metric.ResultSuccess: {2, 50}}, minute + 10: {metric.ResultSuccess: {1, 5}}}
	c.count(s, late, 15*time.Minute, time.UTC)
	if !near(c.Usual, 33) || !near(c.Shortfall, 300) { // three were usual and three came, two of them late
		t.Errorf("%v were usual, the shortfall is %v", c.Usual, c.Shortfall)
	}
	if !c.begin(config.TransactionMinutes, now.Add(maxAbsence+time.Hour)) {
		t.Error("an absence of more than a week is not noticed")
	}
	if _, ok := c.next(15*time.Minute, now.Add(maxAbsence+time.Hour)); ok {
		t.Error("the lost week is asked for")
	}
}

// Running totals count what they gain. One that falls, as by deletion, counts nothing and goes on from there.
func TestTotals(t *testing.T) {
	c, now := newCounted(), time.Date(2026, 11, 2, 8, 0, 30, 0, time.UTC)
	var got []int64
	for _, n := range []int64{100, 103, 103, 50, 52, 70} {
		c.begin(config.TransactionTotals, now)
		c.total(map[string]tally{metric.ResultSuccess: {n, float64(2 * n)}}, now, time.UTC)
		got = append(got, c.Counts[metric.ResultSuccess])
		now = now.Add(time.Minute)
	}
	if fmt.Sprint(got) != "[0 3 3 3 5 23]" || c.Value != 46 {
		t.Errorf("%v, value %v", got, c.Value)
	}
	if h := c.Hours.at(now); h.N != 23 || h.Minutes != 5 {
		t.Errorf("the hour has %+v", *h)
	}
	now = now.Add(3 * time.Hour)
	c.total(map[string]tally{metric.ResultSuccess: {170, 340}}, now, time.UTC)
	if h := c.Hours.at(now); c.Counts[metric.ResultSuccess] != 123 || h.N != 0 {
		t.Errorf("the growth of three hours is %d, and of one hour %+v", c.Counts[metric.ResultSuccess], *h)
	}
	// The policy takes the other form: the minute in which the totals ended counts once.
	c.begin(config.TransactionMinutes, now.Add(time.Second))
	s, ok := c.next(15*time.Minute, now.Add(time.Minute))
	if !ok || c.Totals != nil || s.from != s.from.Truncate(time.Minute) || !c.Through.Equal(now.Truncate(time.Minute)) {
		t.Errorf("after totals, minutes begin at %s and ask for %v (%t)", c.Through, s, ok)
	}
}

// Rows that would be counted wrongly are refused with what to write instead.
func TestRowsRefused(t *testing.T) {
	now := time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)
	s := span{now.Add(-time.Hour), now}
	as := results(&config.Transaction{Results: map[string][]string{"success": {"paid"}, "failure": {"declined"}}})
	at := now.Add(-time.Minute)
	for name, row := range map[string]postgres.Row{
		"no minute":    {"transactions": int64(1)},
		"no zone":      {"minute": postgres.WithoutZone(at), "transactions": int64(1)},
		"not asked":    {"minute": now.Add(time.Minute), "transactions": int64(1)},
		"no count":     {"minute": at},
		"negative":     {"minute": at, "transactions": int64(-1)},
		"broken":       {"minute": at, "transactions": 1.5},
		"words":        {"minute": at, "transactions": "three"},
		"odd result":   {"minute": at, "transactions": int64(1), "result": now},
		"text value":   {"minute": at, "transactions": int64(1), "value": "3 EUR"},
		"infinite one": {"minute": at, "transactions": int64(1), "value": infinity()},
	} {
		if err := (minuteCounts{}).add(row, s, as); err == nil {
			t.Errorf("%s is counted", name)
		}
	}
	m := minuteCounts{}
	for _, word := range []string{"paid", "declined", "strange"} {
		row := postgres.Row{"minute": at, "transactions": int32(2), "result": word, "value": 2.5}
		if err := m.add(row, s, as); err != nil {
			t.Fatal(err)
		}
	}
	if got := fmt.Sprint(m[at.Unix()/60]); got != "map[failure:{2 2.5} other:{2 2.5} success:{2 2.5}]" {
		t.Error(got)
	}
}

func infinity() float64 {
	zero := 0.0
	return 1 / zero
}
