package saas

import (
	"fmt"
	"net/http"
	"time"
)

// serveVendor is the status page of the vendor that the platform depends on, as Statuspage's API serves it. In mode
// Vendor it reports an outage of its database.
func (p *Platform) serveVendor(w http.ResponseWriter, _ *http.Request) {
	now := time.Now().UTC().Format(time.RFC3339)
	indicator, state, incidents := "none", "operational", ""
	if p.some(Vendor) {
		indicator, state = "critical", "major_outage"
		incidents = fmt.Sprintf(`{"id": "i1", "name": "The database does not answer", "status": "identified",
    "impact": "critical", "created_at": %q, "shortlink": "http://status.demo.test/i1"}`, now)
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprintf(w, `{
  "page": {"id": "demo", "name": "Demo database", "url": "http://status.demo.test", "updated_at": %q},
  "status": {"indicator": %q, "description": ""},
  "components": [
    {"id": "c1", "name": "Database", "status": %q}, {"id": "c2", "name": "Console", "status": "operational"}],
  "incidents": [%s],
  "scheduled_maintenances": [{"id": "m1", "name": "Upgrade", "status": "scheduled",
    "scheduled_for": %q, "scheduled_until": %q}]
}
`, now, indicator, state, incidents, p.maintenance.Format(time.RFC3339),
		p.maintenance.Add(time.Hour).Format(time.RFC3339))
}
