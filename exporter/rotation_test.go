package exporter

import (
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/backup/program"
	"github.com/thorbis/thorbis_exporter/collectors/backup/verify"
	"github.com/thorbis/thorbis_exporter/collectors/business"
	"github.com/thorbis/thorbis_exporter/collectors/database"
	"github.com/thorbis/thorbis_exporter/collectors/security"
	"github.com/thorbis/thorbis_exporter/collectors/tenant"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/supabase"
	"github.com/thorbis/thorbis_exporter/internal/tenants"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// used is what the other side of a collector was last shown.
type used struct {
	mu   sync.Mutex
	seen string
	web  string // an HTTP server
	tcp  string // the port of a server that reads and hangs up
	dir  string // with the file "secret"
}

func (u *used) see(text string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.seen += text
}

func (u *used) saw(text string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return strings.Contains(u.seen, text)
}

// rotation is how a key that names a secret is written and used.
type rotation struct {
	policy string
	text   string // of the file, with %s for the secret
	ask    func(t *testing.T, u *used, p *config.Policy) func()
}

// rotations says for each key that can name a secret how a policy writes it, what is in the file, and how it comes to
// be used. A collector that is in the background returns nil and is run.
var rotations = map[string]rotation{
	"alertmanagers[].token_file": {
		policy: `alertmanagers: [{name: main, url: "WEB", token_file: secret}]`, ask: openIncidents,
	},
	"alertmanagers[].password_file": {
		policy: `alertmanagers: [{name: main, url: "WEB", username: u, password_file: secret}]`, ask: openIncidents,
	},
	"alertmanagers[].events.secret": {
		policy: `alertmanagers: [{name: main, url: "WEB", events: {secret: {file: secret}}}]`,
		text:   "long-enough-%s",
		ask:    postEvents,
	},
	"channels.*.pagerduty.api.token_file": {
		policy: `alertmanagers: [{name: main, url: "WEB"}]`, ask: openIncidents,
	},
	"business.databases[].dsn_file": {
		policy: `business: {databases: [{name: main, dsn_file: secret}], ` +
			`figures: [{name: f, query: SELECT 1, interval: 10s}]}`,
		text: "host=127.0.0.1 port=TCP sslmode=disable user=%s", ask: businessFigures,
	},
	"business.databases[].replica.dsn_file": {
		policy: `business: {databases: [{name: main, dsn_env: NOT_SET_ANYWHERE, replica: {dsn_file: secret}}], ` +
			`figures: [{name: f, query: SELECT 1, interval: 10s}]}`,
		text: "host=127.0.0.1 port=TCP sslmode=disable user=%s", ask: businessFigures,
	},
	"security.access[].postgres.dsn_file": {
		policy: `security: {access: [{name: main, postgres: {dsn_file: secret}}]}`,
		text:   "host=127.0.0.1 port=TCP sslmode=disable user=%s",
		ask: func(t *testing.T, _ *used, p *config.Policy) func() {
			p.Security().Access[0].Interval = config.Duration(10 * time.Millisecond)
			return background(t, p, security.New(security.Options{Logger: quiet(), Interval: 10 * time.Millisecond}))
		},
	},
	"databases[].dsn_file": {
		policy: `databases: [{name: main, dsn_file: secret, interval: 5s}]`,
		text:   "host=127.0.0.1 port=TCP sslmode=disable user=%s",
		ask: func(t *testing.T, _ *used, p *config.Policy) func() {
			return background(t, p, database.New(database.Options{Logger: quiet()}))
		},
	},
	"tenants.registry.postgres.dsn_file": {
		policy: `tenants: {registry: {postgres: {dsn_file: secret, query: SELECT 1}}}`,
		text:   "host=127.0.0.1 port=TCP sslmode=disable user=%s",
		ask: func(t *testing.T, _ *used, p *config.Policy) func() {
			reader, err := tenants.NewRegistry(nil, quiet()).Prepare(&p.Tenants.Registry)
			if err != nil {
				t.Fatal(err)
			}
			return func() { _, _ = reader.Refresh(t.Context()) }
		},
	},
	"tenants.sources[].secret_file": {
		policy: `tenants: {host: "{tenant}.example.com", sources: [{receive: json, app_service: web, secret_file: secret, ` +
			`fields: {host: h, status: s}}]}`,
		ask: func(t *testing.T, u *used, p *config.Policy) func() {
			c := tenant.New(tenant.Options{Logger: quiet()})
			background(t, p, c)
			return func() {
				for _, secret := range []string{"first-secret", "other-secret"} {
					r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/v1/receive/json",
						strings.NewReader(`{"h":"a.example.com","s":200}`))
					r.Header.Set("Authorization", secret)
					w := httptest.NewRecorder()
					c.Receivers().ServeHTTP(w, r)
					if w.Code != http.StatusUnauthorized {
						u.see(secret)
					}
				}
			}
		},
	},
	"delivery.services[].sources[].github.token": pollDeployments("github: {repo: acme/app, token: {file: secret}"),
	"delivery.services[].sources[].vercel.token": pollDeployments("vercel: {project: app, token: {file: secret}"),
	"delivery.services[].sources[].gitlab.token": pollDeployments("gitlab: {project: acme/app, token: {file: secret}"),
	"delivery.services[].sources[].events.key":   postDeployments("events", "events: {key: {file: secret}"),
	"delivery.services[].sources[].github.webhook_secret": postDeployments("github",
		"github: {repo: acme/app, webhook_secret: {file: secret}"),
	"delivery.services[].sources[].vercel.webhook_secret": postDeployments("vercel",
		"vercel: {project: app, webhook_secret: {file: secret}"),
	"tenants.sources[].kafka.sasl.password": streamRotation(
		`kafka: {brokers: ["a:1"], topic: t, sasl: {mechanism: plain, username: u, password: {file: secret}}}`, plainKafka),
	"tenants.sources[].kafka.tls.key_file": streamRotation(`kafka: {brokers: ["a:1"], topic: t, `+
		`tls: {cert_file: pair.pem, key_file: pair.pem, insecure_skip_verify: true}}`, tlsKafka),
	"tenants.sources[].nats.password": streamRotation(
		`nats: {url: "nats://a:1", stream: S, username: u, password: {file: secret}}`, fakeNATS(false)),
	"tenants.sources[].nats.token": streamRotation(
		`nats: {url: "nats://a:1", stream: S, token: {file: secret}}`, fakeNATS(false)),
	"tenants.sources[].nats.credentials": streamRotation(
		`nats: {url: "nats://a:1", stream: S, credentials: {file: credentials}}`, fakeNATS(false)),
	"tenants.sources[].nats.tls.key_file": streamRotation(`nats: {url: "nats://a:1", stream: S, `+
		`tls: {cert_file: pair.pem, key_file: pair.pem, insecure_skip_verify: true}}`, fakeNATS(true)),
	"tenants.sources[].forward.kafka.sasl.password": forwardRotation(
		`kafka: {brokers: ["a:1"], topic: t, sasl: {mechanism: plain, username: u, password: {file: secret}}}`, plainKafka),
	"tenants.sources[].forward.kafka.tls.key_file": forwardRotation(`kafka: {brokers: ["a:1"], topic: t, `+
		`tls: {cert_file: pair.pem, key_file: pair.pem, insecure_skip_verify: true}}`, tlsKafka),
	"tenants.sources[].forward.nats.password": forwardRotation(
		`nats: {url: "nats://a:1", stream: S, subject: s, username: u, password: {file: secret}}`, fakeNATS(false)),
	"tenants.sources[].forward.nats.token": forwardRotation(
		`nats: {url: "nats://a:1", stream: S, subject: s, token: {file: secret}}`, fakeNATS(false)),
	"tenants.sources[].forward.nats.credentials": forwardRotation(
		`nats: {url: "nats://a:1", stream: S, subject: s, credentials: {file: credentials}}`, fakeNATS(false)),
	"tenants.sources[].forward.nats.tls.key_file": forwardRotation(`nats: {url: "nats://a:1", stream: S, subject: s, `+
		`tls: {cert_file: pair.pem, key_file: pair.pem, insecure_skip_verify: true}}`, fakeNATS(true)),
	"storage.supabase.token_file": {
		policy: `storage: {supabase: {url: "WEB", token_file: secret, projects: [{ref: abcdefghijklmnopqrst, compute: ` +
			`micro}]}}`,
		ask: func(t *testing.T, _ *used, p *config.Policy) func() {
			// The collector asks once a minute at most; this is the client that it keeps.
			c, err := supabase.New(supabase.Options{BaseURL: p.Storage.Supabase.URL, TokenFile: p.Storage.Supabase.TokenFile})
			if err != nil {
				t.Fatal(err)
			}
			return func() { _, _ = c.Disk(t.Context(), p.Storage.Supabase.Projects[0].Ref) }
		},
	},
	"backups[].source.secrets.*": {
		policy: `backups: [{name: db, interval: 1d, source: {program: restic, repository: /r, command: [PROGRAM], secrets: ` +
			`{RESTIC_PASSWORD: {file: secret}}}}]`,
		ask: func(t *testing.T, u *used, p *config.Policy) func() {
			return func() { _, _ = program.List(t.Context(), p.Backups[0]); u.see(read(u)) }
		},
	},
	"backups[].restore_test.secrets.*": {
		policy: `backups: [{name: db, interval: 1d, results: DIR, source: {program: directory, path: DIR, pattern: "*"}, ` +
			`restore_test: {command: [PROGRAM], scratch: DIR, secrets: {RESTIC_PASSWORD: {file: secret}}}}]`,
		ask: func(t *testing.T, u *used, p *config.Policy) func() {
			return func() {
				_, _ = verify.Restore(t.Context(), p.Backups[0], verify.RestoreOptions{Say: func(string, ...any) {}})
				u.see(read(u))
			}
		},
	},
	"health.checks[].secret_headers.*": {
		policy: `health: {checks: [{name: home, app_service: web, target: "WEB", secret_headers: {Authorization: {file: ` +
			`secret}}}]}`,
		ask: probeHome,
	},
	"procedures.ping_keys[]": {
		policy: `procedures: {ping_keys: [{file: secret}], expected: [{name: job, interval: 1d, page: P3}]}`,
		text:   "long-enough-%s",
		ask: func(t *testing.T, u *used, p *config.Policy) func() {
			return pingWith(t, u, p, func(secret string) string { return "long-enough-" + secret + "/job" })
		},
	},
	"procedures.people[].key": {
		policy: `procedures: {people: [{name: ada, key: {file: secret}}], expected: [{name: job, interval: 1d, page: P3, ` +
			`task: {}}]}`,
		text: "long-enough-%s",
		ask: func(t *testing.T, u *used, p *config.Policy) func() {
			return pingWith(t, u, p, func(secret string) string { return "long-enough-" + secret + "/job" })
		},
	},
	"procedures.expected[].ping_id": {
		policy: `procedures: {expected: [{name: job, interval: 1d, page: P3, ping_id: {file: secret}}]}`,
		text:   pingID,
		ask: func(t *testing.T, u *used, p *config.Policy) func() {
			return pingWith(t, u, p, func(secret string) string { return fmt.Sprintf(pingID, secret) })
		},
	},
	"tenants.probes.secret": {
		policy: `tenants: {host: "{tenant}.example.com", probes: {secret: {file: secret}}, sources: [{file: access.json, ` +
			`format: nginx-json, app_service: web}]}`,
		ask: logProbes,
	},
}

