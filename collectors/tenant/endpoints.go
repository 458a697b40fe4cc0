package tenant

import (
	"errors"
	"math/big"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/expose"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/history"
)

// maxDays bounds the days of an answer, of all services together.
const maxDays = 20_000

// defaultDays is how many days an answer is about that no from asks for.
const defaultDays = 30

// Endpoints implements collectors.Endpoints.
func (c *Collector) Endpoints() []collectors.Endpoint {
	return []collectors.Endpoint{
		{Path: "tenants/{name}", Answer: func(r *http.Request) (any, error) { return c.answer(r, time.Now()) }},
		{Path: "tenants", Answer: func(r *http.Request) (any, error) { return c.list(r, time.Now()) }},
	}
}

var _ collectors.Endpoints = (*Collector)(nil)

// tenantHistory is what was counted of a tenant on each day.
type tenantHistory struct {
	Tenant     string `json:"tenant"`
	Tier       string `json:"tier,omitempty"`
	Registered bool   `json:"registered"`
	// Memberships are when the tenant was in the registry, and in which tier, as far back as that is recorded.
	Memberships []membership     `json:"memberships"`
	From        history.Date     `json:"from"`
	To          history.Date     `json:"to"`
	TimeZone    string           `json:"time_zone"`
	Total       dayCounts        `json:"total"`
	Services    []serviceHistory `json:"services"`
	// DaysOmitted is how many days found no place; the totals have them.
	DaysOmitted int `json:"days_omitted"`
	rows        int
	// Unreadable are the days whose files are damaged.
	Unreadable []history.Date `json:"unreadable_days"`
}

type serviceHistory struct {
	AppService string    `json:"app_service"`
	Total      dayCounts `json:"total"`
	// Days are those with requests.
	Days []day `json:"days"`
}

type day struct {
	Date history.Date `json:"date"`
	dayCounts
}

// dayCounts are counts as the API shows them. Slow requests are by threshold in seconds.
type dayCounts struct {
	Requests   uint64            `json:"requests"`
	Failed     uint64            `json:"failed"`
	Late       uint64            `json:"late"`
	LateFailed uint64            `json:"late_failed"`
	Slow       map[string]uint64 `json:"slow"`
	Bytes      uint64            `json:"bytes"`
	// Availability is nil where nothing was counted.
	Availability *float64 `json:"availability_ratio"`
}

func (d *dayCounts) add(r *history.Record) {
	d.Requests += r.Requests
	d.Failed += r.Failed
	d.Late += r.Late
	d.LateFailed += r.LateFailed
	d.Bytes += r.Bytes
	if d.Slow == nil {
		d.Slow = map[string]uint64{}
	}
	for i, threshold := range r.Thresholds[:min(len(r.Thresholds), len(r.Slow))] {
		d.Slow[expose.ThresholdText(threshold)] += r.Slow[i]
	}
	if all := d.Requests + d.Late; all > 0 {
		ratio, _ := big.NewRat(int64(all-d.Failed-d.LateFailed), int64(all)).Float64()
		d.Availability = &ratio
	}
}

// answer reads the history that a request asks for.
func (c *Collector) answer(r *http.Request, now time.Time) (any, error) {
	s, st := c.current.Load(), c.store.Load()
	if s == nil || st == nil {
		return nil, &collectors.RequestError{
			Kind: collectors.RequestUnavailable, Err: errors.New("no policy is in force yet: ask again later"),
		}
	}
	zone := s.policy.SLA.Zone()
	h := &tenantHistory{
		Tenant: r.PathValue("name"), TimeZone: zone.String(), Total: dayCounts{Slow: map[string]uint64{}},
		Services: []serviceHistory{}, Unreadable: []history.Date{},
	}
	if err := h.span(r.URL.Query(), history.DateOf(now.In(zone))); err != nil {
		return nil, err
	}
	records, unreadable, err := st.History(r.Context(), h.Tenant, h.From, h.To)
	if err != nil {
		if len(unreadable) == 0 {
			return nil, err
		}
		c.logger.Error("Days of the tenants' history cannot be read", "err", err)
		h.Unreadable = unreadable
	}
	h.Tier, h.Memberships = s.names.tiers[h.Tenant], c.memberships(h.Tenant)
	if _, ok := s.names.tiers[h.Tenant]; ok {
		h.Registered = true
	} else if len(records) == 0 && len(unreadable) == 0 && len(h.Memberships) == 0 {
		return nil, collectors.NotFound("unknown tenant %q: it is not in the registry, and had no requests from %s to %s",
			h.Tenant, h.From, h.To)
	}
	for i := range records {
		h.add(&records[i])
	}
	return h, nil
}

// span reads the dates from and to, both included.
func (h *tenantHistory) span(values url.Values, today history.Date) error {
	for name, given := range values {
		if name != "from" && name != "to" {
			return collectors.InvalidRequest("unknown parameter %q: there are from and to", name)
		}
		if len(given) != 1 {
			return collectors.InvalidRequest("parameter %s is given %d times: give it once", name, len(given))
		}
	}
	var err error
	h.To = today
	if text := values.Get("to"); text != "" {
		if h.To, err = history.ParseDate(text); err != nil {
			return collectors.InvalidRequest("to: %w", err)
		}
	}
	h.From = h.To.Add(1 - defaultDays)
	if text := values.Get("from"); text != "" {
		if h.From, err = history.ParseDate(text); err != nil {
			return collectors.InvalidRequest("from: %w", err)
		}
	}
	if h.From > h.To {
		return collectors.InvalidRequest("from is %s and to is %s: from must not be after to", h.From, h.To)
	}
	return nil
}

// add adds a record, which comes in the order of the dates.
func (h *tenantHistory) add(r *history.Record) {
	h.Total.add(r)
	i := slices.IndexFunc(h.Services, func(s serviceHistory) bool { return s.AppService == r.Service })
	if i < 0 {
		i = len(h.Services)
		h.Services = append(h.Services, serviceHistory{AppService: r.Service})
	}
	s := &h.Services[i]
	s.Total.add(r)
	if n := len(s.Days); n == 0 || s.Days[n-1].Date != r.Date {
		if h.rows++; h.rows > maxDays {
			h.DaysOmitted++
			return
		}
		s.Days = append(s.Days, day{Date: r.Date})
	}
	s.Days[len(s.Days)-1].add(r)
}
