package exporter

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/thorbis/thorbis_exporter/internal/browsertest"
)

// overflow says how far a page is wider than its window, and which tables are wider than the page.
const overflow = `(() => {
	const wide = [...document.querySelectorAll(".scroll")].filter(e => e.scrollWidth > e.clientWidth + 1);
	const page = document.documentElement;
	return (page.scrollWidth > innerWidth ? "the page has " + page.scrollWidth + " px; " : "") +
		wide.map(e => e.parentElement.id + " has " + e.scrollWidth + " px").join(", ");
})()`

// Long targets and texts widen the page at no width: on a telephone, on a laptop, on a wall.
func TestStatusPageFitsItsWindow(t *testing.T) {
	page, err := someStatus().page()
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(page) }))
	t.Cleanup(s.Close)
	b := browsertest.Start(t)
	for _, width := range []int64{390, 1280, 1920} {
		if err := b.Size(width, 900, width < 500); err != nil {
			t.Fatal(err)
		}
		if err := b.Open(s.URL + "/status"); err != nil {
			t.Fatal(err)
		}
		if got, err := browsertest.Eval[string](b, overflow); err != nil || got != "" {
			t.Errorf("at %d px: %s %v", width, got, err)
		}
		// The whole target is on the page, or in its title where it is cut off.
		whole := `[...document.querySelectorAll("td.code")].every(e => e.title == e.querySelector(".text").textContent)`
		if got, err := browsertest.Eval[bool](b, whole); err != nil || !got {
			t.Errorf("at %d px a target is not in its title: %v", width, err)
		}
	}
	for _, text := range b.Errors() {
		t.Errorf("the console shows %s", text)
	}
}
