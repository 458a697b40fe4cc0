package backtest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestLoad: the server is busy with us for at most the share of the time that --load says, one request at a time. A
// rest that is longer, on a slow machine, is none the worse.
func TestLoad(t *testing.T) {
	const share = .5
	var mu sync.Mutex
	var busy int
	var took time.Duration
	var ended time.Time
	rests := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		began := time.Now()
		mu.Lock()
		defer mu.Unlock()
		if busy++; busy > 1 {
			t.Error("two requests at a time")
		}
		if !ended.IsZero() {
			if rest, least := began.Sub(ended), time.Duration(float64(took)*(1/share-1)); rest < least {
				t.Errorf("a rest of %s after a request of %s, want at least %s", rest, took, least)
			}
			rests++
		}
		time.Sleep(2 * time.Millisecond) // an answer takes time, for the rest after it is a multiple of that
		answer := `{"status":"success","data":{"resultType":"matrix","result":[]}}`
		if strings.HasSuffix(req.URL.Path, "/series") {
			answer = `{"status":"success","data":[{}]}`
		}
		_, _ = w.Write([]byte(answer))
		busy--
		ended = time.Now()
		took = ended.Sub(began)
	}))
	defer server.Close()
	_, bundle := load(t, policy)
	_, err := Run(context.Background(), bundle, Options{
		URL: server.URL, From: time.Unix(0, 0), To: time.Unix(60, 0), Chunk: time.Minute, Load: share,
		Interval: 15 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if rests < 10 {
		t.Errorf("only %d rests: that proves nothing", rests)
	}
}
