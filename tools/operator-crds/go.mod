module github.com/thorbis/thorbis_exporter/tools/operator-crds

go 1.26.0

// For the CustomResourceDefinitions in their folders; nothing of them is built (Makefile).
require (
	github.com/perses/perses-operator v0.3.2
	github.com/prometheus-operator/prometheus-operator v0.85.0
)
