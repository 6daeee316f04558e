package main

import "strings"

func awsAsUsual() *awsSide {
	// Not sorted: AWS promises no order.
	return &awsSide{caller: deployer, zones: []string{"eu-west-1c", "eu-west-1a", "eu-west-1b"}}
}

// newEKSGraph is the graph of a checked-in stack, with overlay on top of its file, where AWS answers as told.
func newEKSGraph(stack, overlay string, aws *awsSide) (*graph, error) {
	g := &graph{stack: stack}
	var err error
	if g.settings, err = settingsWith("Pulumi."+stack+".yaml", overlay, nil); err != nil {
		return nil, err
	}
	engine := &eksRecorder{aws: aws, region: g.settings.Region}
	err = aws.answering(func() error { return g.run(engine) })
	if kept := g.keep(engine.seen); err == nil {
		err = kept
	}
	g.asked, g.controlPlane = engine.asked, engine.inner
	return g, err
}

// nameOf is the name of the resource with such an id.
func nameOf(id any) string {
	text, _ := id.(string)
	_, name, _ := strings.Cut(text, "/")
	return name
}
