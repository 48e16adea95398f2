package environment

import (
	_ "net"      // want `environment: import of net`
	_ "net/http" // want `environment: import of net/http`
	"os"
	_ "os/exec" // want `environment: import of os/exec`
	_ "path"
	"runtime"
	_ "syscall" // want `environment: import of syscall`
)

func f() ([]byte, error) {
	_ = os.Getenv("SEED")       // want `environment: os.Getenv`
	_, _ = os.LookupEnv("SEED") // want `environment: os.LookupEnv`
	_ = os.Args                 // want `environment: os.Args`
	_, _ = os.Hostname()        // want `environment: os.Hostname`
	_ = runtime.GOARCH          // want `environment: runtime.GOARCH`
	return os.ReadFile("scenario.toml")
}
