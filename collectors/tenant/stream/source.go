package stream

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/aggregate"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/decode"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/source"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/store"
)

// Pace is how often a source does what it does again and again.
type Pace struct {
	Poll  time.Duration // how long a poll waits for a message; then positions that moved without one are saved
	Look  time.Duration // how often the stream is looked at for new partitions
	Retry time.Duration // after the first error; twice as long after each of the next, up to a bound
}

// Steady is the pace of an exporter.
var Steady = Pace{Poll: 5 * time.Second, Look: time.Minute, Retry: time.Second}

const maxRetry = 30 * time.Second

const (
	// sessionTime bounds how long counts wait for their commit while a stream is being caught up.
	sessionTime = time.Second
	// openTime bounds how long an engine may take to say what the stream has.
	openTime = 30 * time.Second
)

// Source counts what a stream has.
type Source struct {
	*source.Config
	// Name of the stream, as its positions are saved.
	Name    string
	FromEnd bool
	// ByHeader takes the tenant of requests from the header of their message.
	ByHeader bool
	Shard    collectors.Shard
	Open     func(ctx context.Context) (Engine, error)
	Lag      *Status
	Pace     Pace

	lines    *source.Lines
	progress progress
	layout   Layout
	moved    map[int]bool // partitions whose positions are not saved yet
	whole    bool         // the position of the stream as a whole is not saved yet
	// ids are of messages that are saved with it, and fresh the same as a set.
	ids   []uint64
	fresh map[uint64]struct{}
}

// Run reads until ctx ends. After an error it begins again at what is saved.
func (s *Source) Run(ctx context.Context) error {
	for wait := s.Pace.Retry; ; {
		began := time.Now()
		err := collectors.Guard(func() error { return s.session(ctx) })
		if ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, errChanged) {
			s.Logger.Info("The stream has other partitions now, or is another", "stream", s.Name)
			continue
		}
		if errors.Is(err, store.ErrStopped) {
			return err
		}
		s.Status.Up.Store(false)
		s.Status.Errors.Add(1)
		collectors.LogPanic(s.Logger, err)
		if time.Since(began) > 2*maxRetry {
			wait = s.Pace.Retry
		}
		s.Logger.Warn("A stream cannot be read; trying again", "stream", s.Name, "again", wait, "err", err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil
		}
		wait = min(2*wait, maxRetry)
	}
}

// session reads with one client of the engine, until an error.
func (s *Source) session(ctx context.Context) error {
	engine, from, err := s.open(ctx)
	if err != nil {
		return err
	}
	defer engine.Close()
	if err := engine.Read(ctx, from); err != nil {
		return err
	}
	s.Status.Up.Store(s.Lag.foreign.Load() == 0)
	for looked := time.Now(); ctx.Err() == nil; {
		if err := s.round(ctx, engine); err != nil {
			return err
		}
		if time.Since(looked) > s.Pace.Look {
			if err := s.look(ctx, engine); err != nil {
				return err
			}
			looked = time.Now()
		}
	}
	return nil
}

// errChanged ends a session whose stream has other partitions now, or is another.
var errChanged = errors.New("the stream has changed")

// look finds out whether the stream is still what it was.
func (s *Source) look(ctx context.Context, engine Engine) error {
	looking, cancel := context.WithTimeout(ctx, openTime)
	defer cancel()
	l, err := engine.Layout(looking)
	if err == nil && (l.Partitions != s.layout.Partitions || l.Identity != s.layout.Identity) {
		err = errChanged
	}
	return err
}

// open connects, and decides where to go on.
func (s *Source) open(ctx context.Context) (Engine, map[int]int64, error) {
	lines, err := source.NewLines(s.Config, "a message of "+s.Name)
	if err != nil {
		return nil, nil, err
	}
	opening, cancel := context.WithTimeout(ctx, openTime)
	defer cancel()
	engine, err := s.Open(opening)
	if err != nil {
		return nil, nil, err
	}
	layout, err := engine.Layout(opening)
	if err == nil {
		var from map[int]int64
		if from, err = s.begin(ctx, engine, layout); err == nil {
			s.lines = lines
			return engine, from, nil
		}
	}
	engine.Close()
	return nil, nil, err
}

