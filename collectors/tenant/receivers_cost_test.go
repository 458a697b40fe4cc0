package tenant

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/receive"
)

// served hands a post to the receivers without a network between.
func (o *testCollector) served(kind, body string, headers ...string) int {
	return o.servedFrom("192.0.2.1:1", kind, body, headers...)
}

func (o *testCollector) servedFrom(from, kind, body string, headers ...string) int {
	r := httptest.NewRequest(http.MethodPost, "/api/v1/receive/"+kind, strings.NewReader(body))
	r.RemoteAddr = from
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	o.c.Receivers().ServeHTTP(w, r)
	return w.Code
}

// allocated is how many bytes f allocates, whether or not they are freed again.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// A body that inflates to as much as one may costs a few MiB, whoever sends it to whichever receiver, and whatever it
// holds.
func TestPostCostsFewMiB(t *testing.T) {
	o := newTestCollector(t, receivingPolicy, t.TempDir())
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // or pools are emptied in between
	spaces := strings.Repeat(" ", receive.MaxInflated)
	vercel := strings.Repeat(vercelRecord("a")+"\n", receive.MaxInflated/len(vercelRecord("a")+"\n")/8)
	cloudflare := strings.Repeat(
		`{"ClientRequestHost":"acme.example.com","EdgeResponseStatus":200,"EdgeResponseBytes":1}`+"\n", 200_000)
	message := `{"requestId":"big","message":"` + strings.Repeat("x", 1<<20) +
		`","proxy":{"host":"acme.example.com","statusCode":200}}`
	bomb, wrong := zipped(spaces), strings.Repeat("0", 40)
	for _, tc := range []struct {
		name, kind, body string
		headers          []string
		code             int
		most             uint64
	}{
		{"no signature", "vercel", bomb, nil, 401, 1 << 20},
		{"wrong signature", "vercel", bomb, []string{"x-vercel-signature", wrong}, 401, 1 << 20},
		{
			"wrong signature, not zipped", "vercel", spaces[:receive.MaxBody],
			[]string{"x-vercel-signature", wrong},
			401, receive.MaxBody + 1<<20,
		},
		{
			"wrong signature, said to be zipped", "vercel", bomb,
			[]string{"x-vercel-signature", wrong, "Content-Encoding", "gzip"},
			401, 1 << 20,
		},
		{"signed as sent", "vercel", bomb, []string{"x-vercel-signature", signature(bomb)}, 200, 2 << 20},
		{"signed before", "vercel", bomb, []string{"x-vercel-signature", signature(spaces)}, 200, 2 << 20},
		{"signed records", "vercel", zipped(vercel), []string{"x-vercel-signature", signature(vercel)}, 200, 4 << 20},
		{
			"signed, large records", "vercel", zipped(strings.Repeat(message+"\n", 20)),
			[]string{"x-vercel-signature", signature(strings.Repeat(message+"\n", 20))},
			200, 12 << 20,
		},
		{"no secret", "cloudflare", bomb, nil, 401, 1 << 20},
		{"spaces", "cloudflare", bomb, []string{"X-Secret", secret}, 200, 2 << 20},
		{"records", "cloudflare", zipped(cloudflare), []string{"X-Secret", secret}, 200, 4 << 20},
		{"no secret", "json", bomb, nil, 401, 1 << 20},
		{"spaces", "json", bomb, []string{"Authorization", secret}, 200, 2 << 20},
		{
			"one record without an end", "json", zipped(`{"h":"` + spaces[:receive.MaxInflated/2]),
			[]string{"Authorization", secret},
			400, 12 << 20,
		},
		{
			"an array without an end", "json", zipped("[" + strings.Repeat("{},", receive.MaxRecords+1)),
			[]string{"Authorization", secret},
			413, 4 << 20,
		},
	} {
		run := func() {
			if code := o.served(tc.kind, tc.body, tc.headers...); code != tc.code {
				t.Errorf("%s to %s: %d, want %d", tc.name, tc.kind, code, tc.code)
			}
		}
		run() // fills the pools
		if n := allocated(run); n > tc.most {
			t.Errorf("%s to %s: %d KiB, at most %d", tc.name, tc.kind, n>>10, tc.most>>10)
		}
	}
}

