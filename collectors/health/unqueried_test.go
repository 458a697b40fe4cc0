package health

import "testing"

// The query of a target is hidden where it stands as one, and its longer values wherever they do; what is short stays
// readable elsewhere.
func TestUnqueried(t *testing.T) {
	for _, c := range []struct{ target, text, want string }{
		{
			"https://example.com/?a", "a banana at https://example.com/?a&thorbis_probe=1",
			"a banana at https://example.com/?<not shown>&thorbis_probe=1",
		},
		{
			"https://example.com/?t=1", "result 1 t=1 https://example.com/?t=1",
			"result 1 t=1 https://example.com/?<not shown>",
		},
		{
			"https://example.com/?token=abcdefgh%2F12", `Location: https://other/?x=1&t=abcdefgh%2F12 "abcdefgh/12"`,
			`Location: https://other/?x=1&t=<not shown> "<not shown>"`,
		},
		{"https://example.com/", "a?b", "a?b"},
	} {
		if got := unqueried(c.text, c.target); got != c.want {
			t.Errorf("%s: %s, want %s", c.target, got, c.want)
		}
	}
}
