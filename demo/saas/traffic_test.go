package saas

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

func TestTrafficFollowsTheStateOfThePlatform(t *testing.T) {
	p, err := Start(Config{Listen: "127.0.0.1:0", ListenTLS: "127.0.0.1:0", Tenants: []string{"acme", "globex"}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	path := filepath.Join(t.TempDir(), "access.json")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- p.Traffic(ctx, Traffic{Log: path, PerSecond: 1000}) }()
	sees := func(status int) {
		t.Helper()
		testkit.Eventually(t, func() bool {
			text, _ := os.ReadFile(path)
			for line := range bytes.Lines(text) {
				var e struct {
					Host   string
					Status int
				}
				if err := json.Unmarshal(line, &e); err == nil && e.Status == status && e.Host != "" {
					return true
				}
			}
			return false
		}, "a request that ends with %d", status)
	}
	sees(200)
	if err := p.Break(Error); err != nil {
		t.Fatal(err)
	}
	sees(500)
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}
