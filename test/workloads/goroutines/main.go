// Functions of Go whose calls are hard to time: goroutines that change their thread, stacks that grow and shrink under the call, panics and
// Goexit, which skip returns. Each counts itself; some time themselves.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"sort"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

type figures struct {
	Count int64 `json:"count"`
	P50Ns int64 `json:"p50Ns,omitempty"`
	P90Ns int64 `json:"p90Ns,omitempty"`
	P99Ns int64 `json:"p99Ns,omitempty"`
	// Around the 99th percentile values are rare: what it may be taken for lies between these.
	LowNs  int64 `json:"p98Ns,omitempty"`
	HighNs int64 `json:"p998Ns,omitempty"`
}

type timings struct {
	sync.Mutex
	all []int64
}

// add is called by the callers, so that it takes no time in what is timed.
func (t *timings) add(took time.Duration) {
	t.Lock()
	t.all = append(t.all, took.Nanoseconds())
	t.Unlock()
}

func (t *timings) figures() figures {
	sort.Slice(t.all, func(i, j int) bool { return t.all[i] < t.all[j] })
	at := func(share float64) int64 {
		if len(t.all) == 0 {
			return 0
		}
		return t.all[int(share*float64(len(t.all)-1))]
	}
	return figures{int64(len(t.all)), at(0.5), at(0.9), at(0.99), at(0.98), at(0.998)}
}

var (
	works, wanders                                          timings
	deepened, risked, panicked, healed, left, looped, moved int64
	wrong                                                   int64
)

// work keeps its processor for `micros`, and says how long it did.
//
//go:noinline
func work(micros int) time.Duration {
	began := time.Now()
	until := began.Add(time.Duration(micros) * time.Microsecond)
	for time.Now().Before(until) {
	}
	return time.Since(began)
}

// wander sleeps and yields, and so comes back on another thread.
//
//go:noinline
func wander(micros int) time.Duration {
	began := time.Now()
	thread := syscall.Gettid()
	for turn := 0; turn < 3; turn++ {
		time.Sleep(time.Duration(micros) * time.Microsecond)
		runtime.Gosched()
	}
	if syscall.Gettid() != thread {
		atomic.AddInt64(&moved, 1)
	}
	return time.Since(began)
}

// deepen needs 256 bytes and more of stack at each depth.
//
//go:noinline
func deepen(depth int) int {
	var frame [256]byte
	frame[depth&255] = 1
	atomic.AddInt64(&deepened, 1)
	if depth == 0 {
		return 1
	}
	return deepen(depth-1) + int(frame[depth&255])
}

// risky panics at every third call, so that its caller's deferred function goes on.
//
//go:noinline
func risky(n int) int {
	atomic.AddInt64(&risked, 1)
	if n%3 == 0 {
		atomic.AddInt64(&panicked, 1)
		panic(n)
	}
	return n
}

//go:noinline
func survive(n int) (got int) {
	defer func() {
		if recover() != nil {
			got = -1
		}
	}()
	return risky(n)
}

// heal recovers from its own panic and returns.
//
//go:noinline
func heal(n int) (got int) {
	atomic.AddInt64(&healed, 1)
	defer func() {
		if recover() != nil {
			got = n
		}
	}()
	return risky(3 * n)
}

// leave ends its goroutine.
//
//go:noinline
func leave() {
	atomic.AddInt64(&left, 1)
	runtime.Goexit()
}

// loop has no frame and checks no stack.
//
//go:noinline
func loop(turns int) int {
	sum := 0
	for ; turns > 0; turns-- {
		sum += turns ^ sum
	}
	return sum
}

func each(goroutines int, body func(number int)) {
	var all sync.WaitGroup
	for number := 0; number < goroutines; number++ {
		all.Add(1)
		go func(number int) {
			defer all.Done()
			body(number)
		}(number)
	}
	all.Wait()
}

func round(number int) {
	for turn := 0; turn < 10; turn++ {
		works.add(work(1000 + 10*(number*7%50)))
	}
	each(16, func(n int) { wanders.add(wander(200 + 50*n)) })
	each(8, func(n int) {
		depth := 10 + 40*n
		if deepen(depth) != depth+1 {
			atomic.AddInt64(&wrong, 1)
		}
	})
	each(4, func(int) {
		for n := 0; n < 9; n++ {
			if want := n; survive(n) != want && n%3 != 0 {
				atomic.AddInt64(&wrong, 1)
			}
			if heal(n) != n {
				atomic.AddInt64(&wrong, 1)
			}
		}
	})
	each(4, func(int) { leave() })
	for turns := 0; turns < 5; turns++ {
		loop(turns)
		atomic.AddInt64(&looped, 1)
	}
}

// grow lets stacks grow by copies of many sizes, and the collector shrink them again.
func grow(duration time.Duration) {
	until := time.Now().Add(duration)
	each(4, func(number int) {
		for turn := 0; time.Now().Before(until); turn++ {
			depth := (turn*37 + number*101) % 700
			if deepen(depth) != depth+1 {
				atomic.AddInt64(&wrong, 1)
			}
			if turn%64 == 0 {
				runtime.GC()
			}
			time.Sleep(10 * time.Millisecond)
		}
	})
}

func number(at, otherwise int) int {
	if len(os.Args) <= at {
		return otherwise
	}
	value, err := strconv.Atoi(os.Args[at])
	if err != nil {
		panic(err)
	}
	return value
}

// goroutines --wait ROUNDS [SECONDS]
func main() {
	lines := bufio.NewScanner(os.Stdin)
	rounds, seconds := number(2, 1), number(3, 0)
	fmt.Println("ready", os.Getpid())
	for lines.Scan() {
		for n := 0; n < rounds; n++ {
			round(n)
		}
		grow(time.Duration(seconds) * time.Second)
		answer, _ := json.Marshal(map[string]any{"functions": map[string]any{
			"main.work":    works.figures(),
			"main.wander":  wanders.figures(),
			"main.deepen":  deepened,
			"main.risky":   risked,
			"main.heal":    healed,
			"main.leave":   left,
			"main.loop":    looped,
			"panicked":     panicked,
			"moved":        moved,
			"wrong":        wrong,
			"main.survive": risked - healed,
		}})
		fmt.Println(string(answer))
	}
}
