package tenant

import (
	"io"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

const stdinPolicy = `version: 1
environment: test
channels: {deadman: none}
services: [{name: web, owner: sre, page: P2}]
tenants:
  host: "{tenant}.example.com"
  sources: [{name: pipe, stdin: true, format: combined, app_service: web}]
`

// The program reads its standard input: whole lines only, on across a reload, the last one without its end, and
// after a kill the next pipe adds to what was saved.
func TestStandardInput(t *testing.T) {
	k := newKilled(t, program(t))
	testkit.WriteFile(t, k.path("p.yaml"), stdinPolicy)
	page := func() string {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://exporter/metrics", nil)
		resp, err := k.client.Do(req)
		if err != nil {
			return ""
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		return string(text)
	}
	sum := func() string {
		_, after, _ := strings.Cut(page(), "\nthorbis_policy_info{")
		info, _, _ := strings.Cut(after, "}")
		return info
	}
	counted := func(n uint64) {
		t.Helper()
		k.written["acme"] = n
		testkit.Eventually(t, func() bool { return k.scrape() && len(k.missing()) == 0 }, "%d requests", n)
	}
	line := `192.0.2.7 - - [` + time.Now().Format("02/Jan/2006:15:04:05 -0700") +
		`] "GET / HTTP/1.1" 200 512 "-" "curl" "acme.example.com" 0.1` + "\n"
	total := uint64(0)
	for _, end := range []string{"killed", "closed"} {
		in, out, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		k.stdin = in
		cmd := k.start(false)
		in.Close()
		write := func(text string) {
			t.Helper()
			if _, err := io.WriteString(out, text); err != nil {
				t.Fatal(err)
			}
		}
		write(strings.Repeat(line, 1000) + "rubbish\n" + line[:40])
		counted(total + 1000)
		before := sum()
		testkit.WriteFile(t, k.path("p.yaml"), strings.Replace(stdinPolicy, "owner: sre", "owner: "+end, 1))
		if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		testkit.Eventually(t, func() bool { now := sum(); return now != "" && now != before }, "the reload")
		write(line[40:] + strings.Repeat(line, 500))
		counted(total + 1501)
		total += 1501
		if end == "closed" {
			write(strings.TrimSuffix(line, "\n"))
			out.Close()
			counted(total + 1)
			testkit.Eventually(t, func() bool {
				now := page()
				return strings.Contains(now, `thorbis_tenant_source_up{app_service="web",environment="test",source="pipe"} 0`) &&
					strings.Contains(now,
						`thorbis_tenant_source_rejects_total{app_service="web",environment="test",reason="syntax",source="pipe"} 2`)
			}, "the end of the input")
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		out.Close()
	}
}
