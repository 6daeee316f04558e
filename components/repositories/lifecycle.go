package repositories

import (
	"encoding/json"
	"fmt"
)

// untaggedDays is how long ECR keeps an image without a tag, in days: the shortest time that ECR offers. Tags cannot move,
// so only a failed push leaves an image without a tag. The parts of a multi-platform image have no tags either, but ECR
// keeps them for as long as the image itself.
const untaggedDays = 1

// A lifecycle policy in ECR's form ("Lifecycle policy properties", Amazon ECR User Guide).
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

// lifecyclePolicy returns, as JSON, the policy that keeps the newest tagged images. It counts tagged images only, because
// ECR counts each part of a multi-platform image as an image.
func lifecyclePolicy(keep int) (string, error) {
	expire := action{Type: "expire"}
	text, err := json.Marshal(lifecycle{Rules: []lifecycleRule{
		{Priority: 1, Description: "Leftovers of pushes", Action: expire,
			Selection: imageSelection{TagStatus: "untagged", CountType: "sinceImagePushed", CountUnit: "days", CountNumber: untaggedDays}},
		{Priority: 2, Description: fmt.Sprintf("All but the newest %d", keep), Action: expire,
			Selection: imageSelection{TagStatus: "tagged", TagPatterns: []string{"*"}, CountType: "imageCountMoreThan", CountNumber: keep}},
	}})
	return string(text), err
}
