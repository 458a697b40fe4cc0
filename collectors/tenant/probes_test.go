package tenant

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/metric"
)

// probing is a collector that reads a log in which a client claims to be a health check.
type probing struct {
	*testing.T
	dir    string
	c      *Collector
	logged *testkit.Buffer
}

func newProbing(t *testing.T, more string) *probing {
	dir := t.TempDir()
	testkit.WriteFile(t, filepath.Join(dir, "tenants.yaml"), "tenants: [{name: acme, tier: gold}]")
	testkit.WriteFile(t, filepath.Join(dir, "access.json"), "")
	testkit.WriteFile(t, filepath.Join(dir, "secret"), "first-probe-secret\n")
	p := &probing{T: t, dir: dir, logged: &testkit.Buffer{}}
	p.c = New(Options{Logger: slog.New(slog.NewTextHandler(p.logged, nil)), Immediate: true})
	if err := collectors.Apply(p.c, filePolicy(t, dir, more)); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = collectors.Run(t.Context(), p.c, slog.New(slog.DiscardHandler), func(error, time.Duration) {})
	}()
	return p
}

// log logs a request of a host with keys, and waits until it is counted.
func (p *probing) log(keys string) {
	p.Helper()
	before := p.c.Lines()
	f, err := os.OpenFile(filepath.Join(p.dir, "access.json"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		p.Fatal(err)
	}
	fmt.Fprintf(f, `{"n":%d,"host":"acme.example.com","status":200,%s}`+"\n", before, keys)
	f.Close()
	testkit.Eventually(p.T, func() bool { return p.c.Lines() == before+1 }, "the line counts")
}

// wants compares the requests of the tenant and those of health checks.
func (p *probing) wants(requests, probes int) {
	p.Helper()
	var out bytes.Buffer
	if err := p.c.Write(&out); err != nil ||
		!strings.Contains(out.String(), fmt.Sprintf(`tenant="acme",code_class="2xx"} %d`+"\n", requests)) {
		p.Errorf("want %d requests: %v\n%s", requests, err, &out)
	}
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(p.c)
	families, err := registry.Gather()
	if err != nil {
		p.Fatal(err)
	}
	got := 0.0
	for _, family := range families {
		if family.GetName() == metric.TenantProbeRequests.Name {
			for _, m := range family.GetMetric() {
				got += m.GetCounter().GetValue()
			}
		}
	}
	if got != float64(probes) {
		p.Errorf("%v requests of health checks, want %d", got, probes)
	}
}

// No client leaves the counts of its tenant by what it sends.
func TestClientsDoNotLeaveTheCounts(t *testing.T) {
	const agent = `"http_user_agent":"thorbis_exporter/1","uri":"/?thorbis_probe=1","http_x_thorbis_probe":"home"`
	t.Run("nothing configured", func(t *testing.T) {
		p := newProbing(t, "")
		p.log(agent + `,"remote_addr":"127.0.0.1"`)
		p.wants(1, 0)
	})
	t.Run("addresses", func(t *testing.T) {
		p := newProbing(t, "  probes: {addresses: [192.0.2.0/28]}")
		p.log(agent + `,"remote_addr":"198.51.100.9","http_x_forwarded_for":"192.0.2.7"`)
		p.log(agent)
		p.wants(2, 0)
		p.log(agent + `,"remote_addr":"192.0.2.7"`)
		p.wants(2, 1)
	})
}

// The secret that health checks send is followed when it is rotated, and the one before it counts a while longer: what
// was sent with it may still be on its way.
func TestSecretOfHealthChecksIsFollowed(t *testing.T) {
	p := newProbing(t, "  probes: {secret: {file: secret}}")
	p.log(`"http_x_thorbis_probe":"second-probe-secret"`)
	p.wants(1, 0)
	p.log(`"http_x_thorbis_probe":"first-probe-secret"`)
	p.wants(1, 1)
	testkit.WriteFile(t, filepath.Join(p.dir, "secret"), "second-probe-secret\n")
	now, probes := time.Now(), p.c.current.Load().probes
	if err := probes.refresh(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	p.log(`"http_x_thorbis_probe":"first-probe-secret"`)
	p.log(`"http_x_thorbis_probe":"second-probe-secret"`)
	p.wants(1, 3)

	// A reload that leaves the probes alone forgets neither; the older one ends.
	if err := collectors.Apply(p.c, filePolicy(t, p.dir, "  limit: 7\n  probes: {secret: {file: secret}}")); err != nil {
		t.Fatal(err)
	}
	p.log(`"http_x_thorbis_probe":"first-probe-secret"`)
	p.wants(1, 4)
	if err := p.c.current.Load().probes.refresh(t.Context(), now.Add(11*time.Minute)); err != nil {
		t.Fatal(err)
	}
	p.log(`"http_x_thorbis_probe":"first-probe-secret"`)
	p.log(`"http_x_thorbis_probe":"second-probe-secret"`)
	p.wants(2, 5)
	if log := p.logged.String(); strings.Contains(log, "probe-secret") {
		t.Errorf("the log shows a secret:\n%s", log)
	}
}

// A secret that cannot be read proves nothing, which the log says; when it can be read, it counts.
func TestSecretOfHealthChecksIsMissing(t *testing.T) {
	p := newProbing(t, "  probes: {secret: {file: later}}")
	if log := p.logged.String(); !strings.Contains(log, "their secret cannot be read") {
		t.Errorf("log:\n%s", log)
	}
	p.log(`"http_user_agent":"thorbis_exporter/1","http_x_thorbis_probe":""`)
	p.wants(1, 0)
	testkit.WriteFile(t, filepath.Join(p.dir, "later"), "later-probe-secret")
	if err := p.c.current.Load().probes.refresh(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	p.log(`"http_x_thorbis_probe":"later-probe-secret"`)
	p.wants(1, 1)
}

// The health checks of a log that is read once leave the counts as they do in the server.
func TestProbesOfALogThatIsReadOnce(t *testing.T) {
	dir := t.TempDir()
	testkit.WriteFile(t, filepath.Join(dir, "tenants.yaml"), "tenants: [{name: acme, tier: gold}]")
	testkit.WriteFile(t, filepath.Join(dir, "access.json"), strings.Repeat(
		`{"host":"acme.example.com","status":200,"http_user_agent":"thorbis_exporter/1","remote_addr":"192.0.2.7"}`+"\n", 3)+
		`{"host":"acme.example.com","status":200,"http_user_agent":"thorbis_exporter/1","remote_addr":"192.0.2.8"}`+"\n")
	policy := filePolicy(t, dir, "  probes: {addresses: [192.0.2.7]}")
	source := *policy.Tenants.Sources[0]
	source.File, source.Stdin = "", true
	var out bytes.Buffer
	sum, err := Once(t.Context(), Options{Logger: slog.New(slog.DiscardHandler)}, policy, &source,
		[]string{filepath.Join(dir, "access.json")}, &out, nil)
	if err != nil || sum.Requests != 1 || sum.Lines != 4 {
		t.Errorf("%+v, %v", sum, err)
	}
}