// begin decides where to go on, and saves it: a crash before the first message must not change it.
func (s *Source) begin(ctx context.Context, engine Engine, l Layout) (map[int]int64, error) {
	saved := restore(s.Name, s.Store.Files(s.Count.Number))
	var taken []store.Taken
	if !saved.known {
		saved, taken = s.predecessor()
	}
	// What was counted before saved counters were lost is not known; it must not be counted again.
	to := saved.plan(l, s.Shard, s.FromEnd || s.Store.Lost(s.Count.Number))
	if err := s.since(ctx, engine, &to); err != nil {
		return nil, err
	}
	s.report(&to, l)
	moved := map[int]bool{}
	for n, next := range to.next {
		if was, ok := saved.next[n]; !ok || was != next {
			moved[n] = true
		}
	}
	files := to.files(s.Name, moved)
	if !saved.known || to.recreated || to.missed > 0 || saved.partitions != to.partitions {
		files = append(files, to.whole(s.Name))
	}
	if len(taken) > 0 {
		s.Logger.Info("Going on at the positions of a source that does not read this stream any more", "stream", s.Name)
		// The ids first: if this ends in between, they come again.
		ids := &store.Batch{Source: s.Count.Number, IDs: s.Store.IDs(taken[0].Source)}
		if err := s.Commit(ctx, store.Encode(ids)); err != nil {
			return nil, err
		}
		if err := s.Commit(ctx, store.EncodeTake(s.Count.Number, nil, taken)); err != nil {
			return nil, err
		}
	}
	if len(files) > 0 {
		if err := s.Commit(ctx, store.Encode(&store.Batch{Source: s.Count.Number, Files: files})); err != nil {
			return nil, err
		}
	}
	s.layout = l
	s.progress = to.progress
	s.begun()
	s.Lag.misses(&s.progress)
	s.Lag.retired.Store(to.retired)
	s.Lag.foreign.Store(int64(len(to.foreign)))
	s.Lag.owned.Store(int64(len(to.from)))
	s.Lag.behind.Store(l.behind(to.from))
	newest := slices.Max(append(slices.Collect(maps.Values(to.at)), 0))
	if newest == 0 || s.Lag.behind.Load() == 0 {
		newest = time.Now().UnixNano()
	}
	s.Lag.caught(time.Unix(0, newest))
	return to.from, nil
}

// since goes on, in partitions that end before the position in them, with what was written after the last message that
// was counted.
func (s *Source) since(ctx context.Context, engine Engine, to *plan) error {
	for _, n := range to.ended {
		if to.at[n] == 0 {
			continue
		}
		next, err := engine.Since(ctx, n, time.Unix(0, to.at[n]))
		if err != nil {
			return err
		}
		to.from[n], to.next[n] = next, next
	}
	return nil
}

// predecessor finds what another source has of the stream that reads it no more: it is not in the policy, has another
// name or counts for another service.
func (s *Source) predecessor() (progress, []store.Taken) {
	by := map[int][]store.File{}
	for _, p := range s.Store.Positions(s.Count.Number) {
		_, part := partitionOf(s.Name, p.File.Path)
		if p.File.Stream && (part || p.File.Path == s.Name) && s.Following[p.Source] != s.Name {
			by[p.Source] = append(by[p.Source], p.File)
		}
	}
	for _, number := range slices.Backward(slices.Sorted(maps.Keys(by))) { // the latest
		saved := restore(s.Name, by[number])
		if !saved.known {
			continue
		}
		var taken []store.Taken
		for _, f := range by[number] {
			taken = append(taken, store.Taken{Source: number, ID: f.ID, As: f})
		}
		return saved, taken
	}
	return restore(s.Name, nil), nil
}

// report logs what is not as it was left.
func (s *Source) report(to *plan, l Layout) {
	if to.recreated {
		s.Logger.Error("The stream was deleted and created anew: what it had and was not counted is lost; "+
			"reading begins with its oldest message", "stream", s.Name)
	}
	if to.missed > 0 {
		s.Logger.Error("The engine deleted messages before they were counted: let it keep them for longer",
			"stream", s.Name, "messages", to.missed)
	}
	if len(to.ended) > 0 {
		s.lost(to.ended)
	}
	if len(to.foreign) > 0 {
		s.Logger.Error("Another shard has read partitions that are of this one now; they are not read, for their positions "+
			"are not here: move them with thorbis_exporter state export and import, or go back to the shards as they were",
			"stream", s.Name, "shard", s.Shard, "partitions", numbers(to.foreign), "of", l.Partitions)
	}
}

