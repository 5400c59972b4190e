// Command judge tells what kube-proxy of one Kubernetes minor makes of configurations, by Kubernetes' own decoding,
// defaulting and validation, in the order in which kube-proxy's Complete and Validate call them.
//
// Standard input: one configuration a line, base64. Standard output: one verdict a line, JSON.
package main

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/component-base/featuregate"
	logsapi "k8s.io/component-base/logs/api/v1"
	_ "k8s.io/component-base/logs/json/register"
	metricsfeatures "k8s.io/component-base/metrics/features"
	"k8s.io/kube-proxy/config/v1alpha1"
	"k8s.io/kubernetes/pkg/proxy/apis/config"
	"k8s.io/kubernetes/pkg/proxy/apis/config/scheme"
	"k8s.io/kubernetes/pkg/proxy/apis/config/validation"
)

// verdict is what comes of one configuration.
type verdict struct {
	// Strict holds unknown and duplicate fields: kube-proxy logs them and goes on.
	Strict []string `json:"strict,omitempty"`
	// Fatal holds why kube-proxy exits before it validates: decoding, or a feature gate.
	Fatal string `json:"fatal,omitempty"`
	// Invalid holds what validation refuses, by field.
	Invalid []invalid `json:"invalid,omitempty"`
	// Written is the configuration as kubeadm's encoder writes it, without kubeadm's own additions.
	Written string `json:"written,omitempty"`
}

type invalid struct {
	Field string `json:"field"`
	Type  string `json:"type"`
	Text  string `json:"text"`
}

func main() {
	must(metricsfeatures.AddFeatureGates(utilfeature.DefaultMutableFeatureGate))
	must(logsapi.AddFeatureGates(utilfeature.DefaultMutableFeatureGate))
	if len(os.Args) > 1 && os.Args[1] == "gates" {
		printGates()
		return
	}
	pristine := utilfeature.DefaultMutableFeatureGate.DeepCopy()
	lenient := serializer.NewCodecFactory(scheme.Scheme, serializer.DisableStrict)
	plain := externalCodecs()

	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	lines := bufio.NewReaderSize(os.Stdin, 1<<20)
	for {
		line, err := lines.ReadString('\n')
		if line = strings.TrimSpace(line); line != "" || err == nil {
			data, decodeErr := base64.StdEncoding.DecodeString(line)
			must(decodeErr)
			gates := pristine.DeepCopy()
			// Validation asks the process' gates, so each configuration gets fresh ones.
			utilfeature.DefaultMutableFeatureGate, utilfeature.DefaultFeatureGate = gates, gates
			must(json.NewEncoder(out).Encode(judge(data, lenient, plain)))
		}
		if err != nil {
			return
		}
	}
}

func judge(data []byte, lenient, plain serializer.CodecFactory) (result verdict) {
	result.Written = written(data, plain)
	object, _, err := scheme.Codecs.UniversalDecoder().Decode(data, nil, nil)
	if err != nil && runtime.IsStrictDecodingError(err) {
		strict, _ := runtime.AsStrictDecodingError(err)
		for _, problem := range strict.Errors() {
			result.Strict = append(result.Strict, problem.Error())
		}
		object, _, err = lenient.UniversalDecoder().Decode(data, nil, nil)
	}
	if err != nil {
		result.Fatal = err.Error()
		return result
	}
	configuration, ok := object.(*config.KubeProxyConfiguration)
	if !ok {
		result.Fatal = fmt.Sprintf("not a KubeProxyConfiguration: %T", object)
		return result
	}
	// kube-proxy copies its logging flags over the file's settings: that alone resets splitStream.
	logsapi.AddFlags(&configuration.Logging, pflag.NewFlagSet("", pflag.ContinueOnError))
	applyPlatformDefaults(configuration)
	if err := utilfeature.DefaultMutableFeatureGate.SetFromMap(configuration.FeatureGates); err != nil {
		result.Fatal = err.Error()
		return result
	}
	for _, problem := range validation.Validate(configuration) {
		result.Invalid = append(result.Invalid, invalid{problem.Field, string(problem.Type), problem.ErrorBody()})
	}
	return result
}

// applyPlatformDefaults does what kube-proxy's platformApplyDefaults does on Linux, as far as validation sees it.
func applyPlatformDefaults(configuration *config.KubeProxyConfiguration) {
	if configuration.Mode == "" {
		configuration.Mode = config.ProxyModeIPTables
	}
	if configuration.DetectLocalMode == "" {
		configuration.DetectLocalMode = config.LocalModeClusterCIDR
	}
}

// externalCodecs knows v1alpha1 alone, without defaults and conversion, as kubeadm's does.
func externalCodecs() serializer.CodecFactory {
	external := runtime.NewScheme()
	must(v1alpha1.AddToScheme(external))
	return serializer.NewCodecFactory(external)
}

// written is "" for what kubeadm cannot decode.
func written(data []byte, plain serializer.CodecFactory) string {
	object, err := runtime.Decode(plain.UniversalDeserializer(), data)
	if err != nil {
		return ""
	}
	info, ok := runtime.SerializerInfoForMediaType(plain.SupportedMediaTypes(), runtime.ContentTypeYAML)
	if !ok {
		must(errors.New("no YAML serializer"))
	}
	text, err := runtime.Encode(plain.EncoderForVersion(info.Serializer, v1alpha1.SchemeGroupVersion), object)
	must(err)
	return string(text)
}

// printGates prints every feature gate, by name: its stage, default, whether it can be changed, and the gates that it needs.
func printGates() {
	type gate struct {
		Stage  string                `json:"stage"`
		On     bool                  `json:"on,omitempty"`
		Locked bool                  `json:"locked,omitempty"`
		Needs  []featuregate.Feature `json:"needs,omitempty"`
	}
	all := utilfeature.DefaultMutableFeatureGate.DeepCopy()
	needs := map[featuregate.Feature][]featuregate.Feature{}
	// Since 1.35.
	if known, ok := all.(interface {
		Dependencies() map[featuregate.Feature][]featuregate.Feature
	}); ok {
		needs = known.Dependencies()
	}
	gates := map[featuregate.Feature]gate{}
	for name, spec := range all.GetAll() {
		gates[name] = gate{string(spec.PreRelease), spec.Default, spec.LockToDefault, needs[name]}
	}
	must(json.NewEncoder(os.Stdout).Encode(gates))
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
