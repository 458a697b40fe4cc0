package delivery

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/fetch"
	"github.com/thorbis/thorbis_exporter/internal/secret"
	"github.com/thorbis/thorbis_exporter/metric"
)

// Bounds of a round.
const (
	roundTimeout = 3 * time.Minute
	// maxPages is how many pages of a list are read, where the whole page before is new.
	maxPages = 5
	// maxStatuses is how many deployments are asked for their statuses in a round, and maxCommits how many commits are
	// looked up; the rest has its turn in the next one.
	maxStatuses = 20
	maxCommits  = 10
	// maxLooks is how often a commit is looked up that is not there.
	maxLooks = 3
	// openFor is how long a deployment that has not ended is asked about.
	openFor = 7 * 24 * time.Hour
	// maxKnown bounds the answers that are remembered.
	maxKnown = 64
	// maxPause is the longest pause after failures.
	maxPause = 15 * time.Minute
)

// polled is a source that is polled, and how that fares. It outlives a reload.
type polled struct {
	mu       sync.Mutex
	next     time.Time // not asked before
	failures int       // in a row
	reason   string    // of the last failure, empty after a success
	success  time.Time // the last one
	counts   map[string]uint64
	reasons  map[string]uint64
	known    map[string]fetch.Validators // of answers, by address
}

func newPolled() *polled {
	return &polled{counts: map[string]uint64{}, reasons: map[string]uint64{}, known: map[string]fetch.Validators{}}
}

// token returns where the token of a source is, nil if it is not polled.
func (s watchedSource) token() *config.SecretRef {
	switch {
	case s.GitHub != nil:
		return s.GitHub.Token
	case s.Vercel != nil:
		return s.Vercel.Token
	case s.GitLab != nil:
		return s.GitLab.Token
	}
	return nil
}

// interval returns how often a source is polled.
func (s watchedSource) interval() time.Duration {
	switch {
	case s.GitHub != nil:
		return s.GitHub.Interval.Std()
	case s.Vercel != nil:
		return s.Vercel.Interval.Std()
	case s.GitLab != nil:
		return s.GitLab.Interval.Std()
	}
	return 0
}

// round is one round of polling a source.
type round struct {
	*Collector
	watchedSource
	state  *polled
	header http.Header
}

// poll polls the sources that have a token.
func (c *Collector) poll(g *collectors.Group, sources []watchedSource) {
	for _, o := range sources {
		if o.token() == nil {
			continue
		}
		c.mu.Lock()
		state := c.polled[ownerOf(o)]
		c.mu.Unlock()
		interval := o.interval()
		if c.interval > 0 {
			interval = c.interval
		}
		g.Poll(collectors.Poll{
			Part: o.name + " of " + o.service, Interval: interval, Timeout: roundTimeout,
			Delay: time.Duration(rand.Float64() * float64(min(interval, 5*time.Second))),
			Round: func(ctx context.Context) error { return c.round(ctx, o, state) },
		})
	}
}

// round asks a source. A failure is counted apart from those of the collector: rules report it.
func (c *Collector) round(ctx context.Context, o watchedSource, state *polled) error {
	now := time.Now()
	state.mu.Lock()
	wait := state.next.Sub(now)
	state.mu.Unlock()
	if wait > 0 && wait <= maxWait {
		return nil
	}
	r := &round{c, o, state, http.Header{"Accept": {"application/json"}}}
	rest, err := r.ask(ctx)
	if errors.Is(context.Cause(ctx), context.Canceled) {
		return nil
	}
	state.mu.Lock()
	defer state.mu.Unlock()
	if err == nil {
		state.counts[metric.ResultSuccess]++
		state.failures, state.reason, state.success, state.next = 0, "", time.Now(), time.Time{}
		if rest > 0 {
			state.next = time.Now().Add(rest)
		}
		return nil
	}
	state.counts[metric.ResultFailure]++
	state.reasons[err.Reason]++
	state.failures++
	pause := o.interval()
	for i := 1; i < state.failures && pause < maxPause; i++ {
		pause *= 2
	}
	pause = max(min(pause, maxPause), err.Wait)
	if c.interval > 0 && err.Wait == 0 {
		pause = c.interval
	}
	state.next = time.Now().Add(pause)
	if state.reason != err.Reason {
		c.logger.Warn("A source of deployments does not answer", "source", o.name, "app_service", o.service, "reason",
			err.Reason, "err", secret.Mask(err.Error()), "again", state.next.UTC())
	}
	state.reason = err.Reason
	return nil
}