// A secret that is rotated is used without a reload, whichever key names it. The keys are those of the policy's types;
// a variable of the environment does not change while a program runs.
func TestEverySecretRotatesWithoutReload(t *testing.T) {
	keys := slices.DeleteFunc(config.SecretKeys(), func(key string) bool { return strings.HasSuffix(key, "_env") })
	slices.Sort(keys)
	if covered := slices.Sorted(maps.Keys(rotations)); !slices.Equal(keys, covered) {
		t.Fatalf("the policy has the keys\n%q, and tested are\n%q", keys, covered)
	}
	for _, key := range keys {
		t.Run(key, func(t *testing.T) {
			t.Parallel()
			c, u := rotations[key], newUsed(t)
			put := func(secret string) {
				text := secret
				if c.text != "" {
					text = fmt.Sprintf(strings.ReplaceAll(c.text, "TCP", u.tcp), secret)
				}
				testkit.WriteFile(t, filepath.Join(u.dir, "secret"), text+"\n")
			}
			put("first-secret")
			channels := "channels: {deadman: none}\n"
			if strings.HasPrefix(key, "channels.") {
				channels = "channels: {deadman: none, pager: {pagerduty: {routing_key_file: secret, api: {token_file: secret, " +
					"url: \"WEB\"}}}}\n"
			}
			text := "version: 1\n" + channels + "services: [{name: web, owner: sre}]\n" + c.policy + "\n"
			text = strings.NewReplacer("WEB", u.web, "PROGRAM", filepath.Join(u.dir, "program"), "DIR", u.dir).Replace(text)
			name := filepath.Join(u.dir, "p.yaml")
			testkit.WriteFile(t, name, text)
			p, err := config.Load(name)
			if err != nil {
				t.Fatal(err)
			}
			ask := c.ask(t, u, p)
			testkit.Eventually(t, func() bool { ask(); return u.saw("first-secret") }, "the first secret is used")
			put("other-secret")
			testkit.Eventually(t, func() bool { ask(); return u.saw("other-secret") }, "the new secret is used")
		})
	}
}

