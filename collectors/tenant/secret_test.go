package tenant

import (
	"net/http"
	"testing"

	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// The sender's new secret is taken from the moment at which it is written, and the old one is not any more.
func TestReceiversSecretRotates(t *testing.T) {
	o := newTestCollector(t, receivingPolicy, t.TempDir())
	const body = `{"h":"acme.example.com","s":200}`
	file := o.c.current.Load().policy.Tenants.Sources[0].SecretFile
	code := func(secret string) int { return o.post("json", body, "Authorization", secret).StatusCode }
	if got := code(secret); got != http.StatusOK {
		t.Fatalf("first secret: %d", got)
	}
	testkit.WriteFile(t, file, "rotated-secret\n")
	if old, next := code(secret), code("rotated-secret"); old != http.StatusUnauthorized || next != http.StatusOK {
		t.Errorf("old %d, new %d", old, next)
	}
}
