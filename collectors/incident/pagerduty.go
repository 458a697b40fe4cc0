package incident

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/secret"
)

const (
	pagerDutyPage  = 100
	pagerDutyPages = 10
	// maxTitle is longer than PagerDuty's titles are, 1,024 characters.
	maxTitle = 4096
)

// pagerDutyIncident is an open incident of PagerDuty's REST API v2.
type pagerDutyIncident struct {
	Title              string    `json:"title"`
	Status             string    `json:"status"`
	CreatedAt          time.Time `json:"created_at"`
	LastStatusChangeAt time.Time `json:"last_status_change_at"`
	Service            struct {
		Summary string `json:"summary"`
	} `json:"service"`
	Acknowledgements []struct {
		At time.Time `json:"at"`
	} `json:"acknowledgements"`
}

// group is what one page is about: Alertmanager groups by environment, priority and service, or by the subject of what
// concerns no service (metric.Subject), and PagerDuty knows each group as one incident.
type group struct{ environment, about, priority string }

// pagerDuty asks for the open incidents of one service.
type pagerDuty struct {
	name     string // of the channel
	settings *config.PagerDuty
	client   *http.Client
}

// acknowledged returns when somebody acknowledged which groups in PagerDuty.
func (p pagerDuty) acknowledged(ctx context.Context) (map[group][]acknowledgement, error) {
	acknowledged := map[group][]acknowledgement{}
	for page := range pagerDutyPages {
		text, err := p.page(ctx, page*pagerDutyPage)
		if err != nil {
			return nil, err
		}
		incidents, more, err := parsePagerDuty(text)
		if err != nil {
			return nil, err
		}
		for _, i := range incidents {
			g, ok := groupOf(i.Title)
			if !ok || i.Status != "acknowledged" || p.settings.Service != "" && i.Service.Summary != p.settings.Service {
				continue
			}
			acknowledged[g] = append(acknowledged[g], i.acknowledged()...)
		}
		if !more {
			return acknowledged, nil
		}
	}
	return nil, fmt.Errorf("more than %d incidents are open", pagerDutyPage*pagerDutyPages)
}

func (p pagerDuty) page(ctx context.Context, offset int) ([]byte, error) {
	query := url.Values{
		"statuses[]": {"triggered", "acknowledged"},
		"date_range": {"all"}, // else only the last month
		"limit":      {strconv.Itoa(pagerDutyPage)},
		"offset":     {strconv.Itoa(offset)},
	}
	address := strings.TrimSuffix(p.settings.API.URL, "/") + "/incidents?" + query.Encode()
	return get(ctx, p.client, address, func(req *http.Request) error {
		token, err := secret.Ref{File: p.settings.API.TokenFile}.Line(ctx)
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Token token="+token)
		req.Header.Set("Accept", "application/vnd.pagerduty+json;version=2")
		return nil
	})
}

func parsePagerDuty(text []byte) (incidents []pagerDutyIncident, more bool, err error) {
	var answer struct {
		Incidents *[]pagerDutyIncident `json:"incidents"`
		More      bool                 `json:"more"`
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return nil, false, fmt.Errorf("the incidents cannot be read: %w", err)
	}
	if answer.Incidents == nil {
		return nil, false, fmt.Errorf("the answer has no incidents")
	}
	return *answer.Incidents, answer.More, nil
}

// titleRE reads the title of a page, which the template thorbis.title begins the same way everywhere:
// "[P1] web in production: ..." or "[P2] host db-1 in production: ...". PagerDuty lists it; the key by which
// Alertmanager groups, it does not explain.
var titleRE = regexp.MustCompile(`^\[(P[1-4])\] (?:(\S*[^\s:](?: \S*[^\s:])*) in )?(\S{1,63}): `)

func groupOf(title string) (group, bool) {
	if len(title) > maxTitle {
		return group{}, false
	}
	m := titleRE.FindStringSubmatch(title)
	if m == nil {
		return group{}, false
	}
	return group{environment: m[3], about: m[2], priority: m[1]}, true
}

// acknowledged returns the incident's acknowledgements: those that it lists, else the moment at which it became
// acknowledged.
func (i pagerDutyIncident) acknowledged() []acknowledgement {
	var list []acknowledgement
	for _, a := range i.Acknowledgements {
		list = append(list, acknowledgement{at: a.At, opened: i.CreatedAt})
	}
	if len(list) == 0 {
		at := i.LastStatusChangeAt
		if at.IsZero() {
			at = i.CreatedAt
		}
		list = append(list, acknowledgement{at: at, opened: i.CreatedAt})
	}
	return list
}
