package delivery

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

func document(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestParseGitHub(t *testing.T) {
	e, err := parseGitHub("deployment_status", document(t, "github_deployment_status.json"))
	if err != nil {
		t.Fatal(err)
	}
	c := e.deployment.change(e.status)
	if e.repo != "acme/app" || !e.deployment.in("production") || e.deployment.in("staging") || c.id != "3000000077" ||
		c.state != metric.DeploymentSuccess || !c.at.Equal(time.Date(2026, 9, 21, 10, 5, 0, 0, time.UTC)) ||
		!c.created.Equal(time.Date(2026, 9, 21, 10, 0, 0, 0, time.UTC)) || c.ref != "main" {
		t.Errorf("%+v %+v", e, c)
	}
	for _, text := range []string{
		"", "{", "[]", "{}", `{"deployment":{"id":-1},"repository":{"full_name":"a/b"}}`,
		`{"deployment":{"id":1},"repository":{"full_name":"a/b"}}`,
	} {
		if _, err := parseGitHub("deployment_status", []byte(text)); err == nil {
			t.Errorf("%q is an event", text)
		}
	}
	if e, err := parseGitHub("push", []byte("{}")); err != nil || e.deployment != nil {
		t.Errorf("%+v, %v", e, err)
	}
	for state, want := range map[string]string{
		"success": metric.DeploymentSuccess, "error": metric.DeploymentFailure, "inactive": "", "queued": pending, "new": "",
	} {
		if got := e.deployment.change(&gitHubStatus{State: state}).state; got != want {
			t.Errorf("%s is %q, want %q", state, got, want)
		}
	}
}

func TestParseVercel(t *testing.T) {
	e, err := parseVercel(document(t, "vercel_promoted.json"))
	c := e.change
	if err != nil || e.id != "evt1" || e.project != "prj_5a" || e.target != "production" || c.id != "dpl_9kT" ||
		c.state != metric.DeploymentSuccess || c.at.UnixMilli() != 1790000300000 || c.title != "Mend the login (#1234)" ||
		c.url != "https://vercel.com/acme/app/9kT" {
		t.Errorf("%+v, %v", e, err)
	}
	e, err = parseVercel(document(t, "vercel_rollback.json"))
	if err != nil || e.change.from != "dpl_9kT" || e.change.to != "dpl_8jS" || e.change.at.UnixMilli() != 1790000900000 {
		t.Errorf("%+v, %v", e, err)
	}
	for _, text := range []string{"", "{", "[]", `{"type":"deployment.promoted","payload":{}}`} {
		if _, err := parseVercel([]byte(text)); err == nil {
			t.Errorf("%q is an event", text)
		}
	}
	if e, err := parseVercel([]byte(`{"type":"firewall.attack","createdAt":1e99}`)); err != nil || e.project != "" {
		t.Errorf("%+v, %v", e, err)
	}
}

func TestParseOwn(t *testing.T) {
	e, err := parseOwn(document(t, "event.json"))
	if err != nil {
		t.Fatal(err)
	}
	all := e.changes(testStart)
	if len(all) != 1 || all[0].state != metric.DeploymentSuccess || all[0].pullRequest != 1234 ||
		all[0].at.Sub(all[0].commitTime) != 65*time.Minute {
		t.Errorf("%+v", all)
	}
	e, err = parseOwn([]byte(`{"rolled_back_from":"build-17","rolled_back_to":"build-16"}`))
	all = e.changes(testStart)
	if err != nil || len(all) != 1 || all[0].from != "build-17" || !all[0].at.Equal(testStart) {
		t.Errorf("%+v, %v", all, err)
	}
	for _, text := range []string{
		"", "{}", `{"id":"1","result":"great"}`, `{"id":"1","rezult":"success"}`, `{"id":"1","live_at":"yesterday"}`,
		`{"id":"1"}{"id":"2"}`,
	} {
		if _, err := parseOwn([]byte(text)); err == nil {
			t.Errorf("%q is an event", text)
		}
	}
}

// The vector of GitHub's documentation on validating webhooks.
func TestSignatures(t *testing.T) {
	source := watchedSource{"web", "github:acme/app", &config.DeliverySource{GitHub: &config.GitHubDeployments{}}}
	var s secrets
	s.hooks.Store(&[]hookSecret{
		{text: "another secret of another"},
		{text: "It's a Secret to Everybody", sources: []watchedSource{source}},
	})
	isGitHub := func(o watchedSource) bool { return o.GitHub != nil }
	const right = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
	sig, ok := gitHubSignature(right)
	if got := s.signers(sig, []byte("Hello, World!"), isGitHub); !ok || len(got) != 1 {
		t.Errorf("%v, %v", got, ok)
	}
	if got := s.signers(sig, []byte("Hello, World?"), isGitHub); len(got) != 0 {
		t.Errorf("%v", got)
	}
	isVercel := func(o watchedSource) bool { return o.Vercel != nil }
	if got := s.signers(sig, []byte("Hello, World!"), isVercel); len(got) != 0 {
		t.Errorf("the secret of GitHub signs for %v", got)
	}
	for _, header := range []string{"", "sha256=", right[7:], "sha1=" + right[7:], right + "00", "sha256=zz"} {
		if _, ok := gitHubSignature(header); ok {
			t.Errorf("%q is a signature", header)
		}
	}
	if _, ok := vercelSignature(hex.EncodeToString(make([]byte, 20))); !ok {
		t.Error("no signature")
	}
	if _, ok := vercelSignature(""); ok {
		t.Error("nothing is a signature")
	}
}

// Whatever is posted, what is taken of it stays within its bounds.
func FuzzPosts(f *testing.F) {
	for _, name := range []string{
		"github_deployment_status.json", "vercel_promoted.json", "vercel_rollback.json", "event.json",
	} {
		f.Add(document(f, name))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var all []change
		if e, err := parseGitHub("deployment_status", body); err == nil {
			all = append(all, e.deployment.change(e.status))
		}
		if e, err := parseVercel(body); err == nil {
			all = append(all, e.change)
		}
		if e, err := parseOwn(body); err == nil {
			all = append(all, e.changes(testStart)...)
		}
		s := testService()
		for _, c := range all {
			c.source = "github:acme/app"
			c, ok := c.clean(testStart)
			if !ok {
				continue
			}
			if c.at.After(testStart) || c.commitTime.After(testStart) || len(c.title) > maxText || len(c.ref) > maxText ||
				len(c.url) > maxURL+20 || len(c.id) > 64 {
				t.Fatalf("%+v", c)
			}
			s.apply(c, testRules, testStart)
			s.evaluate(testRules, testStart.Add(time.Hour))
		}
		for _, d := range s.Deployments {
			if d.Name == "" || len(d.Name) > 80 {
				t.Fatalf("%+v", d)
			}
		}
	})
}
