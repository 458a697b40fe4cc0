module github.com/thorbis/thorbis_exporter/tools/alertmanager

go 1.26.0

// The newest release, which the tests run; tools/amtool has the oldest one that is supported. It is built in a copy, with
// the versions of its own go.mod: the pages that it embeds are not part of the module (Makefile).
require github.com/prometheus/alertmanager v0.35.0