// ask asks by the kind of the source, and returns for how long to ask nothing then.
func (r *round) ask(ctx context.Context) (time.Duration, *fetch.Error) {
	token, err := r.token().Line(ctx)
	if err != nil {
		return 0, fetch.Failed(metric.DeliveryCredentials, "the token cannot be read: %w", err)
	}
	r.header.Set("Authorization", "Bearer "+token)
	switch {
	case r.GitHub != nil:
		r.header.Set("Accept", "application/vnd.github+json")
		r.header.Set("X-GitHub-Api-Version", "2022-11-28")
		return r.askGitHub(ctx)
	case r.Vercel != nil:
		return r.askVercel(ctx)
	}
	return r.askGitLab(ctx)
}

// pages reads a list of deployments, the newest first, until the whole of a page is known, and reports them together.
// read returns the deployments of a page.
func (r *round) pages(ctx context.Context, address string, query url.Values,
	read func(body []byte) ([]change, *fetch.Error),
) (rest time.Duration, err *fetch.Error) {
	fresh := r.fresh()
	query.Set("per_page", "100")
	query.Set("page", "1")
	firstPage := address + "?" + query.Encode()
	var changes []change
	var first answer
	for page := 1; page <= maxPages; page++ {
		query.Set("page", strconv.Itoa(page))
		a, err := r.get(ctx, address+"?"+query.Encode(), page == 1)
		if err != nil || a.unchanged() {
			return a.rest, err
		}
		listed, err := read(a.Body)
		if err != nil {
			return 0, err
		}
		changes = append(changes, listed...)
		if page == 1 {
			first = a
		}
		if !a.more || fresh || r.knows(listed) {
			break
		}
	}
	if err := r.report(ctx, changes); err != nil {
		return 0, err
	}
	r.remember(firstPage, first)
	return first.rest, nil
}

// remember notes that what an address answered is applied: only then may the server say that nothing has changed.
func (r *round) remember(address string, a answer) {
	r.state.mu.Lock()
	defer r.state.mu.Unlock()
	if len(r.state.known) >= maxKnown {
		clear(r.state.known)
	}
	if a.Validators != (fetch.Validators{}) {
		r.state.known[address] = a.Validators
	}
}

// report saves what was learned. Pages of a list are reported together: were the first saved before the second is read,
// the next round would take it for known, and never read what was new on a second page that failed.
func (r *round) report(ctx context.Context, changes []change) *fetch.Error {
	now := time.Now()
	var clean []change
	for _, one := range changes {
		clean = append(clean, from(r.watchedSource, one, now)...)
	}
	if len(clean) == 0 {
		return nil
	}
	if _, err := r.submit(ctx, received{changes: clean}); err != nil {
		return fetch.Failed(metric.DeliveryUnsaved, "%w", err)
	}
	return nil
}

// knows reports whether all deployments of some changes are known.
func (r *round) knows(changes []change) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, one := range changes {
		if s := r.services[r.service]; s == nil || s.named(r.name, one.id) == nil {
			return false
		}
	}
	return true
}

// fresh reports whether nothing of the source is known yet: then one page of its past is enough.
func (r *round) fresh() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.services[r.service]
	for _, d := range s.Deployments {
		if d.IDs[r.name] != "" {
			return false
		}
	}
	return true
}

// collectPolled exposes how polling fares.
func (c *Collector) collectPolled(ch chan<- prometheus.Metric) {
	c.mu.Lock()
	sources, states := c.sources, c.polled
	c.mu.Unlock()
	for _, o := range sources {
		state := states[ownerOf(o)]
		if state == nil {
			continue
		}
		state.mu.Lock()
		gauge := func(m *metric.Metric, v float64) {
			ch <- prometheus.MustNewConstMetric(m.Desc(), prometheus.GaugeValue, v, o.service, o.name)
		}
		counter := func(m *metric.Metric, v uint64, value string) {
			ch <- prometheus.MustNewConstMetricWithCreatedTimestamp(m.Desc(), prometheus.CounterValue, float64(v), c.created,
				o.service, o.name, value)
		}
		gauge(metric.DeliverySourceInterval, o.interval().Seconds())
		if !state.success.IsZero() {
			gauge(metric.DeliverySourceSuccess, unix(state.success))
		}
		gauge(metric.DeliverySourceRefused, bit(state.reason == metric.DeliveryUnauthorizedAnswer ||
			state.reason == metric.ReadNotFound || state.reason == metric.DeliveryCredentials))
		for _, result := range []string{metric.ResultSuccess, metric.ResultFailure} {
			counter(metric.DeliverySourcePolls, state.counts[result], result)
		}
		for _, reason := range metric.DeliveryReasons {
			counter(metric.DeliverySourceFailures, state.reasons[reason], reason)
		}
		state.mu.Unlock()
	}
}
