package repositories

import (
	"encoding/json"
	"fmt"
)

// untaggedDays is how long an image without a tag stays, in days: the shortest that ECR offers. As tags cannot move,
// such an image is what a push that failed left behind. ECR keeps the parts of a multi-platform image for as long as
// the image itself, though they have no tags.
const untaggedDays = 1

// A lifecycle policy as ECR reads it ("Lifecycle policy properties", Amazon ECR User Guide).
type (
	lifecycle struct {
		Rules []lifecycleRule `json:"rules"`
	}
	lifecycleRule struct {
		Priority    int            `json:"rulePriority"`
		Description string         `json:"description"`
		Selection   imageSelection `json:"selection"`
		Action      action         `json:"action"`
	}
	imageSelection struct {
		TagStatus   string   `json:"tagStatus"`
		TagPatterns []string `json:"tagPatternList,omitempty"`
		CountType   string   `json:"countType"`
		CountUnit   string   `json:"countUnit,omitempty"`
		CountNumber int      `json:"countNumber"`
	}
	action struct {
		Type string `json:"type"`
	}
)

// lifecyclePolicy is the policy that keeps the newest images, as JSON. It counts tagged images alone: the parts of a
// multi-platform image are images too, and with them counted the last few images pushed could be all that is kept.
func lifecyclePolicy(keep int) (string, error) {
	expire := action{Type: "expire"}
	text, err := json.Marshal(lifecycle{Rules: []lifecycleRule{
		{
			Priority:    1,
			Description: "Leftovers of pushes",
			Selection:   imageSelection{TagStatus: "untagged", CountType: "sinceImagePushed", CountUnit: "days", CountNumber: untaggedDays},
			Action:      expire,
		},
		{
			Priority:    2,
			Description: fmt.Sprintf("All but the newest %d", keep),
			Selection:   imageSelection{TagStatus: "tagged", TagPatterns: []string{"*"}, CountType: "imageCountMoreThan", CountNumber: keep},
			Action:      expire,
		},
	}})
	return string(text), err
}
