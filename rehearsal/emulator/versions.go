package emulator

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// release is a Kubernetes version of EKS with its release day and the days in UTC on which standard and extended support end. The
// days come from the release calendar of the Amazon EKS User Guide. The emulator has its own list, so that a mistake in the
// program's list (catalog) shows.
type release struct{ version, released, standard, extended string }

var releases = []release{
	{"1.30", "2024-05-23", "2025-07-23", "2026-07-23"},
	{"1.31", "2024-09-26", "2025-11-26", "2026-11-26"},
	{"1.32", "2025-01-23", "2026-03-23", "2027-03-23"},
	{"1.33", "2025-05-29", "2026-07-29", "2027-07-29"},
	{"1.34", "2025-10-02", "2026-12-02", "2027-12-02"},
	{"1.35", "2026-01-27", "2027-03-27", "2028-03-27"},
	{"1.36", "2026-06-02", "2027-08-02", "2028-08-02"},
}

const (
	defaultRelease  = "1.36"
	platformVersion = "eks.1"
)

const (
	standardSupport = "STANDARD_SUPPORT"
	extendedSupport = "EXTENDED_SUPPORT"
	unsupported     = "UNSUPPORTED"
)

func findRelease(version string) *release {
	i := slices.IndexFunc(releases, func(r release) bool { return r.version == version })
	if i < 0 {
		return nil
	}
	return &releases[i]
}

func (r release) minor() int {
	_, minor, _ := strings.Cut(r.version, ".")
	n, err := strconv.Atoi(minor)
	if err != nil {
		panic(err) // the versions are those above
	}
	return n
}

func day(date string) time.Time {
	t, err := time.Parse(time.DateOnly, date)
	if err != nil {
		panic(err) // the dates are those above
	}
	return t
}

func (r release) status() string {
	switch now := time.Now(); {
	case now.Before(day(r.standard)):
		return standardSupport
	case now.Before(day(r.extended)):
		return extendedSupport
	default:
		return unsupported
	}
}

// patch is the release of Kubernetes itself that node images of a version hold.
func (r release) patch() string { return r.version + ".2" }

func (c *eksCall) describeClusterVersions() (any, error) {
	all := []any{}
	for _, r := range slices.Backward(releases) {
		status := r.status()
		wanted := c.query["clusterVersions"]
		if len(wanted) > 0 && !slices.Contains(wanted, r.version) {
			continue
		}
		if len(wanted) == 0 && status == unsupported && c.query.Get("includeAll") != "true" {
			continue
		}
		if s := c.query.Get("versionStatus"); s != "" && s != status {
			continue
		}
		if c.query.Get("defaultOnly") == "true" && r.version != defaultRelease {
			continue
		}
		all = append(all, map[string]any{
			"clusterVersion": r.version, "clusterType": "eks", "defaultPlatformVersion": platformVersion,
			"defaultVersion": r.version == defaultRelease, "releaseDate": day(r.released).Unix(),
			"endOfStandardSupportDate": day(r.standard).Unix(), "endOfExtendedSupportDate": day(r.extended).Unix(),
			"status": strings.ToLower(strings.ReplaceAll(status, "_", "-")), "versionStatus": status, "kubernetesPatchVersion": r.patch(),
		})
	}
	return map[string]any{"clusterVersions": all}, nil
}

// imageDay is the date in the versions of the machine images.
const imageDay = "20261101"

func (r release) imageRelease() string { return fmt.Sprintf("%s-%s", r.patch(), imageDay) }
