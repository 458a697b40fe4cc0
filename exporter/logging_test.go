package exporter

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/secret"
)

func TestLogLinesLookAsThoseOfOtherExporters(t *testing.T) {
	var out bytes.Buffer
	logger, err := NewLogger(&out, "info", "logfmt")
	if err != nil {
		t.Fatal(err)
	}
	logger.Debug("not this")
	logger.With("collector", "health").WithGroup("a").Info("two words",
		"err", errors.New("x y"), "took", time.Second, "list", []string{"b"}, slog.Group("g", "k", 1), "nil", nil)
	want := regexp.MustCompile(`^ts=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z caller=logging_test\.go:\d+ level=info ` +
		`msg="two words" collector=health a\.err="x y" a\.took=1s a\.list=\[b\] a\.g\.k=1 a\.nil=<nil>\n$`)
	if !want.MatchString(out.String()) {
		t.Errorf("got %q", out.String())
	}
}

func TestJSONLogLinesAreJSONWhateverIsLogged(t *testing.T) {
	var out bytes.Buffer
	logger, err := NewLogger(&out, "debug", "json")
	if err != nil {
		t.Fatal(err)
	}
	logger.Error("m", "nan", math.NaN(), "msg", "other", "f", func() {}, "n", 3)
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatalf("%v: %s", err, out.String())
	}
	if line["msg"] != "m" || line["logged_msg"] != "other" || line["nan"] != "NaN" || line["n"] != 3.0 ||
		line["level"] != "error" {
		t.Errorf("got %v", line)
	}
}

func TestUnknownLogSettingsAreRefused(t *testing.T) {
	for _, c := range [][2]string{{"loud", "json"}, {"info", "xml"}} {
		if _, err := NewLogger(nil, c[0], c[1]); err == nil || !strings.Contains(err.Error(), "use one of") {
			t.Errorf("%v: %v", c, err)
		}
	}
}

// A secret that something echoes is in no line, whenever it became known and wherever it stands.
func TestSecretsAreMaskedInLogs(t *testing.T) {
	const password = "echoed\"by a=program"
	for _, format := range LogFormats {
		var out bytes.Buffer
		logger, err := NewLogger(&out, "debug", format)
		if err != nil {
			t.Fatal(err)
		}
		bound := logger.With("bound", "x"+password)
		secret.Know(password)
		bound.Error("message "+password, "err", fmt.Errorf("exit: %s", password), "list", []string{password},
			slog.Group("g", "k", password))
		if strings.Contains(out.String(), "echoed") || strings.Count(out.String(), "secret") != 5 {
			t.Errorf("%s: %s", format, out.String())
		}
	}
}
