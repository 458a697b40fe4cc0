package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/runtime"
	kjson "k8s.io/apimachinery/pkg/runtime/serializer/json"
	nameval "k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"
)

// maxObject is what a cluster's store takes of one object: 1 MiB for the data of a ConfigMap or a Secret, and 1.5 MiB
// for a whole request. The smaller one holds here for every object.
const maxObject = 1 << 20

// customSchema is what one version of a custom resource accepts.
type customSchema struct {
	structural *schema.Structural
	validator  validation.SchemaValidator
}

// validateFiles checks every object in the files and prints the kinds and how many of each there are.
func validateFiles(crds string, files []string, out io.Writer) error {
	schemas, err := readSchemas(crds)
	if err != nil {
		return err
	}
	var errs []error
	kinds := map[string]int{}
	seen := map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		for reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text))); ; {
			document, err := reader.Read()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
			object, err := validateObject(schemas, document)
			switch {
			case err != nil:
				errs = append(errs, fmt.Errorf("%s: %w", file, err))
			case object == "":
			case seen[object]:
				errs = append(errs, fmt.Errorf("%s: %s is defined twice", file, object))
			default:
				kind, _, _ := strings.Cut(object, " ")
				kinds[kind]++
				seen[object] = true
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(kinds)
}

// readSchemas reads the definitions of custom resources, by apiVersion and kind.
func readSchemas(dir string) (map[string]customSchema, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil {
		return nil, err
	}
	schemas := map[string]customSchema{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		var definition apiextensionsv1.CustomResourceDefinition
		if err := yaml.UnmarshalStrict(text, &definition); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		for _, version := range definition.Spec.Versions {
			var internal apiextensions.JSONSchemaProps
			if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(
				version.Schema.OpenAPIV3Schema, &internal, nil); err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
			structural, err := schema.NewStructural(&internal)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
			validator, _, err := validation.NewSchemaValidator(&internal)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
			schemas[definition.Spec.Group+"/"+version.Name+"/"+definition.Spec.Names.Kind] = customSchema{structural, validator}
		}
	}
	return schemas, nil
}

// validateObject checks one object and returns its kind, namespace and name; nothing for an empty document.
func validateObject(schemas map[string]customSchema, document []byte) (string, error) {
	var object map[string]any
	if err := yaml.UnmarshalStrict(document, &object); err != nil || len(object) == 0 {
		return "", err
	}
	var meta struct {
		metav1.TypeMeta   `json:",inline"`
		metav1.ObjectMeta `json:"metadata"`
	}
	if err := yaml.Unmarshal(document, &meta); err != nil {
		return "", err
	}
	id := fmt.Sprintf("%s %s/%s", meta.Kind, meta.Namespace, meta.Name)
	errs := validateMeta(meta.ObjectMeta)
	compact, err := json.Marshal(object)
	if err != nil {
		return "", err
	}
	if len(compact) > maxObject {
		errs = append(errs, fmt.Errorf("has %d bytes; a cluster takes %d", len(compact), maxObject))
	}
	if custom, ok := schemas[meta.APIVersion+"/"+meta.Kind]; ok {
		errs = append(errs, custom.check(object)...)
		if err := decodeNewest(meta.APIVersion+"/"+meta.Kind, compact); err != nil {
			errs = append(errs, err)
		}
		if meta.Kind == "AlertmanagerConfig" {
			for _, whole := range childRoutes(object) {
				errs = append(errs, custom.check(whole)...)
			}
		}
	} else if err := checkTyped(compact); err != nil {
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return "", fmt.Errorf("%s: %w", id, err)
	}
	return id, nil
}

// validateMeta checks the name, the labels and the annotations.
func validateMeta(m metav1.ObjectMeta) []error {
	var errs []error
	for _, fault := range nameval.IsDNS1123Subdomain(m.Name) {
		errs = append(errs, fmt.Errorf("metadata.name: %s", fault))
	}
	for _, fault := range metavalidation.ValidateLabels(m.Labels, field.NewPath("metadata", "labels")) {
		errs = append(errs, fault)
	}
	for key := range m.Annotations {
		for _, fault := range nameval.IsQualifiedName(strings.ToLower(key)) {
			errs = append(errs, fmt.Errorf("metadata.annotations: %s: %s", key, fault))
		}
	}
	return errs
}

// check compares an object with the schema of its custom resource; a field that the cluster would drop is an error.
func (s customSchema) check(object map[string]any) []error {
	var errs []error
	for _, fault := range validation.ValidateCustomResource(nil, object, s.validator) {
		errs = append(errs, fault)
	}
	unknown := pruning.PruneWithOptions(runtime.DeepCopyJSON(object), s.structural, true,
		schema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
	for _, path := range unknown {
		if newer[path] {
			continue
		}
		errs = append(errs, fmt.Errorf("unknown field %s", path))
	}
	return errs
}

// checkTyped decodes an object of Kubernetes itself, strictly.
func checkTyped(text []byte) error {
	serializer := kjson.NewSerializerWithOptions(kjson.DefaultMetaFactory, scheme.Scheme, scheme.Scheme,
		kjson.SerializerOptions{Strict: true})
	object, _, err := serializer.Decode(text, nil, nil)
	if err != nil {
		return err
	}
	if c, ok := object.(*corev1.ConfigMap); ok {
		for key := range c.Data {
			for _, fault := range nameval.IsConfigMapKey(key) {
				return fmt.Errorf("data: %s: %s", key, fault)
			}
		}
	}
	return nil
}
