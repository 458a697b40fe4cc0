// Package incident exports open incidents and whether a person has acknowledged them. It reads every Alertmanager of
// the policy, and PagerDuty where its API is configured, and keeps the times to acknowledge and to resolve. It makes
// no decisions; the rules escalate unacknowledged incidents.
package incident

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/keyring"
	"github.com/thorbis/thorbis_exporter/internal/state"
)

const (
	// interval is the pace; an acknowledgement is seen within it.
	interval = config.IncidentInterval
	// timeout bounds one source, so that a slow one does not delay the others for long.
	timeout = 10 * time.Second
	// blindAfter is how old an answer may be before nothing is shown that rests on it.
	blindAfter = 2 * time.Minute
	// saveTimeout is how long a round waits for the disk.
	saveTimeout = 2 * time.Second
	// listed bounds the incidents that have series of their own.
	listed = 200
)

// Definition lists the collector among those of an exporter.
var Definition = collectors.Definition{
	Name: "incident", Help: "Read the policy's Alertmanagers and PagerDuty: what is open, and who has acknowledged it.",
	Default: true,
	New: func(s collectors.Site) collectors.Collector {
		return New(Options{Logger: s.Logger, State: s.State})
	},
}

// Options are what a collector needs besides the policy.
type Options struct {
	Logger   *slog.Logger
	State    *state.Dir // nil keeps everything in memory only
	Interval time.Duration
}

// Collector follows incidents.
type Collector struct {
	logger   *slog.Logger
	dir      *state.Dir
	client   *http.Client
	interval time.Duration
	changed  collectors.Announcement
	created  time.Time

	mu      sync.Mutex
	policy  *config.Policy
	known   known
	tracker *tracker

	// What a scrape shows.
	saved    counters
	savedAt  time.Time
	saves    [2]uint64 // succeeded, failed
	unsaved  bool      // the last save failed or has not come back
	lastRead time.Time
	up       map[string]bool
	view     view
	muted    muted
	past     past
	rejects  [len(rejections)]uint64 // of events, by reason

	saver             saver
	people, recorders keyring.Ring
	files             map[string]*eventFile // by path; of the goroutine of Run
	places            chan struct{}         // of posts that are read

	// The last answer of PagerDuty, by channel; it is kept while PagerDuty does not answer.
	pagerDuty map[string]map[group][]acknowledgement
}

// New returns a collector without a policy; Apply gives it one.
func New(o Options) *Collector {
	c := &Collector{
		logger: o.Logger, dir: o.State, client: newClient(), interval: o.Interval,
		changed: collectors.NewAnnouncement(), created: time.Now(),
		up: map[string]bool{}, pagerDuty: map[string]map[group][]acknowledgement{}, muted: muted{},
		files: map[string]*eventFile{}, places: make(chan struct{}, maxPosts),
	}
	c.saver.save = c.saveAll
	if c.interval == 0 {
		c.interval = interval
	}
	return c
}

// Prepare implements collectors.Collector. Open incidents go on.
func (c *Collector) Prepare(p *config.Policy) (collectors.Change, error) {
	return collectors.Change{Commit: func() { c.commit(p) }}, nil
}

func (c *Collector) commit(p *config.Policy) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tracker == nil {
		c.tracker = c.load()
		c.loadPast()
		c.saved = c.tracker.Counters.copy()
		c.savedAt = time.Now()
	}
	c.policy, c.known = p, newKnown(p)
	c.declareWriteUps(p, time.Now())
	c.up = map[string]bool{}
	c.changed.Make()
}

// Run asks in turns until ctx ends. Files and keys are read beside the rounds: a disk that hangs delays none.
func (c *Collector) Run(ctx context.Context, group *collectors.Group) error {
	defer c.client.CloseIdleConnections()
	defer c.closeFiles(nil)
	group.Each(ctx, c.changed, func(g *collectors.Group) {
		c.mu.Lock()
		p := c.policy
		c.mu.Unlock()
		if p == nil {
			return // until the first is in force
		}
		g.Poll(collectors.Poll{Part: "round", Interval: c.interval, Round: c.round})
		if p.ReceivesEvents() || p.WriteUps() != nil {
			g.Poll(collectors.Poll{Part: "keys", Interval: c.interval, Timeout: timeout, Round: c.readKeys})
		}
		for _, f := range c.eventFiles(p) {
			g.Poll(collectors.Poll{
				Part: "events in " + f.path, Interval: c.interval, Timeout: timeout,
				Round: func(ctx context.Context) error { return c.follow(ctx, f) },
			})
		}
	})
	return nil
}

// round queries every source once. The error names those that failed; one Alertmanager is enough to continue.
func (c *Collector) round(ctx context.Context) error {
	c.mu.Lock()
	p, k := c.policy, c.known
	c.mu.Unlock()
	if p == nil || len(p.Alertmanagers) == 0 {
		return nil
	}
	answers, err := c.askAll(ctx, p)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	now := time.Now()
	c.mu.Lock()
	c.muted.forget(now)
	if len(answers) > 0 {
		v := k.merge(answers)
		c.addPagerDuty(v)
		c.tracker.update(now, v, p)
		c.view, c.lastRead = v, now
	}
	c.mu.Unlock()
	return errors.Join(err, c.publish(ctx))
}

