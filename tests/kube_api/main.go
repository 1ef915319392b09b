// One program that is etcd, kube-apiserver or kube-controller-manager, as its first argument says.
// With kwok beside it, it is a Kubernetes without containers: everything but the kubelet is real.
package main

import (
	"fmt"
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
)

var parts = map[string]func(){
	"etcd":                    func() { etcdmain.Main(os.Args) },
	"kube-apiserver":          func() { os.Exit(cli.Run(apiserver.NewAPIServerCommand())) },
	"kube-controller-manager": func() { os.Exit(cli.Run(controllers.NewControllerManagerCommand())) },
}

func main() {
	if len(os.Args) > 1 {
		if run, known := parts[os.Args[1]]; known {
			os.Args = os.Args[1:] // each part reads the arguments as if it were alone
			run()
			return
		}
	}
	fmt.Fprintln(os.Stderr, "usage: kube-api etcd|kube-apiserver|kube-controller-manager [flags]")
	os.Exit(2)
}
