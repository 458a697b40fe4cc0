package exporter

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// served is a collector with resources and nothing else.
type served []collectors.Endpoint

func (served) Describe(chan<- *prometheus.Desc) {}
func (served) Collect(chan<- prometheus.Metric) {}
func (served) Prepare(*config.Policy) (collectors.Change, error) {
	return collectors.Change{Commit: func() {}}, nil
}

func (served) Run(ctx context.Context, _ *collectors.Group) error {
	<-ctx.Done()
	return nil
}

func (s served) Endpoints() []collectors.Endpoint { return s }

// apiOf returns the answer of the API to a request, which must be one whatever the path.
func apiOf(t *testing.T, a answer) apiAnswer {
	t.Helper()
	var decoded apiAnswer
	if err := json.Unmarshal([]byte(a.body), &decoded); err != nil {
		t.Fatalf("%d, %v:\n%s", a.code, err, a.body)
	}
	if got := a.header.Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type %q", got)
	}
	if (decoded.Status == "success") != (a.code == http.StatusOK) {
		t.Errorf("%d with status %q", a.code, decoded.Status)
	}
	return decoded
}

func TestAPI(t *testing.T) {
	var log testkit.Buffer
	e := newExporter(Options{Logger: slog.New(slog.NewTextHandler(&log, nil)), Load: newPolicyFile(t, site(t)).load}, nil)
	wait, waiting := make(chan struct{}), make(chan struct{}, maxAPIRequests)
	e.add("served", served{
		{Path: "things/{name}", Answer: func(r *http.Request) (any, error) {
			switch name := r.PathValue("name"); name {
			case "a b":
				return map[string]string{"name": name, "html": "<b>"}, nil
			case "broken":
				return nil, errors.New("a detail for the log alone")
			case "panic":
				panic("poison")
			case "slow":
				waiting <- struct{}{}
				<-wait
				return struct{}{}, nil
			case "odd":
				return func() {}, nil // cannot be encoded
			case "sideways":
				return nil, collectors.InvalidRequest("invalid name %q: write it upright", name)
			default:
				return nil, collectors.NotFound("unknown thing %q", name)
			}
		}},
	})
	base := serve(t, e)
	for path, want := range map[string]struct {
		code            int
		kind, err, data string
	}{
		"things/a%20b":    {code: 200, data: `"data":{"html":"<b>","name":"a b"}`},
		"things/sideways": {400, "bad_data", `invalid name "sideways": write it upright`, ""},
		"things/other":    {404, "not_found", `unknown thing "other"`, ""},
		"nothing":         {404, "not_found", `unknown path "/api/v1/nothing": there are /api/v1/`, ""},
		"things/broken":   {500, "internal", "see the log", ""},
		"things/panic":    {500, "internal", "see the log", ""},
		"things/odd":      {500, "internal", "cannot be encoded", ""},
	} {
		a := get(t, base+apiPath+path)
		got := apiOf(t, a)
		if a.code != want.code || got.ErrorType != want.kind || !strings.Contains(got.Error, want.err) ||
			!strings.Contains(a.body, want.data) {
			t.Errorf("%s: %d %s, want %+v", path, a.code, a.body, want)
		}
		if strings.Contains(a.body, "a detail") {
			t.Errorf("%s: the client is given what is for the log", path)
		}
	}
	if !strings.Contains(log.String(), "a detail for the log alone") || !strings.Contains(log.String(), "poison") {
		t.Errorf("the log has no defects:\n%s", log.String())
	}
	a := ask(t, http.MethodPost, base+apiPath+"things/other")
	if apiOf(t, a); a.code != http.StatusMethodNotAllowed || a.header.Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %d %v", a.code, a.header)
	}

	done := make(chan answer, maxAPIRequests)
	for range maxAPIRequests {
		go func() { done <- get(t, base+apiPath+"things/slow") }()
	}
	for range maxAPIRequests {
		<-waiting
	}
	a = get(t, base+apiPath+"things/other")
	if got := apiOf(t, a); a.code != http.StatusServiceUnavailable || got.ErrorType != "unavailable" {
		t.Errorf("one request too many: %d %s", a.code, a.body)
	}
	close(wait)
	for range maxAPIRequests {
		if a := <-done; a.code != http.StatusOK {
			t.Errorf("a slow request: %d", a.code)
		}
	}
	if a := get(t, base+apiPath+"things/other"); a.code != http.StatusNotFound {
		t.Errorf("places are not given back: %d", a.code)
	}
}
