package saas

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"time"
)

const (
	trafficTick = 100 * time.Millisecond
	// zipf is the exponent of the tenants' shares: with 40 tenants the first makes a third of the requests, the last
	// one of 200.
	zipf = 1.2
	// rotateAbove is the size at which the log is renamed, as logrotate would.
	rotateAbove = 8 << 20
	// One of so many requests is a log-in, of which one of so many fails.
	loginEvery, loginFails = 50, 10
	// failing is the share of requests that fail in a brownout.
	failing = 0.2
)

// Traffic is what the users of the platform do, as the log of the server in front of it has it: a few tenants make most
// of the requests, some hosts belong to no tenant, and what is broken fails.
type Traffic struct {
	Log       string // in nginx's JSON; when it is large it is renamed to Log.1
	PerSecond float64
	Seed      uint64 // the same seed makes the same traffic
	Episodes  bool   // now and then one tenant is noisy or slow
}

// generator writes the log.
type generator struct {
	Traffic
	platform *Platform
	random   *rand.Rand
	shares   *rand.Zipf
	due      float64
}

func newGenerator(p *Platform, t Traffic) *generator {
	r := rand.New(rand.NewPCG(t.Seed, 0))
	return &generator{Traffic: t, platform: p, random: r, shares: rand.NewZipf(r, zipf, 1, uint64(len(p.tenants)-1))}
}

// Traffic logs requests until ctx ends.
func (p *Platform) Traffic(ctx context.Context, t Traffic) error {
	g, began := newGenerator(p, t), time.Now()
	tick := time.NewTicker(trafficTick)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := g.append(time.Since(began)); err != nil {
			return err
		}
	}
}

// Shares returns the share of the requests that each of so many tenants makes, the largest first.
func Shares(tenants int) []float64 {
	shares, sum := make([]float64, tenants), 0.0
	for i := range shares {
		shares[i] = math.Pow(float64(1+i), -zipf)
		sum += shares[i]
	}
	for i := range shares {
		shares[i] /= sum
	}
	return shares
}

// append logs the requests of one tick.
func (g *generator) append(elapsed time.Duration) error {
	if info, err := os.Stat(g.Log); err == nil && info.Size() > rotateAbove {
		if err := os.Rename(g.Log, g.Log+".1"); err != nil {
			return err
		}
	}
	f, err := os.OpenFile(g.Log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	g.write(w, time.Now(), elapsed)
	return w.Flush()
}

// write writes the requests of one tick.
func (g *generator) write(w io.Writer, now time.Time, elapsed time.Duration) {
	var current episode
	if g.Episodes {
		current = episodeAt(g.Seed, elapsed, len(g.platform.tenants))
	}
	for g.due += g.PerSecond * trafficTick.Seconds(); g.due >= 1; g.due-- {
		rank := int(g.shares.Uint64())
		tenant := g.platform.tenants[rank]
		host := tenant + ".demo.test"
		if g.random.IntN(100) == 0 {
			host = fmt.Sprintf("scanner-%d.example.net", g.random.IntN(1e6))
		}
		status, took := g.outcome(g.platform.ModeOf(tenant))
		if current.is(slowTenant, rank) {
			took *= slowFactor
		}
		path := fmt.Sprintf("/orders/%d", g.random.IntN(1e5))
		if g.random.IntN(loginEvery) == 0 {
			path = "/login"
			if status < 400 && g.random.IntN(loginFails) == 0 {
				status = 401
			}
		}
		g.request(w, now, host, path, status, took)
		if current.kind == noisyTenant && g.random.Float64() < noise {
			noisy := g.platform.tenants[current.tenant]
			status, took := g.outcome(g.platform.ModeOf(noisy))
			if status < 500 && g.random.Float64() < limited {
				status, took = 429, 0.001
			}
			g.request(w, now, noisy+".demo.test", fmt.Sprintf("/orders/%d", g.random.IntN(1e5)), status, took)
		}
	}
}

// request writes one line.
func (g *generator) request(w io.Writer, now time.Time, host, path string, status int, seconds float64) {
	fmt.Fprintf(w, `{"time":"%s","msec":%d.%03d,"host":"%s","method":"GET","request_uri":"%s","status":%d,`+
		`"request_time":%.3f,"bytes_sent":%d}`+"\n",
		now.Format(time.RFC3339), now.Unix(), now.Nanosecond()/1e6, host, path, status, seconds,
		200+g.random.IntN(20_000))
}

// outcome returns how a request ends in a state of the platform. Durations are log-normal: half are below 60 ms, 1 of
// 270 above 300 ms.
func (g *generator) outcome(mode Mode) (status int, seconds float64) {
	took := 0.06 * math.Exp(0.6*g.random.NormFloat64())
	switch mode {
	case Refuse:
		return 502, 0.001
	case Hang:
		return 504, 60
	case Slow:
		return 200, slowness.Seconds() + took
	case Error:
		return 500, took
	case Brownout, Vendor:
		if g.random.Float64() < failing {
			return 503, took
		}
	}
	if g.random.IntN(50) == 0 {
		return 404, took / 2
	}
	return 200, took
}
