package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/blang/semver"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"

	"tfserving/config"
	"tfserving/policy"
)

// version is the pack's, as PulumiPolicy.yaml has it.
var version = semver.MustParse("1.0.0")

// analyzer is the rules as the engine asks for them.
type analyzer struct {
	now func() time.Time

	mu    sync.Mutex
	stack *policy.Stack // nil until the engine has said which
	// seen are the resources of this run as the program asked for them. What the engine gives at the end are their
	// outputs, in which AWS's answers and defaults stand beside what was asked for.
	seen map[resource.URN]policy.Resource
}

var _ plugin.Analyzer = (*analyzer)(nil)

func newAnalyzer(now func() time.Time) *analyzer {
	return &analyzer{now: now, seen: map[resource.URN]policy.Resource{}}
}

// configure tells of the stack, with its settings as the program gets them. Its error lists what is wrong with them.
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

// errNoStack is for an engine that asks without saying for which stack, as `pulumi policy analyze` does: without its
// settings there are no exceptions and no budget.
var errNoStack = errors.New("these policies need the stack's settings, which only `pulumi preview` and `pulumi up` tell them")

func (a *analyzer) Analyze(r plugin.AnalyzerResource) (plugin.AnalyzeResponse, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.stack == nil {
		return plugin.AnalyzeResponse{}, errNoStack
	}
	asked := converted(r)
	a.seen[r.URN] = asked
	return plugin.AnalyzeResponse{Diagnostics: diagnostics(a.stack.Check(asked))}, nil
}

func (a *analyzer) AnalyzeStack(all []plugin.AnalyzerStackResource) (plugin.AnalyzeResponse, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.stack == nil {
		return plugin.AnalyzeResponse{}, errNoStack
	}
	var resources []policy.Resource
	for _, r := range all {
		asked, ok := a.seen[r.URN]
		if !ok { // one that --target left alone
			asked = converted(r.AnalyzerResource)
		}
		resources = append(resources, asked)
	}
	return plugin.AnalyzeResponse{Diagnostics: diagnostics(a.stack.CheckAll(resources))}, nil
}

func diagnostics(violations []policy.Violation) (all []plugin.AnalyzeDiagnostic) {
	for _, v := range violations {
		all = append(all, plugin.AnalyzeDiagnostic{
			PolicyName: v.Rule.Name, PolicyPackName: config.Project, PolicyPackVersion: version.String(),
			// Where Pulumi shows differences, it puts the message right behind the resource's name.
			Description: v.Rule.What, Message: " " + v.Message(), EnforcementLevel: apitype.EnforcementLevel(v.Level), URN: resource.URN(v.URN),
		})
	}
	return all
}

// GetAnalyzerInfo lists the rules. That they take no configuration leaves one way around a rule: an exception.
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

// Remediate changes nothing: what is wrong is the author's to put right.
func (a *analyzer) Remediate(plugin.AnalyzerResource) (plugin.RemediateResponse, error) {
	return plugin.RemediateResponse{}, nil
}

func (a *analyzer) Configure(map[string]plugin.AnalyzerPolicyConfig) error { return nil }
func (a *analyzer) Cancel(context.Context) error                           { return nil }
func (a *analyzer) Close() error                                           { return nil }
