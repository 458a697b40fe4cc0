package decode

import "testing"

func TestRefusal(t *testing.T) {
	logins := [][]byte{[]byte("/login"), []byte("/api/auth")}
	for _, tc := range []struct {
		path   string
		status int
		want   Refusal
	}{
		{"/orders", 200, 0},
		{"/orders", 404, 0},
		{"/orders", 401, 1 << Unauthorized},
		{"/orders", 403, 1 << Forbidden},
		{"/orders", 429, 1 << RateLimited},
		{"/orders", 503, 0},
		{"/login", 200, 0},
		{"/login", 302, 0},
		{"/login", 500, 0},
		{"/login", 0, 0},
		{"/login", 401, 1<<Unauthorized | 1<<FailedLogin},
		{"/login/", 422, 1 << FailedLogin},
		{"/login/sso", 400, 1 << FailedLogin},
		{"/loginpage", 401, 1 << Unauthorized},
		{"/Login", 401, 1 << Unauthorized},
		{"/api/auth/token", 429, 1<<RateLimited | 1<<FailedLogin},
		{"/api", 401, 1 << Unauthorized},
		{"", 401, 1 << Unauthorized},
	} {
		e := Event{Path: []byte(tc.path), Status: tc.status}
		if got := e.Refusal(logins); got != tc.want {
			t.Errorf("%s %d: %04b, want %04b", tc.path, tc.status, got, tc.want)
		}
	}
}