func (s *Source) lost(partitions []int) {
	s.Logger.Error("Partitions end before the position in them: the engine lost messages that were counted; "+
		"reading goes on with what was written since", "stream", s.Name, "partitions", numbers(partitions))
}

func numbers(partitions []int) string {
	const most = 20
	text := strings.Trim(fmt.Sprint(partitions[:min(len(partitions), most)]), "[]")
	if len(partitions) > most {
		text += " …"
	}
	return text
}

// round counts what has come, and saves it.
func (s *Source) round(ctx context.Context, engine Engine) error {
	b, err := engine.Poll(ctx, s.Pace.Poll)
	if err != nil {
		return err
	}
	var record []byte
	newest := time.Time{}
	failed := error(nil) // what was counted before it is saved
	err = s.Aggregators.With(ctx, s.Count, func(agg *aggregate.Aggregator) error {
		for start := time.Now(); ; {
			newest = s.count(agg, &b, newest)
			if agg.Full() || time.Since(start) > sessionTime {
				break
			}
			if b, failed = engine.Poll(ctx, 0); failed != nil || b.empty() {
				s.take(&b)
				break
			}
		}
		files := s.progress.files(s.Name, s.moved)
		if s.whole {
			files = append(files, s.progress.whole(s.Name))
		}
		if len(files) > 0 {
			record = agg.Flush(files, s.ids)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if record != nil {
		if err := s.Commit(ctx, record); err != nil {
			return err
		}
		engine.Noted(ctx, s.progress.next)
	}
	s.begun()
	s.Lag.misses(&s.progress)
	if !newest.IsZero() {
		s.Lag.caught(newest)
	}
	if s.Lag.behind.Load() == 0 && failed == nil {
		s.Lag.caught(time.Now())
	}
	return failed
}

// begun forgets what was to be saved with the last record.
func (s *Source) begun() {
	s.moved, s.whole, s.ids, s.fresh = map[int]bool{}, false, s.ids[:0], map[uint64]struct{}{}
}

// take notes where a batch leads.
func (s *Source) take(b *Batch) {
	for n, next := range b.Next {
		if s.progress.next[n] != next {
			s.progress.next[n], s.moved[n] = next, true
		}
	}
	if b.Missed > 0 {
		s.progress.miss(b.Missed)
		s.whole = true
		s.Logger.Error("The engine deleted messages before they were counted: let it keep them for longer",
			"stream", s.Name, "messages", b.Missed)
	}
	if len(b.Lost) > 0 {
		s.lost(b.Lost)
	}
	if b.Behind >= 0 {
		s.Lag.behind.Store(b.Behind)
	}
}

// count counts a batch, but for copies of messages that were counted before, and returns when the newest was written.
func (s *Source) count(agg *aggregate.Aggregator, b *Batch, newest time.Time) time.Time {
	now := time.Now()
	s.Store.Seen(s.Count.Number, func(seen func(uint64) bool) {
		for i := range b.Messages {
			m := &b.Messages[i]
			if m.At.After(now) { // a producer's clock, by which the stream would look counted until then
				m.At = now
			}
			if m.At.After(newest) {
				newest = m.At
			}
			s.progress.at[m.Partition] = m.At.UnixNano()
			if m.ID == 0 {
				continue
			}
			if _, again := s.fresh[m.ID]; again || seen(m.ID) {
				m.Value = nil
				agg.Read(1, 0)
				agg.Skip(decode.Duplicate)
				continue
			}
			s.fresh[m.ID] = struct{}{}
			s.ids = append(s.ids, m.ID)
		}
	})
	for i := range b.Messages {
		if m := &b.Messages[i]; s.ByHeader {
			s.lines.CountOf(agg, m.Value, m.Tenant)
		} else {
			s.lines.Count(agg, m.Value)
		}
	}
	s.take(b)
	return newest
}
