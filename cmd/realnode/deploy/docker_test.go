package deploy_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// instruction is one of a Dockerfile, with the stage that it is in.
type instruction struct {
	name, args string
	stage      int
}

func dockerfile(t *testing.T) []instruction {
	t.Helper()
	text := strings.ReplaceAll(mustRead(t, "Dockerfile"), "\\\n", " ")
	known := strings.Fields("FROM WORKDIR COPY RUN USER VOLUME EXPOSE STOPSIGNAL ENTRYPOINT CMD ARG ENV LABEL")
	var all []instruction
	stage := -1
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		name, args, _ := strings.Cut(line, " ")
		if !slices.Contains(known, name) {
			t.Fatalf("got instruction %q", line)
		}
		if name == "FROM" {
			stage++
		}
		if stage < 0 {
			t.Fatalf("got %q before FROM", line)
		}
		all = append(all, instruction{name, args, stage})
	}
	return all
}

func TestDockerfile(t *testing.T) {
	all := dockerfile(t)
	last := all[len(all)-1].stage
	if last != 1 {
		t.Fatalf("got %d stages, want one that builds and one that runs", last+1)
	}
	final := map[string]string{}
	build := ""
	for _, i := range all {
		if i.stage == last {
			final[i.name] = i.args
		} else if i.name == "RUN" {
			build += i.args + "\n"
		}
		if from, ok := strings.CutPrefix(i.args, "--from="); ok && !strings.HasPrefix(from, "build ") {
			t.Errorf("got COPY %s, want it from the stage that builds", i.args)
		}
	}
	if !strings.Contains(build, "CGO_ENABLED=0 go build") || !strings.HasSuffix(strings.TrimSpace(strings.Split(build, "\n")[1]), "./cmd/realnode") {
		t.Errorf("got a build by\n%s\nwant a static binary of cmd/realnode", build)
	}
	if user := final["USER"]; !regexp.MustCompile(`^[1-9]\d*:[1-9]\d*$`).MatchString(user) {
		t.Errorf("got USER %s, want the numbers of somebody who is not root", user)
	}
	if _, ok := final["RUN"]; ok {
		t.Error("something runs in the final stage, which has no shell")
	}
	var entry, command []string
	if json.Unmarshal([]byte(final["ENTRYPOINT"]), &entry) != nil || !slices.Equal(entry, []string{"/usr/bin/realnode"}) {
		t.Errorf("got ENTRYPOINT %s", final["ENTRYPOINT"])
	}
	if json.Unmarshal([]byte(final["CMD"]), &command) != nil || !slices.Equal(command, []string{"run", "/etc/starling/node.toml"}) {
		t.Errorf("got CMD %s", final["CMD"])
	}
	for _, port := range []string{"7946/udp", "7946/tcp", "7980/tcp"} {
		if !slices.Contains(strings.Fields(final["EXPOSE"]), port) {
			t.Errorf("got EXPOSE %s, want %s as well", final["EXPOSE"], port)
		}
	}
}

// The image builds with the Go that the module asks for.
func TestDockerfileHasTheModulesGo(t *testing.T) {
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(mustRead(t, "../../../go.mod"))
	first := dockerfile(t)[0].args
	if len(version) != 2 || !strings.HasPrefix(first, "golang:"+version[1]) {
		t.Errorf("got FROM %s, want Go %v", first, version)
	}
}
