package program

import (
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/config"
)

func TestSecretThatCannotBeReadIsAnErrorWithItsName(t *testing.T) {
	refs := map[string]*config.SecretRef{"A": {File: "/no/such/file"}, "B": {Env: "THORBIS_TEST_NOT_SET"}}
	for name := range refs {
		if _, err := readSecret(t.Context(), refs, name); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Environment(t.Context(), nil, refs); err == nil {
		t.Error("a program is run without its secret")
	}
}
