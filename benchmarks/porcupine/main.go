// Checks the histories of a file with Porcupine, each time a line arrives on standard input.
//
// The file has the format of a run's history/*.ndjson; every header begins another history. Prints {"ready":…} when all is
// read, then for each line of input one {"results":"+-…","seconds":…}: a sign a history, and the time of checking alone.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"
)

type line struct {
	Header    *struct{} `json:"header"`
	Process   int       `json:"process"`
	Operation string    `json:"operation"`
	Key       *string   `json:"key"`
	Value     *string   `json:"value"`
	Start     int64     `json:"start"`
	End       *int64    `json:"end"`
	Outcome   string    `json:"outcome"`
}

type kind uint8

const (
	create kind = iota
	update
	remove
	read
)

var kinds = map[string]kind{"create": create, "update": update, "delete": remove, "read": read}

type outcome uint8

const (
	ok outcome = iota
	absent
	unknown
)

var outcomes = map[string]outcome{"ok": ok, "absent": absent, "unknown": unknown}

// What was asked and what came of it: Porcupine's model needs both at once.
type input struct {
	kind    kind
	outcome outcome
	key     int32
	value   int32
}

// The register holds nothing.
const nothing int32 = -1

// The register of orchestrator/checkers/search.ts.
func step(state, in, _ any) (bool, any) {
	held := state.(int32)
	operation := in.(input)
	if operation.outcome == absent {
		return held == nothing, state
	}
	if operation.kind == create {
		return true, operation.value
	}
	if operation.outcome == unknown {
		if held == nothing || operation.kind == read {
			return true, state
		}
	} else if held == nothing || (operation.kind == read && held != operation.value) {
		return false, state
	}
	switch operation.kind {
	case update:
		return true, operation.value
	case remove:
		return true, nothing
	}
	return true, state
}

func byKey(history []porcupine.Operation) [][]porcupine.Operation {
	var partitions [][]porcupine.Operation
	for _, operation := range history {
		key := int(operation.Input.(input).key)
		for key >= len(partitions) {
			partitions = append(partitions, nil)
		}
		partitions[key] = append(partitions[key], operation)
	}
	return partitions
}

var model = porcupine.Model{
	Partition: byKey,
	Init:      func() any { return nothing },
	Step:      step,
	Equal:     func(a, b any) bool { return a.(int32) == b.(int32) },
	Hash:      func(state any) uint64 { return uint64(uint32(state.(int32))) * 0x9e3779b97f4a7c15 },
}

// Numbers texts in the order in which they appear.
type numbers map[string]int32

func (known numbers) of(text *string) int32 {
	if text == nil {
		return nothing
	}
	number, found := known[*text]
	if !found {
		number = int32(len(known))
		known[*text] = number
	}
	return number
}

func load(path string) [][]porcupine.Operation {
	file, err := os.Open(path)
	if err != nil {
		fail(err)
	}
	defer file.Close()
	var histories [][]porcupine.Operation
	keys, values := numbers{}, numbers{}
	lines := bufio.NewScanner(file)
	lines.Buffer(make([]byte, 1<<20), 1<<20)
	for lines.Scan() {
		var parsed line
		if err := json.Unmarshal(lines.Bytes(), &parsed); err != nil {
			fail(err)
		}
		if parsed.Header != nil {
			histories = append(histories, nil)
			keys, values = numbers{}, numbers{}
			continue
		}
		operation := porcupine.Operation{
			ClientId: parsed.Process,
			Input:    input{kinds[parsed.Operation], outcomes[parsed.Outcome], keys.of(parsed.Key), values.of(parsed.Value)},
			Call:     parsed.Start,
			Return:   math.MaxInt64,
		}
		if parsed.End != nil {
			operation.Return = *parsed.End
		}
		last := len(histories) - 1
		histories[last] = append(histories[last], operation)
	}
	if err := lines.Err(); err != nil {
		fail(err)
	}
	return histories
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func main() {
	histories := load(os.Args[1])
	output := json.NewEncoder(os.Stdout)
	output.Encode(map[string]int{"ready": len(histories)})
	commands := bufio.NewScanner(os.Stdin)
	for commands.Scan() {
		runtime.GC()
		var results strings.Builder
		begin := time.Now()
		for _, history := range histories {
			if porcupine.CheckOperations(model, history) {
				results.WriteByte('+')
			} else {
				results.WriteByte('-')
			}
		}
		seconds := time.Since(begin).Seconds()
		output.Encode(map[string]any{"results": results.String(), "seconds": seconds})
	}
}
