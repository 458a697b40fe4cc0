package tenant

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/decode"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/receive"
	"github.com/thorbis/thorbis_exporter/metric"
)

// descs by metric; made once.
var descs = func() map[*metric.Metric]*prometheus.Desc {
	d := map[*metric.Metric]*prometheus.Desc{}
	for _, m := range []*metric.Metric{
		metric.TenantSourceInfo, metric.TenantSourceUp, metric.TenantSourceLines, metric.TenantSourceBytes,
		metric.TenantSourceRejects, metric.TenantSourceIgnored, metric.TenantSourceErrors, metric.TenantSourceLag,
		metric.TenantSourceUnreadableDurations,
		metric.TenantStreamLag, metric.TenantStreamUncounted, metric.TenantStreamMissed, metric.TenantStreamLastMissed,
		metric.TenantStreamPartitions, metric.TenantStreamShards,
		metric.TenantSourceLastRead, metric.TenantSourceNewestEvent, metric.TenantReceiverPosts,
		metric.ServiceRefusedRequests, metric.ServiceFailedLogins, metric.TenantRefusedRequests, metric.TenantFailedLogins,
		metric.TenantProbeRequests, metric.TenantTracked, metric.TenantSeries, metric.TenantTroubledWaiting,
		metric.TenantLimit, metric.TenantAdmitted, metric.TenantDemoted,
		metric.ServiceRequestsOff, metric.TenantHistoryDates, metric.TenantHistoryBytes, metric.TenantHistoryErrors,
		metric.TenantRegistryTenants, metric.TenantRegistryLastRead, metric.TenantRegistryErrors,
		metric.ServiceExpectedPeak, metric.StateSaves, metric.StateLastSave, metric.StateUnsaved,
	} {
		d[m] = m.Desc()
	}
	return d
}()

// Describe sends nothing: which series exist follows the policy, which may change.
func (*Collector) Describe(chan<- *prometheus.Desc) {}

// Collect reads memory only: what is saved of the sources, and how they fare. The tenants themselves are
// served by Tenants.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	s, st := c.current.Load(), c.store.Load()
	if s == nil || st == nil {
		return
	}
	e := exposer{ch: ch, created: c.created, shard: c.shard}
	for _, service := range s.policy.Services {
		if service.PeakCapacity > 0 {
			e.gauge(metric.ServiceExpectedPeak, service.PeakCapacity, service.Name)
		}
	}
	if len(s.sources) == 0 {
		return
	}
	for _, r := range s.sources {
		e.source(c, r)
	}
	for _, service := range st.Services() {
		if !s.serves(service.Name) {
			continue
		}
		for i, n := range service.Probes {
			e.counter(metric.TenantProbeRequests, float64(n), time.UnixMilli(service.Created), service.Name,
				metric.CodeClasses[i])
		}
		e.refused(&service)
		e.gauge(metric.TenantTracked, float64(service.Tracked), service.Name)
		e.gauge(metric.TenantSeries, float64(service.Troubled), service.Name, metric.SeriesTroubled)
		e.gauge(metric.TenantSeries, float64(service.Tracked-service.Troubled), service.Name, metric.SeriesBusy)
		e.gauge(metric.TenantTroubledWaiting, float64(service.Waiting), service.Name)
		e.gauge(metric.TenantLimit, float64(s.policy.Tenants.Limit), service.Name)
		e.gauge(metric.ServiceRequestsOff, float64(service.Off), service.Name)
		e.counter(metric.TenantAdmitted, float64(service.Admitted), c.created, service.Name)
		e.counter(metric.TenantDemoted, float64(service.Demoted), c.created, service.Name)
	}
	e.tenantsRefused(s, st)
	e.registry(s, c.tenants.Errors())
	saves, at := st.Saves()
	e.counter(metric.StateSaves, float64(saves[0]), c.created, name, metric.ResultSuccess)
	e.counter(metric.StateSaves, float64(saves[1]), c.created, name, metric.ResultFailure)
	if st.Persistent() {
		days, bytes, errors := st.HistoryStatus()
		e.gauge(metric.TenantHistoryDates, float64(days))
		e.gauge(metric.TenantHistoryBytes, float64(bytes))
		e.counter(metric.TenantHistoryErrors, float64(errors.Read), c.created, metric.OperationRead)
		e.counter(metric.TenantHistoryErrors, float64(errors.Write), c.created, metric.OperationWrite)
		e.gauge(metric.StateLastSave, float64(at.UnixMilli())/1000, name)
		unsaved := 0.0
		if st.Unsaved() {
			unsaved = 1
		}
		e.gauge(metric.StateUnsaved, unsaved, name)
	}
}

// name is the collector's, a label value.
const name = "tenant"

