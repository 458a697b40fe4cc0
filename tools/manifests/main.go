// Command manifests checks offline what is meant for Kubernetes: it renders Helm charts and kustomizations with the
// libraries of those programs, and compares objects with the schemas of Kubernetes and of custom resources.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

var errUsage = errors.New(`usage:
  manifests validate --crds=DIR FILE...
  manifests lint CHART VALUES...
  manifests template --name=NAME --namespace=NAMESPACE CHART VALUES...
  manifests kustomize DIR`)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run runs the command that the first argument names.
func run(args []string, out io.Writer) error {
	if len(args) == 0 {
		return errUsage
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	crds := flags.String("crds", "", "directory of CustomResourceDefinitions, one a file")
	name := flags.String("name", "release", "name of the release")
	namespace := flags.String("namespace", "default", "namespace of the release")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	rest := flags.Args()
	if len(rest) == 0 {
		return errUsage
	}
	switch args[0] {
	case "validate":
		return validateFiles(*crds, rest, out)
	case "lint":
		return lintChart(rest[0], rest[1:])
	case "template":
		return renderChart(*name, *namespace, rest[0], rest[1:], out)
	case "kustomize":
		return buildKustomization(rest[0], out)
	}
	return errUsage
}
