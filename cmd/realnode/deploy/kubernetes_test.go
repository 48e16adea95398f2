package deploy_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/starling-sim/starling/cmd/realnode/config"
)

// The parts of Kubernetes' objects that are looked at, or are there to be
// refused if they are misspelled: what a struct below does not know is an error.
type (
	metadata struct {
		Name                string
		Labels, Annotations map[string]string
	}
	selector struct {
		MatchLabels map[string]string `yaml:"matchLabels"`
	}
	port struct {
		Name, Protocol string
		Port           int
		TargetPort     string `yaml:"targetPort"`
		ContainerPort  int    `yaml:"containerPort"`
	}
	probe struct {
		HTTPGet          struct{ Path, Port string } `yaml:"httpGet"`
		PeriodSeconds    int                         `yaml:"periodSeconds"`
		TimeoutSeconds   int                         `yaml:"timeoutSeconds"`
		FailureThreshold int                         `yaml:"failureThreshold"`
	}
	variable struct {
		Name, Value string
		ValueFrom   struct {
			FieldRef struct {
				FieldPath string `yaml:"fieldPath"`
			} `yaml:"fieldRef"`
		} `yaml:"valueFrom"`
	}
	container struct {
		Name, Image    string
		Args           []string
		Env            []variable
		Ports          []port
		StartupProbe   *probe `yaml:"startupProbe"`
		LivenessProbe  *probe `yaml:"livenessProbe"`
		ReadinessProbe *probe `yaml:"readinessProbe"`
		Resources      struct {
			Requests, Limits map[string]string
		}
		SecurityContext struct {
			AllowPrivilegeEscalation *bool `yaml:"allowPrivilegeEscalation"`
			ReadOnlyRootFilesystem   bool  `yaml:"readOnlyRootFilesystem"`
			Capabilities             struct{ Drop []string }
		} `yaml:"securityContext"`
		VolumeMounts []struct {
			Name      string
			MountPath string `yaml:"mountPath"`
			ReadOnly  bool   `yaml:"readOnly"`
		} `yaml:"volumeMounts"`
	}
	podSpec struct {
		AutomountToken  *bool `yaml:"automountServiceAccountToken"`
		ServiceLinks    *bool `yaml:"enableServiceLinks"`
		Grace           int   `yaml:"terminationGracePeriodSeconds"`
		SecurityContext struct {
			RunAsNonRoot        bool              `yaml:"runAsNonRoot"`
			RunAsUser           int               `yaml:"runAsUser"`
			RunAsGroup          int               `yaml:"runAsGroup"`
			FSGroup             int               `yaml:"fsGroup"`
			FSGroupChangePolicy string            `yaml:"fsGroupChangePolicy"`
			Seccomp             map[string]string `yaml:"seccompProfile"`
		} `yaml:"securityContext"`
		Spread     []map[string]any `yaml:"topologySpreadConstraints"`
		Containers []container
		Volumes    []struct {
			Name      string
			ConfigMap struct{ Name string } `yaml:"configMap"`
			Secret    struct {
				SecretName  string `yaml:"secretName"`
				DefaultMode int    `yaml:"defaultMode"`
			}
		}
	}
	object struct {
		APIVersion string `yaml:"apiVersion"`
		Kind       string
		Metadata   metadata
		Data       map[string]string
		Spec       yaml.Node
	}
	serviceSpec struct {
		ClusterIP string `yaml:"clusterIP"`
		NotReady  bool   `yaml:"publishNotReadyAddresses"`
		Selector  map[string]string
		Ports     []port
	}
	budgetSpec struct {
		MaxUnavailable int `yaml:"maxUnavailable"`
		Selector       selector
	}
	statefulSetSpec struct {
		ServiceName string `yaml:"serviceName"`
		Replicas    int
		Policy      string `yaml:"podManagementPolicy"`
		Selector    selector
		Template    struct {
			Metadata metadata
			Spec     podSpec
		}
		Claims []struct {
			Metadata metadata
			Spec     map[string]any
		} `yaml:"volumeClaimTemplates"`
	}
)

// manifests are the documents of kubernetes.yaml.
type manifests struct {
	config  object
	service serviceSpec
	budget  budgetSpec
	set     statefulSetSpec
}