// newUsed listens for whatever uses a secret.
func newUsed(t *testing.T) *used {
	t.Helper()
	u := &used{dir: t.TempDir()}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u.see(r.Header.Get("Authorization") + " ")
		if _, password, ok := r.BasicAuth(); ok {
			u.see(password + " ")
		}
		http.Error(w, "no", http.StatusNotFound)
	}))
	t.Cleanup(web.Close)
	u.web = web.URL
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	_, u.tcp, _ = net.SplitHostPort(l.Addr().String())
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			b := make([]byte, 4096)
			n, _ := conn.Read(b)
			u.see(string(b[:n]))
			_ = conn.Close()
		}
	}()
	program := "#!/bin/sh\necho \"$RESTIC_PASSWORD\" >> " + filepath.Join(u.dir, "calls") + "\necho '[]'\n"
	if err := os.WriteFile(filepath.Join(u.dir, "program"), []byte(program), 0o700); err != nil {
		t.Fatal(err)
	}
	return u
}

// businessFigures asks for the figures of a policy as often as it can be.
func businessFigures(t *testing.T, _ *used, p *config.Policy) func() {
	p.Business().Figures[0].Interval = config.Duration(10 * time.Millisecond)
	return background(t, p, business.New(business.Options{Logger: quiet()}))
}
