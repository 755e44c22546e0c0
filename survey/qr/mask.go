package qr

// penalty scores a code by the four rules of ISO/IEC 18004, 7.8.3; of the eight masks the
// one with the least is taken, because even patches and false finder patterns are read
// worse.
func penalty(size int, dark func(x, y int) bool) int {
	score, count := 0, 0
	for turn := range 2 {
		at := dark
		if turn == 1 {
			at = func(x, y int) bool { return dark(y, x) }
		}
		for y := range size {
			run := 0
			for x := range size {
				if x > 0 && at(x, y) == at(x-1, y) {
					run++
				} else {
					run = 1
				}
				switch { // five alike in a line, and each more
				case run == 5:
					score += 3
				case run > 5:
					score++
				}
				if x+7 <= size && finder(at, x, y) && (light(at, size, x-4, y) || light(at, size, x+7, y)) {
					score += 40
				}
				if turn == 0 && at(x, y) {
					count++
				}
				if turn == 0 && x > 0 && y > 0 && at(x, y) == at(x-1, y) && at(x, y) == at(x, y-1) && at(x, y) == at(x-1, y-1) {
					score += 3
				}
			}
		}
	}
	off := count*20 - size*size*10 // from a half, in twentieths
	if off < 0 {
		off = -off
	}
	return score + off/(size*size)*10
}

// finder reports whether seven modules look like a line of a finder pattern, 1:1:3:1:1.
func finder(at func(x, y int) bool, x, y int) bool {
	for i, want := range [7]bool{true, false, true, true, true, false, true} {
		if at(x+i, y) != want {
			return false
		}
	}
	return true
}

// light reports whether four modules are light; what is outside is.
func light(at func(x, y int) bool, size, x, y int) bool {
	for i := range 4 {
		if x+i >= 0 && x+i < size && at(x+i, y) {
			return false
		}
	}
	return true
}
