package incident

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// maxAlerts and maxSilences bound what is read of one Alertmanager.
const (
	maxAlerts   = 20_000
	maxSilences = 10_000
)

// alert is a firing alert in the form of API v2.
type alert struct {
	Fingerprint string            `json:"fingerprint"`
	Labels      map[string]string `json:"labels"`
	StartsAt    time.Time         `json:"startsAt"`
	Status      struct {
		SilencedBy  []string `json:"silencedBy"`
		InhibitedBy []string `json:"inhibitedBy"`
	} `json:"status"`
}

// silence is one that API v2 lists, expired ones included.
type silence struct {
	ID     string `json:"id"`
	Status struct {
		State string `json:"state"`
	} `json:"status"`
	Matchers []matcher `json:"matchers"`
	StartsAt time.Time `json:"startsAt"`
	EndsAt   time.Time `json:"endsAt"`
	Comment  string    `json:"comment"`
	Creator  string    `json:"createdBy"`
}

// answer is the response of one Alertmanager.
type answer struct {
	alerts   []alert
	silences map[string]*silence // active, by ID
}

// alertmanager asks one of the policy's Alertmanagers.
type alertmanager struct {
	settings *config.Alertmanager
	client   *http.Client
}

func (a alertmanager) ask(ctx context.Context) (answer, error) {
	// Silences come first: an alert silenced in between is not acknowledged yet, and so escalates.
	text, err := a.get(ctx, "/api/v2/silences", nil)
	if err != nil {
		return answer{}, err
	}
	silences, err := parseSilences(text)
	if err != nil {
		return answer{}, err
	}
	text, err = a.get(ctx, "/api/v2/alerts",
		url.Values{"filter": {metric.LabelBundle + `="` + metric.BundleThorbis + `"`}})
	if err != nil {
		return answer{}, err
	}
	alerts, err := parseAlerts(text)
	return answer{alerts, silences}, err
}

func (a alertmanager) get(ctx context.Context, path string, query url.Values) ([]byte, error) {
	address := strings.TrimSuffix(a.settings.URL, "/") + path + "?" + query.Encode()
	return get(ctx, a.client, address, func(req *http.Request) error { return a.settings.Authorize(ctx, req) })
}

// fingerprintRE is how Alertmanager writes an alert's fingerprint.
var fingerprintRE = regexp.MustCompile(`^[0-9a-f]{16}$`)

// parseAlerts reads the answer of /api/v2/alerts. Alerts without a fingerprint cannot be acknowledged and
// are an error: whatever answered is no Alertmanager.
func parseAlerts(text []byte) ([]alert, error) {
	var alerts []alert
	if err := json.Unmarshal(text, &alerts); err != nil {
		return nil, fmt.Errorf("the alerts cannot be read: %w", err)
	}
	if len(alerts) > maxAlerts {
		return nil, fmt.Errorf("%d alerts; at most %d are read", len(alerts), maxAlerts)
	}
	for _, a := range alerts {
		if !fingerprintRE.MatchString(a.Fingerprint) {
			return nil, fmt.Errorf("an alert has the fingerprint %.32q", a.Fingerprint)
		}
	}
	return alerts, nil
}

// parseSilences reads the answer of /api/v2/silences and keeps the active ones.
func parseSilences(text []byte) (map[string]*silence, error) {
	var all []*silence
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, fmt.Errorf("the silences cannot be read: %w", err)
	}
	active := map[string]*silence{}
	for _, s := range all {
		if s == nil || s.Status.State != "active" {
			continue
		}
		if len(active) == maxSilences {
			return nil, fmt.Errorf("more than %d active silences", maxSilences)
		}
		active[s.ID] = s
	}
	return active, nil
}
