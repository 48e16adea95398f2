package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

func newVersionCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print which Starling this is",
		Example: "  simrun version",
		Args:    wants(0, 0, "none"),
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(a.stdout, "simrun", versionLine())
			return err
		},
	}
}

// versionLine returns the version with the Go release and the platform, none
// of which a trace hash depends on, but which a report of a defect needs.
func versionLine() string {
	return fmt.Sprintf("%s %s %s/%s", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// version returns what the build knows of its origin: the module's version if
// it was installed as one, else the commit, else "devel".
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	return describeBuild(info)
}

func describeBuild(info *debug.BuildInfo) string {
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	revision := settings["vcs.revision"]
	if len(revision) > 12 {
		revision = revision[:12]
	}
	name := info.Main.Version
	if name == "" || name == "(devel)" {
		name = "devel"
	}
	// A version that Go made up from the commit names it already.
	if revision != "" && !strings.Contains(name, revision) {
		name += "-" + revision
	}
	if settings["vcs.modified"] == "true" && !strings.HasSuffix(name, "+dirty") {
		name += "+dirty"
	}
	return name
}
