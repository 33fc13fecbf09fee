// Auditor is a controller in Go that judges the pods of every namespace by its DevOpsPolicies: client-go's informers, of pods only what is
// read, a typed workqueue, a status and an audit result for each policy, written when they change, and no limit on requests per second.
package main

import (
	"context"
	"flag"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

func main() {
	workers := flag.Int("workers", 32, "policies in work at once")
	tick := flag.Duration("tick", 30*time.Second, "how often every policy is looked at again")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		log.Fatal(err)
	}
	config.QPS, config.UserAgent = -1, "auditor"
	typed := rest.CopyConfig(config)
	typed.ContentType = runtime.ContentTypeProtobuf
	typed.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	pods, err := kubernetes.NewForConfig(typed)
	if err != nil {
		log.Fatal(err)
	}
	policies, err := dynamic.NewForConfig(config)
	if err != nil {
		log.Fatal(err)
	}
	made, err := newController(pods, policies)
	if err != nil {
		log.Fatal(err)
	}
	made.run(ctx, *workers, *tick)
}
