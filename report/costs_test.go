package report

import (
	"strings"
	"testing"

	"tfserving/preview"
	"tfserving/resource"
)

// What has no price, because of its region or because nobody knows it, is told as unknown and not as nothing.
func TestWhatHasNoPriceIsUnknown(t *testing.T) {
	provider := func(region string) preview.Step {
		return stepOf(preview.OpSame, "pulumi:providers:aws", inputs{"region": region}, inputs{"region": region})
	}
	for name, test := range map[string]struct {
		steps []preview.Step
		says  []string
	}{
		"a region without prices": {
			[]preview.Step{provider("xx-nowhere-1"), stepOf(preview.OpCreate, "aws:ec2/natGateway:NatGateway", nil, inputs{})},
			[]string{"0.00 and **2 unknown**", "2 things of unknown cost", "xx-nowhere-1"},
		},
		"a region that is known after up": {
			[]preview.Step{provider(resource.Unknown), stepOf(preview.OpCreate, "aws:ec2/natGateway:NatGateway", nil, inputs{})},
			[]string{"and **2 unknown**", "2 things of unknown cost"},
		},
		"a type that nobody knows": {
			[]preview.Step{provider("eu-west-1"), stepOf(preview.OpCreate, "aws:quantum/computer:Computer", nil, inputs{})},
			[]string{"0.00 and **1 unknown**", "1 thing of unknown cost", "aws:quantum/computer:Computer"},
		},
		"instances that are known after up": {
			[]preview.Step{provider("eu-west-1"), stepOf(preview.OpCreate, nodeGroup, nil, inputs{"instanceTypes": resource.Unknown, "scalingConfig": inputs{"minSize": 1.0, "maxSize": 2.0}})},
			[]string{"unknown**", "of unknown cost", "(known after up)"},
		},
		"what the stack lets go of": {
			[]preview.Step{provider("eu-west-1"), stepOf(preview.OpForget, "aws:ec2/natGateway:NatGateway", inputs{}, nil), stepOf(preview.OpImport, "aws:ec2/vpc:Vpc", nil, inputs{})},
			[]string{"| replace | delete | import | forget |", "| 0 | 0 | 0 | 0 | 1 | **1** |", "**1 resource leaves the stack and stays**", "a month: `it`"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := Markdown([]Environment{{Name: "dev", Preview: &preview.Preview{Steps: test.steps}}}, Options{At: pricesOf, Limit: CommentLimit})
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range test.says {
				if !strings.Contains(text, want) {
					t.Errorf("it does not say %q:\n%s", want, text)
				}
			}
		})
	}
}

// A preview that failed has no bill: what it did not come to would be missing in it.
func TestAFailedPreviewHasNoBill(t *testing.T) {
	p := &preview.Preview{Errors: []preview.Message{{Text: "boom"}}, Steps: []preview.Step{stepOf(preview.OpCreate, "aws:ec2/natGateway:NatGateway", nil, inputs{})}}
	text, err := Markdown([]Environment{{Name: "dev", Preview: p}}, Options{At: pricesOf, Limit: CommentLimit})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(text, "Monthly bill") || !strings.Contains(text, "| unknown |") || !strings.Contains(text, "NatGateway") {
		t.Errorf("it is:\n%s", text)
	}
}
