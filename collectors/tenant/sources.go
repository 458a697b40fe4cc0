package tenant

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/aggregate"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/decode"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/receive"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/source"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/store"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/stream"
	"github.com/thorbis/thorbis_exporter/config"
)

// running is a source of the policy in force.
type running struct {
	config *config.Source
	rule   *aggregate.Rule
	number int
	status *sourceStatus
	run    func(context.Context) error // nil for a receiver
	reader source.Config
	lag    *stream.Status // of a stream, nil for others
	secret error          // why a receiver's secret could not be read when its policy was prepared
}

var bys = map[string]aggregate.By{
	"host": aggregate.ByHost, "path": aggregate.ByPath, "field": aggregate.ByField, "header": aggregate.ByField,
}

// build makes the sources of a policy. They have no numbers yet and change nothing.
func (c *Collector) build(s *setup) error {
	t := &s.policy.Tenants
	var err error
	if s.planned, err = planned(s.policy); err != nil {
		return err
	}
	s.probes = c.probesOf(s.policy)
	type way struct { // how the requests of a service lead to tenants: sources that agree share a rule, and so its cache
		service string
		aggregate.Rule
	}
	rules := map[way]*aggregate.Rule{}
	s.receivers = map[string]*receive.Receiver{}
	s.following = source.Following{}
	for _, conf := range t.Sources {
		rule := aggregate.Rule{By: bys[conf.TenantBy], Names: s.names.names}
		if conf.Tenant != "" {
			rule.By, rule.Tenant = aggregate.ByFixed, conf.Tenant
		}
		w := way{conf.AppService, rule}
		if rules[w] == nil {
			rules[w] = &rule
		}
		r, err := c.source(s, conf, rules[w])
		if err != nil {
			return err
		}
		s.sources = append(s.sources, r)
	}
	return nil
}

// number gives the sources of a setup, which is about to be in force, their numbers in the store.
func (c *Collector) number(s *setup) {
	numbers := c.store.Load().Configure(s.counting())
	for _, r := range s.sources {
		n := numbers[r.config.Name]
		r.number, r.reader.Count.Number, r.rule.Service = n.Source, n.Source, n.Service
		if follows := r.follows(); follows != "" {
			s.following[n.Source] = follows
		}
		c.statuses[r.config.Name] = r.status
		if r.config.Receive != "" {
			r.noteSecret(r.secret)
		}
	}
}

func (c *Collector) source(s *setup, conf *config.Source, rule *aggregate.Rule) (*running, error) {
	status := c.statuses[conf.Name]
	if status == nil {
		status = &sourceStatus{}
	}
	format := optionsOf(conf)
	if s.probes != nil {
		format.Probes = s.probes.decode
	}
	if _, err := decode.New(format); err != nil {
		return nil, err
	}
	r := &running{config: conf, rule: rule, status: status, reader: source.Config{
		Name: conf.Name, Format: format, Store: c.store.Load(), Aggregators: c.aggregators,
		Logger: c.logger.With("source", conf.Name), Status: &status.Status, Pause: c.pause, Following: s.following,
		Count: &aggregate.CountSource{
			Rule: rule, Late: s.policy.Tenants.LateAfter.Std(),
			Thresholds: thresholds(s.policy), Weight: weight(conf.Sampling),
			Logins: conf.Logins(), Unreadable: &status.unreadable,
		},
	}}
	switch {
	case conf.File != "":
		r.run = func(ctx context.Context) error {
			r.doubt(ctx)
			files := &source.Files{Config: &r.reader, Pattern: conf.File, Rotated: conf.Rotated, FromEnd: conf.Start == "end"}
			return files.Run(ctx)
		}
	case conf.Stdin:
		r.run = (&source.Stdin{Config: &r.reader, In: c.stdin}).Run
	case conf.Streams():
		r.lag = &status.stream
		r.run = c.stream(r).Run
	default:
		var err error
		if s.receivers[conf.Receive], err = c.receiver(r); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// doubt warns where a log has no hosts by which its tenants could be found: once, and not at every reload.
func (r *running) doubt(ctx context.Context) {
	of := fmt.Sprint(r.config.File, r.config.Format, r.config.Fields)
	if old := r.status.doubted.Swap(&of); old != nil && *old == of {
		return
	}
	if file, why := doubt(ctx, r.config, r.reader.Format); why != "" {
		r.reader.Logger.Warn("The tenants of a log are probably wrong", "file", file, "reason", why)
	}
}

// stream is what reads a stream.
func (c *Collector) stream(r *running) *stream.Source {
	s := &stream.Source{
		Config: &r.reader, Name: r.follows(), FromEnd: r.config.Start == "end", Shard: c.shard, Lag: r.lag,
		Pace: c.pace, ByHeader: r.config.TenantBy == "header",
	}
	if r.config.Kafka != nil {
		s.Open = stream.Kafka(r.config.Kafka, r.config.TenantHeader, r.reader.Logger)
	} else {
		s.Open = stream.NATS(r.config.NATS, r.config.TenantHeader)
	}
	return s
}

// follows is the glob of the files, or the name of the stream, in which a source has positions; empty without any.
func (r *running) follows() string {
	switch conf := r.config; {
	case conf.Kafka != nil:
		return "kafka:" + conf.Kafka.Topic
	case conf.NATS != nil:
		return strings.TrimSuffix("nats:"+conf.NATS.Stream+"/"+conf.NATS.Subject, "/")
	default:
		return conf.File
	}
}

// counting is what the policy specifies about counting.
func (s *setup) counting() store.Config {
	failed, slow := allowed(s.policy)
	return store.Config{
		Thresholds: thresholds(s.policy), Failed: failed, Slow: slow, Limit: s.policy.Tenants.Limit, Sources: s.configs(),
		Period: s.policy.Objectives.Period.Std(), Planned: s.planned, Zone: s.policy.SLA.Zone(),
		Tiers: slices.Sorted(maps.Keys(s.policy.Tiers)), Registered: s.names.tiers,
	}
}

func (s *setup) configs() []store.SourceConfig {
	var all []store.SourceConfig
	for _, source := range s.policy.Tenants.Sources {
		all = append(all, store.SourceConfig{
			Name: source.Name, Service: source.AppService, Reads: source.File != "" || source.Streams(),
		})
	}
	return all
}

func thresholds(p *config.Policy) []uint64 {
	all := []uint64{}
	for _, l := range p.Objectives.Latency {
		if d := uint64(l.Threshold.Std() / time.Nanosecond); !slices.Contains(all, d) {
			all = append(all, d)
		}
	}
	return all
}

// allowed returns the share of requests that may fail, and those that may be slower than each threshold.
func allowed(p *config.Policy) (failed float64, slow []float64) {
	failed, _ = p.Objectives.Availability.Budget().Float64()
	for _, threshold := range thresholds(p) {
		for _, l := range p.Objectives.Latency {
			if uint64(l.Threshold.Std()/time.Nanosecond) == threshold {
				share, _ := l.Ratio.Budget().Float64()
				slow = append(slow, share)
				break
			}
		}
	}
	return failed, slow
}

// weight is how many requests an event of a sampled source stands for.
func weight(sampling config.Ratio) uint64 {
	if sampling.IsZero() {
		return aggregate.Whole
	}
	share, _ := sampling.Rat().Float64()
	return uint64(aggregate.Whole/share + 0.5)
}
