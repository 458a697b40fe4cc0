package saas

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func start(t *testing.T) *Platform {
	t.Helper()
	p, err := Start(Config{Listen: "127.0.0.1:0", ListenTLS: "127.0.0.1:0", Tenants: []string{"acme", "globex"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func TestPlatformAnswersItsTenants(t *testing.T) {
	p := start(t)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(p.CA())
	client := &http.Client{
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}},
	}
	for url, want := range map[string]int{
		"http://" + p.Address() + "/healthz":              200,
		"http://" + p.Address() + "/t/acme/healthz":       200,
		"http://" + p.Address() + "/t/stranger/healthz":   404,
		"http://" + p.Address() + "/t/acme/elsewhere":     404,
		"https://" + p.AddressTLS() + "/t/globex/healthz": 200,
	} {
		if got := status(client, url); got != want {
			t.Errorf("%s answered %d, want %d", url, got, want)
		}
	}
}

func TestOutagesBeginAndEnd(t *testing.T) {
	p := start(t)
	control := httptest.NewServer(p.Control())
	t.Cleanup(control.Close)
	url := "http://" + p.Address() + "/t/acme/healthz"
	client := &http.Client{Timeout: 300 * time.Millisecond}
	for mode, want := range map[Mode]int{Refuse: 0, Hang: 0, Slow: 0, Error: 500} {
		post(t, control.URL+"/outage?mode="+string(mode), 200)
		if got := status(client, url); got != want {
			t.Errorf("during %s the answer was %d, want %d", mode, got, want)
		}
		post(t, control.URL+"/recover", 200)
		if got := status(client, url); got != 200 {
			t.Errorf("after %s the answer was %d, want 200", mode, got)
		}
	}
	post(t, control.URL+"/outage?mode=nonsense", 400)
	p.FailNext(1)
	if first, second := status(client, url), status(client, url); first != 500 || second != 200 {
		t.Errorf("FailNext(1) answered %d and %d, want 500 and 200", first, second)
	}
}

func status(client *http.Client, url string) int {
	resp, err := client.Get(url)
	if err != nil {
		return 0
	}
	resp.Body.Close()
	return resp.StatusCode
}

func post(t *testing.T, url string, want int) {
	t.Helper()
	resp, err := http.Post(url, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != want {
		t.Fatalf("%s answered %d, want %d", url, resp.StatusCode, want)
	}
}
