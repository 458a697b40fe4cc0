package saas

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestOutageOfOneTenantLeavesTheOthers(t *testing.T) {
	p := start(t)
	control := httptest.NewServer(p.Control())
	t.Cleanup(control.Close)
	client := &http.Client{Timeout: 300 * time.Millisecond}
	for mode, want := range map[Mode]int{
		Refuse: 0, Hang: 0, Slow: 0, Error: 500, "": 500, Brownout: 200, Vendor: 200, Damage: 200, Disk: 200,
	} {
		post(t, control.URL+"/outage?tenant=acme&mode="+string(mode), 200)
		for path, want := range map[string]int{"/t/acme/healthz": want, "/t/globex/healthz": 200, "/healthz": 200} {
			if got := status(client, "http://"+p.Address()+path); got != want {
				t.Errorf("mode %s of acme: %s answered %d, want %d", mode, path, got, want)
			}
		}
		post(t, control.URL+"/recover", 200)
		if got := status(client, "http://"+p.Address()+"/t/acme/healthz"); got != 200 {
			t.Errorf("after mode %s of acme: answered %d, want 200", mode, got)
		}
	}
}

func TestModeOfTenant(t *testing.T) {
	p := start(t)
	check := func(acme, globex Mode, damages bool) {
		t.Helper()
		if got := p.ModeOf("acme"); got != acme {
			t.Errorf("acme is in mode %s, want %s", got, acme)
		}
		if got := p.ModeOf("globex"); got != globex {
			t.Errorf("globex is in mode %s, want %s", got, globex)
		}
		if got := p.Damages(); got != damages {
			t.Errorf("backups are damaged: %v, want %v", got, damages)
		}
	}
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(Healthy, Healthy, false)
	changed := p.Changed()
	do(p.BreakTenant("acme", Damage))
	<-changed
	check(Damage, Healthy, true)
	do(p.Break(Error)) // is wider
	check(Error, Error, false)
	do(p.Recover())
	check(Healthy, Healthy, false)
}

func TestControlExplainsWhatIsUnknown(t *testing.T) {
	p := start(t)
	control := httptest.NewServer(p.Control())
	t.Cleanup(control.Close)
	for query, want := range map[string]string{
		"mode=sideways": `unknown mode "sideways": write one of refuse, hang, slow, error, brownout, vendor, backup, ` +
			`disk`,
		"mode=sideways&tenant=acme": `unknown mode "sideways"`,
		"tenant=acne":               `unknown tenant "acne": write one of acme, globex`,
	} {
		resp, err := http.Post(control.URL+"/outage?"+query, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != http.StatusBadRequest || !strings.Contains(string(text), want) {
			t.Errorf("%s: %d %s, want 400 and %s", query, resp.StatusCode, text, want)
		}
	}
	if p.Mode() != Healthy || p.ModeOf("acme") != Healthy {
		t.Error("a refused outage began")
	}
}

func TestUnavailableModeSaysWhy(t *testing.T) {
	p, err := Start(Config{
		Listen: "127.0.0.1:0", ListenTLS: "127.0.0.1:0", Tenants: []string{"acme"},
		Unavailable: map[Mode]string{Disk: "missing disk"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	for _, err := range []error{p.Break(Disk), p.BreakTenant("acme", Disk)} {
		if err == nil || !strings.Contains(err.Error(), "missing disk") {
			t.Errorf("an outage that is not possible: %v", err)
		}
	}
	if p.FillsDisk() || p.Mode() != Healthy {
		t.Errorf("the platform is in mode %s", p.Mode())
	}
}

// The vendor's status page says why the platform fails in mode vendor, and that all is well otherwise.
func TestStatusPageOfTheVendor(t *testing.T) {
	p := start(t)
	control := httptest.NewServer(p.Control())
	t.Cleanup(control.Close)
	page := func() string {
		resp, err := http.Get(control.URL + "/vendor/api/v2/summary.json")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil || !json.Valid(text) {
			t.Fatalf("%v: %s", err, text)
		}
		return string(text)
	}
	if text := page(); !strings.Contains(text, `"indicator": "none"`) || !strings.Contains(text, `"incidents": []`) {
		t.Error(text)
	}
	post(t, control.URL+"/outage?mode=vendor", 200)
	if text := page(); !strings.Contains(text, `"name": "Database", "status": "major_outage"`) {
		t.Error(text)
	}
	post(t, control.URL+"/recover", 200)
	if text := page(); strings.Contains(text, "outage") {
		t.Error(text)
	}
}
