package receive

import (
	"context"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/internal/clientaddr"
)

// signature is what Vercel puts into its header.
func signature(body string) string { return signedBy(testSecret, body) }

func signedBy(secret, body string) string {
	mac := macOf([]byte(secret))
	_, _ = mac.Write([]byte(body))
	return hex.EncodeToString(mac.Sum(nil))
}

// A post of Vercel counts if its signature is that of its body, as it was sent or before it was compressed.
func TestSignature(t *testing.T) {
	const record = `{"requestId":"a","proxy":{"host":"acme.example.com","statusCode":200}}`
	for name, tc := range map[string]struct {
		body, signature string
		code            int
	}{
		"as sent":                {record, signature(record), 200},
		"in capitals":            {record, strings.ToUpper(signature(record)), 200},
		"compressed, as sent":    {zipped(record), signature(zipped(record)), 200},
		"compressed, before":     {zipped(record), signature(record), 200},
		"missing":                {record, "", 401},
		"of another body":        {record, signature(record + " "), 401},
		"by another secret":      {record, signedBy("other", record), 401},
		"by no secret":           {record, signedBy("", record), 401},
		"too short":              {record, signature(record)[:38], 401},
		"no hexadecimal":         {record, strings.Repeat("x", 40), 401},
		"compressed, of another": {zipped(record), signature(record + " "), 401},
		"broken gzip":            {zipped(record)[:20], signature(record), 401},
		"the secret itself":      {record, testSecret, 401},
	} {
		r := newTestReceiver(t, "vercel", nil)
		w := r.post(tc.body, signatureHeader, tc.signature)
		want := map[int]uint64{200: 1}[tc.code]
		if w.Code != tc.code || r.requests() != want || (r.last == Unauthorized) != (tc.code == 401) {
			t.Errorf("%s: answered %d with %d requests, result %d; want %d", name, w.Code, r.requests(), r.last, tc.code)
		}
		if known := r.proven.has(clientaddr.Prefix(post("192.0.2.1:1234"))); known != (tc.code == 200) {
			t.Errorf("%s: its address is known: %v", name, known)
		}
	}
}

// The verification of a drain is not signed and has no records; anything else that is not signed is refused.
func TestVerification(t *testing.T) {
	for _, tc := range []struct {
		verify, body string
		code         int
	}{
		{"code", "", 200},
		{"code", "[]", 200},
		{"code", " [] \n", 200},
		{"code", "[{}]", 401},
		{"code", strings.Repeat(" ", 2<<10), 401},
		{"", "", 401},
		{"", "[]", 401},
	} {
		r := newTestReceiver(t, "vercel", func(c *Config) { c.Verify = tc.verify })
		if w := r.post(tc.body); w.Code != tc.code || w.Header().Get("x-vercel-verify") != tc.verify {
			t.Errorf("verify %q, body %.10q: answered %d, %v", tc.verify, tc.body, w.Code, w.Header())
		}
	}
}

// Other receivers compare a header with the secret, with or without the word Bearer.
func TestSecretInAHeader(t *testing.T) {
	const record = `{"h":"acme.example.com","s":200}`
	for name, tc := range map[string]struct {
		header, value string
		code          int
	}{
		"bare":           {"X-Secret", testSecret, 200},
		"bearer":         {"X-Secret", "Bearer " + testSecret, 200},
		"missing":        {"X-Other", testSecret, 401},
		"empty":          {"X-Secret", "", 401},
		"bearer only":    {"X-Secret", "Bearer ", 401},
		"shorter":        {"X-Secret", testSecret[:5], 401},
		"longer":         {"X-Secret", testSecret + "x", 401},
		"another scheme": {"X-Secret", "Basic " + testSecret, 401},
		"a signature":    {signatureHeader, signature(record), 401},
	} {
		r := newTestReceiver(t, "json", func(c *Config) { c.Header = "X-Secret" })
		if w := r.post(record, tc.header, tc.value); w.Code != tc.code || r.requests() != map[int]uint64{200: 1}[tc.code] {
			t.Errorf("%s: answered %d with %d requests, want %d", name, w.Code, r.requests(), tc.code)
		}
	}
}

// An empty secret authorizes no post.
func TestEmptySecret(t *testing.T) {
	for _, kind := range []string{"vercel", "json"} {
		r := newTestReceiver(t, kind, nil)
		r.Secret = func(_ context.Context) ([]byte, error) { return nil, nil }
		for _, headers := range [][]string{
			nil, {"Authorization", ""}, {"Authorization", "Bearer "}, {signatureHeader, signedBy("", "{}")},
		} {
			if w := r.post("{}", headers...); w.Code != http.StatusUnauthorized {
				t.Errorf("%s %v: answered %d", kind, headers, w.Code)
			}
		}
	}
}
