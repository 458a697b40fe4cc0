package business

import (
	"fmt"
	"maps"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/postgres"
	"github.com/thorbis/thorbis_exporter/metric"
)

const (
	// maxAbsence is how long an exporter may have been away and still count what happened meanwhile.
	maxAbsence = 7 * 24 * time.Hour
	// slice is how much of the past is asked for at once, and slicesPerRound how often in one round.
	slice          = 6 * time.Hour
	slicesPerRound = 8
	// maxRows bounds an answer: a slice has 360 minutes.
	maxRows = 10_000
)

// counted is what is known of a kind of transaction. It is saved.
type counted struct {
	// Since is when counting began, and Through the moment before which all is counted.
	Since   time.Time `json:"since"`
	Through time.Time `json:"through"`
	// Counts are transactions by result, Value that of those that succeeded, and Usual how many would have.
	Counts map[string]int64 `json:"counts"`
	Value  float64          `json:"value"`
	Usual  float64          `json:"usual"`
	// Shortfall is the value of the usual transactions less those that succeeded, of minutes of which it is known how many
	// are usual.
	Shortfall float64 `json:"shortfall"`
	// Minutes are what was counted of the minutes that are counted again, by minute since the epoch and result.
	Minutes map[int64]map[string]tally `json:"minutes,omitempty"`
	// Totals are running totals as they were last, by result; nil before the first.
	Totals map[string]tally `json:"totals,omitempty"`
	// mean is the average value of a transaction of the hours, 0 without any: made once in a round, not in each scrape.
	mean float64
	// Hours are those of the last weeks, and Learned the moment up to which those before Since were asked for.
	Hours   profile   `json:"hours"`
	Learned time.Time `json:"learned"`
}

func newCounted() *counted {
	return &counted{Counts: map[string]int64{}, Minutes: map[int64]map[string]tally{}, Hours: profile{}}
}

// complete makes usable what was read from a disk.
func (c *counted) complete(now time.Time) {
	if c.Counts == nil {
		c.Counts = map[string]int64{}
	}
	if c.Minutes == nil {
		c.Minutes = map[int64]map[string]tally{}
	}
	if c.Hours == nil {
		c.Hours = profile{}
	}
	for h, one := range c.Hours {
		if one == nil {
			delete(c.Hours, h)
		}
	}
	c.Hours.forget(now)
	c.mean = c.Hours.mean()
	if c.Through.After(now) { // a clock was wrong: it must not keep minutes from being counted
		c.Through = now.Truncate(time.Minute)
	}
}

// clone returns a copy that can be changed while the other is shown.
func (c *counted) clone() *counted {
	d := *c
	d.Counts = maps.Clone(c.Counts)
	d.Minutes = maps.Clone(c.Minutes) // those of a minute are replaced as a whole
	d.Hours = profile{}
	for h, one := range c.Hours {
		o := *one
		d.Hours[h] = &o
	}
	return &d
}

// span is a stretch of time: From counts, To does not.
type span struct{ from, to time.Time }

// begin begins counting in a form where nothing was counted yet, or not for so long that it begins anew. It reports the
// latter.
func (c *counted) begin(form string, now time.Time) (anew bool) {
	to := now.Truncate(time.Minute)
	switch {
	case c.Since.IsZero():
		c.Since, c.Through, c.Learned = to, to, to.Add(-profileWeeks*7*24*time.Hour-time.Hour)
	case form == config.TransactionMinutes && c.Totals != nil: // totals ended within a minute, which must not count twice
		c.Through, c.Totals = to, nil
	case to.Sub(c.Through) > maxAbsence:
		c.Through, c.Minutes, anew = to, map[int64]map[string]tally{}, true
	}
	return anew
}

// next returns the span to be asked for now: the minutes that are over and not counted, and before them those that are
// counted again. The second result is false until another minute is over.
func (c *counted) next(recount time.Duration, now time.Time) (span, bool) {
	to := now.Truncate(time.Minute)
	if !to.After(c.Through) {
		return span{}, false
	}
	from := c.Through.Add(-recount)
	if from.Before(c.Since) {
		from = c.Since
	}
	if to.Sub(c.Through) > slice {
		to = c.Through.Add(slice)
	}
	return span{from, to}, true
}

// minuteCounts are what a query returned for a span, by minute since the epoch and result.
type minuteCounts map[int64]map[string]tally

// results maps what a query returns as result to what it is counted as.
func results(t *config.Transaction) func(word string) string {
	of := map[string]string{}
	for _, word := range t.Results[config.TransactionSuccess] {
		of[word] = metric.ResultSuccess
	}
	for _, word := range t.Results[config.TransactionFailure] {
		of[word] = metric.ResultFailure
	}
	return func(word string) string {
		if len(of) == 0 {
			return metric.ResultSuccess // the query selects those that succeed
		}
		if result, ok := of[word]; ok {
			return result
		}
		return metric.TransactionOther
	}
}

// add adds a row of the form minutes.
func (m minuteCounts) add(row postgres.Row, s span, as func(string) string) error {
	at, err := minute(row)
	if err != nil {
		return err
	}
	if at.Before(s.from.Truncate(time.Minute)) || !at.Before(s.to) {
		return fmt.Errorf("a row is of %s, which was not asked for: compare the column with $1 and $2, as in "+
			"WHERE created_at >= $1 AND created_at < $2", at.UTC().Format(time.RFC3339))
	}
	result, one, err := transactions(row, as)
	if err != nil {
		return err
	}
	key := at.Unix() / 60
	if m[key] == nil {
		m[key] = map[string]tally{}
	}
	t := m[key][result]
	m[key][result] = tally{t.N + one.N, t.V + one.V}
	return nil
}

