package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/tenant"
	"github.com/thorbis/thorbis_exporter/internal/state"
)

var _ = register("tenant-receive", tenantReceive)

const eventsPerPost = 1000

// receiveOfEncodingJSON is the target of tenant-receive, a ratio of processor times of one run: posting, receiving,
// counting and saving events takes no more than inflating and decoding them with encoding/json.
const receiveOfEncodingJSON = 1.0

// tenantReceive measures posts as Cloudflare makes them, each acknowledged when it is on the disk. The
// clients are in the same process: what they need is part of the figure.
func tenantReceive(ctx context.Context, r *report) error {
	dir, err := os.MkdirTemp("", "bench-tenant-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := os.WriteFile(filepath.Join(dir, "secret"), []byte("bench"), 0o600); err != nil {
		return err
	}
	p, err := benchPolicy(dir, "{receive: cloudflare, app_service: web, secret_file: secret}")
	if err != nil {
		return err
	}
	sd, err := state.Open(filepath.Join(dir, "data"))
	if err != nil {
		return err
	}
	defer sd.Close() //nolint:errcheck // nothing of it is kept
	c := tenant.New(tenant.Options{Logger: slog.New(slog.DiscardHandler), State: sd})
	if err := collectors.Apply(c, p); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- collectors.Run(ctx, c, slog.New(slog.DiscardHandler), func(error, time.Duration) {}) }()
	server := httptest.NewServer(c.Receivers())
	defer server.Close()

	r.say("making posts of %d events", eventsPerPost)
	const posts = 400
	bodies := make([][]byte, posts)
	for i := range bodies {
		bodies[i] = cloudflarePost(i)
	}
	r.say("posting %d of them", posts)
	var next, refused atomic.Int64
	cpu, start := cpuTime(), time.Now()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= posts {
					return
				}
				for !post(ctx, server.URL, bodies[i]) && ctx.Err() == nil {
					refused.Add(1)
				}
			}
		})
	}
	wg.Wait()
	took, used := time.Since(start).Seconds(), (cpuTime() - cpu).Seconds()
	if got := c.Lines(); got != posts*eventsPerPost {
		return fmt.Errorf("%d events are counted, %d were posted", got, posts*eventsPerPost)
	}
	cpu = cpuTime()
	decoded, err := decodePosts(bodies)
	if err != nil {
		return err
	}
	alternative := (cpuTime() - cpu).Seconds()
	if decoded != posts*eventsPerPost {
		return fmt.Errorf("encoding/json decodes %d events, %d were posted", decoded, posts*eventsPerPost)
	}
	const each = 1e9 / (posts * eventsPerPost)
	r.add(figure{name: "gzip NDJSON, 1000 events a post, durable", value: posts * eventsPerPost / took, unit: "events/s"})
	r.add(figure{
		name: "the same by processor time, clients included", value: used * each, unit: "CPU-ns/event",
		against: "gzip and encoding/json decoding the same posts", ratio: used / alternative,
		target: target("<= %.1f of it", receiveOfEncodingJSON), met: used/alternative <= receiveOfEncodingJSON,
	})
	cancel()
	return <-done
}

// decodePosts inflates posts and decodes their events with encoding/json into the fields that are counted.
func decodePosts(bodies [][]byte) (events int, err error) {
	for _, body := range bodies {
		z, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return events, err
		}
		for in := json.NewDecoder(z); ; events++ {
			var event struct {
				ClientRequestHost, ClientRequestSource, RayID           string
				EdgeResponseStatus                                      int
				EdgeStartTimestamp, EdgeEndTimestamp, EdgeResponseBytes int64
			}
			if err := in.Decode(&event); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				return events, err
			}
		}
	}
	return events, nil
}

func cloudflarePost(n int) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	now := time.Now().UnixNano()
	for i := range eventsPerPost {
		id := strconv.FormatInt(int64(n*eventsPerPost+i)*2654435761, 16)
		fmt.Fprintf(z, `{"ClientRequestHost":"tenant-%d.thorbis.app","ClientRequestMethod":"GET",`+
			`"ClientRequestPath":"/api/orders/%d","ClientRequestSource":"eyeball","EdgeResponseStatus":200,`+
			`"OriginResponseStatus":200,"CacheCacheStatus":"dynamic","EdgeStartTimestamp":%d,"EdgeEndTimestamp":%d,`+
			`"EdgeTimeToFirstByteMs":98,"OriginResponseDurationMs":83,"EdgeResponseBytes":912,"RayID":"%s"}`+"\n",
			i%500, i, now-int64(i)*1e6-111e6, now-int64(i)*1e6, id)
	}
	_ = z.Close()
	return b.Bytes()
}

func post(ctx context.Context, url string, body []byte) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/api/v1/receive/cloudflare", bytes.NewReader(body))
	if err != nil {
		return false
	}
	req.Header.Set("Authorization", "bench")
	req.Header.Set("Content-Encoding", "gzip")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}
