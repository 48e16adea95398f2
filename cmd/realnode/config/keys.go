package config

import (
	"encoding"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/starling-sim/starling/protocol/stack"
	"github.com/starling-sim/starling/scenarios/document"
)

// Key describes a key.
type Key struct {
	// Path is the key with the tables around it: "transport.listen".
	Path string
	// Variable is the name of the variable that overrides it.
	Variable string
	// Doc says what it means; empty for keys of protocols, which their packages
	// describe.
	Doc string
	// Reload says that a change takes effect without a restart.
	Reload bool

	of reflect.Type
}

// prefix begins the names of all variables.
const prefix = "STARLING_"

// Keys lists the keys of configurations, in the order of the file, those of the
// registry's protocols last.
func Keys(r *stack.Registry) []Key {
	keys := keysOf(reflect.TypeFor[Content](), "", nil)
	for _, name := range r.Names() {
		spec, _ := r.Lookup(name)
		t := reflect.TypeOf(spec.NewConfig())
		if t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Struct {
			keys = keysOf(t.Elem(), "protocol."+name, keys)
		}
	}
	return keys
}

func keysOf(t reflect.Type, path string, keys []Key) []Key {
	for _, f := range document.Fields(t) {
		at := document.Join(path, f.Key)
		switch {
		case f.Type.Kind() == reflect.Map: // the protocols
		case f.Type.Kind() == reflect.Struct && !isText(f.Type):
			keys = keysOf(f.Type, at, keys)
		default:
			keys = append(keys, Key{
				Path: at, Variable: variable(at), Doc: f.Tag.Get("doc"), Reload: f.Tag.Get("reload") == "true", of: f.Type,
			})
		}
	}
	return keys
}

func isText(t reflect.Type) bool {
	return reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

// variable returns the name of the variable for a key.
func variable(path string) string {
	return prefix + strings.ToUpper(strings.ReplaceAll(path, ".", "_"))
}

// override puts the values of variables, then those of a command line, into the
// document.
func (d *reading) override(env Environment) {
	keys := Keys(env.Registry)
	for _, entry := range env.Variables {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, prefix) || slices.Contains(env.Foreign, name) {
			continue
		}
		if i := slices.IndexFunc(keys, func(k Key) bool { return k.Variable == name }); i >= 0 {
			d.Override(name, keys[i].Path, keys[i].value(value))
		} else if !isServiceLink(name, value) {
			d.unknownVariable(name, keys)
		}
	}
	for _, a := range env.Set {
		i := slices.IndexFunc(keys, func(k Key) bool { return k.Path == a.Key })
		value := document.ParseValue(a.Value)
		if i >= 0 {
			value = keys[i].value(a.Value)
		}
		d.Override("--set", a.Key, value) // an unknown key is found like one in the file
	}
}

// isServiceLink reports whether a variable is one that Kubernetes makes in every
// pod for every Service of the namespace; one may well be called starling.
func isServiceLink(name, value string) bool {
	return serviceName.MatchString(name) || servicePort.MatchString(name) && strings.Contains(value, "://")
}

var (
	serviceName = regexp.MustCompile(`_SERVICE_HOST$|_SERVICE_PORT(_[A-Z0-9_]+)?$|_PORT_\d+_(TCP|UDP|SCTP)_(PROTO|PORT|ADDR)$`)
	servicePort = regexp.MustCompile(`_PORT(_\d+_(TCP|UDP|SCTP))?$`)
)

func (d *reading) unknownVariable(name string, keys []Key) {
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.Variable
	}
	d.ProblemIn(name, Problem{Message: "unknown variable: it names no key", Nearest: document.Nearest(name, names)})
}

// value reads a value of the key from a text that is not TOML, unless it is a
// list in brackets.
func (k Key) value(text string) any {
	switch {
	case isText(k.of) || k.of.Kind() == reflect.String:
		return text
	case k.of.Kind() == reflect.Slice && k.of.Elem().Kind() == reflect.String && !strings.HasPrefix(strings.TrimSpace(text), "["):
		list := []any{}
		for _, item := range strings.Split(text, ",") {
			if item = strings.TrimSpace(item); item != "" {
				list = append(list, item)
			}
		}
		return list
	}
	return document.ParseValue(text)
}