func mustManifests(t *testing.T) manifests {
	t.Helper()
	decoder := yaml.NewDecoder(strings.NewReader(mustRead(t, "kubernetes.yaml")))
	decoder.KnownFields(true)
	var m manifests
	var kinds []string
	for {
		var o object
		err := decoder.Decode(&o)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		kinds = append(kinds, o.APIVersion+" "+o.Kind)
		if o.Metadata.Name != "starling" {
			t.Errorf("%s: got name %q", o.Kind, o.Metadata.Name)
		}
		switch o.Kind {
		case "ConfigMap":
			m.config = o
		case "Service":
			mustSpec(t, o, &m.service)
		case "PodDisruptionBudget":
			mustSpec(t, o, &m.budget)
		case "StatefulSet":
			mustSpec(t, o, &m.set)
		}
	}
	if want := []string{"v1 ConfigMap", "v1 Service", "policy/v1 PodDisruptionBudget", "apps/v1 StatefulSet"}; !slices.Equal(kinds, want) {
		t.Fatalf("got %q, want %q", kinds, want)
	}
	return m
}

// mustSpec decodes strictly, which a node by itself does not.
func mustSpec(t *testing.T, o object, into any) {
	t.Helper()
	text, err := yaml.Marshal(&o.Spec)
	if err != nil {
		t.Fatal(err)
	}
	decoder := yaml.NewDecoder(strings.NewReader(string(text)))
	decoder.KnownFields(true)
	if err := decoder.Decode(into); err != nil {
		t.Fatalf("%s: %v", o.Kind, err)
	}
}

func TestManifestsBelongTogether(t *testing.T) {
	m := mustManifests(t)
	pods := m.set.Template.Metadata.Labels
	for what, labels := range map[string]map[string]string{
		"Service": m.service.Selector, "PodDisruptionBudget": m.budget.Selector.MatchLabels, "StatefulSet": m.set.Selector.MatchLabels,
	} {
		if len(labels) == 0 {
			t.Errorf("%s selects everything", what)
		}
		for key, value := range labels {
			if pods[key] != value {
				t.Errorf("%s selects %s=%s, pods have %q", what, key, value, pods[key])
			}
		}
	}
	if m.set.ServiceName != "starling" || m.service.ClusterIP != "None" || !m.service.NotReady {
		t.Error("want a headless Service that finds pods before they are ready")
	}
	if m.budget.MaxUnavailable < 1 || m.budget.MaxUnavailable >= m.set.Replicas {
		t.Errorf("got maxUnavailable %d of %d", m.budget.MaxUnavailable, m.set.Replicas)
	}
	c := m.set.Template.Spec.Containers[0]
	for _, p := range m.service.Ports {
		if at, ok := containerPort(c, p.TargetPort); !ok || at.ContainerPort != p.Port || at.Protocol != p.Protocol {
			t.Errorf("Service port %s: got %+v in the container", p.Name, at)
		}
	}
	for name, p := range map[string]*probe{"startup": c.StartupProbe, "liveness": c.LivenessProbe, "readiness": c.ReadinessProbe} {
		if p == nil {
			t.Errorf("no %s probe", name)
			continue
		}
		want := "/livez"
		if name == "readiness" {
			want = "/readyz"
		}
		if at, ok := containerPort(c, p.HTTPGet.Port); !ok || at.Protocol != "TCP" || at.ContainerPort != 7980 || p.HTTPGet.Path != want {
			t.Errorf("%s probe: got %+v at port %+v, want %s at 7980", name, p.HTTPGet, at, want)
		}
	}
	if got := m.set.Template.Metadata.Annotations["prometheus.io/port"]; got != "7980" {
		t.Errorf("got metrics at port %s, want 7980", got)
	}
}

func containerPort(c container, name string) (port, bool) {
	i := slices.IndexFunc(c.Ports, func(p port) bool { return p.Name == name })
	if i < 0 {
		return port{}, false
	}
	return c.Ports[i], true
}