func (s *setup) serves(service string) bool {
	for _, r := range s.sources {
		if r.config.AppService == service {
			return true
		}
	}
	return false
}

type exposer struct {
	ch      chan<- prometheus.Metric
	created time.Time
	shard   collectors.Shard
}

func (e exposer) gauge(m *metric.Metric, v float64, labels ...string) {
	e.ch <- prometheus.MustNewConstMetric(descs[m], m.ValueType(), v, labels...)
}

func (e exposer) counter(m *metric.Metric, v float64, created time.Time, labels ...string) {
	e.ch <- prometheus.MustNewConstMetricWithCreatedTimestamp(descs[m], prometheus.CounterValue, v, created, labels...)
}

func (e exposer) source(c *Collector, r *running) {
	conf := r.config
	kind := "file"
	switch {
	case conf.Stdin:
		kind = "stdin"
	case conf.Receive != "":
		kind = "receive"
	case conf.Kafka != nil:
		kind = "kafka"
	case conf.NATS != nil:
		kind = "nats"
	}
	e.gauge(metric.TenantSourceInfo, 1, conf.Name, conf.AppService, kind, conf.Format)
	// A source that was not tried yet is neither up nor down: after a restart, rules go on with what it last was.
	if r.status.Up.Tried() {
		up := 0.0
		if r.status.Up.Load() && !receive.Refusing(&r.status.Status, time.Now()) {
			up = 1
		}
		e.gauge(metric.TenantSourceUp, up, conf.Name, conf.AppService)
	}
	e.counter(metric.TenantSourceErrors, float64(r.status.Errors.Load()), e.created, conf.Name, conf.AppService)
	for u := decode.NotADuration; u < decode.Unreadables; u++ {
		e.counter(metric.TenantSourceUnreadableDurations, float64(r.status.unreadable[u].Load()), e.created,
			conf.Name, conf.AppService, u.Reason())
	}
	if r.lag == nil {
		e.gauge(metric.TenantSourceLag, float64(r.status.Lag.Load()), conf.Name, conf.AppService)
	}
	if conf.Receive != "" {
		for i, result := range metric.PostResults {
			e.counter(metric.TenantReceiverPosts,
				float64(r.status.posts[i].Load()), e.created, conf.Name, conf.AppService, result)
		}
	}
	saved, ok := c.store.Load().Source(r.number)
	if !ok {
		return // its first record is on its way
	}
	created := time.UnixMilli(saved.Created)
	if r.lag != nil {
		e.stream(r, created)
	}
	e.counter(metric.TenantSourceLines, float64(saved.Lines), created, conf.Name, conf.AppService)
	e.counter(metric.TenantSourceBytes, float64(saved.Bytes), created, conf.Name, conf.AppService)
	for v := decode.Syntax; v < decode.Outcomes; v++ {
		m := metric.TenantSourceIgnored
		if v.Rejected() {
			m = metric.TenantSourceRejects
		}
		e.counter(m, float64(saved.Outcomes[v]), created, conf.Name, conf.AppService, v.Reason())
	}
	e.gauge(metric.TenantSourceLastRead, float64(saved.Read)/1000, conf.Name, conf.AppService)
	e.gauge(metric.TenantSourceNewestEvent, float64(saved.Newest)/1000, conf.Name, conf.AppService)
}

func (e exposer) stream(r *running, created time.Time) {
	labels := []string{r.config.Name, r.config.AppService}
	e.gauge(metric.TenantStreamLag, r.lag.Lag(r.status.Up.Load(), time.Now()).Seconds(), labels...)
	e.gauge(metric.TenantStreamUncounted, float64(r.lag.Behind()), labels...)
	missed, at := r.lag.Missed()
	e.counter(metric.TenantStreamMissed, float64(missed), created, labels...)
	e.gauge(metric.TenantStreamLastMissed, float64(at)/1e9, labels...)
	if !r.lag.Retired() {
		e.gauge(metric.TenantStreamShards, float64(max(e.shard.Of, 1)), append(labels, strconv.Itoa(e.shard.Number))...)
	}
	read, unread := r.lag.Partitions()
	e.gauge(metric.TenantStreamPartitions, float64(read), append(labels, metric.PartitionsRead)...)
	e.gauge(metric.TenantStreamPartitions, float64(unread), append(labels, metric.PartitionsUnread)...)
}

func (e exposer) registry(s *setup, failures uint64) {
	tenants, read := 0, time.Time{}
	if s.registry != nil {
		tenants, read, _ = s.registry.Status()
	}
	e.gauge(metric.TenantRegistryTenants, float64(tenants))
	last := 0.0
	if !read.IsZero() {
		last = float64(read.UnixMilli()) / 1000
	}
	e.gauge(metric.TenantRegistryLastRead, last)
	e.counter(metric.TenantRegistryErrors, float64(failures), e.created)
}
