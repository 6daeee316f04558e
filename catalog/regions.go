package catalog

import "regexp"

// regionName is the form of the names in AWS's list of regions ("AWS Regions", AWS General Reference): eu-west-1,
// us-gov-east-1, eusc-de-east-1.
var regionName = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]+)+-\d{1,2}$`)

// IsRegionName returns whether a text has the form of an AWS region's name. AWS may still have no such region.
func IsRegionName(text string) bool { return regionName.MatchString(text) }
