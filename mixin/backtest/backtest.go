// Package backtest replays what a Prometheus has stored through the rules of a policy: what would have fired, and
// whom it would have paged, had these rules been in force. It reads raw samples piece by piece over the HTTP API
// into a temporary storage and evaluates with Prometheus' own rule engine, so that a policy can be tuned before
// it wakes anyone. The server need never have seen this bundle.
package backtest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	promrules "github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"

	"github.com/thorbis/thorbis_exporter/rules"
)

// Options say what to replay.
type Options struct {
	URL      string
	From, To time.Time
	Chunk    time.Duration // of raw samples read at once
	// share of the time in which a request may be under way, so that the server is not busy with us alone
	Load       float64
	Interval   time.Duration // at which groups without one of their own are evaluated
	Client     *http.Client
	OnProgress func(Progress)
}

// Progress is how far a replay is.
type Progress struct {
	At, From, To time.Time
	Samples      int64
	Firings      int
}

// replay is one run.
type replay struct {
	Options
	dir      string
	db       *tsdb.DB
	engine   *promql.Engine
	groups   []*promrules.Group
	episodes map[string]*Episode // open ones by their labels
	report   Report
	refs     map[string]storage.SeriesRef
	pending  []sample // read, but after the last evaluation so far
	samples  int64
}

// Run replays. What it stored is removed when it returns.
func Run(ctx context.Context, bundle rules.Bundle, o Options) (*Report, error) {
	if !o.To.After(o.From) {
		return nil, errors.New("there is nothing between the two times")
	}
	if o.Client == nil {
		o.Client = http.DefaultClient
	}
	dir, err := os.MkdirTemp("", "thorbis-backtest")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	r := &replay{Options: o, dir: dir, episodes: map[string]*Episode{}, refs: map[string]storage.SeriesRef{}}
	r.report.From, r.report.To = o.From, o.To

	needs := inputs(bundle)
	present, err := r.present(ctx, needs)
	if err != nil {
		return nil, err
	}
	r.report.Series = len(present)
	kept := prune(bundle, present)
	if err := r.open(bundle, kept); err != nil {
		return nil, err
	}
	defer r.close()

	for from := o.From; from.Before(o.To); from = from.Add(o.Chunk) {
		to := from.Add(o.Chunk)
		if to.After(o.To) {
			to = o.To
		}
		all, err := r.fetch(ctx, present, from, to)
		if err != nil {
			return nil, err
		}
		if err := r.play(ctx, all, from, to); err != nil {
			return nil, err
		}
	}
	for _, e := range r.episodes {
		e.Open, e.To = true, o.To
		r.report.Episodes = append(r.report.Episodes, *e)
	}
	r.report.Samples = r.samples
	r.report.sort()
	return &r.report, nil
}

// open makes the storage and loads the rules that are kept of the bundle.
func (r *replay) open(bundle rules.Bundle, files map[string][]byte) error {
	options := tsdb.DefaultOptions()
	options.RetentionDuration = math.MaxInt64 / 2
	db, err := tsdb.Open(filepath.Join(r.dir, "data"), nil, nil, options, nil)
	if err != nil {
		return err
	}
	r.db = db
	r.engine = promql.NewEngine(promql.EngineOpts{
		MaxSamples: 50_000_000, Timeout: 5 * time.Minute, EnableAtModifier: true, EnableNegativeOffset: true,
		Parser: parser.NewParser(parser.Options{}),
	})
	var paths []string
	for name, text := range files {
		path := filepath.Join(r.dir, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			return err
		}
		paths = append(paths, path)
	}
	manager := promrules.NewManager(&promrules.ManagerOptions{
		QueryFunc: promrules.EngineQueryFunc(r.engine, db), AppendableV2: db, Queryable: db, Context: context.Background(),
		NotifyFunc: func(context.Context, string, ...*promrules.Alert) {},
	})
	groups, errs := manager.LoadGroups(r.Interval, labels.EmptyLabels(), "", nil, false, paths...)
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	kept := map[string]bool{}
	for _, g := range groups {
		r.groups = append(r.groups, g)
		r.report.Rules += len(g.Rules())
		for _, rule := range g.Rules() {
			kept[rule.Name()] = true
		}
	}
	for _, g := range bundle.Groups() {
		for _, rule := range g.Rules {
			if rule.Alert != nil && !kept[rule.Alert.Name] && !slices.Contains(r.report.Silent, rule.Alert.Name) {
				r.report.Silent = append(r.report.Silent, rule.Alert.Name)
			}
		}
	}
	slices.Sort(r.report.Silent)
	slices.SortFunc(r.groups, func(a, b *promrules.Group) int { return strings.Compare(a.Name(), b.Name()) })
	return nil
}

func (r *replay) close() {
	_ = r.engine.Close()
	_ = r.db.Close()
}

// play appends the samples of a piece and evaluates each group at its times, as the server would have.
func (r *replay) play(ctx context.Context, all []sample, from, to time.Time) error {
	slices.SortStableFunc(all, func(a, b sample) int { return int(a.t - b.t) })
	all = append(r.pending, all...)
	next := 0
	for at := from.Truncate(r.Interval); at.Before(to); at = at.Add(r.Interval) {
		if at.Before(from) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		app := r.db.AppenderV2(ctx)
		for ; next < len(all) && all[next].t <= at.UnixMilli(); next++ {
			s := all[next]
			ref, err := app.Append(r.refs[s.key], s.labels, 0, s.t, s.v, nil, nil, storage.AOptions{})
			if err != nil && !errors.Is(err, storage.ErrOutOfOrderSample) &&
				!errors.Is(err, storage.ErrDuplicateSampleForTimestamp) {
				return fmt.Errorf("%s: %w", s.labels, err)
			}
			if err == nil {
				r.refs[s.key] = ref
			}
			r.samples++
		}
		if err := app.Commit(); err != nil {
			return err
		}
		for _, g := range r.groups {
			if at.UnixNano()%int64(g.Interval()) == 0 {
				g.Eval(ctx, at)
				r.note(g, at)
			}
		}
		if r.OnProgress != nil && at.Unix()%600 == 0 {
			r.OnProgress(Progress{at, r.From, r.To, r.samples, len(r.report.Episodes) + len(r.episodes)})
		}
	}
	r.pending = slices.Clone(all[next:])
	return nil
}

// note opens and closes the episodes of a group's alerts.
func (r *replay) note(g *promrules.Group, at time.Time) {
	seen := map[string]bool{}
	for _, rule := range g.Rules() {
		if err := rule.LastError(); err != nil {
			r.report.failed(rule.Name(), err)
		}
		alert, ok := rule.(*promrules.AlertingRule)
		if !ok {
			continue
		}
		for _, active := range alert.ActiveAlerts() {
			if active.State != promrules.StateFiring {
				continue
			}
			key := active.Labels.String()
			seen[key] = true
			if r.episodes[key] == nil {
				r.episodes[key] = &Episode{
					Labels: active.Labels, From: at, group: g.Name(), Description: active.Annotations.Get("description"),
				}
			}
		}
	}
	for key, e := range r.episodes {
		if e.group == g.Name() && !seen[key] {
			e.To = at
			r.report.Episodes = append(r.report.Episodes, *e)
			delete(r.episodes, key)
		}
	}
}