// transactions reads what the rows of both forms have in common.
func transactions(row postgres.Row, as func(string) string) (string, tally, error) {
	word, err := text(row, columnResult)
	if err != nil {
		return "", tally{}, err
	}
	n, err := count(row, columnTransactions)
	if err != nil {
		return "", tally{}, err
	}
	one := tally{N: n}
	if _, ok := row[columnValue]; ok {
		if one.V, err = number(row, columnValue); err != nil {
			return "", tally{}, err
		}
	}
	return as(word), one, nil
}

// count counts what a query returned for a span. Of minutes that were counted before, it adds what is more than then:
// rows that were committed late. What is less stays counted, since counters do not fall.
func (c *counted) count(s span, got minuteCounts, recount time.Duration, zone *time.Location) {
	for at := s.from; at.Before(s.to); at = at.Add(time.Minute) {
		key := at.Unix() / 60
		before := c.Counts[metric.ResultSuccess]
		was, is := c.Minutes[key], map[string]tally{}
		for _, result := range metric.TransactionResults {
			more := tally{got[key][result].N - was[result].N, got[key][result].V - was[result].V}
			if more.N < 0 || more.V < 0 {
				more = tally{max(more.N, 0), max(more.V, 0)}
			}
			if now := (tally{was[result].N + more.N, was[result].V + more.V}); now != (tally{}) {
				is[result] = now
			}
			c.add(result, more, at)
		}
		c.Minutes[key] = is
		usual, weeks := c.Hours.usual(at, zone)
		if weeks > 0 {
			c.Shortfall -= float64(c.Counts[metric.ResultSuccess]-before) * c.mean
		}
		if !at.Before(c.Through) {
			c.Hours.at(at).Minutes++
			c.Usual += usual
			c.Shortfall += usual * c.mean
		}
	}
	c.Through = s.to
	for key := range c.Minutes {
		if key < s.to.Add(-recount).Unix()/60 {
			delete(c.Minutes, key)
		}
	}
	c.Hours.forget(s.to)
	c.mean = c.Hours.mean()
}

func (c *counted) add(result string, more tally, at time.Time) {
	if more == (tally{}) {
		return
	}
	c.Counts[result] += more.N
	if result == metric.ResultSuccess {
		c.Value += more.V
		h := c.Hours.at(at)
		h.N += more.N
		h.V += more.V
	}
}

// lesson returns what of the weeks before counting began is to be asked for next, false when all was.
func (c *counted) lesson() (span, bool) {
	if !c.Learned.Before(c.Since) {
		return span{}, false
	}
	to := c.Learned.Add(slice)
	if to.After(c.Since) {
		to = c.Since
	}
	return span{c.Learned, to}, true
}

// learn notes what was usual before counting began.
func (c *counted) learn(s span, got minuteCounts, now time.Time) {
	for at := s.from; at.Before(s.to); at = at.Add(time.Minute) {
		h := c.Hours.at(at)
		one := got[at.Unix()/60][metric.ResultSuccess]
		h.Minutes++
		h.N += one.N
		h.V += one.V
	}
	c.Learned = s.to
	c.Hours.forget(now)
	c.mean = c.Hours.mean()
}

// maxStep is how long ago running totals may have been read for their growth to belong to one hour.
const maxStep = 10 * time.Minute

// total counts what running totals have gained. One that has fallen counts nothing and goes on from there: rows were
// deleted, and how many were added beside is not known.
func (c *counted) total(totals map[string]tally, now time.Time, zone *time.Location) {
	first := c.Totals == nil
	elapsed := now.Sub(c.Through)
	prompt := elapsed <= maxStep
	before := c.Counts[metric.ResultSuccess]
	for _, result := range metric.TransactionResults {
		was, is := c.Totals[result], totals[result]
		more := tally{max(is.N-was.N, 0), max(is.V-was.V, 0)}
		if is.N < was.N {
			more.V = 0
		}
		switch {
		case first:
		case prompt:
			c.add(result, more, now)
		default:
			c.Counts[result] += more.N
			if result == metric.ResultSuccess {
				c.Value += more.V
			}
		}
	}
	if !first {
		for at := c.Through; at.Before(now); at = at.Add(time.Minute) {
			step := min(now.Sub(at), time.Minute)
			usual, _ := c.Hours.usual(at, zone)
			c.Usual += usual * step.Minutes()
			c.Shortfall += usual * step.Minutes() * c.mean
		}
		if _, weeks := c.Hours.usual(now, zone); weeks > 0 {
			c.Shortfall -= float64(c.Counts[metric.ResultSuccess]-before) * c.mean
		}
		if prompt {
			c.minutes(now, elapsed)
		}
	}
	c.Totals, c.Through = totals, now
	c.Hours.forget(now)
	c.mean = c.Hours.mean()
}

// minutes notes that the minutes before a moment were counted.
func (c *counted) minutes(now time.Time, elapsed time.Duration) {
	last := now.Add(-elapsed).Unix() / 60
	for m := now.Unix() / 60; m > last; m-- {
		c.Hours.at(time.Unix(m*60, 0)).Minutes++
	}
}
