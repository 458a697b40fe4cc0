// Package expose writes the series of tenants straight from the store's compact state, in the three formats that
// Prometheus reads. It builds no objects per series, and a slow reader blocks no other.
package expose

import (
	"io"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"sync"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/store"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// Format of an exposition.
type Format int

// The formats.
const (
	Text Format = iota
	OpenMetrics
	Protobuf
)

// Options are what a policy says about the exposition.
type Options struct {
	Environment     string
	Native, Classic bool
	// Tier is the tier of a tenant; it is empty for one of no registry.
	Tier func(tenant string) string
	// Only, if not nil, are the tenants to show.
	Only map[string]bool
}

// level is a set of families: of tenants, or of tiers.
type level struct {
	label                                  string // whose value is the name of a series
	late, durations, bytes, slow, requests *metric.Metric
	each                                   func(v *store.View, f func(*store.Series), flush func() error) error
}

// In the order in which they are written: what was counted meanwhile makes no tenant's requests more than its tier's.
var (
	byTenant = level{
		metric.LabelTenant, metric.TenantLateRequests, metric.TenantRequestDuration, metric.TenantResponseBytes,
		metric.TenantSlowRequests, metric.TenantRequests, (*store.View).Each,
	}
	byTier = level{
		metric.LabelTier, metric.ServiceLateRequests, metric.ServiceRequestDuration, nil,
		metric.ServiceSlowRequests, metric.ServiceRequests, (*store.View).EachPool,
	}
)

// levels are those that are asked for: tiers have no tenant.
func (o *Options) levels() []*level {
	if o.Only != nil {
		return []*level{&byTenant}
	}
	return []*level{&byTenant, &byTier}
}

// Write writes the series of a view.
func Write(w io.Writer, v *store.View, f Format, o Options) error {
	if f == Protobuf {
		return writeProto(w, v, o)
	}
	return writeText(w, v, f == OpenMetrics, o)
}

// buffer is working memory of one scrape.
type buffer struct{ b []byte }

const bufferSize = 128 << 10

var pool = sync.Pool{New: func() any { return &buffer{make([]byte, 0, bufferSize)} }}

// once lets a tenant through in one service only: its info is not about a service. Left over are tenants without series
// of whom windows are written.
type once struct{ seen, rest map[string]bool }

func (o *once) first(v *store.View, s *store.Series) bool {
	if s.Special || s.Stale { // who left, or lost its slot, is not stated any more
		return false
	}
	delete(o.rest, s.Tenant)
	if len(v.Services) == 1 {
		return true
	}
	if o.seen == nil {
		o.seen = map[string]bool{}
	}
	if o.seen[s.Tenant] {
		return false
	}
	o.seen[s.Tenant] = true
	return true
}

// others are the tenants that are left over.
func (o *once) others() []string { return slices.Sorted(maps.Keys(o.rest)) }

func (o *Options) tier(tenant string) string {
	if o.Tier != nil {
		if tier := o.Tier(tenant); tier != "" {
			return tier
		}
	}
	return metric.TierNone
}

func (o *Options) shows(tenant string) bool { return o.Only == nil || o.Only[tenant] }

// thresholdTexts are the thresholds in seconds as people and the rules write them.
func thresholdTexts(v *store.View) []string {
	texts := make([]string, len(v.Thresholds))
	for i, t := range v.Thresholds {
		texts[i] = ThresholdText(t)
	}
	return texts
}

// ThresholdText is the label value of a threshold in nanoseconds.
func ThresholdText(nanos uint64) string {
	return config.Decimal(big.NewRat(int64(nanos), 1e9))
}

var classicBounds = func() (texts [len(store.ClassicBounds)]string) {
	for i, b := range store.ClassicBounds {
		texts[i] = strconv.FormatFloat(float64(b)/1e9, 'f', -1, 64)
	}
	return texts
}()

func sum(s *store.Series) float64 { return float64(s.SumSeconds) + float64(s.SumNanos)/1e9 }

func observations(s *store.Series) uint64 {
	var n uint64
	for _, c := range s.Classic {
		n += c
	}
	return n
}