// askAll asks all sources at once.
func (c *Collector) askAll(ctx context.Context, p *config.Policy) ([]answer, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var mu sync.Mutex
	var answers []answer
	asked := map[string][]<-chan error{}
	ask := func(name string, f func() error) { asked[name] = append(asked[name], collectors.Async(f)) }
	for _, settings := range p.Alertmanagers {
		ask(settings.Name, func() error {
			a, err := alertmanager{settings, c.client}.ask(ctx)
			if err != nil {
				return err
			}
			mu.Lock()
			answers = append(answers, a)
			mu.Unlock()
			return nil
		})
	}
	for _, name := range pagerDutyChannels(p) {
		ask(name, func() error {
			acknowledged, err := pagerDuty{name, p.Channels[name].PagerDuty, c.client}.acknowledged(ctx)
			if err != nil {
				return err
			}
			c.mu.Lock()
			c.pagerDuty[name] = acknowledged
			c.mu.Unlock()
			return nil
		})
	}
	var errs []error
	for name, all := range asked {
		for _, done := range all {
			err := <-done
			if err != nil {
				collectors.LogPanic(c.logger, err)
				errs = append(errs, fmt.Errorf("%s: %w", name, err))
			}
			c.mu.Lock()
			c.up[name] = err == nil
			c.mu.Unlock()
		}
	}
	return answers, errors.Join(errs...)
}

// sources are the names of all that are asked. A channel may be called like an Alertmanager; then they share
// one series, which is up while the last of them to answer was.
func sources(p *config.Policy) []string {
	names := pagerDutyChannels(p)
	for _, a := range p.Alertmanagers {
		names = append(names, a.Name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func pagerDutyChannels(p *config.Policy) []string {
	var names []string
	for name, channel := range p.Channels {
		if channel.PagerDuty != nil && channel.PagerDuty.API != nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// addPagerDuty adds the acknowledgements in PagerDuty, where a group of alerts is one incident.
func (c *Collector) addPagerDuty(v view) {
	for name, acknowledged := range c.pagerDuty {
		if channel, ok := c.policy.Channels[name]; !ok || channel.PagerDuty == nil || channel.PagerDuty.API == nil {
			delete(c.pagerDuty, name)
			continue
		}
		for _, s := range v.alerts {
			s.acknowledgements = append(s.acknowledgements, acknowledged[s.page]...)
		}
	}
}

// publish saves the counters before it exports them, so that a restart never takes one back. A disk that hangs delays
// neither a scrape nor the next round: open incidents are exported from memory.
func (c *Collector) publish(ctx context.Context) error {
	waiting, cancel := context.WithTimeout(ctx, saveTimeout)
	defer cancel()
	err := c.saver.wait(waiting)
	if ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	c.mu.Lock()
	c.unsaved = true
	c.mu.Unlock()
	return &collectors.ReasonError{
		Reason: collectors.ReasonTimeout, Err: errors.New("saving has not come back; the disk of the storage path hangs"),
	}
}

// saveAll saves what there is now. What is over is saved before it is missing among what is open.
func (c *Collector) saveAll() error {
	c.mu.Lock()
	now := time.Now()
	c.past.add(now, c.tracker.over)
	c.tracker.over = nil
	ended, changed := c.past.list, c.past.dirty
	c.past.dirty = false
	payload, err := c.encode()
	counters := c.tracker.Counters.copy()
	c.mu.Unlock()
	if err == nil && changed {
		if err = c.savePast(ended); err != nil {
			c.mu.Lock()
			c.past.dirty = true
			c.mu.Unlock()
		}
	}
	if err == nil {
		err = c.save(payload)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unsaved = err != nil
	if err != nil {
		c.saves[1]++
		return &collectors.ReasonError{Reason: collectors.ReasonIO, Err: err}
	}
	c.saves[0]++
	c.savedAt, c.saved = now, counters
	return nil
}

// open lists the fingerprints of open incidents: those that wait for somebody first, of these the most urgent, of
// these the oldest. However many are acknowledged, none of them keeps one that may have to escalate off the list.
func (c *Collector) open() []string {
	names := make([]string, 0, len(c.tracker.Incidents))
	for fingerprint := range c.tracker.Incidents {
		names = append(names, fingerprint)
	}
	slices.SortFunc(names, func(a, b string) int {
		x, y := c.tracker.Incidents[a], c.tracker.Incidents[b]
		if x.Waiting.IsZero() != y.Waiting.IsZero() {
			if x.Waiting.IsZero() {
				return 1
			}
			return -1
		}
		if d := strings.Compare(x.Priority, y.Priority); d != 0 {
			return d
		}
		if d := x.Began.Compare(y.Began); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	return names
}

var (
	_ prometheus.Collector = (*Collector)(nil)
	_ collectors.Collector = (*Collector)(nil)
)
