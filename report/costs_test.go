package report

import (
	"strings"
	"testing"

	"tfserving/preview"
	"tfserving/resource"
)

type object = map[string]any

// stepOf is a step of a resource whose inputs stay the same, if it exists before and after.
func stepOf(op preview.Op, typ string, inputs object) preview.Step {
	s := preview.Step{Op: op, URN: "urn:pulumi:dev::tfserving::" + typ + "::it", Type: typ, Name: "it"}
	if state := (&preview.State{Inputs: inputs, Custom: true}); op == preview.OpForget {
		s.Old = state
	} else if s.New = state; op == preview.OpSame || op == preview.OpUpdate {
		s.Old = state
	}
	return s
}

func TestUnpricedResourcesAreListedNotCountedAsZero(t *testing.T) {
	provider := func(region string) preview.Step {
		return stepOf(preview.OpSame, resource.AWSProvider, object{"region": region})
	}
	for name, test := range map[string]struct {
		steps []preview.Step
		says  []string
	}{
		"a region without prices": {
			[]preview.Step{provider("xx-nowhere-1"), stepOf(preview.OpCreate, resource.NATGateway, object{})},
			[]string{"0.00 and **2 unknown**", "2 things of unknown cost", "xx-nowhere-1"},
		},
		"a region that is known after up": {
			[]preview.Step{provider(resource.Unknown), stepOf(preview.OpCreate, resource.NATGateway, object{})},
			[]string{"and **2 unknown**", "2 things of unknown cost"},
		},
		"an unknown type": {
			[]preview.Step{provider("eu-west-1"), stepOf(preview.OpCreate, "aws:quantum/computer:Computer", object{})},
			[]string{"0.00 and **1 unknown**", "1 thing of unknown cost", "aws:quantum/computer:Computer"},
		},
		"instances that are known after up": {
			[]preview.Step{provider("eu-west-1"), stepOf(preview.OpCreate, resource.NodeGroup, object{"instanceTypes": resource.Unknown, "scalingConfig": object{"minSize": 1.0, "maxSize": 2.0}})},
			[]string{"unknown**", "of unknown cost", "(known after up)"},
		},
		"resources that leave the stack but stay in AWS": {
			[]preview.Step{provider("eu-west-1"), stepOf(preview.OpForget, resource.NATGateway, object{}), stepOf(preview.OpImport, resource.VPC, object{})},
			[]string{"| replace | delete | import | forget |", "| 0 | 0 | 0 | 0 | 1 | **1** |", "**1 resource leaves the stack and stays**", "a month: `it`"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			wantSaid(t, rendered(t, &preview.Preview{Steps: test.steps}, CommentLimit), test.says...)
		})
	}
}

// A failed preview is incomplete, so its bill would be, too.
func TestAFailedPreviewHasNoBill(t *testing.T) {
	p := &preview.Preview{Errors: []preview.Message{{Text: "boom"}}, Steps: []preview.Step{stepOf(preview.OpCreate, resource.NATGateway, object{})}}
	text := rendered(t, p, CommentLimit)
	if strings.Contains(text, "Monthly bill") || !strings.Contains(text, "| unknown |") || !strings.Contains(text, "NatGateway") {
		t.Errorf("it is:\n%s", text)
	}
}
