package value

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// blockSize is how many items a block has.
const blockSize = 1 << 13

// inBlocks sums n items, of which sum returns what those from one to another have together and add adds that up. Several blocks are
// summed at a time where there are several; they are always the same and are added up in their order, so that rounding does
// not depend on how many.
func inBlocks[T any](n int, sum func(from, to int) T, add func(*T)) {
	blocks := (n + blockSize - 1) / blockSize
	sums := make([]T, blocks)
	var next atomic.Int64
	work := func() {
		for i := int(next.Add(1)) - 1; i < blocks; i = int(next.Add(1)) - 1 {
			sums[i] = sum(i*blockSize, min((i+1)*blockSize, n))
		}
	}
	var others sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), blocks) - 1 {
		others.Go(work)
	}
	work()
	others.Wait()
	for i := range sums {
		add(&sums[i])
	}
}
