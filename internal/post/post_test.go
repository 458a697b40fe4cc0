package post

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestRedirectIsNoDelivery(t *testing.T) {
	login := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was followed") }))
	defer login.Close()
	code, location := http.StatusOK, ""
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if location != "" {
			w.Header().Set("Location", location)
		}
		w.WriteHeader(code)
	}))
	defer s.Close()
	for _, x := range []struct {
		code           int
		location, want string
	}{
		{http.StatusOK, "", ""},
		{http.StatusInternalServerError, "", ""},
		{http.StatusFound, login.URL + "/?key=secret", "it answered 302 Found, to " + login.URL + ": write"},
		{http.StatusPermanentRedirect, login.URL, "it answered 308 Permanent Redirect, to " + login.URL + ": write"},
		{http.StatusNotModified, "", "it answered 304 Not Modified"},
	} {
		code, location = x.code, x.location
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := Do(req)
		switch {
		case x.want == "" && err != nil, x.want != "" && (err == nil || !strings.HasPrefix(err.Error(), x.want)),
			err != nil && strings.Contains(err.Error(), "secret"):
			t.Errorf("%d: %v, want %q", x.code, err, x.want)
		case err == nil:
			_ = resp.Body.Close()
			if resp.StatusCode != x.code {
				t.Errorf("%d is %d", x.code, resp.StatusCode)
			}
		}
	}
}
