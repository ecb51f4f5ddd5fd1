// Loads etcd through its own client library: the same concurrency and the same bytes as loadtests/bench.ts, by gRPC.
//
// Each client has one request under way, and asks the nodes in turn: client i begins at node i, so that all are asked equally often.
// Every node has one HTTP/2 connection, as clientv3 keeps it. A warm-up comes first and is dropped. Prints one JSON document:
// operations that were answered, failures, seconds, and the latencies' percentiles in seconds.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

const requestTimeout = 10 * time.Second

// 256 bytes.
var value = strings.Repeat("abcdefghijklmnopqrstuvwxyz012345", 8)

type result struct {
	Operations int     `json:"operations"`
	Failures   int     `json:"failures"`
	Seconds    float64 `json:"seconds"`
	P50Seconds float64 `json:"p50Seconds"`
	P95Seconds float64 `json:"p95Seconds"`
	P99Seconds float64 `json:"p99Seconds"`
	ByNode     []int   `json:"byNode"`
}

// What one client has seen.
type observed struct {
	latencies []time.Duration
	failures  int
	byNode    []int
}

type operation func(ctx context.Context, node *clientv3.Client, client, number int) error

func write(run string) operation {
	return func(ctx context.Context, node *clientv3.Client, client, number int) error {
		_, err := node.Put(ctx, fmt.Sprintf("%s-%d-%d", run, client, number), value)
		return err
	}
}

// Linearizable, which is what Get is unless told otherwise.
func read(keys []string) operation {
	return func(ctx context.Context, node *clientv3.Client, client, number int) error {
		answer, err := node.Get(ctx, keys[(client*7919+number*101)%len(keys)])
		if err == nil && len(answer.Kvs) != 1 {
			err = fmt.Errorf("%d entries where one was written", len(answer.Kvs))
		}
		return err
	}
}

func load(nodes []*clientv3.Client, clients int, duration time.Duration, do operation) result {
	seen := make([]observed, clients)
	var group sync.WaitGroup
	begin := time.Now()
	for client := range clients {
		group.Go(func() {
			mine := observed{byNode: make([]int, len(nodes))}
			for number := 0; time.Since(begin) < duration; number++ {
				node := (client + number) % len(nodes)
				ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
				asked := time.Now()
				err := do(ctx, nodes[node], client, number)
				mine.latencies = append(mine.latencies, time.Since(asked))
				cancel()
				mine.byNode[node]++
				if err != nil {
					mine.failures++
					fmt.Fprintln(os.Stderr, err)
				}
			}
			seen[client] = mine
		})
	}
	group.Wait()
	return summary(seen, len(nodes), time.Since(begin))
}

func summary(seen []observed, nodes int, took time.Duration) result {
	total := result{Seconds: took.Seconds(), ByNode: make([]int, nodes)}
	var latencies []time.Duration
	for _, client := range seen {
		latencies = append(latencies, client.latencies...)
		total.Failures += client.failures
		for node, count := range client.byNode {
			total.ByNode[node] += count
		}
	}
	total.Operations = len(latencies) - total.Failures
	if len(latencies) == 0 {
		return total
	}
	slices.Sort(latencies)
	at := func(share float64) float64 { return latencies[int(share*float64(len(latencies)-1))].Seconds() }
	total.P50Seconds, total.P95Seconds, total.P99Seconds = at(0.5), at(0.95), at(0.99)
	return total
}

func readKeys(file string) []string {
	text, err := os.ReadFile(file)
	check(err)
	// A []byte is base64 in JSON.
	var raw [][]byte
	check(json.Unmarshal(text, &raw))
	keys := make([]string, len(raw))
	for at, key := range raw {
		keys[at] = string(key)
	}
	return keys
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	endpoints := flag.String("endpoints", "", "HOST:PORT of every node, separated by commas")
	kind := flag.String("operation", "write", "write or read")
	keysFile := flag.String("keys", "", "JSON array of the keys to read, in base64")
	run := flag.String("run", "", "prefix of the keys that are written")
	clients := flag.Int("clients", 50, "requests under way at once")
	duration := flag.Duration("duration", 6*time.Second, "what is measured")
	warmUp := flag.Duration("warm-up", time.Second, "what comes before it")
	flag.Parse()

	var nodes []*clientv3.Client
	for _, endpoint := range strings.Split(*endpoints, ",") {
		node, err := clientv3.New(clientv3.Config{Endpoints: []string{endpoint}, DialTimeout: requestTimeout})
		check(err)
		defer node.Close()
		nodes = append(nodes, node)
	}
	warm, do := write(*run+"-warm-up"), write(*run)
	if *kind == "read" {
		keys := readKeys(*keysFile)
		warm, do = read(keys), read(keys)
	}
	load(nodes, *clients, *warmUp, warm)
	check(json.NewEncoder(os.Stdout).Encode(load(nodes, *clients, *duration, do)))
}
