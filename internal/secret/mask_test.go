package secret

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net/url"
	"strings"
	"testing"
)

func TestEverySpellingIsMasked(t *testing.T) {
	const password = `p&ss/w"rd+<ö>'\x`
	var v vault
	v.know("postgres://monitor:"+url.QueryEscape(password)+"@db/postgres", password,
		"Basic "+base64.StdEncoding.EncodeToString([]byte("user:other-password")),
		"Bearer eyJhbGciOi", "host=db password='it is \\'quoted\\'' dbname=x",
		"-----BEGIN KEY-----\nMIIEvgIBADANBgkq\n-----END KEY-----",
		"https://hooks.example.com/services/T000/B000/XXXXXXXX", "https://api.example.com/?token=abcdefgh1234")
	jsonText, err := json.Marshal(password)
	if err != nil {
		t.Fatal(err)
	}
	var page bytes.Buffer
	if err := template.Must(template.New("").Parse(`<p>{{.}}</p>`)).Execute(&page, password); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		password, string(jsonText), page.String(), fmt.Sprintf("%q", password), url.QueryEscape(password),
		url.PathEscape(password),
		strings.ToLower(url.QueryEscape(password)), url.UserPassword("monitor", password).String(),
		"postgres://monitor:" + url.QueryEscape(password) + "@db/postgres",
		"Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("user:other-password")),
		"user:other-password", "it is 'quoted'", "=other-password&", "token eyJhbGciOi.", "MIIEvgIBADANBgkq",
		`Post "https://hooks.example.com/services/T000/B000/XXXXXXXX": EOF`, "404 for /services/T000/B000/XXXXXXXX",
		"?token=abcdefgh1234",
	} {
		got := v.mask(text)
		if got == text || strings.Contains(got, "w\"rd") || strings.Contains(got, "other-pass") ||
			strings.Contains(got, "XXXX") {
			t.Errorf("%s: %s", text, got)
		}
	}
	for _, text := range []string{
		"host=db dbname=x", "db", "user", "https://hooks.example.com", "postgres://monitor",
		"/services",
	} {
		if got := v.mask(text); got != text {
			t.Errorf("%s: %s", text, got)
		}
	}
}

// A short secret is not looked for inside of words, a very short one not at all: each <secret> would show it.
func TestShortSecrets(t *testing.T) {
	var v vault
	v.know("a", "up", "prod1", "12345678")
	for text, want := range map[string]string{
		"a backup went up":                "a backup went up",
		"prod1 prod12 xprod1 (prod1)":     "<secret> prod12 xprod1 (<secret>)",
		"prod1":                           "<secret>",
		"token=12345678 and 991234567899": "token=<secret> and 99<secret>99",
	} {
		if got := v.mask(text); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
	v.know("secret")
	if got := v.mask("prod1 secret <secret>"); got != "<secret> <secret> <secret>" {
		t.Error(got)
	}
}

// One secret that begins another hides no part of it only.
func TestLongestWins(t *testing.T) {
	var v vault
	v.know("abcdefgh", "abcdefghijkl")
	if got := v.mask("abcdefghijkl abcdefghij"); got != "<secret> <secret>ij" {
		t.Error(got)
	}
}

func TestForgetsTheOldest(t *testing.T) {
	var v vault
	for i := range maxKnown + 1 {
		v.know(fmt.Sprintf("secret-%06d", i))
	}
	if len(v.values) != maxKnown || len(v.seen) != maxKnown {
		t.Errorf("%d values, %d seen", len(v.values), len(v.seen))
	}
	if got := v.mask(fmt.Sprintf("secret-%06d", maxKnown)); got != Masked {
		t.Error(got)
	}
}

func TestErrorKeepsItsKind(t *testing.T) {
	err := Error(fmt.Errorf("password hunter2-hunter2: %w", fs.ErrNotExist))
	Know("hunter2-hunter2") // only now
	if !errors.Is(err, fs.ErrNotExist) || err.Error() != "password <secret>: file does not exist" {
		t.Errorf("err = %v", err)
	}
	if Error(nil) != nil {
		t.Error("no error became one")
	}
}

func TestWriter(t *testing.T) {
	Know("written-in-two-pieces")
	var out bytes.Buffer
	w := NewWriter(&out)
	for _, piece := range []string{"a: written-in", "-two-pieces\nb: writ", "ten-in-two-pieces"} {
		if n, err := w.Write([]byte(piece)); n != len(piece) || err != nil {
			t.Fatal(n, err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); got != "a: <secret>\nb: <secret>" {
		t.Error(got)
	}
}

// FuzzMask holds that no secret survives and that nothing panics.
func FuzzMask(f *testing.F) {
	f.Add("a secret of some length", "before a secret of some length after")
	f.Add("p&ss%2Fw\"rd", "{\"x\":\"p\\u0026ss%2Fw\\\"rd\"}")
	f.Fuzz(func(t *testing.T, value, text string) {
		var v vault
		v.know(value)
		masked := v.mask(text + value + text)
		trimmed := strings.TrimSpace(value)
		for piece := range strings.SplitSeq(masked, Masked) {
			if len(trimmed) >= wordLength && strings.Contains(piece, trimmed) {
				t.Errorf("%q in %q", value, masked)
			}
		}
	})
}
