package saas

import (
	"bufio"
	"context"
	"fmt"
	"math"
	"math/rand"
	"os"
	"time"
)

// The traffic of the platform's users, in the log of the server in front of it. A few tenants make most of the
// requests, some hosts belong to no tenant, and what is broken fails.
const (
	trafficTick = 100 * time.Millisecond
	// zipf is the exponent of the tenants' shares.
	zipf = 1.4
	// rotateAbove is the size at which the log is renamed, as logrotate would.
	rotateAbove = 8 << 20
)

// Traffic logs requests in nginx's JSON until ctx ends.
func (p *Platform) Traffic(ctx context.Context, path string, perSecond float64) error {
	r := rand.New(rand.NewSource(time.Now().UnixNano())) // no secret
	shares := rand.NewZipf(r, zipf, 1, uint64(len(p.tenants)-1))
	tick := time.NewTicker(trafficTick)
	defer tick.Stop()
	due := 0.0
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		due += perSecond * trafficTick.Seconds()
		n := int(due)
		due -= float64(n)
		if err := p.log(path, n, r, shares); err != nil {
			return err
		}
	}
}

func (p *Platform) log(path string, n int, r *rand.Rand, shares *rand.Zipf) error {
	if info, err := os.Stat(path); err == nil && info.Size() > rotateAbove {
		if err := os.Rename(path, path+".1"); err != nil {
			return err
		}
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	for range n {
		host := p.tenants[shares.Uint64()] + ".demo.test"
		if r.Intn(100) == 0 {
			host = fmt.Sprintf("scanner-%d.example.net", r.Intn(1e6))
		}
		status, took := p.outcome(r)
		now := time.Now()
		fmt.Fprintf(w, `{"time":"%s","msec":%d.%03d,"host":"%s","method":"GET","request_uri":"/orders/%d","status":%d,`+
			`"request_time":%.3f,"bytes_sent":%d}`+"\n",
			now.Format(time.RFC3339), now.Unix(), now.Nanosecond()/1e6, host, r.Intn(1e5), status, took, 200+r.Intn(20_000))
	}
	return w.Flush()
}

// outcome is how a request ends in the platform's state.
func (p *Platform) outcome(r *rand.Rand) (status int, seconds float64) {
	took := 0.06 * math.Exp(0.6*r.NormFloat64())
	switch p.Mode() {
	case Refuse:
		return 502, 0.001
	case Hang:
		return 504, 60
	case Slow:
		return 200, slowness.Seconds() + took
	case Error:
		return 500, took
	}
	if r.Intn(50) == 0 {
		return 404, took / 2
	}
	return 200, took
}
