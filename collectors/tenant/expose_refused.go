package tenant

import (
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/decode"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/store"
	"github.com/thorbis/thorbis_exporter/metric"
)

// mostRefused is how many tenants of a service have series of what was refused.
const mostRefused = 10

// refusalCodes are the places of metric.RefusalCodes in a count of refused requests.
var refusalCodes = []int{decode.Unauthorized, decode.Forbidden, decode.RateLimited}

// refused exposes what was refused of a service.
func (e exposer) refused(s *store.ServiceStatus) {
	created := time.UnixMilli(s.Created)
	for i, way := range refusalCodes {
		e.counter(metric.ServiceRefusedRequests, float64(s.Refused[way]), created, s.Name, metric.RefusalCodes[i])
	}
	e.counter(metric.ServiceFailedLogins, float64(s.Refused[decode.FailedLogin]), created, s.Name)
}

// tenantsRefused exposes the tenants with the most.
func (e exposer) tenantsRefused(s *setup, st *store.Store) {
	for _, t := range st.Refused(mostRefused, refusalCodes...) {
		if !s.serves(t.Service) {
			continue
		}
		for i, way := range refusalCodes {
			e.gauge(metric.TenantRefusedRequests, float64(t.Refused[way]), t.Service, t.Tenant, metric.RefusalCodes[i])
		}
	}
	for _, t := range st.Refused(mostRefused, decode.FailedLogin) {
		if s.serves(t.Service) {
			e.gauge(metric.TenantFailedLogins, float64(t.Refused[decode.FailedLogin]), t.Service, t.Tenant)
		}
	}
}