// The configuration in the ConfigMap, with the container's variables, is right
// and fits the pod around it.
func TestManifestsFitTheirConfiguration(t *testing.T) {
	m := mustManifests(t)
	pod := m.set.Template.Spec
	c := pod.Containers[0]
	node := mustConfigOf(t, m)
	if len(c.Args) != 2 || c.Args[0] != "run" || !mounted(c, "config", "/etc/starling/config") || c.Args[1] != "/etc/starling/config/node.toml" {
		t.Errorf("got args %q", c.Args)
	}
	if grace := time.Duration(pod.Grace) * time.Second; grace <= node.Node.LeaveTimeout.Std() {
		t.Errorf("got %v to terminate, want more than leave_timeout, %v", grace, node.Node.LeaveTimeout)
	}
	gossip, _ := containerPort(c, "gossip")
	if listen, err := node.ListenAddr(); err != nil || int(listen.Port()) != gossip.ContainerPort || gossip.Protocol != "UDP" || node.Transport.Kind != "wireguard" {
		t.Errorf("got %s at %s and port %+v", node.Transport.Kind, node.Transport.Listen, gossip)
	}
	_, health, _ := net.SplitHostPort(node.Observe.Listen)
	if at, _ := containerPort(c, "health"); strconv.Itoa(at.ContainerPort) != health {
		t.Errorf("got health at %s and port %+v", node.Observe.Listen, at)
	}
	if !mounted(c, "data", node.Node.DataDir) || len(m.set.Claims) != 1 || m.set.Claims[0].Metadata.Name != "data" {
		t.Errorf("nothing is kept: %s is on no volume", node.Node.DataDir)
	}
	if !mounted(c, "secret", "/etc/starling/secret") || node.WireGuard.ClusterSecretFile != "/etc/starling/secret/cluster-secret" {
		t.Errorf("got cluster secret %s", node.WireGuard.ClusterSecretFile)
	}
	for i, seed := range node.Node.Seeds {
		if want := fmt.Sprintf("starling-%d.%s:%d", i, m.set.ServiceName, gossip.ContainerPort); seed != want || i >= m.set.Replicas {
			t.Errorf("got seed %s, want %s", seed, want)
		}
	}
	if node.Admin.Listen == "off" {
		t.Error("realnode members would not work in a pod")
	}
}

// mustConfigOf reads the configuration as a pod does.
func mustConfigOf(t *testing.T, m manifests) *config.Config {
	t.Helper()
	fields := map[string]string{"status.podIP": "10.1.2.3", "metadata.name": "starling-0"}
	values := map[string]string{}
	var variables []string
	for _, v := range m.set.Template.Spec.Containers[0].Env {
		value := v.Value
		if field := v.ValueFrom.FieldRef.FieldPath; field != "" {
			if value = fields[field]; value == "" {
				t.Errorf("%s: got field %s", v.Name, field)
			}
		}
		for name, earlier := range values {
			value = strings.ReplaceAll(value, "$("+name+")", earlier)
		}
		values[v.Name] = value
		variables = append(variables, v.Name+"="+value)
	}
	c, err := config.Parse("node.toml", []byte(m.config.Data["node.toml"]), environment(t, variables...))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := c.AdvertiseAddr(); err != nil || got.String() != "10.1.2.3:7946" {
		t.Errorf("others are told %s, want the pod's address", got)
	}
	if c.Node.Name != "starling-0" || c.Node.MaxMemory == 0 {
		t.Errorf("got name %q and memory %s", c.Node.Name, c.Node.MaxMemory)
	}
	return c
}

func mounted(c container, name, at string) bool {
	for _, m := range c.VolumeMounts {
		if m.Name == name && m.MountPath == at {
			return m.ReadOnly == (name != "data")
		}
	}
	return false
}

func TestPodsMayDoLittle(t *testing.T) {
	pod := mustManifests(t).set.Template.Spec
	s, c := pod.SecurityContext, pod.Containers[0].SecurityContext
	if !s.RunAsNonRoot || s.RunAsUser == 0 || s.Seccomp["type"] != "RuntimeDefault" {
		t.Errorf("got %+v", s)
	}
	if s.FSGroup != s.RunAsGroup || s.FSGroupChangePolicy != "OnRootMismatch" {
		t.Errorf("got %+v: the key file would become readable for the group", s)
	}
	if c.AllowPrivilegeEscalation == nil || *c.AllowPrivilegeEscalation || !c.ReadOnlyRootFilesystem || !slices.Equal(c.Capabilities.Drop, []string{"ALL"}) {
		t.Errorf("got %+v", c)
	}
	if pod.AutomountToken == nil || *pod.AutomountToken || pod.ServiceLinks == nil || *pod.ServiceLinks {
		t.Error("want neither a token for the API nor variables of Services")
	}
	for _, v := range pod.Volumes {
		if v.Secret.SecretName != "" && v.Secret.DefaultMode&0o007 != 0 {
			t.Errorf("volume %s: got mode %#o, want nothing for others", v.Name, v.Secret.DefaultMode)
		}
	}
}
