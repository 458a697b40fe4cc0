package main

import (
	"bufio"
	"fmt"
	"math"
	"math/rand"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// The log that the tenants' benchmarks read is made here: requests of many tenants, whose shares follow
// Zipf's law as those of a real platform do.
const (
	benchLines   = 1_000_000
	benchTenants = 10_000
	benchZipf    = 1.05
)

// logFile writes a log in a format and returns its size.
func logFile(dir, name, format string, lines, tenants int, seed int64) (string, int64, error) {
	path := filepath.Join(dir, name)
	f, err := os.Create(path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	r := rand.New(rand.NewSource(seed)) // it must be the same each time
	zipf := rand.NewZipf(r, benchZipf, 1, uint64(tenants-1))
	at := time.Now().Add(-time.Minute)
	statuses := []int{200, 200, 200, 200, 200, 200, 200, 200, 201, 204, 301, 304, 400, 404, 499, 500, 502}
	for i := range lines {
		at = at.Add(50 * time.Microsecond)
		tenant, status := zipf.Uint64(), statuses[r.Intn(len(statuses))]
		took := math.Exp(r.NormFloat64()) * 0.06
		size := 200 + r.Intn(40_000)
		if format == "combined" {
			_, err = fmt.Fprintf(w, `203.0.113.%d - - [%s] "GET /api/v1/orders/%d/items?page=%d HTTP/1.1" %d %d `+
				`"https://tenant-%d.thorbis.app/orders" "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) `+
				`Chrome/140.0.0.0 Safari/537.36" "tenant-%d.thorbis.app" %.3f`+"\n",
				r.Intn(256), at.Format("02/Jan/2006:15:04:05 -0700"), r.Intn(1e6), r.Intn(50), status, size, tenant, tenant, took)
		} else {
			_, err = fmt.Fprintf(w, `{"time":"%s","msec":%d.%03d,"remote_addr":"203.0.113.%d","host":"tenant-%d.thorbis.app",`+
				`"method":"GET","uri":"/api/v1/orders/%d/items","status":%d,"request_time":%.3f,"upstream_response_time":"%.3f",`+
				`"bytes_sent":%d,"request_id":"%016x%016x","http_referer":"https://tenant-%d.thorbis.app/orders",`+
				`"http_user_agent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"}`+"\n",
				at.Format(time.RFC3339), at.Unix(), at.Nanosecond()/1e6, r.Intn(256), tenant, r.Intn(1e6), status, took, took*0.9,
				size, r.Uint64(), i, tenant)
		}
		if err != nil {
			return "", 0, err
		}
	}
	if err := w.Flush(); err != nil {
		return "", 0, err
	}
	info, err := f.Stat()
	if err != nil {
		return "", 0, err
	}
	return path, info.Size(), nil
}

// cpuTime is what the process has used so far, in user and kernel mode.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func target(format string, args ...any) string { return fmt.Sprintf(format, args...) }
