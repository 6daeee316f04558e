package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/blang/semver"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	presource "github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"

	"tfserving/config"
	"tfserving/policy"
	"tfserving/resource"
)

// version is the version of the pack, the same as in PulumiPolicy.yaml.
var version = semver.MustParse("1.0.0")

// analyzer runs the rules for Pulumi's engine.
type analyzer struct {
	now func() time.Time

	mu    sync.Mutex
	stack *policy.Stack // nil until the engine configures it
	// inputs are the resources of this run with their inputs. At the end the engine passes their outputs, which also have
	// AWS's defaults.
	inputs map[presource.URN]resource.Resource
}

var _ plugin.Analyzer = (*analyzer)(nil)

func newAnalyzer(now func() time.Time) *analyzer {
	return &analyzer{now: now, inputs: map[presource.URN]resource.Resource{}}
}

// configure sets the stack and its settings. It fails with a list of all mistakes in the settings.
func (a *analyzer) configure(stack string, settings map[string]string) error {
	decoded, err := config.Decode(settings)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stack = &policy.Stack{Name: stack, Settings: decoded, Now: a.now()}
	return nil
}

// errNoStack is the error of `pulumi policy analyze`, which configures no stack: without settings, exceptions and budget are
// unknown.
var errNoStack = errors.New("these policies need the stack's settings, which only `pulumi preview` and `pulumi up` pass to them")

func (a *analyzer) Analyze(r plugin.AnalyzerResource) (plugin.AnalyzeResponse, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.stack == nil {
		return plugin.AnalyzeResponse{}, errNoStack
	}
	converted := convert(r)
	a.inputs[r.URN] = converted
	return plugin.AnalyzeResponse{Diagnostics: diagnostics(a.stack.Check(converted))}, nil
}

func (a *analyzer) AnalyzeStack(all []plugin.AnalyzerStackResource) (plugin.AnalyzeResponse, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.stack == nil {
		return plugin.AnalyzeResponse{}, errNoStack
	}
	var resources []resource.Resource
	for _, r := range all {
		converted, ok := a.inputs[r.URN]
		if !ok { // excluded by --target
			converted = convert(r.AnalyzerResource)
		}
		resources = append(resources, converted)
	}
	return plugin.AnalyzeResponse{Diagnostics: diagnostics(a.stack.CheckAll(resources))}, nil
}

func diagnostics(violations []policy.Violation) (all []plugin.AnalyzeDiagnostic) {
	for _, v := range violations {
		all = append(all, plugin.AnalyzeDiagnostic{
			PolicyName: v.Rule.Name, PolicyPackName: config.Project, PolicyPackVersion: version.String(),
			// When Pulumi shows differences, it writes the message directly after the resource's name.
			Description: v.Rule.What, Message: " " + v.Message(), EnforcementLevel: apitype.EnforcementLevel(v.Level), URN: presource.URN(v.URN),
		})
	}
	return all
}

// GetAnalyzerInfo lists the rules. They take no configuration, so an exception is the only way around a rule.
func (a *analyzer) GetAnalyzerInfo() (plugin.AnalyzerInfo, error) {
	info := plugin.AnalyzerInfo{Name: config.Project, Version: version.String()}
	for _, r := range policy.Rules {
		kind := plugin.AnalyzerPolicyTypeResource
		if r.WholeStack() {
			kind = plugin.AnalyzerPolicyTypeStack
		}
		info.Policies = append(info.Policies, plugin.AnalyzerPolicyInfo{
			Name: r.Name, Description: r.What, Message: r.Reason, RemediationSteps: r.Fix, Type: kind,
			EnforcementLevel: apitype.EnforcementLevel(r.Level),
		})
	}
	return info, nil
}

func (a *analyzer) Name() tokens.QName { return config.Project }

func (a *analyzer) GetPluginInfo() (plugin.PluginInfo, error) {
	return plugin.PluginInfo{Version: &version}, nil
}

// Remediate changes nothing.
func (a *analyzer) Remediate(plugin.AnalyzerResource) (plugin.RemediateResponse, error) {
	return plugin.RemediateResponse{}, nil
}

func (a *analyzer) Configure(map[string]plugin.AnalyzerPolicyConfig) error { return nil }
func (a *analyzer) Cancel(context.Context) error                           { return nil }
func (a *analyzer) Close() error                                           { return nil }