// Posts whose senders have proven no right, and that cost as much as a post can, refuse no lawful one, and eight of
// them at a time cost no more memory than eight times a few MiB.
func TestHostilePostsRefuseNoLawfulOne(t *testing.T) {
	o := newTestCollector(t, receivingPolicy, t.TempDir())
	bomb := zipped(strings.Repeat(" ", receive.MaxInflated))
	var wg sync.WaitGroup
	var tried atomic.Int64
	done := make(chan struct{})
	for range 8 {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				resp := o.post("vercel", bomb, "x-vercel-signature", strings.Repeat("0", 40))
				if resp.StatusCode != http.StatusUnauthorized && resp.StatusCode != http.StatusTooManyRequests {
					t.Errorf("a bomb: %s", resp.Status)
				}
				tried.Add(1)
			}
		})
	}
	n := uint64(0)
	for ; n < 50 || tried.Load() < 16; n++ {
		body := zipped(vercelRecord(fmt.Sprint(n)))
		if resp := o.post("vercel", body, "x-vercel-signature", signature(body)); resp.StatusCode != http.StatusOK {
			t.Errorf("a lawful post: %s", resp.Status)
		}
	}
	close(done)
	wg.Wait()
	o.wants(n)
}

// Bombs that wait for their signatures to be judged keep no sender waiting whose address was never seen, and take no
// more memory than bodies on their way may.
func TestWaitingBombsRefuseNoNewSender(t *testing.T) {
	o := newTestCollector(t, receivingPolicy, t.TempDir())
	bomb := zipped(strings.Repeat(" ", receive.MaxInflated))
	var wg sync.WaitGroup
	var tried atomic.Int64
	done := make(chan struct{})
	for i := range 60 {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				from := fmt.Sprintf("198.51.100.%d:1", i%4)
				if code := o.servedFrom(
					from, "vercel", bomb, "x-vercel-signature", strings.Repeat("0", 40),
				); code == http.StatusOK {
					t.Error("a bomb was taken")
				}
				tried.Add(1)
			}
		})
	}
	n := uint64(0)
	for ; n < 10 || tried.Load() < 60; n++ {
		record := vercelRecord(fmt.Sprint(n)) + "\n"
		// Signed before it was compressed, so that it must be inflated too.
		if code := o.servedFrom(fmt.Sprintf("203.0.113.%d:1", n), "vercel", zipped(record), "x-vercel-signature",
			signature(record)); code != http.StatusOK {
			t.Errorf("post %d of a new sender: %d", n, code)
		}
	}
	close(done)
	wg.Wait()
	o.wants(n)
}

// 500 connections that send a byte now and then, with and without something that looks like a signature, or with the
// secret of a receiver of their own, refuse no lawful post.
func TestSlowPostsRefuseNoLawfulOne(t *testing.T) {
	o := newTestCollector(t, receivingPolicy, t.TempDir())
	address := strings.TrimPrefix(o.url, "http://")
	lawful := func(n int) {
		t.Helper()
		body := vercelRecord(fmt.Sprint(n))
		if resp := o.post("vercel", body, "x-vercel-signature", signature(body)); resp.StatusCode != http.StatusOK {
			t.Errorf("a lawful post: %s", resp.Status)
		}
	}
	lawful(0) // from the address that the slow ones come from, too
	var slow []net.Conn
	for i := range 500 {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		headers := "x-vercel-signature: " + strings.Repeat("0", 40)
		if i%5 == 0 {
			headers = "X-Nothing: 1"
		}
		fmt.Fprintf(conn, "POST /api/v1/receive/vercel HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n%s\r\n\r\n[", headers)
		slow = append(slow, conn)
		if i%10 == 0 {
			lawful(i + 1)
		}
	}
	var wg sync.WaitGroup
	for c := range 4 {
		wg.Go(func() {
			for i := range 25 {
				lawful(1000 + 100*c + i)
			}
		})
	}
	wg.Wait()
	o.wants(1 + 50 + 100)
	// Who was displaced got an answer, and is no longer waited for.
	answered := 0
	for _, conn := range slow {
		_ = conn.(*net.TCPConn).CloseWrite()
		if resp, err := http.ReadResponse(bufio.NewReader(conn), nil); err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			answered++
		}
	}
	if answered < 500-2*receive.Readers {
		t.Errorf("%d of 500 slow posts were answered", answered)
	}
}
