package saas

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// counts are requests of a tenant.
type counts struct{ all, failed, slow, limited int }

// generate returns the requests of a time since the start, by tenant.
func generate(t *testing.T, p *Platform, traffic Traffic, from, until time.Duration) map[string]counts {
	t.Helper()
	g := newGenerator(p, traffic)
	var out bytes.Buffer
	for at := from; at < until; at += trafficTick {
		g.write(&out, time.Now(), at)
	}
	all := map[string]counts{}
	for line := range bytes.Lines(out.Bytes()) {
		var e struct {
			Host    string  `json:"host"`
			Status  int     `json:"status"`
			Seconds float64 `json:"request_time"`
		}
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		tenant, _, _ := strings.Cut(e.Host, ".")
		c := all[tenant]
		c.all++
		if e.Status >= 500 {
			c.failed++
		}
		if e.Seconds > 0.3 {
			c.slow++
		}
		if e.Status == 429 {
			c.limited++
		}
		all[tenant] = c
	}
	return all
}

func manyTenants(t *testing.T) *Platform {
	t.Helper()
	c := Config{Listen: "127.0.0.1:0", ListenTLS: "127.0.0.1:0"}
	for i := range 40 {
		c.Tenants = append(c.Tenants, fmt.Sprintf("tenant-%02d", i))
	}
	p, err := Start(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func TestTrafficIsOfFewTenantsMostly(t *testing.T) {
	p := manyTenants(t)
	all := generate(t, p, Traffic{PerSecond: 1000}, 0, 30*time.Second)
	first, last := all["tenant-00"], all["tenant-39"]
	if first.all < 20*last.all || last.all == 0 {
		t.Errorf("the first tenant made %d requests, the last %d", first.all, last.all)
	}
	if first.failed > 0 || first.slow == 0 || first.slow > first.all/100 {
		t.Errorf("of %d requests in good health %d failed and %d were slow", first.all, first.failed, first.slow)
	}
}

func TestOutagesInTraffic(t *testing.T) {
	for _, c := range []struct {
		mode                 Mode
		failed, atMost, slow float64 // shares
	}{
		{Refuse, 1, 1, 0},
		{Hang, 1, 1, 1},
		{Slow, 0, 0, 1},
		{Error, 1, 1, 0},
		{Brownout, .15, .25, 0},
		{Damage, 0, 0, 0},
	} {
		p := manyTenants(t)
		if err := p.BreakTenant("tenant-01", c.mode); err != nil {
			t.Fatal(err)
		}
		all := generate(t, p, Traffic{PerSecond: 1000}, 0, 10*time.Second)
		broken, other := all["tenant-01"], all["tenant-00"]
		failed, slow := float64(broken.failed)/float64(broken.all), float64(broken.slow)/float64(broken.all)
		if failed < c.failed || failed > c.atMost || slow < c.slow {
			t.Errorf("%s: %.2f of the requests failed and %.2f were slow", c.mode, failed, slow)
		}
		if other.failed > 0 || other.slow > other.all/50 {
			t.Errorf("%s: another tenant has %+v", c.mode, other)
		}
	}
}

func TestTheSameSeedMakesTheSameTraffic(t *testing.T) {
	p := manyTenants(t)
	traffic := Traffic{PerSecond: 400, Seed: 7, Episodes: true}
	one, two := generate(t, p, traffic, 0, 10*time.Second), generate(t, p, traffic, 0, 10*time.Second)
	if fmt.Sprint(one) != fmt.Sprint(two) {
		t.Errorf("%v and %v", one, two)
	}
}

// Whatever the seed is, one tenant is slow and another noisy within ten minutes, and what they do shows.
func TestEpisodes(t *testing.T) {
	p := manyTenants(t)
	for seed := range uint64(20) {
		seconds := map[episode]int{}
		for at := time.Duration(0); at < 10*time.Minute; at += time.Second {
			if e := episodeAt(seed, at, len(p.tenants)); e != (episode{}) {
				seconds[e]++
			}
		}
		if len(seconds) != 2 {
			t.Fatalf("seed %d: episodes %v, want one of a slow and one of a noisy tenant", seed, seconds)
		}
		for e, n := range seconds {
			if n != int(episodeTime.Seconds()) || e.tenant < firstInEpisodes || e.tenant >= endOfEpisodes {
				t.Errorf("seed %d: %+v for %d s", seed, e, n)
			}
		}
	}
	traffic := Traffic{PerSecond: 40, Seed: 1, Episodes: true}
	of := func(from time.Duration) counts { // the minute in the middle of its span is in every episode
		tenant := p.tenants[episodeAt(traffic.Seed, from, len(p.tenants)).tenant]
		return generate(t, p, traffic, from, from+20*time.Second)[tenant]
	}
	if c := of(episodeEvery / 2); c.slow*5 < c.all || c.slow*2 > c.all {
		t.Errorf("a slow tenant has %+v", c)
	}
	if c := of(episodeEvery * 3 / 2); c.all < 200 || c.limited == 0 || c.failed > 0 {
		t.Errorf("a noisy tenant has %+v", c)
	}
	if e := episodeAt(1, episodeEvery/2, 4); e.tenant != firstInEpisodes {
		t.Errorf("of four tenants %d has an episode", e.tenant)
	}
	if e := episodeAt(1, episodeEvery/2, 2); e != (episode{}) {
		t.Errorf("of two tenants one has an episode: %+v", e)
	}
}

func TestLogIsRotated(t *testing.T) {
	p := manyTenants(t)
	path := filepath.Join(t.TempDir(), "access.json")
	g := newGenerator(p, Traffic{Log: path, PerSecond: 10})
	if err := os.WriteFile(path, make([]byte, rotateAbove+1), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := g.append(0); err != nil {
			t.Fatal(err)
		}
	}
	new, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	old, err := os.Stat(path + ".1")
	if err != nil {
		t.Fatal(err)
	}
	if new.Size() == 0 || new.Size() > 10_000 || old.Size() != rotateAbove+1 {
		t.Errorf("the log has %d bytes, the one before %d", new.Size(), old.Size())
	}
}

// BenchmarkTraffic measures a second of the demonstration's traffic.
func BenchmarkTraffic(b *testing.B) {
	p, err := Start(Config{Listen: "127.0.0.1:0", ListenTLS: "127.0.0.1:0", Tenants: []string{"acme", "globex"}})
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	g := newGenerator(p, Traffic{Log: filepath.Join(b.TempDir(), "access.json"), PerSecond: 40, Episodes: true})
	for b.Loop() {
		for range int(time.Second / trafficTick) {
			if err := g.append(0); err != nil {
				b.Fatal(err)
			}
		}
	}
}
